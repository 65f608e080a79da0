import gzip
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy import flow as mitm_flow
from mitmproxy import http
from mitmproxy.io import FlowWriter, tnetstring
from mitmproxy.test import tflow, tutils

from diagnostics.capture.exchange import Capture, CaptureError, Exchange, Outcome
from diagnostics.capture.flowfile import clean, read_flows


def written(*flows: mitm_flow.Flow) -> bytes:
    stream = io.BytesIO()
    writer = FlowWriter(stream)
    for flow in flows:
        writer.add(flow)
    return stream.getvalue()


def a_flow(
    url: str = "https://api.mapbox.com/v4/a.json?access_token=pk.x",
    method: str = "GET",
    sent: tuple[tuple[bytes, bytes], ...] = ((b"Host", b"api.mapbox.com"),),
    status: int = 403,
    received: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),),
    body: bytes | None = b'{"message":"Forbidden"}',
    request_body: bytes = b"",
) -> http.HTTPFlow:
    request = http.Request.make(method, url, request_body)
    request.headers = http.Headers(sent)
    request.timestamp_start = 1000.5
    response = tutils.tresp(status_code=status, headers=http.Headers(received))
    response.raw_content = body
    return tflow.tflow(req=request, resp=response)


def read(*flows: mitm_flow.Flow) -> Capture:
    return read_flows(written(*flows), "case.flow")


def only(flow: mitm_flow.Flow) -> Exchange:
    [exchange] = read(flow).exchanges
    return exchange


def test_an_answered_request() -> None:
    sent = ((b"Host", b"api.mapbox.com"), (b"REFERER", b"https://a.example/"), (b"X", b"1"))
    received = ((b"Content-Type", b"application/json"), (b"via", b"1"), (b"VIA", b"2"))
    capture = read(a_flow(sent=sent, received=received))
    [exchange] = capture.exchanges
    assert (capture.exporter, capture.file) == ("mitmproxy", "case.flow")
    assert any("proxy" in spot for spot in capture.blind_spots)
    assert (exchange.source, exchange.index, exchange.method) == ("case.flow", 0, "GET")
    assert exchange.url == "https://api.mapbox.com/v4/a.json?access_token=pk.x"
    assert (exchange.started, exchange.status) == (1000.5, 403)
    assert (exchange.outcome, exchange.reason) == (Outcome.ANSWERED, "")
    assert exchange.request_headers.pairs == (
        ("Host", "api.mapbox.com"),
        ("REFERER", "https://a.example/"),
        ("X", "1"),
    )
    assert exchange.response_headers.all("via") == ["1", "2"]
    assert exchange.mime_type == "application/json"
    assert exchange.body == '{"message":"Forbidden"}'
    assert exchange.request_body is None


def test_an_error_no_answer_and_an_answer_that_broke_off() -> None:
    failed, waiting, broken = tflow.tflow(err=True), tflow.tflow(), tflow.tflow(resp=True, err=True)
    exchanges = read(failed, waiting, broken).exchanges
    assert [(e.status, e.outcome, e.reason) for e in exchanges] == [
        (None, Outcome.FAILED, "error"),
        (None, Outcome.UNKNOWN, ""),
        (200, Outcome.ANSWERED, "error"),
    ]


def test_what_was_imported_without_a_status() -> None:
    assert [(e.status, e.outcome) for e in read(a_flow(status=0), a_flow(status=-1)).exchanges] == [
        (None, Outcome.FAILED)
    ] * 2


@pytest.mark.parametrize("status", [1, 99, 1000, 10**30])
def test_a_status_that_http_does_not_have(status: int) -> None:
    assert only(a_flow(status=status)).status is None


def test_other_flows_are_counted_and_keep_their_place() -> None:
    capture = read(
        tflow.ttcpflow(), a_flow(), tflow.tdnsflow(), tflow.tudpflow(), tflow.ttcpflow(), a_flow()
    )
    assert [exchange.index for exchange in capture.exchanges] == [1, 5]
    assert capture.blind_spots[-1].startswith("4 of the flows are not HTTP (DNS 1, TCP 2, UDP 1)")
    alone = read(tflow.ttcpflow())
    assert alone.exchanges == ()
    assert "1 of the flows" in alone.blind_spots[-1]


def test_web_socket() -> None:
    exchange = only(tflow.twebsocketflow())
    assert (exchange.status, exchange.resource_type) == (101, "websocket")


def test_http_2_names_the_host_as_a_header() -> None:
    flow = a_flow(sent=((b"referer", b"https://a.example/"),))
    flow.request.http_version = flow.response.http_version = "HTTP/2.0"
    flow.request.authority = "api.mapbox.com"
    flow.request.data.host = "10.0.0.1"
    exchange = only(flow)
    assert exchange.url.startswith("https://api.mapbox.com/v4/")
    assert exchange.http_version == "HTTP/2.0"
    assert exchange.request_headers.pairs == (
        ("Host", "api.mapbox.com"),
        ("referer", "https://a.example/"),
    )


