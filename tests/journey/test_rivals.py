"""Which other documents may have issued a request."""

from __future__ import annotations

import pytest

from diagnostics.journey import rivals
from diagnostics.journey.traffic import CaptureTraffic
from tests.journey.conftest import (
    DEVTOOLS,
    EXPORTERS,
    FIREFOX_HAR,
    IMAGE,
    ORIGIN,
    PAGE,
    PROXY,
    STYLE,
    Tape,
)

AD = "https://ads.example.net/"
WITH_AD = f'<iframe src="{AD}"></iframe>'


def of(tape: Tape) -> rivals.Rivals:
    """The rivals of the last request's document."""
    part = CaptureTraffic(tape.capture)
    sighting = part.sightings[-1]
    return rivals.find(sighting.exchange, sighting.request, sighting.issuer, part.issuers.documents)


def urls(found: rivals.Rivals) -> list[str]:
    return [document.url for document in found.near]


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_one_page_has_none(exporter: str) -> None:
    assert (
        of(Tape(exporter).page(policy="no-referrer").ask()) == rivals.Rivals()
        or of(Tape(exporter).page().ask()).sure
    )


@pytest.mark.parametrize("exporter", [FIREFOX_HAR, PROXY])
def test_a_frame_and_its_page(exporter: str) -> None:
    tape = Tape(exporter).page(policy="no-referrer", html=WITH_AD).page(AD, frame=True)
    found = of(tape.back_to(PAGE).ask(IMAGE, kind="image", referer=None))
    assert urls(found) == [PAGE]
    assert not found.sure


def test_a_frame_with_the_same_policy_leaves_no_doubt() -> None:
    tape = Tape(PROXY).page(policy="origin", html=WITH_AD).page(AD, frame=True, policy="origin")
    assert of(tape.back_to(PAGE).ask(IMAGE, kind="image")).sure


def test_a_frame_that_loads_later_is_none() -> None:
    tape = Tape(PROXY).page(policy="no-referrer", html=WITH_AD).ask(IMAGE, kind="image")
    assert of(tape.page(AD, frame=True)).sure


def test_an_origin_header_leaves_documents_of_that_origin() -> None:
    tape = Tape(PROXY).page(policy="no-referrer", html=WITH_AD).page(AD, frame=True)
    assert of(tape.back_to(PAGE).ask(STYLE, referer=None)).sure


def test_chromes_initiator_names_the_document() -> None:
    tape = Tape(DEVTOOLS).page(policy="no-referrer", html=WITH_AD).page(AD, frame=True)
    assert of(tape.back_to(PAGE).ask(IMAGE, kind="image")).sure


def test_pages_of_other_tabs_only_make_it_doubtful() -> None:
    tape = Tape(PROXY).page(policy="no-referrer").page("https://other.example.org/")
    found = of(tape.ask(IMAGE, kind="image", referer=None))
    assert (urls(found), found.sure) == ([], False)
    known = Tape(FIREFOX_HAR).page(policy="no-referrer").page("https://other.example.org/")
    assert of(known.ask(IMAGE, kind="image", referer=None)).sure


def test_a_reload_is_the_same_page() -> None:
    tape = Tape(PROXY).page(policy="no-referrer").page(policy="no-referrer")
    assert of(tape.ask(IMAGE, kind="image", referer=None)).sure


def test_many_pages_cost_little() -> None:
    tape = Tape(PROXY)
    for n in range(300):
        tape.page(f"{ORIGIN}/{n}", policy="no-referrer" if n % 2 else None)
    assert not of(tape.ask(IMAGE, kind="image")).sure
