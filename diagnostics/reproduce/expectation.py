"""What must a reproduction show? The customer's verdicts, as the rules of a ticket.

A rule names a piece of the URL, and the Referer where the URL does not tell causes apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence

from diagnostics.browser import url as urls
from diagnostics.journey.contrast import resource_of
from diagnostics.journey.verdict import Verdict
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Expect, Refusal

#: What tells kinds of requests apart, whatever tile or style they are for.
_MARKS = (".vector.pbf", "/static/", "/tiles/", "/sprite", "/fonts/", "/geocod", "/search/",
          ".mvt", ".webp", ".png", ".json", ".html", "/events/", "/map-sessions/")  # fmt: skip
#: What a map may leave out.
_BY_THE_WAY = frozenset({"telemetry", "map session", "glyphs", "sprite"})
#: Each rule is tried on each refusal, here and where it is read.
_MOST_RULES = 100
_Place = tuple[str, str | None]


def expect(verdicts: Sequence[Verdict], asked: Sequence[Asked], findings: Iterable[str],
           stand_ins: StandIns) -> Expect:  # fmt: skip
    """The expectation of a ticket. `findings` are those of the report."""
    ways: tuple[Callable[[Verdict], _Place], ...] = (
        lambda v: ("", None),
        lambda v: (_mark(v.url), None),
        lambda v: (_resource(v.url), None),
        lambda v: ("", _referer(v, stand_ins)),
        lambda v: (_mark(v.url), _referer(v, stand_ins)),
        lambda v: (_path(v.url), None),
        lambda v: (_path(v.url), _referer(v, stand_ins)),
        lambda v: (stand_ins.text(_query(v.url)), None),
        lambda v: (stand_ins.text(_query(v.url)), _referer(v, stand_ins)),
    )
    rules: dict[_Place, str] = {}
    for way in ways:
        rules = _rules(verdicts, way)
        if rules or not verdicts:
            break
    else:  # the same request has several causes: the rules name one for each kind of request
        rules = {(ways[1](v)[0], _referer(v, stand_ins)): v.cause for v in verdicts}
        rules = dict(itertools.islice(rules.items(), _MOST_RULES))
    ordered = sorted(rules.items(), key=lambda rule: (-len(rule[0][0]), rule[0][1] is None))
    return Expect(
        refusals=tuple(
            Refusal(cause, _public(url, stand_ins), referer)  # type: ignore[arg-type]
            for (url, referer), cause in ordered
        ),
        findings=tuple(dict.fromkeys(findings)),
        answered=tuple(_public(mark, stand_ins) for mark in _answered(asked)),
    )


def _rules(verdicts: Sequence[Verdict], way: Callable[[Verdict], _Place]) -> dict[_Place, str]:
    """The cause at each place, empty where one place has several, a wider place hides one, or
    there are more places than rules should be."""
    rules: dict[_Place, str] = {}
    for verdict in verdicts:
        place = way(verdict)
        if rules.setdefault(place, verdict.cause) != verdict.cause:
            return {}
        if len(rules) > _MOST_RULES:
            return {}
    for verdict in verdicts:
        hit = [
            (place, cause)
            for place, cause in rules.items()
            if place[0] in verdict.url and place[1] in {None, verdict.referer or ""}
        ]
        longest = max(hit, key=lambda rule: len(rule[0][0]), default=None)
        if longest is None or longest[1] != verdict.cause:
            return {}
    return rules


def _answered(asked: Sequence[Asked]) -> tuple[str, ...]:
    """Pieces of URLs of which some were answered; a few, and none that were refused as well."""
    refused = {_mark(one.exchange.url) for one in asked if one.verdict is not None}
    found: dict[str, None] = {}
    for one in asked:
        status = one.exchange.status
        mark = _mark(one.exchange.url)
        granted = status is not None and 200 <= status < 300 and one.case.token is not None
        if granted and mark not in refused and one.kind not in _BY_THE_WAY:
            found[mark] = None
    return tuple(found)[:4]


def _mark(address: str) -> str:
    path = _path(address)
    return next((mark for mark in _MARKS if mark in path), _resource(address))


def _resource(address: str) -> str:
    return resource_of(_path(address))


def _path(address: str) -> str:
    url = urls.parse(address)
    return url.path if url is not None else address


def _query(address: str) -> str:
    """An address up to its token."""
    return address.partition("access_token=")[0].rstrip("?&") or address


def _public(piece: str, stand_ins: StandIns) -> str:
    """A piece of an address up to a secret in it, which is still a piece of that address."""
    pairs = zip(piece, stand_ins.text(piece), strict=False)
    return "".join(a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _referer(verdict: Verdict, stand_ins: StandIns) -> str:
    return stand_ins.text(verdict.referer or "")
