"""Stage 4: what arrived against what the policy left."""

from __future__ import annotations

import pytest

from tests.journey.conftest import (
    API,
    EXPORTERS,
    FIREFOX,
    FIREFOX_HAR,
    IMAGE,
    ORIGIN,
    PAGE,
    PLAYWRIGHT,
    PROXY,
    SAFARI,
    STYLE,
    TILE,
    UNRESTRICTED,
    Tape,
    api,
    broken_stage,
    listing,
    verdict_of,
)

ALLOWED = listing("shop.example.com")
SHEET = "https://cdn.example.net/style.css"


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(("to", "kind"), [(STYLE, "fetch"), (IMAGE, "image")])
def test_a_referer_that_was_taken_away(exporter: str, to: str, kind: str) -> None:
    tape = Tape(exporter).page().ask(to, kind=kind, referer=None)
    for told in (ALLOWED, listing()):
        verdict = verdict_of(tape, told=ALLOWED)
        assert (verdict.cause, verdict.confidence) == ("client-strips-referer", "likely"), told
    assert broken_stage(verdict) == "wire"
    assert "referrer-policy-blocks" in {a.cause for a in verdict.alternatives}
    assert verdict_of(tape, told=UNRESTRICTED).cause == "account-or-resource"


def test_an_engine_that_was_not_measured_is_accused_less() -> None:
    tape = Tape(PROXY, agent=SAFARI).page().ask(referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("client-strips-referer", "possible")


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("forged", [f"{API}/", api(TILE)])
def test_a_forged_referer(exporter: str, forged: str) -> None:
    tape = Tape(exporter).page().ask(TILE, referer=forged)
    known, unknown = verdict_of(tape, told=ALLOWED), verdict_of(tape)
    assert known.cause == unknown.cause == "client-rewrites-referer"
    assert (known.confidence, unknown.confidence) == ("certain", "likely")
    for verdict in (known, unknown):
        assert "3/4/2" not in verdict.because
        assert not any("3/4/2" in s.says for s in verdict.journey)


def test_a_forged_referer_without_fetch_metadata() -> None:
    tape = Tape(PROXY).page().ask(referer=f"{API}/", site=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("client-rewrites-referer", "likely")


def test_a_page_of_the_api_host_forges_nothing() -> None:
    tape = Tape().page(f"{API}{STYLE}.html?fresh=true")
    verdict = verdict_of(tape.ask(referer=f"{API}{STYLE}.html"), told=ALLOWED)
    assert verdict.cause == "api-host-not-allowed"


def test_firefoxs_images_of_a_sandboxed_share_page() -> None:
    """Sec-Fetch-Site is cross-site for an opaque origin, and the Referer is the page's own."""
    share = f"{API}{STYLE}.html"
    tape = Tape(FIREFOX_HAR).page(share, csp="sandbox allow-scripts")
    tape.ask(IMAGE, kind="image", referer=share, site="cross-site")
    assert verdict_of(tape, told=ALLOWED).cause == "api-host-not-allowed"


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_an_image_of_a_stylesheet(exporter: str) -> None:
    tape = Tape(exporter).page().ask(SHEET, kind="stylesheet", status=200, body="")
    tape.ask(IMAGE, kind="image", referer="https://cdn.example.net/", initiator=SHEET)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("stylesheet-referer", "certain")
    assert verdict_of(tape, told=listing("cdn.example.net")).cause == "account-or-resource"


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("policy", ["no-referrer", None])
def test_a_stylesheet_of_the_pages_own_host(exporter: str, policy: str | None) -> None:
    """Its images carry the page's host as they should; only the list can be the reason."""
    sheet = f"{ORIGIN}/style.css"
    tape = Tape(exporter).page(policy=policy).ask(sheet, kind="stylesheet", status=200, body="")
    tape.ask(IMAGE, kind="image", initiator=sheet)
    verdict = verdict_of(tape, told=listing("www.example.com"))
    assert (verdict.cause, verdict.confidence) == ("page-not-allowed", "certain")
    assert verdict_of(tape).cause not in {"stylesheet-referer", "client-rewrites-referer"}


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("referer", [PAGE, f"{ORIGIN}/map", f"{ORIGIN}/elsewhere"])
@pytest.mark.parametrize("policy", [None, "no-referrer", "origin"])
def test_a_wider_referer_than_predicted_is_not_rewritten(
    exporter: str, referer: str, policy: str | None
) -> None:
    tape = Tape(exporter).page(policy=policy).ask(referer=referer)
    verdict = verdict_of(tape, told=listing("www.example.com"))
    assert verdict.cause == "page-not-allowed"
    assert verdict_of(tape, told=ALLOWED).cause == "account-or-resource"


def test_a_referer_of_a_host_that_the_capture_does_not_know() -> None:
    tape = Tape().page().ask(IMAGE, kind="image", referer="https://cdn.example.net/")
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.confidence == "possible"
    assert {verdict.cause, verdict.alternatives[0].cause} == {
        "stylesheet-referer", "client-rewrites-referer"}  # fmt: skip


def test_a_frame_that_the_capture_lacks_but_whose_origin_header_shows() -> None:
    other = "https://frame.example.net"
    tape = Tape().page().ask(referer=f"{other}/", origin=other, initiator=f"{other}/app.js")
    assert verdict_of(tape, told=ALLOWED).cause == "page-not-allowed"


@pytest.mark.parametrize("exporter", [FIREFOX_HAR, PLAYWRIGHT])
def test_inline_styles(exporter: str) -> None:
    """Chromium's inline styles ignore the page's policy, Firefox's follow it."""
    agent = FIREFOX if exporter == FIREFOX_HAR else None
    tape = Tape(exporter, agent).page(policy="no-referrer")
    sent = verdict_of(tape.ask(IMAGE, kind="image"), told=listing("www.example.com"))
    assert sent.cause == "page-not-allowed"


def test_a_service_workers_own_request() -> None:
    tape = Tape().page(policy="no-referrer")
    tape.ask(f"{ORIGIN}/sw.js", kind="script", status=200, body="", mime="text/javascript",
             sent=[("Service-Worker", "script"), ("Sec-Fetch-Dest", "serviceworker")])  # fmt: skip
    tape.ask(STYLE, status=200)
    tape.ask(TILE, referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.cause == "referrer-policy-blocks"
