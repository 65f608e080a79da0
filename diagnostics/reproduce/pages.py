"""Which pages does a ticket open, and what do they hold? Real markup where it can run, else a
skeleton that makes the same kinds of requests.

Markup can run where it is in the capture and where every request to the provider comes from what
is in the capture too, or from a map library whose version is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Context, Means
from diagnostics.capture.document import Document
from diagnostics.journey.traffic import CaptureTraffic
from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import asked as asking
from diagnostics.reproduce import page_edits, runnable, skeleton
from diagnostics.reproduce import sites as siting
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Site, library_urls

#: The page of a capture that names none.
UNKNOWN_PAGE = "https://page.example/"
LOCAL_PAGE = "file:///home/user/map.html"
_MOST_PAGES = 6
_MOST_DOCUMENTS = 40
_LOCAL_NAME = re.compile(r"[\w-][\w.-]{0,99}\.html?")
_REGISTERED = re.compile(r"serviceWorker\s{0,9}\.\s{0,9}register\(\s{0,9}[\"']([^\"']{1,400})[\"']")


class Pages(msgspec.Struct):
    """The browser's side of a ticket. `keeps`: it has a service
    worker that keeps answers."""

    visits: list[str] = []
    sites: dict[str, Site] = {}
    notes: list[str] = []
    library: str = ""
    skeleton: bool = False
    keeps: bool = False


class _Builder:
    def __init__(
        self,
        traffic: Sequence[CaptureTraffic],
        asked: Sequence[Asked],
        stand_ins: StandIns,
        unknown_page: str,
    ) -> None:
        self._traffic = traffic
        self._asked = asked
        self._stand_ins = stand_ins
        self._unknown_page = unknown_page
        self.pages = Pages()
        self._of: dict[object, list[Asked]] = {}
        for one in asked:
            if not (one.document is None and one.case.issuer.is_navigation):
                self._of.setdefault(self._page_of(one), []).append(one)
        self._index = runnable.Index(e for part in traffic for e in part.exchanges)
        self._keeping = [a for a in asked if a.stored and a.exchange.via_service_worker]

    def _page_of(self, one: Asked) -> object:
        """A document as a key; pages that the capture lacks are the same by their address."""
        document = one.document
        if document is not None and document.seen:
            return id(document)
        return self._address(one)

    def _address(self, one: Asked) -> str:
        """Where a page lies that the capture lacks; "" where nothing tells."""
        document, cause = one.document, one.cause
        if cause is Cause.LOCAL_PAGE and (document is None or not _is_web(document.url)):
            return LOCAL_PAGE
        if document is None or document.url.startswith("data:"):
            return ""
        if not _is_web(document.url):
            return LOCAL_PAGE
        if cause is Cause.STYLESHEET_REFERER and document.url == one.request.referer:
            return ""
        return document.url.partition("#")[0]

    def build(self) -> Pages:
        for part in self._traffic:
            self._of_part(part)
        for page in [key for key in self._of if isinstance(key, str)]:
            self._unseen(page, self._of[page])
        self._service_workers()
        return self.pages

    def _of_part(self, part: CaptureTraffic) -> None:
        wanted = {hop.url for one in self._asked for hop in one.case.issuer.hops}
        self.pages.sites |= siting.redirects(part, wanted, self._stand_ins)
        if not self.pages.library:
            self.pages.library = siting.library_of(part)
        documents = [d for d in part.issuers.documents if d.exchange is not None]
        involved = [d for d in documents if id(d) in self._of or self._holds(d, documents)]
        if not involved and not self._of:
            involved = documents[:_MOST_PAGES]
        for document in involved[:_MOST_DOCUMENTS]:
            if _is_provider(document, part):
                self._opened(document)
            else:
                self._seen(document, part, [d for d in involved if d.parent is document])

    def _holds(self, document: Document, documents: Iterable[Document]) -> bool:
        """Whether a frame within this document asked."""
        for other in documents:
            above = other.parent
            while above is not None and id(other) in self._of:
                if above is document:
                    return True
                above = above.parent
        return False

    def _opened(self, document: Document) -> None:
        if document.parent is not None:
            return
        address = self._place(document.url)
        if address not in self.pages.visits and len(self.pages.visits) < _MOST_PAGES:
            self.pages.visits.append(address)

    def _place(self, address: str) -> str:
        """The address of a page in the ticket."""
        if address.startswith("file:"):
            name = re.sub(r"[^A-Za-z0-9._-]", "", address.partition("?")[0].rpartition("/")[2])
            plain = _LOCAL_NAME.fullmatch(name := name.lstrip(".-"))
            return f"file:///home/user/{name if plain else 'map.html'}"
        return self._stand_ins.text(address.partition("#")[0]) if _is_web(address) else LOCAL_PAGE

    def _seen(self, document: Document, part: CaptureTraffic, frames: list[Document]) -> None:
        own = self._of.get(id(document), [])
        self._opened(document)
        if runnable.can_run(document, own, self._index, self.pages.library):
            self._real(document, part, frames, own)
        else:
            self._skeleton(document, frames, own)

    def _real(
        self, document: Document, part: CaptureTraffic, frames: list[Document], own: list[Asked]
    ) -> None:
        exchange = document.exchange
        assert exchange is not None
        body = exchange.body or ""
        text = page_edits.without_integrity(self._stand_ins.markup(body))
        present = {f.url for f in document.markup.frames} if document.markup else set()
        missing = [f for f in frames if not {f.url, _first_url(f, part)} & present]
        text += "".join(
            f'\n<iframe{_sandbox(f)} src="{self._place(f.url)}"></iframe>' for f in missing
        )
        fields = siting.headers(exchange.response_headers, self._stand_ins)
        if text != body and siting.names_hashes(fields):
            fields = siting.without_hashes(fields)
            self.pages.notes.append(
                "The Content-Security-Policy names hashes of scripts that hold the token; it lets"
                " inline scripts run instead."
            )
        kind = siting.media_type(document.url, exchange.mime_type)
        self._add(document.url, Site(headers=fields, html=text, type=kind))
        self._scripts(document)
        self._workers(own)
        self._sheets(own)

    def _scripts(self, document: Document) -> None:
        """The scripts and styles of a page that is served as it was."""
        markup = document.markup
        named = [s.url for s in markup.scripts] + [s.url for s in markup.stylesheets]  # type: ignore[union-attr]
        missing = 0
        for address in named:
            file = siting.library_file(address, self.pages.library)
            if siting.is_public_library(address) or self._is_there(address):
                continue
            exchange = self._index.get(address)
            if file:
                self._add(address, Site(library=file))
            elif exchange is not None and siting.is_complete(exchange):
                self._add(address, siting.served(exchange, self._stand_ins))
            elif address.partition("?")[0].endswith(".js"):
                missing += 1
        if missing:
            self.pages.notes.append(
                f"{missing} scripts of the page are not in the capture and are left out."
            )

    def _is_there(self, address: str) -> bool:
        return {siting.key(address), siting.key(address, with_query=True)} & set(
            self.pages.sites
        ) != set()

    def _add(self, address: str, site: Site) -> None:
        place = self._place(address)
        short = siting.key(place)
        if short in self.pages.sites and self.pages.sites[short] != site:
            short = siting.key(place, with_query=True)
        self.pages.sites.setdefault(short, site)

    def _workers(self, own: list[Asked]) -> None:
        """Scripts of workers: as they were, else with the requests that they made."""
        by_source: dict[str, list[Asked]] = {}
        for one in own:
            if source := asking.worker_source(one):
                by_source.setdefault(source, []).append(one)
        for source, made in by_source.items():
            exchange = self._index.get(source)
            if exchange is not None and siting.is_complete(exchange):
                self._add(source, siting.served(exchange, self._stand_ins))
                continue
            text = skeleton.worker(self._part(one) for one in asking.few(made))
            fields = (
                siting.headers(exchange.response_headers, self._stand_ins, for_skeleton=True)
                if exchange is not None
                else {}
            )
            self._add(source, Site(headers=fields, html=text, type="text/javascript"))

    def _sheets(self, own: list[Asked]) -> None:
        """Stylesheets that ask the provider: as they were, else with the requests they made."""
        by_source: dict[str, list[Asked]] = {}
        for one in own:
            if asking.context(one) is Context.STYLESHEET:
                by_source.setdefault(runnable.sheet_of(one), []).append(one)
        for source, made in by_source.items():
            exchange = self._index.get(source)
            if exchange is not None and siting.is_complete(exchange):
                self._add(source, siting.served(exchange, self._stand_ins))
            else:
                text = skeleton.stylesheet(self._part(one) for one in asking.few(made))
                self._add(source, Site(html=text, type="text/css"))

    def _skeleton(self, document: Document, frames: list[Document], own: list[Asked]) -> None:
        exchange, markup = document.exchange, document.markup
        assert exchange is not None
        head = skeleton.Head()
        if markup is not None:
            head = skeleton.Head(
                [meta.content for meta in markup.meta_referrer],
                [self._stand_ins.text(meta.content) for meta in markup.meta_csp],
            )
        fields = siting.headers(exchange.response_headers, self._stand_ins, for_skeleton=True)
        inner = [skeleton.Frame(self._place(f.url), _sandbox_of(f)) for f in frames]
        self._put_skeleton(document.url, own, fields, head, inner)

    def _unseen(self, address: str, own: list[Asked]) -> None:
        """A page that the capture does not hold."""
        place = self._place(address) if address else self._free(self._unknown_page)
        if len(self.pages.visits) >= _MOST_PAGES:
            self.pages.notes.append(f"Left out: the page {siting.key(place)}.")
            return
        if place not in self.pages.visits:
            self.pages.visits.append(place)
        if address == LOCAL_PAGE:
            note = "The page was loaded from a file or inside an app; a file stands for it."
        elif not address:
            note = f"The capture does not show which page asked; {place} stands for it."
        else:
            note = f"The page {siting.key(place)} is not in the capture, only what it asked for."
        self.pages.notes.append(note)
        self._put_skeleton(place, own, {}, skeleton.Head(), [])

    def _free(self, page: str) -> str:
        """An address of `page`'s host where no other page lies."""
        return page if not self._is_there(page) else urls.join(page, "/page") or UNKNOWN_PAGE

    def _put_skeleton(
        self,
        address: str,
        own: list[Asked],
        fields: object,
        head: skeleton.Head,
        frames: list[skeleton.Frame],
    ) -> None:
        chosen = asking.few(one for one in own if not one.case.issuer.is_navigation)
        unread = [one for one in chosen if asking.policy_is_unread(one)]
        everything = bool(unread) and not any(one.request.referer for one in chosen)
        if everything:
            pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)  # type: ignore[call-overload]
            fields = [p for p in pairs if p[0].lower() != "referrer-policy"]
            fields.append(("Referrer-Policy", "no-referrer"))
            self.pages.notes.append(
                "The policy that removes the Referer is not in the capture; the page sends"
                " Referrer-Policy: no-referrer instead."
            )
        elif unread:
            self.pages.notes.append(
                "The policy that removes the Referer of single requests is not in the capture;"
                " those requests ask for no-referrer themselves."
            )
        parts = [
            self._part(one, "no-referrer" if one in unread and not everything else "")
            for one in chosen
        ]
        worker = self._keeping_worker(own)
        text = skeleton.page(parts, frames, head, worker, self._loaded(address, own))
        self.pages.skeleton = True
        self._add(address, Site(headers=fields, html=text, type="text/html"))  # type: ignore[arg-type]
        self._workers(own)
        self._sheets(own)

    def _loaded(self, address: str, own: list[Asked]) -> str:
        """The map library that a skeleton loads, as the page did; its version tells something."""
        public, _ = library_urls(self.pages.library)
        loads = bool(own and public and self._index.get(public) is not None)
        return "{{library}}" if loads or (public and address == LOCAL_PAGE) else ""

    def _part(self, one: Asked, policy: str = "") -> skeleton.Part:
        situation = one.situation
        context = asking.context(one)
        means = situation.means if situation is not None else Means.FETCH
        if asking.is_element(one) and means is Means.FETCH:
            means = Means.ELEMENT
        source = asking.worker_source(one)
        if context is Context.STYLESHEET:
            source = runnable.sheet_of(one)
        method = one.exchange.method
        return skeleton.Part(
            url=self._stand_ins.text(one.case.issuer.first_url or one.exchange.url),
            context=context,
            means=means,
            dest=one.dest,
            policy=policy or (situation.request_policy if situation is not None else ""),
            source=self._stand_ins.text(source),
            names_page=context is Context.BLOB_WORKER_FETCH
            and (situation is None or situation.names_referrer)
            # A page that is no web page has no Referer, whatever its worker names.
            and (one.request.referer is not None or one.cause is Cause.LOCAL_PAGE),
            method=method if method.isascii() and method.isalpha() else "GET",
            body=self._stand_ins.markup(one.exchange.request_body or "")[:2000],
        )

    def _keeping_worker(self, own: list[Asked]) -> str:
        return "/why403-worker.js" if any(one in self._keeping for one in own) else ""

    def _service_workers(self) -> None:
        """The service worker that keeps refusals, where the capture shows that one did."""
        if not self._keeping:
            return
        text = skeleton.keeping_worker(
            dict.fromkeys(self._stand_ins.text(one.path) for one in self._keeping)
        )
        self.pages.keeps = True
        site = Site(html=text, type="text/javascript")
        for page in {self._place(one.document.url) for one in self._keeping if one.document}:
            html = (
                self.pages.sites[siting.key(page)].html
                if siting.key(page) in self.pages.sites
                else ""
            )
            hit = _REGISTERED.search(html)
            address = urls.join(page, hit[1] if hit else "/why403-worker.js")
            if address is not None:
                self.pages.sites.setdefault(siting.key(address), site)
        self.pages.notes.append(
            "The service worker's script is not in the capture; one that keeps every first answer"
            " stands for it."
        )


def build(
    traffic: Sequence[CaptureTraffic],
    asked: Sequence[Asked],
    stand_ins: StandIns,
    unknown_page: str = UNKNOWN_PAGE,
) -> Pages:
    """The pages of a ticket for everything that browsers `asked`. `unknown_page` stands for a
    page that the capture does not name."""
    return _Builder(traffic, asked, stand_ins, unknown_page).build()


def _first_url(document: Document, part: CaptureTraffic) -> str:
    assert document.exchange is not None
    hit = [e.url for e in part.exchanges if e.redirect_url == document.url]
    return hit[-1] if hit else document.url


def _is_web(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _is_provider(document: Document, part: CaptureTraffic) -> bool:
    """Whether the provider itself serves the document, as it does share pages."""
    url = urls.parse(document.url)
    return url is not None and any(one.exchange is document.exchange for one in part.sightings)


def _sandbox_of(document: Document) -> str | None:
    """What the frame's sandbox attribute must be, None for none."""
    above = document.parent
    framed = document.frame_sandboxed and not (above is not None and above.origin_is_opaque)
    return "allow-scripts" if framed else None


def _sandbox(document: Document) -> str:
    value = _sandbox_of(document)
    return f' sandbox="{value}"' if value is not None else ""
