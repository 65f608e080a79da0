"""The emulated answer stands in only where the changed list makes a difference."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Headers
from diagnostics.journey.whatif import parse_change
from diagnostics.live import granted
from diagnostics.provider.emulated import Request
from diagnostics.provider.token import encode

TOKEN = encode("pk", {"u": "acme", "a": "ck0example00000000000000a"})
STYLE = f"https://api.mapbox.com/styles/v1/acme/x?access_token={TOKEN}"
FORBIDDEN = '{"message":"Forbidden"}'
SCOPE = '{"message":"This API requires a token with styles:list scope."}'
PAGE = "https://example.com/"


def ask(
    status: int,
    *changes: str,
    entries: tuple[str, ...] | None = ("www.example.com",),
    url: str = STYLE,
    referer: str | None = PAGE,
    body: str = FORBIDDEN,
) -> int | None:
    """The status of the answer in place of one with `status`; None where that stands."""
    headers = Headers([("Referer", referer)] if referer else [])
    request = Request("GET", url, headers)
    reply = granted.answer(request, status, body, entries, [parse_change(c) for c in changes])
    if reply is not None:
        assert granted.MARK in reply.headers
        assert Headers(reply.headers).all("cache-control") == ["no-store"]
    return reply.status if reply else None


def test_a_refusal_that_the_changed_list_admits() -> None:
    assert ask(403, "allow+=example.com") == 200
    assert ask(403, "allow+=example.com", entries=None) == 200
    assert ask(403, "allow+=example.com", body="") == 200


def test_an_admission_that_the_changed_list_refuses() -> None:
    listed = ("www.example.com", "example.com")
    assert ask(200, "allow-=example.com", entries=listed) == 403
    assert ask(304, "allow-=example.com", entries=listed) == 403
    assert ask(200, "allow+=example.com", entries=()) is None  # it was not restricted
    assert ask(200, "allow+=other.example", entries=()) == 403


@pytest.mark.parametrize(
    ("status", "change", "kept"),
    [
        (200, "allow+=example.com", {}),
        (403, "allow+=other.example", {}),
        (403, "allow+=example.com", {"referer": None}),
        (403, "allow+=example.com", {"body": SCOPE}),
        (401, "allow+=example.com", {"body": '{"message":"Not Authorized - Invalid Token"}'}),
        (500, "allow+=example.com", {}),
        (404, "allow+=example.com", {}),
        (200, "allow+=other.example", {"entries": None}),  # nobody knows what it replaces
        (200, "allow-=example.com", {"entries": None}),
        (403, "referrer-policy=origin", {"entries": None}),
        (403, "allow+=example.com", {"url": STYLE.partition("?")[0]}),
        (403, "allow+=example.com", {"url": "https://shop.example.com/?access_token=x"}),
        (403, "allow+=example.com", {"url": "https://api.mapbox.com/unknown?access_token=x"}),
        (403, "allow+=example.com", {"url": "nonsense"}),
    ],
)
def test_the_real_answer_stands(status: int, change: str, kept: dict[str, str]) -> None:
    assert ask(status, change, **kept) is None  # type: ignore[arg-type]


def test_the_changed_list() -> None:
    def after(entries: tuple[str, ...] | None, *texts: str) -> tuple[str, ...] | None:
        return granted.changed_list(entries, [parse_change(text) for text in texts])

    assert after(("a.example",), "allow+=b.example", "allow-=a.example") == ("b.example",)
    assert after(None, "allow+=b.example") == ("b.example",)
    assert after(None, "allow-=b.example") is None
    assert after(("a.example",), "allow+=a.example") == ("a.example",)


@pytest.mark.parametrize(
    ("method", "url", "counted"),
    [
        ("GET", STYLE, True),
        ("OPTIONS", STYLE, False),
        ("POST", f"https://events.mapbox.com/events/v2?access_token={TOKEN}", False),
        ("GET", "https://shop.example.com/", False),
        ("GET", "nonsense", False),
    ],
)
def test_which_answers_are_counted(method: str, url: str, counted: bool) -> None:
    assert granted.counts(Request(method, url)) is counted


@pytest.mark.parametrize(
    ("headers", "document"),
    [
        ({"Sec-Fetch-Dest": "document"}, True),
        ({"Sec-Fetch-Dest": "iframe"}, True),
        ({"Sec-Fetch-Dest": "empty", "Accept": "text/html"}, False),
        ({"Accept": "text/html,application/xhtml+xml"}, True),
        ({"Accept": "*/*"}, False),
        ({}, False),
    ],
)
def test_what_asks_for_a_document(headers: dict[str, str], document: bool) -> None:
    assert granted.asks_for_document(Headers(headers.items())) is document
