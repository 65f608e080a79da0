from __future__ import annotations

import json
from typing import Any

import pytest

from diagnostics.capture.open import read_data
from diagnostics.capture.redacted import cost, is_cost, is_redacted
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.report.model import Report
from fixtures import ROOT


@pytest.mark.parametrize(
    "value",
    ["[REDACTED]", "[access_token redacted]", "[text/html redacted]", "<redacted>", "redacted",
     "[sanitized]", "(removed)", "{{masked}}", "***", "********", "xxxxxxxx", "[Filtered]",
     "%5Baccess_token%20redacted%5D", "REDACTED-BY-ZENDESK", " [redacted] "],
)  # fmt: skip
def test_markers_of_other_tools(value: str) -> None:
    assert is_redacted(value)


@pytest.mark.parametrize(
    "value",
    ["", None, "https://shop.example.com/", "https://shop.example.com/redacted", "pk.abc.def", "x",
     "redacted.example.com", "no-referrer", '{"message":"Forbidden"}', "**",
     '{"message":"requires a token with hidden:scope scope"}', "a" * 5000 + "[redacted]"],
)  # fmt: skip
def test_everything_else_is_a_value(value: str | None) -> None:
    assert not is_redacted(value)


def test_a_cost_is_known_for_one() -> None:
    assert is_cost(cost("referer", requests="3 requests"))
    assert not is_cost("A blocked or failed request has status 0 and no reason.")


def _report(change: Any, allow: str = "www.example.com") -> Report:
    text = (ROOT / "captures" / "apex-not-www-chromium.devtools.har").read_text()
    har = json.loads(text)
    for entry in har["log"]["entries"]:
        change(entry)
    told = Told(Allowed((allow,), "the list"))
    return diagnose(read_data(json.dumps(har).encode(), "x.har"), told)


def _costs(report: Report) -> list[str]:
    return [spot for spot in report.capture.blind_spots if is_cost(spot)]


@pytest.mark.parametrize("marker", ["[REDACTED]", "***", "[Referer redacted]"])
def test_a_redacted_referer_is_neither_missing_nor_forged(marker: str) -> None:
    def redact(entry: Any) -> None:
        for header in entry["request"]["headers"]:
            if header["name"].lower() == "referer":
                header["value"] = marker

    report = _report(redact)
    (verdict,) = report.verdicts
    assert (verdict.cause, verdict.confidence) == ("page-not-allowed", "likely")
    assert "by the page's policy" in verdict.because
    assert verdict.referer is None
    assert "[" not in verdict.because
    assert ["Referer" in said for said in _costs(report)] == [True]
    (admitted,) = _report(redact, "example.com").verdicts
    assert admitted.cause not in {"client-strips-referer", "client-rewrites-referer"}


def test_a_redacted_token_is_not_malformed() -> None:
    def redact(entry: Any) -> None:
        url, mark, _ = entry["request"]["url"].partition("access_token=")
        entry["request"]["url"] = url + (mark and mark + "[access_token redacted]")
        if entry["response"]["status"] == 403:
            entry["response"]["status"] = 401
            entry["response"]["content"]["text"] = ""

    report = _report(redact)
    (verdict,) = report.verdicts
    assert (verdict.cause, verdict.confidence) == ("token-invalid", "likely")
    assert any("access token" in said for said in _costs(report))


def test_redacted_bodies_are_unread_and_not_odd() -> None:
    def redact(entry: Any) -> None:
        entry["response"]["content"]["text"] = "[text redacted]"

    report = _report(redact)
    (verdict,) = report.verdicts
    assert verdict.cause == "page-not-allowed"
    assert not any("not one of the API's" in evidence.says for evidence in verdict.evidence)
    assert {said.partition(" of ")[0] for said in _costs(report)} == {
        "Another tool has redacted the body",
        "Another tool has redacted the markup",
    }
    assert any("without its markup" in spot for spot in report.capture.blind_spots)


def test_a_capture_that_nobody_touched_has_no_such_cost() -> None:
    assert _costs(_report(lambda entry: None)) == []
