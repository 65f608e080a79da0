"""The provider's seven troubleshooting steps, each in every state that it can have."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.checklist import STEPS
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Check
from diagnostics.provider.token import encode
from tests.journey.conftest import (
    API,
    CHROME,
    HOST,
    IMAGE,
    ORIGIN,
    PAGE,
    PROXY,
    STYLE,
    TILE,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    api,
    listing,
    report_of,
)

ALLOWED, OTHER = listing(HOST), listing("other.example.org")
NARROW = "default-src 'self'"
GL = "<script>new mapboxgl.Map({})</script>"
CURL = [("Host", "api.mapbox.com"), ("User-Agent", "curl/8.5.0")]
BARE = [("User-Agent", CHROME)]
SHARE = f"{API}{STYLE}.html"
STORED = {"outcome": Outcome.CACHED}
UNSEEN = {"outcome": Outcome.UNKNOWN}


def fine(**page: str) -> Tape:
    return Tape().page(**page).ask(STYLE, status=200)  # type: ignore[arg-type]


def old_library() -> Tape:
    script = f"{API}/mapbox-gl-js/v0.53.0/mapbox-gl.js"
    return Tape().page().ask(script, kind="script", status=200, body="").ask(STYLE, status=200)


def with_telemetry_blocked() -> Tape:
    return fine().ask("/events/v2", host="https://events.mapbox.com", status=None,
                      reason="net::ERR_BLOCKED_BY_CLIENT")  # fmt: skip


CASES = {
    "cache": [
        ("pass", fine(), ALLOWED),
        ("pass", Tape().page().ask(STYLE, status=200, **STORED), ALLOWED),
        ("warn", Tape().page().ask(STYLE, status=200, **STORED), OTHER),
        ("fail", Tape().page().ask(**STORED), ALLOWED),
        ("unknown", Tape().page().ask(STYLE, status=200, **UNSEEN), ALLOWED),
    ],
    "referer": [
        ("pass", fine(), ALLOWED),
        ("pass", Tape().page().ask(), OTHER),
        ("warn", Tape().page(policy="no-referrer").ask(status=200, referer=None), UNKNOWN_LIST),
        ("fail", Tape().page(policy="no-referrer").ask(referer=None), ALLOWED),
        ("fail", Tape().page().ask(referer=f"{API}/"), ALLOWED),
        ("fail", Tape().page().ask(), listing(f"{HOST}/map")),
        ("unknown", Tape().page().ask(STYLE, status=200, sent=BARE), ALLOWED),
    ],
    "csp": [
        ("pass", fine(), ALLOWED),
        ("pass", fine(csp="frame-ancestors 'self'"), ALLOWED),
        ("warn", fine(csp="default-src *; referrer origin"), ALLOWED),
        ("warn", Tape().page(csp="script-src 'nonce-abc'; worker-src blob:", html=GL).ask(
            f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js", kind="script", status=None), ALLOWED),
        ("fail", Tape().page(csp=NARROW, html=GL).ask(IMAGE, kind="image", status=None), ALLOWED),
        ("fail", Tape().page(csp="sandbox").ask(referer=None, origin="null"), ALLOWED),
        ("unknown", Tape().page(seen=False).ask(), ALLOWED),
        ("unknown", fine(html=None), ALLOWED),  # type: ignore[arg-type]
    ],
    "allowed-urls": [
        ("pass", fine(), ALLOWED),
        ("pass", fine(), UNRESTRICTED),
        ("warn", fine(), listing(HOST, "*.example.org")),
        ("fail", Tape().page().ask(), OTHER),
        ("fail", Tape().page().ask(), listing("https://shop.example.com/*")),
        ("unknown", fine(), UNKNOWN_LIST),
    ],
    "api-host": [
        ("pass", fine(), ALLOWED),
        ("warn", fine(), listing(HOST, "api.mapbox.com")),
        ("warn", fine(), listing(HOST, "https://api.mapbox.com/")),
        ("fail", Tape().page(SHARE).ask(referer=SHARE), ALLOWED),
    ],
    "client": [
        ("pass", fine(), ALLOWED),
        ("warn", old_library(), ALLOWED),
        ("warn", with_telemetry_blocked(), ALLOWED),
        ("fail", Tape(PROXY).ask(sent=CURL), ALLOWED),
        ("fail", Tape().page().ask(referer=None), ALLOWED),
        ("unknown", Tape(PROXY, agent="").ask(STYLE, status=200, sent=[]), ALLOWED),
    ],
    "token": [
        ("pass", fine(), ALLOWED),
        ("warn", fine(), UNRESTRICTED),
        ("warn", Tape().page().ask(STYLE, status=200, token="undefined"), ALLOWED),
        ("warn", Tape().page().ask(STYLE, status=200, token=encode("sk", {"u": "acme"})), ALLOWED),
        ("fail", Tape().page().ask(status=401, token=None), ALLOWED),
        ("unknown", Tape().page().ask(f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.css", token=None,
                                      kind="stylesheet", status=200), ALLOWED),
    ],
}  # fmt: skip
FLAT = [(name, *case) for name, cases in CASES.items() for case in cases]


def step(name: str, tape: Tape, told: Told) -> Check:
    return next(check for check in report_of(tape, told=told).checklist if check.check == name)


@pytest.mark.parametrize(("name", "status", "tape", "told"), FLAT)
def test_each_step(name: str, status: str, tape: Tape, told: Told) -> None:
    check = step(name, tape, told)
    assert check.status == status, check.says
    assert check.says.endswith(".")
    assert "access_token=" not in check.says


@pytest.mark.parametrize(("name", "status", "tape", "told"), FLAT)
def test_steps_point_at_their_verdicts(name: str, status: str, tape: Tape, told: Told) -> None:
    report = report_of(tape, told=told)
    for check in report.checklist:
        assert all(0 <= n < len(report.verdicts) for n in check.verdicts)
        if check.status in {"pass", "unknown"}:
            assert check.verdicts == ()
    failing = [check for check in report.checklist if check.check == name and status == "fail"]
    assert all(check.verdicts or name == "csp" for check in failing)


def test_positions_over_two_files() -> None:
    first = Tape(file="a.har").page().ask().ask(status=401, token="x")
    second = Tape(file="b.har").page(policy="no-referrer").ask(referer=None)
    report = report_of(first, second, told=OTHER)
    assert [v.cause for v in report.verdicts] == [
        "page-not-allowed", "token-invalid", "referrer-policy-blocks"]  # fmt: skip
    by_name = {check.check: check.verdicts for check in report.checklist}
    assert by_name["allowed-urls"] == (0,)
    assert by_name["token"] == (1,)
    assert by_name["referer"] == (2,)


def test_nothing_was_asked_of_a_provider() -> None:
    report = report_of(Tape().page())
    assert [check.check for check in report.checklist] == list(STEPS)
    assert {check.status for check in report.checklist} == {"unknown"}


def test_what_the_referer_step_counts() -> None:
    tape = Tape().page(policy="no-referrer").ask(referer=None, times=2).ask(TILE, status=200)
    assert "2 of 3 requests" in step("referer", tape, ALLOWED).says
    forged = Tape().page().ask(referer=f"{API}/")
    assert "not the page's" in step("referer", forged, ALLOWED).says
    trimmed = step("referer", Tape().page().ask(), listing(f"{HOST}/map")).says
    assert "cut to the origin" in trimmed


def test_a_referer_that_was_not_shown_is_not_said_to_have_arrived() -> None:
    tape = Tape().page(policy="no-referrer").ask(sent=BARE)
    check = step("referer", tape, ALLOWED)
    assert check.status == "fail"
    assert "arrived" not in check.says


def test_entries_that_never_match_are_told_in_the_lists_order() -> None:
    says = step(
        "allowed-urls", fine(), listing(HOST, "*.b.example", "10.0.0.1", "*.a.example")
    ).says
    assert says.index("*.b") < says.index("10.0") < says.index("*.a")


def test_two_tokens_of_which_one_lists_the_api_host() -> None:
    tape = Tape().page().ask(STYLE, status=200, token=encode("pk", {"u": "acme", "a": "one"}))
    tape.ask(STYLE, status=200, token=encode("pk", {"u": "acme", "a": "two"}))
    entries = listing(HOST).everywhere
    told = Told(by_id={"one": entries, "two": listing("api.mapbox.com").everywhere})
    assert step("api-host", tape, told).status == "warn"


def test_a_page_whose_address_holds_a_secret() -> None:
    tape = Tape().page(f"{PAGE}&access_token={'a' * 20}", policy="unsafe-url")
    tape.ask(referer=f"{PAGE}&access_token={'a' * 20}")
    assert "aaaaa" not in step("allowed-urls", tape, OTHER).says
    assert api(STYLE) not in str(report_of(tape, told=OTHER))
    assert ORIGIN in str(report_of(tape, told=OTHER))
