"""Plans of a probe: golden ones, what is never asked, and the entries behind a Referer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.account.probe import MOST, STRANGER, admits, candidates, plan
from diagnostics.browser import url as urls
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.profile import profiles

(MAPBOX,) = profiles()


def asked(page: str | None, *entries: str) -> list[str | None]:
    return [ask.referer for ask in plan(MAPBOX, page, entries).asks]


def test_the_plan_of_a_page() -> None:
    found = plan(MAPBOX, "https://www.example.com/map/here?session=5#part")
    assert [
        (a.number, a.path.removeprefix("/v4/mapbox.mapbox-streets-v8/6/"), a.referer, a.tells)
        for a in found.asks
    ] == [
        (1, "1/24.mvt", None, "is the token restricted at all?"),
        (2, "2/24.mvt", "https://www.example.com/", "what browsers send from the page"),
        (3, "3/24.mvt", STRANGER, "does it admit any page at all?"),
        (4, "4/24.mvt", "http://www.example.com/", "does an entry name https?"),
        (5, "5/24.mvt", "https://example.com/", "is all of example.com covered?"),
        (6, "6/24.mvt", "https://www.example.com:8443/", "is another port admitted?"),
        (7, "7/24.mvt", "https://www.example.com/map/here", "does an entry name this path?"),
        (8, "8/24.mvt", "https://api.mapbox.com/", "do share links and Studio iframes work?"),
        (9, "9/24.mvt", "https://why403-example.com/", "is a lookalike domain refused?"),
    ]
    assert found.own == "https://www.example.com/"
    assert (found.left_out, found.notes) == ((), ())


@pytest.mark.parametrize(
    ("page", "has", "lacks"),
    [
        ("https://example.com/", ["https://www.example.com/"], ["https://example.com/map"]),
        ("https://a.b.c.d.example.co.uk/", ["https://b.c.d.example.co.uk/",
         "https://example.co.uk/"], ["https://co.uk/", "https://c.d.example.co.uk/"]),
        ("https://shop.vercel.app/", ["https://www.shop.vercel.app/"], ["https://vercel.app/"]),
        ("http://localhost:3000/map", ["http://localhost:3000/", "https://localhost:3000/",
         "http://localhost/", "http://localhost:3000/map"], ["http://www.localhost:3000/"]),
        ("http://192.168.0.2:8080/", ["http://192.168.0.2/"], ["http://why403-192.168.0.2:8080/"]),
        ("http://example.com/", ["https://example.com/", "http://example.com:8080/"], []),
    ],
)  # fmt: skip
def test_variants(page: str, has: list[str], lacks: list[str]) -> None:
    found = asked(page)
    assert set(has) <= set(found)
    assert not set(lacks) & set(found)


@pytest.mark.parametrize("page", [None, "", "file:///map.html", "about:srcdoc", "data:text/html,x"])
def test_without_a_page(page: str | None) -> None:
    found = plan(MAPBOX, page)
    assert [ask.referer for ask in found.asks] == [None, STRANGER, "https://api.mapbox.com/"]
    assert found.own is None
    assert bool(found.notes) is bool(page)


@pytest.mark.parametrize(
    ("entry", "referer"),
    [
        ("shop.example.com", "https://shop.example.com/"),
        ("http://shop.example.com", "http://shop.example.com/"),
        ("shop.example.com:8443/a/b", "https://shop.example.com:8443/a/b"),
        ("localhost:3000", "http://localhost:3000/"),
        ("mapbox.com/?page=1", "https://mapbox.com/?page=1"),
    ],
)
def test_an_entry_is_asked_with_what_it_admits(entry: str, referer: str) -> None:
    assert asked(None, entry)[2] == referer
    assert decide(MAPBOX.rules, referer, [entry]).decision is Decision.ALLOWED


@pytest.mark.parametrize("entry", ["*.example.com", "10.0.0.1", "capacitor://x", "", "a b"])
def test_an_entry_that_can_never_match_is_not_asked(entry: str) -> None:
    found = plan(MAPBOX, None, [entry])
    assert len(found.asks) == 3
    (note,) = found.notes
    assert note.startswith(f"“{entry}” can never match")
    assert note.endswith("Nothing is asked for it.")


def test_an_entry_of_which_nobody_knows() -> None:
    tells = plan(MAPBOX, None, ["Example.COM"]).asks[2].tells
    assert tells == "does “Example.COM” work, which nobody documents?"


def test_there_are_never_more_than_twelve() -> None:
    entries = [f"site{place}.example" for place in range(20)]
    found = plan(MAPBOX, "https://a.b.example.com:8443/map", entries)
    assert len(found.asks) == MOST == 12
    assert found.asks[1].referer == "https://a.b.example.com:8443/"
    assert "https://site5.example/" in [ask.referer for ask in found.asks]
    assert "https://site19.example/" in found.left_out
    assert len(found.left_out) + len(found.asks) > 25


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=15))
def test_any_page_and_entries_give_a_plan(page: str, entries: list[str]) -> None:
    found = plan(MAPBOX, page, entries)
    referers = [ask.referer for ask in found.asks]
    assert 2 <= len(referers) <= MOST
    assert len(set(referers)) == len(referers)
    assert [ask.number for ask in found.asks] == list(range(1, len(referers) + 1))
    for referer in referers[1:]:
        assert referer is not None
        url = urls.parse(referer)
        assert url is not None
        assert url.href == referer
        assert url.scheme in {"http", "https"}


def test_each_request_asks_for_a_tile_of_its_own_that_needs_no_scope() -> None:
    paths = [ask.path for ask in plan(MAPBOX, "https://www.example.com/map").asks]
    assert len(set(paths)) == len(paths)
    for path in paths:
        endpoint = MAPBOX.endpoint(path)
        assert endpoint is not None
        assert (endpoint.scope, endpoint.restricted, endpoint.token) == (None, True, True)


def test_which_entries_may_stand_behind_a_referer() -> None:
    found = candidates(["https://www.example.com:8443/a/b"], ["told.example", "*"])
    assert set(found) == {
        "told.example",
        *(
            f"{scheme}{host}:8443{path}"
            for scheme in ("", "https://")
            for host in ("www.example.com", "example.com")
            for path in ("", "/a", "/a/b")
        ),
    }
    for entry in found[1:]:
        assert admits(MAPBOX, entry, "https://www.example.com:8443/a/b")
