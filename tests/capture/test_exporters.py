"""Who wrote a HAR file, and in which browser."""

from __future__ import annotations

import json

import pytest

from diagnostics.capture.exporters import engine_of, exporter_of, exporters
from diagnostics.capture.har import read_har


def test_every_exporter_has_a_title_and_sentences_for_blind_spots() -> None:
    for exporter in exporters():
        assert exporter.creator == exporter.creator.lower()
        assert exporter.title
        assert all(spot.endswith(".") for spot in exporter.blind_spots)


@pytest.mark.parametrize(
    ("browser", "engine"),
    [
        ("chromium", "chromium"), ("msedge", "chromium"), ("Google Chrome", "chromium"),
        ("firefox", "firefox"), ("webkit", "webkit"), ("Safari", "webkit"), ("lynx", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_engine_of_a_browser(browser: str, engine: str) -> None:
    assert engine_of(browser) == engine


def test_the_first_exporter_whose_name_is_in_it() -> None:
    assert exporter_of("WebKit Web Inspector").title == "Safari"
    assert exporter_of("WebInspector").engine == "chromium"
    assert exporter_of("x" * 500).title == "x" * 60


@pytest.mark.parametrize(
    ("creator", "browser", "engine"),
    [
        ("Playwright", "chromium", "chromium"),
        ("Playwright", "webkit", "webkit"),
        ("Firefox", "Chrome", "firefox"),  # what the program itself is goes first
        ("mitmproxy", "Chrome", ""),  # a proxy passes on what any browser sends
        ("Playwright", None, ""),
    ],
)
def test_whose_requests_are_those_without_a_user_agent(
    creator: str, browser: str | None, engine: str
) -> None:
    log = {"creator": {"name": creator}, "browser": {"name": browser}, "entries": []}
    assert read_har(json.dumps({"log": log}).encode(), "a.har").engine == engine
