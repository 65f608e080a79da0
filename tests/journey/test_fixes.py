"""Every fix keeps its word: what it predicts is what the changed world does."""

from __future__ import annotations

import pytest

from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause, Fix
from tests.journey.conftest import (
    ANDROID,
    API,
    FIREFOX_HAR,
    HOST,
    IMAGE,
    ORIGIN,
    PAGE,
    PROXY,
    RASTER,
    STYLE,
    TILE,
    UNKNOWN_LIST,
    Tape,
    World,
    fix_of,
    listing,
    redirected,
    verdict_of,
)

OTHER = ("www.example.org",)
SHARE = f"{API}{STYLE}.html"
SHEET = "https://cdn.example.net/a.css"
WORLDS = {
    "blocked": World(policy="no-referrer"),
    "blocked, Firefox": World(policy="same-origin", exporter=FIREFOX_HAR),
    "blocked, proxy": World(policy="same-origin", exporter=PROXY),
    "blocked and not listed": World(policy="no-referrer", entries=OTHER),
    "blocked and on a port": World(
        policy="no-referrer", entries=OTHER, page_url="http://localhost:3000/"
    ),
    "attribute": World(request_policy="no-referrer", to=IMAGE, kind="image"),
    "attribute and not listed": World(
        request_policy="no-referrer", to=IMAGE, kind="image", entries=OTHER
    ),
    "trimmed": World(entries=("shop.example.com/map",)),
    "trimmed, Firefox": World(entries=("shop.example.com/map",), exporter=FIREFOX_HAR),
    "trimmed, path and query": World(entries=("shop.example.com/map?x=1",)),
    "worker": World(library="0.45.0", worker=True, to=TILE),
    "worker and not listed": World(library="0.45.0", worker=True, to=TILE, entries=OTHER),
    "worker under no-referrer": World(
        library="0.45.0", worker=True, to=TILE, policy="no-referrer"
    ),
    "downgrade": World(http=True, to=IMAGE, kind="image"),
    "downgrade and not listed": World(http=True, to=IMAGE, kind="image", entries=OTHER),
    "csp sandbox": World(sandbox="csp"),
    "csp sandbox, not listed": World(sandbox="csp", entries=OTHER),
    "csp sandbox and no-referrer": World(sandbox="csp", policy="no-referrer"),
    "frame sandbox": World(sandbox="frame", page_url=f"{ORIGIN}/frame"),
    "stripped": World(stripped=True),
    "stripped and not listed": World(stripped=True, entries=OTHER),
    "forged": World(forged=True),
    "forged and not listed": World(forged=True, entries=OTHER),
    "stylesheet": World(sheet=SHEET, to=IMAGE, kind="image"),
    "stylesheet and not listed": World(sheet=SHEET, to=IMAGE, kind="image", entries=OTHER),
    "cached": World(cached=True),
    "local file": World(page_url="file:///home/me/map.html"),
    "not listed": World(entries=OTHER),
    "localhost": World(entries=OTHER, page_url="http://localhost:3000/"),
    "api host": World(page_url=SHARE),
    "scheme": World(entries=("http://shop.example.com",)),
    "port": World(entries=("localhost",), page_url="http://localhost:3000/"),
    "path": World(entries=("shop.example.com/other",)),
    "wildcard": World(entries=("https://shop.example.com/*",)),
    "wildcards": World(entries=("*.example.com", "https://other.example/*")),
    "wildcard port": World(entries=("http://localhost:*",), page_url="http://localhost:3000/"),
    "ip entry": World(entries=("127.0.0.1:8000",), page_url="http://localhost:8000/"),
    "ip page": World(entries=("127.0.0.1:8000",), page_url="http://127.0.0.1:8000/"),
    "ip page, port 80": World(entries=("10.0.0.1",), page_url="http://10.0.0.1/"),
    "ip page, not listed": World(page_url="http://192.168.1.20:8080/"),
    "invalid": World(entries=("capacitor://shop.example.com",)),
    "invalid and another": World(entries=("user@shop.example.com", *OTHER)),
    "empty entry": World(entries=("",)),
    "wildcard in white space": World(entries=("\t*.example.com\u00a0",)),
    "wildcard and a space": World(entries=("* .example.com",)),
}  # fmt: skip


def tried(world: World) -> list[Fix]:
    return [fix for fix in world.verdict.fixes if "=" in fix.fix]


@pytest.mark.parametrize("name", WORLDS)
def test_predictions_come_true(name: str) -> None:
    world = WORLDS[name]
    assert world.decision != "allowed" or world.cached, "no case of a refusal"
    for fix in tried(world):
        after = world.changed(fix.fix).decision
        if fix.predicted == "unknown":
            assert after == "undocumented", fix.fix
        else:
            assert after == fix.predicted, fix.fix


@pytest.mark.parametrize("name", WORLDS)
def test_every_cause_has_a_fix_that_helps(name: str) -> None:
    """And no fix that the model says will not help stands beside one that does."""
    fixes = WORLDS[name].verdict.fixes
    assert any(fix.predicted == "allowed" for fix in fixes), WORLDS[name].verdict.cause
    assert all(fix.predicted != "refused" for fix in fixes)


@pytest.mark.parametrize("name", [name for name in WORLDS if "not listed" in name])
def test_two_causes_at_once_are_fixed_at_once(name: str) -> None:
    world = WORLDS[name]
    for fix in tried(world):
        assert "allow+=" in fix.fix, fix.fix
    assert any(fix.predicted == "allowed" for fix in tried(world))


