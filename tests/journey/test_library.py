"""The map library's version, and what the page's scripts ask for."""

from __future__ import annotations

import json

import pytest

from diagnostics.capture.exchange import DecodedParts, Exchange
from diagnostics.journey.library import (
    LibraryVersion,
    library_versions,
    numbers,
    script_policies,
    shows_version,
)
from diagnostics.provider.profile import profiles
from tests.journey.conftest import API, HOST, PROXY, TILE, Tape, listing, verdict_of

PROFILE = profiles()[0]
BANNER = "/* Mapbox GL JS is Copyright */ x='v1.13.3'"
EVENT = {"event": "map.load", "sdkIdentifier": "mapbox-gl-js", "sdkVersion": "2.14.1"}


def found(url: str, body: str = "", mime: str = "", asked: str = "") -> str | None:
    exchange = Exchange("a.har", 0, "GET", url, mime_type=mime, parts=DecodedParts(
        body=lambda: body, request_body=lambda: asked))  # fmt: skip
    versions = library_versions([exchange], PROFILE)
    return versions[""].text if versions else None


@pytest.mark.parametrize(
    ("url", "version"),
    [(f"{API}/mapbox-gl-js/v0.53.1/mapbox-gl.js", "0.53.1"),
     ("https://unpkg.com/mapbox-gl@3.9.0/dist/mapbox-gl.js", "3.9.0"),
     (f"{API}/styles/v1/a/b?sdk=js-3.2.0&access_token=x", "3.2.0"),
     (f"{API}/styles/v1/a/b?sdk=js-{'9' * 5000}.1.1", None),
     (f"{API}/styles/v1/a/b", None)],
)  # fmt: skip
def test_versions_in_addresses(url: str, version: str | None) -> None:
    if version is not None:
        assert shows_version(url)
    text = found(url)
    assert text == version or version is None  # a nonsensical version may give part of it


def test_versions_in_banners() -> None:
    script = "https://shop.example.com/app.js"
    assert found(script, BANNER, "text/javascript") == "1.13.3"
    assert found(script, BANNER, "text/html") is None
    assert found(script, "x" * 5000 + BANNER, "text/javascript") is None


@pytest.mark.parametrize(
    ("body", "version"),
    [(json.dumps([EVENT]), "2.14.1"), (json.dumps([{}, EVENT]), "2.14.1"), ("", None), ("[", None),
     (json.dumps(EVENT), None), (json.dumps([EVENT | {"sdkIdentifier": "x"}]), None),
     (json.dumps([EVENT | {"sdkVersion": None}]), None), ("[" * 100_000, None)],
)  # fmt: skip
def test_versions_in_telemetry(body: str, version: str | None) -> None:
    assert found("https://events.mapbox.com/events/v2?access_token=x", asked=body) == version


@pytest.mark.parametrize(
    ("text", "parsed"), [("3.9.0", (3, 9, 0)), ("3.9.0-rc.1", (3, 9, 0)), ("x", ()), ("", ())]
)
def test_numbers(text: str, parsed: tuple[int, ...]) -> None:
    assert numbers(text) == parsed


def test_huge_numbers_are_no_trap() -> None:
    assert len(numbers("9" * 10_000)) == 1


def test_before() -> None:
    assert LibraryVersion((0, 50), "x").before("0.51.0")
    assert not LibraryVersion((0, 51, 0), "x").before("0.51.0")


@pytest.mark.parametrize(
    ("script", "policies"),
    [("fetch(u,{referrerPolicy:'no-referrer'})", ["no-referrer"]),
     ('{"referrerPolicy": "origin"}', ["origin"]),
     ("img.referrerPolicy='same-origin'", ["same-origin"]),
     ("referrerPolicy:p", []), ("'no-referrer'", []), ("a.referrerPolicy==='origin'", []),
     ("referrerPolicy:'origin',b:{referrerPolicy:'ORIGIN'}", ["origin"])],
)  # fmt: skip
def test_policies_in_scripts(script: str, policies: list[str]) -> None:
    assert list(script_policies([script])) == policies


def test_a_page_names_the_version_where_the_script_is_not_in_the_capture() -> None:
    script = "https://api.mapbox.com/mapbox-gl-js/v0.45.0/mapbox-gl.js"
    tape = Tape(PROXY).page(html=f'<script src="{script}"></script>')
    verdict = verdict_of(tape.ask(TILE, referer=None), told=listing(HOST))
    assert verdict.cause == "worker-drops-referer"
    assert "Mapbox GL JS 0.45.0" in verdict.because
    newer = Tape(PROXY).page(html=f'<script src="{script.replace("0.45.0", "3.9.0")}"></script>')
    verdict = verdict_of(newer.ask(TILE, referer=None), told=listing(HOST))
    assert verdict.cause == "client-strips-referer"
