"""What a rehearsal found, in words: the answer first, then why, then what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diagnostics.desk.rehearsal import Rehearsal, Suggestion
from diagnostics.desk.sheet import Block, Code, Heading, Items, Paragraph, Table, items
from diagnostics.journey.case import shown
from diagnostics.report import wording
from diagnostics.report.group import CauseGroup, by_cause
from diagnostics.report.wording import counted

_CASES = 3
_REQUESTS = 4


def sheet(rehearsal: Rehearsal) -> list[Block]:
    """The rehearsal as a short text, for `sheet.markdown` and `sheet.terminal`."""
    blocks: list[Block] = [Heading(headline(rehearsal)), Paragraph(_read(rehearsal))]
    if not rehearsal.summary.governed:
        blocks.append(Paragraph(wording.RECORD_AGAIN))
    blocks += _refused(rehearsal)
    blocks += _open(rehearsal)
    blocks += _list(rehearsal)
    blocks += _suggestion(rehearsal)
    if rehearsal.warnings:
        blocks.append(Heading("Before it goes live", 3))
        blocks.append(
            Items(tuple((f"{f.severity}:", f"{f.says} ({f.where})") for f in rehearsal.warnings))
        )
    blocks.append(Heading("What this rehearsal cannot see", 3))
    blocks.append(items(rehearsal.cannot_see))
    return blocks


def headline(rehearsal: Rehearsal) -> str:
    """The answer in one sentence."""
    counts = rehearsal.summary
    total = counts.governed
    if not total:
        return "This capture holds no request on which a token's allowed URLs decide."
    subject = "The smallest list" if rehearsal.suggested else "The list"
    if rehearsal.suggested and not rehearsal.allowed:
        return f"No list can be suggested: any would refuse {_of(counts.refused, total)}."
    if not counts.refused and not counts.open:
        return f"{subject} admits {'the one request' if total == 1 else f'all {total:,} requests'}."
    told = f"{subject} would refuse {_of(counts.refused, total)}"
    if not counts.refused:
        told = f"{subject} would refuse nothing for certain"
    if counts.open:
        told += f"; for {counts.open:,} the documentation does not say"
    return f"{told}."


def _of(count: int, total: int) -> str:
    if count == total:
        return "the one request" if total == 1 else f"all {total:,} requests"
    return f"{count:,} of {counted(total, 'request')}"


def _read(rehearsal: Rehearsal) -> str:
    counts = rehearsal.summary
    said = f"{', '.join(rehearsal.capture.files[:3])} ({rehearsal.capture.exporter})."
    other = counts.provider_requests - counts.governed
    if other:
        said += (
            f" {counted(other, 'other request')} to the provider"
            f" {'is' if other == 1 else 'are'} not under a list: the map library, telemetry,"
            " unanswered, or without a token that can have one."
        )
    if skipped := len(rehearsal.capture.skipped):
        said += (
            f" {counted(skipped, 'part')} of the capture cannot be read and"
            f" {'was' if skipped == 1 else 'were'} left out."
        )
    return f"Read: {said}"


def _refused(rehearsal: Rehearsal) -> Iterator[Block]:
    groups = by_cause(rehearsal.verdicts)
    titles = wording.titles(rehearsal.verdicts)
    for group in groups:
        code = group.cause.value
        yield Heading(f"Would be refused: {titles.get(code, code)}", 3)
        yield from _cause(group)


def _cause(group: CauseGroup) -> Iterator[Block]:
    told: set[object] = set()
    for case in group.cases[:_CASES]:
        verdict, count = case.first, len(case.positions)
        yield Paragraph(verdict.because, f"{counted(count, 'request')}, {verdict.confidence}.")
        yield Table(
            ("Requests", "URL", "Referer"),
            tuple(
                (f"{r.count:,}", r.url, shown(r.referer or "no Referer"))
                for r in case.requests[:_REQUESTS]
            ),
            frozenset({1, 2}),
        )
        left = sum(r.count for r in case.requests[_REQUESTS:])
        if left:
            yield Paragraph(f"… and {counted(left, 'more request')}.")
        best = wording.best_fix(verdict.fixes)
        if best is not None and best not in told:
            told.add(best)
            cost = f" Cost: {best.cost}" if best.cost else ""
            yield Paragraph(f"{best.says} Predicted: {best.predicted}.{cost}", "Fix:")
            if best.snippet.strip():
                yield Code(best.snippet)
    left = len(group.cases) - _CASES
    if left > 0:
        yield Paragraph(f"… and {counted(left, 'more case')}; --format json has all.")
    yield Paragraph(f"More: why403 explain {group.cause.value}")


def _open(rehearsal: Rehearsal) -> Iterable[Block]:
    if rehearsal.open:
        yield Heading("Could not be told", 3)
        yield Items(
            tuple(
                (f"{counted(item.requests, 'request')}:", f"{item.says} Write an entry that leaves"
                 " no doubt.")
                for item in rehearsal.open
            )
        )  # fmt: skip


def _list(rehearsal: Rehearsal) -> Iterable[Block]:
    """What each entry of the list that was given is good for."""
    if rehearsal.suggested:
        return
    yield Heading("The list that was rehearsed", 3)
    yield Table(
        ("Entry", "Admits"),
        tuple(
            (
                use.entry,
                counted(use.requests, "request") if use.requests else "nothing of this traffic",
            )
            for use in rehearsal.entries
        ),
        frozenset({0}),
    )


def _suggestion(rehearsal: Rehearsal) -> Iterable[Block]:
    smallest = rehearsal.smallest
    if smallest.entries:
        yield Heading("The smallest list that admits the traffic of the pages opened", 3)
        yield Code("\n".join(item.entry for item in smallest.entries))
        if not rehearsal.suggested and {e.entry for e in smallest.entries} == set(
            rehearsal.allowed
        ):
            yield Paragraph("It is the list that was rehearsed.")
        remarks = [(f"{e.entry}:", e.says) for e in smallest.entries if e.says]
        if remarks:
            yield Items(tuple(remarks))
    if smallest.without_referer:
        yield Paragraph(_without(smallest))
    if smallest.apart:
        yield Heading("Left out of it: Referers that are not the opened pages' own", 3)
        yield Items(
            tuple(
                (f"{item.referer}:", f"{counted(item.requests, 'request')}, {item.says}")
                for item in smallest.apart
            )
        )


def _without(smallest: Suggestion) -> str:
    count = smallest.without_referer
    carry = "carries" if count == 1 else "carry"
    return (
        f"{counted(count, 'request')} {carry} no Referer, and no list admits"
        f" {'it' if count == 1 else 'them'}: that has to change before a restriction goes live."
    )
