"""One exchange type for everything that a capture can hold.

Readers (`har`, `flowfile`, `curl`) make exchanges; everything after them reads exchanges only.
What costs time or memory to decode (headers, bodies, initiators) is decoded when it is asked for
and not kept: a large HAR holds thousands of entries of which a diagnosis needs a few fields each.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

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

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: Pairs = tuple(pairs)

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


class Parts(Protocol):
    """The parts of an exchange that cost time or memory to decode; each call may decode anew."""

    def request_headers(self) -> Headers: ...

    def response_headers(self) -> Headers: ...

    def body(self) -> str | None: ...

    def request_body(self) -> str | None: ...

    def initiator(self) -> Initiator: ...


class DecodedParts:
    """Parts that a reader has at hand, with bodies behind functions where they are large."""

    __slots__ = ("_body", "_initiator", "_request_body", "_request_headers", "_response_headers")

    def __init__(
        self,
        request_headers: Headers = Headers(),  # noqa: B008 (immutable)
        response_headers: Headers = Headers(),  # noqa: B008
        body: Callable[[], str | None] = lambda: None,
        request_body: Callable[[], str | None] = lambda: None,
        initiator: Initiator = Initiator(),  # noqa: B008
    ) -> None:
        self._request_headers = request_headers
        self._response_headers = response_headers
        self._body = body
        self._request_body = request_body
        self._initiator = initiator

    def request_headers(self) -> Headers:
        return self._request_headers

    def response_headers(self) -> Headers:
        return self._response_headers

    def body(self) -> str | None:
        return self._body()

    def request_body(self) -> str | None:
        return self._request_body()

    def initiator(self) -> Initiator:
        return self._initiator


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
    http_version: str = ""
    resource_type: str = ""
    mime_type: str = ""
    page_ref: str = ""
    frame_ref: str = ""
    redirect_url: str = ""
    via_service_worker: bool = False
    parts: Parts = DecodedParts()

    @property
    def request_headers(self) -> Headers:
        return self.parts.request_headers()

    @property
    def response_headers(self) -> Headers:
        return self.parts.response_headers()

    @property
    def body(self) -> str | None:
        """The decoded response body as text; None where the capture has none."""
        return self.parts.body()

    @property
    def request_body(self) -> str | None:
        return self.parts.request_body()

    @property
    def initiator(self) -> Initiator:
        return self.parts.initiator()

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
    a capture cannot show. `engine` is the browser's where one wrote of its own traffic, and
    `on_the_wire` says that headers are what was sent, never provisional.
    """

    file: str
    exporter: str
    exchanges: tuple[Exchange, ...]
    pages: tuple[Page, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    blind_spots: tuple[str, ...] = ()
    engine: str = ""
    on_the_wire: bool = False


class CaptureError(Exception):
    """A file that cannot be read as a capture at all; the message is one line for a person."""
