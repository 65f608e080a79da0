"""mitmproxy addon: answer every request out of a ticket, so that no network is needed.

    mitmdump -s addons/emulate.py --set why403_ticket=fixtures/tickets/helmet-gl3-chromium.yaml \\
             --set connection_strategy=lazy --set upstream_cert=false

What is answered stands in `diagnostics.live.world`; this file translates flows. A host that the
ticket does not describe (a browser's own background traffic) gets an empty 204.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy import server_hooks

from addons.hosted import option_error, put, request_of
from diagnostics import ticket as tickets  # its `load` would pass for a hook of this script
from diagnostics.capture.flowfile import url_of
from diagnostics.live.world import CONTROL_HOST, World
from diagnostics.provider.emulated import is_provider


class Emulate:
    """Answers every request out of the ticket, and lets no connection be made."""

    name = "why403_emulate"

    def __init__(self) -> None:
        self.world: World | None = None
        self._log: TextIO | None = None

    def load(self, loader: Loader) -> None:
        loader.add_option("why403_ticket", str, "", "Answer every request out of this ticket.")
        loader.add_option(
            "why403_libraries", str, "", "Folder of unpacked map libraries (mapbox-gl-3.9.0, ...)."
        )
        loader.add_option(
            "why403_log", str, "", "Write one JSON line here for the start and for each answer."
        )

    def configure(self, updated: set[str]) -> None:
        options = ctx.options
        if {"why403_ticket", "why403_libraries"} & updated:
            self.world = None
            if options.why403_ticket:
                try:
                    ticket = tickets.load(Path(options.why403_ticket))
                except tickets.TicketError as error:
                    raise option_error(str(error)) from None
                folder = Path(options.why403_libraries) if options.why403_libraries else None
                self.world = World(ticket, folder)
        if "why403_log" in updated:
            self.done()
            if options.why403_log:
                try:
                    self._log = Path(options.why403_log).open("w", encoding="utf-8")  # noqa: SIM115
                except OSError as error:
                    says = f"why403_log: {options.why403_log}: {error.strerror}"
                    raise option_error(says) from None

    def running(self) -> None:
        proxy = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
        if proxy is not None:
            self._write({"listening": [list(address)[:2] for address in proxy.listen_addrs()]})

    def done(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None

    def request(self, flow: http.HTTPFlow) -> None:
        if self.world is None or flow.response is not None:
            return
        if is_provider(flow.request.pretty_host):
            for name in self.world.ticket.client.strip:
                flow.request.headers.pop(name, None)
        reply = self.world.answer(request_of(flow))
        if reply is None:
            flow.response = http.Response.make(204)
            return
        put(flow, reply)
        if flow.request.pretty_host != CONTROL_HOST:
            self._write(
                {
                    "method": flow.request.method,
                    "url": url_of(flow.request),
                    "status": reply.status,
                    "referer": flow.request.headers.get("referer"),
                }
            )

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        """Refuse every connection: what is no HTTP would be passed on to where it wants to go."""
        data.server.error = "no network: the answers are emulated"

    def _write(self, line: object) -> None:
        if self._log is not None:
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()


addons = [Emulate()]
