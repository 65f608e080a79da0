"""mitmproxy addon: tells a capture what stands in its way, and which hosts belong to the page.

Thin glue over `diagnostics.live.obstacles` and `scope`; made by `why403 capture`, which loads it
last, for it changes what mitmproxy's own TLS addon has prepared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mitmproxy import connection, ctx, http, tls
from mitmproxy.proxy import server_hooks
from OpenSSL import SSL

from diagnostics.browser import html
from diagnostics.browser.url import join
from diagnostics.capture.flowfile import url_of
from diagnostics.live.embedded import UNREAD
from diagnostics.live.obstacles import Obstacles
from diagnostics.live.own_site import is_own
from diagnostics.live.scope import Scope, is_loopback, is_provider

_LONGEST_PAGE = 2_000_000  # bytes; frames stand in pages that people wrote


class Watch:
    """Tells a capture's obstacles what happens to its connections, and reads what is in scope."""

    name = "why403_watch"

    def __init__(self, scope: Scope, obstacles: Obstacles, note: Callable[[str], None]) -> None:
        self.ready = asyncio.Event()
        self._scope = scope
        self._obstacles = obstacles
        self._note = note
        self._document_seen = False
        #: Our own ends of connections that lead back to this proxy.
        self._to_itself: set[tuple[Any, ...]] = set()

    def running(self) -> None:
        self.ready.set()

    def client_connected(self, client: connection.Client) -> None:
        self._obstacles.client_connected()

    def http_connect(self, flow: http.HTTPFlow) -> None:
        self._obstacles.tunnel(flow.request.host, flow.request.port)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """mitmproxy reads what any one of a connection's names allows; here all have to."""
        address = data.context.server.address
        if address is not None and not self._scope.reads(
            address[0], data.client_hello.sni, address[1]
        ):
            data.ignore_connection = True
            self._obstacles.passed_unread(address[0])

    def tls_established_client(self, data: tls.TlsData) -> None:
        self._obstacles.trusted(_host_of(data))

    def tls_failed_client(self, data: tls.TlsData) -> None:
        now = asyncio.get_running_loop().time()
        error = data.conn.error or ""
        self._say(self._obstacles.handshake_failed(_host_of(data), error, now))

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        """A name that resolves to this proxy would have it ask itself, again and again; mitmproxy
        knows only some of its names."""
        server = data.server
        if server.peername is not None and server.sockname is not None:
            proxy: Any = ctx.master.addons.get("proxyserver")  # type: ignore[no-untyped-call]
            if server.peername[:2] in [address[:2] for address in proxy.listen_addrs()]:
                self._to_itself.add(server.sockname[:2])

    def server_disconnected(self, data: server_hooks.ServerConnectionHookData) -> None:
        if data.server.sockname is not None:
            self._to_itself.discard(data.server.sockname[:2])

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._server_failed(data.server)

    def tls_failed_server(self, data: tls.TlsData) -> None:
        if isinstance(data.conn, connection.Server):
            self._server_failed(data.conn)

    def tls_start_server(self, data: tls.TlsData) -> None:
        """A server on this machine may have a certificate that it signed itself."""
        server = data.conn
        if not isinstance(server, connection.Server) or data.ssl_conn is None:
            return
        host = server.address[0] if server.address else ""
        if not is_loopback(host):
            return

        def accept(_: SSL.Connection, __: object, ___: int, ____: int, ok: int) -> bool:
            if not ok:
                self._say(self._obstacles.unchecked(host))
            return True

        data.ssl_conn.set_verify(SSL.VERIFY_PEER, accept)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Plain http cannot pass unread; of a host that is not to be read nothing is saved."""
        request = flow.request
        if self._to_itself and flow.client_conn.peername[:2] in self._to_itself:
            flow.response = http.Response.make(508, b"The proxy was asked for itself.")
            flow.metadata[UNREAD] = True
            return
        if not self._scope.reads(request.host, request.pretty_host, request.port):
            flow.metadata[UNREAD] = True

    def response(self, flow: http.HTTPFlow) -> None:
        host = flow.request.pretty_host
        if flow.response is None or is_own(host):
            return
        self._obstacles.answered(host)
        if is_provider(host):
            self._learn(flow.request.headers.get("referer"), tell=True)
        elif not self._scope.everything:
            self._learn_from_page(flow, flow.response)

    def _learn_from_page(self, flow: http.HTTPFlow, response: http.Response) -> None:
        """The hosts of a page's frames, and where the first page's redirects lead."""
        if not self._scope.covers(flow.request.pretty_host, flow.request.port):
            return
        if 300 <= response.status_code < 400 and not self._document_seen:
            target = response.headers.get("location", "")
            self._learn(join(url_of(flow.request), target))
        if "html" not in response.headers.get("content-type", "").lower():
            return
        self._document_seen = True
        if len(response.raw_content or b"") > _LONGEST_PAGE:
            return
        text = response.get_text(strict=False) or ""
        for frame in html.read(text, url_of(flow.request)).frames:
            self._learn(frame.url)

    def _learn(self, url: str | None, *, tell: bool = False) -> None:
        host = self._scope.learn(url)
        if host is None:
            return
        ctx.options.update(  # type: ignore[no-untyped-call]
            allow_hosts=self._scope.patterns
        )
        if tell and (url or "").startswith("https:"):  # plain http is read in any case
            self._say(self._obstacles.learnt(host))

    def _server_failed(self, server: connection.Server) -> None:
        if server.address is not None:
            host, port = server.address[:2]
            if not is_own(host):
                self._say(self._obstacles.server_failed(host, port, server.error or "no reason"))

    def _say(self, sentence: str | None) -> None:
        if sentence is not None:
            self._note(sentence)


def _host_of(data: tls.TlsData) -> str:
    address = data.context.server.address
    return data.conn.sni or (address[0] if address else "") or "an unknown host"
