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

together = Together(WhatIf(), SelfTest(), LivePage(), Diagnose())

# mitmproxy asks this module for the hooks of every flow, and then each addon that it lists. In
# Python 3.11 a module takes twenty times as long to say that it lacks a name as to say that it is
# empty. So the hooks stand here themselves, and what nobody has is None.
requestheaders = update = None
globals().update(together.hooks)
addons: list[object] = []


def running() -> None:
    """All that is here now stays: the garbage collector need not walk over it again and again."""
    together.hooks["running"]()
    gc.collect()
    gc.freeze()
