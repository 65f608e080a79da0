"""A capture as a flow file: what is written is read again as it was."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest

from diagnostics.capture.exchange import DecodedParts, Exchange, Headers, Outcome
from diagnostics.capture.open import read_data
from diagnostics.sanitize.output import pieces
from diagnostics.sanitize.sanitizer import Sanitizer
from diagnostics.sanitize.write_flows import flow_pieces
from tests import planting


def of(data: bytes) -> bytes:
    """What a file becomes."""
    (capture,) = read_data(data, "a capture")
    return b"".join(pieces(Sanitizer(capture)))


def test_flow_files_keep_no_secret_either() -> None:
    from mitmproxy import connection, http
    from mitmproxy import io as flow_files

    requests, secrets = planting.planted_flow_secrets()
    out = io.BytesIO()
    writer = flow_files.FlowWriter(out)  # type: ignore[no-untyped-call]
    for one in requests:
        client = connection.Client(
            peername=("198.51.100.7", 5), sockname=("127.0.0.1", 6), timestamp_start=1.0
        )
        flow = http.HTTPFlow(client, connection.Server(address=("shop.example.com", 443)))
        flow.request = http.Request.make("GET", one["url"], one["sent"], _sendable(one["headers"]))
        flow.response = http.Response.make(one["status"], one["body"], _sendable(one["answer"]))
        flow.comment, flow.metadata = one["url"], {"note": one["url"]}
        writer.add(flow)
    data = out.getvalue()
    made = of(data)
    assert made != data
    assert planting.leaks(made, secrets) == []
    assert len(read_data(made, "x.flow")[0].exchanges) == len(requests)
    assert of(made) == made


def _sendable(headers: list[tuple[str, str]]):  # type: ignore[no-untyped-def]
    from mitmproxy import http

    return http.Headers(
        [(n.encode(), v.encode()) for n, v in headers if n.lower() != "content-encoding"]
    )


URL = "https://api.mapbox.com/v4/account-1.hidden-1/1/0/0.png?access_token=pk.removed"


def exchange(index: int = 0, url: str = URL, body: str | None = None, sent: str | None = None,
             request: Iterable[tuple[str, str]] = (), answer: Iterable[tuple[str, str]] = (),
             **more: Any) -> Exchange:  # fmt: skip
    """One that was read from a flow file."""
    given: dict[str, Any] = {"method": "GET", "started": 1767225610.5, "status": 403,
             "outcome": Outcome.ANSWERED, "http_version": "HTTP/1.1"} | more  # fmt: skip
    parts = DecodedParts(Headers(request), Headers(answer), lambda: body, lambda: sent)
    return Exchange(source="x.flow", index=index, url=url, parts=parts, **given)


def again(*exchanges: Exchange | None, others: frozenset[int] = frozenset()) -> list[Exchange]:
    data = b"".join(flow_pieces(exchanges, others))
    (capture,) = read_data(data, "x.flow")
    return list(capture.exchanges)


@pytest.mark.parametrize(
    "given",
    [
        exchange(),
        exchange(request=[("Referer", "https://a.example/"), ("X-A", "1"), ("x-a", "2")],
                 answer=[("Referrer-Policy", "origin"), ("Referrer-Policy", "no-referrer")]),
        exchange(status=None, outcome=Outcome.FAILED, reason="failed"),
        exchange(method="POST", url="http://192.0.2.1:8080/x?y=z"),
        exchange(http_version="HTTP/2.0"),
        exchange(started=0.0),
        exchange(url="https://a.example/"),
    ],
)  # fmt: skip
def test_what_is_written_is_read_again(given: Exchange) -> None:
    (read,) = again(given)
    for field in ("method", "url", "status", "outcome", "reason", "http_version", "started"):
        assert getattr(read, field) == getattr(given, field), field
    assert [(n, v) for n, v in read.request_headers if n.lower() != "host"] == list(
        given.request_headers
    )
    assert list(read.response_headers) == list(given.response_headers)


def test_bodies_are_read_again_where_a_diagnosis_reads_them() -> None:
    refusal = '{"message":"Forbidden é"}'
    (read,) = again(exchange(body=refusal, answer=[("Content-Type", "application/json")]))
    assert read.body == refusal


def request_of(given: Exchange) -> Any:
    """The request as mitmproxy reads it."""
    from mitmproxy import io as flow_files

    data = io.BytesIO(b"".join(flow_pieces([given], frozenset())))
    (flow,) = flow_files.FlowReader(data).stream()
    return flow.request  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("version", "host", "authority"),
    [("HTTP/1.1", "api.mapbox.com", ""), ("HTTP/2.0", None, "api.mapbox.com")],
)
def test_in_http_2_the_host_is_no_header(version: str, host: str | None, authority: str) -> None:
    headers = [("Host", "api.mapbox.com"), ("X-A", "1")]
    request = request_of(exchange(request=headers, http_version=version))
    assert (request.headers.get("host"), request.authority) == (host, authority)
    assert request.headers["x-a"] == "1"


def test_a_tunnel_names_its_host_and_asks_for_nothing() -> None:
    request = request_of(exchange(method="CONNECT", url="https://a.example:8443/"))
    assert (request.authority, request.path, request.scheme) == ("a.example:8443", "", "")


def test_places_are_kept() -> None:
    """Of what could not be read, and of what was no HTTP."""
    data = b"".join(flow_pieces([None, exchange(1), None, exchange(3)], frozenset({0})))
    (capture,) = read_data(data, "x.flow")
    assert [one.index for one in capture.exchanges] == [1, 3]
    assert [skip.index for skip in capture.skipped] == [2]


def test_the_same_exchanges_make_the_same_file() -> None:
    """Nothing random, no time of today, no address of this machine."""
    made = [b"".join(flow_pieces([exchange(), None, exchange(2)], frozenset({1})))
            for _ in range(2)]  # fmt: skip
    assert made[0] == made[1]


def test_a_socket_stays_one() -> None:
    (read,) = again(exchange(resource_type="websocket", status=101))
    assert read.resource_type == "websocket"
    assert again(exchange(status=101))[0].resource_type != "websocket"


def test_an_address_that_is_none_leads_nowhere() -> None:
    (read,) = again(exchange(url="hidden-1"))
    assert read.url == "http://hidden/"
