"""The walk: the first stage that does not hold is the cause, but for what settles it anywhere."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Stage
from tests.journey.conftest import (
    API,
    FORBIDDEN,
    HOST,
    IMAGE,
    NEEDS_SCOPE,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    broken_stage,
    listing,
    station,
    verdict_of,
)

ALLOWED, OTHER = listing(HOST), listing("other.example.org")
POLICY = {"policy": "no-referrer"}
ASKED = {"to": IMAGE, "kind": "image", "referer": None}
CACHED = {"outcome": Outcome.CACHED}
HIT = {"answer": [("X-Cache", "Hit from cloudfront")]}
PRECEDENCE = [
    # A body that names the reason, over everything.
    (POLICY, ASKED | CACHED | {"body": NEEDS_SCOPE}, OTHER, "token-scope"),
    (POLICY, ASKED | {"token": None, "status": 401}, UNRESTRICTED, "token-missing"),
    # A cached answer, over all but that, unless the told list would refuse a fresh one too.
    (POLICY, ASKED | CACHED, UNKNOWN_LIST, "cached-403"),
    (POLICY, ASKED | CACHED, OTHER, "referrer-policy-blocks"),
    ({}, {"outcome": Outcome.CACHED}, OTHER, "page-not-allowed"),
    # Else the first stage that does not hold.
    (POLICY, ASKED | HIT, UNKNOWN_LIST, "referrer-policy-blocks"),
    (POLICY, ASKED, OTHER, "referrer-policy-blocks"),
    ({"csp": "sandbox"} | POLICY, ASKED, OTHER, "opaque-origin"),
    ({}, ASKED | {"referer": f"{API}/"}, OTHER, "client-rewrites-referer"),
    ({}, HIT, ALLOWED, "cached-403"),
    (POLICY, ASKED | {"to": "/styles/v1/globex/x/static/1,1,1/9x9"}, UNRESTRICTED,
     "account-or-resource"),
]  # fmt: skip


@pytest.mark.parametrize(("page", "asked", "told", "cause"), PRECEDENCE)
def test_precedence(page, asked, told: Told, cause: str) -> None:  # type: ignore[no-untyped-def]
    assert verdict_of(Tape().page(**page).ask(**asked), told=told).cause == cause


def test_stations_behind_the_broken_one_are_not_reached() -> None:
    verdict = verdict_of(Tape().page(policy="no-referrer").ask(referer=None), told=ALLOWED)
    assert [s.state.value for s in verdict.journey] == [
        "ok", "ok", "broken", "skipped", "skipped", "skipped", "skipped"]  # fmt: skip
    assert station(verdict, "wire").says == "Not reached."


def test_a_stage_before_a_decisive_one_is_left_open() -> None:
    """The policy sends nothing, and yet it is not why: one station is broken at most."""
    tape = Tape().page(policy="no-referrer").ask(referer=None, body=NEEDS_SCOPE)
    verdict = verdict_of(tape, told=ALLOWED)
    assert broken_stage(verdict) == "edge"
    assert station(verdict, "policy").state == "unknown"


def test_what_remains_where_every_stage_holds() -> None:
    verdict = verdict_of(Tape().page().ask(), told=ALLOWED)
    assert verdict.cause == "account-or-resource"
    assert broken_stage(verdict) == "edge"
    assert station(verdict, "rule").state == "ok"
    assert "admits" in station(verdict, "rule").says


def test_unexplained_says_what_is_not_wrong() -> None:
    verdict = verdict_of(Tape().page().ask())
    assert (verdict.cause, verdict.confidence) == ("unexplained", "possible")
    assert broken_stage(verdict) is None
    assert station(verdict, Stage.RULE).state == "unknown"
    for stage in ("client", "page", "policy", "wire", "cache"):
        assert any(f"stage {stage}:" in e.says for e in verdict.evidence)


def test_a_doubt_makes_certain_likely() -> None:
    known = Tape().page(policy="no-referrer").ask(referer=None, body=FORBIDDEN)
    strange = Tape().page(policy="no-referrer").ask(referer=None, body="<h1>Blocked</h1>")
    assert verdict_of(known, told=ALLOWED).confidence == "certain"
    verdict = verdict_of(strange, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "likely")
    assert any("Blocked" in e.says for e in verdict.evidence)


def test_at_most_three_alternatives_each_once() -> None:
    verdict = verdict_of(Tape().page(html=None).ask(referer=None, **HIT))
    causes = [a.cause for a in verdict.alternatives]
    assert len(causes) == len(set(causes)) <= 3
    assert all(a.confidence != "certain" for a in verdict.alternatives)


def test_no_alternative_is_likelier_than_the_cause() -> None:
    tape = Tape().page().ask(IMAGE, kind="image", referer="https://cdn.example.net/")
    verdict = verdict_of(tape, told=listing("shop.example.com"))
    assert verdict.confidence == "possible"
    assert {alternative.confidence for alternative in verdict.alternatives} == {"possible"}


def test_an_answer_of_something_on_the_way_is_said_as_the_reason() -> None:
    tape = Tape().page().ask(body="<html>Blocked by your company's filter</html>")
    verdict = verdict_of(tape, told=listing("shop.example.com"))
    assert verdict.cause == "unexplained"
    assert verdict.because.startswith("The answer is not in the API's known words")
