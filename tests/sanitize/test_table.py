"""What was taken out, as a person reads it."""

from __future__ import annotations

from diagnostics.sanitize.standins import Tally
from diagnostics.sanitize.table import table


def tally(removed: dict[str, int], replaced: dict[str, int]) -> Tally:
    made = Tally()
    made.removed.update(removed)
    made.replaced.update(replaced)
    return made


def test_the_most_frequent_come_first_and_numbers_stand_under_each_other() -> None:
    counts = {"comments": 3, "cookies": 1234567, "fragments": 3, "authorization": 12}
    assert table(tally(counts, {"access tokens": 7})).split("\n") == [
        "Removed",
        "  cookies                                        1,234,567",
        "  authorization                                         12",
        "  comments                                               3",
        "  fragments                                              3",
        "Replaced by stand-ins, equal where it was equal",
        "  access tokens                                          7",
    ]


def test_a_part_without_anything_has_no_title() -> None:
    assert table(tally({"cookies": 1}, {})).split("\n")[0] == "Removed"
    assert "Replaced" not in table(tally({"cookies": 1}, {}))
    assert "Removed" not in table(tally({}, {"access tokens": 1}))


def test_where_there_was_nothing_it_says_so() -> None:
    assert table(Tally()) == "There was nothing to remove or to replace."


def test_names_that_look_like_numbers_stay_as_they_are() -> None:
    assert table(tally({"1e5": 1}, {})).split("\n")[1].startswith("  1e5 ")
