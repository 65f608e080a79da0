"""mitmproxy addon: an emulated provider beside the real servers of this machine, and no network.

The provider, and whatever else a ticket describes, is answered out of the ticket; pages on
localhost come from their own servers. A connection to any other machine is refused.

    mitmdump -s addons/beside.py --set why403_ticket=fixtures/tickets/helmet-gl3-chromium.yaml \\
             --set connection_strategy=lazy --set upstream_cert=false
"""

from __future__ import annotations

from mitmproxy import http
from mitmproxy.proxy import server_hooks

from addons.emulate import Emulate
from diagnostics.live.scope import is_loopback


class Beside(Emulate):
    """Answers what the ticket describes; this machine's own servers answer the rest."""

    name = "why403_beside"

    def request(self, flow: http.HTTPFlow) -> None:
        if self.world is not None and self.world.knows(flow.request.pretty_url):
            super().request(flow)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        address = data.server.address
        if address is not None and not is_loopback(address[0]) and data.server.error is None:
            super().server_connect(data)


addons = [Beside()]
