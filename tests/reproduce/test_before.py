"""What happened before the capture: which answers a cache had, and which visits fill it so."""

from __future__ import annotations

from diagnostics.reproduce import before
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.pages import UNKNOWN_PAGE, Pages
from tests.recording import PAGE, STYLE, TILE, TOKEN, Recording, script, stand_ins

CACHED = {"_fromCache": "disk"}
REFERER = "https://harbour.example/"


def asked(recording: Recording) -> list[Asked]:
    return recording.asked("other.example")


def urls(kept: list[Asked]) -> list[str]:
    return [one.exchange.url for one in kept]


def test_where_nothing_was_refused_a_cache_tells_nothing() -> None:
    page = Recording().page(script(STYLE))
    assert before.kept(asked(page.granted(TILE, REFERER, **CACHED))) == []
    page.refused(STYLE, REFERER)
    assert urls(before.kept(asked(page))) == [TILE]


def test_what_the_page_was_just_given_is_no_visit_of_its_own() -> None:
    page = Recording().page(script(STYLE)).refused(STYLE, REFERER, **CACHED)
    assert urls(before.kept(asked(page))) == [STYLE]
    assert before.kept(asked(page.refused(STYLE, REFERER))) == []


def test_what_was_asked_for_and_not_answered_was_not_given() -> None:
    page = Recording().page(script(STYLE)).refused(STYLE, REFERER, **CACHED)
    page.add(STYLE, 0)
    assert urls(before.kept(asked(page))) == [STYLE]


def test_a_cache_is_filled_by_a_page_of_the_same_site_that_asks_for_just_these() -> None:
    page = Recording().page(script(STYLE)).refused(STYLE, REFERER, **CACHED)
    page.granted(TILE, REFERER, kind="image", **CACHED)
    kept = before.kept(asked(page))
    visits, first, sites, says = before.visits(Pages(visits=[PAGE]), kept, stand_ins(kept))
    address = "https://harbour.example/why403-first-visit"
    assert (visits, first) == ([address, PAGE], 2)
    html = sites[address].html
    assert f'fetch("{STYLE.replace(TOKEN, "{{token}}")}")' in html
    assert f'<img alt="" src="{TILE.replace(TOKEN, "{{token}}")}">' in html
    assert TOKEN not in html
    assert "a page that asks for just these" in says


def test_a_service_worker_is_installed_at_the_first_visit_and_keeps_at_the_second() -> None:
    built = Pages(visits=[PAGE, "https://harbour.example/other"], keeps=True)
    visits, first, sites, says = before.visits(built, [], stand_ins([]))
    assert (visits, first, sites) == ([PAGE, PAGE, *built.visits], 3, {})
    assert "service worker" in says


def test_a_page_without_a_place_beside_it_gets_one_elsewhere() -> None:
    kept = asked(Recording().page(script(STYLE)).refused(STYLE, REFERER))
    address, site = before.first_visit("data:text/html,x", kept, stand_ins(kept))
    assert address == UNKNOWN_PAGE
    assert "fetch(" in site.html