@pytest.mark.parametrize("name", WORLDS)
def test_snippets_hold_what_is_known(name: str) -> None:
    for fix in WORLDS[name].verdict.fixes:
        for known in ("YOUR_ENTRY", "YOUR_HOST", "YOUR_ACCOUNT", "YOUR_SCOPE", "YOUR_TOKEN_ID"):
            assert known not in fix.snippet, fix.fix
        assert fix.says.strip().endswith((".", "!"))
        assert fix.snippet.strip() or fix.fix == "unrestricted-token"
        if fix.fix.startswith("allow+="):
            assert fix.fix.split()[0].removeprefix("allow+=") in fix.snippet


WEAKER = {
    "trimmed": "allow+=",
    "path": "allow+=",
    "scheme": "allow+=",
    "api host": "allow+=",
    "forged": "allow+=",
    "stylesheet": "allow+=",
    "localhost": "allow+=",
    "csp sandbox": "csp-=",
    "frame sandbox": "sandbox+=",
    "local file": "unrestricted-token",
}


@pytest.mark.parametrize(("name", "change"), WEAKER.items())
def test_a_fix_that_weakens_something_says_so(name: str, change: str) -> None:
    assert fix_of(WORLDS[name].verdict, change).cost


@pytest.mark.parametrize("policy", ["unsafe-url", "no-referrer-when-downgrade"])
def test_a_looser_policy_says_what_it_tells(policy: str) -> None:
    for world in WORLDS.values():
        for fix in world.verdict.fixes:
            assert policy not in fix.fix or fix.cost


CAUSES = {
    Cause.NON_BROWSER_CLIENT: Tape(PROXY, agent="curl/8.5.0").ask(referer=None, site=None),
    Cause.MOBILE_SDK: Tape(PROXY, agent="MapboxMaps/11 iOS").ask(referer=None, site=None),
    Cause.LOCAL_PAGE: Tape(PROXY, agent=ANDROID).ask(referer=None, origin=None),
    Cause.TOKEN_MISSING: Tape().page().ask(token=None, status=401),
    Cause.TOKEN_INVALID: Tape().page().ask(token="x", status=401),
    Cause.TOKEN_SCOPE: Tape().page().ask(RASTER, body='{"message":"requires a token with styles:tiles scope"}'),  # noqa: E501
    Cause.ACCOUNT_OR_RESOURCE: Tape().page().ask(),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_causes_outside_of_the_model_have_fixes_too(cause: Cause) -> None:
    verdict = verdict_of(CAUSES[cause], told=listing(HOST))
    assert verdict.cause == cause
    assert verdict.fixes
    for fix in verdict.fixes:
        assert fix.predicted in {"unknown", "allowed"}
        for known in ("YOUR_ENTRY", "YOUR_ACCOUNT", "YOUR_SCOPE", "YOUR_TOKEN_ID"):
            assert known not in fix.snippet or (
                known == "YOUR_ACCOUNT" and cause == "token-missing"
            )


def test_a_redirects_policy_is_fixed_at_the_redirect() -> None:
    tape = redirected(
        Tape().page(), "https://go.example.org/t?key=abc", "no-referrer", referer=None
    )
    fix = verdict_of(tape, told=listing(HOST)).fixes[0]
    assert "https://go.example.org/" in fix.says
    assert "key" not in fix.says
    assert fix.predicted == "allowed"


HELMET = [
    ("Content-Security-Policy", "default-src *"), ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"), ("Origin-Agent-Cluster", "?1"),
    ("X-DNS-Prefetch-Control", "off"), ("X-Download-Options", "noopen"),
    ("X-Permitted-Cross-Domain-Policies", "none"), ("X-XSS-Protection", "0"),
    ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "SAMEORIGIN"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
]  # fmt: skip


def test_the_software_behind_a_header_gets_its_own_setting() -> None:
    tape = Tape().page(policy="no-referrer", headers=HELMET).ask(referer=None)
    fix = verdict_of(tape, told=listing(HOST)).fixes[0]
    assert "Helmet" in fix.says
    assert "helmet(" in fix.snippet


def test_no_entry_is_proposed_for_an_unknown_list_that_may_have_it() -> None:
    verdict = verdict_of(Tape().page(policy="no-referrer").ask(referer=None), told=UNKNOWN_LIST)
    assert {fix.predicted for fix in verdict.fixes} == {"unknown"}


def test_contrast_predicts_what_was_answered_before() -> None:
    tape = Tape().page().ask(STYLE, status=200).page(f"{ORIGIN}/b", policy="no-referrer")
    verdict = verdict_of(tape.ask(STYLE, referer=None), told=UNKNOWN_LIST)
    assert verdict.fixes[0].predicted == "allowed"


def test_a_default_token_gets_no_list() -> None:
    told = Told(by_id={"ck0exampletoken0000000000": Allowed((), "the token list", is_default=True)})
    verdict = verdict_of(Tape().page(policy="no-referrer").ask(referer=None), told=told)
    assert verdict.cause == "account-or-resource"
    assert not any("allow+=" in fix.fix for fix in verdict.fixes)


def test_fixes_hold_nothing_of_a_single_request() -> None:
    """Reports fold like verdicts by their fixes."""
    for world in WORLDS.values():
        for fix in world.verdict.fixes:
            assert "600x400" not in fix.says + fix.snippet
            assert "3/4/2" not in fix.says + fix.snippet
            assert PAGE.partition("?")[2] not in fix.says
