"""The outcome in each format: whole texts, and what a capture may not do in them."""

from __future__ import annotations

import json

import msgspec
import pytest

from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import table
from diagnostics.reproduce.compare import Result, Row
from diagnostics.reproduce.outcome import SCHEMA, Outcome, Proof, Run, Trial

STYLE = "api.mapbox.com/styles/v1/acme/x"
GOOD = Row(Cause.PAGE_NOT_ALLOWED, STYLE, Result.REPRODUCED, 3, 2)
GONE = Row(Cause.LOCAL_PAGE, STYLE, Result.NOT_SEEN, 1, 0, "no such request was made here")
FIX = Trial(
    Cause.PAGE_NOT_ALLOWED, "allow+=shop.example.com", "Add.", "allowed", Proof.PROVED, 2, 0, 5
)
LATER = Trial(
    Cause.PAGE_NOT_ALLOWED, "check-account", "", "unknown", Proof.UNPLAYABLE, 2, why="not ours"
)


def outcome(*rows: Row, trials: tuple[Trial, ...] = (), title: str = "A case") -> Outcome:
    run = Run("Chromium 156.0", rows, trials, ("A race.",))
    return Outcome(SCHEMA, title, ("The token is a fake one.",), (run,))


def test_text() -> None:
    assert table.render(outcome(GOOD, trials=(FIX, LATER)), "text") == (
        """\
Reproduced in Chromium 156.0: the kind of refusal, with the same cause.

  cause             request                          there  here  result
  ----------------  -------------------------------  -----  ----  ----------
  page-not-allowed  api.mapbox.com/styles/v1/acme/x  3×     2×    reproduced

Each fix, applied and played again in Chromium 156.0:

  cause             fix                      before     after                  result
  ----------------  -----------------------  ---------  ---------------------  ------
  page-not-allowed  allow+=shop.example.com  2 refused  0 refused, 5 answered  proved

  - check-account: not tried: not ours

About this reproduction

  - The token is a fake one.
  - A race."""
    )


def test_what_is_not_known_is_not_called_a_cause() -> None:
    text = table.render(outcome(msgspec.structs.replace(GOOD, cause=Cause.UNEXPLAINED)), "text")
    said = "Reproduced in Chromium 156.0: the kind of refusal, whose cause is not known.\n"
    assert text.startswith(said)


def test_a_difference_is_said_in_the_headline_and_below() -> None:
    text = table.render(outcome(GOOD, GONE), "text")
    assert text.startswith("Not the same in Chromium 156.0: 1 of 2 kinds of refusal have")
    assert "- local-page: no such request was made here" in text


def test_nothing_refused() -> None:
    assert table.render(outcome(), "text").startswith("As there, nothing is refused in Chromium")


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_text_keeps_to_the_width(width: int) -> None:
    long = Row(Cause.PAGE_NOT_ALLOWED, STYLE + "/long" * 40, Result.REPRODUCED, 3, 2)
    text = table.render(outcome(long, trials=(FIX, LATER)), "text", width)
    assert max(map(len, text.splitlines())) <= width


def test_markdown_has_a_table_with_the_browser() -> None:
    text = table.render(outcome(GOOD, trials=(FIX, LATER)), "markdown")
    assert (
        "| `page-not-allowed` | `allow+=shop.example.com` | 2 refused |"
        " 0 refused, 5 answered | proved | Chromium 156.0 |  |" in text
    )
    assert "| `page-not-allowed` | `check-account` | 2 refused |  | not tried |" in text


def test_json_is_the_outcome() -> None:
    data = json.loads(table.render(outcome(GOOD, trials=(FIX,)), "json"))
    assert data["schema"] == "why403/reproduce/1"
    assert data["runs"][0]["rows"][0]["result"] == "reproduced"
    assert data["runs"][0]["trials"][0]["proof"] == "proved"


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_nothing_of_a_capture_comes_alive(form: str) -> None:
    token = "pk.eyJ1IjoiYWNtZSIsImEiOiJjazBleGFtcGxlMDAwMDAwMDAwMDAwMDBhIn0.c2lnbmF0dXJl"
    evil = f"\x1b[31m|<script>alert(1)</script>![x](http://e.example)\u202e{token}"
    row = Row(Cause.LOCAL_PAGE, evil, Result.DIFFERS, 1, 0, evil)
    text = table.render(outcome(row, title=evil), form)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert token not in text
    if form == "markdown":
        for line in text.splitlines():
            bare = "".join(line.split("`")[::2])
            assert "<script" not in bare
            assert "](" not in bare
