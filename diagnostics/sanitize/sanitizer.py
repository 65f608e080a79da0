"""From a capture to one that can be shared: what a diagnosis reads stays, and nothing else.

Each exchange is made anew from what the readers read of it. Exchanges keep their places, what
could not be read stays unreadable at its place, and everything that is written is looked at once
more for what has the shape of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from diagnostics.capture.document import is_document
from diagnostics.capture.exchange import (
    Capture,
    DecodedParts,
    Exchange,
    Headers,
    Initiator,
    Outcome,
    Page,
)
from diagnostics.journey.told import Told
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.bodies import Bodies
from diagnostics.sanitize.census import Census
from diagnostics.sanitize.fields import Fields, media_type
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.lastlook import LastLook
from diagnostics.sanitize.standins import StandIns, Tally

_HTTP_VERSION = re.compile(r"(?:http/?|h)[ ]?\d(?:\.\d)?", re.IGNORECASE)
_INITIATORS = frozenset({"parser", "script", "preload", "preflight", "other", "SignedExchange"})


class Sanitizer:
    """Cleans one capture. `keep` are allowed URLs that the user told, whose paths are no secret;
    with `named` the names of accounts and the ids of tokens and styles stay.

    `exchanges()` is to be run through before `tally` and `told()` are asked.
    """

    def __init__(self, capture: Capture, keep: Sequence[str] = (), *, named: bool = False) -> None:
        self.capture = capture
        self.tally = Tally()
        self._standins = StandIns(self.tally, named=named)
        self._addresses = Addresses(self._standins, keep)
        self._fields = Fields(self._standins, self._addresses)
        self._bodies = Bodies(
            self._standins,
            self._addresses,
            assumes_refusal=capture.exporter.startswith("curl"),
        )
        self._census = Census(self.tally)
        self._look = LastLook(self._standins, keep)
        self.pages = tuple(map(self._page, capture.pages))

    def exchanges(self) -> Iterator[Exchange | None]:
        """The exchanges at their places; None where something was that could not be read."""
        place = 0
        skipped = {skip.index for skip in self.capture.skipped}
        for exchange in self.capture.exchanges:
            yield from (None for _ in range(place, exchange.index))
            place = exchange.index + 1
            yield self.exchange(exchange)
        last = max((index for index in skipped if index is not None), default=-1)
        yield from (None for _ in range(place, last + 1))

    def exchange(self, exchange: Exchange) -> Exchange:
        """One exchange without its secrets."""
        self._census.take(exchange)
        look, address = self._look.at, self._addresses.clean
        status = exchange.status
        url = look(address(exchange.url))
        body, request_body = self._bodies.response(exchange), self._bodies.request(exchange)
        sent = self._looked(self._fields.request(exchange.request_headers))
        received = self._looked(
            self._fields.response(
                exchange.response_headers, exchange.url, of_document=is_document(exchange)
            )
        )
        shown_body = None if body is None else look(body)
        redirect = exchange.redirect_url
        return Exchange(
            source=exchange.source,
            index=exchange.index,
            method=exchange.method if exchange.method in kept().methods else "OTHER",
            url=url,
            started=exchange.started,
            status=status,
            outcome=exchange.outcome,
            reason=failure(exchange),
            http_version=exchange.http_version
            if _HTTP_VERSION.fullmatch(exchange.http_version)
            else "",
            resource_type=_resource_type(exchange.resource_type),
            mime_type=media_type(exchange.mime_type),
            page_ref=self._standins.reference("page", exchange.page_ref),
            frame_ref=self._standins.reference("frame", exchange.frame_ref),
            redirect_url=look(self._addresses.relative(exchange.url, redirect)) if redirect else "",
            via_service_worker=exchange.via_service_worker,
            parts=DecodedParts(
                request_headers=sent,
                response_headers=received,
                body=lambda: shown_body,
                request_body=lambda: request_body,
                initiator=self._initiator(exchange.initiator),
            ),
        )

    def told(self, told: Told) -> Told:
        """What the user told about tokens, told about their stand-ins."""
        ids = self._standins.token_ids
        return Told(
            told.everywhere, {ids.get(one, one): allowed for one, allowed in told.by_id.items()}
        )

    def _looked(self, headers: Headers) -> Headers:
        return Headers((name, self._look.at(value)) for name, value in headers)

    def _initiator(self, initiator: Initiator) -> Initiator:
        kind = initiator.kind
        return Initiator(
            kind if kind in _INITIATORS or not kind else "other",
            tuple(self._look.at(self._addresses.clean(url)) for url in initiator.urls),
        )

    def _page(self, page: Page) -> Page:
        from diagnostics.capture.issuer import is_page_url

        title = page.title
        if title and not is_page_url(title):
            self.tally.removed["page titles"] += 1
            title = ""
        return Page(
            self._standins.reference("page", page.id),
            self._look.at(self._addresses.clean(title)) if title else "",
            page.started,
        )


def sanitized(capture: Capture, keep: Sequence[str] = ()) -> tuple[Capture, Tally]:
    """A whole capture cleaned in memory, with what was taken out; for what makes other files of
    a capture than a capture."""
    sanitizer = Sanitizer(capture, keep)
    exchanges = tuple(one for one in sanitizer.exchanges() if one is not None)
    clean = msgspec.structs.replace(capture, exchanges=exchanges, pages=sanitizer.pages)
    return clean, sanitizer.tally


def failure(exchange: Exchange) -> str:
    """The reason of a failure in words that stand for its kind."""
    reason = exchange.reason
    if not reason or re.fullmatch(kept().failures, reason):
        return reason
    if "BLOCKED_BY_CLIENT" in reason.upper() or "BLOCKEDBYCLIENT" in reason.upper():
        return "net::ERR_BLOCKED_BY_CLIENT"
    return "blocked" if exchange.outcome is Outcome.BLOCKED else "failed"


def _resource_type(text: str) -> str:
    return text if not text or text.lower() in kept().resource_types else "other"
