"""Which version of the map library a capture shows, and what the page's scripts ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import msgspec

from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Exchange
from diagnostics.provider.profile import Library, Profile

_BANNER_LENGTH = 2000
_SCRIPT_POLICY = re.compile(r"""referrer_?policy["']?\s*[:=]\s*["']([a-z-]{4,40})["']""", re.I)
_SCRIPT_LENGTH = 2_000_000


class LibraryVersion(msgspec.Struct, frozen=True):
    """A version as numbers, and where it shows."""

    version: tuple[int, ...]
    where: str

    @property
    def text(self) -> str:
        return ".".join(map(str, self.version))

    def before(self, version: str) -> bool:
        return self.version < numbers(version)


def numbers(version: str) -> tuple[int, ...]:
    """`3.9.0` as (3, 9, 0); a part that is no number ends it."""
    parts = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    return tuple(int(part) for part in parts[0].split(".")) if parts else ()


def shows_version(url: str) -> bool:
    """Whether a request to this URL may show the library's version, whatever it returns."""
    return "sdk=js-" in url or "/events/v2" in url or ("mapbox-gl" in url and ".js" in url)


def library_versions(exchanges: Iterable[Exchange], profile: Profile) -> dict[str, LibraryVersion]:
    """The library's version by page reference; "" holds for requests of other pages too where
    the whole capture shows just one."""
    found: dict[str, LibraryVersion] = {}
    for exchange in exchanges:
        version = _version(exchange, profile.library)
        if version is not None:
            found.setdefault(exchange.page_ref, version)
    return _with_the_only_one(found)


def _with_the_only_one(found: dict[str, LibraryVersion]) -> dict[str, LibraryVersion]:
    if len({version.version for version in found.values()}) == 1:
        found.setdefault("", next(iter(found.values())))
    return found


def versions_in_markup(
    documents: Iterable[Document], profile: Profile
) -> dict[str, LibraryVersion]:
    """The same by the scripts that pages name, for captures without the scripts themselves: a
    browser that has them in its cache may leave them out."""
    found: dict[str, LibraryVersion] = {}
    for document in documents:
        for script in document.markup.scripts if document.markup is not None else ():
            hit = re.search(profile.library.version_in_script, script.url)
            if hit is not None and numbers(hit[1]) and document.exchange is not None:
                version = LibraryVersion(numbers(hit[1]), f"{document.where}, markup")
                found.setdefault(document.exchange.page_ref, version)
    return _with_the_only_one(found)


def _version(exchange: Exchange, library: Library) -> LibraryVersion | None:
    url = exchange.url
    hit = None
    if "sdk=js-" in url:
        hit = re.search(library.version_in_url, url)
    elif "mapbox-gl" in url and ".js" in url:
        hit = re.search(library.version_in_script, url)
        if hit is None:
            hit = re.search(library.version_in_banner, (exchange.body or "")[:_BANNER_LENGTH], re.S)
    elif "/events/v2" in url:
        return _telemetry_version(exchange)
    elif "javascript" in exchange.mime_type:
        body = exchange.body or ""
        hit = re.search(library.version_in_banner, body[:_BANNER_LENGTH], re.S)
    if hit is None or not numbers(hit[1]):
        return None
    return LibraryVersion(numbers(hit[1]), exchange.where)


def _telemetry_version(exchange: Exchange) -> LibraryVersion | None:
    """GL JS posts its own version with its first event: `sdkIdentifier`, `sdkVersion`."""
    try:
        events = json.loads(exchange.request_body or "null")
    except (ValueError, RecursionError):
        return None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("sdkIdentifier") == "mapbox-gl-js":
            version = numbers(str(event.get("sdkVersion")))
            return LibraryVersion(version, exchange.where) if version else None
    return None


def script_policies(scripts: Iterable[str]) -> tuple[str, ...]:
    """Values of `referrerPolicy` options in scripts' text, each once, in order: what Leaflet,
    OpenLayers, transformRequest and fetch take as a request's own policy."""
    found: dict[str, None] = {}
    for text in scripts:
        for hit in _SCRIPT_POLICY.finditer(text[:_SCRIPT_LENGTH]):
            found.setdefault(hit[1].lower())
    return tuple(found)
