"""Which pages a ticket opens: real markup where it can run, else a skeleton under its policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import fixtures
from diagnostics.browser.url import parse
from diagnostics.capture.open import read_capture
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import pages
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.derive import derive, to_yaml
from diagnostics.reproduce.pages import Pages
from tests.recording import (
    API,
    FORBIDDEN,
    PAGE,
    STYLE,
    TILE,
    TOKEN,
    Recording,
    script,
    site,
    stand_ins,
)  # fmt: skip

FRAME = "https://maps.example/embed"


def built(recording: Recording, *allow: str, cause: Cause | None = None) -> Pages:
    """The pages of a recording; `cause` is what all that was refused is taken to be refused for."""
    seen = recording.seen(*(allow or ("other.example",)))
    asked = [one if cause is None else _as_if(one, cause) for one in seen.asked]
    return pages.build(seen.traffic, asked, stand_ins(asked))


def _as_if(one: Asked, cause: Cause) -> Asked:
    verdict = one.verdict and msgspec.structs.replace(one.verdict, cause=cause)
    return msgspec.structs.replace(one, verdict=verdict)


def framed(recording: Recording, url: str = FRAME, body: str = "") -> Recording:
    """With a frame in it, by whose script the style is refused."""
    sent = {"Sec-Fetch-Dest": "iframe"}
    got = {"Referrer-Policy": "no-referrer"}
    return recording.add(
        url, body=body or script(STYLE), kind="document", mime="text/html", sent=sent, got=got
    ).refused()


def test_a_page_whose_bundle_is_missing_becomes_a_skeleton_under_the_same_policies() -> None:
    body = (
        '<!DOCTYPE html><meta name="referrer" content="no-referrer"><div id="root"></div>'
        '<script src="/bundle.js"></script>'
    )
    derived = (
        Recording()
        .page(body, Content_Security_Policy="default-src 'self'; connect-src https://*.mapbox.com")
        .refused()
        .derive("harbour.example")
    )
    assert derived.skeleton
    html = site(derived).html
    assert '<meta name="referrer" content="no-referrer">' in html
    assert STYLE.replace(TOKEN, "{{token}}") in html
    policy = dict(site(derived).fields)["Content-Security-Policy"]
    assert "connect-src https://*.mapbox.com" in policy
    assert "'nonce-why403'" in policy


def test_a_page_whose_bundle_is_there_runs_as_it_is() -> None:
    body = '<!DOCTYPE html><div id="root"></div><script src="/bundle.js"></script>'
    derived = (
        Recording()
        .page(body)
        .add("https://harbour.example/bundle.js", body=f"fetch('{STYLE}')", kind="script")
        .refused(referer="https://harbour.example/")
        .derive("www.harbour.example")
    )
    assert not derived.skeleton
    bundle = site(derived, "https://harbour.example/bundle.js")
    assert bundle.html == f"fetch('{STYLE}')".replace(TOKEN, "{{token}}")


def test_a_sites_own_copy_of_the_library_comes_from_the_library() -> None:
    body = (
        '<!DOCTYPE html><script src="/js/mapbox-gl.js" integrity="sha384-x"></script>'
        f"<script>mapboxgl.accessToken = '{TOKEN}'; new mapboxgl.Map({{style:"
        " 'mapbox://styles/harbour/ckharbourstyle'}});</script>"
    )
    derived = (
        Recording()
        .page(body, Referrer_Policy="no-referrer")
        .add("https://harbour.example/js/mapbox-gl.js", kind="script", mime="text/javascript")
        .refused(STYLE.replace("?", "?sdk=js-2.15.0&"))
        .derive("harbour.example")
    )
    assert derived.ticket.client.library == "mapbox-gl@2.15.0"
    assert site(derived, "https://harbour.example/js/mapbox-gl.js").library == "mapbox-gl.js"
    assert "integrity" not in site(derived).html
    assert not derived.skeleton


def test_a_frame_that_a_script_made_is_put_into_the_page() -> None:
    frame = "https://maps.example/embed"
    derived = (
        Recording()
        .page("<!DOCTYPE html><title>Boats</title>")
        .add(
            frame,
            body=script(STYLE),
            kind="document",
            mime="text/html",
            sent={"Sec-Fetch-Dest": "iframe"},
            got={"Referrer-Policy": "no-referrer"},
        )
        .refused()
        .derive("maps.example")
    )
    assert f'<iframe src="{frame}"></iframe>' in site(derived).html
    assert site(derived, frame).html == script(STYLE).replace(TOKEN, "{{token}}")
    assert derived.ticket.opened == (PAGE,)


def test_hashes_of_changed_scripts_give_way() -> None:
    derived = (
        Recording()
        .page(
            script(STYLE),
            Content_Security_Policy="script-src 'sha256-abc='",
            Referrer_Policy="no-referrer",
        )
        .refused()
        .derive("harbour.example")
    )
    policy = dict(site(derived).fields)["Content-Security-Policy"]
    assert "sha256" not in policy
    assert "'unsafe-inline'" in policy
    assert any("hashes" in note for note in derived.notes)


def test_a_page_that_the_capture_lacks_is_known_by_what_it_asked_for() -> None:
    derived = Recording().refused(referer="https://harbour.example/").derive("other.example")
    assert derived.skeleton
    assert derived.ticket.opened == ("https://harbour.example/",)
    assert any("not in the capture" in note for note in derived.notes)


def test_a_page_that_nothing_names_is_put_on_the_told_list() -> None:
    derived = Recording().refused().derive("harbour.example")
    assert derived.ticket.opened == ("https://harbour.example/",)
    assert dict(site(derived, "https://harbour.example/").fields) == {
        "Referrer-Policy": "no-referrer"
    }
    assert any("does not show which page" in note for note in derived.notes)


def test_a_worker_whose_script_is_missing_asks_for_what_it_asked() -> None:
    source = "https://harbour.example/worker.js"
    body = "<!DOCTYPE html><script>new Worker('/worker.js')</script>"
    derived = (
        Recording()
        .add(
            PAGE,
            body=body,
            kind="document",
            mime="text/html",
            got={"Referrer-Policy": "no-referrer"},
            pageref="page_1",
        )
        .add(
            source,
            kind="script",
            sent={"Sec-Fetch-Dest": "worker"},
            mime="text/javascript",
            got={"Referrer-Policy": "same-origin"},
        )
        .refused(_initiator={"type": "script", "stack": {"callFrames": [{"url": source}]}})
        .derive("harbour.example")
    )
    assert not derived.skeleton
    made = site(derived, source)
    assert STYLE.replace(TOKEN, "{{token}}") in made.html
    assert dict(made.fields) == {"Referrer-Policy": "same-origin"}


def test_a_frames_request_without_a_page_reference_is_no_workers() -> None:
    """Chrome's export gives none to a frame of another process either."""
    source = "https://cdn.example/app.js"
    derived = (
        Recording()
        .add(PAGE, kind="document", mime="text/html", pageref="page_1")
        .add(source, kind="script", mime="text/javascript", pageref="page_1")
        .refused(
            referer="https://harbour.example/",
            _initiator={"type": "script", "stack": {"callFrames": [{"url": source}]}},
        )
        .derive("other.example")
    )
    assert source not in derived.ticket.sites
    assert "new Worker" not in site(derived).html
    assert "fetch(" in site(derived).html


