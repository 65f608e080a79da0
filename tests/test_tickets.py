"""Every ticket's captures get exactly the causes that the ticket expects, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

import fixtures
from diagnostics import ticket as tickets
from diagnostics.capture.open import read_capture
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.report.model import Report

TICKETS = tickets.load_all(fixtures.ROOT / "tickets")
CAPTURES = [
    pytest.param(name, path, id=path.name)
    for name in sorted(TICKETS)
    for path in sorted((fixtures.ROOT / "captures").glob(f"{name}.*"))
]


def diagnosed(name: str, path: Path) -> Report:
    known = TICKETS[name].known_allowed
    told = Told(Allowed(known, "--allow") if known is not None else Allowed())
    return diagnose(read_capture(str(path)), told)


@pytest.mark.parametrize(("name", "path"), CAPTURES)
def test_refusals_get_the_expected_causes(name: str, path: Path) -> None:
    expected = TICKETS[name].expect.refusals
    report = diagnosed(name, path)
    found = {}
    for verdict in report.verdicts:
        rule = next((r for r in expected if r.covers(verdict.url, verdict.referer)), None)
        assert rule is not None, f"no refusal expected: {verdict.url} {verdict.cause}"
        assert verdict.cause == rule.cause, (verdict.url, verdict.because, verdict.journey)
        found[rule.cause] = True


@pytest.mark.parametrize("name", sorted(TICKETS))
def test_every_expected_refusal_and_finding_appears(name: str) -> None:
    """In at least one of the ticket's captures: not every exporter shows everything."""
    reports = [diagnosed(name, p) for n, p in (c.values for c in CAPTURES) if n == name]
    assert reports, f"no capture of {name}: run make record"
    verdicts = [verdict for report in reports for verdict in report.verdicts]
    for rule in TICKETS[name].expect.refusals:
        assert any(v.cause == rule.cause and rule.covers(v.url, v.referer) for v in verdicts), rule
    findings = {finding.finding for report in reports for finding in report.findings}
    assert set(TICKETS[name].expect.findings) <= findings
