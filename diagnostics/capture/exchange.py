"""One exchange type for everything that a capture can hold.

Readers (`har`, `flowfile`, `curl`) make exchanges; everything after them reads exchanges only.
What costs time or memory to decode (headers, bodies, initiators) is decoded when it is first
asked for: a large HAR holds thousands of entries of which a diagnosis needs a few fields each.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator

import msgspec

Pairs = tuple[tuple[str, str], ...]


class Outcome(enum.StrEnum):
    """What became of a request, in one vocabulary for every exporter."""

    ANSWERED = "answered"  # a response came over the network
    CACHED = "cached"  # a response came from a cache of the browser
    BLOCKED = "blocked"  # the browser refused to send it (CSP, mixed content, extension)
    FAILED = "failed"  # it was sent or tried, and no response came
    UNKNOWN = "unknown"  # the capture does not say


class Headers:
    """Header fields as ordered (name, value) pairs; names compare without case, duplicates stay.

    HTTP allows a field to be repeated and gives the order a meaning (RFC 9110, 5.3), so a dict
    would lose what a diagnosis needs: two `Referrer-Policy` lines are not one.
    """

    __slots__ = ("_pairs", "_source")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs: Pairs | None = tuple(pairs)
        self._source: Callable[[], Iterable[tuple[str, str]]] | None = None

    @classmethod
    def deferred(cls, source: Callable[[], Iterable[tuple[str, str]]]) -> Headers:
        """Headers whose pairs `source` gives when first needed; it must not raise."""
        headers = cls.__new__(cls)
        headers._pairs = None
        headers._source = source
        return headers

    @property
    def pairs(self) -> Pairs:
        if self._pairs is None:
            assert self._source is not None
            self._pairs = tuple(self._source())
            self._source = None
        return self._pairs

    def get(self, name: str) -> str | None:
        """The first value of the field, or None where it is absent."""
        wanted = name.lower()
        for field, value in self.pairs:
            if field.lower() == wanted:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """Every value of the field, in order."""
        wanted = name.lower()
        return [value for field, value in self.pairs if field.lower() == wanted]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Headers({list(self.pairs)!r})"


class Initiator(msgspec.Struct, frozen=True):
    """What the exporter says caused the request: its kind and the script or document URLs.

    `urls` runs from the innermost stack frame outwards; a `blob:` URL among them means a worker
    or script made at run time.
    """

    kind: str = ""
    urls: tuple[str, ...] = ()


NO_INITIATOR = Initiator()


def _nothing() -> str | None:
    return None


def _no_initiator() -> Initiator:
    return NO_INITIATOR


class Exchange(msgspec.Struct, frozen=True, eq=False):
    """One request and what came back.

    `index` is its position in the file, from 0. `started` is in seconds since the epoch, None
    where the capture has no usable time. `status` is None unless an answer is known. `reason` is
    the exporter's own word on a failure. `http_version` is as the capture spells it.
    `resource_type` uses the browser's words (document, iframe, script, stylesheet, image, fetch,
    xhr, worker, ...; empty where unknown).
    """

    source: str
    index: int
    method: str
    url: str
    started: float | None = None
    status: int | None = None
    outcome: Outcome = Outcome.UNKNOWN
    reason: str = ""
    request_headers: Headers = Headers()
    response_headers: Headers = Headers()
    http_version: str = ""
    resource_type: str = ""
    mime_type: str = ""
    page_ref: str = ""
    frame_ref: str = ""
    redirect_url: str = ""
    via_service_worker: bool = False
    read_body: Callable[[], str | None] = _nothing
    read_request_body: Callable[[], str | None] = _nothing
    read_initiator: Callable[[], Initiator] = _no_initiator

    @property
    def body(self) -> str | None:
        """The decoded response body as text; None where the capture has none."""
        return self.read_body()

    @property
    def initiator(self) -> Initiator:
        return self.read_initiator()

    @property
    def referer(self) -> str | None:
        """The Referer that was sent; None for none. Exporters write an empty one for none."""
        return self.request_headers.get("referer") or None

    @property
    def where(self) -> str:
        """A short name of the place, for messages: `ticket.har entry 12`."""
        return f"{self.source} entry {self.index}"


class Skipped(msgspec.Struct, frozen=True):
    """A part of a capture that could not be read, and why; the rest is still diagnosed."""

    file: str
    index: int | None
    reason: str


class Page(msgspec.Struct, frozen=True):
    """A page of a HAR: its id, its title (Chrome and Edge write the page's URL) and its start."""

    id: str
    title: str = ""
    started: float | None = None


class Capture(msgspec.Struct, frozen=True):
    """What one file held.

    `exporter` is a word for the program that wrote it: `Chrome DevTools`, `Firefox`, `Safari`,
    `Playwright`, `mitmproxy`, `curl command`, ... `blind_spots` are sentences that say what such
    a capture cannot show.
    """

    file: str
    exporter: str
    exchanges: tuple[Exchange, ...]
    pages: tuple[Page, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    blind_spots: tuple[str, ...] = ()


class CaptureError(Exception):
    """A file that cannot be read as a capture at all; the message is one line for a person."""
