"""mitmproxy addon: http://why403.test/selftest in the proxied browser.

Answers for the self-test's hosts, which exist only inside the proxy, and hands what it found to
the diagnosis. The test itself stands in `diagnostics.live.selftest` and `selftest_site`.

    mitmdump -s addons/selftest.py
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from mitmproxy import ctx, http
from mitmproxy.proxy import server_hooks

from addons.hosted import reply_to
from diagnostics.live import own_site
from diagnostics.live.selftest import Result
from diagnostics.live.selftest_site import SelfTestSite

_log = logging.getLogger(__name__)


class SelfTest:
    """Serves the self-test's pages, and tells the diagnosis what it found."""

    name = "why403_selftest"

    def __init__(self) -> None:
        self._site = SelfTestSite(self._found)
        #: Called when there is a new result.
        self.observers: list[Callable[[], None]] = []

    @property
    def result(self) -> Result | None:
        """The newest result; None until the page was opened."""
        return self._site.result

    def request(self, flow: http.HTTPFlow) -> None:
        reply_to(flow, self._site.answer)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Our hosts exist nowhere: no name is looked up, no connection is tried."""
        address = data.server.address
        if address is not None and own_site.is_own(address[0]):
            data.server.error = "this host exists only inside the proxy, on http"

    def _found(self, result: Result) -> None:
        _log.info("self-test: %s", result.says)
        diagnose = ctx.master.addons.get("why403")  # type: ignore[no-untyped-call]
        if diagnose is not None:
            diagnose.self_test = result.self_test
        for observer in self.observers:
            observer()


addons = [SelfTest()]
