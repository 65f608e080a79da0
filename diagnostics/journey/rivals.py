"""Which other documents may have issued a request as well?

A capture names one document for a request, often by time alone: a frame that loaded last takes
over what its page asks for, and a proxy sees no tabs. Where another document may be the one, its
policy is tried too, and nothing is certain about the first one's.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import msgspec

from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Exchange
from diagnostics.capture.issuer import Issuer
from diagnostics.capture.request import Request

_BY_ORIGIN = frozenset({"its initiator", "its Origin header", "its Referer"})
_EXACT = frozenset({"the capture's frame reference"})
_MOST = 16


class Rivals(msgspec.Struct, frozen=True, eq=False):
    """`near` are the documents of the same tab that may have issued a request beside the one that
    is named, the latest first; `sure` is whether none that may have, of any tab, sends its
    requests under another policy."""

    near: tuple[Document, ...] = ()
    sure: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        return (self.sure, *map(id, self.near))


_NONE = Rivals()


def find(
    exchange: Exchange, request: Request, issuer: Issuer, documents: Sequence[Document]
) -> Rivals:
    """The rivals of a request's document; `documents` are the capture's by time."""
    named = issuer.document
    if named is None or not named.seen or len(documents) < 2 or issuer.known_by in _EXACT:
        return _NONE
    if named.url in exchange.initiator.urls:
        return _NONE
    near, sure = [], True
    for document in _before(exchange, documents):
        if document is named or document.exchange is exchange:
            continue
        if not _may_be(document, named, exchange, request, issuer):
            continue
        same_tab = _root(document) is _root(named)
        if same_tab:
            near.append(document)
        elif exchange.page_ref:
            continue
        if (document.policy, document.origin_is_opaque) != (named.policy, named.origin_is_opaque):
            sure = False
    return Rivals(tuple(near), sure) if near or not sure else _NONE


def _before(exchange: Exchange, documents: Sequence[Document]) -> Sequence[Document]:
    end = len(documents)
    if exchange.started is not None:
        end = bisect.bisect_right(documents, exchange.started, key=_start)
    return documents[max(0, end - _MOST) : end][::-1]


def _start(document: Document) -> float:
    return (document.exchange.started if document.exchange else None) or 0.0


def _may_be(
    document: Document, named: Document, exchange: Exchange, request: Request, issuer: Issuer
) -> bool:
    if document.exchange is None or document.url == named.url:
        return False
    if exchange.page_ref and document.exchange.page_ref not in {"", exchange.page_ref}:
        return False
    if issuer.known_by in _BY_ORIGIN or request.origin not in {None, "null"}:
        return document.origin == named.origin
    if request.origin == "null" and named.origin_is_opaque:
        return document.origin_is_opaque
    return True


def _root(document: Document) -> Document:
    while document.parent is not None:
        document = document.parent
    return document
