"""Stage 3: policies that remove or trim the Referer, whoever set them, and workers without one."""

from __future__ import annotations

import pytest

from tests.journey.conftest import (
    DEVTOOLS,
    EXPORTERS,
    FIREFOX_HAR,
    GLYPHS,
    IMAGE,
    ORIGIN,
    PAGE,
    PLAIN,
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
    redirected,
    station,
    verdict_of,
    verdicts_of,
)

ALLOWED = listing("shop.example.com")
GL_045 = '<script src="https://api.mapbox.com/mapbox-gl-js/v0.45.0/mapbox-gl.js"></script>'
GL_JS = "https://api.mapbox.com/mapbox-gl-js/v{}/mapbox-gl.js"


def with_library(tape: Tape, version: str) -> Tape:
    return tape.ask(GL_JS.format(version), status=200, body="", kind="script", origin=None)


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("policy", ["no-referrer", "same-origin", "unsafe-url, no-referrer"])
@pytest.mark.parametrize(("to", "kind"), [(STYLE, "fetch"), (IMAGE, "image")])
def test_a_header_that_sends_nothing(exporter: str, policy: str, to: str, kind: str) -> None:
    tape = Tape(exporter).page(policy=policy).ask(to, kind=kind, referer=None)
    known, unknown = verdict_of(tape, told=ALLOWED), verdict_of(tape)
    assert known.cause == unknown.cause == "referrer-policy-blocks"
    assert (known.confidence, unknown.confidence) == ("certain", "likely")
    assert broken_stage(known) == "policy"
    assert "response header" in known.because
    assert verdict_of(tape, told=UNRESTRICTED).cause == "account-or-resource"


@pytest.mark.parametrize("content", ["no-referrer", "never", "same-origin"])
def test_a_meta_element(content: str) -> None:
    html = f'<meta name="referrer" content="{content}">'
    tape = Tape().page(policy="strict-origin", html=html).ask(referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "certain")
    assert verdict.because.startswith("A meta element")


def test_an_attribute_of_the_element() -> None:
    html = f'<img referrerpolicy="no-referrer" src="{api(IMAGE)}">'
    tape = Tape().page(html=html).ask(IMAGE, kind="image", referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "certain")
    assert "<img" in verdict.because
    assert not any(
        "img" in v.because for v in verdicts_of(tape) if "referrerpolicy" not in v.because
    )


def test_a_redirects_own_policy() -> None:
    tape = redirected(
        Tape().page(), "https://go.example.org/t?key=abc", "no-referrer", referer=None
    )
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "certain")
    assert verdict.because.startswith("A redirect by https://go.example.org")
    assert "key" not in verdict.because
    assert not any("key" in s.says for s in verdict.journey)


SAYS_POLICY = "fetch(u,{referrerPolicy:'no-referrer'})"


