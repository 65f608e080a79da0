"""A probe as it is shown: the plan as a table, the answers, and what they say; and as data."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Sequence

import click
import msgspec

from diagnostics.account.probe import Plan
from diagnostics.account.probe_reading import Answer, Learned, State
from diagnostics.account.probing import fields, target
from diagnostics.account.service import FIELDS
from diagnostics.cli import layout
from diagnostics.journey.case import shown
from diagnostics.provider.profile import Profile
from diagnostics.provider.token import Token
from diagnostics.report.redaction import redact
from diagnostics.report.terminal import plain

SCHEMA = "why403/probe/1"
_COLOURS = {State.ADMITTED: "green", State.REFUSED: "red", State.UNCLEAR: "yellow"}
_MOST_NAMED = 6
_LONGEST = 90


class Line(msgspec.Struct, frozen=True):
    """A request as it is shown: `url` without the token."""

    number: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    tells: str


class ProbeReport(msgspec.Struct, frozen=True):
    """The JSON form. `answers` and `learned` are null where nothing was sent."""

    schema: str
    token: str
    page: str | None
    cost: str
    requests: tuple[Line, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    answers: tuple[Answer, ...] | None = None
    learned: Learned | None = None


def report(
    asked: Plan, token: Token, page: str | None, origin: str, profile: Profile
) -> ProbeReport:
    """The plan as it is shown, without the token."""
    lines = tuple(
        Line(
            one.number,
            "GET",
            origin + urllib.parse.unquote(target(one, profile, token.shown)),
            (*FIELDS, *fields(one)),
            one.tells,
        )
        for one in asked.asks
    )
    found = ProbeReport(
        SCHEMA,
        token.shown,
        shown(page) if page else None,  # its query is neither sent nor shown
        profile.probe.says,
        lines,
        asked.left_out,
        asked.notes,
    )
    return redact(found, [token.text])


def plan_text(report: ProbeReport) -> Iterator[str]:
    """The plan, a paragraph or table at a time."""
    first = report.requests[0]
    number = len(report.requests)
    address, _, _ = first.url.partition("?")
    origin = address[: len(address) - len(urllib.parse.urlsplit(address).path)]
    says = f"{number} requests to {origin} with the token {report.token}"
    says += f", for the page {plain(report.page)}." if report.page else "."
    yield layout.wrap(says)
    yield layout.wrap(f"Cost: {report.cost}, on the account of the token.")
    common = "\n".join(f"    {name}: {value}" for name, value in FIELDS)
    yield (
        layout.wrap(
            "Each is a GET with the query"
            f" ?{first.url.partition('?')[2]}, with these header fields and no others besides Host"
            " and the Referer of its line:"
        )
        + f"\n\n{common}"
    )
    rows = [
        (
            str(line.number),
            urllib.parse.urlsplit(line.url).path,
            plain(dict(line.headers).get("Referer", "(none)"), _LONGEST),
            plain(line.tells),
        )
        for line in report.requests
    ]
    yield layout.table(rows, ("#", "path", "Referer", "what it tells"))
    for note in report.notes:
        yield layout.wrap(plain(note))
    if report.left_out:
        yield layout.wrap(
            f"Left out, because {number} requests are enough for one probe:"
            f" {', '.join(plain(referer, _LONGEST) for referer in report.left_out[:_MOST_NAMED])}."
        )


def answer_line(answer: Answer) -> str:
    """One answer as it comes."""
    mark = click.style(f"{answer.state:9}", fg=_COLOURS[answer.state])
    why = f" ({answer.says})" if answer.state is State.UNCLEAR else ""
    referer = plain(redact(answer.ask.referer) or "(none)", _LONGEST)
    return f"  {answer.ask.number:2}  {answer.status}  {mark}  {referer}{plain(why)}"


def learned_text(learned: Learned, asked: Plan, answers: Sequence[Answer]) -> Iterator[str]:
    """What the answers say, a paragraph at a time."""
    learned = redact(learned)
    yield layout.heading("What the list admits")
    yield layout.wrap(plain(learned.says))
    if len(answers) < len(asked.asks):
        yield layout.wrap(
            f"Stopped after {len(answers)} of {len(asked.asks)} requests:"
            f" {plain(answers[-1].says)}."
        )
    if learned.fewest:
        number = len(learned.fewest)
        says = "One entry explains" if number == 1 else f"{number} entries together explain"
        which = "; and ".join(map(_either, learned.fewest))
        yield layout.wrap(f"{says} what was admitted: {which}.")
    for entry, referer in learned.absent:
        yield layout.wrap(
            f"“{plain(entry)}” is not on the list: it would have admitted {plain(referer)}."
        )
    rest = [*learned.open, *learned.doubts]
    if rest:
        yield layout.heading("What remains open")
        yield "\n".join(layout.wrap(plain(line), "    ", "  - ") for line in rest)
    yield layout.wrap(
        "These answers are of now. How soon a change of the list is in force is not documented; new"
        " tokens were seen to be admitted and refused in turn for minutes. What browsers and caches"
        " hold stays until it expires."
    )


def _either(entries: Sequence[str]) -> str:
    named = [f"“{plain(entry)}”" for entry in entries[:_MOST_NAMED]]
    more = len(entries) - len(named)
    if more:
        named.append(f"one of {more} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"
