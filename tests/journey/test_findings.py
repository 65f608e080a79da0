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
    EXPORTERS,
    FIREFOX_HAR,
    GLYPHS,
    HOST,
    IMAGE,
    ORIGIN,
    PLAIN,
    PLAYWRIGHT,
    PROXY,
    RASTER,
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
CSP_BUILD = GL_PAGE.replace("mapbox-gl.js", "mapbox-gl-csp.js")
LEAFLET_PAGE = (
    "<script>L.tileLayer('https://api.mapbox.com/styles/v1/{id}/tiles/{z}/{x}/{y}')</script>"
)
BUNDLED = '<script src="/assets/index-3f2a.js"></script>'
SECRET = encode("sk", {"u": "acme", "a": "ck0secret000000000000000"})
STORED = {"outcome": Outcome.CACHED}


def found(tape: Tape, code: str, told: Told = UNKNOWN_LIST) -> list[Finding]:
    return [f for f in report_of(tape, told=told).findings if f.finding == code]


def severities(tape: Tape, code: str = "csp-blocks-request") -> list[str]:
    return [f.severity for f in found(tape, code)]


# csp-blocks-request: the browser shows the request as blocked.

NARROW = "default-src 'self'"


@pytest.mark.parametrize("exporter", EXPORTERS[:3])
@pytest.mark.parametrize(
    ("reason", "outcome"),
    [("csp", Outcome.BLOCKED), ("", Outcome.UNKNOWN), ("net::ERR_FAILED", Outcome.FAILED)],
)
@pytest.mark.parametrize(("to", "kind"), [(IMAGE, "image"), (STYLE, "xhr")])
def test_blocked_entries(exporter: str, reason: str, outcome: Outcome, to: str, kind: str) -> None:
    tape = Tape(exporter).page(csp=NARROW)
    tape.ask(to, kind=kind, status=None, body=None, reason=reason, outcome=outcome, times=3)
    (finding,) = found(tape, "csp-blocks-request")
    assert finding.severity == "error"
    assert "3 requests" in finding.says
    assert "access_token" not in finding.says
    assert finding.where == "a.har entry 0"


def test_a_blocked_library() -> None:
    tape = Tape().page(csp="script-src 'self'", html=GL_PAGE)
    tape.ask(f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js", kind="script", status=None, body=None,
             reason="csp", outcome=Outcome.BLOCKED)  # fmt: skip
    assert severities(tape)[0] == "error"
    assert "1 request to api.mapbox.com" in found(tape, "csp-blocks-request")[0].says


def test_several_policies_must_all_admit() -> None:
    tape = Tape().page(csp="img-src https:", headers=[("Content-Security-Policy", NARROW)])
    tape.ask(IMAGE, kind="image", status=None, body=None)
    assert severities(tape) == ["error"]


def test_a_meta_policy() -> None:
    html = f'<head><meta http-equiv="Content-Security-Policy" content="{NARROW}"></head>'
    tape = Tape().page(html=html).ask(IMAGE, kind="image", status=None, body=None)
    assert severities(tape) == ["error"]


def test_report_only_blocks_nothing() -> None:
    header = [("Content-Security-Policy-Report-Only", NARROW)]
    tape = Tape().page(headers=header, html=GL_PAGE).ask(IMAGE, kind="image", status=None)
    assert severities(tape) == []


@pytest.mark.parametrize("csp", ["img-src https://api.mapbox.com", "img-src *", "frame-src 'none'"])
def test_a_request_that_failed_for_another_reason(csp: str) -> None:
    tape = Tape().page(csp=csp).ask(IMAGE, kind="image", status=None, reason="net::ERR_FAILED")
    assert severities(tape) == []


def test_blocked_telemetry_is_no_error() -> None:
    csp = "default-src * blob: data:; connect-src https://api.mapbox.com"
    tape = Tape().page(csp=csp, html=GL_PAGE).ask(STYLE, status=200).ask(TILE, status=200)
    tape.ask("/events/v2", host=EVENTS, kind="xhr", status=None, body=None, method="POST")
    (finding,) = found(tape, "csp-blocks-request")
    assert finding.severity == "info"
    assert "telemetry" in finding.says


# csp-blocks-request: the request is absent, since it never left.

