"""Was it the same refusal? Each answer that the comparison can give."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.capture.open import read_capture
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause, Confidence, Verdict
from diagnostics.reproduce import compare
from diagnostics.reproduce.compare import Result, Seen, Wanted
from diagnostics.ticket import Refusal, load
from fixtures import ROOT

STYLE = "https://api.mapbox.com/styles/v1/acme/x?access_token=pk.a"
TILE = "https://api.mapbox.com/v4/acme.streets/1/0/0@2x.png?access_token=pk.a"


def verdict(url: str, cause: Cause, referer: str | None = None) -> Verdict:
    return Verdict(
        "capture.har", 0, "GET", url, 403, "mapbox", None, referer, cause,
        Confidence.CERTAIN, "Because.", (), (), (), (),
    )  # fmt: skip


def seen(*verdicts: Verdict, answered: dict[str, int] | None = None) -> Seen:
    refused: dict[str, int] = {}
    for one in verdicts:
        kind = compare.shape(one.url)
        refused[kind] = refused.get(kind, 0) + 1
    return Seen(verdicts, answered or {}, refused)


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        (STYLE, "api.mapbox.com/styles/v1/acme/x"),
        (TILE, "api.mapbox.com/v4/acme.streets/{z}/{x}/{y}.png"),
        (
            "https://b.tiles.mapbox.com/v4/a/1/0/0.vector.pbf",
            "api.mapbox.com/v4/a/{z}/{x}/{y}.vector.pbf",
        ),
        (
            "http://api.mapbox.com/fonts/v1/a/DIN/0-255.pbf",
            "api.mapbox.com/fonts/v1/a/DIN/{start}-{end}.pbf",
        ),
        ("https://api.mapbox.com/styles/v1/a/b/sprite@2x.json",
         "api.mapbox.com/styles/v1/a/b/sprite.json"),
    ],
)  # fmt: skip
def test_the_shape_of_a_url(url: str, shape: str) -> None:
    assert compare.shape(url) == shape


def test_the_same_kind_with_the_same_cause_is_reproduced_whatever_the_number() -> None:
    there = [verdict(TILE.replace("/0@", f"/{n}@"), Cause.PAGE_NOT_ALLOWED) for n in range(9)]
    wanted = compare.from_verdicts(there)
    (row,) = compare.compare(wanted, seen(verdict(TILE, Cause.PAGE_NOT_ALLOWED)))
    assert (row.result, row.wanted, row.here) == (Result.REPRODUCED, 9, 1)


def test_another_cause_differs_and_is_named() -> None:
    wanted = compare.from_verdicts([verdict(STYLE, Cause.PAGE_NOT_ALLOWED)])
    (row,) = compare.compare(wanted, seen(verdict(STYLE, Cause.REFERRER_POLICY_BLOCKS)))
    assert row.result is Result.DIFFERS
    assert "referrer-policy-blocks" in row.says


def test_an_answer_differs() -> None:
    wanted = compare.from_verdicts([verdict(STYLE, Cause.PAGE_NOT_ALLOWED)])
    (row,) = compare.compare(wanted, seen(answered={compare.shape(STYLE): 2}))
    assert row.result is Result.DIFFERS
    assert "answered here" in row.says


def test_what_was_not_asked_for_was_not_seen() -> None:
    wanted = compare.from_verdicts([verdict(STYLE, Cause.PAGE_NOT_ALLOWED)])
    (row,) = compare.compare(wanted, seen())
    assert row.result is Result.NOT_SEEN


def test_two_causes_of_one_kind_are_two_rows() -> None:
    both = [verdict(STYLE, Cause.PAGE_NOT_ALLOWED), verdict(STYLE, Cause.LOCAL_PAGE)]
    rows = compare.compare(compare.from_verdicts(both), seen(both[0]))
    assert [row.result for row in rows] == [Result.REPRODUCED, Result.DIFFERS]


def test_more_of_the_same_story_is_no_difference_but_another_story_is() -> None:
    wanted = compare.from_verdicts([verdict(STYLE, Cause.PAGE_NOT_ALLOWED)])
    style = verdict(STYLE, Cause.PAGE_NOT_ALLOWED)
    more = compare.compare(wanted, seen(style, verdict(TILE, Cause.PAGE_NOT_ALLOWED)))
    assert [row.result for row in more] == [Result.REPRODUCED]
    other = compare.compare(wanted, seen(style, verdict(TILE, Cause.TOKEN_INVALID)))
    assert [row.result for row in other] == [Result.REPRODUCED, Result.DIFFERS]
    there = [compare.shape(TILE)]
    answered = compare.compare(wanted, seen(style, verdict(TILE, style.cause)), there)
    assert [row.result for row in answered] == [Result.REPRODUCED, Result.DIFFERS]


def test_nothing_refused_is_nothing_to_see() -> None:
    assert compare.compare((), seen()) == ()
    assert compare.compare((), seen(verdict(STYLE, Cause.LOCAL_PAGE)))[0].result is Result.DIFFERS


def test_of_a_tickets_rules_the_first_that_covers_counts() -> None:
    first = Refusal(Cause.LOCAL_PAGE, url="/styles/")
    rules = [Wanted(rule.cause, rule=rule) for rule in (first, Refusal(Cause.TOKEN_INVALID))]
    rows = compare.compare(rules, seen(verdict(STYLE, Cause.TOKEN_INVALID)))
    assert [row.result for row in rows] == [Result.DIFFERS, Result.NOT_SEEN]
    rows = compare.compare(
        rules, seen(verdict(STYLE, Cause.LOCAL_PAGE), verdict(TILE, Cause.TOKEN_INVALID))
    )
    assert [row.result for row in rows] == [Result.REPRODUCED, Result.REPRODUCED]


def test_a_rule_with_a_referer_says_so() -> None:
    rule = Refusal(Cause.LOCAL_PAGE, referer="")
    assert Wanted(Cause.LOCAL_PAGE, rule=rule).what == "what is refused (Referer: none)"


def test_a_recorded_capture_is_its_own_reproduction() -> None:
    name = "contrast-two-pages-chromium"
    ticket = load(ROOT / "tickets" / f"{name}.yaml")
    captures = read_capture(str(ROOT / "captures" / f"{name}.mitmproxy.har"))
    known = ticket.known_allowed
    report = diagnose(captures, Told(Allowed(known, "t")) if known is not None else Told())
    here = compare.seen(captures, report.verdicts)
    assert report.verdicts
    assert sum(here.refused.values()) == len(report.verdicts)
    assert sum(here.answered.values()) > 0
    for wanted in (compare.from_verdicts(report.verdicts), compare.from_ticket(ticket)):
        rows = compare.compare(wanted, here)
        assert rows
        assert {row.result for row in rows} == {Result.REPRODUCED}
    worse = msgspec.structs.replace(report.verdicts[0], cause=Cause.TOKEN_SCOPE)
    rows = compare.compare(compare.from_ticket(ticket), compare.seen(captures, [worse]))
    assert Result.DIFFERS in {row.result for row in rows}
