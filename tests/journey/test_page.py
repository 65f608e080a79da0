"""Stage 2: pages that can be no referrer, and pages that only look so."""

from __future__ import annotations

import pytest

from tests.journey.conftest import (
    ANDROID,
    DEVTOOLS,
    FIREFOX_HAR,
    IMAGE,
    ORIGIN,
    PLAYWRIGHT,
    PROXY,
    TILE,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    broken_stage,
    listing,
    redirected,
    verdict_of,
)

ALLOWED = listing("shop.example.com")
FRAMED = '<iframe src="https://shop.example.com/frame" sandbox="allow-scripts"></iframe>'
SANDBOX = "sandbox allow-scripts"


@pytest.mark.parametrize(
    "address",
    ["file:///home/me/map.html", "capacitor://localhost/", "chrome-extension://abc/p.html"],
)
@pytest.mark.parametrize("exporter", [DEVTOOLS, PROXY])
def test_local_pages(address: str, exporter: str) -> None:
    tape = Tape(exporter)
    scheme = address.partition(":")[0]
    origin = "null" if scheme == "file" else address.rstrip("/").removesuffix("/p.html")
    tape.page(address, seen=False).ask(referer=None, origin=origin)
    known, unknown = verdict_of(tape, told=ALLOWED), verdict_of(tape)
    assert known.cause == unknown.cause == "local-page"
    assert unknown.confidence == "likely"
    if exporter == DEVTOOLS:
        assert known.confidence == "certain"
        assert broken_stage(known) == "page"
    assert verdict_of(tape, told=UNRESTRICTED).cause == "account-or-resource"


def test_a_webview_without_a_page() -> None:
    verdict = verdict_of(Tape(PROXY, agent=ANDROID).ask(referer=None, origin=None), told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("local-page", "likely")


def test_a_page_that_never_came_over_the_network() -> None:
    tape = Tape(PROXY).ask(
        "https://cdn.example.net/app.js", status=200, body="", kind="script", referer=None
    )
    verdict = verdict_of(tape.ask(kind="image", to=IMAGE, referer=None, origin=None))
    assert (verdict.cause, verdict.confidence) == ("local-page", "likely")
    assert verdict.alternatives[0].cause == "referrer-policy-blocks"


@pytest.mark.parametrize("exporter", [DEVTOOLS, FIREFOX_HAR, PLAYWRIGHT, PROXY])
def test_csp_sandbox(exporter: str) -> None:
    tape = Tape(exporter).page(csp=SANDBOX).ask(referer=None, origin="null", site="cross-site")
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("opaque-origin", "certain")
    assert "Content-Security-Policy" in verdict.because


@pytest.mark.parametrize(
    "csp", ["sandbox allow-scripts allow-same-origin", "default-src *", "script-src 'self'"]
)
def test_policies_that_leave_the_origin(csp: str) -> None:
    tape = Tape().page(csp=csp, policy="same-origin").ask(referer=None)
    assert verdict_of(tape, told=ALLOWED).cause == "referrer-policy-blocks"


def test_a_meta_policy_cannot_sandbox() -> None:
    html = f'<meta http-equiv="Content-Security-Policy" content="{SANDBOX}">'
    verdict = verdict_of(Tape().page(html=html).ask(referer=None), told=ALLOWED)
    assert verdict.cause == "client-strips-referer"


@pytest.mark.parametrize("exporter", [DEVTOOLS, FIREFOX_HAR, PROXY])
def test_sandboxed_frame(exporter: str) -> None:
    tape = Tape(exporter).page(html=FRAMED).page(f"{ORIGIN}/frame", frame=True)
    verdict = verdict_of(tape.ask(referer=None, origin="null", site="cross-site"), told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("opaque-origin", "certain")
    assert verdict.because.startswith("The frame that holds the page is sandboxed")


def test_origin_null_where_only_the_page_is_seen() -> None:
    """A srcdoc frame has no document of its own in a capture."""
    tape = Tape(PROXY).page(html='<iframe srcdoc="<script></script>" sandbox="allow-scripts">')
    verdict = verdict_of(tape.ask(referer=None, origin="null"), told=ALLOWED)
    assert verdict.cause == "opaque-origin"


def test_origin_null_without_any_page() -> None:
    verdict = verdict_of(Tape(PROXY).ask(referer=None, origin="null"), told=ALLOWED)
    assert verdict.cause == "local-page"
    assert verdict.confidence == "likely"
    assert verdict.alternatives[0].cause == "opaque-origin"


def test_firefox_sends_a_referer_for_images_of_a_sandboxed_page() -> None:
    """So a missing one there has another reason."""
    firefox = Tape(FIREFOX_HAR).page(csp=SANDBOX)
    verdict = verdict_of(firefox.ask(IMAGE, kind="image", referer=None), told=ALLOWED)
    assert verdict.cause == "client-strips-referer"
    chromium = Tape().page(csp=SANDBOX)
    verdict = verdict_of(chromium.ask(IMAGE, kind="image", referer=None), told=ALLOWED)
    assert verdict.cause == "opaque-origin"


def test_a_redirect_that_taints_the_origin_is_no_opaque_origin() -> None:
    tape = Tape().page(policy="no-referrer")
    verdict = verdict_of(redirected(tape, "https://go.example.org/s", referer=None), told=ALLOWED)
    assert verdict.cause == "referrer-policy-blocks"
    tape = Tape().page()
    redirected(tape, "https://go.example.org/s", policy="no-referrer", referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.cause == "referrer-policy-blocks"
    assert "redirect" in verdict.because


def test_an_address_opened_by_hand() -> None:
    tape = Tape().ask(kind="document", referer=None, site="none", origin=None)
    known, unknown = verdict_of(tape, told=ALLOWED), verdict_of(tape, told=UNKNOWN_LIST)
    assert (known.cause, known.confidence) == ("non-browser-client", "certain")
    assert (unknown.cause, unknown.confidence) == ("non-browser-client", "likely")
    assert broken_stage(known) == "page"


@pytest.mark.parametrize("to", [TILE, IMAGE])
def test_a_page_that_sent_a_referer_is_a_referrer(to: str) -> None:
    verdict = verdict_of(Tape().page(csp=SANDBOX).ask(to), told=listing("other.example.org"))
    assert verdict.cause == "page-not-allowed"


def test_what_a_sandbox_allows_already_stays_in_the_fix() -> None:
    frame = 'https://maps.example.net/frame?id=7" sandbox="allow-scripts allow-popups'
    tape = Tape().page(html=f'<iframe src="{frame}"></iframe>')
    tape.page("https://maps.example.net/frame?id=7", frame=True).ask(origin="null", referer=None)
    fix = verdict_of(tape, told=listing("maps.example.net")).fixes[0]
    assert fix.snippet == (
        '<iframe src="https://maps.example.net/frame"'
        ' sandbox="allow-popups allow-same-origin allow-scripts"></iframe>'
    )


def test_a_policy_with_a_sandbox_stays_whole_in_the_fix() -> None:
    tape = Tape().page(csp="default-src 'self' blob:; sandbox allow-scripts allow-forms")
    fix = verdict_of(tape.ask(origin="null", referer=None), told=ALLOWED).fixes[0]
    policy = "default-src 'self' blob:; sandbox allow-scripts allow-forms allow-same-origin"
    assert policy in fix.snippet
    assert "in the place of the header" in fix.says
