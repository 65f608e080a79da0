"""Readings: who in the page made a request, held against the Referer that arrived."""

from __future__ import annotations

import pytest

from diagnostics.browser.referrer import Context, Means
from diagnostics.journey import hypothesis
from diagnostics.journey.case import Reading
from diagnostics.journey.traffic import CaptureTraffic
from tests.journey.conftest import (
    CHROME,
    DEVTOOLS,
    FIREFOX_HAR,
    GLYPHS,
    IMAGE,
    ORIGIN,
    PAGE,
    PLAIN,
    PLAYWRIGHT,
    PROXY,
    STYLE,
    TILE,
    Tape,
    api,
    redirected,
)


def reading(tape: Tape) -> Reading:
    """The reading of the last request."""
    part = CaptureTraffic(tape.capture)
    sighting = part.sightings[-1]
    document = sighting.issuer.document
    return hypothesis.read(
        sighting.exchange,
        sighting.request,
        sighting.issuer,
        sighting.profile,
        sighting.endpoint,
        part.scripts(document, sighting.exchange),
        part.page_sends(document),
    )


@pytest.mark.parametrize(
    ("policy", "referer", "agreement"),
    [
        (None, f"{ORIGIN}/", "exact"),
        (None, PAGE, "origin"),
        (None, None, "none"),
        (None, "https://x.example/", "none"),
        ("no-referrer", None, "exact"),
        ("no-referrer", f"{ORIGIN}/", "origin"),
        ("unsafe-url", PAGE, "exact"),
        ("unsafe-url", f"{ORIGIN}/", "origin"),
    ],
)
def test_agreement(policy: str | None, referer: str | None, agreement: str) -> None:
    assert reading(Tape().page(policy=policy).ask(referer=referer)).agreement == agreement


def test_headers_that_are_not_final_are_unseen() -> None:
    assert reading(Tape().page().ask(sent=[("User-Agent", CHROME)])).agreement == "unseen"


def test_no_page_no_hypothesis() -> None:
    found = reading(Tape(PROXY).ask(referer=None, origin=None))
    assert (found.hypotheses, found.best, found.agreement) == ((), None, "none")


@pytest.mark.parametrize("to", [TILE, GLYPHS])
@pytest.mark.parametrize("exporter", [FIREFOX_HAR, PLAYWRIGHT, PROXY])
def test_workers_come_first_where_nothing_shows_who_asked(exporter: str, to: str) -> None:
    contexts = [h.situation.context for h in reading(Tape(exporter).page().ask(to)).hypotheses]
    assert contexts[0] is Context.BLOB_WORKER_FETCH
    assert Context.DOCUMENT in contexts


def test_chromes_stack_of_the_page_rules_a_worker_out() -> None:
    found = reading(Tape(DEVTOOLS).page().ask(TILE))
    assert {h.situation.context for h in found.hypotheses} == {Context.DOCUMENT}


def test_chromes_bare_entry_is_a_workers() -> None:
    found = reading(Tape(DEVTOOLS).page().ask(TILE, worker=True, referer=None))
    assert {h.situation.context for h in found.hypotheses} == {
        Context.BLOB_WORKER_FETCH, Context.BLOB_WORKER_XHR}  # fmt: skip
    assert found.best is not None
    assert found.best.situation.context is Context.BLOB_WORKER_XHR


def test_images_are_elements_styles_or_stylesheets() -> None:
    tape = Tape(PROXY).page().ask("https://cdn.example.net/a.css?v=secret", kind="stylesheet",
                                  status=200, body="")  # fmt: skip
    found = reading(tape.ask(IMAGE, kind="image"))
    assert [h.situation.means for h in found.hypotheses] == [
        Means.ELEMENT, Means.INLINE_STYLE, Means.ELEMENT]  # fmt: skip
    assert not any("secret" in h.sender for h in found.hypotheses)


def test_an_attribute_that_names_the_url_comes_first() -> None:
    html = f'<img src="{api(IMAGE)}" referrerpolicy="origin"><img src="/x" referrerpolicy="never">'
    found = reading(Tape().page(html=html).ask(IMAGE, kind="image"))
    assert found.best is not None
    assert found.best.situation.request_policy == "origin"


def test_origin_null_is_a_sandbox_only_of_a_web_page_without_redirects() -> None:
    def contexts(tape: Tape) -> set[Context]:
        return {h.situation.context for h in reading(tape).hypotheses}

    assert Context.SANDBOXED in contexts(Tape().page().ask(referer=None, origin="null"))
    assert Context.SANDBOXED not in contexts(
        redirected(Tape().page(), "https://go.example.org/t?key=abc", referer=None)
    )
    assert Context.SANDBOXED not in contexts(Tape().page("file:///map.html").ask(origin="null"))


def test_redirects_are_known_by_their_origin() -> None:
    found = reading(redirected(Tape().page(), "https://go.example.org/t?key=abc", "no-referrer"))
    assert found.best is not None
    assert [hop.url for hop in found.best.situation.via] == ["https://go.example.org/"]
    assert "key" not in found.best.prediction.says


def test_policies_of_scripts_are_the_pages_own() -> None:
    script = "fetch(u,{referrerPolicy:'no-referrer'})"
    own = Tape().page(html=f"{PLAIN}<script>{script}</script>").ask(STYLE, referer=None)
    found = reading(own)
    assert found.best is not None
    assert found.best.situation.request_policy == "no-referrer"
    assert found.best.evidence[0].where == hypothesis.IN_SCRIPTS


def test_hypotheses_are_bounded() -> None:
    tape = Tape(PROXY).page()
    for n in range(100):
        tape.ask(f"https://cdn.example.net/{n}.css", kind="stylesheet", status=200, body="")
    assert len(reading(tape.ask(IMAGE, kind="image")).hypotheses) <= 24