def test_a_tunnel_that_failed() -> None:
    flow = tflow.tflow(err=True)
    flow.request = http.Request.make("CONNECT", "http://api.mapbox.com:443/")
    flow.request.authority = "api.mapbox.com:443"
    flow.request.scheme = ""
    exchange = only(flow)
    assert (exchange.method, exchange.url) == ("CONNECT", "https://api.mapbox.com:443/")


def test_replays_are_said() -> None:
    flow = a_flow()
    flow.is_replay = "request"
    assert "1 of the requests" in read(flow, a_flow()).blind_spots[-1]
    assert not any("replay" in spot for spot in read(a_flow()).blind_spots)


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        (b"document", "document"),
        (b"iframe", "iframe"),
        (b"frame", "iframe"),
        (b"script", "script"),
        (b"style", "stylesheet"),
        (b"image", "image"),
        (b"worker", "worker"),
        (b"sharedworker", "worker"),
        (b"serviceworker", "serviceworker"),
        (b"empty", ""),
        (b"nonsense", ""),
    ],
)
def test_resource_type(destination: bytes, kind: str) -> None:
    assert only(a_flow(sent=((b"Sec-Fetch-Dest", destination),))).resource_type == kind


def test_redirect() -> None:
    location = ((b"location", b"/b"),)
    assert only(a_flow(status=302, received=location)).redirect_url == "/b"
    assert only(a_flow(status=200, received=location)).redirect_url == ""


def test_bytes_that_are_no_text() -> None:
    flow = a_flow(sent=((b"caf\xe9", b"\xff\x80"), (b"ok", "café".encode())))
    flow.request.data.path = b"/\xff?q=\x80"
    flow.request.data.method = b"G\xffT"
    exchange = only(flow)
    assert exchange.request_headers.pairs == (("café", "ÿ\x80"), ("ok", "café"))
    json.dumps([exchange.url, exchange.method], ensure_ascii=False).encode("utf-8")
    assert clean("a\udcffb") == "a\ufffdb"
    assert clean("\ud83d\ude00 \ud800").encode()


HTML = b'<!doctype html><meta name="referrer" content="origin">'


def packed(encoding: bytes, body: bytes) -> http.HTTPFlow:
    return a_flow(
        status=200,
        received=((b"content-type", b"text/html"), (b"content-encoding", encoding)),
        body=body,
    )


def brotli(body: bytes) -> bytes:
    return __import__("brotli").compress(body)  # type: ignore[no-any-return]


def zstandard(body: bytes) -> bytes:
    return __import__("zstandard").ZstdCompressor().compress(body)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        (b"", bytes),
        (b"identity", bytes),
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"deflate", lambda body: zlib.compress(body)[2:-4]),
        (b"br", brotli),
        (b"zstd", zstandard),
        (b"GZIP, br", lambda body: brotli(gzip.compress(body))),
        (b"gzip", bytes),  # the header stayed when something else unpacked the body
        (b"unheard-of", bytes),
    ],
)
def test_packed_bodies(encoding: bytes, pack: Callable[[bytes], bytes]) -> None:
    assert only(packed(encoding, pack(HTML))).body == HTML.decode()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [(b"gzip", gzip.compress), (b"deflate", zlib.compress), (b"br", brotli), (b"zstd", zstandard)],
)
def test_a_body_that_unpacks_without_end_is_cut(
    encoding: bytes, pack: Callable[[bytes], bytes]
) -> None:
    body = only(packed(encoding, pack(b"a" * 50_000_000))).body
    assert body is not None
    assert len(body) <= 1 << 20


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (b"text/html; charset=iso-8859-1", b"caf\xe9", "café"),
        (b'text/html; charset="UTF-8"', "café".encode(), "café"),
        (b"text/html; charset=utf-16-le", "café".encode("utf-16-le"), "café"),
        (b"text/html; charset=punycode", b"caf-dma", "caf-dma"),
        (b"text/html; charset=zip", b"caf", "caf"),
        (b"text/html; charset=nonsense", b"caf\xff", "caf\ufffd"),
        (b"text/html", b"caf\xff", "caf\ufffd"),
    ],
)
def test_charset(content_type: bytes, body: bytes, text: str) -> None:
    flow = a_flow(status=200, received=((b"content-type", content_type),), body=body)
    assert only(flow).body == text


KEPT = [
    (200, b"text/html", 2 << 20, 1 << 20),
    (200, b"application/json", 1 << 20, 1 << 18),
    (200, b"application/geo+json", 100, 100),
    (200, b"text/javascript", 1 << 20, 4096),
    (200, b"image/png", 100, None),
    (200, b"text/css", 100, None),
    (200, b"", 100, None),
    (403, b"image/png", 1 << 20, 1 << 16),
    (401, b"", 100, 100),
    (500, b"", 100, None),
]


@pytest.mark.parametrize(("status", "kind", "size", "kept"), KEPT)
def test_bodies_are_kept_where_they_are_needed(
    status: int, kind: bytes, size: int, kept: int | None
) -> None:
    flow = a_flow(status=status, received=((b"content-type", kind),), body=b"a" * size)
    body = only(flow).body
    assert (body if body is None else len(body)) == kept


