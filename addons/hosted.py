"""What several addons share: which flows are for our own hosts, how pure code answers flows, and
how a wrong option is said."""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy import exceptions, http

from diagnostics.capture.exchange import Headers
from diagnostics.capture.flowfile import url_of
from diagnostics.live import own_site
from diagnostics.provider.emulated import Reply, Request
from diagnostics.report.redaction import redact_text

#: A flow with this in its metadata was made by why403 itself and is no evidence.
OWN = "why403_own"
#: Kinds of proxy that a browser tells the address (`mitmproxy.proxy.mode_specs`).
_TOLD = frozenset({"regular", "upstream", "socks5"})
_PORTS = frozenset({80, 443})


def is_own(flow: http.HTTPFlow) -> bool:
    """Whether a flow goes to one of our hosts and still waits for its answer."""
    # `pretty_host` would read the header too, for every request, and cost ten times as much; only
    # a proxy that was told the address can be asked for a host that does not exist.
    return (
        own_site.is_own(flow.request.host)
        # A browser that asks the proxy itself, as if it were the server, names the proxy's port.
        and flow.request.port in _PORTS
        and flow.live is not False
        and flow.response is None
        and flow.error is None
    )


def host_of(flow: http.HTTPFlow) -> str:
    """The host that a flow is for. Where the browser told the proxy, that is known already; only
    elsewhere need the header be read, which costs more than all the rest."""
    if flow.client_conn.proxy_mode.type_name in _TOLD:
        return flow.request.host
    return flow.request.pretty_host


def request_of(flow: http.HTTPFlow) -> Request:
    """The request of a flow as the pure code knows it."""
    fields = [
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in flow.request.headers.fields
    ]
    return Request(flow.request.method, url_of(flow.request), Headers(fields))


def put(flow: http.HTTPFlow, reply: Reply) -> None:
    """Let a flow be answered by a reply."""
    headers = http.Headers([(n.encode(), v.encode()) for n, v in reply.headers])
    flow.response = http.Response.make(reply.status, reply.body, headers)
    if flow.request.method == "HEAD":
        # The fields are those of the whole answer (RFC 9110, 9.3.2); HTTP/2 takes a body for a
        # fault of the connection.
        length = flow.response.headers.get("content-length", "0")
        flow.response.content = b""
        flow.response.headers["content-length"] = length


def option_error(says: str) -> exceptions.OptionsError:
    """The error for an option's value that cannot be used; `says` may hold the value."""
    return exceptions.OptionsError(redact_text(says))  # type: ignore[no-untyped-call]


def reply_to(flow: http.HTTPFlow, answer: Callable[[Request], Reply | None]) -> None:
    """Answer a flow to one of our hosts, where `answer` has a reply to it."""
    if is_own(flow):
        reply = answer(request_of(flow))
        if reply is not None:
            put(flow, reply)
