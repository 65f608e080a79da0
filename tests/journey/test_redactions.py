"""What a report says where another tool took values out of its capture."""

from __future__ import annotations

import pytest

from diagnostics.capture.redacted import is_cost
from diagnostics.journey.redactions import costs
from diagnostics.journey.traffic import read_traffic
from tests.journey.conftest import IMAGE, STYLE, Tape

CUT = "[REDACTED]"


def said(tape: Tape) -> list[str]:
    (part,), _ = read_traffic([tape.capture])
    return list(costs(part))


@pytest.mark.parametrize(
    ("tape", "begins"),
    [
        (Tape().page().ask(referer=CUT, times=2), "the Referer of 2 requests"),
        (Tape().page().ask(token=CUT), "the access token of 1 request"),
        (Tape().page().ask(body=CUT), "the body of 1 refusal"),
        (Tape().page(html=CUT).ask(), "the markup of 1 document"),
        (Tape().page(policy=CUT).ask(), "the Referrer-Policy of 1 document"),
    ],
)
def test_each_kind_of_value_has_its_cost(tape: Tape, begins: str) -> None:
    (sentence,) = said(tape)
    assert sentence.startswith(f"Another tool has redacted {begins}:")
    assert is_cost(sentence)


def test_several_are_said_in_order() -> None:
    tape = Tape().page(html=CUT, policy=CUT).ask(token=CUT, referer=CUT, body=CUT)
    kinds = [sentence.split(" redacted the ")[1].split(" of ")[0] for sentence in said(tape)]
    assert kinds == ["Referer", "access token", "body", "markup", "Referrer-Policy"]


def test_what_does_not_count() -> None:
    assert said(Tape().page().ask()) == []
    assert said(Tape().page().ask(IMAGE, status=200, body=CUT)) == []  # nobody was refused
    elsewhere = Tape().page().ask("https://cdn.example.net/a.js", referer=CUT, body=CUT)
    assert said(elsewhere.ask(STYLE)) == []
