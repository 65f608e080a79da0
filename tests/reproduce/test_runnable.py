"""Does a page's own markup make its requests when it is served again?"""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.browser.referrer import Context, Situation
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import DecodedParts, Exchange
from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import runnable
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.runnable import Index
from tests.recording import API, PAGE, STYLE, TILE, TOKEN, Recording, script

BUNDLE = "https://harbour.example/bundle.js"
LIBRARY = "mapbox-gl@3.9.0"
MAP = "new mapboxgl.Map({style: 'mapbox://styles/harbour/x'})"


def can_run(body: str, *scripts: tuple[str, str], policy: str = "no-referrer", url: str = STYLE,
            library: str = LIBRARY, cause: Cause | None = None) -> bool:  # fmt: skip
    """Whether a page with these scripts in the capture (address and body) runs."""
    recording = Recording().page(body, Referrer_Policy=policy)
    for address, text in scripts:
        recording.add(address, body=text, kind="script", mime="text/javascript")
    return _runs(recording.refused(url), library, cause)


def _runs(recording: Recording, library: str = LIBRARY, cause: Cause | None = None) -> bool:
    seen = recording.seen("harbour.example")
    (document,) = [d for d in seen.traffic[0].issuers.documents if d.url == PAGE]
    (asked,) = seen.asked
    if cause is not None and asked.verdict is not None:
        verdict = msgspec.structs.replace(asked.verdict, cause=cause)
        asked = msgspec.structs.replace(asked, verdict=verdict)
    return runnable.can_run(document, [asked], Index(seen.traffic[0].exchanges), library)


def src(address: str) -> str:
    return f"<!DOCTYPE html><script src={address}></script>"


@pytest.mark.parametrize(
    ("body", "runs"),
    [
        (script(STYLE), True),
        (f"<!DOCTYPE html><img src={STYLE}>", True),
        ("<!DOCTYPE html><p>nothing asks", False),
        ("<!DOCTYPE html><script>m = 'mapbox://styles/x/y'</script>", True),
        (f"<!DOCTYPE html><script>t = '{STYLE.rpartition('=')[2]}'</script>", True),
        (f"<!DOCTYPE html><link rel=preconnect href={API}>", False),  # names, but does not ask
        ("", False),
    ],
)
def test_a_page_runs_where_its_own_text_leads_to_the_request(body: str, runs: bool) -> None:
    assert can_run(body) is runs


@pytest.mark.parametrize(
    ("body", "scripts", "runs"),
    [
        (src("/bundle.js"), [], False),
        (src("/bundle.js"), [(BUNDLE, f"fetch('{STYLE}')")], True),
        (src("/bundle.js"), [(BUNDLE, "")], False),
        (src("/bundle.js"), [(BUNDLE, "nothing")], False),
        (script(STYLE) + src("/bundle.js"), [], True),  # the page asks itself
        (src("/bundle.js") + f"<script>{MAP}</script>", [], False),  # the library is in there
        (src("/bundle.js") + f"<script>{MAP}</script>", [(BUNDLE, "mapboxgl = 1")], True),
        (src("/mapbox-gl.js") + f"<script>{MAP}</script>", [], True),
        (src("/bundle.js") + src("/mapbox-gl.js") + f"<script>{MAP}</script>", [], True),
        (src(f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js") + f"<script>{MAP}</script>", [], True),
    ],
)
def test_its_scripts_must_be_there_or_be_a_map_library(
    body: str, scripts: list[tuple[str, str]], runs: bool
) -> None:
    assert can_run(body, *scripts) is runs


def test_a_map_library_of_another_name_is_no_help() -> None:
    body = src("/mapbox-gl.js") + f"<script>{MAP}</script>"
    assert not can_run(body, library="leaflet@1.9.4")
    assert not can_run(body, library="")


def test_a_policy_that_the_capture_does_not_show_is_in_no_markup() -> None:
    """Whatever takes the Referer away there is not played by the markup."""
    assert can_run(script(STYLE), policy="no-referrer")
    assert can_run(script(STYLE), policy="origin")
    assert not can_run(script(STYLE), policy="origin", cause=Cause.REFERRER_POLICY_BLOCKS)


def test_a_page_that_was_cut_or_that_the_capture_lacks_does_not_run() -> None:
    cut = Recording().page(script(STYLE), Referrer_Policy="no-referrer", Content_Length="5000")
    assert not _runs(cut.refused())
    nobody = Document(url=PAGE)
    assert not runnable.can_run(nobody, [], Index(()), LIBRARY)


def test_telemetry_and_tile_hosts_need_no_word_in_the_page() -> None:
    body = "<!DOCTYPE html><p>Boats"
    assert can_run(body, url=TILE.replace("//api.", "//a.tiles."))
    assert can_run(body, url=f"{API}/events/v2?access_token={TOKEN}")
    assert not can_run(body, url=TILE)


def one(context: Context | None = None, referer: str | None = None, page: str = PAGE) -> Asked:
    (found,) = Recording().page(script(STYLE)).refused(referer=referer).asked("a.example")
    situation = Situation(page=page, to=STYLE, context=context) if context else None
    assert found.verdict is not None
    verdict = msgspec.structs.replace(found.verdict, cause=Cause.STYLESHEET_REFERER)
    return msgspec.structs.replace(found, situation=situation, verdict=verdict)


@pytest.mark.parametrize(
    ("asked", "sheet"),
    [
        (one(Context.STYLESHEET, page="https://a.example/a.css"), "https://a.example/a.css"),
        (one(Context.DOCUMENT, "https://a.example/b.css"), "https://a.example/b.css"),
        (one(None, "https://a.example/"), "https://a.example/site.css"),
        (one(), "https://styles.example/site.css"),
    ],
)
def test_the_stylesheet_that_asked(asked: Asked, sheet: str) -> None:
    assert runnable.sheet_of(asked) == sheet


def test_what_a_stylesheet_asks_for_needs_the_stylesheet() -> None:
    sheet = "https://cdn.example/site.css"
    page = Recording().page("<!DOCTYPE html><p>x", Referrer_Policy="no-referrer")
    asked = one(Context.STYLESHEET, page=sheet)
    (document,) = page.refused().seen("a.example").traffic[0].issuers.documents
    entry = Exchange("x", 0, "GET", sheet)
    assert not runnable.can_run(document, [asked], Index(()), LIBRARY)
    assert runnable.can_run(document, [asked], Index([entry]), LIBRARY)


def test_of_several_answers_to_an_address_one_with_a_body_counts() -> None:
    empty, full, other = (
        Exchange("x", n, "GET", url, parts=DecodedParts(body=lambda text=text: text))  # type: ignore[misc]
        for n, (url, text) in enumerate([(PAGE, ""), (PAGE, "x"), (BUNDLE, "y")])
    )
    index = Index([empty, full, other])
    assert index.get(PAGE) is full
    assert Index([empty]).get(PAGE) is empty
    assert index.get("https://nobody.example/") is None
    assert Index([empty] * 4 + [full]).get(PAGE) is empty  # so many are looked at
