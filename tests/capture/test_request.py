"""What a request's own headers testify."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.capture.exchange import Headers
from diagnostics.capture.request import from_headers, referer_origin

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"


def test_every_field_in_any_case() -> None:
    request = from_headers(
        Headers(
            [
                ("REFERER", "https://a.example/x"),
                ("origin", "https://a.example"),
                ("Sec-Fetch-Site", "Cross-Site"),
                ("sec-fetch-dest", "Image"),
                ("Sec-Fetch-Mode", "no-cors"),
                ("Sec-Fetch-User", "?1"),
                ("user-agent", FIREFOX),
            ]
        )
    )
    assert request.referer == "https://a.example/x"
    assert request.origin == "https://a.example"
    assert (request.site, request.dest, request.mode) == ("cross-site", "image", "no-cors")
    assert request.user
    assert request.client.engine == "firefox"
    assert request.headers_final


def test_nothing() -> None:
    request = from_headers(Headers())
    assert (request.referer, request.origin) == (None, None)
    assert (request.site, request.dest, request.mode) == ("", "", "")
    assert not request.user
    assert not request.headers_final
    assert not request.origin_is_opaque


@pytest.mark.parametrize(("value", "referer"), [("", None), ("https://a/", "https://a/")])
def test_an_empty_referer_is_none(value: str, referer: str | None) -> None:
    """Chrome's export writes an empty one for a worker's request without a Referer."""
    assert from_headers(Headers([("Referer", value)])).referer == referer


def test_the_first_of_two_equal_fields_counts() -> None:
    headers = Headers([("Referer", "https://a/"), ("referer", "https://b/")])
    assert from_headers(headers).referer == "https://a/"


@pytest.mark.parametrize(("origin", "opaque"), [("null", True), ("https://a", False), ("", False)])
def test_an_opaque_origin(origin: str, opaque: bool) -> None:
    assert from_headers(Headers([("Origin", origin)])).origin_is_opaque is opaque


@pytest.mark.parametrize(
    ("names", "final"),
    [
        (["User-Agent", "Referer"], False),
        (["sec-ch-ua", "User-Agent", "Referer", "Upgrade-Insecure-Requests"], False),
        (["User-Agent", "Host"], True),
        (["accept"], True),
        (["Sec-Fetch-Mode"], True),
        (["Sec-Fetch-Site"], True),
        (["Accept-Encoding"], True),
    ],
)
def test_provisional_headers_prove_no_absence(names: list[str], final: bool) -> None:
    assert from_headers(Headers((name, "x") for name in names)).headers_final is final


@pytest.mark.parametrize(
    ("referer", "origin"),
    [
        ("https://a.example/x?y", "https://a.example"),
        ("http://a.example:8000", "http://a.example:8000"),
        ("HTTPS://A.EXAMPLE", "https://a.example"),
        ("capacitor://localhost", None),
        ("file:///map.html", None),
        ("a.example", None),
        ("", None),
        (None, None),
    ],
)
def test_the_origin_of_a_referer(referer: str | None, origin: str | None) -> None:
    assert referer_origin(referer) == origin


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.text(max_size=2000))))
def test_any_headers_can_be_read(pairs: list[tuple[str, str]]) -> None:
    request = from_headers(Headers(pairs))
    referer_origin(request.referer)
