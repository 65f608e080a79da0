"""The HAR reader: every exporter's shapes, every wrong type, and what is left of broken files."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fixtures
from diagnostics.capture.exchange import Capture, CaptureError, Exchange, Outcome
from diagnostics.capture.har import read_har

URL = "https://api.mapbox.com/styles/v1/acme/street?access_token=pk.x"


def har(*entries: Any, **log: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", **log, "entries": list(entries)}}).encode()


def entry(
    request: dict[str, Any] | None = None, response: object = ..., **more: Any
) -> dict[str, Any]:
    made = {"request": {"method": "GET", "url": URL, "headers": [], **(request or {})}, **more}
    if response is not ...:
        made["response"] = response
    return made


def answer(status: object = 403, **more: Any) -> dict[str, Any]:
    return {"status": status, "headers": [], "content": {}, **more}


def read(data: bytes) -> Capture:
    """The capture with all its lazy parts read once."""
    capture = read_har(data, "t.har")
    assert [e.index for e in capture.exchanges] == sorted({e.index for e in capture.exchanges})
    for exchange in capture.exchanges:
        read_parts(exchange)
    return capture


def read_parts(exchange: Exchange) -> None:
    for headers in (exchange.request_headers, exchange.response_headers):
        assert all(isinstance(part, str) for pair in headers for part in pair)
    assert exchange.body is None or isinstance(exchange.body, str)
    assert exchange.request_body is None or isinstance(exchange.request_body, str)
    assert all(isinstance(url, str) for url in exchange.initiator.urls)
    assert exchange.status is None or 100 <= exchange.status <= 999


def tried(data: bytes) -> Capture | None:
    """The capture; None where the reader refused it, in one line."""
    try:
        return read(data)
    except CaptureError as error:
        line = str(error)
    assert line.startswith("t.har: ")
    assert "\n" not in line
    return None


def only(data: bytes) -> Exchange:
    capture = read(data)
    assert capture.skipped == ()
    (exchange,) = capture.exchanges
    return exchange


# What exporters write.


@pytest.mark.parametrize(
    ("creator", "title"),
    [
        ({"name": "WebInspector", "version": "537.36"}, "Chrome DevTools"),
        ({"name": "Firefox", "version": "153.7"}, "Firefox"),
        ({"name": "WebKit Web Inspector", "version": "1.0"}, "Safari"),
        ({"name": "Playwright", "version": "1.56"}, "Playwright"),
        ({"name": "mitmproxy", "version": "12.1"}, "mitmproxy"),
        ({"name": "mitmproxy har_dump", "version": "0.1"}, "mitmproxy"),
        ({"name": "Charles Proxy", "version": "4.6"}, "Charles"),
        ({"name": "Proxyman", "version": "3"}, "Proxyman"),
        ({"name": "Fiddler", "version": "5"}, "Fiddler"),
        ({"name": "Insomnia REST Client", "version": 9}, "Insomnia"),
        ({"name": "Postman"}, "Postman"),
        ({"name": "REDbot"}, "REDbot"),
        ({"name": "FIREFOX"}, "Firefox"),
        ({"name": "My own tool"}, "My own tool"),
        ({"name": "x" * 500}, "x" * 60),
        ({"name": None}, "unknown exporter"),
        ({"name": 5}, "unknown exporter"),
        (None, "unknown exporter"),
        ([], "unknown exporter"),
        ("Firefox", "unknown exporter"),
    ],
)
def test_the_exporter_is_known_by_its_creator(creator: object, title: str) -> None:
    assert read(har(entry(), creator=creator)).exporter == title


def test_the_browser_names_the_exporter_where_the_creator_does_not() -> None:
    data = har(entry(), creator={"name": ""}, browser={"name": "Firefox"})
    assert read(data).exporter == "Firefox"


CHROME = entry(
    {
        "url": URL,
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":authority", "value": "api.mapbox.com"},
            {"name": ":method", "value": "GET"},
            {"name": ":path", "value": "/styles"},
            {"name": ":scheme", "value": "https"},
            {"name": "referer", "value": "https://shop.example.com/"},
        ],
    },
    answer(
        403,
        httpVersion="http/2.0",
        content={"size": 23, "mimeType": "application/json", "text": '{"message":"Forbidden"}'},
        _transferSize=300,
        _error=None,
        _fetchedViaServiceWorker=False,
    ),
    startedDateTime="2026-11-22T10:00:00.250Z",
    pageref="page_1",
    connection="443",
    _resourceType="fetch",
    _priority="High",
    _initiator={
        "type": "script",
        "stack": {
            "callFrames": [
                {"url": "https://shop.example.com/app.js"},
                {"url": "https://shop.example.com/app.js"},
            ],
            "parent": {"callFrames": [{"url": "https://shop.example.com/"}]},
        },
    },
)


def test_chrome_devtools() -> None:
    exchange = only(har(CHROME, creator={"name": "WebInspector"}, pages=[]))
    assert (exchange.status, exchange.outcome) == (403, Outcome.ANSWERED)
    assert exchange.page_ref == "page_1"
    assert exchange.resource_type == "fetch"
    assert exchange.http_version == "http/2.0"
    assert exchange.started == 1795341600.25
    assert exchange.body == '{"message":"Forbidden"}'
    assert exchange.request_headers.pairs == (
        ("Host", "api.mapbox.com"),
        ("referer", "https://shop.example.com/"),
    )
    assert exchange.initiator.kind == "script"
    assert exchange.initiator.urls == (
        "https://shop.example.com/app.js",
        "https://shop.example.com/",
    )


def test_a_host_that_is_there_stays_the_only_one() -> None:
    headers = [{"name": ":authority", "value": "a"}, {"name": "HOST", "value": "b"}]
    assert only(har(entry({"headers": headers}))).request_headers.pairs == (("HOST", "b"),)


def test_firefox() -> None:
    data = har(
        entry(
            {
                "headers": [
                    {"name": "Host", "value": "api.mapbox.com"},
                    {"name": "Referer", "value": "https://shop.example.com/"},
                ]
            },
            answer(0, statusText="", httpVersion="", bodySize=-1),
            startedDateTime="2026-11-22T12:00:00.250+02:00",
            pageref="page_1",
            timings={},
            _securityState="secure",
        ),
        creator={"name": "Firefox", "version": "153.7"},
        browser={"name": "Firefox", "version": "153.7"},
        pages=[
            {"id": "page_1", "title": "Find us", "startedDateTime": "2026-11-22T12:00:00+02:00"}
        ],
    )
    capture = read(data)
    (exchange,) = capture.exchanges
    assert (exchange.status, exchange.outcome, exchange.reason) == (None, Outcome.UNKNOWN, "")
    assert exchange.started == 1795341600.25
    assert [(p.id, p.title, p.started) for p in capture.pages] == [
        ("page_1", "Find us", 1795341600.0)
    ]


def test_safari() -> None:
    from_worker = only(har(entry(None, answer(), _fetchType="Service Worker")))
    assert from_worker.via_service_worker
    assert from_worker.outcome is Outcome.ANSWERED
    for kind in ("Memory Cache", "Disk Cache"):
        assert only(har(entry(None, answer(), _fetchType=kind))).outcome is Outcome.CACHED
    assert only(har(entry(None, answer(), _fetchType="Network Load"))).outcome is Outcome.ANSWERED


def test_playwright() -> None:
    data = har(
        entry(None, answer(-1, _failureText="csp"), _frameref="frame@1", _monotonicTime=1.5),
        entry({"url": "blob:https://a.example/1"}, answer(200, httpVersion="blob")),
        entry(
            None, answer(302, redirectURL=URL, bodySize=0, _transferSize=0, content={"size": -1})
        ),
        creator={"name": "Playwright", "version": "1.56"},
    )
    blocked, blob, redirect = read(data).exchanges
    assert (blocked.status, blocked.outcome, blocked.reason) == (None, Outcome.BLOCKED, "csp")
    assert blocked.frame_ref == "frame@1"
    assert (blob.status, blob.url) == (200, "blob:https://a.example/1")
    assert (redirect.outcome, redirect.redirect_url) == (Outcome.ANSWERED, URL)


def test_mitmproxy_without_pages_and_with_an_empty_content() -> None:
    exchange = only(
        har(entry(None, answer(0, content={}, _error="peer closed connection")), pages=[])
    )
    assert (exchange.status, exchange.outcome) == (None, Outcome.FAILED)
    assert exchange.body is None


def test_charles_with_a_base64_body() -> None:
    content = {"text": "eyJtZXNzYWdlIjoiRm9yYmlkZGVuIn0=", "encoding": "base64", "size": 23}
    assert only(har(entry(None, answer(content=content)))).body == '{"message":"Forbidden"}'


@pytest.mark.parametrize("text", ["%%%", "a", "=", "////\u00e9"])
def test_a_body_that_is_no_base64(text: str) -> None:
    body = only(har(entry(None, answer(content={"text": text, "encoding": "base64"})))).body
    assert body is None or isinstance(body, str)


def test_proxyman_without_a_response() -> None:
    exchange = only(har(entry()))
    assert (exchange.status, exchange.outcome) == (None, Outcome.UNKNOWN)
    assert len(exchange.response_headers) == 0


def test_fiddlers_byte_order_mark() -> None:
    assert only(b"\xef\xbb\xbf" + har(entry(None, answer()))).status == 403


def test_a_bare_log() -> None:
    assert only(json.dumps({"entries": [entry(None, answer())]}).encode()).status == 403


def test_slacks_headers_as_pairs() -> None:
    headers = [["Referer", "https://a.example/"], ["X", None], ["cut"], [1, "2"], "X: y", []]
    exchange = only(har(entry({"headers": headers})))
    assert exchange.request_headers.pairs == (("Referer", "https://a.example/"), ("X", ""))


def test_headers_as_an_object() -> None:
    exchange = only(har(entry({"headers": {"Referer": "https://a.example/", "X": 5, "Y": []}})))
    assert exchange.request_headers.pairs == (("Referer", "https://a.example/"), ("X", "5"))


def test_repeated_headers_stay_in_order() -> None:
    pairs = [("Referrer-Policy", "origin"), ("X", "1"), ("referrer-policy", "no-referrer")]
    headers = [{"name": name, "value": value} for name, value in pairs]
    exchange = only(har(entry(None, answer(headers=headers))))
    assert exchange.response_headers.pairs == tuple(pairs)
    assert exchange.response_headers.all("REFERRER-POLICY") == ["origin", "no-referrer"]


def test_request_body() -> None:
    assert only(har(entry({"postData": {"text": "a=1"}}))).request_body == "a=1"
    for odd in (None, "a=1", [], {"text": None}, {"params": []}, {"text": 5}):
        assert only(har(entry({"postData": odd}))).request_body is None


@pytest.mark.parametrize("kind", ["parser", "other", ""])
def test_an_initiator_that_is_a_word(kind: str) -> None:
    assert only(har(entry(_initiator=kind))).initiator.kind == kind


# What became of a request.


@pytest.mark.parametrize(
    ("response", "status", "outcome"),
    [
        (answer(403), 403, "answered"),
        (answer("403"), 403, "answered"),
        (answer(403.0), 403, "answered"),
        (answer(0), None, "unknown"),
        (answer(-1), None, "unknown"),
        (answer(None), None, "unknown"),
        (answer("inf"), None, "unknown"),
        (answer("nan"), None, "unknown"),
        (answer(10**30), None, "unknown"),
        (answer(99), None, "unknown"),
        (answer([403]), None, "unknown"),
        ({}, None, "unknown"),
        (None, None, "unknown"),
        ("", None, "unknown"),
        (answer(0, _error=""), None, "unknown"),
        (answer(0, _error="net::ERR_BLOCKED_BY_CLIENT"), None, "blocked"),
        (answer(0, _error="net::ERR_BLOCKED_BY_CSP"), None, "blocked"),
        (answer(0, _error="net::ERR_BLOCKED_BY_ADMINISTRATOR"), None, "blocked"),
        (answer(0, _error="net::ERR_NAME_NOT_RESOLVED"), None, "failed"),
        (answer(0, _error="net::ERR_FAILED"), None, "failed"),
        (answer(-1, _failureText="csp"), None, "blocked"),
        (answer(-1, _failureText="mixed-content"), None, "blocked"),
        (answer(-1, _failureText="net::ERR_BLOCKED_BY_CLIENT"), None, "blocked"),
        # It was answered; the browser kept the answer from the page.
        (answer(-1, _failureText="net::ERR_BLOCKED_BY_ORB"), None, "failed"),
        (answer(-1, _failureText="net::ERR_BLOCKED_BY_RESPONSE"), None, "failed"),
        (answer(403, _error="net::ERR_BLOCKED_BY_ORB"), 403, "answered"),
        (answer(403, _error="net::ERR_FAILED"), 403, "answered"),
        # Nothing was transferred and yet there is a body.
        (answer(403, _transferSize=0, content={"size": 23}), 403, "cached"),
        (answer(403, bodySize=0, content={"size": 23}), 403, "cached"),
        (answer(403, bodySize=-272, _transferSize=0, content={"size": 23}), 403, "cached"),
        (answer(403, bodySize=0, _transferSize=300, content={"size": 23}), 403, "answered"),
        (answer(403, bodySize=23, content={"size": 23}), 403, "answered"),
        (answer(403, bodySize=0, content={"size": 0}), 403, "answered"),
        (answer(302, _transferSize=0, content={"size": -1}), 302, "answered"),
        (
            answer(403, _transferSize=0, content={"size": 23}, _error="net::ERR_BLOCKED_BY_ORB"),
            403,
            "answered",
        ),
        (
            answer(403, _transferSize=0, content={"size": 2}, _fetchedViaServiceWorker=True),
            403,
            "answered",
        ),
    ],
)
def test_outcome(response: object, status: int | None, outcome: str) -> None:
    exchange = only(har(entry(None, response)))
    assert (exchange.status, exchange.outcome) == (status, outcome)


@pytest.mark.parametrize("cache", ["memory", "disk", "prefetch"])
def test_chromes_own_mark_of_a_cached_answer(cache: str) -> None:
    assert only(har(entry(None, answer(), _fromCache=cache))).outcome is Outcome.CACHED


# Files that are no HAR, or broken ones.


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends too early"),
        (b"{", "ends too early"),
        (b'{"log": {"entries": [', "ends too early"),
        (b"[]", "not a HAR"),
        (b"5", "not a HAR"),
        (b'"log"', "not a HAR"),
        (b"{}", "no log.entries"),
        (b'{"log": {}}', "no log.entries"),
        (b'{"log": null}', "no log.entries"),
        (b'{"log": {"entries": null}}', "no log.entries"),
        (b'{"log": {"entries": {}}}', "not a HAR"),
        (b'{"log": {"entries": "x"}}', "not a HAR"),
        (b'{"log": 5}', "not a HAR"),
        (b'{"log": {"entries": []}} trailing', "not valid JSON"),
        (b'{"log": {"entries": [NaNa]}}', "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"<html>", "not valid JSON"),
        (b'{"log": {"entries": [{"a": "\\u12"}]}}', "not valid JSON"),
    ],
)
def test_what_is_no_har_is_said_in_one_line(data: bytes, says: str) -> None:
    with pytest.raises(CaptureError) as raised:
        read_har(data, "t.har")
    message = str(raised.value)
    assert message.startswith("t.har: ")
    assert says in message
    assert "\n" not in message


def test_no_entries_is_an_empty_capture() -> None:
    assert read(har()).exchanges == ()


def test_a_bad_entry_is_skipped_with_its_number() -> None:
    bad: list[Any] = [
        5,
        None,
        "x",
        [],
        {},
        {"request": 5},
        {"request": {}},
        {"request": {"url": 5}},
    ]
    capture = read(har(*bad, entry(None, answer())))
    assert [skip.index for skip in capture.skipped] == list(range(len(bad)))
    assert [exchange.index for exchange in capture.exchanges] == [len(bad)]
    assert [skip.reason for skip in capture.skipped] == [
        *["the entry is no object"] * 4,
        *["the entry has no request"] * 2,
        *["the entry's request has no URL"] * 2,
    ]


@pytest.mark.parametrize("wrong", [None, 5, True, [], {}, "", "x", 1e300, -1])
@pytest.mark.parametrize(
    "path",
    [
        "pageref", "_frameref", "_initiator", "_resourceType", "_fromCache", "_fetchType",
        "startedDateTime", "request.method", "request.httpVersion", "request.headers",
        "request.postData", "response", "response.status", "response.httpVersion",
        "response.headers", "response.content", "response.content.size",
        "response.content.mimeType", "response.content.encoding", "response.content.text",
        "response.redirectURL", "response.bodySize", "response._transferSize", "response._error",
        "response._failureText", "response._fetchedViaServiceWorker",
    ],
)  # fmt: skip
def test_a_wrong_type_loses_that_part_only(path: str, wrong: object) -> None:
    made = entry(None, answer(403, redirectURL=""))
    at: Any = made
    *parents, last = path.split(".")
    for parent in parents:
        at = at[parent]
    at[last] = wrong
    exchange = only(har(made))
    assert exchange.url == URL
    assert path in {"response", "response.status"} or exchange.status == 403


def test_null_everywhere() -> None:
    made = dict.fromkeys(CHROME) | {"request": dict.fromkeys(CHROME["request"])}
    made["request"]["url"] = URL
    exchange = only(har(made, creator=None, browser=None, pages=None, version=None))
    assert exchange.url == URL


def test_bytes_that_are_no_utf_8() -> None:
    data = har(entry(None, answer()), comment="COMMENT")
    skipped = data.replace(b"COMMENT", b"\xff\xfe\x80")
    assert only(skipped).status == 403
    read_field = data.replace(b"street", b"stre\xffet")
    assert "stre�et" in only(read_field).url


def test_lone_surrogates_where_nobody_looks() -> None:
    """A page's script that cuts a string within an emoji, as Chrome's JSON.stringify writes it."""
    content = r'{"text": "half \ud83d", "mimeType": "text/html"}'
    data = har(entry(None, answer(content="CONTENT")), comment="x").replace(
        b'"CONTENT"', content.encode()
    )
    exchange = only(data)
    assert (exchange.status, exchange.mime_type) == (403, "text/html")
    assert exchange.body == "half �"


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\ud83d\ude00", "😀"),
        (r"\ud83d", "�"),
        (r"\ude00", "�"),
        (r"\ude00\ud83d", "��"),
        (r"\ud83d\ud83d\ude00", "�😀"),
        (r"\uD83D x", "� x"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d", "\\�"),
        (r"\ud83d\\ude00", "�\\ude00"),
    ],
)
def test_surrogates(escaped: str, text: str) -> None:
    data = har(entry(None, answer(content={"text": "TEXT"}))).replace(b"TEXT", escaped.encode())
    assert only(data).body == text


def test_a_lone_surrogate_in_the_last_bytes() -> None:
    capture = read_har(
        rb'{"log":{"entries":[{"request":{"url":"https://a.example/\ud83d"}}]}}', "x"
    )
    assert [exchange.url for exchange in capture.exchanges] == ["https://a.example/\ufffd"]
    assert read_har(rb'{"log":{"entries":["\ud83d"]}}', "x").skipped[0].index == 0


def nested(depth: int, opening: str = "[", closing: str = "]", inside: str = "") -> bytes:
    return (opening * depth + inside + closing * depth).encode()


@pytest.mark.parametrize("depth", [50, 900, 1_100, 20_000, 300_000])
@pytest.mark.parametrize(
    "place", ["comment", "headers", "_initiator", "content", "timings", "postData"]
)
def test_deep_nesting_costs_what_is_nested_only(depth: int, place: str) -> None:
    made = entry(None, answer(), comment=0, _initiator=0, timings=0)
    if place in {"headers", "postData"}:
        made["request"][place] = "DEEP"
    elif place == "content":
        made["response"]["content"] = "DEEP"
    else:
        made[place] = "DEEP"
    data = har(made, entry(None, answer(401))).replace(b'"DEEP"', nested(depth))
    assert [exchange.status for exchange in read(data).exchanges] == [403, 401]


def test_deep_nesting_that_never_ends() -> None:
    with pytest.raises(CaptureError, match="ends too early"):
        read_har(b'{"log":{"entries":[' + b"[" * 200_000, "t.har")


def test_brackets_in_strings_are_no_nesting() -> None:
    text = '[{"' * 1_000 + "\\" * 7
    data = har(entry(None, answer(content={"text": text})), "DEEP").replace(
        b'"DEEP"', nested(5_000)
    )
    capture = read(data)
    assert capture.exchanges[0].body == text
    assert [skip.index for skip in capture.skipped] == [1]


def test_a_stack_with_thousands_of_parents() -> None:
    stack = '{"callFrames": [{"url": "https://a.example/%d"}], "parent": '
    deep = "".join(stack % n for n in range(5_000)) + "null" + "}" * 5_000
    data = har(entry(_initiator={"type": "script", "stack": "DEEP"})).replace(
        b'"DEEP"', deep.encode()
    )
    urls = only(data).initiator.urls
    assert urls[:2] == ("https://a.example/0", "https://a.example/1")
    assert len(urls) <= 65


def test_a_stack_with_thousands_of_frames_keeps_the_innermost() -> None:
    frames = [{"url": f"https://a.example/{n}"} for n in range(5_000)]
    made = entry(_initiator={"type": "script", "stack": {"callFrames": frames}})
    assert only(har(made)).initiator.urls[:2] == ("https://a.example/0", "https://a.example/1")
    assert len(only(har(made)).initiator.urls) <= 65


def test_a_header_of_10_mb() -> None:
    header = {"name": "Referer", "value": "x" * 10_000_000}
    start = time.process_time()
    exchange = only(har(entry({"headers": [header]}, answer())))
    assert len(exchange.request_headers.get("referer") or "") == 10_000_000
    assert time.process_time() - start < 2


def test_the_last_of_two_equal_keys_counts() -> None:
    data = b'{"log": {"entries": [{"request": {"url": "a:", "url": "b:"}, "x": 1, "x": 2}]}}'
    assert only(data).url == "b:"


def test_a_har_cut_anywhere() -> None:
    data = har(CHROME, CHROME)
    for end in range(0, len(data), 97):
        with pytest.raises(CaptureError, match="ends too early"):
            read_har(data[:end], "t.har")


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999", "-1e999", "1" * 30, "-0", "1e-999"])
@pytest.mark.parametrize("key", ["status", "bodySize", "_transferSize", "unknown"])
def test_huge_numbers(key: str, number: str) -> None:
    data = har(entry(None, answer(**{key: "NUMBER"}))).replace(b'"NUMBER"', number.encode())
    assert only(data).url == URL


@pytest.mark.parametrize(
    "text",
    ["2026", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-12:00", "x", "NaN", " ", "1e9"],
)
def test_odd_times(text: str) -> None:
    started = only(har(entry(startedDateTime=text))).started
    assert started is None or isinstance(started, float)


# Properties.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
VALID = {
    "log": {
        "version": "1.2",
        "creator": {"name": "WebInspector", "version": "537.36"},
        "browser": {"name": "Firefox"},
        "pages": [{"id": "page_1", "title": URL, "startedDateTime": "2026-11-22T10:00:00Z"}],
        "entries": [CHROME, entry(None, answer(-1, _failureText="csp"), _frameref="f")],
    }
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(item, (*path, key))
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(places(VALID)), JSON), min_size=1, max_size=3))
def test_any_value_anywhere_is_an_exchange_or_skipped(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    changed = copy.deepcopy(VALID)
    for path, value in changes:
        at: Any = changed
        try:
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue
    text = json.dumps(changed)  # with NaN and lone surrogates
    capture = tried(text.encode())
    if capture is None:
        return
    entries = changed.get("log", changed)["entries"]
    seen = {e.index for e in capture.exchanges} | {s.index for s in capture.skipped}
    assert seen == set(range(len(entries)))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_capture_or_one_line(data: bytes) -> None:
    tried(data)
    tried(b'{"log":{"entries":[' + data + b"]}}")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_any_bytes_within_a_har(position: int, data: bytes) -> None:
    valid = json.dumps(VALID).encode()
    position %= len(valid)
    tried(valid[:position] + data + valid[position + len(data) :])


def test_a_capture_is_read_alike_in_a_deep_call_stack() -> None:
    """A parser's limit of depth counts the callers too."""
    data = har(entry(None, answer(), comment="DEEP")).replace(b'"DEEP"', nested(900))
    (exchange,) = read_har(data, "t.har").exchanges

    def deeper(levels: int) -> None:
        if levels:
            deeper(levels - 1)
        else:
            read_parts(exchange)

    deeper(300)


