"""What a capture has found so far, a line a cause, and its summary: values in, lines out.

A blank map is refused hundreds of times for one reason, so causes are counted, not requests
listed. Verdicts come redacted; here they are made plain for a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.journey.verdict import Cause, Confidence, Verdict
from diagnostics.report import wording
from diagnostics.report.group import by_cause
from diagnostics.report.model import Report
from diagnostics.report.terminal import ascii_only, columns, cut, plain, wrapped

#: How many verdicts may still change their cause; older ones are only counted.
MOST_OPEN = 10_000
_FINDINGS = 5


class Tally(msgspec.Struct, frozen=True):
    """One cause: how many refusals it explains, and the newest verdict among them."""

    cause: Cause
    count: int
    title: str
    confidence: Confidence
    page: str


class Progress:
    """Counts refusals by cause while verdicts come in and are revised."""

    def __init__(self) -> None:
        self._cause_of: dict[int, Cause] = {}
        self._counts: Counter[Cause] = Counter()
        self._newest: dict[Cause, Verdict] = {}
        self._told: set[Cause] = set()

    @property
    def refused(self) -> int:
        return self._counts.total()

    def take(self, verdict: Verdict) -> bool:
        """Count a verdict, in place of an earlier one on the same request; whether its cause is
        one that was not counted before."""
        before = self._cause_of.pop(verdict.index, None)
        if before is not None:
            self._counts[before] -= 1
        self._cause_of[verdict.index] = verdict.cause
        self._counts[verdict.cause] += 1
        self._newest[verdict.cause] = verdict
        if len(self._cause_of) > MOST_OPEN:
            del self._cause_of[next(iter(self._cause_of))]
        is_new = verdict.cause not in self._told
        self._told.add(verdict.cause)
        return is_new

    def tallies(self) -> list[Tally]:
        """Every cause that stands, most refusals first, `unexplained` last."""
        found = [
            Tally(cause, count, _title(cause), newest.confidence, _host(newest.page))
            for cause, count in self._counts.items()
            if count > 0
            for newest in [self._newest[cause]]
        ]
        order = list(Cause)
        return sorted(
            found, key=lambda t: (t.cause is Cause.UNEXPLAINED, -t.count, order.index(t.cause))
        )


def lines(tallies: Sequence[Tally], width: int, *, unicode: bool = True) -> list[str]:
    """A line a cause, none wider than `width` columns."""
    sign = "×" if unicode else "x"
    wide = max((len(f"{tally.count:,}") for tally in tallies), default=0)
    return [
        _line(f"  {tally.count:>{wide},}{sign} {tally.title} ({_facts(tally)})", width, unicode)
        for tally in tallies
    ]


def first_line(verdict: Verdict, *, unicode: bool = True) -> str:
    """The line that tells of a cause when it is seen first."""
    text = f"{verdict.status}: {_title(verdict.cause)} ({verdict.cause}, {verdict.confidence})."
    return _plain(f"{text} {verdict.because}", unicode)


def status_line(requests: int, refused: int, width: int, *, unicode: bool = True) -> str:
    """How far it is, and how it ends."""
    so_far = f"{wording.counted(requests, 'request')} to the map provider, {refused:,} refused."
    return _line(f"{so_far} Ctrl-C ends the capture.", width, unicode)


def summary(
    report: Report, files: Mapping[str, str], width: int, *, unicode: bool = True
) -> list[str]:
    """The headline, each cause with its best fix, what else was found, and where the files are.
    `files` is what each file holds -> its name."""
    found = _paragraph(wording.headline(report), width, unicode)
    for number, group in enumerate(by_cause(report.verdicts), 1):
        verdict = group.cases[0].first
        requests = wording.counted(group.count, "request")
        found += [
            "",
            *_paragraph(f"{number}. {_title(group.cause)}", width, unicode),
            *_paragraph(
                f"{group.cause} · {requests} · {verdict.confidence}", width, unicode, "   "
            ),
            *_paragraph(verdict.because, width, unicode, "   "),
        ]
        fix = wording.best_fix(verdict.fixes)
        if fix is not None:
            says = f"Fix ({fix.predicted}): {fix.says}"
            found += _paragraph(says, width, unicode, "   ")
    for finding in report.findings[:_FINDINGS]:
        says = f"{finding.severity}: {finding.finding}: {finding.says}"
        found += ["", *_paragraph(says, width, unicode)]
    if files:
        wide = max(map(columns, files))
        found += [
            "",
            *(f"{what + ':':{wide + 1}} {_plain(f, unicode)}" for what, f in files.items()),
        ]
    return found


def _title(cause: Cause) -> str:
    return wording.catalog_text(cause).title


def _facts(tally: Tally) -> str:
    facts = [str(tally.cause), str(tally.confidence), *([tally.page] if tally.page else [])]
    return ", ".join(facts)


def _host(page: str | None) -> str:
    url = urls.parse(page or "")
    return "" if url is None or not url.origin.startswith("http") else url.origin.split("//")[1]


def _line(text: str, width: int, unicode: bool) -> str:
    return cut(_plain(text, unicode), width, "…" if unicode else "...")


def _plain(text: str, unicode: bool) -> str:
    text = plain(text)
    return text if unicode else ascii_only(text)


def _paragraph(text: str, width: int, unicode: bool, indent: str = "") -> list[str]:
    return [indent + line for line in wrapped(_plain(text, unicode), width - len(indent))]
