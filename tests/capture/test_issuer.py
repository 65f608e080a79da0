"""Who issued a request: the order of trust, frames, several pages, and captures with holes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from diagnostics.capture.exchange import Capture
from diagnostics.capture.har import read_har
from diagnostics.capture.issuer import Issuer, Issuers
from diagnostics.capture.request import read_request

PAGE = "https://shop.example.com/map"
TILE = "https://api.mapbox.com/v4/streets/1/2/3.pbf"


def at(second: float) -> str:
    return f"2026-11-22T10:{int(second) // 60:02d}:{second % 60:06.3f}Z"


def entry(
    url: str,
    second: float | None = None,
    headers: dict[str, str] | None = None,
    *,
    status: int = 200,
    mime: str = "",
    body: str | None = None,
    response: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "request": {
            "method": "GET",
            "url": url,
            "headers": [{"name": n, "value": v} for n, v in (headers or {}).items()],
        },
        "response": {
            "status": status,
            "headers": [{"name": n, "value": v} for n, v in (response or {}).items()],
            "content": {"mimeType": mime, "text": body},
            "redirectURL": (response or {}).get("Location", ""),
        },
        **({} if second is None else {"startedDateTime": at(second)}),
        **more,
    }


def page(url: str = PAGE, second: float | None = 0, body: str = "<p>", **more: Any) -> Any:
    return entry(url, second, mime="text/html", body=body, **more)


def capture(*entries: dict[str, Any], pages: list[dict[str, Any]] | None = None) -> Capture:
    log = {"creator": {"name": "WebInspector"}, "pages": pages or [], "entries": entries}
    return read_har(json.dumps({"log": log}).encode(), "t.har")


def issuer(
    *entries: dict[str, Any], pages: list[dict[str, Any]] | None = None, of: int = -1
) -> Issuer:
    """The issuer of one of the entries, the last if not said otherwise."""
    read = capture(*entries, pages=pages)
    exchange = read.exchanges[of]
    return Issuers(read).find(exchange, read_request(exchange))


def url_of(found: Issuer) -> str | None:
    return found.document.url if found.document else None


A, B = "https://a.example/", "https://b.example/"


# The order of trust.


def test_time_where_nothing_else_tells() -> None:
    found = issuer(page(A, 0), page(B, 5), entry(TILE, 7))
    assert url_of(found) == B
    assert found.known_by == "the last document before it"
    assert url_of(issuer(page(A, 0), page(B, 5), entry(TILE, 3))) == A


def test_the_page_reference_before_time_and_referer() -> None:
    found = issuer(
        page(A, 0, pageref="p1"),
        page(B, 5, pageref="p2"),
        entry(TILE, 7, {"Referer": B, "Origin": "https://a.example"}, pageref="p1"),
    )
    assert url_of(found) == A
    assert found.known_by == "the capture's page reference"


def test_the_page_reference_before_a_clock_that_is_wrong() -> None:
    found = issuer(page(A, 9, pageref="p1"), page(B, 1, pageref="p2"), entry(TILE, 5, pageref="p1"))
    assert url_of(found) == A


def test_the_frame_reference() -> None:
    found = issuer(
        page(A, 0, _frameref="f1"), page(B, 5, _frameref="f2"), entry(TILE, 7, _frameref="f1")
    )
    assert url_of(found) == A
    assert found.known_by == "the capture's frame reference"


@pytest.mark.parametrize(
    "initiator",
    [
        {"type": "parser", "url": A},
        {"type": "script", "stack": {"callFrames": [{"url": "https://a.example/app.js"}]}},
        {"type": "script", "stack": {"callFrames": [{"url": "blob:https://a.example/1-2"}]}},
        {
            "type": "script",
            "stack": {
                "callFrames": [{"url": "https://cdn.example.net/gl.js"}],
                "parent": {"callFrames": [{"url": A + "#x"}]},
            },
        },
    ],
)
def test_the_initiator_before_fetch_metadata_and_referer(initiator: object) -> None:
    found = issuer(page(A, 0), page(B, 5), entry(TILE, 7, {"Referer": B}, _initiator=initiator))
    assert url_of(found) == A
    assert found.known_by == "its initiator"


def test_an_initiator_on_another_host_tells_nothing() -> None:
    initiator = {
        "type": "script",
        "stack": {"callFrames": [{"url": "https://cdn.example.net/gl.js"}]},
    }
    assert url_of(issuer(page(A, 0), page(B, 5), entry(TILE, 7, _initiator=initiator))) == B


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("same-origin", "https://api.mapbox.com/share.html"),
        ("same-site", "https://studio.mapbox.com/"),
        ("cross-site", A),
    ],
)
def test_sec_fetch_site_before_origin_and_referer(site: str, expected: str) -> None:
    pages = [
        page(A, 0),
        page("https://api.mapbox.com/share.html", 1),
        page("https://studio.mapbox.com/", 2),
    ]
    found = issuer(*pages, entry(TILE, 7, {"Sec-Fetch-Site": site, "Referer": B}))
    assert url_of(found) == expected


def test_origin_before_referer() -> None:
    headers = {"Origin": "https://a.example", "Referer": B}
    found = issuer(page(A, 0), page(B, 5), page("https://c.example/", 6), entry(TILE, 7, headers))
    assert url_of(found) == A
    assert found.known_by == "its Origin header"


def test_the_referer_only_among_documents_that_are_there() -> None:
    found = issuer(page(A, 0), page(B, 5), entry(TILE, 7, {"Referer": A}))
    assert url_of(found) == A
    assert found.known_by == "its Referer"
    assert (
        url_of(issuer(page(A, 0), page(B, 5), entry(TILE, 7, {"Referer": "https://c.example/"})))
        == B
    )


def test_an_origin_that_no_document_has_is_a_page_that_is_not_there() -> None:
    found = issuer(page(A, 0), entry(TILE, 7, {"Origin": "https://c.example"}))
    assert url_of(found) == "https://c.example/"
    assert found.document is not None
    assert not found.document.seen


# Several pages, frames, sandboxes.


def test_two_tabs_at_the_same_time() -> None:
    entries = [
        page(A, 0, pageref="p1"),
        page(B, 1, pageref="p2"),
        entry(TILE, 2, pageref="p1"),
        entry(TILE, 3, pageref="p2"),
        entry(TILE, 4, pageref="p1"),
    ]
    assert [url_of(issuer(*entries, of=n)) for n in (2, 3, 4)] == [A, B, A]


def test_a_single_page_application_has_one_document() -> None:
    entries = [page(A, 0), *(entry(f"{TILE}?{n}", n) for n in range(1, 50))]
    assert {url_of(issuer(*entries, of=n)) for n in range(1, 50)} == {A}


def test_hundreds_of_frames_do_not_hide_their_page() -> None:
    frames = [
        page(f"https://ads.example/{n}", 1 + n / 100, headers={"Sec-Fetch-Dest": "iframe"})
        for n in range(300)
    ]
    headers = {"Origin": "https://shop.example.com"}
    assert url_of(issuer(page(), *frames, entry(TILE, 9, headers))) == PAGE


def framed(attributes: str, **frame: Any) -> list[dict[str, Any]]:
    return [
        page(body=f'<iframe src="https://maps.example.net/f" {attributes}></iframe>'),
        page("https://maps.example.net/f", 1, **frame),
    ]


@pytest.mark.parametrize(
    ("attributes", "sandboxed"),
    [
        ("", False),
        ("sandbox", True),
        ('sandbox="allow-scripts"', True),
        ('sandbox="allow-scripts allow-same-origin"', False),
        ('sandbox="ALLOW-SAME-ORIGIN"', False),
    ],
)
def test_a_frame_and_its_sandbox(attributes: str, sandboxed: bool) -> None:
    found = issuer(*framed(attributes), entry(TILE, 2))
    assert found.document is not None
    assert found.document.url == "https://maps.example.net/f"
    assert found.document.parent is not None
    assert found.document.parent.url == PAGE
    assert found.document.origin_is_opaque is sandboxed


def test_a_sandboxed_frame_in_a_frame() -> None:
    inner = "https://inner.example/"
    found = issuer(
        page(body='<iframe sandbox src="https://maps.example.net/f"></iframe>'),
        page("https://maps.example.net/f", 1, body=f'<iframe src="{inner}"></iframe>'),
        page(inner, 2),
        entry(TILE, 3),
    )
    assert found.document is not None
    assert found.document.url == inner
    assert found.document.origin_is_opaque


def test_a_frame_that_is_redirected_keeps_its_sandbox() -> None:
    found = issuer(
        page(body='<iframe sandbox src="https://maps.example.net/old"></iframe>'),
        entry("https://maps.example.net/old", 1, status=302, response={"Location": "/new"}),
        page("https://maps.example.net/new", 1.1),
        entry(TILE, 2),
    )
    assert found.document is not None
    assert found.document.url == "https://maps.example.net/new"
    assert found.document.origin_is_opaque


def test_a_frame_that_no_markup_names() -> None:
    found = issuer(
        page(pageref="p1"),
        page(A, 1, pageref="p2"),
        page("https://maps.example.net/f", 2, headers={"Sec-Fetch-Dest": "iframe"}, pageref="p1"),
        entry(TILE, 3, pageref="p1"),
    )
    assert found.document is not None
    assert found.document.url == "https://maps.example.net/f"
    assert found.document.parent is not None
    assert found.document.parent.url == PAGE


def test_a_page_that_was_a_frame_before_is_a_page() -> None:
    found = issuer(
        *framed("sandbox"),
        page("https://maps.example.net/f", 5, headers={"Sec-Fetch-Dest": "document"}),
        entry(TILE, 6),
    )
    assert found.document is not None
    assert found.document.parent is None
    assert not found.document.origin_is_opaque


def test_another_tab_with_the_frames_address_is_a_page() -> None:
    entries = framed("sandbox", pageref="p2")
    entries[0]["pageref"] = "p1"
    found = issuer(*entries, entry(TILE, 6, pageref="p2"))
    assert found.document is not None
    assert found.document.parent is None


def test_an_opaque_origin_finds_the_document_with_the_sandbox() -> None:
    sandboxed = page(A, 0, response={"Content-Security-Policy": "sandbox allow-scripts"})
    found = issuer(sandboxed, page(B, 5), entry(TILE, 7, {"Origin": "null"}))
    assert url_of(found) == A


def test_an_opaque_origin_after_a_redirect_is_not_a_sandbox() -> None:
    """A redirect to another origin makes the Origin null as well (Fetch, "HTTP-redirect fetch")."""
    found = issuer(
        page(),
        entry("https://tiles.example.org/1", 1, status=302, response={"Location": TILE}),
        entry(TILE, 1.1, {"Origin": "null"}),
    )
    assert url_of(found) == PAGE
    assert [hop.url for hop in found.hops] == ["https://tiles.example.org/1"]
    assert found.first_url == "https://tiles.example.org/1"


def test_a_srcdoc_frame() -> None:
    found = issuer(page(), entry(TILE, 1, _initiator={"type": "parser", "url": "about:srcdoc"}))
    assert found.srcdoc
    assert url_of(found) == PAGE


def test_a_blob_worker() -> None:
    stack = {"callFrames": [{"url": "blob:https://shop.example.com/1-2-3"}]}
    found = issuer(
        page(), page(A, 1), entry(TILE, 2, _initiator={"type": "script", "stack": stack})
    )
    assert found.blob_worker
    assert url_of(found) == PAGE
    assert not issuer(page(), entry(TILE, 2)).blob_worker


def test_service_workers_are_named() -> None:
    worker = entry(
        "https://shop.example.com/sw.js", 1, {"Service-Worker": "script"}, mime="text/javascript"
    )
    script = entry("https://shop.example.com/app.js", 1, mime="text/javascript")
    assert issuer(page(), worker, script, entry(TILE, 2)).service_workers == (
        "https://shop.example.com/sw.js",
    )


# Stylesheets.


def test_stylesheets_of_the_page() -> None:
    found = issuer(
        page(pageref="p1"),
        entry("https://cdn.example.net/a.css", 1, mime="text/css", pageref="p1"),
        entry("https://cdn.example.net/a.css", 1, mime="text/css", pageref="p1"),
        entry("https://cdn.example.net/b.css", 1, mime="text/css; charset=utf-8", pageref="p2"),
        entry(TILE, 2, pageref="p1"),
    )
    assert found.stylesheets == ("https://cdn.example.net/a.css",)


def test_the_initiator_names_the_stylesheet_or_denies_any() -> None:
    sheets = [
        entry(f"https://cdn.example.net/{name}.css", 1, mime="text/css") for name in ("a", "b")
    ]
    named = {"type": "parser", "url": "https://cdn.example.net/b.css"}
    assert issuer(page(), *sheets, entry(TILE, 2, _initiator=named)).stylesheets == (
        "https://cdn.example.net/b.css",
    )
    script = {"type": "script", "stack": {"callFrames": [{"url": PAGE}]}}
    assert issuer(page(), *sheets, entry(TILE, 2, _initiator=script)).stylesheets == ()
    assert len(issuer(page(), *sheets, entry(TILE, 2)).stylesheets) == 2


# Navigations.


def test_a_navigation_by_hand_has_no_issuer() -> None:
    headers = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    found = issuer(page(A, 0), page("https://api.mapbox.com/x.html", 1, headers=headers))
    assert found.is_navigation
    assert found.document is None


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Dest": "document"}, {}])
def test_a_link_is_followed_from_the_page_before(headers: dict[str, str]) -> None:
    share = page(
        "https://api.mapbox.com/x.html", 1, headers=headers, pageref="p2", _resourceType="document"
    )
    found = issuer(page(A, 0, pageref="p1", _resourceType="document"), share)
    assert found.is_navigation
    assert url_of(found) == A


def test_the_first_page_did_not_ask_for_itself() -> None:
    assert issuer(page(A, 0, pageref="p1", _resourceType="document")).document is None


def test_a_frames_navigation_is_its_pages() -> None:
    found = issuer(
        page(pageref="p1"),
        page(
            "https://api.mapbox.com/x.html", 1, headers={"Sec-Fetch-Dest": "iframe"}, pageref="p1"
        ),
    )
    assert found.is_navigation
    assert url_of(found) == PAGE


# Captures with holes.


def test_a_page_that_the_capture_only_lists() -> None:
    found = issuer(entry(TILE, 1, pageref="p1"), pages=[{"id": "p1", "title": PAGE}])
    assert url_of(found) == PAGE
    assert found.known_by == "the capture's list of pages"
    assert found.document is not None
    assert not found.document.seen


@pytest.mark.parametrize("title", ["Find us", "Shop: home", "app: the map", "data:", "", "x" * 99])
def test_a_title_that_is_no_address(title: str) -> None:
    found = issuer(entry(TILE, 1, pageref="p1"), pages=[{"id": "p1", "title": title}])
    assert url_of(found) in {None, "data:"}


def test_the_only_listed_page_stands_in_for_a_missing_reference() -> None:
    assert url_of(issuer(entry(TILE, 1), pages=[{"id": "p1", "title": PAGE}])) == PAGE
    two = [{"id": "p1", "title": PAGE}, {"id": "p2", "title": A}]
    assert issuer(entry(TILE, 1), pages=two).document is None


def test_a_page_reference_whose_document_is_missing_is_not_another_page() -> None:
    pages = [{"id": "p1", "title": A}, {"id": "p2", "title": PAGE}]
    assert (
        url_of(issuer(page(A, 0, pageref="p1"), entry(TILE, 1, pageref="p2"), pages=pages)) == PAGE
    )
    found = issuer(page(A, 0, pageref="p1"), entry(TILE, 1, pageref="p3"), pages=pages)
    assert found.document is None


def test_a_filtered_export_has_the_referer_alone() -> None:
    found = issuer(entry(TILE, 1, {"Referer": PAGE}))
    assert url_of(found) == PAGE
    assert found.known_by == "its Referer alone"
    assert issuer(entry(TILE, 1)).document is None
    # A Referer of the same origin is the target's own or a forged one.
    own = {"Referer": "https://api.mapbox.com/", "Sec-Fetch-Site": "same-origin"}
    assert issuer(entry(TILE, 1, own)).document is None


@pytest.mark.parametrize(
    ("initiators", "origin", "expected"),
    [
        (["file:///home/kim/map.html"], None, "file:///home/kim/map.html"),
        (["capacitor://localhost/app.js"], None, "capacitor://localhost/app.js"),
        (["chrome-extension://abc/popup.js"], None, "chrome-extension://abc/popup.js"),
        ([], "capacitor://localhost", "capacitor://localhost/"),
        ([], "ionic://localhost", "ionic://localhost/"),
        # An extension that wraps fetch stands in the stack of every request of a page.
        (["chrome-extension://abc/hook.js", "https://shop.example.com/app.js"], None, None),
    ],
)
def test_pages_that_came_from_no_network(
    initiators: list[str], origin: str | None, expected: str | None
) -> None:
    stack = {"callFrames": [{"url": url} for url in initiators]}
    initiator = {"_initiator": {"type": "script", "stack": stack}} if initiators else {}
    headers = {"Origin": origin} if origin else {}
    assert url_of(issuer(entry(TILE, 1, headers, **initiator))) == expected


@pytest.mark.parametrize("hook", ["chrome-extension://abc/hook.js", "data:text/javascript,1"])
def test_a_hook_in_the_stack_of_a_page_that_is_there(hook: str) -> None:
    stack = {"callFrames": [{"url": hook}]}
    tile = entry(TILE, 1, pageref="p1", _initiator={"type": "script", "stack": stack})
    assert url_of(issuer(page(pageref="p1"), tile)) == PAGE


def test_a_page_from_elsewhere() -> None:
    part = {"Sec-Fetch-Dest": "script", "Sec-Fetch-Site": "cross-site"}
    script = entry("https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js", 0, part)
    assert issuer(script, entry(TILE, 1)).page_came_from_elsewhere
    with_referer = entry("https://cdn.example.net/x.js", 0, {**part, "Referer": PAGE})
    assert not issuer(script, with_referer, entry(TILE, 1)).page_came_from_elsewhere
    assert not issuer(page(), script, entry(TILE, 1)).page_came_from_elsewhere


def test_entries_out_of_order_of_time() -> None:
    entries = [entry(TILE, 3), page(B, 5), page(A, 0)]
    assert url_of(issuer(*entries, of=0)) == A


def test_no_times_at_all() -> None:
    found = issuer(page(A, None), entry(TILE))
    assert url_of(found) == A
    assert url_of(issuer(page(A, None), page(B, None), entry(TILE, None, {"Referer": A}))) == A


def test_a_grown_capture_finds_what_a_whole_one_finds() -> None:
    entries = [
        page(pageref="p1", body='<iframe sandbox src="https://maps.example.net/f"></iframe>'),
        entry("https://maps.example.net/f", 1, status=302, response={"Location": "/g"}),
        page("https://maps.example.net/g", 1.5),
        entry("https://cdn.example.net/a.css", 2, mime="text/css"),
        entry(TILE, 3),
    ]
    whole = capture(*entries)
    grown = Issuers(capture())
    for exchange in whole.exchanges:
        grown.add(exchange)
        grown.find(exchange, read_request(exchange))
    last = whole.exchanges[-1]
    one = Issuers(whole).find(last, read_request(last))
    other = grown.find(last, read_request(last))
    assert (url_of(one), one.stylesheets) == (url_of(other), other.stylesheets)
    assert one.document is not None
    assert other.document is not None
    assert one.document.origin_is_opaque
    assert other.document.origin_is_opaque


# Cost.


def big(requests: int, documents: int, *, redirected: bool) -> Capture:
    entries = [
        page(f"https://s{n % 7}.example.com/p{n}", n, pageref=f"p{n}", _resourceType="document")
        for n in range(documents)
    ]
    entries += [
        entry(f"https://cdn.example.net/{n}.css", n, mime="text/css", pageref=f"p{n}")
        for n in range(documents)
    ]
    for n in range(requests):
        second = n * documents // requests
        headers = {"Referer": f"https://s{second % 7}.example.com/", "Sec-Fetch-Site": "cross-site"}
        url = TILE if redirected else f"{TILE}?{n}"
        moved = {"status": 302, "response": {"Location": TILE}} if redirected and n % 2 else {}
        entries.append(entry(url, second + 0.5, headers, pageref=f"p{second}", **moved))
    return capture(*entries)


@pytest.mark.parametrize("redirected", [False, True])
def test_cost_is_linear(redirected: bool) -> None:
    read = big(20_000, 200, redirected=redirected)
    asked = [(e, read_request(e)) for e in read.exchanges if "api.mapbox" in e.url]
    start = time.process_time()
    issuers = Issuers(read)
    if redirected:
        asked = asked[-2_000:]
    for exchange, request in asked:
        issuers.find(exchange, request)
    each = (time.process_time() - start) / len(asked)
    # 15 microseconds were measured; each hop of a loop of redirects costs as much again.
    assert each < 2e-3  # a cost that grows with the capture takes far more
