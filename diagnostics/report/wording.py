"""The words that all formats share: the headline, names of providers and checks, marks of states.

Titles of causes and their links come from the catalog, which is read only when they are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from diagnostics.journey.verdict import Alternative, Cause, Fix, State, Station, Verdict
from diagnostics.report.model import Report
from diagnostics.report.terminal import plain

if TYPE_CHECKING:
    from diagnostics.causes.catalog import CauseText

PROVIDERS = {"mapbox": "Mapbox"}

CHECKS = {
    "cache": "Cached answers",
    "referer": "Referer sent",
    "csp": "Content Security Policy",
    "allowed-urls": "Allowed URLs",
    "api-host": "API host as Referer",
    "client": "Client and library",
    "token": "Token",
}

STATE_MARKS = {State.OK: "✓", State.BROKEN: "✗", State.UNKNOWN: "?", State.SKIPPED: "–"}
CHECK_MARKS = {"pass": "✓", "fail": "✗", "warn": "!", "unknown": "?"}

#: What to do when a capture holds no request to a provider at all.
RECORD_AGAIN = (
    "Record it again: open the browser's network panel first, switch its filter to “All”,"
    " reload the page with the map, wait until the map should be there, then save all entries"
    " as HAR. If the page makes no request to the provider even then, its Content Security"
    " Policy or a blocker may stop it: the findings say so where the capture shows it."
)

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def number(count: int) -> str:
    """A small count as a word, a larger one as digits."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """`1 request`, `1,200 requests`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def provider_name(code: str) -> str:
    return PROVIDERS.get(code) or plain(code, 40) or "the map provider"


def headline(report: Report) -> str:
    """The report in one sentence."""
    summary = report.summary
    if not summary.provider_requests and not summary.refused:
        return "This capture holds no request to a map provider."
    if not summary.refused:
        if summary.provider_requests == 1:
            return "The one request to the map provider was not refused."
        return f"None of {summary.provider_requests:,} requests to the map provider was refused."
    names = list(dict.fromkeys(provider_name(v.provider) for v in report.verdicts))
    to = names[0] if len(names) == 1 else "map providers"
    verb = "was" if summary.refused == 1 else "were"
    if summary.refused < summary.provider_requests:
        start = f"{summary.refused:,} of {counted(summary.provider_requests, 'request')} to {to}"
    elif summary.refused == 1:
        start = f"The one request to {to}"
    else:
        start = f"All {summary.refused:,} requests to {to}"
    return f"{start} {verb} refused; {_explained(report)}."


def _explained(report: Report) -> str:
    summary = report.summary
    causes = sum(1 for cause, n in summary.by_cause.items() if n and cause is not Cause.UNEXPLAINED)
    open_ = summary.refused - summary.explained
    if not causes or not summary.explained:
        return "the capture does not show why"
    subject = "one cause explains" if causes == 1 else f"{number(causes)} causes explain"
    if open_ <= 0:
        return f"{subject} {'it' if summary.refused == 1 else 'all of them'}"
    return f"{subject} {summary.explained:,} of them, {open_:,} {_are(open_)} unexplained"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def capture_line(report: Report) -> str:
    """What was read, in a line: files, exporter, number of exchanges."""
    files = report.capture.files
    named = ", ".join(plain(file, 80) for file in files[:3]) or "nothing"
    if len(files) > 3:
        named += f" and {len(files) - 3:,} more"
    exporter = plain(report.capture.exporter, 80)
    details = ([exporter] if exporter else []) + [counted(report.capture.exchanges, "exchange")]
    return f"{named} ({', '.join(details)})"


def broken(journey: Sequence[Station]) -> Station | None:
    """The first station of a journey that does not hold."""
    return next((s for s in journey if s.state is State.BROKEN), None)


def best_fix(fixes: Sequence[Fix]) -> Fix | None:
    """The first fix that is predicted to work, else the first of all."""
    return next((f for f in fixes if f.predicted == "allowed"), fixes[0] if fixes else None)


def check_name(code: str) -> str:
    return CHECKS.get(code) or plain(code, 40)


def titles(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """The catalog's title of every cause that these verdicts name."""
    return {cause.value: catalog_text(cause).title for cause in _named(verdicts)}


def links(verdicts: Iterable[Verdict]) -> dict[str, list[tuple[str, str]]]:
    """The catalog's links for every cause that these verdicts name, as (title, address)."""
    return {
        cause.value: [(link.title, link.url) for link in catalog_text(cause).links]
        for cause in _named(verdicts)
    }


def catalog_text(cause: Cause) -> CauseText:
    # Imported late: a report without verdicts needs no catalog, nor the YAML reader under it.
    from diagnostics.causes import catalog

    return catalog.text(cause)


def _named(verdicts: Iterable[Verdict]) -> set[Cause]:
    alternatives: dict[int, tuple[Alternative, ...]] = {}
    causes: set[Cause] = set()
    for verdict in verdicts:
        causes.add(verdict.cause)
        alternatives[id(verdict.alternatives)] = verdict.alternatives
    return causes.union(a.cause for found in alternatives.values() for a in found)


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key that puts `entry 2` before `entry 10`, and digits before letters."""
    parts = re.findall(r"([0-9]{1,18})|([^0-9]+)", text)
    return tuple((0, int(digits), "") if digits else (1, 0, words) for digits, words in parts)
