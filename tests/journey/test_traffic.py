"""One pass over a capture: which requests went to a provider, and what they share."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Capture, DecodedParts, Exchange
from diagnostics.journey.traffic import CaptureTraffic
from tests.journey.conftest import API, ORIGIN, PAGE, SESSION, STYLE, TILE, TOKEN, Tape


def seen(url: str) -> bool:
    capture = Capture("a.har", "mitmproxy", (Exchange("a.har", 0, "GET", url),))
    return bool(CaptureTraffic(capture).sightings)


@pytest.mark.parametrize(
    ("url", "is_providers"),
    [
        (f"{API}{STYLE}", True),
        ("http://api.mapbox.com/", True),
        ("https://events.mapbox.com/events/v2", True),
        ("https://a.tiles.mapbox.com/v4/x", True),
        ("https://api.mapbox.cn/x", True),
        ("https://www.mapbox.com/", False),
        ("https://api.mapbox.com.evil.example/", False),
        ("https://evil.example/?api.mapbox.com", False),
        ("https://api.mapbox.com@evil.example/", False),
        ("mapbox.com", False),
        ("http://[mapbox.com", False),
    ],
)
def test_hosts(url: str, is_providers: bool) -> None:
    assert seen(url) is is_providers


def test_a_sighting() -> None:
    (sighting,) = CaptureTraffic(Tape().page().ask(STYLE).capture).sightings
    assert sighting.refused
    assert sighting.governed
    assert sighting.endpoint is not None
    assert sighting.endpoint.name == "style"
    assert sighting.token is not None
    assert sighting.token.text == TOKEN
    assert sighting.issuer.document is not None
    assert sighting.issuer.document.url == PAGE


def test_what_allowed_urls_are_not_known_to_govern() -> None:
    (sighting,) = CaptureTraffic(Tape().page().ask(SESSION).capture).sightings
    assert not sighting.governed


def test_a_pasted_command_is_taken_as_refused() -> None:
    exchange = Exchange("x", 0, "GET", f"{API}{STYLE}", parts=DecodedParts())
    assert CaptureTraffic(Capture("x", "curl command", (exchange,))).sightings[0].refused
    assert not CaptureTraffic(Capture("x", "mitmproxy", (exchange,))).sightings[0].refused


@pytest.mark.parametrize("is_seen", [True, False])
def test_whether_a_page_sends_a_referer(is_seen: bool) -> None:
    tape = Tape().page(seen=is_seen).ask(TILE, referer=None).ask(STYLE)
    part = CaptureTraffic(tape.capture)
    assert {part.page_sends(s.issuer.document) for s in part.sightings} == {True}
    part = CaptureTraffic(Tape().page(seen=is_seen).ask(TILE, referer=None).capture)
    assert {part.page_sends(s.issuer.document) for s in part.sightings} == {False}
    assert part.page_sends(None) is None


def test_which_page_loads_the_library() -> None:
    script = f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js"
    tape = Tape().page(f"{ORIGIN}/login").page().ask(script, kind="script", status=200, body="")
    part = CaptureTraffic(tape.capture)
    assert [part.loads_library(d) for d in part.issuers.documents] == [False, True]
    assert [version.text for version in part.libraries] == ["3.9.0"]


def test_what_comes_later_is_taken_note_of() -> None:
    tape = Tape().page().ask(STYLE).ask(TILE)
    part = CaptureTraffic(Capture("a.har", tape.exporter, (), tape.capture.pages))
    assert [part.add(e) is not None for e in tape.exchanges] == [False, True, True]
    assert len(part.sightings) == 2
