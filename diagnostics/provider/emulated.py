"""What an emulated Mapbox answers: request values in, response values out.

It decides as the documentation says (token, allowed URLs, scopes) and answers in the words that
were observed: the 403 of a restricted token is exactly `{"message":"Forbidden"}` with the header
fields of https://github.com/mapbox/mapbox.js/issues/1343, a missing scope has the text of
https://github.com/mapbox/mapbox-sdk-js/issues/281. What an allowed request gets is the least
that a map library accepts (`emulated_map`). Undocumented allowed-URL questions count as refused.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping, Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Headers, Pairs
from diagnostics.provider import emulated_map, mapbox
from diagnostics.provider.allowed_urls import Decision, decide

API_HOST = "api.mapbox.com"
EVENTS_HOST = "events.mapbox.com"
_TILE_HOST = re.compile(r"[a-d]\.tiles\.mapbox\.com|api\.tiles\.mapbox\.com")


class Request(msgspec.Struct, frozen=True):
    """What arrives at a server."""

    method: str
    url: str
    headers: Headers = Headers()


class Reply(msgspec.Struct, frozen=True):
    """What goes back."""

    status: int
    headers: Pairs = ()
    body: bytes = b""


class Grant(msgspec.Struct, frozen=True):
    """What the service keeps about one token; no allowed URLs mean no restriction."""

    account: str
    allowed: Sequence[str] = ()
    scopes: Sequence[str] = ()
    revoked: bool = False


class _Endpoint(msgspec.Struct, frozen=True):
    pattern: re.Pattern[str]
    content: str
    scope: str | None = None
    cache: str = "max-age=43200,s-maxage=300"


#: Paths, what they hold, and the scope that they need (API overview and the endpoints' pages);
#: cache times of https://docs.mapbox.com/help/dive-deeper/api-caching/. The first match counts.
_ENDPOINTS = tuple(
    _Endpoint(re.compile(pattern), content, scope, cache)
    for pattern, content, scope, cache in (
        (r"/styles/v1/[^/]+/[^/]+\.html", "share", "styles:read", "max-age=900"),
        (r"/styles/v1/[^/]+/[^/]+/static/.+", "png", "styles:tiles", "max-age=43200"),
        (r"/styles/v1/[^/]+/[^/]+/tiles/.+", "png", "styles:tiles", "max-age=43200"),
        (r"/styles/v1/.+/sprite(@[23]x)?\.json", "sprite", "styles:read", "max-age=900"),
        (r"/styles/v1/.+/sprite(@[23]x)?\.png", "png", "styles:read", "max-age=900"),
        (r"/styles/v1/.+/iconset\.pbf", "empty", "styles:read", "max-age=900"),
        (r"/styles/v1/[^/]+/[^/]+(/draft)?", "style", "styles:read", "max-age=900"),
        (r"/styles/v1/[^/]+", "list", "styles:list", "no-cache"),
        (r"/fonts/v1/[^/]+/[^/]+/\d+-\d+\.pbf", "empty", "fonts:read", "max-age=864000"),
        (r"/v4/[^/]+\.json", "tilejson", None, "max-age=43200"),
        (r"/v4/[^/]+/\d+/\d+/\d+(@2x)?\.(vector\.pbf|mvt)", "vector", None, "max-age=43200"),
        (r"/v4/[^/]+/\d+/\d+/\d+(@2x)?\.\w+", "png", None, "max-age=43200"),
        (r"/map-sessions/v1", "empty", None, "no-cache"),
        (r"/geocoding/v5/.+\.json", "places", None, "max-age=604800"),
        (r"/search/geocode/v6/.+", "places", None, "max-age=604800"),
    )
)

_CORS = (("access-control-allow-origin", "*"),)
#: The field set of an observed 403; `X-Powered-By` is the provider's own here, not the page's.
_REFUSAL = (
    *_CORS,
    ("cache-control", "no-cache"),
    ("content-type", "application/json; charset=utf-8"),
    ("x-powered-by", "Express"),
    ("x-cache", "Error from cloudfront"),
    ("via", "1.1 5f0c2c4b.cloudfront.net (CloudFront)"),
    ("x-amz-cf-pop", "FRA56-P1"),
)
_GRANTED = (
    *_CORS,
    ("x-cache", "Miss from cloudfront"),
    ("via", "1.1 5f0c2c4b.cloudfront.net (CloudFront)"),
)


def is_provider(host: str) -> bool:
    """Whether the emulated provider answers for this host."""
    return host in {API_HOST, EVENTS_HOST} or _TILE_HOST.fullmatch(host) is not None


def kind(address: str) -> str:
    """What an address of the provider holds: style, vector, png, share, ...; empty where it is
    nobody's or needs no token."""
    url = urls.parse(address)
    if url is None or not is_provider(url.host):
        return ""
    if url.host == EVENTS_HOST or url.path == "/events/v2":
        return "events"
    found = (e.content for e in _ENDPOINTS if e.pattern.fullmatch(url.path))
    return next(found, "")


def answer(request: Request, grants: Mapping[str, Grant]) -> Reply:
    """The provider's answer; `grants` are the tokens that it knows, by their text."""
    url = urls.parse(request.url)
    if url is None:
        return refusal(404, "Not Found")
    if request.method == "OPTIONS":
        return Reply(204, _preflight(request))
    if url.host == EVENTS_HOST or url.path == "/events/v2":
        return Reply(204, _CORS)
    query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    token = query.get("access_token", "")
    endpoint = next((e for e in _ENDPOINTS if e.pattern.fullmatch(url.path)), None)
    if endpoint is None:
        return refusal(404, "Not Found")
    if not token:
        return refusal(401, "Not Authorized - No Token")
    grant = grants.get(token)
    if grant is None or grant.revoked:
        return refusal(401, "Not Authorized - Invalid Token")
    referer = request.headers.get("referer")
    # A share link is typed or mailed, so it has no Referer; the advice to list api.mapbox.com for
    # share links (token page, "Troubleshooting") can only help where the page itself is served.
    checked = endpoint.content != "share"
    if checked and decide(mapbox, referer, grant.allowed).decision is not Decision.ALLOWED:
        return refusal(403, "Forbidden")
    if endpoint.scope and endpoint.scope not in grant.scopes:
        return refusal(403, f"This API requires a token with {endpoint.scope} scope.")
    kind, body = emulated_map.content(endpoint.content, url, token)
    headers = (*_GRANTED, ("cache-control", endpoint.cache), ("content-type", kind))
    return Reply(200, headers, body)


def refusal(status: int, message: str) -> Reply:
    """A refusal with the provider's own header fields and JSON body."""
    return Reply(status, _REFUSAL, msgspec.json.encode({"message": message}))


def _preflight(request: Request) -> Pairs:
    asked = request.headers.get("access-control-request-headers") or "*"
    return (
        *_CORS,
        ("access-control-allow-methods", "GET, POST, OPTIONS"),
        ("access-control-allow-headers", asked),
        ("access-control-max-age", "3600"),
    )
