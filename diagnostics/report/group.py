"""Which verdicts tell the same story? Grouping by cause and folding of like requests.

A capture of one blank map holds hundreds of refusals with one reason. The formats for people show
each story once: a group a cause (most requests first), in it a case for each different journey,
in that one line for requests that look alike. All of it takes time linear in the verdicts; tuples
that verdicts share are compared by identity, so a story is hashed once, not once a request.
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Sequence
from typing import Any

import msgspec

from diagnostics.journey.verdict import Cause, Verdict
from diagnostics.provider import token
from diagnostics.report.terminal import plain
from diagnostics.report.wording import natural


class Request(msgspec.Struct, frozen=True):
    """Requests that look alike: how many, and what they share. `token` is in its shown form;
    `referer` None for none."""

    count: int
    method: str
    status: int
    url: str
    token: str | None
    referer: str | None


class Observation(msgspec.Struct, frozen=True):
    """An evidence sentence, the first place where it stands and how many more there are."""

    says: str
    where: str
    more: int = 0


class Case(msgspec.Struct, frozen=True):
    """Verdicts of one cause with the same reasons, journey and fixes. `first` stands for all of
    them; `positions` are places in the report's list of verdicts."""

    first: Verdict
    positions: tuple[int, ...]
    requests: tuple[Request, ...]
    evidence: tuple[Observation, ...]
    pages: tuple[str, ...]


class CauseGroup(msgspec.Struct, frozen=True):
    """Everything that one cause refused; the case with the most requests first."""

    cause: Cause
    count: int
    cases: tuple[Case, ...]


def by_cause(verdicts: Sequence[Verdict]) -> tuple[CauseGroup, ...]:
    """The verdicts as groups, most requests first; `unexplained` last, and equal counts in the
    order of the stages."""
    number = _Numbers()
    cases: dict[Cause, dict[object, list[int]]] = {}
    for position, verdict in enumerate(verdicts):
        story = (
            verdict.confidence,
            verdict.because,
            number.of(verdict.journey),
            number.of(verdict.fixes),
            number.of(verdict.alternatives),
        )
        cases.setdefault(verdict.cause, {}).setdefault(story, []).append(position)
    groups = []
    for cause, stories in cases.items():
        found = sorted(stories.values(), key=len, reverse=True)
        groups.append(
            CauseGroup(cause, sum(map(len, found)), tuple(_case(verdicts, p) for p in found))
        )
    order = list(Cause)
    return tuple(
        sorted(
            groups,
            key=lambda g: (g.cause is Cause.UNEXPLAINED, -g.count, order.index(g.cause)),
        )
    )


def in_order(verdicts: Sequence[Verdict], positions: Sequence[int]) -> list[Verdict]:
    """The verdicts at these positions, by file (`2.har` before `10.har`) and entry."""
    files = {verdicts[p].file for p in positions}
    keys = {file: natural(file) for file in files}
    return sorted((verdicts[p] for p in positions), key=lambda v: (keys[v.file], v.index))


class _Numbers:
    """A number for each different tuple; the same object is looked up by its id alone."""

    def __init__(self) -> None:
        self._by_id: dict[int, int] = {}
        self._by_value: dict[Any, int] = {}
        self._kept: list[object] = []  # an id is taken again once its object is gone

    def of(self, value: tuple[object, ...]) -> int:
        known = self._by_id.get(id(value))
        if known is None:
            known = self._by_value.setdefault(value, len(self._by_value))
            self._by_id[id(value)] = known
            self._kept.append(value)
        return known


def _case(verdicts: Sequence[Verdict], positions: Sequence[int]) -> Case:
    members = [verdicts[p] for p in positions]
    like: dict[tuple[str, int, str, str | None, str | None], int] = {}
    for v in members:
        key = (v.method, v.status, short_url(v.url), shown_token(v.url), v.referer)
        like[key] = like.get(key, 0) + 1
    requests = sorted(like.items(), key=lambda item: item[1], reverse=True)
    return Case(
        first=members[0],
        positions=tuple(positions),
        requests=tuple(Request(count, *key) for key, count in requests),
        evidence=_evidence(members),
        pages=tuple(dict.fromkeys(v.page for v in members if v.page)),
    )


def _evidence(members: Sequence[Verdict]) -> tuple[Observation, ...]:
    seen: set[int] = set()
    places: dict[str, dict[str, None]] = {}
    for verdict in members:
        if id(verdict.evidence) in seen:
            continue
        seen.add(id(verdict.evidence))
        for item in verdict.evidence:
            places.setdefault(item.says, {})[item.where] = None
    return tuple(Observation(says, next(iter(at)), len(at) - 1) for says, at in places.items())


# Tile coordinates and glyph ranges, as the API documentation writes them.
_TILE = re.compile(r"/[0-9]{1,2}/[0-9]{1,8}/[0-9]{1,8}(?=[@.]|$)")
_GLYPHS = re.compile(r"/[0-9]{1,5}-[0-9]{1,5}(?=\.pbf$)")
_LONGEST = 2000


@functools.lru_cache(maxsize=4096)
def short_url(url: str) -> str:
    """Host and path of a URL with tile coordinates as `{z}/{x}/{y}` and without its query, in
    which only the token tells anything; the scheme stays where it is not https."""
    text = url.partition("#")[0].partition("?")[0].removeprefix("https://")
    text = plain(text, _LONGEST)
    return _GLYPHS.sub("/{start}-{end}", _TILE.sub("/{z}/{x}/{y}", text))


def shown_token(url: str) -> str | None:
    """The `access_token` of a URL in its short form, None where it has none. A report may
    already hold the short form: that stays as it is."""
    query = url.partition("#")[0].partition("?")[2]
    for field in query.split("&"):
        name, _, value = field.partition("=")
        if name == "access_token":
            return _shown(value)
    return None


@functools.lru_cache(maxsize=1024)
def _shown(value: str) -> str:
    value = urllib.parse.unquote(value)
    return value if "…" in value else token.decode(value).shown