def test_an_absent_body_is_none_and_an_empty_one_is_empty() -> None:
    assert only(a_flow(body=None)).body is None
    assert only(a_flow(body=b"")).body == ""


@pytest.mark.parametrize(
    ("method", "url", "kept"),
    [
        ("POST", "https://events.mapbox.com/events/v2?access_token=pk.x", True),
        ("POST", "https://api.mapbox.com/events/v2", True),
        ("GET", "https://events.mapbox.com/events/v2", False),
        ("POST", "https://a.example/login", False),
        ("POST", "https://a.example/login?x=/events/", False),
    ],
)
def test_request_bodies_are_kept_for_events(method: str, url: str, kept: bool) -> None:
    host = url.split("/")[2].encode()
    flow = a_flow(url, method, ((b"host", host),), request_body=b"[1]" * 30000)
    body = only(flow).request_body
    assert (body is not None and len(body) == 1 << 16) == kept


def test_a_path_and_a_mapped_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "case.flow"
    path.write_bytes(written(a_flow(), a_flow()))
    assert len(read_flows(path, "case.flow").exchanges) == 2
    with pytest.raises(CaptureError, match="cannot be read"):
        read_flows(tmp_path / "absent", "absent")


@pytest.mark.parametrize("cut", [1, 5, 500, 1000])
def test_a_file_that_breaks_off_keeps_its_earlier_flows(cut: int) -> None:
    data = written(a_flow(), a_flow(), a_flow())[:-cut]
    capture = read_flows(data, "case.flow")
    assert [exchange.index for exchange in capture.exchanges] == [0, 1]
    [skip] = capture.skipped
    assert (skip.index, skip.file) == (2, "case.flow")
    assert "breaks off" in skip.reason


def test_what_follows_and_is_no_flow_is_said() -> None:
    capture = read_flows(written(a_flow()) + b"hello", "case.flow")
    assert len(capture.exchanges) == 1
    assert "no flow" in capture.skipped[0].reason


def changed(data: bytes, **changes: Any) -> bytes:
    state = tnetstring.loads(data)
    assert isinstance(state, dict)
    return tnetstring.dumps({**state, **changes})


def test_a_newer_format_is_said_in_the_words_of_mitmproxy() -> None:
    data = changed(written(a_flow()), version=9999)
    with pytest.raises(CaptureError, match=r"case\.flow: mitmproxy .* 9999, please update") as e:
        read_flows(data, "case.flow")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 9999},
        {"type": "un\x08heard"},
        {"request": None},
        {"request": {"host": 1}},
        {"id": 5},
    ],
)
def test_an_unreadable_flow_is_skipped_and_the_rest_is_read(changes: dict[str, Any]) -> None:
    good = written(a_flow())
    capture = read_flows(good + changed(good, **changes) + good, "case.flow")
    assert [exchange.index for exchange in capture.exchanges][-1] == 2
    assert len(capture.exchanges) + len(capture.skipped) == 3
    assert all(skip.reason.isprintable() for skip in capture.skipped)


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = b"%d:%s]" % (len(data), data)
    return data


@pytest.mark.parametrize(
    "data",
    [
        *(b"3:abc,", b"0:}", b"999999999999:a", b"12:", b"5:1:a,]", b"4:true!", b"hello"),
        *(b"0:~" * 500, b"10:7:version;}", nested(5000)),
    ],
)
def test_what_is_no_flow_file_is_said(data: bytes) -> None:
    with pytest.raises(CaptureError) as raised:
        read_flows(data, "case.flow")
    assert str(raised.value).startswith("case.flow: ")
    assert "\n" not in str(raised.value)


GOOD = written(a_flow(), tflow.tflow(err=True))


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=8))
@settings(deadline=None, max_examples=150)
def test_damaged_files_give_a_capture_or_one_line(at: int, replacement: bytes) -> None:
    data = GOOD[:at] + replacement + GOOD[at + len(replacement) :]
    try:
        capture = read_flows(data, "f")
    except CaptureError as error:
        message = str(error)
    else:
        message = " ".join(skip.reason for skip in capture.skipped)
        for exchange in capture.exchanges:
            said = [exchange.url, exchange.body, exchange.request_body, exchange.reason]
            json.dumps(said, ensure_ascii=False).encode("utf-8")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("host", "port", "sent", "url"),
    [
        ("::1", 5173, ((b"Host", b"[::1]:5173"),), "http://[::1]:5173/map"),
        ("::1", 5173, (), "http://[::1]:5173/map"),
        ("2001:db8::7", 80, (), "http://[2001:db8::7]:80/map"),
        ("127.0.0.1", 5173, (), "http://127.0.0.1:5173/map"),
    ],
)
def test_an_ipv6_host_has_its_brackets(
    host: str, port: int, sent: tuple[tuple[bytes, bytes], ...], url: str
) -> None:
    """mitmproxy's own URL has none."""
    flow = a_flow(sent=sent)
    flow.request.scheme, flow.request.host, flow.request.port = "http", host, port
    flow.request.path = "/map"
    flow.request.headers = http.Headers(sent)  # a new host writes a field of its own
    assert only(flow).url == url