# The recordings.


@pytest.mark.parametrize(
    "path",
    sorted((fixtures.ROOT / "captures").glob("*.har")),
    ids=lambda path: path.name,
)
def test_every_recorded_har_is_read_whole(path: Path) -> None:
    capture = read(path.read_bytes())
    entries = json.loads(path.read_text("utf-8-sig"))["log"]["entries"]
    assert capture.skipped == ()
    assert len(capture.exchanges) == len(entries)
    kind = {"devtools": "Chrome DevTools", "firefox": "Firefox", "playwright": "Playwright"}
    assert capture.exporter == kind.get(path.name.split(".")[-2].split("-")[0], "mitmproxy")


def test_an_ipv6_host_gets_the_brackets_that_its_host_field_has() -> None:
    sent = [{"name": "Host", "value": "[::1]:5173"}]
    assert only(har(entry({"url": "http://::1:5173/map", "headers": sent}))).url == (
        "http://[::1]:5173/map"
    )
    assert only(har(entry({"url": "http://::1:5173/map"}))).url == "http://::1:5173/map"


def test_numbers_that_json_lacks_are_no_values() -> None:
    """As Python's own writer, for one, puts them down."""
    made = entry(response=answer(), time=float("nan"), timings={"wait": float("inf")})
    assert only(har(made)).status == 403
    assert only(har(entry(response=answer(float("nan"))))).status is None
