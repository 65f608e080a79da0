"""Does a document's own markup make its requests when it is served again?

It does where it is in the capture as a whole, and where each of its requests comes from what is in
the capture too, or from a map library whose version is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Context
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Exchange
from diagnostics.reproduce import asked as asking
from diagnostics.reproduce import sites as siting
from diagnostics.reproduce.asked import Asked

_TAG = re.compile(r"<(?:script|link)\b[^<>]{0,4000}>", re.IGNORECASE)
_GLOBALS = re.compile(r"\bmapboxgl\b|\bL\s{0,9}\.\s{0,9}(?:map|tileLayer|mapbox)\b")
#: Answers to one address that are looked at for one with a body.
_SAME_ADDRESS = 4


class Index:
    """The exchanges of captures by their addresses."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._found: dict[str, list[Exchange]] = {}
        for exchange in exchanges:
            same = self._found.setdefault(exchange.url, [])
            if len(same) < _SAME_ADDRESS:
                same.append(exchange)

    def get(self, address: str) -> Exchange | None:
        """The exchange of an address, if there is one; one with a body where there are several."""
        same = self._found.get(address, ())
        return next((e for e in same if e.body), same[0] if same else None)


def can_run(
    document: Document,
    own: Sequence[Asked],
    index: Index,
    library: str,
) -> bool:
    """Whether a document's own markup makes the requests that it made; `index` are the captures,
    `library` is the map library that a ticket can serve."""
    exchange, markup = document.exchange, document.markup
    if exchange is None or markup is None or markup.is_cut or not siting.is_complete(exchange):
        return False
    if any(asking.policy_is_unread(one) for one in own):
        return False
    body = exchange.body or ""
    inline = _TAG.sub(_without_source, body)
    text = inline
    scripts = [index.get(s.url) for s in markup.scripts]
    foreign = [
        s
        for s, script in zip(scripts, markup.scripts, strict=True)
        if not siting.is_public_library(script.url) and not siting.library_file(script.url, library)
    ]
    whole = all(s is not None and siting.is_complete(s) for s in foreign)
    if whole:
        text += "".join(s.body or "" for s in foreign if s is not None)
    if _GLOBALS.search(inline) and len(foreign) == len(scripts) and not whole:
        return False  # the library is inside of a script that the capture lacks
    return all(_says(one, text, index) for one in own)


def _says(one: Asked, text: str, index: Index) -> bool:
    """Whether a page's text holds what leads to this request."""
    where = asking.context(one)
    if where in {Context.NETWORK_WORKER, Context.STYLESHEET}:
        source = sheet_of(one) if where is Context.STYLESHEET else ""
        return not source or index.get(source) is not None
    if where is Context.SANDBOXED and "sandbox" not in text and "data:" not in text:
        return False
    target = urls.parse(one.case.issuer.first_url or one.exchange.url)
    token = one.case.token
    return bool(
        (target is not None and target.host in text)
        or (token is not None and token.text and token.text in text)
        or "mapbox://" in text
        or (one.kind == "telemetry" or ".tiles." in (target.host if target else ""))
    )


def _without_source(tag: re.Match[str]) -> str:
    """Nothing of an element that only names another file; a script of its own stays."""
    text = tag[0].lower()
    return "" if text.startswith("<link") or "src" in text else tag[0]


def sheet_of(one: Asked) -> str:
    """The stylesheet that asked."""
    situation = one.situation
    if situation is not None and situation.context is Context.STYLESHEET:
        return situation.page
    referer = urls.parse(one.request.referer or "")
    if referer is None:
        return "https://styles.example/site.css"
    return referer.href if referer.path != "/" else f"{referer.origin}/site.css"
