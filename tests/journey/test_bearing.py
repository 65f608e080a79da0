"""What is kept and what is passed over; the quick look at the wire misses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.capture.exchange import Exchange, Headers
from diagnostics.capture.fields import mime_type, redirect_url, resource_type
from diagnostics.journey.bearing import bears, may_bear

TYPES = (
    "text/html; charset=utf-8",
    "TEXT/CSS",
    "application/javascript",
    "image/png",
    "font/woff2",
)
ANSWERED = [*(("Content-Type", value) for value in TYPES), ("location", "/x"), ("Age", "3")]
DESTINATIONS = ("document", "iframe", "style", "sharedworker", "image", "empty", "Script")
SENT = [("Sec-Fetch-Dest", value) for value in DESTINATIONS]
HOSTS = ["api.mapbox.com", "a.tiles.mapbox.com", "API.mapbox.com", "shop.example.com",
         "mapbox.com.example.com", "events.mapbox.cn"]  # fmt: skip


@given(
    st.sampled_from(HOSTS),
    st.sampled_from([200, 302, 304, 403]),
    st.lists(st.sampled_from(SENT), max_size=1),
    st.lists(st.sampled_from(ANSWERED), max_size=3),
)
def test_the_quick_look_misses_nothing(
    host: str, status: int, sent: list[tuple[str, str]], answered: list[tuple[str, str]]
) -> None:
    exchange = Exchange(
        "a", 0, "GET", f"https://{host}/x", status=status,
        resource_type=resource_type(Headers(sent)), mime_type=mime_type(Headers(answered)),
        redirect_url=redirect_url(status, Headers(answered)),
    )  # fmt: skip
    raw_sent, raw_answered = (
        [(name.encode(), value.encode()) for name, value in fields] for fields in (sent, answered)
    )
    if bears(exchange):
        assert may_bear(host, "", raw_sent, raw_answered)
        assert may_bear("203.0.113.1", host, raw_sent, raw_answered)
        raw_sent.append((b"Host", host.encode() + b":443"))
        assert may_bear("203.0.113.1", "", raw_sent, raw_answered)


def test_the_quick_look_passes_over_what_bears_on_nothing() -> None:
    sent = [(b"Host", b"shop.example.com"), (b"Sec-Fetch-Dest", b"image")]
    assert not may_bear("shop.example.com", "", sent, [(b"Content-Type", b"image/png")])
    assert not may_bear("shop.example.com", "shop.example.com:443", sent, [])


@pytest.mark.parametrize("name", [b"Host", b"Content-Type"])
def test_what_is_too_long_to_be_remembered_is_looked_at(name: bytes) -> None:
    assert may_bear("shop.example.com", "", [(name, b"x" * 1000)], [(name, b"x" * 1000)])
    assert may_bear("shop.example.com", "x" * 1000, [], [])
