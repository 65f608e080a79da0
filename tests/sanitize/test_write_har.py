"""A capture as a HAR: what is written is read again as it was, and is what HAR 1.2 asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from diagnostics.capture.exchange import (
    Capture,
    DecodedParts,
    Exchange,
    Headers,
    Initiator,
    Outcome,
    Page,
)  # fmt: skip
from diagnostics.capture.har import read_har
from diagnostics.sanitize.write_har import har_pieces

URL = "https://api.mapbox.com/v4/account-1.hidden-1/1/0/0.png?access_token=pk.removed&x=&y=a%20b"


def exchange(index: int = 0, url: str = URL, body: str | None = None, sent: str | None = None,
             request: Iterable[tuple[str, str]] = (), answer: Iterable[tuple[str, str]] = (),
             initiator: Initiator = Initiator(), **more: Any) -> Exchange:  # fmt: skip  # noqa: B008
    parts = DecodedParts(Headers(request), Headers(answer), lambda: body, lambda: sent, initiator)
    given: dict[str, Any] = {"method": "GET", "outcome": Outcome.ANSWERED, "status": 403} | more
    return Exchange(source="x.har", index=index, url=url, parts=parts, **given)


def written(*exchanges: Exchange | None, exporter: str = "Firefox", pages: Iterable[Page] = (),
            engine: str = "") -> str:  # fmt: skip
    capture = Capture("x.har", exporter, (), engine=engine)
    return "".join(har_pieces(capture, pages, exchanges))


def again(*exchanges: Exchange | None, **more: Any) -> Capture:
    return read_har(written(*exchanges, **more).encode("utf-8", "replace"), "x.har")


@pytest.mark.parametrize(
    "given",
    [
        exchange(),
        exchange(started=1767225610.5, page_ref="page_1", frame_ref="frame_2"),
        exchange(outcome=Outcome.CACHED, resource_type="image", mime_type="image/png"),
        exchange(outcome=Outcome.BLOCKED, status=None, reason="net::ERR_BLOCKED_BY_CLIENT"),
        exchange(outcome=Outcome.FAILED, status=None, reason="net::ERR_FAILED"),
        exchange(status=302, redirect_url="https://a.example/x", http_version="h2"),
        exchange(via_service_worker=True),
        exchange(method="POST", sent='{"a":1}', body='{"message":"Forbidden \u2028 é"}'),
        exchange(request=[("Referer", ""), ("X-A", "1"), ("x-a", "2")],
                 answer=[("Referrer-Policy", "origin"), ("Referrer-Policy", "no-referrer")]),
        exchange(initiator=Initiator("script", ("https://a.example/a.js", "blob:null/hidden-1"))),
        exchange(initiator=Initiator("parser")),
        exchange(initiator=Initiator("", ("https://a.example/a.js",))),
    ],
)  # fmt: skip
def test_what_is_written_is_read_again(given: Exchange) -> None:
    (read,) = again(given).exchanges
    for field in (*Exchange.__struct_fields__[2:-1], "body", "request_body", "request_headers",
                  "response_headers", "initiator"):  # fmt: skip
        assert getattr(read, field) == getattr(given, field), field


def test_places_are_kept() -> None:
    capture = again(exchange(), None, None, exchange(3))
    assert [one.index for one in capture.exchanges] == [0, 3]
    assert [skip.index for skip in capture.skipped] == [1, 2]
    assert again(exchange(), None).skipped[0].index == 1


@pytest.mark.parametrize(
    ("exporter", "same"),
    [("Chrome DevTools", True), ("Playwright", True), ("Firefox", True), ("mitmproxy", True),
     ("map recorder", True), ("unknown exporter", True), ("s3cret9f8e7d6c5b4a", False), ("", True)],
)  # fmt: skip
def test_the_exporter_is_recognised_again(exporter: str, same: bool) -> None:
    capture = again(exchange(), exporter=exporter)
    assert (capture.exporter == (exporter or "unknown exporter")) is same
    assert exporter not in {"s3cret9f8e7d6c5b4a"} or "s3cret" not in written(exporter=exporter)


def test_the_engine_is_that_of_the_browser_that_wrote() -> None:
    assert again(exchange(), exporter="test", engine="firefox").engine == "firefox"
    assert '"browser"' not in written(exchange())


def test_pages_are_read_again() -> None:
    pages = (Page("page_1", "https://a.example/", 1767225610.0), Page("page_2"))
    assert again(exchange(), pages=pages).pages[0] == pages[0]
    head = json.loads(written(exchange(), pages=pages))["log"]
    assert [page["startedDateTime"][:10] for page in head["pages"]] == ["2026-01-01", "1970-01-01"]
    assert "pages" not in json.loads(written(exchange()))["log"]


def test_the_format_is_whole() -> None:
    """The fields that HAR 1.2 asks for, with its values for what is not known."""
    (entry,) = json.loads(written(exchange(started=0.0, sent="{}")))["log"]["entries"]
    assert set(entry) >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
    request, response = entry["request"], entry["response"]
    assert {request[k] for k in ("headersSize", "bodySize")} == {-1}
    assert {response[k] for k in ("headersSize", "bodySize")} == {-1}
    assert request["queryString"] == [
        {"name": "access_token", "value": "pk.removed"},
        {"name": "x", "value": ""},
        {"name": "y", "value": "a b"},
    ]
    assert request["postData"] == {"mimeType": "application/json", "text": "{}"}
    assert (response["status"], response["statusText"]) == (403, "Forbidden")
    assert (request["cookies"], response["cookies"]) == ([], [])


@pytest.mark.parametrize("status", [None, 0, 799])
def test_a_status_without_a_name(status: int | None) -> None:
    (entry,) = json.loads(written(exchange(status=status)))["log"]["entries"]
    assert (entry["response"]["status"], entry["response"]["statusText"]) == (status or 0, "")


@pytest.mark.parametrize("started", [1e300, float("inf"), float("nan"), -1e20])
def test_a_time_that_is_none_is_left_out(started: float) -> None:
    (entry,) = json.loads(written(exchange(started=started)))["log"]["entries"]
    assert "startedDateTime" not in entry


def test_without_a_body_there_is_no_text_and_with_one_its_size() -> None:
    def content(body: str | None) -> dict[str, Any]:
        (entry,) = json.loads(written(exchange(body=body)))["log"]["entries"]
        found: dict[str, Any] = entry["response"]["content"]
        return found

    assert content(None) == {"size": 0, "mimeType": ""}
    assert content("") == {"size": 0, "mimeType": "", "text": ""}
    assert content("é") == {"size": 2, "mimeType": "", "text": "é"}


def test_nothing_in_it_acts_on_a_terminal_and_it_comes_entry_by_entry() -> None:
    made = list(har_pieces(Capture("x", "Firefox", ()), (), [exchange(body="\x9b\u202e"), None]))
    assert "\x9b" not in "".join(made)
    assert "\u202e" not in "".join(made)
    assert len(made) == 1 + 2 + 1
    assert "Sanitized by why403" in made[0]
