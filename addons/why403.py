"""mitmproxy's entry to why403: `mitmweb -s "$(why403 addon-path)"`. Nothing is decided here.

The diagnosis comes last, so that it sees what the browser is given and not what it was meant to
be given.
"""

import gc

from addons.diagnose import Diagnose
from addons.livepage import LivePage
from addons.selftest import SelfTest
from addons.together import Together
from addons.whatif import WhatIf

addons = [Together(WhatIf(), SelfTest(), LivePage(), Diagnose())]

# mitmproxy asks this module too for the hooks of every flow. In Python 3.11 a module takes twenty
# times as long to say that it lacks a name as to say that it is None.
requestheaders = request = responseheaders = response = update = None


def running() -> None:
    """What is here now stays: the garbage collector need not walk over it time and again."""
    gc.collect()
    gc.freeze()
