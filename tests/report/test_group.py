"""Like requests are folded, and grouping stays linear."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from diagnostics.journey.verdict import Cause, Evidence
from diagnostics.provider import token
from diagnostics.report.group import Observation, by_cause, in_order, short_url, shown_token
from diagnostics.report.model import Report

API = "api.mapbox.com"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://api.mapbox.com/v4/a.b/14/8800/5373.vector.pbf?sku=1",
            "/v4/a.b/{z}/{x}/{y}.vector.pbf",
        ),
        (
            "https://api.mapbox.com/styles/v1/u/s/tiles/512/11/1104/671@2x",
            "/styles/v1/u/s/tiles/512/{z}/{x}/{y}@2x",
        ),
        ("https://api.mapbox.com/v4/a/0/0/0.png", "/v4/a/{z}/{x}/{y}.png"),
        (
            "https://api.mapbox.com/fonts/v1/mapbox/DIN%20Pro/256-511.pbf",
            "/fonts/v1/mapbox/DIN%20Pro/{start}-{end}.pbf",
        ),
        (
            "https://api.mapbox.com/styles/v1/u/s/static/2.3,48.8,11/600x400@2x",
            "/styles/v1/u/s/static/2.3,48.8,11/600x400@2x",
        ),
        ("https://api.mapbox.com/styles/v1/u/s.html?title=copy#11/48.8/2.3", "/styles/v1/u/s.html"),
    ],
)
def test_short_url(url: str, shown: str) -> None:
    assert short_url(url) == API + shown


def test_short_url_keeps_a_scheme_that_is_not_https() -> None:
    assert short_url("http://api.mapbox.com/x?y") == "http://api.mapbox.com/x"


def test_token_is_shown_short_however_it_comes() -> None:
    whole = token.encode("pk", {"u": "acme", "a": "ck0example"})
    assert shown_token(f"https://{API}/x?sku=1&access_token={whole}&y") == "pk.…(acme/ck0ex…)"
    assert shown_token(f"https://{API}/x?access_token=pk.…(acme/ck0ex…)") == "pk.…(acme/ck0ex…)"
    assert shown_token(f"https://{API}/x?sku=1") is None
    assert shown_token(f"https://{API}/x?access_token=") == "(empty token)"


def test_like_requests_become_one_line(reports: dict[str, Report]) -> None:
    (group,) = by_cause(reports["helmet"].verdicts)
    (case,) = group.cases
    assert group.count == 12
    assert [(r.count, r.url.rpartition("/")[2]) for r in case.requests] == [
        (8, "{y}.vector.pbf"),
        (2, "{start}-{end}.pbf"),
        (1, "ck1style"),
        (1, "mapbox.mapbox-streets-v8.json"),
    ]
    assert {r.token for r in case.requests} == {"pk.…(acme/ck0ex…)"}
    assert case.pages == ("https://maps.acme.example/fleet",)


def test_most_requests_first_and_unexplained_last(large: Report) -> None:
    groups = by_cause(large.verdicts)
    assert groups[-1].cause is Cause.UNEXPLAINED
    counts = [g.count for g in groups[:-1]]
    assert counts == sorted(counts, reverse=True)
    assert sum(g.count for g in groups) == len(large.verdicts)
    for group in groups:
        sizes = [len(case.positions) for case in group.cases]
        assert sizes == sorted(sizes, reverse=True)
        assert sum(sizes) == group.count
        assert {large.verdicts[p].cause for c in group.cases for p in c.positions} == {group.cause}


def test_equal_tuples_that_are_not_the_same_object_are_one_case(
    reports: dict[str, Report],
) -> None:
    verdict = reports["helmet"].verdicts[0]
    copy = msgspec.structs.replace(verdict, journey=tuple(s for s in verdict.journey), index=99)
    assert copy.journey is not verdict.journey
    (group,) = by_cause([verdict, copy])
    assert len(group.cases) == 1


def test_another_reason_is_another_case(reports: dict[str, Report]) -> None:
    verdict = reports["helmet"].verdicts[0]
    other = msgspec.structs.replace(verdict, because="Something else.")
    (group,) = by_cause([verdict, verdict, other])
    assert [len(case.positions) for case in group.cases] == [2, 1]


def test_evidence_is_said_once(reports: dict[str, Report]) -> None:
    base = reports["helmet"].verdicts[0]
    verdicts = [
        msgspec.structs.replace(base, evidence=(Evidence("No Referer.", f"a.har entry {n}"),))
        for n in range(5)
    ]
    (group,) = by_cause(verdicts)
    assert group.cases[0].evidence == (Observation("No Referer.", "a.har entry 0", 4),)


def test_shared_stories_are_hashed_once(reports: dict[str, Report]) -> None:
    hashed = 0

    class Counted(tuple[Any, ...]):
        def __hash__(self) -> int:
            nonlocal hashed
            hashed += 1
            return super().__hash__()

    base = reports["helmet"].verdicts[0]
    story = msgspec.structs.replace(
        base,
        journey=Counted(base.journey),
        fixes=Counted(base.fixes),
        alternatives=Counted(base.alternatives),
    )
    by_cause([msgspec.structs.replace(story, index=n) for n in range(5000)])
    assert 0 < hashed < 10


def test_in_order_sorts_files_and_entries_naturally(reports: dict[str, Report]) -> None:
    base = reports["helmet"].verdicts[0]
    places = [("10.har", 1), ("2.har", 10), ("2.har", 9)]
    verdicts = [msgspec.structs.replace(base, file=f, index=i) for f, i in places]
    found = in_order(verdicts, range(3))
    assert [(v.file, v.index) for v in found] == [("2.har", 9), ("2.har", 10), ("10.har", 1)]


def test_nothing_gives_nothing() -> None:
    assert by_cause(()) == ()
