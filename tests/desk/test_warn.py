"""What to look at before a list goes live."""

from __future__ import annotations

import pytest

from diagnostics.desk.rehearse import rehearse
from tests.desk.recorded import recorded


def found(capture: str, *entries: str) -> dict[str, str]:
    rehearsal = rehearse(recorded(capture), entries or None)
    return {finding.finding: finding.says for finding in rehearsal.warnings}


@pytest.mark.parametrize(
    ("capture", "entries", "warning", "says"),
    [
        (
            "works-gl3-chromium.devtools.har",
            ["shop.example.com/map", "shop.example.com"],
            "path-entry-trimmed",
            "“shop.example.com/map” is meant for https://shop.example.com/map",
        ),
        ("works-gl3-chromium.devtools.har", ["*.example.com"], "entry-wildcard", "never match"),
        (
            "helmet-gl3-chromium.mitmproxy.har",
            ["shop.example.com"],
            "page-sends-nothing",
            "Referrer-Policy: no-referrer",
        ),
        # Its first tiles carry a Referer, from workers that have no policy.
        (
            "worker-race-gl3-chromium.mitmproxy.har",
            ["shop.example.com"],
            "page-sends-nothing",
            "no list admits a map on that page",
        ),
        ("share-iframe-chromium.mitmproxy.har", ["shop.example.com"], "share-link", "lacks"),
        (
            "share-iframe-chromium.mitmproxy.har",
            ["shop.example.com", "api.mapbox.com"],
            "share-link",
            "which the list has",
        ),
        ("share-link-chromium.mitmproxy.har", ["shop.example.com"], "share-link", "lacks"),
        (
            "helmet-gl3-chromium.mitmproxy.har",
            ["shop.example.com"],
            "refused-already",
            "1 request was refused while recording",
        ),
    ],
)
def test_it_is_warned(capture: str, entries: list[str], warning: str, says: str) -> None:
    assert says in found(capture, *entries)[warning]


@pytest.mark.parametrize(
    ("capture", "entries", "warning"),
    [
        ("works-gl3-chromium.devtools.har", ["shop.example.com"], "path-entry-trimmed"),
        ("works-gl3-chromium.devtools.har", ["shop.example.com/admin"], "path-entry-trimmed"),
        ("works-path-sent-chromium.devtools.har", ["shop.example.com/"], "path-entry-trimmed"),
        ("cdn-stylesheet-chromium.devtools.har", ["shop.example.com"], "path-entry-trimmed"),
        ("works-own-policy-per-request-chromium.devtools.har", [], "page-sends-nothing"),
        ("works-gl3-chromium.devtools.har", ["shop.example.com"], "share-link"),
        ("works-gl3-chromium.devtools.har", ["shop.example.com"], "refused-already"),
    ],
)
def test_it_is_not_warned(capture: str, entries: list[str], warning: str) -> None:
    assert warning not in found(capture, *entries)


def test_traffic_that_works_under_a_good_list_has_no_warning() -> None:
    assert found("works-gl3-chromium.devtools.har", "shop.example.com") == {}


def test_several_tokens_are_named() -> None:
    one, other = "works-gl3-chromium.devtools.har", "secret-token-firefox.mitmproxy.har"
    rehearsal = rehearse([*recorded(one), *recorded(other)], ["example.com"])
    [warning] = [f for f in rehearsal.warnings if f.finding == "several-tokens"]
    assert "2 tokens (pk.…(acme/ck0ex…), sk.…(" in warning.says


def test_errors_come_before_warnings() -> None:
    captures = recorded("helmet-gl3-chromium.mitmproxy.har")
    rehearsal = rehearse(captures, ["*.example.com", "shop.example.com"])
    severities = [finding.severity for finding in rehearsal.warnings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert severities[0] == "error"
