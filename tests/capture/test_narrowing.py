"""Each testimony of a request, as a filter for the documents that it fits."""

from __future__ import annotations

import pytest

from diagnostics.browser import html
from diagnostics.capture import narrowing
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import DecodedParts, Exchange, Headers
from diagnostics.capture.narrowing import Keep
from diagnostics.capture.request import Request, read_request

SHOP, OTHER = "https://shop.example.com/map", "https://maps.example.net/map"
SIBLING, API = "https://www.example.com/", "https://api.mapbox.com/v4/x"


def asked(url: str = API, frame: str = "", **fields: str) -> Exchange:
    pairs = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Exchange("t.har", 0, "GET", url, frame_ref=frame, parts=DecodedParts(Headers(pairs)))


def request(**fields: str) -> Request:
    return read_request(asked(**fields))


def document(
    url: str = SHOP, *, sandboxed: bool = False, body: str = "", frame: str = ""
) -> Document:
    return Document(
        url,
        asked(url, frame),
        frame_sandboxed=sandboxed,
        markup=html.read(body, url) if body else None,
    )


DOCUMENTS = {
    "shop": document(),
    "sandboxed shop": document(sandboxed=True),
    "sibling": document(SIBLING),
    "other": document(OTHER),
    "holder": document(OTHER, body='<iframe sandbox="allow-scripts" src="/x"></iframe>'),
    "odd": document("no url"),
}


def kept(keep: Keep | None) -> set[str]:
    assert keep is not None
    return {name for name, each in DOCUMENTS.items() if keep(each)}


def test_by_the_frame() -> None:
    keep = narrowing.by_frame(asked(frame="f1"))
    assert keep is not None
    assert keep(document(frame="f1"))
    assert not keep(document(frame="f2"))
    assert not keep(Document(SHOP))  # a page that the capture only lists
    assert narrowing.by_frame(asked()) is None


@pytest.mark.parametrize(
    ("initiators", "names"),
    [
        ((SHOP,), {"shop", "sandboxed shop"}),
        (("https://shop.example.com/app.js",), {"shop", "sandboxed shop"}),
        (("blob:https://maps.example.net/1b2c",), {"other", "holder"}),
        ((f"{SHOP}#top", OTHER), {"shop", "sandboxed shop", "other", "holder"}),
        (("https://cdn.example.org/gl.js",), set()),
        (("no url",), {"odd"}),
    ],
)
def test_by_the_initiator(initiators: tuple[str, ...], names: set[str]) -> None:
    assert kept(narrowing.by_initiator(initiators)) == names


@pytest.mark.parametrize(
    ("target", "site", "names"),
    [
        ("https://shop.example.com/a", "same-origin", {"shop"}),
        ("https://shop.example.com/a", "same-site", {"sibling"}),
        ("https://shop.example.com/a", "cross-site", {"sandboxed shop", "other", "holder", "odd"}),
        (API, "cross-site", set(DOCUMENTS)),
        (API, "same-site", set()),
    ],
)
def test_by_the_site(target: str, site: str, names: set[str]) -> None:
    assert kept(narrowing.by_site(asked(target), request(Sec_Fetch_Site=site))) == names


@pytest.mark.parametrize(
    ("origin", "names"),
    [
        ("https://shop.example.com", {"shop", "sandboxed shop"}),
        ("https://maps.example.net", {"other", "holder"}),
        ("https://nowhere.example", set()),
        ("null", {"sandboxed shop", "holder"}),
    ],
)
def test_by_the_origin(origin: str, names: set[str]) -> None:
    assert kept(narrowing.by_origin(request(Origin=origin))) == names


@pytest.mark.parametrize(
    ("referer", "names"),
    [
        ("https://www.example.com/other", {"sibling"}),
        ("https://shop.example.com/", {"shop", "sandboxed shop"}),
        ("https://nowhere.example/", set()),
    ],
)
def test_by_the_referer(referer: str, names: set[str]) -> None:
    assert kept(narrowing.by_referer(request(Referer=referer))) == names


def test_without_a_testimony_nothing_is_narrowed() -> None:
    silent = request()
    assert narrowing.by_initiator(()) is None
    assert narrowing.by_origin(silent) is None
    assert narrowing.by_referer(silent) is None
    assert narrowing.by_site(asked(), silent) is None
    assert narrowing.by_site(asked(), request(Sec_Fetch_Site="none")) is None
    assert narrowing.by_site(asked("no url"), request(Sec_Fetch_Site="cross-site")) is None