def test_addresses_of_a_ticket_are_urls_and_local_files_name_no_person() -> None:
    file = Path("fixtures/captures/file-page-chromium.playwright.har")
    derived = derive(read_capture(str(fixtures.ROOT.parent / file)), Told(Allowed(("a.example",))))
    assert derived.ticket.opened == ("file:///home/user/map.html",)
    assert "kim" not in to_yaml(derived.ticket)
    assert all(parse(address) for address in derived.ticket.sites)


def test_pages_are_opened_in_their_order_once_and_not_too_many() -> None:
    recording = Recording()
    for name in "abacdefgh":
        at = f"https://harbour.example/{name}"
        recording.page(script(STYLE), at).refused(STYLE, at)
    assert built(recording).visits == [f"https://harbour.example/{name}" for name in "abcdef"]


def test_too_many_pages_that_the_capture_lacks_are_named() -> None:
    recording = Recording()
    for number in range(8):
        recording.refused(STYLE, f"https://shop{number}.example/")
    made = built(recording)
    assert len(made.visits) == 6
    left = [note for note in made.notes if note.startswith("Left out")]
    assert left == [f"Left out: the page https://shop{number}.example/." for number in (6, 7)]


def test_pages_that_did_not_ask_are_left_out_unless_nobody_did() -> None:
    other = "https://harbour.example/other"
    page = Recording().page(script(STYLE)).page("<!DOCTYPE html>", other)
    assert built(page).visits == [PAGE, other]
    alone = Recording().page(script(STYLE)).refused(STYLE, PAGE).page("<!DOCTYPE html>", other)
    made = built(alone)
    assert made.visits == [PAGE]
    assert other not in made.sites


