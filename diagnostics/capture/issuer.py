"""Which document, frame, worker or stylesheet issued each request?

Sources are trusted in this order: the exporter's page and frame references, the initiator, time,
Sec-Fetch-*, Origin, and last the Referer, which is the very thing in doubt. A document that the
capture does not hold is said to be missing; nothing is assumed about its policies.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Mapping

import msgspec

from diagnostics.browser import html
from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Hop
from diagnostics.capture import narrowing
from diagnostics.capture.document import Document, is_document, read_document
from diagnostics.capture.exchange import Capture, Exchange
from diagnostics.capture.redirects import Redirects, is_redirect, with_policy
from diagnostics.capture.request import Request, read_request, referer_origin

#: How many of the first exchanges show whether the page itself came over the network.
_FIRST = 200

_NAVIGATIONS = frozenset({"document", "iframe", "frame", "object", "embed"})
_LOCAL_PAGES = ("file:", "capacitor:", "ionic:", "app:", "data:", "chrome-extension:",
                "moz-extension:", "safari-web-extension:", "content:")  # fmt: skip


class Issuer(msgspec.Struct, frozen=True, eq=False):
    """Who issued a request.

    - `document`: None where nothing in the capture tells; `known_by`: how it was found, a phrase.
    - `blob_worker`: the exporter shows a worker made at run time.
    - `worker_scripts`: scripts, with their own policies, of workers that may have asked for it.
    - `stylesheets`: URLs of external stylesheets that may have asked for it.
    - `hops`: the redirects that led to it; `first_url`: what was asked for before them.
    - `is_navigation`: it loads a document itself; `srcdoc`: a frame made from markup asked.
    - `page_came_from_elsewhere`: the capture holds what the page loaded from other sites, none of
      it with a Referer, and no page, as where the page is a file or inside an app.
    """

    document: Document | None
    known_by: str = ""
    blob_worker: bool = False
    stylesheets: tuple[str, ...] = ()
    hops: tuple[Hop, ...] = ()
    first_url: str = ""
    is_navigation: bool = False
    service_workers: tuple[str, ...] = ()
    worker_scripts: tuple[Hop, ...] = ()
    srcdoc: bool = False
    page_came_from_elsewhere: bool = False


def _is_navigation(exchange: Exchange, request: Request) -> bool:
    return (
        request.dest in _NAVIGATIONS
        or (not request.dest and exchange.resource_type.lower() in _NAVIGATIONS)
        or request.mode == "navigate"
    )


class Issuers:
    """Finds the issuers of one capture's requests. Building it is linear in the entries; `add`
    takes what comes later, as a live capture grows."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self._redirects = Redirects()
        self._stylesheets: dict[str, str] = {}  # URL -> page reference
        self._sheets_of: dict[str, tuple[str, ...]] = {}
        self._scripts: dict[str, Exchange] = {}
        self._workers: dict[str, Exchange] = {}  # those that run outside of every page
        self._pages: list[Exchange] = []
        self._placed: dict[Exchange, Document] = {}
        self._first: list[Exchange] = []
        self._listed = {page.id: page for page in capture.pages}
        self._found: dict[tuple[object, ...], Issuer] = {}
        for exchange in capture.exchanges:
            self.add(exchange)

    def add(self, exchange: Exchange) -> None:
        """Take note of one more exchange of the capture."""
        if len(self._first) < _FIRST:
            self._first.append(exchange)
            self._forget("_page_came_from_elsewhere")
        if is_redirect(exchange):
            self._redirects.add(exchange)
        elif is_document(exchange):
            self._pages.append(exchange)
            self._found.clear()
            self._forget("documents", "_starts", "_orders", "_page_came_from_elsewhere")
        elif exchange.mime_type.startswith("text/css"):
            self._stylesheets[exchange.url] = exchange.page_ref
            self._sheets_of.clear()
        elif "javascript" in exchange.mime_type or exchange.resource_type == "script":
            self._scripts[exchange.url] = exchange
            if exchange.url in self._workers or _runs_apart(exchange):
                self._workers[exchange.url] = exchange
                self._forget("_network_workers", "_service_workers")

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    @functools.cached_property
    def documents(self) -> tuple[Document, ...]:
        """Every document of the capture by time, frames with their parents."""
        found: list[Document] = []
        frames: dict[str, tuple[Document, html.Frame]] = {}
        pages: dict[str, Document] = {}
        for exchange in sorted(self._pages, key=lambda page: page.started or 0.0):
            if exchange not in self._placed:
                self._placed[exchange] = self._place(exchange, frames, pages)
            document = self._placed[exchange]
            found.append(document)
            for frame in reversed(document.markup.frames if document.markup else ()):
                if frame.url:
                    frames[_address(frame.url)] = (document, frame)
            if document.parent is None:
                pages[exchange.page_ref] = pages[""] = document
        return tuple(found)

    @functools.cached_property
    def _orders(self) -> dict[str, _Order]:
        """The documents of each page by its reference, and under "" all of them."""
        orders: dict[str, _Order] = {"": _Order()}
        for place, document in enumerate(self.documents):
            assert document.exchange is not None
            for page_ref in {"", document.exchange.page_ref}:
                orders.setdefault(page_ref, _Order()).add(place, is_page=document.parent is None)
        return orders

    @functools.cached_property
    def _page_came_from_elsewhere(self) -> bool:
        if self.documents or self.capture.pages:
            return False
        requests = [read_request(exchange) for exchange in self._first]
        parts = [r for r in requests if r.dest in {"script", "style"} and r.site == "cross-site"]
        return bool(parts) and not any(r.referer for r in parts)

    @functools.cached_property
    def _starts(self) -> list[float]:
        return [d.exchange.started or 0.0 for d in self.documents if d.exchange]

    def _place(
        self,
        exchange: Exchange,
        frames: Mapping[str, tuple[Document, html.Frame]],
        pages: Mapping[str, Document],
    ) -> Document:
        """A document with the frame that holds it, if an earlier document's markup names it or
        the request says that it is for a frame."""
        dest = read_request(exchange).dest
        if dest != "document":
            for url in (exchange.url, self._redirects.hops(exchange)[1]):
                holder, frame = frames.get(_address(url), (None, None))
                if holder is None or frame is None or not _same_page(holder.exchange, exchange):
                    continue
                sandboxed = holder.frame_sandboxed or (
                    frame.sandbox is not None and "allow-same-origin" not in frame.sandbox
                )
                return read_document(exchange, parent=holder, frame_sandboxed=sandboxed)
        parent = None
        if dest in {"iframe", "frame"}:
            parent = pages.get(exchange.page_ref) or pages.get("")
        return read_document(exchange, parent=parent)

    def find(self, exchange: Exchange, request: Request) -> Issuer:
        """The issuer of one exchange; `request` are its headers, read before. Requests that look
        alike to it get one value: a capture holds thousands of few kinds."""
        if self._redirects.led_to(exchange.url) or _is_navigation(exchange, request):
            return self._find(exchange, request)
        target = urls.parse(exchange.url)
        key = (
            self._end(exchange),
            exchange.page_ref,
            exchange.frame_ref,
            exchange.initiator.urls,
            request.site,
            request.origin,
            request.referer,
            target and target.origin,
            len(self._stylesheets),
            len(self._scripts),
        )
        issuer = self._found.get(key)
        if issuer is None:
            issuer = self._found[key] = self._find(exchange, request)
        return issuer

    def _find(self, exchange: Exchange, request: Request) -> Issuer:
        hops, first = self._redirects.hops(exchange)
        navigation = _is_navigation(exchange, request)
        initiators = exchange.initiator.urls
        document, known_by = self._document(exchange, request, initiators, navigation)
        return Issuer(
            document=document,
            known_by=known_by,
            blob_worker=any(url.startswith("blob:") for url in initiators[:1]),
            stylesheets=self._possible_stylesheets(exchange, initiators),
            hops=hops,
            first_url=first if hops else "",
            is_navigation=navigation,
            service_workers=self._service_workers,
            worker_scripts=self._worker_scripts(exchange, initiators),
            srcdoc="about:srcdoc" in initiators[:1],
            page_came_from_elsewhere=document is None and self._page_came_from_elsewhere,
        )

    def _worker_scripts(self, exchange: Exchange, initiators: tuple[str, ...]) -> tuple[Hop, ...]:
        """The script that made a request outside of every page (Chrome's export gives no page
        reference to a worker's requests), else every script that was loaded as a worker."""
        if not initiators:
            return self._network_workers
        script = self._scripts.get(initiators[0])
        return (with_policy(script),) if script and not exchange.page_ref else ()

    @functools.cached_property
    def _network_workers(self) -> tuple[Hop, ...]:
        return tuple(
            with_policy(script)
            for script in self._workers.values()
            if read_request(script).dest in {"worker", "sharedworker"}
        )

    @functools.cached_property
    def _service_workers(self) -> tuple[str, ...]:
        return tuple(url for url, script in self._workers.items() if _is_service_worker(script))

    def _document(
        self,
        exchange: Exchange,
        request: Request,
        initiators: tuple[str, ...],
        navigation: bool,
    ) -> tuple[Document | None, str]:
        if navigation and request.site == "none":
            return None, "it was opened by hand: Sec-Fetch-Site is none"
        # An extension's or data: script in the stack of a page that is there proves nothing.
        page_is_there = exchange.page_ref != "" and exchange.page_ref in self._orders
        if initiators and not page_is_there and all(map(_is_local_page, initiators)):
            url = initiators[-1]
            return Document(url), f"its initiator is {url.partition(':')[0]}:"
        if request.origin and request.origin != "null":
            scheme = request.origin.partition(":")[0] + ":"
            if scheme in _LOCAL_PAGES:
                return Document(request.origin + "/"), "its Origin header"
        candidates, known_by = self._candidates(exchange, request, navigation)
        narrowings = (
            ("the capture's frame reference", narrowing.by_frame(exchange)),
            ("its initiator", narrowing.by_initiator(initiators)),
            ("its Sec-Fetch-Site header", narrowing.by_site(exchange, request)),
            ("its Origin header", narrowing.by_origin(request)),
            ("its Referer", narrowing.by_referer(request)),
        )
        for how, keep in narrowings:
            if keep is None or not candidates:
                continue
            kept = [document for document in candidates if keep(document)]
            if kept and len(kept) < len(candidates):
                candidates, known_by = kept, how
            elif not kept and how in _DECISIVE and not request.origin_is_opaque:
                candidates = []
        if candidates:
            return candidates[-1], known_by
        return self._unseen(exchange, request)

    def _end(self, exchange: Exchange) -> int:
        """How many documents came before an exchange."""
        if exchange.started is None:
            return len(self.documents)
        return bisect.bisect_right(self._starts, exchange.started)

    def _candidates(
        self, exchange: Exchange, request: Request, navigation: bool
    ) -> tuple[list[Document], str]:
        """The documents that may have asked, by page reference and time, and how that is known."""
        end = self._end(exchange)
        known_by = "the last document before it"
        order = self._orders[""]
        if exchange.page_ref and not self._opens_a_page(exchange, request, navigation):
            of_page = self._orders.get(exchange.page_ref)
            if of_page is not None:
                if len(of_page.all) < len(order.all):
                    known_by = "the capture's page reference"
                end = max(end, of_page.all[0] + 1)  # a reference is better proof than a clock
                order = of_page
            elif not request.origin_is_opaque:
                return [], known_by
        documents = [self.documents[place] for place in order.before(end)]
        return [d for d in documents if d.exchange is not exchange], known_by

    def _opens_a_page(self, exchange: Exchange, request: Request, navigation: bool) -> bool:
        """Whether an exchange is the navigation that begins the page whose reference it has: its
        issuer is the page before."""
        if not navigation or request.dest in {"iframe", "frame", "object", "embed"}:
            return False
        order = self._orders.get(exchange.page_ref)
        if order is None or request.dest == "document":
            return True
        return self.documents[order.all[0]].exchange is exchange

    def _unseen(self, exchange: Exchange, request: Request) -> tuple[Document | None, str]:
        """A page that the capture names without holding its response."""
        page = self._listed.get(exchange.page_ref)
        if page is None and len(self.capture.pages) == 1:
            page = self.capture.pages[0]
        if page is not None and is_page_url(page.title):
            return Document(page.title), "the capture's list of pages"
        if request.origin and request.origin != "null":
            return Document(request.origin + "/"), "its Origin header"
        for page in self.capture.pages:
            if page.title.startswith(_LOCAL_PAGES) and is_page_url(page.title):
                return Document(page.title), "the capture's list of pages"
        origin = referer_origin(request.referer)
        if origin and request.referer and request.site != "same-origin":
            return Document(request.referer), "its Referer alone"
        return None, ""

    def _possible_stylesheets(
        self, exchange: Exchange, initiators: tuple[str, ...]
    ) -> tuple[str, ...]:
        if initiators:
            return tuple(url for url in initiators if url in self._stylesheets)
        if exchange.page_ref not in self._sheets_of:
            self._sheets_of[exchange.page_ref] = tuple(
                url
                for url, page_ref in self._stylesheets.items()
                if exchange.page_ref in {"", page_ref}
            )
        return self._sheets_of[exchange.page_ref]


