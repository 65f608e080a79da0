"""What a page's Content-Security-Policy blocks of its map: shown by the browser, or absent since it
never left."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.csp_findings import is_telemetry
from diagnostics.journey.traffic import read_traffic
from diagnostics.journey.verdict import Finding
from tests.journey.conftest import (
    API,
    EXPORTERS,
    GLYPHS,
    IMAGE,
    ORIGIN,
    PLAIN,
    RASTER,
    STYLE,
    TILE,
    Tape,
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


def found(tape: Tape, code: str = "csp-blocks-request") -> list[Finding]:
    return [f for f in report_of(tape).findings if f.finding == code]


def severities(tape: Tape) -> list[str]:
    return [f.severity for f in found(tape)]


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
    (finding,) = found(tape)
    assert finding.severity == "error"
    assert "3 requests" in finding.says
    assert "access_token" not in finding.says
    assert finding.where == "a.har entry 0"


def test_a_blocked_library() -> None:
    tape = Tape().page(csp="script-src 'self'", html=GL_PAGE)
    tape.ask(f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js", kind="script", status=None, body=None,
             reason="csp", outcome=Outcome.BLOCKED)  # fmt: skip
    assert severities(tape)[0] == "error"
    assert "1 request to api.mapbox.com" in found(tape)[0].says


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
    (finding,) = found(tape)
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
    findings = found(Tape(exporter).page(csp=csp, html=GL_PAGE))
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
    (finding,) = found(tape)
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


@pytest.mark.parametrize(
    ("kind", "directive"),
    [
        ("image", "img-src"),
        ("script", "script-src"),
        ("stylesheet", "style-src"),
        ("font", "font-src"),
        ("iframe", "frame-src"),
        ("xhr", "connect-src"),
        ("fetch", "connect-src"),
        ("somethingnew", "connect-src"),
    ],
)
def test_the_directive_is_that_of_what_was_asked_for(kind: str, directive: str) -> None:
    """Each kind is blocked by its own directive and by no other one."""
    for csp, blocked in ((f"{directive} 'self'", True), (f"{directive} https:", False)):
        tape = Tape().page(csp=csp).ask("/v4/acme.x.json", kind=kind, status=None, body=None)
        findings = [f for f in found(tape) if "never left" in f.says]
        assert bool(findings) is blocked, csp
        assert all(directive in f.says for f in findings)


def test_what_rests_on_a_nonce_is_a_warning() -> None:
    tape = Tape().page(csp="script-src 'nonce-abc'")
    tape.ask(f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js", kind="script", status=None, body=None)
    assert [f.severity for f in found(tape) if "never left" in f.says] == ["warning"]


def test_telemetry_is_the_request_that_a_map_works_without() -> None:
    tape = Tape().page().ask("/events/v2", host=EVENTS, status=204).ask(STYLE, status=200)
    (part,), _ = read_traffic([tape.capture])
    assert [is_telemetry(sighting) for sighting in part.sightings] == [True, False]
