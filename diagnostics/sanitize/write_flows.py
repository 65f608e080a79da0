"""Writes exchanges as a flow file that mitmproxy reads. mitmproxy is imported only here."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.capture.exchange import Exchange, Headers

if TYPE_CHECKING:
    from mitmproxy.connection import Client, Server
    from mitmproxy.flow import Flow
    from mitmproxy.http import HTTPFlow

_AnyFlow = TypeVar("_AnyFlow", bound="Flow")

#: A record that is no flow (a tnetstring of null): it keeps the place of what could not be read.
_UNREADABLE = b"0:~"
_HTTP_2 = "HTTP/2.0"
_NOBODY = ("127.0.0.1", 0)


def flow_pieces(exchanges: Iterable[Exchange | None], others: frozenset[int]) -> Iterator[bytes]:
    """A flow file piece by piece, a flow each. `others` are the places of flows that are not HTTP:
    an empty one stands there."""
    for place, exchange in enumerate(exchanges):
        if exchange is not None:
            yield _dumped(_flow(exchange))
        else:
            yield _dumped(_other(place)) if place in others else _UNREADABLE


def _dumped(flow: Flow) -> bytes:
    from mitmproxy import io as flow_files

    out = io.BytesIO()
    flow_files.FlowWriter(out).add(flow)  # type: ignore[no-untyped-call]
    return out.getvalue()


def _other(place: int) -> Flow:
    from mitmproxy import tcp

    return _named(tcp.TCPFlow(*_ends(place, 0.0)), place, 0.0)


def _ends(place: int, started: float) -> tuple[Client, Server]:
    from mitmproxy import connection

    client = connection.Client(peername=_NOBODY, sockname=_NOBODY, timestamp_start=started)
    client.id = f"client-{place}"
    server = connection.Server(address=None)
    server.id = f"server-{place}"
    return client, server


def _named(flow: _AnyFlow, place: int, started: float) -> _AnyFlow:
    """The same file comes of the same capture: random ids and the time of today would differ."""
    flow.id = f"flow-{place}"
    flow.timestamp_created = started
    return flow


def _flow(exchange: Exchange) -> HTTPFlow:
    from mitmproxy import flow as flows, http, websocket  # noqa: I001

    started = exchange.started or 0.0
    made = _named(http.HTTPFlow(*_ends(exchange.index, started)), exchange.index, started)
    made.request = _request(exchange, started)
    if exchange.status is not None:
        made.response = http.Response(
            http_version=(exchange.http_version or "HTTP/1.1").encode(),
            status_code=exchange.status,
            reason=b"",
            headers=_fields(exchange.response_headers),
            content=(exchange.body or "").encode(),
            trailers=None,
            timestamp_start=started,
            timestamp_end=started,
        )
    if exchange.reason:
        made.error = flows.Error(exchange.reason, started)
    if exchange.resource_type == "websocket":
        made.websocket = websocket.WebSocketData()
    return made


def _request(exchange: Exchange, started: float):  # type: ignore[no-untyped-def]
    from mitmproxy import http

    url = urls.parse(exchange.url)
    host, port, scheme = (url.host, url.port or 0, url.scheme) if url else ("hidden", 80, "http")
    connects = exchange.method == "CONNECT"
    version = exchange.http_version or "HTTP/1.1"
    headers = [(name, value) for name, value in exchange.request_headers]
    authority = _authority(url) if connects or version == _HTTP_2 else ""
    if version == _HTTP_2:  # there it is a pseudo header
        headers = [pair for pair in headers if pair[0].lower() != "host"]
    return http.Request(
        host=host.strip("[]"),
        port=port,
        method=exchange.method.encode(),
        scheme=b"" if connects else scheme.encode(),
        authority=authority.encode(),
        path=b"" if connects else _path(exchange.url).encode(),
        http_version=version.encode(),
        headers=_fields(Headers(headers)),
        content=(exchange.request_body or "").encode(),
        trailers=None,
        timestamp_start=started,
        timestamp_end=started,
    )


def _authority(url: Url | None) -> str:
    return url.href.split("/", 3)[2] if url is not None else ""


def _path(address: str) -> str:
    rest = address.partition("://")[2]
    slash = rest.find("/")
    return rest[slash:] if slash >= 0 else "/"


def _fields(headers: Headers):  # type: ignore[no-untyped-def]
    from mitmproxy import http

    return http.Headers([(name.encode(), value.encode()) for name, value in headers])
