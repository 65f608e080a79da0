"""The report for a terminal: one headline, then a block a cause, then the checklist and the rest.

Every string of the report passes through `terminal.plain` before it is laid out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from diagnostics.journey.verdict import Alternative, Fix, State, Station
from diagnostics.report import wording
from diagnostics.report.group import Case, CauseGroup, by_cause
from diagnostics.report.model import Report
from diagnostics.report.terminal import WORD, ascii_only, columns, cut, plain, plain_block, wrapped

_NARROWEST, _WIDEST = 40, 160
_REQUEST_LINES = 12
_CASES = 3
_ITEMS = 8
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_STATE_STYLES = {
    State.OK: "green",
    State.BROKEN: "red",
    State.UNKNOWN: "yellow",
    State.SKIPPED: "dim",
}
_CHECK_STYLES = {"pass": "green", "fail": "red", "warn": "yellow", "unknown": "dim"}
_SEVERITY_STYLES = {"error": "red", "warning": "yellow", "info": "cyan"}
_PREDICTED_STYLES = {"allowed": "green", "refused": "red", "unknown": "yellow"}
_ASCII_MARKS = {"✓": "+", "✗": "X", "–": "-"}


def render(
    report: Report,
    *,
    colour: bool,
    width: int,
    unicode: bool = True,
    titles: Mapping[str, str] | None = None,
) -> str:
    """The report as text that ends with a line break.

    `width` is the terminal's; snippets alone may be wider, so that they can be copied.
    `unicode=False` gives pure ASCII, for outputs whose encoding is not UTF-8. `titles` maps a
    cause's code to its title; None takes the catalog's.
    """
    page = _Page(colour, max(_NARROWEST, min(width, _WIDEST)), unicode)
    known = wording.titles(report.verdicts) if titles is None else titles
    lines: list[str] = []
    lines += page.paragraph(wording.headline(report), style="bold")
    lines += page.paragraph(f"Read: {wording.capture_line(report)}", style="dim")
    if not report.summary.provider_requests and not report.summary.refused:
        lines += ["", *page.paragraph(wording.RECORD_AGAIN)]
    for number, group in enumerate(by_cause(report.verdicts), 1):
        lines += ["", *_cause(page, number, group, known)]
    if report.verdicts:
        lines += [*_checklist(page, report), *_findings(page, report, "Also found")]
    else:
        lines += [*_findings(page, report, "Found"), *_checklist(page, report)]
    lines += _bullets(page, "What this capture cannot show", report.capture.blind_spots)
    lines += _skipped(page, report)
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Page(msgspec.Struct, frozen=True):
    """How to lay out: colour or not, columns, ASCII or not."""

    colour: bool
    width: int
    unicode: bool

    def say(self, text: str) -> str:
        """A string of the report or of ours as it may be shown."""
        return self.value(plain(text, word=min(WORD, self.width - 8)))

    def value(self, text: str) -> str:
        """A string that stands alone, such as a URL."""
        text = plain(text)
        return text if self.unicode else ascii_only(text)

    def mark(self, mark: str) -> str:
        return mark if self.unicode else _ASCII_MARKS.get(mark, mark)

    @property
    def ellipsis(self) -> str:
        return "…" if self.unicode else "..."

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text

    def paragraph(
        self, text: str, indent: str = "", *, first: str | None = None, style: str = ""
    ) -> list[str]:
        """`text` wrapped; `first` stands before its first line in place of the indent and is as
        long as it."""
        parts = wrapped(self.say(text), self.width - len(indent))
        lines = [(indent if n or first is None else first) + part for n, part in enumerate(parts)]
        return [self.paint(line, style) for line in lines] if style else lines

    def heading(self, text: str) -> str:
        return self.paint(self.say(text), "bold")


def _cause(page: _Page, number: int, group: CauseGroup, titles: Mapping[str, str]) -> Iterator[str]:
    title = titles.get(group.cause.value, group.cause.value)
    yield page.paint(("─" if page.unicode else "-") * page.width, "dim")
    first = f"{number}. "
    yield from page.paragraph(title, " " * len(first), first=first, style="bold")
    facts = [group.cause.value, wording.counted(group.count, "request")]
    yield from page.paragraph(" · ".join([*facts, group.cases[0].first.confidence]), "   ")
    room = _REQUEST_LINES
    told: set[object] = set()
    for place, case in enumerate(group.cases[:_CASES]):
        yield ""
        if len(group.cases) > 1:
            head = f"Case {place + 1} of {len(group.cases)}: "
            head += wording.counted(len(case.positions), "request")
            if case.first.confidence is not group.cases[0].first.confidence:
                head += f", {case.first.confidence}"
            yield "   " + page.heading(head)
        yield from _case(page, case, room, told, titles)
        room = max(3, room - len(case.requests))
    if len(group.cases) > _CASES:
        yield ""
        left = wording.counted(len(group.cases) - _CASES, "more case")
        yield from page.paragraph(f"… and {left} of this cause; --format json has all.", "   ")
    yield ""
    yield from page.paragraph(f"More: why403 explain {group.cause.value}", "   ", style="dim")


def _case(
    page: _Page, case: Case, room: int, told: set[object], titles: Mapping[str, str]
) -> Iterator[str]:
    verdict = case.first
    yield from page.paragraph(verdict.because, "   ")
    yield ""
    yield from _journey(page, verdict.journey)
    if case.evidence:
        yield ""
        yield "   " + page.heading("Evidence")
        for item in case.evidence[:_ITEMS]:
            yield from page.paragraph(item.says, "     ", first="   - ")
            more = f", and {item.more:,} more" if item.more else ""
            yield from page.paragraph(f"{item.where}{more}", "     ", style="dim")
        if len(case.evidence) > _ITEMS:
            yield f"     {page.ellipsis} and {len(case.evidence) - _ITEMS:,} more"
    yield ""
    yield from _requests(page, case, room)
    yield from _fixes(page, verdict.fixes, told)
    if verdict.alternatives and verdict.alternatives not in told:
        told.add(verdict.alternatives)
        yield ""
        yield "   " + page.heading("It could also be")
        for other in verdict.alternatives[:_ITEMS]:
            yield from _alternative(page, other, titles)


def _alternative(page: _Page, other: Alternative, titles: Mapping[str, str]) -> list[str]:
    title = titles.get(other.cause.value)
    name = f"{title} ({other.cause.value})" if title else other.cause.value
    return [
        *page.paragraph(f"{name}, {other.confidence}", "     ", first="   - "),
        *page.paragraph(f"To settle it: {other.settle}", "     "),
    ]


def _journey(page: _Page, journey: Sequence[Station]) -> Iterator[str]:
    """The line of stations, broken between two where the terminal is narrow, and what the broken
    one found."""
    arrow = " → " if page.unicode else " > "
    line, used = "", 3
    for place, station in enumerate(journey):
        text = f"{station.stage.value} {page.mark(wording.STATE_MARKS[station.state])}"
        step = arrow if place else ""
        if place and used + len(step) + len(text) > page.width:
            yield "   " + line
            line, used, step = "", 3, arrow.lstrip()
        line += page.paint(step, "dim") + page.paint(text, _STATE_STYLES[station.state])
        used += len(step) + len(text)
    if line:
        yield "   " + line
    first = wording.broken(journey)
    for station in [first] if first else [s for s in journey if s.state is State.UNKNOWN]:
        yield from page.paragraph(f"{station.stage.value}: {station.says}", "   ")


def _requests(page: _Page, case: Case, room: int) -> Iterator[str]:
    from tabulate import tabulate  # costs 90 ms, which `--help` must not pay

    requests = case.requests
    yield "   " + page.heading("Requests")
    yield from _shared(page, "Page", case.pages, len(case.pages) > 0)
    tokens = list(dict.fromkeys(r.token for r in requests if r.token))
    yield from _shared(page, "Token", tokens, len(tokens) > 0)
    referers = list(dict.fromkeys(r.referer or "none" for r in requests))
    one_referer = len(referers) == 1
    yield from _shared(page, "Referer", referers, one_referer)
    methods = [cut(page.value(r.method), 8, page.ellipsis) for r in requests[:room]]
    counts = [f"{r.count:,}{'×' if page.unicode else 'x'}" for r in requests[:room]]
    left = page.width - 3 - sum(2 + max(map(len, c)) for c in (methods, counts)) - len("403  ")
    wide = 0 if one_referer else min(max(map(columns, referers)), 60, left * 2 // 5)
    rows = [
        [
            count,
            method,
            str(request.status),
            cut(page.value(request.url), left - (wide + 2 if wide else 0), page.ellipsis),
            *([cut(page.value(request.referer or "none"), wide, page.ellipsis)] if wide else []),
        ]
        for request, method, count in zip(requests, methods, counts, strict=False)
    ]
    headers = ["", "", "", "URL", "Referer"] if wide else ()
    align = ["right", "left", "left", "left", "left"][: 5 if wide else 4]
    table = tabulate(rows, headers, "plain", disable_numparse=True, colalign=align).splitlines()
    if wide:
        yield "   " + page.paint(table.pop(0), "dim")
    yield from (f"   {line}" for line in table)
    if hidden := sum(r.count for r in requests[room:]):
        yield f"   {page.ellipsis} and {hidden:,} more; --format json has all"


def _shared(page: _Page, name: str, values: Sequence[str], show: bool) -> Iterator[str]:
    """What all requests of a table share, above it."""
    if show:
        more = f" and {len(values) - 1:,} more" if len(values) > 1 else ""
        value = cut(page.value(values[0]), page.width - 12 - len(more), page.ellipsis)
        yield f"   {name + ':':8} {value}{more}"


def _fixes(page: _Page, fixes: Sequence[Fix], told: set[object]) -> Iterator[str]:
    best = wording.best_fix(fixes)
    if best is None:
        return
    yield ""
    if fixes in told:
        yield "   " + page.heading("Fix: ") + "as above"
        return
    told.add(fixes)
    predicted = page.paint(f"predicted: {page.say(best.predicted)}", _predicted(best))
    yield f"   {page.heading('Fix')}   {predicted}"
    yield from page.paragraph(best.says, "   ")
    if best.snippet.strip():
        yield ""
        snippet = plain_block(best.snippet)
        for line in (snippet if page.unicode else ascii_only(snippet)).splitlines():
            yield page.paint(f"       {line}", "cyan")
    if best.cost:
        if best.snippet.strip():
            yield ""
        yield from page.paragraph(f"Cost: {best.cost}", "   ")
    others = [fix for fix in fixes if fix is not best]
    if others:
        yield ""
        yield "   " + page.heading("Other fixes")
        for fix in others[:_ITEMS]:
            line = f"{fix.says} [predicted: {fix.predicted}]"
            yield from page.paragraph(
                line + (f" Cost: {fix.cost}" if fix.cost else ""), "     ", first="   - "
            )


def _predicted(fix: Fix) -> str:
    return _PREDICTED_STYLES.get(fix.predicted, "yellow")


def _checklist(page: _Page, report: Report) -> Iterator[str]:
    if not report.checklist:
        return
    yield from ("", page.heading("The provider's checklist"))
    names = [page.say(wording.check_name(check.check)) for check in report.checklist]
    wide = max(map(columns, names))
    for name, check in zip(names, report.checklist, strict=True):
        style = _CHECK_STYLES.get(check.status, "dim")
        mark = page.mark(wording.CHECK_MARKS.get(check.status, "?"))
        indent = " " * (wide + 6)
        lines = page.paragraph(check.says, indent)
        name += " " * (wide - columns(name))
        yield f"  {page.paint(mark, style)} {name}  {lines[0].removeprefix(indent)}"
        yield from lines[1:]


def _findings(page: _Page, report: Report, heading: str) -> Iterator[str]:
    if not report.findings:
        return
    yield from ("", page.heading(heading))
    order = {"error": 0, "warning": 1, "info": 2}
    found = sorted(report.findings, key=lambda f: order.get(f.severity, 3))
    for finding in found[: 2 * _ITEMS]:
        style = _SEVERITY_STYLES.get(finding.severity, "dim")
        head = f"{finding.severity}: {finding.finding}"
        yield from page.paragraph(head, "    ", first="  - ", style=style)
        yield from page.paragraph(finding.says, "    ")
        yield from page.paragraph(finding.where, "    ", style="dim")
    if left := len(found) - 2 * _ITEMS:
        yield from _left(page, left)


def _skipped(page: _Page, report: Report) -> Iterator[str]:
    skipped = report.capture.skipped
    lines = (
        s.file + ("" if s.index is None else f" entry {s.index}") + f": {s.reason}"
        for s in skipped[:_ITEMS]
    )
    yield from _bullets(page, f"Skipped: {wording.counted(len(skipped), 'part')}", lines)
    if left := len(skipped) - _ITEMS:
        yield from _left(page, left)


def _left(page: _Page, count: int) -> Iterator[str]:
    if count > 0:
        yield f"    {page.ellipsis} and {count:,} more; --format json has all"


def _bullets(page: _Page, heading: str, items: Iterable[str]) -> Iterator[str]:
    for place, item in enumerate(items):
        if not place:
            yield from ("", page.heading(heading))
        yield from page.paragraph(item, "    ", first="  - ")
