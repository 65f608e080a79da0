"""The provider's requests of one or several captures, with all that a diagnosis asks about them.

This is the one pass over a capture: it finds the requests to provider hosts, reads their headers
once, finds their issuers, and counts what each token was answered.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Capture, Exchange
from diagnostics.capture.issuer import Issuer, Issuers
from diagnostics.capture.redacted import is_redacted
from diagnostics.capture.request import Request, read_request
from diagnostics.journey.contrast import Contrast
from diagnostics.journey.hypothesis import PageScripts
from diagnostics.journey.library import (
    LibraryVersion,
    library_versions,
    script_policies,
    shows_version,
    versions_in_markup,
)
from diagnostics.provider.profile import Endpoint, Profile, profile_for, profiles
from diagnostics.provider.token import Token, decode

#: A curl command holds a request and no answer; whoever pastes one means that it was refused.
_ASSUMED_STATUS = 403
REFUSALS = frozenset({401, 403})


class Sighting(msgspec.Struct, frozen=True, eq=False):
    """One request to a provider."""

    exchange: Exchange
    request: Request
    issuer: Issuer
    profile: Profile
    endpoint: Endpoint | None
    token: Token | None

    @property
    def url(self) -> Url:
        url = urls.parse(self.exchange.url)
        assert url is not None  # it was parsed before, when the sighting was made
        return url

    @property
    def refused(self) -> bool:
        return self.exchange.status in REFUSALS

    @property
    def governed(self) -> bool:
        """Whether allowed URLs govern this kind of request (billable services do, telemetry and
        the library's files do not)."""
        return self.endpoint is None or self.endpoint.restricted


class CaptureTraffic:
    """One capture's provider requests and pages; `add` takes what comes later. What the tokens
    were answered is counted in `contrast`, if one is given."""

    def __init__(self, capture: Capture, contrast: Contrast | None = None) -> None:
        self.capture = capture
        self.exchanges = list(capture.exchanges)
        self.issuers = Issuers(capture)
        self.sightings: list[Sighting] = []
        self._assumes_refusal = capture.exporter.startswith("curl")
        self._sends: dict[object, bool] = {}
        for exchange in capture.exchanges:
            sighting = self._see(exchange)
            if sighting is not None and contrast is not None:
                count(contrast, sighting)

    def add(self, exchange: Exchange) -> Sighting | None:
        """Take note of one more exchange; its sighting if it went to a provider."""
        self.exchanges.append(exchange)
        self.issuers.add(exchange)
        kind = exchange.mime_type
        if "javascript" in kind or "html" in kind or shows_version(exchange.url):
            for name in ("_libraries", "_page_scripts"):
                self.__dict__.pop(name, None)
        return self._see(exchange)

    def _see(self, exchange: Exchange) -> Sighting | None:
        if not any(marker in exchange.url for marker in _markers()):
            return None
        url = urls.parse(exchange.url)
        profile = profile_for(url.host) if url else None
        if url is None or profile is None:
            return None
        if self._assumes_refusal and exchange.status is None:
            exchange = msgspec.structs.replace(exchange, status=_ASSUMED_STATUS)
        request = read_request(exchange, self.capture)
        token = profile.token_in(url.query)
        sighting = Sighting(
            exchange,
            request,
            self.issuers.find(exchange, request),
            profile,
            profile.endpoint(url.path),
            _decode(token) if token is not None else None,
        )
        self.sightings.append(sighting)
        if sighting.governed and request.headers_final:
            page = _page(sighting.issuer.document)
            has = request.referer is not None
            self._sends[page] = self._sends.get(page, False) or has
        return sighting

    def page_sends(self, document: Document | None) -> bool | None:
        """Whether any request of this page that allowed URLs govern carried a Referer."""
        return self._sends.get(_page(document))

    @functools.cached_property
    def _libraries(self) -> dict[str, LibraryVersion]:
        profile = self.sightings[0].profile if self.sightings else profiles()[0]
        shown = library_versions(self.exchanges, profile)
        return shown or versions_in_markup(self.issuers.documents, profile)

    def library(self, exchange: Exchange) -> LibraryVersion | None:
        return self._libraries.get(exchange.page_ref) or self._libraries.get("")

    def loads_library(self, document: Document) -> bool:
        """Whether this page loads the map library; without page references only the one page of
        a capture can be said to."""
        if document.exchange is not None and document.exchange.page_ref:
            return document.exchange.page_ref in self._libraries
        pages = [d for d in self.issuers.documents if d.parent is None]
        return pages == [document] and bool(self._libraries)

    @functools.cached_property
    def libraries(self) -> tuple[LibraryVersion, ...]:
        """Each version of the map library in the capture, once."""
        return tuple({v.version: v for v in self._libraries.values()}.values())

    def scripts(self, document: Document | None, exchange: Exchange) -> PageScripts:
        """What the scripts of a request's page say."""
        inline = document.markup.inline_scripts if document and document.markup else ()
        external = tuple(
            text
            for page_ref, text in self._page_scripts
            if not page_ref or not exchange.page_ref or page_ref == exchange.page_ref
        )
        return PageScripts(_policies_in((*inline, *external)), self.library(exchange))

    @functools.cached_property
    def _page_scripts(self) -> tuple[tuple[str, str], ...]:
        """The sites' own scripts that speak of a referrer policy, with their page reference; map
        libraries are left out, whose code names every policy."""
        found = []
        for exchange in self.exchanges:
            if "javascript" in exchange.mime_type and not any(
                name in exchange.url for name in ("mapbox-gl", "maplibre", "leaflet", "/ol.js")
            ):
                body = exchange.body or ""
                if "referrerPolicy" in body:
                    found.append((exchange.page_ref, body))
        return tuple(found)


def _page(document: Document | None) -> object:
    """A document as a key: one that the capture lacks is made anew for each kind of request, and
    is the same by its address."""
    return document if document is None or document.seen else document.url


def read_traffic(captures: Sequence[Capture]) -> tuple[list[CaptureTraffic], Contrast]:
    """Every capture's traffic, and what each token was answered over all of them."""
    contrast = Contrast()
    return [CaptureTraffic(capture, contrast) for capture in captures], contrast


def count(contrast: Contrast, sighting: Sighting) -> None:
    """Let what one request was answered bear on the verdicts of its token."""
    token = sighting.token
    if token is not None and token.text and sighting.governed and not is_redacted(token.text):
        contrast.add(
            sighting.exchange, sighting.request, token, sighting.url.path, sighting.profile
        )


@functools.lru_cache(maxsize=1)
def _markers() -> tuple[str, ...]:
    """A part of each provider host that a URL must hold, to pass over all others cheaply."""
    found: dict[str, None] = defaultdict()
    for profile in profiles():
        for host in profile.hosts:
            found[".".join(host.split(".")[-2:])] = None
    return tuple(found)


@functools.lru_cache(maxsize=64)
def _policies_in(scripts: tuple[str, ...]) -> tuple[str, ...]:
    return script_policies(scripts)


@functools.lru_cache(maxsize=1024)
def _decode(token: str) -> Token:
    # What another tool has redacted is no malformed token: nothing is known of it.
    return Token(token) if is_redacted(token) else decode(token)
