"""What is put together from a capture for the provider's support."""

from __future__ import annotations

from diagnostics.desk.support import put_together
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause
from diagnostics.journey.whatif import parse_change
from tests.desk.recorded import recorded


def test_nothing_refused_is_nothing_to_hand_over() -> None:
    assert put_together(recorded("works-gl3-chromium.devtools.har")) is None


def test_tokens_and_browsers_are_counted() -> None:
    captures = [
        *recorded("helmet-gl3-chromium.devtools.har"),
        *recorded("helmet-leaflet-firefox.firefox.har"),
        *recorded("curl-without-referer.mitmproxy.har"),
    ]
    found = put_together(captures)
    assert found is not None
    assert sum(token.requests for token in found.tokens) == found.report.summary.refused
    assert {browser.name.partition(" ")[0] for browser in found.browsers} == {
        "Chrome",
        "Firefox",
        "curl",
    }
    assert sum(browser.requests for browser in found.browsers) == found.report.summary.refused
    causes = [example.verdict.cause for example in found.examples]
    assert Cause.REFERRER_POLICY_BLOCKS in causes
    assert sum(example.requests for example in found.examples) == found.report.summary.refused


def test_what_is_known_about_the_list_is_kept() -> None:
    capture = recorded("helmet-gl3-chromium.devtools.har")
    unknown = put_together(capture)
    told = put_together(capture, Told(Allowed(("shop.example.com",), "--allow")))
    assert unknown is not None
    assert told is not None
    assert (unknown.allowed.entries, unknown.restricted) == (None, None)
    assert (told.allowed.entries, told.restricted) == (("shop.example.com",), True)


def test_a_wished_change_is_tried_first() -> None:
    change = parse_change("gl-js=3.1.0")
    found = put_together(recorded("helmet-gl3-chromium.devtools.har"), Told(), [change])
    assert found is not None
    assert found.examples[0].trials[0].change == "gl-js=3.1.0"
    assert found.examples[0].verdict.fixes[0].fix == "gl-js=3.1.0"
