"""What the same token was answered elsewhere."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Headers
from diagnostics.journey.contrast import Answers, resource_of, stored_by_cdn
from diagnostics.journey.traffic import read_traffic
from tests.journey.conftest import (
    NEEDS_SCOPE,
    ORIGIN,
    PAGE,
    SESSION,
    STYLE,
    TILE,
    TOKEN,
    Tape,
)


def answers(*tapes: Tape) -> Answers:
    return read_traffic([tape.capture for tape in tapes])[1].of(TOKEN)


def test_both_sides_by_origin() -> None:
    tape = Tape().page().ask(STYLE, status=200).ask(TILE, referer=None)
    tape.page("http://localhost:3000/").ask(STYLE)
    found = answers(tape)
    assert found.admitted == {ORIGIN: "a.har entry 1"}
    assert found.refused == {"http://localhost:3000": "a.har entry 4"}
    assert found.refused_without == "a.har entry 2"
    assert found.shows_restriction
    assert not found.shows_no_restriction
    assert found.admit("/styles/v1/acme/streets")
    assert not found.admit("/v4/acme.tiles")


@pytest.mark.parametrize("status", [301, 304, 401, 404, 429, 500, None])
def test_answers_that_say_nothing_about_a_list(status: int | None) -> None:
    assert answers(Tape().page().ask(status=status)) == Answers()


def test_refusals_for_another_reason_are_left_out() -> None:
    tape = Tape().page().ask(body=NEEDS_SCOPE).ask("/styles/v1/globex/x").ask(SESSION)
    assert answers(tape) == Answers()


def test_admission_alone_shows_nothing() -> None:
    found = answers(Tape().page().ask(status=200).ask(status=403))
    assert not found.shows_restriction
    assert not found.shows_no_restriction


def test_a_200_without_a_referer_is_counted_where_headers_are_final() -> None:
    assert answers(Tape().page().ask(status=200, referer=None)).shows_no_restriction
    bare = Tape().page().ask(status=200, sent=[("User-Agent", "Mozilla/5.0 Chrome/156.0")])
    assert not answers(bare).shows_no_restriction


def test_tokens_are_kept_apart() -> None:
    tape = Tape().page().ask(status=200, token="pk.other").ask(status=200, token="")
    assert answers(tape) == Answers()


def test_files_are_taken_together() -> None:
    one = Tape(file="one.har").page().ask(status=200)
    two = Tape(file="two.har").page("https://two.example.org/").ask()
    assert answers(one, two).shows_restriction


@pytest.mark.parametrize(
    ("path", "resource"),
    [("/styles/v1/acme/a/tiles/1/2/3", "/styles/v1/acme/a"), ("/v4/a.b/1/2/3.png", "/v4/a.b"),
     ("/v4/a.b,c.d.json", "/v4/a.b,c.d.json"), ("/", "/"), ("", "")],
)  # fmt: skip
def test_resources(path: str, resource: str) -> None:
    assert resource_of(path) == resource


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [("X-Cache", "Hit from cloudfront", True), ("X-Cache", "Miss from cloudfront", False),
     ("x-cache", "HIT", True), ("Age", "1", True), ("Age", "0", False), ("Age", "00", False),
     ("Age", "-1", False), ("Age", "²", False), ("Age", "9" * 9999, True), ("Via", "x", False)],
)  # fmt: skip
def test_headers_of_stored_answers(name: str, value: str, stored: bool) -> None:
    says = stored_by_cdn(Headers([(name, value)]))
    assert (says is not None) is stored
    assert says is None or len(says) < 60


def test_a_page_with_a_path_counts_by_its_origin() -> None:
    tape = Tape().page(policy="unsafe-url").ask(status=200, referer=PAGE)
    assert set(answers(tape).admitted) == {ORIGIN}
