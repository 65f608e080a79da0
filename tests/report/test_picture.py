"""The drawn journey: its texts fit into their boxes and its stations onto the picture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.journey.verdict import Stage, State, Station
from diagnostics.report import picture

LAYOUTS = [picture.across, picture.down]


def journey(states: list[State], says: str = "It says something.") -> tuple[Station, ...]:
    return tuple(Station(stage, state, says) for stage, state in zip(Stage, states, strict=True))


@pytest.mark.parametrize("draw", LAYOUTS)
@pytest.mark.parametrize("at", range(7))
def test_tags_stand_inside_and_do_not_overlap(draw: picture.Layout, at: int) -> None:
    states = [State.OK] * 7
    states[at] = State.BROKEN
    p = draw(journey(states, "It was refused. " * 30), "https://acme.example/" + "x" * 900)
    assert [tag.kind for tag in p.tags] == ["arrived", "expected"]
    for tag in p.tags:
        assert tag.x >= 0
        assert tag.x + tag.width <= p.width
        assert tag.y + tag.height <= p.height
        assert all(tag.y < line.y < tag.y + tag.height for line in tag.lines)
        for stop in p.stops:
            inside = tag.y - 10 < stop.y < tag.y + tag.height + 10
            assert not inside or not tag.x - 10 < stop.x < tag.x + tag.width
    first, second = p.tags
    assert first.x + first.width <= second.x or first.y + first.height <= second.y
    assert p.stem
    assert p.title == f"The request's journey: broken at {list(Stage)[at]}"
    assert "What arrived: https://acme.example/xxx" in p.description


@pytest.mark.parametrize("draw", LAYOUTS)
def test_seven_stations_and_the_line_between_them(draw: picture.Layout) -> None:
    ok, broken, unknown, skipped = State.OK, State.BROKEN, State.UNKNOWN, State.SKIPPED
    p = draw(journey([ok, ok, unknown, ok, broken, ok, skipped]), "no Referer")
    assert [s.stage for s in p.stops] == list(Stage)
    assert [s.kind for s in p.segments] == ["ok", "open", "open", "ok", "off", "off"]
    assert all(0 < s.x < p.width and 0 < s.y < p.height for s in p.stops)
    assert p.description.startswith("client ok; page ok; policy unknown; wire ok; cache broken;")


@pytest.mark.parametrize("draw", LAYOUTS)
def test_without_a_broken_station_there_are_no_tags(draw: picture.Layout) -> None:
    p = draw(journey([State.OK] * 6 + [State.UNKNOWN]), "https://acme.example/")
    assert p.tags == ()
    assert p.stem == ""
    assert p.title == "The request's journey, not settled"


@pytest.mark.parametrize("draw", LAYOUTS)
def test_a_journey_without_stations_can_be_drawn(draw: picture.Layout) -> None:
    assert draw((), "no Referer").stops == ()


@given(st.text(st.characters(), max_size=2000), st.text(st.characters(), max_size=2000))
def test_any_text_is_broken_into_few_printable_lines(says: str, arrived: str) -> None:
    states = [State.OK] * 6 + [State.BROKEN]
    for draw in LAYOUTS:
        p = draw(journey(states, says), arrived)
        for tag in p.tags:
            assert 1 <= len(tag.lines) <= 8
            assert all(line.text.isprintable() for line in tag.lines)