def test_a_frame_that_the_markup_has_is_not_put_there_again() -> None:
    markup = f'<!DOCTYPE html><title>Boats</title><iframe src="{FRAME}"></iframe>'
    made = built(framed(Recording().page(markup)))
    assert made.sites[PAGE].html == markup
    assert made.visits == [PAGE]
    bare = "<!DOCTYPE html><title>Boats</title>"
    assert built(framed(Recording().page(bare))).sites[PAGE].html == (
        f'{bare}\n<iframe src="{FRAME}"></iframe>'
    )


def test_a_frame_behind_a_redirect_is_known_by_where_it_began() -> None:
    start = "https://maps.example/go"
    page = Recording().page(f'<!DOCTYPE html><iframe src="{start}"></iframe>')
    page.add(
        start, 302, got={"Location": FRAME}, kind="document", sent={"Sec-Fetch-Dest": "iframe"}
    )
    assert built(framed(page)).sites[PAGE].html.count("<iframe") == 1


def test_a_sandboxed_frame_stays_one() -> None:
    markup = '<!DOCTYPE html><script src="/x.js"></script>'
    frame = f'<iframe sandbox="allow-scripts" src="{FRAME}"></iframe>'
    assert frame not in built(framed(Recording().page(markup))).sites[PAGE].html
    page = Recording().page(markup)
    sandboxed = {"Content-Security-Policy": "sandbox allow-scripts"}
    page.add(
        FRAME, body=script(STYLE), kind="document", mime="text/html", got=sandboxed,
        sent={"Sec-Fetch-Dest": "iframe"},
    )  # fmt: skip
    made = built(page.refused())
    assert dict(made.sites[FRAME].fields) == sandboxed
    assert f'<iframe src="{FRAME}"></iframe>' in made.sites[PAGE].html  # its header does it


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("file:///home/kim/My%20Maps/kims%20map.html?token=1", "file:///home/user/kims20map.html"),
        ("file:///C:/Users/kim/map.htm", "file:///home/user/map.htm"),
        ("file:///home/kim/", "file:///home/user/map.html"),
        ("file:///home/kim/.%6dap.html", "file:///home/user/6dap.html"),
        ("file:///home/kim/.html", "file:///home/user/map.html"),
        (f"file:///home/kim/{'m' * 300}.html", "file:///home/user/map.html"),
        ("capacitor://localhost/index.html", "file:///home/user/map.html"),
    ],
)
def test_a_page_that_is_no_web_page_is_a_file_of_nobody(address: str, opened: str) -> None:
    made = built(Recording().page("<!DOCTYPE html>", address).refused(kind="image"))
    assert made.visits == [opened]
    assert list(made.sites) == [opened]


def test_a_page_that_the_provider_serves_is_opened_and_not_served() -> None:
    share = f"{API}/styles/v1/harbour/ckharbourstyle.html?access_token={TOKEN}"
    made = built(Recording().page(script(STYLE), share).refused(STYLE, f"{API}/"))
    assert made.visits == [share.replace(TOKEN, "{{token}}")]
    assert made.sites == {}


