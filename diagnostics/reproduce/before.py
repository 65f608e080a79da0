"""What happened before the capture: visits that filled a cache as the capture shows it filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Means
from diagnostics.reproduce import skeleton
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.pages import UNKNOWN_PAGE, Pages
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Site


def kept(asked: Sequence[Asked]) -> list[Asked]:
    """The answers that a cache had from before the capture. Where nothing was refused a cache
    tells nothing, and what the page itself had just been given is no visit of its own."""
    if not any(one.verdict is not None for one in asked):
        return []
    fresh = {one.exchange.url for one in asked if not one.stored and one.exchange.status}
    return [one for one in asked if one.stored and one.exchange.url not in fresh]


def visits(
    built: Pages, kept: Sequence[Asked], stand_ins: StandIns
) -> tuple[list[str], int, Mapping[str, Site], str]:
    """All visits, the number of the first that counts, the sites that they need besides, and a
    note. A service worker keeps what the page itself asks for: at the first visit it is installed,
    at the second it keeps. The browser's cache is filled by a page that asks for just these."""
    if built.keeps:
        first = built.visits[0]
        says = "Answers that the page's service worker had kept come from two visits before."
        return [first, first, *built.visits], 3, {}, says
    address, site = first_visit(built.visits[0], kept, stand_ins)
    says = (
        "Answers from the browser's cache come from a visit before, to a page that asks for just"
        " these."
    )
    return [address, *built.visits], 2, {address: site}, says


def first_visit(page: str, kept: Sequence[Asked], stand_ins: StandIns) -> tuple[str, Site]:
    """A page of the same site as `page` that asks for exactly what the browser kept."""
    parts = [
        skeleton.Part(
            url=stand_ins.text(one.exchange.url),
            means=Means.ELEMENT if one.dest == "image" else Means.FETCH,
            dest=one.dest,
        )
        for one in kept
    ]
    address = urls.join(page, "/why403-first-visit") or UNKNOWN_PAGE
    return address, Site(html=skeleton.page(parts))