#: A page may hold hundreds of frames of advertisers: asking each of them about each request would
#: take time in their product.
_MOST_CANDIDATES = 64
_MOST_PAGES = 16


class _Order:
    """Places of documents in order of time: all, and those that are pages and no frames."""

    def __init__(self) -> None:
        self.all: list[int] = []
        self._pages: list[int] = []

    def add(self, place: int, *, is_page: bool) -> None:
        self.all.append(place)
        if is_page:
            self._pages.append(place)

    def before(self, end: int) -> list[int]:
        """The last of them before a place, frames as well as the pages that hold them."""
        last = self.all[: bisect.bisect_left(self.all, end)][-_MOST_CANDIDATES:]
        pages = self._pages[: bisect.bisect_left(self._pages, end)][-_MOST_PAGES:]
        return sorted({*last, *pages})


#: Where one of these contradicts every candidate, none of the candidates is the issuer.
_DECISIVE = frozenset({"its Origin header"})


def _address(url: str) -> str:
    return url.partition("#")[0]


def _same_page(a: Exchange | None, b: Exchange) -> bool:
    return a is None or not a.page_ref or not b.page_ref or a.page_ref == b.page_ref


def _is_local_page(url: str) -> bool:
    return url.startswith(_LOCAL_PAGES)


def is_page_url(title: str) -> bool:
    """Whether a page's title is its URL, as Chrome writes; `Shop: home` would parse as one too."""
    if any(character.isspace() for character in title):
        return False
    return (
        title.startswith(("http://", "https://", *_LOCAL_PAGES)) and urls.parse(title) is not None
    )


def _runs_apart(script: Exchange) -> bool:
    """Whether a script was fetched to run as a worker of any kind."""
    headers = script.request_headers
    destination = (headers.get("sec-fetch-dest") or "").lower()
    return destination in {"worker", "sharedworker"} or headers.get("service-worker") == "script"


def _is_service_worker(script: Exchange) -> bool:
    return script.request_headers.get("service-worker") == "script"
