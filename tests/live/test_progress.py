"""The lines of a running capture and of its summary."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.capture.exchange import Skipped
from diagnostics.journey.verdict import Cause, Confidence, Finding, Verdict
from diagnostics.live import progress
from diagnostics.live.progress import Progress, Tally
from diagnostics.report.model import SCHEMA, CaptureSummary, Report, Summary
from tests.live.verdicts import BLOCKED, HOST, verdict


def report(*verdicts: Verdict, findings: tuple[Finding, ...] = ()) -> Report:
    by_cause: dict[Cause, int] = {}
    for each in verdicts:
        by_cause[each.cause] = by_cause.get(each.cause, 0) + 1
    read = CaptureSummary(("live capture",), "mitmproxy", 9, (), ())
    return Report(
        SCHEMA,
        read,
        Summary(len(verdicts) + 1, len(verdicts), len(verdicts), by_cause),
        verdicts,
        (),
        findings,
    )


def test_like_refusals_are_counted_not_listed() -> None:
    found = Progress()
    news = [found.take(verdict(index)) for index in range(1200)]
    assert news == [True] + [False] * 1199
    assert found.refused == 1200
    assert progress.lines(found.tallies(), 200) == [
        "  1,200× The Referrer-Policy removes the Referer"
        " (referrer-policy-blocks, certain, shop.example.com)"
    ]


def test_a_revised_verdict_moves_to_its_new_cause() -> None:
    found = Progress()
    for index in range(3):
        found.take(verdict(index, Cause.UNEXPLAINED))
    assert found.take(verdict(1, HOST)) is True
    assert found.take(verdict(2, HOST, page=None)) is False
    assert [(t.cause, t.count, t.page) for t in found.tallies()] == [
        (HOST, 2, ""),
        (Cause.UNEXPLAINED, 1, "shop.example.com"),
    ]
    found.take(verdict(0, HOST))
    assert [t.cause for t in found.tallies()] == [HOST]
    assert found.refused == 3


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "MOST_OPEN", 10)
    found = Progress()
    for index in range(100):
        found.take(verdict(index))
    assert len(found._cause_of) == 10
    assert found.refused == 100


def test_lines_fit_and_are_plain() -> None:
    tallies = [
        Tally(BLOCKED, 12, "A title" * 30, Confidence.LIKELY, "a\x1b[2Jb.example"),
        Tally(HOST, 3, "×", Confidence.LIKELY, ""),
    ]
    for unicode in (True, False):
        lines = progress.lines(tallies, 40, unicode=unicode)
        assert max(map(len, lines)) == 40
        assert not any("\x1b" in line for line in lines)
        assert all(line.isascii() for line in lines) is not unicode
    assert progress.lines([], 40) == []
    assert progress.lines(tallies, 200)[1].startswith("   3× ×")


def test_the_summary_has_headline_causes_fixes_and_files() -> None:
    made = report(verdict(0), verdict(1), verdict(2, HOST, fixes=()))
    lines = progress.summary(made, {"Report": "out/report.html", "HAR": "out/capture.har"}, 80)
    assert lines == [
        "3 of 4 requests to Mapbox were refused; two causes explain all of them.",
        "",
        "1. The Referrer-Policy removes the Referer",
        "   referrer-policy-blocks · 2 requests · certain",
        "   The page says no-referrer.",
        "   Fix (allowed): Send another policy.",
        "",
        "2. The page's host is not on the list",
        "   page-not-allowed · 1 request · certain",
        "   The page says no-referrer.",
        "",
        "Report: out/report.html",
        "HAR:    out/capture.har",
    ]
    ascii_lines = progress.summary(made, {}, 80, unicode=False)
    assert all(line.isascii() for line in ascii_lines)


def test_the_summary_of_no_refusal_tells_what_else_was_found() -> None:
    finding = Finding("csp-blocks-request", "error", "The page forbids its map.", "x")
    lines = progress.summary(report(findings=(finding,)), {}, 80)
    assert lines == [
        "The one request to the map provider was not refused.",
        "",
        "error: csp-blocks-request: The page forbids its map.",
    ]


def test_skipped_entries_do_not_disturb_the_summary() -> None:
    made = report()
    read = msgspec.structs.replace(made.capture, skipped=(Skipped("a", 1, "odd"),))
    assert progress.summary(msgspec.structs.replace(made, capture=read), {}, 80)
