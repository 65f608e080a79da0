"""Which documents fit one testimony of a request? Asked by `issuer`, testimony by testimony.

Each function is a filter for documents, or None where the request does not have that testimony.
"""

from __future__ import annotations

from collections.abc import Callable

from diagnostics.browser import url as urls
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Exchange
from diagnostics.capture.request import Request, referer_origin

Keep = Callable[[Document], bool]

_NOWHERE = urls.Url("", "", "", None, "", "", "", "null")


def by_frame(exchange: Exchange) -> Keep | None:
    """Documents in the frame that the capture refers to."""
    if not exchange.frame_ref:
        return None
    return lambda d: d.exchange is not None and d.exchange.frame_ref == exchange.frame_ref


def by_initiator(initiators: tuple[str, ...]) -> Keep | None:
    """Documents that the initiator names, or that are of an origin that it names."""
    if not initiators:
        return None
    origins = {
        parsed.origin for parsed in map(urls.parse, initiators) if parsed and parsed.host
    } | {
        inner.origin
        for inner in (urls.parse(url.removeprefix("blob:")) for url in initiators)
        if inner
    }
    addresses = {url.partition("#")[0] for url in initiators}
    return lambda d: d.url in addresses or (urls.parse(d.url) or _NOWHERE).origin in origins


def by_site(exchange: Exchange, request: Request) -> Keep | None:
    """Documents from which this target is what Sec-Fetch-Site says (Fetch Metadata, 2.3)."""
    target = urls.parse(exchange.url)
    if target is None or request.site not in {"same-origin", "same-site", "cross-site"}:
        return None

    def fits(document: Document) -> bool:
        page = urls.parse(document.url)
        if page is None or document.origin_is_opaque:
            return request.site == "cross-site"
        if urls.same_origin(page, target):
            return request.site == "same-origin"
        return request.site == ("same-site" if urls.same_site(page, target) else "cross-site")

    return fits


def by_origin(request: Request) -> Keep | None:
    """Documents that would send this Origin header."""
    if not request.origin:
        return None
    if request.origin == "null":
        return lambda d: d.origin_is_opaque or _holds_sandboxed_frame(d)
    return lambda d: (urls.parse(d.url) or _NOWHERE).origin == request.origin


def by_referer(request: Request) -> Keep | None:
    """Documents of the Referer's origin."""
    origin = referer_origin(request.referer)
    if origin is None:
        return None
    return lambda d: (urls.parse(d.url) or _NOWHERE).origin == origin


def _holds_sandboxed_frame(document: Document) -> bool:
    return any(
        frame.sandbox is not None and "allow-same-origin" not in frame.sandbox
        for frame in (document.markup.frames if document.markup else ())
    )
