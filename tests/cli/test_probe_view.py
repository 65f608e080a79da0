"""A probe as text: many equal entries, Referers that were left out, a probe that stopped."""

from __future__ import annotations

from click.testing import CliRunner

from diagnostics.account.probe import Ask, plan
from diagnostics.account.probe_reading import Answer, Learned, State
from diagnostics.cli.probe_view import answer_line, learned_text, plan_text, report
from diagnostics.provider.profile import profiles
from diagnostics.provider.token import decode, encode

(MAPBOX,) = profiles()
TOKEN = decode(encode("pk", {"u": "acme", "a": "ck0example"}))
ORIGIN = "https://api.mapbox.com"
PLAN = plan(MAPBOX, "https://www.example.com/")
ANSWER = Answer(PLAN.asks[0], 403, State.REFUSED, "refused")


def learned(found: Learned, number: int = len(PLAN.asks)) -> str:
    with CliRunner(env={"COLUMNS": "100"}).isolation():
        return "\n\n".join(learned_text(found, PLAN, [ANSWER] * number))


def test_many_equal_entries_are_counted() -> None:
    group = tuple(f"entry{place}" for place in range(9))
    out = " ".join(learned(Learned(True, "Restricted.", fewest=(group, ("other",)))).split())
    assert "2 entries together explain what was admitted: “entry0”, “entry1”," in out
    assert "“entry5” or one of 3 more; and “other”." in out
    assert "entry6" not in out


def test_a_probe_that_stopped_says_so() -> None:
    assert "Stopped after 2 of 8 requests: refused." in learned(Learned(None, "Nothing."), 2)


def test_what_was_left_out_is_named_in_part() -> None:
    asked = plan(MAPBOX, None, [f"site{place}.example" for place in range(30)])
    with CliRunner(env={"COLUMNS": "100"}).isolation():
        out = "\n\n".join(plan_text(report(asked, TOKEN, None, ORIGIN, MAPBOX)))
    assert "12 requests to https://api.mapbox.com with the token pk.…(acme/ck0ex…)." in out
    assert "Left out, because 12 requests are enough for one probe: https://site" in out
    assert "site29" not in out


def test_a_report_shows_neither_token_nor_query() -> None:
    address = f"https://www.example.com/map?token={TOKEN.text}"
    found = report(plan(MAPBOX, address), TOKEN, address, ORIGIN, MAPBOX)
    assert found.page == "https://www.example.com/map"
    assert TOKEN.text.split(".")[1] not in repr(found)
    assert found.requests[0].url.endswith("?access_token=pk.…(acme/ck0ex…)")


def test_an_answer_is_one_plain_line() -> None:
    ask = Ask(3, "/x", "https://a.example/\x1b[2J", "x")
    with CliRunner().isolation():
        line = answer_line(Answer(ask, 200, State.UNCLEAR, "from a cache (Age: 5)"))
    assert line.endswith("https://a.example/ (from a cache (Age: 5))")
    assert "\x1b[2J" not in line
