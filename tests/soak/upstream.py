"""mitmproxy script: the far end of the soak, a provider and sites out of a ticket that also lose
connections.

As `addons/emulate.py`, but a request with `cut=server` in its query is answered by hanging up, and
one to the loopback server (the WebSockets) is passed on.
"""

from __future__ import annotations

from mitmproxy import http

from addons.emulate import Emulate


class Upstream(Emulate):
    def request(self, flow: http.HTTPFlow) -> None:
        if flow.request.host == "127.0.0.1":
            return
        if "cut=server" in flow.request.path and flow.killable:
            flow.kill()
            return
        super().request(flow)


addons = [Upstream()]
