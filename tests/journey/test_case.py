"""What a case says of itself."""

from __future__ import annotations

import pytest

from diagnostics.journey.case import Claim, StageReport, header_evidence, shown
from diagnostics.journey.verdict import Cause, Confidence, State
from tests.journey.conftest import (
    HOST,
    PAGE,
    SESSION,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    listing,
    verdict_of,
)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (PAGE, "https://shop.example.com/map"),
        ("https://u:p@x.example/a?b#c", "https://x.example/a"),
        ("http://localhost:3000/", "http://localhost:3000/"),
        ("none", "none"),
        ("", ""),
        ("file:///home/me/map.html?k=1", "file:///home/me/map.html"),
        ("data:text/html,x?y", "data:text/html,x"),
        ("not a url?token=1", "not a url"),
    ],
)
def test_addresses_in_sentences(address: str, text: str) -> None:
    assert shown(address) == text


def test_long_addresses_are_cut() -> None:
    assert len(shown("https://x.example/" + "a" * 5000)) == 200
    assert len(shown("data:text/html," + "a" * 5000)) == 200


def test_headers_as_evidence() -> None:
    exchange = Tape().page().ask().exchanges[-1]
    assert header_evidence(exchange, "Referer", None).says == "The request has no Referer header."
    assert header_evidence(exchange, "Age", "1").says == "The request has Age: 1."
    assert header_evidence(exchange, "Age", "1").where == "a.har entry 1, request headers"


@pytest.mark.parametrize(
    ("asked", "told", "confidence"),
    [({}, listing(HOST), "certain"), ({}, UNKNOWN_LIST, "likely"),
     ({"to": SESSION}, listing(HOST), "likely"), ({"token": None}, listing(HOST), "likely")],
)  # fmt: skip
def test_how_sure_a_cause_can_be(asked, told, confidence: str) -> None:  # type: ignore[no-untyped-def]
    tape = Tape().page(policy="no-referrer").ask(referer=None, **asked)
    assert verdict_of(tape, told=told).confidence == confidence


def test_a_token_without_restriction_needs_no_referer() -> None:
    tape = Tape().page(policy="no-referrer").ask(referer=None)
    assert verdict_of(tape, told=UNRESTRICTED).cause == "account-or-resource"


def test_a_stage_says_nothing_that_it_was_not_told() -> None:
    report = StageReport(State.OK, "x")
    assert (report.claims, report.doubt) == ((), None)
    claim = Claim(Cause.CACHED_403, Confidence.LIKELY, "x")
    assert not claim.decisive
    assert not claim.hint
