"""Whose Referers the smallest list admits, and which are left out with what reason."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Capture, DecodedParts, Exchange, Headers, Outcome
from diagnostics.desk.rehearse import rehearse
from diagnostics.ticket import TokenSpec
from tests.desk.recorded import recorded


@pytest.mark.parametrize(
    ("capture", "entries", "apart"),
    [
        ("works-gl3-chromium.devtools.har", ["shop.example.com"], []),
        ("works-listed-port-chromium.devtools.har", ["localhost:3000"], []),
        # The Referers have paths there; the list needs none of them.
        ("works-path-sent-chromium.devtools.har", ["shop.example.com"], []),
        (
            "contrast-two-pages-chromium.mitmproxy.har",
            ["shop.example.com", "staging.example.org"],
            [],
        ),
        (
            "share-iframe-chromium.mitmproxy.har",
            ["shop.example.com"],
            [("https://api.mapbox.com/", "api-host")],
        ),
        ("share-link-chromium.mitmproxy.har", [], [("https://api.mapbox.com/", "api-host")]),
        (
            "spoofed-referer-firefox.firefox.har",
            ["shop.example.com"],
            [("https://api.mapbox.com/", "api-host")],
        ),
        (
            "cdn-stylesheet-chromium.devtools.har",
            ["shop.example.com"],
            [("https://cdn.example.net/", "other")],
        ),
        (
            "ip-address-chromium.devtools.har",
            [],
            [("http://127.0.0.1:5173/", "impossible")],
        ),
        ("helmet-gl3-chromium.mitmproxy.har", ["shop.example.com"], []),
        ("file-page-chromium.mitmproxy.har", [], []),
        ("server-with-referer.mitmproxy.har", ["shop.example.com"], []),
    ],
)
def test_entries_and_what_is_left_out(
    capture: str, entries: list[str], apart: list[tuple[str, str]]
) -> None:
    smallest = rehearse(recorded(capture)).smallest
    assert [item.entry for item in smallest.entries] == entries
    assert [(item.referer, item.kind) for item in smallest.apart] == apart


def test_what_is_said_about_an_entry() -> None:
    def says(capture: str) -> str:
        return " ".join(item.says for item in rehearse(recorded(capture)).smallest.entries)

    assert says("works-gl3-chromium.devtools.har") == ""
    assert "development server" in says("works-listed-port-chromium.devtools.har")
    assert "preview host" in says("preview-deployment-chromium.devtools.har")
    assert "staging" in says("contrast-two-pages-chromium.mitmproxy.har")
    assert "none of its requests carries" in says("helmet-gl3-chromium.mitmproxy.har")
    assert "holds no page" in says("server-with-referer.mitmproxy.har")


def test_a_foreign_site_that_embeds_the_map_is_left_out() -> None:
    """A frame of one site in a page of another: the frame's Referer is not the opened page's."""
    page = '<iframe src="https://maps.partner.example/map"></iframe>'
    exchanges = (
        exchange(0, "https://shop.example.com/", "document", page),
        exchange(1, "https://maps.partner.example/map", "iframe", "<p>Map"),
        exchange(2, TILE, "image", "", "https://maps.partner.example/"),
        exchange(3, TILE, "image", "", "https://www.shop.example.com/"),
        exchange(4, TILE, "image", "", "https://else.example/"),
    )
    smallest = rehearse([Capture("a.har", "mitmproxy", exchanges)]).smallest
    assert [item.entry for item in smallest.entries] == ["www.shop.example.com"]
    [frame, other] = smallest.apart
    assert (frame.referer, frame.kind) == ("https://maps.partner.example/", "frame")
    assert "a frame in a page of shop.example.com" in frame.says
    assert (other.referer, other.kind) == ("https://else.example/", "other")
    assert "no page of this capture" in other.says


TILE = f"https://api.mapbox.com/v4/acme.tiles/3/4/2.png?access_token={TokenSpec().text}"


def exchange(index: int, url: str, kind: str, body: str, referer: str = "") -> Exchange:
    fields = [("Host", "x"), ("User-Agent", "Mozilla/5.0 Chrome/156.0")]
    fields += [("Referer", referer)] if referer else []
    mime = "image/png" if kind == "image" else "text/html"
    return Exchange(
        source="a.har",
        index=index,
        method="GET",
        url=url,
        started=1000.0 + index,
        status=200,
        outcome=Outcome.ANSWERED,
        resource_type=kind,
        mime_type=mime,
        parts=DecodedParts(Headers(fields), Headers([("Content-Type", mime)]), lambda: body),
    )


def test_what_is_said_of_what_is_left_out() -> None:
    def says(capture: str) -> str:
        return " ".join(item.says for item in rehearse(recorded(capture)).smallest.apart)

    assert "share link" in says("share-iframe-chromium.mitmproxy.har")
    assert "stylesheet on that host" in says("cdn-stylesheet-chromium.devtools.har")
    assert "IP address" in says("ip-address-chromium.devtools.har")
