"""What a request's own headers say about who sent it, read once and kept small."""

from __future__ import annotations

import functools

import msgspec

from diagnostics.browser import url as urls
from diagnostics.browser.client import Client, of_engine, recognise
from diagnostics.capture.exchange import Capture, Exchange, Headers
from diagnostics.capture.redacted import is_redacted

#: Fields that Chromium adds after the point where a blocked or cached request's provisional
#: headers are taken; one of them means that the list is what really went out.
_FINAL_FIELDS = ("host", "accept", "sec-fetch-mode", "sec-fetch-site", "accept-encoding")


class Request(msgspec.Struct, frozen=True):
    """A request's own testimony. `headers_final` is False where the capture holds provisional
    headers, whose silence about a Referer proves nothing. `origin` is the Origin header
    (`null` for an opaque origin); `site`, `dest` and `mode` are the Sec-Fetch-* values, "" where
    absent."""

    referer: str | None
    origin: str | None
    site: str
    dest: str
    mode: str
    user: bool
    client: Client
    headers_final: bool

    @property
    def origin_is_opaque(self) -> bool:
        return self.origin == "null"


def read_request(exchange: Exchange, capture: Capture | None = None) -> Request:
    """The testimony of one exchange's request headers; `capture` is where it was seen."""
    engine, final = (capture.engine, capture.on_the_wire) if capture else ("", False)
    return from_headers(exchange.request_headers, engine, final)


def from_headers(headers: Headers, engine: str = "", final: bool = False) -> Request:
    """The same from the headers; a request without a User-Agent is that of the `engine`, if one
    is known, and `final` headers are what was sent. What another tool has redacted is unknown; with
    a redacted Referer nobody can tell whether one was sent."""
    fields = {name.lower(): value for name, value in reversed(headers.pairs)}  # the first counts
    referer = fields.get("referer") or None  # exporters write an empty one for none
    agent, origin = fields.get("user-agent"), fields.get("origin")
    unknown = is_redacted(referer)
    return _request(
        None if unknown else referer,
        None if is_redacted(origin) else origin,
        fields.get("sec-fetch-site", "").lower(),
        fields.get("sec-fetch-dest", "").lower(),
        fields.get("sec-fetch-mode", "").lower(),
        fields.get("sec-fetch-user") == "?1",
        of_engine(engine) if agent is None or is_redacted(agent) else recognise(agent),
        not unknown and (final or any(name in fields for name in _FINAL_FIELDS)),
    )


@functools.lru_cache(maxsize=1024)
def _request(
    referer: str | None,
    origin: str | None,
    site: str,
    dest: str,
    mode: str,
    user: bool,
    client: Client,
    headers_final: bool,
) -> Request:
    """One value for all requests that testify the same: a capture holds thousands of few kinds."""
    return Request(referer, origin, site, dest, mode, user, client, headers_final)


def referer_origin(referer: str | None) -> str | None:
    """The origin of a Referer, None for no Referer or one that is no http(s) URL."""
    url = urls.parse(referer) if referer else None
    return url.origin if url is not None and url.scheme in {"http", "https"} else None
