"""Stage 5: an answer that was stored says nothing about this request."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Outcome
from tests.journey.conftest import (
    CHROME,
    IMAGE,
    INVALID_TOKEN,
    NEEDS_SCOPE,
    UNKNOWN_LIST,
    Tape,
    broken_stage,
    fix_of,
    listing,
    station,
    verdict_of,
)

ALLOWED = listing("shop.example.com")
CACHED = {"outcome": Outcome.CACHED}


@pytest.mark.parametrize("told", [ALLOWED, UNKNOWN_LIST])
def test_an_answer_of_the_browsers_cache_settles_it(told) -> None:  # type: ignore[no-untyped-def]
    verdict = verdict_of(Tape().page().ask(**CACHED), told=told)
    assert (verdict.cause, verdict.confidence) == ("cached-403", "certain")
    assert broken_stage(verdict) == "cache"


def test_provisional_headers_of_a_cached_answer() -> None:
    sent = [("User-Agent", CHROME), ("Referer", "https://shop.example.com/")]
    verdict = verdict_of(Tape().page().ask(sent=sent, **CACHED), told=ALLOWED)
    assert verdict.cause == "cached-403"
    assert fix_of(verdict, "cache=off").predicted == "allowed"


@pytest.mark.parametrize("referer", ["https://other.example.org/", None])
def test_a_fresh_request_would_be_refused_as_well(referer: str | None) -> None:
    tape = Tape().page("https://other.example.org/", policy=None if referer else "no-referrer")
    verdict = verdict_of(tape.ask(referer=referer, **CACHED), told=ALLOWED)
    assert verdict.cause == ("page-not-allowed" if referer else "referrer-policy-blocks")


@pytest.mark.parametrize(
    ("body", "status", "cause"),
    [(NEEDS_SCOPE, 403, "token-scope"), (INVALID_TOKEN, 401, "token-invalid")],
)
def test_a_body_that_names_the_reason_beats_the_cache(body: str, status: int, cause: str) -> None:
    tape = Tape().page().ask(IMAGE, kind="image", body=body, status=status, **CACHED)
    assert verdict_of(tape, told=ALLOWED).cause == cause


@pytest.mark.parametrize(
    "header",
    [("X-Cache", "Hit from cloudfront"), ("x-cache", "HIT"), ("Age", "812"),
     ("X-Cache", "RefreshHit from cloudfront")],
)  # fmt: skip
def test_an_answer_of_the_cdn(header: tuple[str, str]) -> None:
    verdict = verdict_of(Tape().page().ask(answer=[header]), told=ALLOWED)
    if "Refresh" in header[1]:  # asked again: an answer to this request
        assert verdict.cause == "account-or-resource"
    else:
        assert (verdict.cause, verdict.confidence) == ("cached-403", "likely")


@pytest.mark.parametrize(
    "header", [("X-Cache", "Error from cloudfront"), ("X-Cache", "Miss from cloudfront"),
               ("Age", "0"), ("Age", "soon"), ("Age", "²")]
)  # fmt: skip
def test_headers_that_show_no_cache(header: tuple[str, str]) -> None:
    verdict = verdict_of(Tape().page().ask(answer=[header]), told=ALLOWED)
    assert verdict.cause == "account-or-resource"
    assert station(verdict, "cache").state == "ok"


def test_an_answer_of_a_service_worker() -> None:
    bare = [("User-Agent", CHROME)]
    verdict = verdict_of(Tape().page().ask(sent=bare, service_worker=True), told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("cached-403", "likely")
    assert "unregister" in fix_of(verdict, "cache=off").snippet
