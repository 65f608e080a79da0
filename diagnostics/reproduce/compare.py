"""Was it the same refusal? What a replay showed, held against what was to be reproduced.

Requests are compared by kind: the shape of their URL, which leaves out tile numbers, screen density
and the query, and the cause of their refusal. How many of a kind there are depends on the size of a
window and says nothing. Pure.
"""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from diagnostics.capture.exchange import Capture
from diagnostics.journey.traffic import REFUSALS, read_traffic
from diagnostics.journey.verdict import Cause, Verdict
from diagnostics.report.group import short_url
from diagnostics.ticket import Refusal, Ticket

_DENSITY = re.compile(r"@[23]x(?=[./]|$)")
#: Hosts of one service; which of them is asked depends on the version of the map library.
_TILE_HOST = re.compile(r"^(?:[a-d]|api)\.tiles\.mapbox\.com(?=/)")


class Result(enum.StrEnum):
    """What became of one kind of refusal."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    NOT_SEEN = "not seen"


class Wanted(msgspec.Struct, frozen=True):
    """A kind of refusal to be reproduced: by the shape of its URL, or by a ticket's rule, of which
    the first that covers a request counts. `count` is how often it was seen (0: a rule)."""

    cause: Cause
    shape: str = ""
    rule: Refusal | None = None
    count: int = 0

    @property
    def what(self) -> str:
        """The kind in words."""
        if self.rule is None:
            return self.shape
        url = f"…{self.rule.url}…" if self.rule.url else "what is refused"
        return (
            url if self.rule.referer is None else f"{url} (Referer: {self.rule.referer or 'none'})"
        )


class Seen(msgspec.Struct, frozen=True):
    """A replay: its verdicts, and how often each shape of request was answered and refused."""

    verdicts: tuple[Verdict, ...]
    answered: Mapping[str, int]
    refused: Mapping[str, int]


class Row(msgspec.Struct, frozen=True):
    """One kind of refusal: what was to be seen, what came of it, and how often here."""

    cause: Cause
    what: str
    result: Result
    wanted: int
    here: int
    says: str = ""


def shape(url: str) -> str:
    """What a URL has in common with others of its kind, whatever the scheme."""
    short = short_url(url).removeprefix("http://")
    return _DENSITY.sub("", _TILE_HOST.sub("api.mapbox.com", short))


def seen(captures: Sequence[Capture], verdicts: Sequence[Verdict]) -> Seen:
    """What captures show, of which the verdicts are known."""
    answered: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for part in read_traffic(captures)[0]:
        for sighting in part.sightings:
            status = sighting.exchange.status or 0
            if status in REFUSALS:
                refused[shape(sighting.exchange.url)] += 1
            elif 200 <= status < 400 and sighting.exchange.method != "OPTIONS":
                answered[shape(sighting.exchange.url)] += 1
    return Seen(tuple(verdicts), answered, refused)


def from_verdicts(verdicts: Sequence[Verdict]) -> tuple[Wanted, ...]:
    """The kinds of refusal that a diagnosis found."""
    kinds = Counter((verdict.cause, shape(verdict.url)) for verdict in verdicts)
    return tuple(Wanted(cause, text, None, count) for (cause, text), count in kinds.items())


def from_ticket(ticket: Ticket) -> tuple[Wanted, ...]:
    """The kinds of refusal that a ticket expects."""
    return tuple(Wanted(rule.cause, rule=rule) for rule in ticket.expect.refusals)


def compare(
    wanted: Sequence[Wanted], here: Seen, answered_there: Collection[str] = ()
) -> tuple[Row, ...]:
    """A row for each kind that was wanted, and one for each kind that was refused here alone.
    `answered_there` are the shapes that were answered where the refusals come from."""
    covered = [_covering(wanted, verdict) for verdict in here.verdicts]
    rows = []
    for number, one in enumerate(wanted):
        mine = [v for v, by in zip(here.verdicts, covered, strict=True) if number in by]
        rows.append(_row(one, mine, here))
    causes = {one.cause for one in wanted}
    others = Counter(
        (verdict.cause, shape(verdict.url))
        for verdict, by in zip(here.verdicts, covered, strict=True)
        if not by
    )
    for (cause, text), count in others.items():
        # A map asks for more in one window than in another; that is the same story.
        if text in answered_there:
            rows.append(Row(cause, text, Result.DIFFERS, 0, count, "it was answered there"))
        elif cause not in causes or any(one.rule for one in wanted):
            rows.append(Row(cause, text, Result.DIFFERS, 0, count, "it was not refused there"))
    return tuple(rows)


def _covering(wanted: Sequence[Wanted], verdict: Verdict) -> list[int]:
    """The places of those that a verdict belongs to: of rules the first alone."""
    of_shape = shape(verdict.url)
    found = []
    for number, one in enumerate(wanted):
        if one.rule is None and one.shape == of_shape:
            found.append(number)
        elif one.rule is not None and one.rule.covers(verdict.url, verdict.referer):
            return [number]
    return found


def _row(one: Wanted, mine: Sequence[Verdict], here: Seen) -> Row:
    same = [verdict for verdict in mine if verdict.cause == one.cause]
    if same:
        return Row(one.cause, one.what, Result.REPRODUCED, one.count, len(same))
    if mine:
        causes = ", ".join(dict.fromkeys(verdict.cause for verdict in mine))
        says = f"refused here because of {causes}: {mine[0].because}"
        return Row(one.cause, one.what, Result.DIFFERS, one.count, 0, says)
    answered = here.answered.get(one.shape, 0)
    if answered:
        says = f"answered here ({answered} times)"
        return Row(one.cause, one.what, Result.DIFFERS, one.count, 0, says)
    return Row(one.cause, one.what, Result.NOT_SEEN, one.count, 0, "no such request was made here")
