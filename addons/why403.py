"""mitmproxy's entry to why403: `mitmweb -s "$(why403 addon-path)"`. Nothing is decided here.

The diagnosis comes last, so that it sees what the browser is given and not what it was meant to
be given.
"""

from addons.diagnose import Diagnose
from addons.livepage import LivePage
from addons.selftest import SelfTest
from addons.whatif import WhatIf

addons = [WhatIf(), SelfTest(), LivePage(), Diagnose()]
