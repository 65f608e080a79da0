"""What is tried on a refused request, and that the model's word is passed on."""

from __future__ import annotations

import pytest

from diagnostics.desk.support import put_together
from diagnostics.desk.tried import Trial
from diagnostics.journey.told import Allowed, Told
from tests.desk.recorded import recorded


def tried(capture: str, *entries: str) -> dict[str, Trial]:
    found = put_together(recorded(capture), Told(Allowed(entries, "--allow")))
    assert found is not None
    return {trial.change: trial for trial in found.examples[0].trials}


def test_fixes_come_first_and_each_change_once() -> None:
    trials = tried("helmet-gl3-chromium.devtools.har", "shop.example.com")
    names = list(trials)
    assert names[0] == "referrer-policy=strict-origin-when-cross-origin"
    assert trials[names[0]].predicted == "allowed"
    assert trials["allow+=api.mapbox.com"].predicted == "refused"
    assert trials["client=clean"].predicted == "refused"
    assert "cache=off" in names


@pytest.mark.parametrize(
    ("capture", "entry", "change"),
    [
        ("helmet-gl3-chromium.devtools.har", "shop.example.com", "allow+=shop.example.com"),
        ("helmet-gl3-chromium.devtools.har", "shop.example.com", "gl-js=0.53.1"),
        ("helmet-gl3-chromium.devtools.har", "shop.example.com", "csp-=sandbox"),
        ("helmet-gl3-chromium.devtools.har", "shop.example.com", "to=https"),
    ],
)
def test_what_would_change_nothing_is_not_tried(capture: str, entry: str, change: str) -> None:
    assert change not in tried(capture, entry)


@pytest.mark.parametrize(
    ("capture", "change"),
    [
        ("gl045-worker-chromium.mitmproxy.har", "gl-js=0.53.1"),
        ("csp-sandbox-chromium.devtools.har", "csp-=sandbox"),
        ("iframe-sandbox-chromium.devtools.har", "sandbox+=allow-same-origin"),
        ("scheme-downgrade-chromium.devtools.har", "to=https"),
    ],
)
def test_what_applies_is_tried_and_works(capture: str, change: str) -> None:
    allowed = [t for t in tried(capture, "example.com").values() if t.predicted == "allowed"]
    assert any(change.partition("=")[0] in trial.change for trial in allowed)
