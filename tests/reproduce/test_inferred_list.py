"""An inferred list decides as the provider did, and is named for what it is."""

from __future__ import annotations

import pytest

from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.reproduce.inferred_list import Contrast, infer

SHOP, STAGING = "https://shop.example.com", "https://staging.example.org"


@pytest.mark.parametrize(
    ("admitted", "refused"),
    [
        ([SHOP], [STAGING]),
        ([SHOP], []),
        (["https://example.com"], ["http://example.com"]),
        (["http://localhost:3000"], ["http://localhost:8080"]),
        ([SHOP, "https://club.example.org"], [STAGING, "https://shop.example.net"]),
        ([], [SHOP]),
        ([], ["https://www.example.com", "https://www.example.org"]),
        ([], []),
    ],
)
def test_it_admits_what_was_admitted_and_refuses_what_was_refused(
    admitted: list[str], refused: list[str]
) -> None:
    entries, says = infer(Contrast(admitted, refused), mapbox)
    assert entries
    assert "not known" in says
    for origin in admitted:
        assert decide(mapbox, origin + "/", entries).decision is Decision.ALLOWED, origin
    for origin in refused:
        assert decide(mapbox, origin + "/", entries).decision is Decision.REFUSED, origin


def test_a_page_that_sent_no_referer_is_taken_to_be_listed() -> None:
    entries, says = infer(Contrast(silent_pages=[SHOP]), mapbox)
    assert entries == ("shop.example.com",)
    assert "shop.example.com" in says


def test_a_silent_page_that_was_refused_with_its_referer_is_not() -> None:
    entries, _ = infer(Contrast(refused=[SHOP], silent_pages=[SHOP]), mapbox)
    assert decide(mapbox, SHOP + "/", entries).decision is Decision.REFUSED


def test_a_token_that_was_admitted_without_a_referer_has_no_list() -> None:
    entries, says = infer(Contrast([SHOP], [], admitted_without=True), mapbox)
    assert entries == ()
    assert "without a Referer was admitted" in says


def test_an_origin_is_named_once() -> None:
    entries, _ = infer(Contrast([SHOP], [], silent_pages=[SHOP]), mapbox)
    assert entries == ("shop.example.com",)