@pytest.mark.parametrize(("others_have_one", "everywhere"), [(False, True), (True, False)])
def test_a_policy_that_must_be_guessed_is_the_pages_or_the_requests(
    others_have_one: bool, everywhere: bool
) -> None:
    """Of the page where nothing that it asked for had a Referer."""
    given = Recording().page("", Referrer_Policy="origin").refused(TILE, kind="image")
    if others_have_one:
        given.granted(STYLE, "https://harbour.example/")
    made = built(given, "harbour.example", cause=Cause.REFERRER_POLICY_BLOCKS)
    fields = dict(made.sites[PAGE].fields)
    assert fields["Referrer-Policy"] == ("no-referrer" if everywhere else "origin")
    html = made.sites[PAGE].html
    assert html.count('referrerpolicy="no-referrer"') == (0 if everywhere else 1)
    assert 'referrerPolicy: "no-referrer"' not in html


def worker_kept(body: str, cause: Cause = Cause.CACHED_403) -> Pages:
    """A page whose service worker gave the style's refusal again."""
    kept: dict[str, Any] = {
        "response": {
            "status": 403,
            "headers": [],
            "content": {"mimeType": "application/json", "text": FORBIDDEN},
            "_fetchedViaServiceWorker": True,
        }
    }
    recording = Recording().page(body, Referrer_Policy="origin")
    recording.refused(STYLE, "https://harbour.example/", **kept)
    return built(recording, "harbour.example", cause=cause)


def test_a_service_worker_that_kept_a_refusal_keeps_it_again() -> None:
    body = f"{script(STYLE)}<script>navigator.serviceWorker.register('/own.js')</script>"
    made = worker_kept(body)
    assert made.keeps
    own = "https://harbour.example/own.js"
    assert "/styles/v1/harbour/ckharbourstyle" in made.sites[own].html
    assert made.sites[own].type == "text/javascript"
    skeleton = worker_kept("")
    assert skeleton.keeps
    assert "https://harbour.example/why403-worker.js" in skeleton.sites
    assert 'register("/why403-worker.js")' in skeleton.sites[PAGE].html
    assert not worker_kept(body, Cause.PAGE_NOT_ALLOWED).keeps  # it was refused anew


def test_scripts_that_the_capture_lacks_are_counted() -> None:
    body = script(STYLE) + "<script src=/a.js></script><script src=/b.js></script>"
    page = Recording().page(body, Referrer_Policy="no-referrer")
    page.add("https://harbour.example/b.js", body="//", kind="script", mime="text/javascript")
    made = built(page.refused())
    assert [n for n in made.notes if "scripts" in n] == [
        "1 scripts of the page are not in the capture and are left out."
    ]
    assert made.sites["https://harbour.example/b.js"].html == "//"


def test_pages_that_differ_by_their_query_alone_are_two() -> None:
    recording = Recording()
    for number in (1, 2):
        at = f"{PAGE}?n={number}"
        recording.page(script(f"{STYLE}&n={number}"), at).refused(f"{STYLE}&n={number}", at)
    made = built(recording)
    assert made.visits == [f"{PAGE}?n=1", f"{PAGE}?n=2"]
    assert list(made.sites) == [PAGE, f"{PAGE}?n=2"]


def test_what_a_stylesheet_asked_for_is_asked_for_by_a_stylesheet() -> None:
    sheet = "https://cdn.example/site.css"
    image = f"{API}/styles/v1/harbour/x/static/1,1,1/9x9?access_token={TOKEN}"
    page = Recording().page(f'<!DOCTYPE html><link rel="stylesheet" href="{sheet}">')
    page.add(sheet, kind="stylesheet", mime="text/css")
    made = built(page.refused(image, sheet, kind="image"), "harbour.example")
    assert f'url("{image.replace(TOKEN, "{{token}}")}")' in made.sites[sheet].html
