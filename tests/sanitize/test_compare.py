"""Each thing in which the diagnoses of two captures can differ is said, and nothing else is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from diagnostics.capture.open import read_capture
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.verdict import Alternative, Cause, Check, Confidence, Finding
from diagnostics.report.model import Report
from diagnostics.sanitize.compare import differences
from fixtures import ROOT

PATH = ROOT / "captures" / "apex-not-www-chromium.devtools.har"
REPORT = diagnose(read_capture(str(PATH)))
FINDINGS = (Finding("a", "info", "x", "y"), Finding("b", "error", "x", "y"))


def changed(report: Report = REPORT, **fields: Any) -> Report:
    """With its first verdict changed."""
    first, *others = report.verdicts
    first = msgspec.structs.replace(first, **fields)
    return msgspec.structs.replace(report, verdicts=(first, *others))


def said(before: Report, after: Report) -> list[str]:
    assert list(differences(before, before)) == []
    return list(differences(before, after))


FIRST = REPORT.verdicts[0]
CERTAIN = changed(confidence=Confidence.CERTAIN, cause=Cause.LOCAL_PAGE, alternatives=())
OTHER = Alternative(Cause.TOKEN_INVALID, Confidence.POSSIBLE, "ask")
START = f"entry {FIRST.index}: local-page (certain) before, "


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"cause": Cause.TOKEN_INVALID}, "token-invalid (certain) after"),
        ({"confidence": Confidence.LIKELY}, "local-page (likely) after"),
        ({"index": 99}, "local-page (certain) after (entry 99)"),
        ({"alternatives": (OTHER,)}, "local-page (certain) after with other alternatives"),
        ({"status": 401}, "local-page (certain) after"),
        ({"because": "x", "url": "x", "referer": "x", "page": "x", "file": "x"}, ""),
    ],
)
def test_verdicts(fields: dict[str, Any], says: str) -> None:
    found = said(CERTAIN, changed(CERTAIN, **fields))
    assert [sentence[: len(START + says)] for sentence in found] == ([START + says] if says else [])


def test_what_tells_alternatives_apart_is_no_difference_but_their_cause_is() -> None:
    with_one = changed(CERTAIN, alternatives=(OTHER,))
    asked = msgspec.structs.replace(OTHER, settle="else")
    assert said(with_one, changed(CERTAIN, alternatives=(asked,))) == []
    surer = msgspec.structs.replace(OTHER, confidence=Confidence.LIKELY)
    assert len(said(with_one, changed(CERTAIN, alternatives=(surer,)))) == 1


def test_the_number_of_refusals() -> None:
    none = msgspec.structs.replace(REPORT, verdicts=())
    count = len(REPORT.verdicts)
    assert said(REPORT, none) == [f"{count} refusals before, 0 after"]
    assert said(none, REPORT) == [f"0 refusals before, {count} after"]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ((), "findings: a before, none after"),
        (FINDINGS[:1], "findings: b before, none after"),
        ((*FINDINGS, Finding("c", "info", "", "")), "findings: none before, c after"),
        ((FINDINGS[0], Finding("b", "info", "x", "y")), "findings: b before, b after"),
        (FINDINGS[::-1], ""),
        (tuple(msgspec.structs.replace(f, says="", where="") for f in FINDINGS), ""),
    ],
)
def test_findings(after: tuple[Finding, ...], says: str) -> None:
    old, new = (msgspec.structs.replace(REPORT, findings=f) for f in (FINDINGS, after))
    assert said(old, new) == ([says] if says else [])


def test_the_checklist() -> None:
    check, *others = REPORT.checklist

    def with_status(status: str, says: str = "") -> Report:
        return msgspec.structs.replace(
            REPORT, checklist=(Check(check.check, status, says), *others)
        )

    assert said(with_status("pass"), with_status("fail")) == [
        f"check {check.check}: pass before, fail after"
    ]
    assert said(with_status("pass"), with_status("pass", "other words")) == []
