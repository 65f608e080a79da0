"""What a reproduction must show: rules by which each refusal meets its own cause first."""

from __future__ import annotations

import time

import pytest

from diagnostics.journey.verdict import Cause, Confidence, Verdict
from diagnostics.reproduce.derive import to_yaml
from diagnostics.reproduce.expectation import expect
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Expect
from tests.recording import API, FORBIDDEN, STYLE, TILE, TOKEN, Recording, script, stand_ins

MINE = "/styles/v1/harbour/ckharbourstyle"
ONE, TWO = Cause.PAGE_NOT_ALLOWED, Cause.REFERRER_POLICY_BLOCKS
A, B = "https://a.example/", "https://b.example/"
SPRITE = f"{API}/styles/v1/harbour/ckharbourstyle/sprite.json?access_token={TOKEN}"


def verdict(cause: Cause, url: str, referer: str | None = A) -> Verdict:
    return Verdict(
        "customer.har", 0, "GET", url, 403, "mapbox", None, referer, cause,
        Confidence.CERTAIN, "Because.", (), (), (), (),
    )  # fmt: skip


def rules(*verdicts: Verdict) -> list[tuple[str, str | None, Cause]]:
    """The rules for these verdicts; each of them meets its own cause first."""
    made = expect(verdicts, [], [], StandIns(None))
    for one in verdicts:
        first = next(rule for rule in made.refusals if rule.covers(one.url, one.referer))
        assert first.cause == one.cause
    return [(rule.url, rule.referer, rule.cause) for rule in made.refusals]


def test_a_token_in_a_path_is_not_kept() -> None:
    address = f"https://api.mapbox.com/styles/v1/acme/{TOKEN}"
    derived = (
        Recording("python-requests/2.32.3")
        .add(address, 403, FORBIDDEN, sent={"Sec-Fetch-Dest": ""}, kind="")
        .add(STYLE, 401, '{"message":"Not Authorized"}', sent={"Sec-Fetch-Dest": ""}, kind="")
        .derive("harbour.example")
    )
    assert {rule.url for rule in derived.ticket.expect.refusals} != {""}
    assert all(rule.url in f"{address} {STYLE}" for rule in derived.ticket.expect.refusals)
    assert TOKEN.split(".")[1] not in to_yaml(derived.ticket)


def test_one_cause_needs_no_address() -> None:
    assert rules(verdict(ONE, STYLE), verdict(ONE, TILE, None)) == [("", None, ONE)]
    assert rules() == []


@pytest.mark.parametrize(
    ("first", "second", "made"),
    [
        ((ONE, TILE, A), (TWO, STYLE, A),
         [(MINE, None, TWO), (".vector.pbf", None, ONE)]),
        ((ONE, STYLE, A), (TWO, STYLE.replace("harbourstyle", "other"), A),
         [(MINE, None, ONE), ("/styles/v1/harbour/ckother", None, TWO)]),
        ((ONE, TILE, A), (TWO, TILE.replace("boats", "wind"), A),
         [("/v4/harbour.boats", None, ONE), ("/v4/harbour.wind", None, TWO)]),
        ((ONE, STYLE, A), (TWO, SPRITE, A),
         [(f"{MINE}/sprite.json", None, TWO), (MINE, None, ONE)]),
        ((ONE, TILE, A), (TWO, TILE, B), [("", A, ONE), ("", B, TWO)]),
        ((ONE, TILE, A), (TWO, TILE, None), [("", A, ONE), ("", "", TWO)]),
        ((ONE, TILE, A), (TWO, TILE.replace("/3/4/2", "/3/4/3"), A),
         [("/v4/harbour.boats/3/4/2.vector.pbf", None, ONE),
          ("/v4/harbour.boats/3/4/3.vector.pbf", None, TWO)]),
        ((ONE, f"{API}/x?a=1&access_token=t", A), (TWO, f"{API}/x?a=2&access_token=t", A),
         [(f"{API}/x?a=1", None, ONE), (f"{API}/x?a=2", None, TWO)]),
    ],
)  # fmt: skip
def test_two_causes_are_told_apart_by_as_little_as_it_takes(
    first: tuple[Cause, str, str | None],
    second: tuple[Cause, str, str | None],
    made: list[tuple[str, str | None, Cause]],
) -> None:
    assert sorted(rules(verdict(*first), verdict(*second)), key=str) == sorted(made, key=str)


def test_by_page_and_kind_where_neither_is_enough() -> None:
    made = rules(
        verdict(ONE, TILE, A), verdict(TWO, TILE, B), verdict(TWO, STYLE, A), verdict(ONE, STYLE, B)
    )
    assert len(made) == 4
    assert [len(url) for url, _, _ in made] == sorted((len(u) for u, _, _ in made), reverse=True)


def test_more_rules_than_anybody_reads_are_given_up() -> None:
    """Each rule is tried on each refusal, and a case of many tilesets must not take minutes."""
    many = [
        verdict((ONE, TWO)[n % 2], TILE.replace("boats", f"boats{n}"), A if n % 3 else B)
        for n in range(20_000)
    ]
    began = time.process_time()
    made = expect(many, [], [], StandIns(None)).refusals
    assert time.process_time() - began < 10  # minutes where each meets each
    assert {(rule.url, rule.referer) for rule in made} == {(".vector.pbf", A), (".vector.pbf", B)}


def test_what_nothing_tells_apart_is_named_once() -> None:
    made = expect([verdict(ONE, TILE), verdict(TWO, TILE)], [], [], StandIns(None))
    assert [(r.url, r.referer, r.cause) for r in made.refusals] == [(".vector.pbf", A, TWO)]


def expected(recording: Recording) -> Expect:
    seen = recording.seen("harbour.example")
    verdicts = [one.verdict for one in seen.asked if one.verdict is not None]
    return expect(verdicts, seen.asked, ["b", "a", "b"], stand_ins(seen.asked))


def test_findings_are_named_once_in_their_order() -> None:
    assert expected(Recording().page(script(STYLE)).refused()).findings == ("b", "a")


def test_what_was_answered_must_be_answered() -> None:
    page = Recording().page(script(STYLE)).granted(TILE, "https://harbour.example/")
    assert expected(page).answered == (".vector.pbf",)
    other = TILE.replace("boats", "wind")
    assert expected(page.refused(other)).answered == ()  # the same kind was refused as well


@pytest.mark.parametrize(
    "url",
    [
        SPRITE,
        f"https://events.mapbox.com/events/v2?access_token={TOKEN}",
        f"{API}/fonts/v1/harbour/DIN/0-255.pbf?access_token={TOKEN}",
        f"{API}/v4/harbour.boats.json",
    ],
)
def test_but_not_what_a_map_may_leave_out_and_what_needs_no_token(url: str) -> None:
    page = Recording().page(script(STYLE)).granted(url, "https://harbour.example/")
    assert expected(page).answered == ()
    assert expected(page.granted(STYLE, A)).answered == ("/styles/v1/harbour/ckharbourstyle",)


def test_a_few_that_were_answered_are_enough() -> None:
    page = Recording().page(script(STYLE))
    for name in "abcdef":
        page.granted(STYLE.replace("harbourstyle", name), A)
    assert expected(page).answered == tuple(f"/styles/v1/harbour/ck{name}" for name in "abcd")
