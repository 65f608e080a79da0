"""Stage 6: what the provider objected to, by its own words."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.told import Allowed, Told
from diagnostics.provider.token import encode
from tests.journey.conftest import (
    FORBIDDEN,
    IMAGE,
    INVALID_TOKEN,
    NEEDS_SCOPE,
    NO_TOKEN,
    ORIGIN,
    PROXY,
    RASTER,
    SESSION,
    STYLE,
    TILE,
    TOKEN,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    broken_stage,
    fix_of,
    listing,
    verdict_of,
    verdicts_of,
)

ALLOWED = listing("shop.example.com")
TOLD = [ALLOWED, UNKNOWN_LIST, UNRESTRICTED, listing("other.example.org")]
BODIES = [
    (403, NEEDS_SCOPE, "token-scope"),
    (403, '{"message":"This endpoint requires a token with styles:tiles scope"}', "token-scope"),
    (401, INVALID_TOKEN, "token-invalid"),
    (401, NO_TOKEN, "token-missing"),
]


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize(("status", "body", "cause"), BODIES)
@pytest.mark.parametrize("policy", [None, "no-referrer"])
def test_a_body_that_names_the_reason_beats_everything(
    status: int, body: str, cause: str, policy: str | None, told: Told
) -> None:
    tape = Tape().page(policy=policy)
    tape.ask(RASTER, status=status, body=body, referer=None if policy else f"{ORIGIN}/")
    verdict = verdict_of(tape, told=told)
    assert (verdict.cause, verdict.confidence) == (cause, "certain")
    assert broken_stage(verdict) == "edge"
    assert verdict.alternatives == ()


def test_the_missing_scope_is_in_the_fix() -> None:
    body = NEEDS_SCOPE.replace("styles:tiles", "vision:read")
    verdict = verdict_of(Tape().page().ask("/odd/v1/x", body=body), told=ALLOWED)
    assert "vision:read" in verdict.because
    assert "vision:read" in fix_of(verdict, "add-scope").snippet
    assert "YOUR_SCOPE" not in fix_of(verdict, "add-scope").snippet
    assert "/acme/ck0exampletoken" in fix_of(verdict, "add-scope").snippet


@pytest.mark.parametrize("policy", [None, "no-referrer"])
def test_a_body_that_was_kept_back_is_told_by_its_length(policy: str | None) -> None:
    length = ("Content-Length", str(len(NEEDS_SCOPE)))
    tape = Tape().page(policy=policy).ask(IMAGE, kind="image", body=None, answer=[length],
                                          referer=None if policy else f"{ORIGIN}/")  # fmt: skip
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("token-scope", "likely")


def test_a_length_that_is_forbiddens() -> None:
    tape = (
        Tape()
        .page(policy="no-referrer")
        .ask(IMAGE, kind="image", body=None, answer=[("Content-Length", "23")], referer=None)
    )
    assert verdict_of(tape, told=ALLOWED).cause == "referrer-policy-blocks"


@pytest.mark.parametrize("length", ["", "x", "-1", "9" * 5000, "0"])
def test_odd_lengths(length: str) -> None:
    tape = Tape().page().ask(body=None, answer=[("Content-Length", length)])
    assert verdict_of(tape, told=ALLOWED).cause == "account-or-resource"


def test_no_token_at_all() -> None:
    verdict = verdict_of(Tape().page().ask(token=None, status=401, body=None), told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("token-missing", "certain")
    verdict = verdict_of(Tape().page().ask(token="", status=401, body=None), told=ALLOWED)
    assert verdict.cause == "token-missing"


def test_a_403_without_a_token() -> None:
    """Without a token the answer is 401: the capture has lost it, and nothing is certain."""
    tape = Tape().page(policy="no-referrer").ask(token=None, referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "likely")


def test_what_needs_no_token_is_under_no_list() -> None:
    tape = Tape().page("https://other.example.org/")
    tape.ask("/mapbox-gl-js/v3.9.0/mapbox-gl.js", token=None, kind="script")
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("account-or-resource", "likely")
    assert "needs no token" in verdict.because


@pytest.mark.parametrize(
    ("token", "words"), [("undefined", "does not begin"), (TOKEN.rpartition(".")[0], "cut off")]
)
def test_a_malformed_token(token: str, words: str) -> None:
    verdict = verdict_of(Tape().page().ask(token=token, status=401, body=None))
    assert (verdict.cause, verdict.confidence) == ("token-invalid", "certain")
    assert words in verdict.because


def test_a_whole_token_and_a_401_without_words() -> None:
    verdict = verdict_of(Tape().page().ask(status=401, body=None))
    assert (verdict.cause, verdict.confidence) == ("token-invalid", "likely")
    assert not any(e.says.endswith(": ") for e in verdict.evidence)


def temporary(expires: float) -> str:
    return encode("tk", {"u": "acme", "exp": expires, "iat": 1, "scopes": ["styles:read"]})


def test_an_expired_temporary_token() -> None:
    tape = Tape().page().ask(token=temporary(1_000))
    assert verdict_of(tape, told=ALLOWED).cause == "token-invalid"


def test_a_token_that_expires_during_the_capture() -> None:
    tape = Tape().page()
    token = temporary(tape.clock + 1000)
    tape.ask(token=token)
    tape.clock += 2000
    tape.ask(token=token)
    assert [v.cause for v in verdicts_of(tape)] == ["account-or-resource", "token-invalid"]


def test_a_temporary_token_has_no_list() -> None:
    tape = Tape().page(policy="no-referrer").ask(token=temporary(9e9), referer=None)
    assert verdict_of(tape, told=ALLOWED).cause == "account-or-resource"


def scopes(*names: str) -> Told:
    allowed = Allowed(("shop.example.com",), "the token list (web)", scopes=names)
    return Told(by_id={"ck0exampletoken0000000000": allowed})


def test_a_scope_that_the_token_list_lacks() -> None:
    tape = Tape().page().ask(RASTER, body=None)
    verdict = verdict_of(tape, told=scopes("styles:read"))
    assert verdict.cause == "token-scope"
    assert verdict_of(tape, told=scopes("styles:read", "styles:tiles")).cause != "token-scope"


def test_forbidden_is_not_the_body_of_a_missing_scope() -> None:
    """A missing scope has its own message: where the Referer explains Forbidden, it comes first."""
    tape = Tape().page(policy="no-referrer").ask(RASTER, referer=None)
    verdict = verdict_of(tape, told=scopes("styles:read"))
    assert verdict.cause == "referrer-policy-blocks"
    tape = Tape().page().ask(RASTER)
    verdict = verdict_of(tape, told=scopes("styles:read"))
    assert (verdict.cause, verdict.confidence) == ("token-scope", "likely")


def test_an_account_by_name() -> None:
    body = '{"message":"Your account has been suspended."}'
    verdict = verdict_of(
        Tape().page(policy="no-referrer").ask(body=body, referer=None), told=ALLOWED
    )
    assert (verdict.cause, verdict.confidence) == ("account-or-resource", "certain")


WALL = "<html><h1>Blocked by the firewall</h1>Contact your account manager. Request 8f7e</html>"


@pytest.mark.parametrize("policy", [None, "no-referrer"])
def test_words_that_are_not_the_providers(policy: str | None) -> None:
    """A firewall in between may have refused: nothing is certain."""
    for told in (ALLOWED, listing("other.example.org")):
        tape = Tape().page(policy=policy).ask(body=WALL, referer=None if policy else f"{ORIGIN}/")
        verdict = verdict_of(tape, told=told)
        assert verdict.confidence != "certain"
        assert "8f7e" not in verdict.because + "".join(s.says for s in verdict.journey)
        assert any("firewall" in e.says for e in verdict.evidence)
        if policy is None and told is ALLOWED:
            assert verdict.cause == "unexplained"


OTHERS = "/styles/v1/globex/private"


@pytest.mark.parametrize("told", [ALLOWED, UNRESTRICTED])
def test_another_accounts_style(told: Told) -> None:
    verdict = verdict_of(Tape().page().ask(OTHERS), told=told)
    assert verdict.cause == "account-or-resource"
    assert "globex" in verdict.because
    assert verdict_of(Tape().page().ask("/styles/v1/mapbox/streets-v12"), told=told).because.find(
        "belongs to") == -1  # fmt: skip


def test_another_accounts_style_beside_ones_own() -> None:
    tape = Tape().page().ask(STYLE, status=200).ask(OTHERS)
    verdict = verdict_of(tape)
    assert (verdict.cause, verdict.confidence) == ("account-or-resource", "likely")
    assert "a.har entry" not in verdict.because
    assert any(e.where == "a.har entry 1" for e in verdict.evidence)


@pytest.mark.parametrize("policy", [None, "no-referrer", "same-origin"])
def test_an_unrestricted_token_is_never_blamed_on_the_referer(policy: str | None) -> None:
    tape = Tape().page(policy=policy).ask(referer=None if policy else f"{ORIGIN}/")
    verdict = verdict_of(tape, told=UNRESTRICTED)
    assert (verdict.cause, verdict.confidence) == ("account-or-resource", "certain")


def test_a_200_without_a_referer_shows_that_there_is_no_restriction() -> None:
    tape = Tape().page(policy="no-referrer").ask(TILE, status=200, referer=None)
    verdict = verdict_of(tape.ask(OTHERS, referer=None))
    assert (verdict.cause, verdict.confidence) == ("account-or-resource", "likely")
    assert "a.har entry" not in verdict.because
    assert any(e.where == "a.har entry 1" for e in verdict.evidence)


@pytest.mark.parametrize(
    "stored",
    [{"outcome": Outcome.CACHED}, {"answer": [("X-Cache", "Hit from cloudfront")]},
     {"answer": [("Age", "30")]}, {"service_worker": True}],
)  # fmt: skip
def test_unless_that_200_was_stored(stored) -> None:  # type: ignore[no-untyped-def]
    tape = Tape().page(policy="no-referrer").ask(TILE, status=200, referer=None, **stored)
    assert verdict_of(tape.ask(STYLE, referer=None)).cause == "referrer-policy-blocks"


def test_a_map_session_is_not_known_to_be_governed() -> None:
    tape = Tape().page(policy="no-referrer").ask(SESSION, referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.cause == "referrer-policy-blocks"
    assert verdict.confidence != "certain"


def test_a_missing_body_is_forbidden_or_anything() -> None:
    verdict = verdict_of(Tape(PROXY).page().ask(body=None), told=ALLOWED)
    assert verdict.cause == "account-or-resource"
    assert all(e.says.strip() and not e.says.endswith(": ") for e in verdict.evidence)
    assert FORBIDDEN not in verdict.because


def test_a_secret_scope_is_none_for_a_public_token() -> None:
    body = NEEDS_SCOPE.replace("styles:tiles", "styles:list")
    fix = fix_of(verdict_of(Tape().page().ask(body=body), told=ALLOWED), "add-scope")
    assert "A public token cannot have styles:list" in fix.says
    assert '"scopes": ["styles:list"]' in fix.snippet
    assert "PATCH" not in fix.snippet


def test_known_scopes_stay_beside_the_new_one() -> None:
    verdict = verdict_of(Tape().page().ask(RASTER, body=NEEDS_SCOPE), told=ALLOWED)
    fix = fix_of(verdict, "add-scope")
    assert '["styles:read", "fonts:read", "styles:tiles"]' in fix.snippet
    assert fix.cost is not None  # nobody knows which scopes the token has
    told = Told(Allowed(("shop.example.com",), "the list", scopes=("styles:read", "datasets:read")))
    fix = fix_of(verdict_of(Tape().page().ask(RASTER, body=NEEDS_SCOPE), told=told), "add-scope")
    assert '["styles:read", "datasets:read", "styles:tiles"]' in fix.snippet
    assert fix.cost is None