FULL = "default-src 'self'; img-src data: blob:; worker-src blob:; connect-src https://api.mapbox.com https://events.mapbox.com"  # noqa: E501


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    "csp",
    [NARROW, "connect-src 'self'", "default-src https:; connect-src 'self'", "default-src 'none'",
     FULL.replace("https://api.mapbox.com", "https://api.maptiler.com")],
)  # fmt: skip
def test_a_fetch_that_never_left(exporter: str, csp: str) -> None:
    findings = found(Tape(exporter).page(csp=csp, html=GL_PAGE), "csp-blocks-request")
    assert findings
    assert findings[0].severity == "error"
    assert any("connect-src" in f.says or "default-src" in f.says for f in findings)


@pytest.mark.parametrize(
    "csp",
    [FULL, "script-src 'self'; connect-src https:; worker-src blob:", "frame-ancestors 'self'"],
)
def test_a_policy_that_lets_the_map_work(csp: str) -> None:
    assert severities(Tape().page(csp=csp, html=GL_PAGE)) == []


SCOPED = "worker-src blob:; connect-src https://api.mapbox.com/v4/ https://api.mapbox.com/styles/v1/acme/ https://events.mapbox.com/"  # noqa: E501


def test_the_documented_policy_with_paths() -> None:
    assert severities(Tape().page(csp=SCOPED, html=GL_PAGE)) == []
    other = Tape().page(csp=SCOPED.replace("acme", "globex"), html=GL_PAGE)
    assert severities(other) == ["error"]


WORKERS = [
    "default-src 'self'; connect-src https:; img-src data: blob:",
    "worker-src 'self'; connect-src https:",
    "child-src 'self'; connect-src https:",
]


@pytest.mark.parametrize("csp", WORKERS)
def test_workers_that_could_not_start(csp: str) -> None:
    """The style arrives, asked for by the page; tiles are a worker's task."""
    tape = Tape().page(csp=csp, html=GL_PAGE).ask(STYLE, status=200)
    (finding,) = found(tape, "csp-blocks-request")
    assert "worker" in finding.says
    assert finding.severity == "error"


@pytest.mark.parametrize("csp", WORKERS)
def test_workers_that_did_start(csp: str) -> None:
    tape = Tape().page(csp=csp, html=GL_PAGE).ask(STYLE, status=200).ask(TILE, status=200)
    assert severities(tape) == []
    strict = Tape().page(csp=csp, html=CSP_BUILD).ask(STYLE, status=200)
    assert severities(strict) == []


@pytest.mark.parametrize(("to", "kind"), [(STYLE, "fetch"), (TILE, "fetch"), (GLYPHS, "xhr")])
@pytest.mark.parametrize("status", [200, 403])
def test_a_page_whose_requests_are_answered(to: str, kind: str, status: int) -> None:
    tape = Tape().page(csp=NARROW, html=GL_PAGE).ask(STYLE, status=200)
    assert severities(tape.ask(to, kind=kind, status=status).ask(TILE, status=200)) == []


def test_images_of_leaflet() -> None:
    blocked = Tape().page(csp="img-src 'self'", html=LEAFLET_PAGE)
    assert severities(blocked) == ["error"]
    answered = Tape().page(csp="img-src 'self'", html=LEAFLET_PAGE)
    assert severities(answered.ask(RASTER, kind="image", status=200)) == []
    assert severities(Tape().page(csp="img-src https:", html=LEAFLET_PAGE)) == []
    assert severities(Tape().page(csp="connect-src 'self'", html=LEAFLET_PAGE)) == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_bundled_map_is_known_by_its_banner(exporter: str) -> None:
    banner = "/* Mapbox GL JS is Copyright © 2020 Mapbox */ var version='v3.9.0'"
    tape = Tape(exporter).page(csp="default-src 'self'", html=BUNDLED)
    tape.ask(f"{ORIGIN}/assets/index-3f2a.js", kind="script", status=200, body=banner)
    assert severities(tape)[:1] == ["error"]


@pytest.mark.parametrize("html", [PLAIN, BUNDLED, "<p>mapbox</p>", None])
def test_a_page_that_shows_no_map(html: str | None) -> None:
    tape = Tape().page(csp=NARROW, html=html)
    tape.ask(f"{ORIGIN}/assets/index-3f2a.js", kind="script", status=200, body="var a=1")
    assert severities(tape) == []


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_another_page_of_the_capture_shows_no_map(exporter: str) -> None:
    tape = Tape(exporter).page(f"{ORIGIN}/login", csp=NARROW).page(html=BUNDLED)
    tape.ask(
        f"{ORIGIN}/assets/index-3f2a.js", kind="script", status=200, body="Mapbox GL JS v3.9.0"
    )
    assert severities(tape.ask(STYLE, status=200).ask(TILE, status=200)) == []


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
