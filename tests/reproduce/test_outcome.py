"""When is a case reproduced? Where every row of every browser is, and a browser played it."""

from __future__ import annotations

import pytest

from diagnostics.journey.verdict import Cause
from diagnostics.reproduce.compare import Result, Row
from diagnostics.reproduce.outcome import SCHEMA, Outcome, Run

YES, NO, UNSEEN = Result.REPRODUCED, Result.DIFFERS, Result.NOT_SEEN


def played(*results: Result) -> Run:
    return Run("Chromium 156", tuple(Row(Cause.LOCAL_PAGE, "what", one, 1, 1) for one in results))


@pytest.mark.parametrize(
    ("results", "reproduced"),
    [((YES,), True), ((YES, YES), True), ((YES, NO), False), ((UNSEEN,), False), ((), True)],
)
def test_a_run_is_reproduced_where_each_row_is(
    results: tuple[Result, ...], reproduced: bool
) -> None:
    assert played(*results).reproduced is reproduced


@pytest.mark.parametrize(
    ("runs", "reproduced"),
    [
        ((), False),
        ((played(YES),), True),
        ((played(YES), played(YES, NO)), False),
        ((played(NO), played(YES)), False),
    ],
)
def test_a_case_is_reproduced_where_each_browser_came_to_it(
    runs: tuple[Run, ...], reproduced: bool
) -> None:
    assert Outcome(SCHEMA, "title", (), runs).reproduced is reproduced
