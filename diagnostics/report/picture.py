"""The journey as a picture: where stations, line and tags stand, for SVG.

Two drawings of the same thing: `across` for wide windows and paper, `down` for phones. SVG does
not break lines, so texts are broken here by an estimate of their width, made for the widest of
the common fonts (DejaVu Sans); in narrower ones the tags only have more air.
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Callable, Sequence

import msgspec

from diagnostics.journey.verdict import Stage, State, Station
from diagnostics.report import wording
from diagnostics.report.terminal import cut, plain, wrapped

_SIZE = 13.0
_LINE = 18.0
_PAD = 14.0
_TITLE = 24.0
# What a station says when it is broken answers this question; elsewhere, what should have come.
_EXPECTED = {
    Stage.CACHE: "What should have answered",
    Stage.RULE: "What the allowed URLs say",
}


class Stop(msgspec.Struct, frozen=True):
    """One station on the picture."""

    stage: Stage
    state: State
    says: str
    x: float
    y: float


class Segment(msgspec.Struct, frozen=True):
    """The line between two stations: `ok`, `open` (one of them is unknown) or `off` (behind the
    broken one, or to a station that was skipped)."""

    kind: str
    x1: float
    y1: float
    x2: float
    y2: float


class TagLine(msgspec.Struct, frozen=True):
    text: str
    x: float
    y: float


class Tag(msgspec.Struct, frozen=True):
    """A box at the broken station: what arrived, or what should have."""

    kind: str
    title: str
    code: bool
    x: float
    y: float
    width: float
    height: float
    title_y: float
    lines: tuple[TagLine, ...]


class Picture(msgspec.Struct, frozen=True):
    """Everything to draw; `stem` is the path from the broken station to its tags."""

    width: float
    height: float
    stops: tuple[Stop, ...]
    segments: tuple[Segment, ...]
    tags: tuple[Tag, ...]
    stem: str
    title: str
    description: str


Layout = Callable[[Sequence[Station], str], Picture]


def across(journey: Sequence[Station], arrived: str) -> Picture:
    """The journey from left to right, its tags below the broken station."""
    width, y, edge = 960.0, 76.0, 62.0
    step = (width - 2 * edge) / max(len(journey) - 1, 1)
    points = [(round(edge + n * step, 1), y) for n in range(len(journey))]
    at = _broken_at(journey)
    tags: tuple[Tag, ...] = ()
    stem, height = "", y + 30
    if at is not None:
        x, gap, box = points[at][0], 20.0, 330.0
        left = min(max(x - box - gap / 2, 4), width - 2 * box - gap - 4)
        fork, top = y + 34, y + 50
        tags = _tags(journey[at], arrived, [(left, top), (left + box + gap, top)], box, even=True)
        middles = [tag.x + tag.width / 2 for tag in tags]
        low, high = min(*middles, x), max(*middles, x)
        stem = f"M{x:g} {y:g}V{fork:g}M{low:g} {fork:g}H{high:g}"
        stem += "".join(f"M{middle:g} {fork:g}V{top:g}" for middle in middles)
        height = max(tag.y + tag.height for tag in tags) + 4
    return _picture(journey, points, width, height, tags, stem)


def down(journey: Sequence[Station], arrived: str) -> Picture:
    """The journey from top to bottom, its tags between the broken station and the next."""
    width, x, step, left = 340.0, 24.0, 46.0, 56.0
    at = _broken_at(journey)
    points: list[tuple[float, float]] = []
    tags: tuple[Tag, ...] = ()
    stem, y = "", 24.0
    for place in range(len(journey)):
        points.append((x, y))
        if place == at:
            box = width - left - 4
            first = _tags(journey[place], arrived, [(left, y + 26), (left, 0)], box)[0]
            corners = [(left, y + 26), (left, y + 26 + first.height + 10)]
            tags = _tags(journey[place], arrived, corners, box)
            middles = [tag.y + tag.height / 2 for tag in tags]
            stem = f"M{x:g} {y:g}H{x + 16:g}V{middles[-1]:g}"
            stem += "".join(f"M{x + 16:g} {middle:g}H{left:g}" for middle in middles)
            y = tags[-1].y + tags[-1].height + 34
        else:
            y += step
    height = max([py + 24 for _, py in points] + [tag.y + tag.height + 4 for tag in tags] + [0])
    return _picture(journey, points, width, height, tags, stem)


def _picture(
    journey: Sequence[Station],
    points: Sequence[tuple[float, float]],
    width: float,
    height: float,
    tags: tuple[Tag, ...],
    stem: str,
) -> Picture:
    stops = tuple(
        Stop(s.stage, s.state, plain(s.says, 300), px, py)
        for s, (px, py) in zip(journey, points, strict=True)
    )
    at = _broken_at(journey)
    segments = tuple(
        Segment(_kind(a, b, at is not None and n >= at), a.x, a.y, b.x, b.y)
        for n, (a, b) in enumerate(itertools.pairwise(stops))
    )
    title = "The request's journey"
    title += f": broken at {journey[at].stage.value}" if at is not None else ", not settled"
    told = "; ".join(f"{s.stage.value} {s.state.value}" for s in stops)
    for tag in tags:
        told += f". {tag.title}: {' '.join(line.text for line in tag.lines)}"
    return Picture(width, height, stops, segments, tags, stem, title, told)


def _broken_at(journey: Sequence[Station]) -> int | None:
    station = wording.broken(journey)
    return None if station is None else list(journey).index(station)


def _kind(a: Stop, b: Stop, behind: bool) -> str:
    if behind or State.SKIPPED in {a.state, b.state}:
        return "off"
    return "open" if State.UNKNOWN in {a.state, b.state} else "ok"


def _tags(
    station: Station,
    arrived: str,
    corners: Sequence[tuple[float, float]],
    width: float,
    *,
    even: bool = False,
) -> tuple[Tag, ...]:
    room = width - 2 * _PAD
    contents = [
        ("arrived", "What arrived", _broken_lines(arrived, room, 5, code=True), True),
        (
            "expected",
            _EXPECTED.get(station.stage, "What should have arrived"),
            _broken_lines(station.says, room, 7),
            False,
        ),
    ]
    most = max(len(lines) for _, _, lines, _ in contents)
    return tuple(
        Tag(
            kind=kind,
            title=title,
            code=code,
            x=x,
            y=y,
            width=width,
            height=_PAD * 2 + _TITLE + (most if even else len(lines)) * _LINE - 6,
            title_y=y + _PAD + 10,
            lines=tuple(
                TagLine(line, x + _PAD, y + _PAD + _TITLE + 10 + n * _LINE)
                for n, line in enumerate(lines)
            ),
        )
        for (kind, title, lines, code), (x, y) in zip(contents, corners, strict=True)
    )


def _broken_lines(text: str, room: float, most: int, *, code: bool = False) -> list[str]:
    """`text` in at most `most` lines that fit `room`; code loses its middle, a sentence its end."""
    if code:
        per_line = int(room / (_SIZE * 0.61))
        text = cut(plain(text), per_line * most - 2)
        lines = wrapped(text, room, _code_width)
    else:
        lines = wrapped(plain(text), room, _text_width)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(" .,") + " …"]
    return lines


@functools.lru_cache(maxsize=4096)
def _code_width(char: str) -> float:
    return _SIZE * (1.3 if _is_wide(char) else 0.61)


@functools.lru_cache(maxsize=4096)
def _text_width(char: str) -> float:
    if _is_wide(char):
        return _SIZE * 1.3
    if char in "mwMW@%…—":
        return _SIZE
    if char in "iljtfrI.,:;'’|!()[]/ -":
        return _SIZE * 0.41
    return _SIZE * (0.72 if char.isupper() else 0.64)


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in {"W", "F"}
