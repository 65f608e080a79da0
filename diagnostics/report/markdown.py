"""The report as Markdown, ready to paste into a ticket (GitHub, GitLab, Jira, Zendesk).

Nothing that a capture says may become markup there: values stand in code spans and fences that
they cannot leave. Source: CommonMark 0.31, sections 4.5 and 6.1 (fenced code, code spans).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from diagnostics.journey.verdict import Fix, State, Station
from diagnostics.report import wording
from diagnostics.report.group import Case, CauseGroup, by_cause
from diagnostics.report.model import Report
from diagnostics.report.terminal import WORD, plain, plain_block
from diagnostics.report.words import pieces

_CASES = 3
_ITEMS = 10


def render(report: Report, *, titles: Mapping[str, str] | None = None) -> str:
    """The report as Markdown that ends with a line break. `titles` maps a cause's code to its
    title; None takes the catalog's."""
    known = wording.titles(report.verdicts) if titles is None else titles
    groups = by_cause(report.verdicts)
    parts: list[str] = [f"## why403: {prose(wording.headline(report))}"]
    parts.append(f"Read: {prose(wording.capture_line(report))}")
    if not report.summary.provider_requests and not report.summary.refused:
        parts.append(prose(wording.RECORD_AGAIN))
    if groups:
        parts.append(_table(groups, known))
    for group in groups:
        parts += _cause(group, known)
    tail = [_checklist(report), _findings(report, "Also found" if groups else "Found")]
    for part in tail if groups else reversed(tail):
        parts += part
    if report.capture.blind_spots:
        parts.append("### What this capture cannot show")
        parts.append(_list([prose(spot) for spot in report.capture.blind_spots]))
    if report.capture.skipped:
        parts.append(f"### Skipped: {wording.counted(len(report.capture.skipped), 'part')}")
        parts.append(
            _list(
                [
                    f"{span(s.file)}{'' if s.index is None else f' entry {s.index}'}:"
                    f" {prose(s.reason)}"
                    for s in report.capture.skipped
                ]
            )
        )
    return "\n\n".join(parts) + "\n"


def span(text: str) -> str:
    """`text` as a code span that it cannot leave: more backticks around than within."""
    text = plain(text).strip() or "(empty)"
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{gap}{text}{gap}{ticks}"


def fence(text: str, language: str = "") -> str:
    """`text` as a fenced block; the fence is longer than any run of backticks in it."""
    text = plain_block(text)
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def prose(text: str) -> str:
    """`text` as a sentence in which nothing is markup: values stand in code spans."""
    return " ".join(
        f"{piece.before}{span(piece.text)}{piece.after}" if piece.is_value else piece.text
        for piece in pieces(plain(text, word=WORD))
    )


def _table(groups: Sequence[CauseGroup], titles: Mapping[str, str]) -> str:
    rows = ["| Cause | Code | Requests | Confidence |", "| --- | --- | ---: | --- |"]
    for group in groups:
        code = group.cause.value
        title = prose(titles.get(code, code)).replace("|", "")
        rows.append(f"| {title} | `{code}` | {group.count} | {group.cases[0].first.confidence} |")
    return "\n".join(rows)


def _cause(group: CauseGroup, titles: Mapping[str, str]) -> Iterator[str]:
    code = group.cause.value
    yield f"### {prose(titles.get(code, code))}"
    told: set[object] = set()
    for place, case in enumerate(group.cases[:_CASES]):
        if len(group.cases) > 1:
            count = wording.counted(len(case.positions), "request")
            yield f"**Case {place + 1} of {len(group.cases)}: {count}**"
        yield from _case(case, told, titles)
    if (left := len(group.cases) - _CASES) > 0:
        yield f"… and {wording.counted(left, 'more case')}; the JSON report has all."


def _case(case: Case, told: set[object], titles: Mapping[str, str]) -> Iterator[str]:
    verdict = case.first
    yield prose(verdict.because)
    yield _journey(verdict.journey)
    if case.evidence:
        yield "**Evidence**"
        yield _list(
            [
                f"{prose(e.says)} ({prose(e.where)}{f', and {e.more:,} more' if e.more else ''})"
                for e in case.evidence
            ]
        )
    yield f"**Example of {wording.counted(len(case.positions), 'request')}**"
    yield _example(case)
    yield from _fixes(verdict.fixes, told)
    if verdict.alternatives and verdict.alternatives not in told:
        told.add(verdict.alternatives)
        yield "**It could also be**"
        yield _list(
            [
                f"{prose(titles.get(a.cause.value, ''))} `{a.cause.value}`".strip()
                + f", {a.confidence}. To settle it: {prose(a.settle)}"
                for a in verdict.alternatives
            ]
        )


def _journey(journey: Sequence[Station]) -> str:
    line = " → ".join(f"{s.stage.value} {wording.STATE_MARKS[s.state]}" for s in journey)
    station = wording.broken(journey)
    shown = [station] if station else [s for s in journey if s.state is State.UNKNOWN]
    return "\n\n".join([line, *(f"**{s.stage.value}**: {prose(s.says)}" for s in shown)])


def _example(case: Case) -> str:
    verdict = case.first
    lines = [f"{verdict.method} {verdict.url}", f"Referer: {verdict.referer or '(none)'}"]
    if verdict.page:
        lines.append(f"Page: {verdict.page}")
    lines += [f"Status: {verdict.status}", f"Source: {verdict.file} entry {verdict.index}"]
    return fence("\n".join(plain(line, 400) for line in lines), "http")


def _fixes(fixes: Sequence[Fix], told: set[object]) -> Iterator[str]:
    best = wording.best_fix(fixes)
    if best is None:
        return
    if fixes in told:
        yield "**Fix**: as above"
        return
    told.add(fixes)
    yield f"**Fix** (predicted: {prose(best.predicted)}): {prose(best.says)}"
    if best.snippet.strip():
        yield fence(best.snippet)
    if best.cost:
        yield f"Cost: {prose(best.cost)}"
    others = [fix for fix in fixes if fix is not best]
    if others:
        yield "**Other fixes**"
        yield _list(
            [
                f"{prose(f.says)} (predicted: {prose(f.predicted)})"
                + (f" Cost: {prose(f.cost)}" if f.cost else "")
                for f in others
            ]
        )


def _checklist(report: Report) -> list[str]:
    lines = []
    for check in report.checklist:
        box = "x" if check.status == "pass" else " "
        name = prose(wording.check_name(check.check))
        lines.append(f"- [{box}] **{name}**: {prose(check.status)}. {prose(check.says)}")
    return ["### The provider's checklist", "\n".join(lines)] if lines else []


def _findings(report: Report, heading: str) -> list[str]:
    order = {"error": 0, "warning": 1, "info": 2}
    items = [
        f"**{prose(f.severity)}** {span(f.finding)}: {prose(f.says)} ({prose(f.where)})"
        for f in sorted(report.findings, key=lambda f: order.get(f.severity, 3))
    ]
    return [f"### {heading}", _list(items)] if items else []


def _list(items: Sequence[str]) -> str:
    """A list of sentences; a long one ends with the number of those left out."""
    lines = [f"- {item}" for item in items[:_ITEMS]]
    if len(items) > _ITEMS:
        lines.append(f"- … and {len(items) - _ITEMS:,} more; the JSON report has all.")
    return "\n".join(lines)
