"""Counts, their headline and their tables."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from diagnostics.batch import totals
from diagnostics.batch.store import reading
from diagnostics.batch.totals import Failure, Row, Totals, headline, text
from diagnostics.journey.told import Told
from tests.batch.conftest import Batch

CAPTURES = Path("fixtures/captures").resolve()
EXAMPLE = Totals(
    captures=1240,
    with_refusals=1002,
    provider_requests=98_000,
    refused=4321,
    explained=4300,
    failed=2,
    skipped=7,
    causes=(Row("referrer-policy-blocks", 4000, 900), Row("page-not-allowed", 300, 90),
            Row("unexplained", 21, 12)),
    providers=(Row("mapbox", 4321, 1002),),
    browsers=(Row("Chromium browser 156", 4000, 950), Row("", 321, 52)),
    folders=tuple(Row(f"tickets/{n:02}", 400 - n, 90) for n in range(17)),
    failures=(Failure("tickets/cut.har", "the JSON ends too early. Ask for the file again."),
              Failure("tickets/\x1b[2Jodd.har", "its worker process died")),
    told="allowed URLs: shop.example.com, *.example.org",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"failed": 0}, "4,321 refused requests in 1,002 of 1,240 captures; 21 of them"
                        " unexplained."),
        ({"failed": 0, "explained": 4321}, "4,321 refused requests in 1,002 of 1,240 captures; all"
                                           " of them explained."),
        ({}, "4,321 refused requests in 1,002 of 1,238 judged captures; 21 of them unexplained."),
        ({"refused": 0, "failed": 0}, "1,240 captures: no request to a map provider was refused."),
        ({"refused": 0}, "1,238 judged captures (2 could not be judged): no request to a map"
                         " provider was refused."),
        ({"refused": 0, "captures": 2}, "2 captures: none of them could be judged."),
        ({"refused": 0, "captures": 1, "failed": 1}, "1 capture: it could not be judged."),
        ({"captures": 0, "failed": 0}, "No capture was found."),
    ],
)  # fmt: skip
def test_the_headline(changes: dict[str, int], says: str) -> None:
    assert headline(msgspec.structs.replace(EXAMPLE, **changes)) == says


def test_the_tables() -> None:
    lines = text(EXAMPLE).splitlines()
    cells = [" ".join(line.split()) for line in lines]
    assert lines[0] == headline(EXAMPLE)
    for row in (
        "Cause requests captures",
        "referrer-policy-blocks 4,000 900",
        "Mapbox 4,321 1,002",
        "unknown 321 52",
        "tickets/00 400 90",
        "… 2 more 769",
        "Could not be judged: 2 captures",
        "tickets/odd.har",
    ):
        assert row in cells
    assert lines[-1].startswith("Left out as no captures: 7")
    assert max(map(len, lines)) <= 100


def test_long_names_fit(results: str) -> None:
    long = msgspec.structs.replace(EXAMPLE, folders=(Row("x" * 500, 1, 1),))
    for width in (60, 80, 100):
        assert max(map(len, text(long, width).splitlines())) <= max(width, 90)


def test_counts_come_from_the_newest_run(tmp_path: Path, results: str, batch: Batch) -> None:
    first, second = sorted((CAPTURES / "handmade").glob("*.har"))[:2]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(first, tmp_path / folder)
    shutil.copy(second, tmp_path / "two")
    (tmp_path / "two/cut.har").write_text("{")
    batch(tmp_path / "one", told=Told())
    with reading(results) as db:
        assert totals.count(db).captures == 1
    batch(tmp_path / "two", told=Told())
    with reading(results) as db:
        found = totals.count(db)
    assert (found.captures, found.failed) == (3, 1)
    assert [failure.path for failure in found.failures] == [str(tmp_path / "two/cut.har")]
    assert sum(row.requests for row in found.causes) == found.refused
    assert sum(row.requests for row in found.browsers) == found.refused
    assert [row.name for row in found.folders] == [str(tmp_path / "two")] * bool(found.refused)