def test_an_option_in_the_pages_script() -> None:
    html = f"{PLAIN}<script>{SAYS_POLICY}</script>"
    tape = Tape().page(html=html).ask(STYLE, status=200).ask(TILE, referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.cause == "referrer-policy-blocks"
    # The option may belong to another request: an authentication library, an avatar.
    assert verdict.confidence == "likely"
    assert "client-strips-referer" in {a.cause for a in verdict.alternatives}


def test_an_option_somewhere_does_not_explain_a_page_without_any_referer() -> None:
    html = f"{PLAIN}<script>{SAYS_POLICY}</script>"
    tape = Tape().page(html=html).ask(STYLE, referer=None).ask(IMAGE, kind="image", referer=None)
    for verdict in verdicts_of(tape, told=ALLOWED):
        assert verdict.confidence != "certain"
        assert {verdict.cause, *(a.cause for a in verdict.alternatives)} >= {
            "client-strips-referer", "referrer-policy-blocks"}  # fmt: skip


@pytest.mark.parametrize("exporter", [DEVTOOLS, FIREFOX_HAR, PLAYWRIGHT])
def test_a_script_of_another_page_says_nothing_about_this_one(exporter: str) -> None:
    tape = Tape(exporter).page("https://other.example.org/")
    tape.ask("https://other.example.org/a.js", kind="script", body=SAYS_POLICY, status=200)
    verdict = verdict_of(tape.page().ask(referer=None), told=ALLOWED)
    assert verdict.cause == "client-strips-referer"


@pytest.mark.parametrize("exporter", [DEVTOOLS, FIREFOX_HAR, PLAYWRIGHT])
def test_the_policy_of_another_tab_is_not_used(exporter: str) -> None:
    tape = Tape(exporter).page().page("https://other.example.org/", policy="no-referrer")
    tape.back_to(PAGE).ask(referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.page) == ("client-strips-referer", PAGE)


def test_a_proxy_capture_of_two_pages_is_not_certain() -> None:
    """Only times tell which page an image belongs to."""
    tape = Tape(PROXY).page().page("https://other.example.org/", policy="no-referrer")
    tape.back_to(PAGE).ask(IMAGE, kind="image", referer=None)
    assert verdict_of(tape, told=ALLOWED).confidence != "certain"


@pytest.mark.parametrize("exporter", [FIREFOX_HAR, PROXY])
def test_an_advertisement_does_not_hide_the_pages_policy(exporter: str) -> None:
    tape = Tape(exporter).page(policy="no-referrer", html='<iframe src="https://ads.example.net/">')
    tape.page("https://ads.example.net/", frame=True)
    tape.back_to(PAGE).ask(IMAGE, kind="image", referer=None)
    assert verdict_of(tape, told=ALLOWED).cause == "referrer-policy-blocks"


def test_frames_have_their_own_policy() -> None:
    tape = Tape().page(policy="no-referrer", html=f'<iframe src="{ORIGIN}/f">')
    tape.page(f"{ORIGIN}/f", frame=True).ask(status=200)
    assert verdicts_of(tape, told=ALLOWED) == ()
    tape = Tape().page(html=f'<iframe src="{ORIGIN}/f">')
    tape.page(f"{ORIGIN}/f", frame=True, policy="same-origin").ask(referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.page) == ("referrer-policy-blocks", f"{ORIGIN}/f")


@pytest.mark.parametrize("version", ["0.45.0", "0.50.0"])
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_worker_of_an_old_library(exporter: str, version: str) -> None:
    tape = with_library(Tape(exporter, agent=None).page(), version)
    tape.ask(STYLE, status=200)
    tape.ask(TILE, referer=None, kind="xhr", worker=True)
    verdict = verdict_of(tape, told=ALLOWED)
    if exporter == FIREFOX_HAR:  # Firefox's workers send the page's: something else took it
        assert verdict.cause in {"client-strips-referer", "referrer-policy-blocks"}
        assert verdict.confidence == "likely"
        return
    assert (verdict.cause, verdict.confidence) == ("worker-drops-referer", "certain")
    assert version in verdict.because


def test_a_worker_of_an_unknown_library() -> None:
    tape = Tape().page().ask(STYLE, status=200).ask(TILE, referer=None, worker=True)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("worker-drops-referer", "likely")
    assert verdict.alternatives == () or verdict.alternatives[0].settle


@pytest.mark.parametrize("version", ["0.53.1", "1.13.3", "3.9.0"])
def test_a_library_that_names_its_referrer_is_not_blamed(version: str) -> None:
    tape = with_library(Tape().page(), version).ask(TILE, referer=None, worker=True)
    assert verdict_of(tape, told=ALLOWED).cause == "client-strips-referer"


def test_chromiums_blob_workers_ignore_the_pages_policy() -> None:
    tape = with_library(Tape().page(policy="no-referrer"), "1.13.3")
    tape.ask(TILE, status=200, worker=True).ask(STYLE, referer=None)
    assert [v.cause for v in verdicts_of(tape, told=ALLOWED)] == ["referrer-policy-blocks"]


def test_firefoxs_blob_workers_follow_the_pages_policy() -> None:
    tape = with_library(Tape(FIREFOX_HAR).page(policy="same-origin"), "3.9.0")
    verdict = verdict_of(tape.ask(TILE, referer=None, worker=True), told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "certain")


def test_a_downgrade() -> None:
    tape = Tape(PROXY).page().ask(IMAGE, host="http://api.mapbox.com", kind="image", referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("scheme-downgrade", "certain")
    assert "13.4" not in verdict.because


def test_no_downgrade_from_an_http_page() -> None:
    tape = Tape(PROXY).page("http://shop.example.com/")
    tape.ask(IMAGE, host="http://api.mapbox.com", kind="image", referer=None)
    assert verdict_of(tape, told=ALLOWED).cause == "client-strips-referer"


PATHS = [
    ("shop.example.com/map", "certain"),
    ("https://shop.example.com/map", "certain"),
    ("shop.example.com/map?x=1", "certain"),
]


@pytest.mark.parametrize(("entry", "confidence"), PATHS)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_a_trimmed_referer(entry: str, confidence: str, exporter: str) -> None:
    verdict = verdict_of(Tape(exporter).page().ask(), told=listing(entry))
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-trims", confidence)


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("shop.example.com/other", "path-mismatch"),
        ("www.shop.example.com/map", "page-not-allowed"),
        ("http://shop.example.com/map", "scheme-mismatch"),
        ("shop.example.com/map/*", "allowlist-wildcard"),
    ],
)
def test_entries_that_the_full_address_would_not_help(entry: str, cause: str) -> None:
    assert verdict_of(Tape().page().ask(), told=listing(entry)).cause == cause


