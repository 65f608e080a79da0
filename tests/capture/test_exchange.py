"""The exchange type: header fields as HTTP means them, parts decoded when asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.capture.exchange import DecodedParts, Exchange, Headers, Initiator, Outcome

PAIRS = (("Referrer-Policy", "origin"), ("X", ""), ("referrer-policy", "no-referrer"))


def test_names_compare_without_case_and_order_stays() -> None:
    headers = Headers(PAIRS)
    assert headers.get("REFERRER-POLICY") == "origin"
    assert headers.all("referrer-policy") == ["origin", "no-referrer"]
    assert tuple(headers) == PAIRS
    assert len(headers) == 3
    assert headers == Headers(list(PAIRS))
    assert hash(headers) == hash(Headers(PAIRS))
    assert headers != Headers(PAIRS[:2])
    assert headers != PAIRS


@pytest.mark.parametrize(
    ("name", "there"), [("x", True), ("X", True), ("y", False), ("", False), (5, False)]
)
def test_an_empty_value_is_a_value(name: object, there: bool) -> None:
    assert (name in Headers(PAIRS)) == there


def test_an_absent_field() -> None:
    assert Headers().get("x") is None
    assert Headers().all("x") == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.text())), st.text())
def test_the_first_of_all_is_the_one(pairs: list[tuple[str, str]], name: str) -> None:
    headers = Headers(pairs)
    assert headers.get(name) == next(iter(headers.all(name)), None)


def test_a_body_is_made_when_it_is_asked_for() -> None:
    asked = []
    parts = DecodedParts(body=lambda: asked.append(1) or "body")
    exchange = Exchange("a.har", 3, "GET", "https://a.example/", parts=parts)
    assert asked == []
    assert exchange.body == "body"
    assert asked == [1]


def test_an_exchange_that_knows_nothing() -> None:
    exchange = Exchange("a.har", 3, "GET", "https://a.example/")
    assert exchange.where == "a.har entry 3"
    assert exchange.outcome is Outcome.UNKNOWN
    assert exchange.body is None
    assert exchange.request_body is None
    assert exchange.initiator == Initiator()
    assert len(exchange.request_headers) == len(exchange.response_headers) == 0
