"""Edits of a page's own texts: what is changed, what stays as it is."""

from __future__ import annotations

import time

import pytest

from diagnostics.reproduce import page_edits

URL = "https://api.mapbox.com/v4/acme.streets.json"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{ referrerPolicy: "no-referrer" }', '{ referrerPolicy: "origin" }'),
        ("img.referrerPolicy = 'never'", 'img.referrerPolicy = "origin"'),
        ('{"referrerPolicy":"no-referrer"}', '{"referrerPolicy":"origin"}'),
        ("L.tileLayer('u', { a: 1 })", "L.tileLayer('u', { referrerPolicy: \"origin\", a: 1 })"),
        ("fetch(url)", "fetch(url)"),
    ],
)
def test_a_policy_of_requests(text: str, wanted: str) -> None:
    assert page_edits.with_policy(text, "origin") == wanted


def test_another_library_has_another_digest() -> None:
    old = '<script INTEGRITY="sha384-x" src="/mapbox-gl-js/v3.9.0/mapbox-gl.js"></script>'
    new = '<script src="/mapbox-gl-js/v3.10.0/mapbox-gl.js"></script>'
    assert page_edits.with_library(old, "3.10.0") == new
    assert page_edits.with_library(old, "3.9.0") == old


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('access_token=" + token', 'access_token={{token}}"'),
        ("access_token=${config.token}`", "access_token={{token}}`"),
        ("a?access_token=undefined&b", "a?access_token={{token}}&b"),
        ("a?access_token=", "a?access_token={{token}}"),
        ('mapboxgl.accessToken = "";', 'mapboxgl.accessToken = "{{token}}";'),
        ("mapboxgl.accessToken = env.TOKEN;", 'mapboxgl.accessToken = "{{token}}";'),
        (f'"{URL}"', f'"{URL}?access_token={{{{token}}}}"'),
        (f'"{URL}?secure"', f'"{URL}?secure&access_token={{{{token}}}}"'),
        (f"{URL}?access_token={{{{token}}}}", f"{URL}?access_token={{{{token}}}}"),
        ("https://shop.example.com/a.json", "https://shop.example.com/a.json"),
    ],
)
def test_a_token_where_none_is(text: str, wanted: str) -> None:
    assert page_edits.with_token(text) == wanted


def test_only_the_providers_addresses_go_over_https() -> None:
    text = 'src="http://api.mapbox.com/a" href="http://shop.example.com/"'
    changed = 'src="https://api.mapbox.com/a" href="http://shop.example.com/"'
    assert page_edits.over_https(text) == changed


def test_another_version_has_other_digests_and_another_library_stays() -> None:
    text = "<script src=\"https://unpkg.com/mapbox-gl@1.0.0/a.js\" integrity='x'>"
    assert page_edits.with_library(text, "3.9.0") == (
        '<script src="https://unpkg.com/mapbox-gl@3.9.0/a.js">'
    )
    leaflet = '<script src="https://unpkg.com/leaflet@1.9.4/dist/leaflet.js" integrity="x">'
    assert page_edits.with_library(leaflet, "3.9.0") == leaflet


@pytest.mark.parametrize(
    "piece", ["access_token=", "http://a", "new Map(", ".tileLayer('", "referrerPolicy: '", "url("]
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count
        began = time.perf_counter()
        page_edits.with_token(text)
        page_edits.with_policy(text, "origin")
        page_edits.with_library(text, "3.9.0")
        page_edits.over_https(text)
        return time.perf_counter() - began

    small = min(seconds(2_000) for _ in range(3))
    assert min(seconds(16_000) for _ in range(2)) < 40 * small + 0.5