def test_firefox_caps_a_loose_policy() -> None:
    told = listing("shop.example.com/map")
    tape = Tape(FIREFOX_HAR).page(policy="unsafe-url").ask()
    verdict = verdict_of(tape, told=told)
    assert verdict.cause == "referrer-policy-trims"
    assert "unsafe-url cut" not in verdict.because
    tape = Tape().page(policy="unsafe-url").ask(referer=PAGE)
    assert verdict_of(tape, told=told).cause == "account-or-resource"


def test_a_browser_that_trims_against_the_policy() -> None:
    """Safari's ways were not measured: the policy is not blamed for what it did not do."""
    tape = Tape(PROXY, agent=SAFARI).page(policy="unsafe-url").ask()
    verdict = verdict_of(tape, told=listing("shop.example.com/map"))
    assert verdict.cause == "referrer-policy-trims"
    assert "unsafe-url cut" not in verdict.because


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(("to", "kind"), [(STYLE, "fetch"), (IMAGE, "image")])
def test_without_the_document_nothing_is_certain(exporter: str, to: str, kind: str) -> None:
    tape = Tape(exporter).page(seen=False, policy="no-referrer").ask(to, kind=kind, referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "possible")
    assert "client-strips-referer" in {a.cause for a in verdict.alternatives}


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_without_the_document_but_with_other_referers(exporter: str) -> None:
    """The page's policy cannot be it where the page's other requests carry a Referer."""
    tape = (
        Tape(exporter).page(seen=False).ask(STYLE, status=200).ask(TILE, referer=None, kind="xhr")
    )
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.confidence != "certain"
    assert "Referrer-Policy of the page" not in verdict.because


def test_a_document_without_its_markup() -> None:
    verdict = verdict_of(Tape().page(html=None).ask(referer=None), told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "possible")
    assert verdict.alternatives[0].cause == "client-strips-referer"


def test_a_document_without_its_markup_whose_header_explains_it() -> None:
    tape = Tape().page(html=None, policy="no-referrer").ask(referer=None)
    assert verdict_of(tape, told=ALLOWED).cause == "referrer-policy-blocks"


def test_provisional_headers() -> None:
    """DevTools shows few headers of a blocked or cached request: no Referer proves nothing."""
    tape = Tape().page(policy="no-referrer").ask(sent=[("User-Agent", "Mozilla/5.0 Chrome/156.0")])
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "likely")
    assert station(verdict_of(Tape().page().ask(sent=[("User-Agent", "Mozilla/5.0 Chrome/156.0")])),
                   "wire").state == "unknown"  # fmt: skip


def test_provisional_headers_do_not_prove_a_trim() -> None:
    tape = Tape().page().ask(sent=[("User-Agent", "Mozilla/5.0 Chrome/156.0")])
    verdict = verdict_of(tape, told=listing("shop.example.com/map"))
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-trims", "likely")


def test_a_late_start() -> None:
    """Recording began after the page had loaded: its document comes later, by a reload."""
    tape = Tape().ask(referer=None, initiator=PAGE, origin=ORIGIN).page(policy="no-referrer")
    verdict = verdict_of(tape, told=ALLOWED)
    assert verdict.confidence == "possible"


@pytest.mark.parametrize("to", [STYLE, TILE, GLYPHS, IMAGE])
def test_an_admitted_referer_is_not_a_matter_of_policy(to: str) -> None:
    for policy in ("no-referrer", "same-origin", "origin", None):
        tape = Tape().page(policy=policy).ask(to)
        verdict = verdict_of(tape, told=ALLOWED)
        assert verdict.cause == "account-or-resource", policy
        assert station(verdict, "policy").state == "ok"
        assert station(verdict, "wire").state == "ok"


SRCDOC = "<iframe srcdoc=\"<meta name=referrer content='{}'><script></script>\"></iframe>"


def test_a_srcdoc_frame_with_a_policy_of_its_own() -> None:
    tape = Tape(PROXY).page(html=SRCDOC.format("no-referrer")).ask(referer=None)
    verdict = verdict_of(tape, told=ALLOWED)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "likely")
    assert verdict.because.startswith("A meta element in a srcdoc frame of the page sets")
    assert "in the frame's srcdoc" in verdict.fixes[0].says
    assert verdict.fixes[0].predicted == "allowed"


def test_a_srcdoc_frame_is_not_blamed_for_what_the_page_explains() -> None:
    tape = Tape(PROXY).page(html=SRCDOC.format("no-referrer"), policy="no-referrer")
    verdict = verdict_of(tape.ask(referer=None), told=ALLOWED)
    assert verdict.because.startswith("The page's response header sets")
    tape = Tape(PROXY).page(html=SRCDOC.format("origin")).ask(referer=None)
    assert verdict_of(tape, told=ALLOWED).cause == "client-strips-referer"
