"""What is wrong without a refusal: each finding by captures that show it, and near misses."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Finding
from diagnostics.provider.token import encode
from tests.journey.conftest import (
    API,
    CHROME,
    DEVTOOLS,
    FIREFOX_HAR,
    HOST,
    IMAGE,
    PLAIN,
    PLAYWRIGHT,
    PROXY,
    STYLE,
    TILE,
    TOKEN,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    listing,
    report_of,
)

EVENTS = "https://events.mapbox.com"
GL_PAGE = """<script src="https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js"></script>
<script>mapboxgl.accessToken = 'x'; new mapboxgl.Map({style: 'mapbox://styles/acme/streets'})</script>"""
LEAFLET_PAGE = (
    "<script>L.tileLayer('https://api.mapbox.com/styles/v1/{id}/tiles/{z}/{x}/{y}')</script>"
)
SECRET = encode("sk", {"u": "acme", "a": "ck0secret000000000000000"})
STORED = {"outcome": Outcome.CACHED}


def found(tape: Tape, code: str, told: Told = UNKNOWN_LIST) -> list[Finding]:
    return [f for f in report_of(tape, told=told).findings if f.finding == code]


def severities(tape: Tape, code: str) -> list[str]:
    return [f.severity for f in found(tape, code)]


# client-blocks-request, mixed-content


@pytest.mark.parametrize("reason", ["net::ERR_BLOCKED_BY_CLIENT", "blockedbyclient"])
def test_an_extension_that_blocks(reason: str) -> None:
    tape = Tape().page().ask(STYLE, status=None, reason=reason, outcome=Outcome.BLOCKED, times=2)
    (finding,) = found(tape, "client-blocks-request")
    assert finding.severity == "error"
    assert "2 requests" in finding.says
    tape = Tape().page().ask("/events/v2", host=EVENTS, status=None, reason=reason)
    assert severities(tape, "client-blocks-request") == ["info"]


@pytest.mark.parametrize("reason", ["net::ERR_FAILED", "net::ERR_BLOCKED_BY_ORB", "csp", ""])
def test_other_failures_are_no_extensions(reason: str) -> None:
    tape = Tape().page().ask(STYLE, status=None, reason=reason)
    assert severities(tape, "client-blocks-request") == []


def test_mixed_content() -> None:
    tape = Tape().page().ask(IMAGE, kind="image", host="http://api.mapbox.com", status=None)
    assert severities(tape, "mixed-content") == ["warning"]
    tape = Tape().page("http://shop.example.com/").ask(IMAGE, host="http://api.mapbox.com")
    assert severities(tape, "mixed-content") == []
    assert severities(Tape().page().ask(IMAGE), "mixed-content") == []


# cached-200-masks


def test_a_stored_200_that_hides_a_refusal() -> None:
    told = listing("other.example.org")
    tape = Tape().page().ask(STYLE, status=200, **STORED)
    assert [f.severity for f in found(tape, "cached-200-masks", told)] == ["warning"]
    assert found(tape, "cached-200-masks", listing(HOST)) == []
    assert found(tape, "cached-200-masks", UNRESTRICTED) == []
    assert found(tape, "cached-200-masks", UNKNOWN_LIST) == []
    fresh = Tape().page().ask(STYLE, status=200)
    assert found(fresh, "cached-200-masks", told) == []


def test_a_stored_200_beside_refusals_of_the_same_tiles() -> None:
    tape = Tape().page().ask("/v4/acme.tiles/3/4/2.vector.pbf", status=200, **STORED)
    tape.ask("/v4/acme.tiles/3/4/3.vector.pbf")
    assert severities(tape, "cached-200-masks") == ["warning"]
    tape = Tape().page().ask(STYLE, status=200, **STORED).ask("/v4/acme.tiles/3/4/3.vector.pbf")
    assert severities(tape, "cached-200-masks") == []


# tokens


def test_a_secret_token_in_a_browser() -> None:
    assert severities(Tape().page().ask(STYLE, status=200, token=SECRET), "secret-token-exposed")
    page = Tape().page(html=f"<script>mapboxgl.accessToken='{SECRET}'</script>")
    (finding,) = found(page, "secret-token-exposed")
    assert finding.severity == "error"
    assert SECRET not in finding.says
    assert "markup" in finding.where
    elsewhere = Tape().page().ask(f"https://log.example.net/?t={SECRET}", status=200)
    assert severities(elsewhere, "secret-token-exposed") == ["error"]


@pytest.mark.parametrize("agent", ["curl/8.5.0", "python-requests/2.32", "node"])
def test_a_secret_token_on_a_server(agent: str) -> None:
    sent = [("Host", "api.mapbox.com"), ("User-Agent", agent)]
    tape = Tape(PROXY).ask("/tokens/v2/acme", token=SECRET, sent=sent, status=200)
    assert severities(tape, "secret-token-exposed") == []


@pytest.mark.parametrize(
    "text",
    ["sk.notatokenatallnotatoken.signature", "task.abcdefghijklmnopqrstuvwx.yzabcdef", TOKEN],
)
def test_what_only_looks_like_a_secret_token(text: str) -> None:
    tape = Tape().page(html=f"<script>var a='{text}'</script>")
    tape.ask(f"https://log.example.net/?t={text}", status=200)
    assert severities(tape, "secret-token-exposed") == []


def default(**others: object) -> Told:
    known = Allowed((), "the token list (default token)", is_default=True)
    return Told(by_id={"ck0exampletoken0000000000": known}, **others)  # type: ignore[arg-type]


def test_a_default_token() -> None:
    refused, fine = Tape().page().ask(), Tape().page().ask(status=200)
    assert found(refused, "default-token-restricted", default())
    assert found(fine, "default-token-restricted", default()) == []
    told = default(everywhere=Allowed((HOST,), "--allow"))
    assert found(fine, "default-token-restricted", told)
    assert found(refused, "default-token-restricted", listing(HOST)) == []


def test_a_default_token_cannot_be_given_a_list() -> None:
    (finding,) = found(Tape().page().ask(status=200), "unrestricted-token", default())
    assert "Add the page's host to it" not in finding.says
    assert "token of its own" in finding.says


def test_an_unrestricted_token() -> None:
    tape = Tape().page().ask(STYLE, status=200)
    assert [f.severity for f in found(tape, "unrestricted-token", UNRESTRICTED)] == ["warning"]
    assert found(tape, "unrestricted-token", listing(HOST)) == []
    assert found(tape, "unrestricted-token", UNKNOWN_LIST) == []


def test_an_unrestricted_token_by_a_200_without_a_referer() -> None:
    tape = Tape().page(policy="no-referrer").ask(STYLE, status=200, referer=None)
    (finding,) = found(tape, "unrestricted-token")
    assert "200 without a Referer" in finding.says
    assert "entry" not in finding.says
    stored = Tape().page(policy="no-referrer").ask(STYLE, status=200, referer=None, **STORED)
    assert found(stored, "unrestricted-token") == []


@pytest.mark.parametrize(
    "page",
    ["http://localhost:3000/", "https://localhost:3000/", "https://app.localhost/",
     "https://127.0.0.1/", "https://192.168.1.4:8443/", "https://[::1]/", "file:///map.html",
     "http://shop.example.com/"],
)  # fmt: skip
def test_a_page_that_others_cannot_open(page: str) -> None:
    tape = Tape().page(page).ask(STYLE, status=200)
    if page.startswith("http://shop"):
        assert found(tape, "unrestricted-token", UNRESTRICTED)
    else:
        assert found(tape, "unrestricted-token", UNRESTRICTED) == []


def test_a_public_host_that_begins_like_localhost() -> None:
    tape = Tape().page("https://localhost.example.com/").ask(STYLE, status=200)
    assert found(tape, "unrestricted-token", UNRESTRICTED)


def test_a_server_may_use_an_unrestricted_token() -> None:
    sent = [("Host", "api.mapbox.com"), ("User-Agent", "curl/8.5.0")]
    assert (
        found(Tape(PROXY).ask(STYLE, sent=sent, status=200), "unrestricted-token", UNRESTRICTED)
        == []
    )


# policies that say nothing


def test_the_obsolete_csp_directive() -> None:
    tape = Tape().page(csp="default-src *; referrer no-referrer")
    (finding,) = found(tape, "csp-referrer-directive-obsolete")
    assert (finding.severity, finding.where) == ("warning", "a.har entry 0")
    assert found(Tape().page(csp="default-src *"), "csp-referrer-directive-obsolete") == []


@pytest.mark.parametrize(
    ("policy", "html", "count"),
    [("never", PLAIN, 1), ("no-referer", PLAIN, 1), ("origin, foo", PLAIN, 1), ("origin", PLAIN, 0),
     ("no-referrer, strict-origin-when-cross-origin", PLAIN, 0),
     (None, "<meta name=referrer content=never>", 0),
     (None, '<meta name=referrer content=none>', 1)],
)  # fmt: skip
def test_policies_that_no_browser_knows(policy: str | None, html: str, count: int) -> None:
    assert len(found(Tape().page(policy=policy, html=html), "policy-token-unknown")) == count


def test_a_header_with_a_legacy_value_names_the_present_one() -> None:
    (finding,) = found(Tape().page(policy="never"), "policy-token-unknown")
    assert "no-referrer" in finding.says


@pytest.mark.parametrize(
    ("version", "below"), [("0.45.0", True), ("0.53.0", True), ("0.53.1", False), ("3.9.0", False)]
)
def test_a_library_below_the_documented_minimum(version: str, below: bool) -> None:
    script = f"{API}/mapbox-gl-js/v{version}/mapbox-gl.js"
    tape = Tape().page().ask(script, kind="script", status=200, body="").ask(STYLE, status=200)
    assert bool(found(tape, "library-below-minimum")) is below


# intermittent-by-worker-race


def race(exporter: str = DEVTOOLS, policy: str = "no-referrer", version: str = "3.9.0") -> Tape:
    tape = Tape(exporter, CHROME).page(policy=policy)
    script = f"{API}/mapbox-gl-js/v{version}/mapbox-gl.js"
    tape.ask(script, kind="script", status=200, body="", referer=None)
    return tape.ask(TILE, referer=None)


@pytest.mark.parametrize("exporter", [DEVTOOLS, PLAYWRIGHT, PROXY])
@pytest.mark.parametrize("policy", ["no-referrer", "same-origin"])
def test_tiles_with_and_without_a_referer(exporter: str, policy: str) -> None:
    tape = race(exporter, policy).ask(TILE, status=200, worker=True)
    assert severities(tape, "intermittent-by-worker-race") == ["warning"]


def test_no_race() -> None:
    code = "intermittent-by-worker-race"
    assert severities(race(), code) == []
    assert severities(race(policy="origin").ask(TILE, status=200, worker=True), code) == []
    assert severities(race(version="1.13.3").ask(TILE, status=200, worker=True), code) == []
    assert severities(race().ask(STYLE, status=200), code) == []
    firefox = Tape(FIREFOX_HAR).page(policy="no-referrer").ask(TILE, referer=None)
    assert severities(firefox.ask(TILE, status=200, worker=True), code) == []


FULL = "default-src 'self'; img-src data: blob:; worker-src blob:; connect-src https://api.mapbox.com https://events.mapbox.com"  # noqa: E501


def test_nothing_wrong() -> None:
    tape = Tape().page(html=GL_PAGE, csp=FULL).ask(STYLE, status=200).ask(TILE, status=200)
    tape.ask("/events/v2", host=EVENTS, status=204, body=None)
    report = report_of(tape, told=listing(HOST))
    assert (report.verdicts, report.findings) == ((), ())


def test_errors_come_first() -> None:
    tape = Tape().page(csp="img-src 'self'; referrer origin", html=LEAFLET_PAGE, policy="never")
    tape.ask("/events/v2", host=EVENTS, status=None, reason="net::ERR_BLOCKED_BY_CLIENT")
    order = [f.severity for f in report_of(tape).findings]
    assert order == sorted(order, key=["error", "warning", "info"].index)
    assert {"error", "warning", "info"} == set(order)
