"""What answers say about a list: every kind of list, asked by the documented rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.account.probe import Ask, plan
from diagnostics.account.probe_reading import Answer, Learned, State, answer, read
from diagnostics.account.service import Response
from diagnostics.capture.exchange import Headers, Pairs
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.profile import profiles

(MAPBOX,) = profiles()
PAGE = "https://www.example.com/map"
ASK = Ask(1, "/v4/x/6/1/24.mvt", "https://example.com/", "x")


def answered(entries: list[str], page: str = PAGE, *guesses: str) -> list[Answer]:
    """The answers that a service gives which has these allowed URLs."""
    found = []
    for ask in plan(MAPBOX, page, guesses).asks:
        admitted = decide(mapbox, ask.referer, entries).decision is Decision.ALLOWED
        response = (
            Response(200, Headers(), b"tile")
            if admitted
            else Response(403, Headers(), b'{"message":"Forbidden"}')
        )
        found.append(answer(ask, response, MAPBOX))
    return found


def learned(entries: list[str], page: str = PAGE, *guesses: str) -> Learned:
    return read(answered(entries, page, *guesses), MAPBOX, guesses)


@pytest.mark.parametrize(
    ("entries", "fewest"),
    [
        (["example.com"], [["example.com"]]),
        (["https://example.com"], [["https://example.com"]]),
        (["www.example.com"], [["www.example.com"]]),
        (["https://www.example.com"], [["https://www.example.com"]]),
        (["http://www.example.com"], [["http://example.com", "http://www.example.com"]]),
        (
            ["example.com/map"],
            [["example.com/map", "www.example.com/map",
              "https://example.com/map", "https://www.example.com/map"]],
        ),
        (
            ["www.example.com:8443"],
            [["example.com:8443", "www.example.com:8443",
              "https://example.com:8443", "https://www.example.com:8443"]],
        ),
        (["www.example.com", "api.mapbox.com"],
         [["www.example.com"],
          ["mapbox.com", "api.mapbox.com", "https://mapbox.com", "https://api.mapbox.com"]]),
    ],
)  # fmt: skip
def test_the_fewest_entries(entries: list[str], fewest: list[list[str]]) -> None:
    found = learned(entries)
    assert [list(group) for group in found.fewest] == fewest
    assert found.restricted is True
    assert found.says == "The token is restricted."
    assert found.doubts == ()


def test_a_port_of_its_own() -> None:
    found = learned(["localhost:3000"], "http://localhost:3000/map")
    assert found.fewest == (("localhost:3000",),)
    found = learned(["http://localhost:3000"], "http://localhost:3000/map")
    assert found.fewest == (("http://localhost:3000",),)


def test_no_restriction() -> None:
    found = learned([])
    assert found.restricted is False
    assert found.says.startswith("The token has no allowed URLs")
    assert (found.fewest, found.absent) == ((), ())


@pytest.mark.parametrize("entries", [["*.example.com"], ["other.example"], ["10.0.0.1"], [""]])
def test_a_list_that_admits_nothing_of_it(entries: list[str]) -> None:
    found = learned(entries, PAGE, "example.com")
    assert found.restricted is True
    assert found.says.startswith("Every Referer was refused")
    assert found.absent == (("example.com", "https://www.example.com/"),)


def test_a_guess_that_is_on_the_list_and_one_that_is_not() -> None:
    found = learned(["www.example.com", "localhost:3000"], PAGE, "localhost:3000", "shop.example")
    assert found.absent == (("shop.example", "https://shop.example/"),)
    groups = {group[0] for group in found.fewest}
    assert groups == {"www.example.com", "localhost:3000"}


def test_what_is_not_told_apart_is_said_with_what_would() -> None:
    found = learned(["http://www.example.com"])
    (says,) = [line for line in found.open if "not told apart" in line]
    assert "“http://example.com” and “http://www.example.com”" in says
    assert "the Referer http://example.com/ would do it (--allow http://example.com/)" in says


def test_following_that_advice_does_tell_them_apart() -> None:
    found = learned(["http://www.example.com"], PAGE, "http://example.com/")
    assert found.fewest == (("http://www.example.com",),)


@given(
    entries=st.lists(
        st.sampled_from(
            ["example.com", "www.example.com", "https://example.com", "http://www.example.com",
             "www.example.com/map", "www.example.com:8443", "api.mapbox.com", "other.example",
             "*.example.com", "why403-example.com", "example.com/Map"]
        ),
        min_size=1,
        max_size=4,
    )
)  # fmt: skip
def test_what_is_learned_holds_whatever_the_list(entries: list[str]) -> None:
    """The entries named admit all that was admitted and nothing that was refused; an entry said
    to be absent is not on the list."""
    answers = answered(entries)
    found = read(answers, MAPBOX, entries)
    for cover in found.covers:
        assert cover.entries  # an entry of the list itself explains it
    for group in found.fewest:
        for entry in group:
            for one in answers:
                if one.state is State.REFUSED:
                    decision = decide(mapbox, one.ask.referer, [entry]).decision
                    assert decision is not Decision.ALLOWED
    together = [group[0] for group in found.fewest]
    for one in answers:
        if one.state is State.ADMITTED:
            assert decide(mapbox, one.ask.referer, together).decision is Decision.ALLOWED
    assert not {entry for entry, _ in found.absent} & set(entries)


def changed(answers: list[Answer], number: int, state: State) -> list[Answer]:
    return [
        Answer(one.ask, one.status, state, one.says) if one.ask.number == number else one
        for one in answers
    ]


def test_answers_that_contradict_each_other() -> None:
    found = read(changed(answered(["www.example.com"]), 1, State.ADMITTED), MAPBOX)
    assert found.restricted is None
    assert "contradict" in found.says
    found = read(changed(answered(["www.example.com"]), 3, State.ADMITTED), MAPBOX)
    assert "contradict" in found.says


def test_an_answer_that_no_entry_explains() -> None:
    """A path was admitted, its origin as well, and then the very same path refused."""
    answers = changed(answered(["www.example.com"]), 7, State.REFUSED)
    found = read(answers, MAPBOX)
    admitted = {cover.referer: cover.entries for cover in found.covers}
    assert admitted["https://www.example.com/"] == ()
    assert any("explains why https://www.example.com/" in says for says in found.open)


def test_without_the_answer_for_no_referer() -> None:
    found = read(changed(answered(["www.example.com"]), 1, State.UNCLEAR), MAPBOX)
    assert "seems restricted" in found.says
    assert len(found.doubts) == 1
    found = read(changed(answered(["other.example"]), 1, State.UNCLEAR), MAPBOX)
    assert found.restricted is None


def test_nothing_learned() -> None:
    found = read([Answer(ASK, 500, State.UNCLEAR, "says nothing about the list")], MAPBOX)
    assert (found.restricted, found.says) == (None, "The answers say nothing about the list.")
    assert found.doubts == (
        "Request 1 (https://example.com/) was answered 500: says nothing about the list.",
    )


@pytest.mark.parametrize(
    ("status", "headers", "body", "state", "says", "stop"),
    [
        (200, (), b"tile", "admitted", "admitted", False),
        (204, (), b"", "admitted", "admitted", False),
        (200, (("X-Cache", "Hit from cloudfront"),), b"", "unclear", "from a cache (X-Cache: Hit"
         " from cloudfront)", False),
        (200, (("Age", "30"),), b"", "unclear", "from a cache (Age: 30)", False),
        (403, (("X-Cache", "Error from cloudfront"),), b'{"message":"Forbidden"}', "refused",
         "refused", False),
        (403, (), b"", "refused", "refused", False),
        (403, (("Age", "9"),), b"", "unclear", "from a cache (Age: 9)", False),
        (403, (), b'{"message":"This API requires a token with styles:read scope."}', "unclear",
         "refused because it lacks the scope styles:read", True),
        (401, (), b"", "unclear", "the token is not valid", True),
        (429, (), b"", "unclear", "too many requests", True),
        (404, (), b"Tile not found", "unclear", "says nothing about the list", False),
        (302, (), b"", "unclear", "says nothing about the list", False),
        (500, (), b"\xff", "unclear", "says nothing about the list", False),
    ],
)  # fmt: skip
def test_what_one_answer_says(
    status: int, headers: Pairs, body: bytes, state: str, says: str, stop: bool
) -> None:
    found = answer(ASK, Response(status, Headers(headers), body), MAPBOX)
    assert (found.state, found.says, found.stop) == (state, says, stop)
