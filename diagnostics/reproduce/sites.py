"""What the customer's own servers answer in a ticket: redirects, stylesheets, scripts, headers.

Everything is as in the capture but for what belongs to one connection or one visitor (hop-by-hop
fields, encodings, cookies, HSTS) and for secrets.
"""

from __future__ import annotations

import mimetypes
import re

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Exchange, Headers
from diagnostics.capture.redirects import is_redirect
from diagnostics.journey.library import library_versions, numbers
from diagnostics.journey.traffic import CaptureTraffic
from diagnostics.live.world import CDN
from diagnostics.provider.profile import profiles
from diagnostics.report.redaction import names_a_secret
from diagnostics.reproduce import skeleton
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import HeaderFields, Site

#: RFC 9110, 7.6.1 (hop-by-hop), and what holds for one visitor or one encoding only. A browser
#: that has seen HSTS once would change later visits, and reports go nowhere here.
_LEFT_OUT = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-encoding", "content-length", "content-type"}
    | {"set-cookie", "strict-transport-security", "alt-svc", "clear-site-data", "age", "date"}
    | {"expect-ct", "public-key-pins", "nel", "report-to", "reporting-endpoints", "etag"}
    | {"last-modified", "content-md5", "digest", "www-authenticate", "refresh", "status"}
)
_HASH = re.compile(r"\s?'sha(?:256|384|512)-[^']{1,200}'")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: The ticket stays a text that a person can read.
_LONGEST_TEXT = 400_000
_LIBRARY_FILE = re.compile(r"/(mapbox-gl|leaflet)(?:-src|-dev|-csp)?(?:\.min)?\.(js|css)$")


def key(address: str, *, with_query: bool = False) -> str:
    """The address of a site in a ticket: without fragment, and without a query unless asked."""
    url = urls.parse(address)
    if url is None:
        return address
    bare = url.href.partition("#")[0]
    return bare if with_query else bare.partition("?")[0]


def headers(fields: Headers, stand_ins: StandIns, *, for_skeleton: bool = False) -> HeaderFields:
    """The response's header fields for a ticket; for a skeleton with a Content-Security-Policy
    that lets it run."""
    found: list[tuple[str, str]] = []
    for name, value in fields:
        lowered = name.lower()
        if lowered in _LEFT_OUT or not _NAME.fullmatch(name) or names_a_secret(name):
            continue
        if for_skeleton and lowered == "content-security-policy":
            value = skeleton.admitted(value)
        # The capture joins what stood on several lines, and a field is one line.
        found.append((stand_ins.text(name), " ".join(stand_ins.text(value).split())))
    names = {name.lower() for name, _ in found}
    return dict(found) if len(names) == len(found) else found


def names_hashes(fields: HeaderFields) -> bool:
    """Whether a policy among these fields admits scripts by their hashes."""
    return any(_HASH.search(value) for name, value in _pairs(fields) if _is_policy(name))


def without_hashes(fields: HeaderFields) -> HeaderFields:
    """The same fields with policies that admit inline scripts where they named hashes."""
    return _fields([(n, _without(v) if _is_policy(n) else v) for n, v in _pairs(fields)])


def _is_policy(name: str) -> bool:
    return name.lower() == "content-security-policy"


def _without(policy: str) -> str:
    directives = policy.split(";")
    changed = (_HASH.sub("", d) + " 'unsafe-inline'" if _HASH.search(d) else d for d in directives)
    return ";".join(changed)


def media_type(address: str, mime_type: str) -> str:
    """The `type` of a site: "" where its address tells the same."""
    kind = mime_type.partition(";")[0].strip().lower() or "text/html"
    url = urls.parse(address)
    guessed = mimetypes.guess_type(url.path)[0] if url else None
    return "" if (guessed or "text/html") == kind else kind


def is_complete(exchange: Exchange) -> bool:
    """Whether the capture has the whole body."""
    body = exchange.body
    if not body or len(body) > _LONGEST_TEXT:
        return False
    length = exchange.response_headers.get("content-length") or ""
    if not length.isascii() or not length.isdigit() or len(length) > 9:
        return True
    return len(body.encode("utf-8", "replace")) * 1.1 + 16 >= int(length)


def library_of(part: CaptureTraffic) -> str:
    """The map library that a capture shows, as an npm package with its version; "" for none."""
    for exchange in part.exchanges:
        url = urls.parse(exchange.url)
        found = re.search(r"leaflet(?:@|/)v?(\d+\.\d+\.\d+)", url.path) if url else None
        if found and url and url.path.endswith(".js"):
            return f"leaflet@{found[1]}"
    profile = profiles()[0]
    for version in library_versions(part.exchanges, profile).values():
        return f"mapbox-gl@{version.text}" if len(version.version) == 3 else ""
    for exchange in part.exchanges:
        if re.search(r"/leaflet(-src)?(\.min)?\.js", exchange.url):
            found = re.search(r"Leaflet (\d+\.\d+\.\d+)", (exchange.body or "")[:400])
            if found:
                return f"leaflet@{found[1]}"
    return ""


def is_public_library(address: str) -> bool:
    """Whether every ticket's world answers this address with a map library's file."""
    return any(pattern.fullmatch(address.partition("?")[0]) for pattern, _ in CDN)


def library_file(address: str, library: str) -> str:
    """The file of the ticket's library that an address of somebody's own copy stands for."""
    found = _LIBRARY_FILE.search(address.partition("?")[0])
    if found is None or not library.startswith(found[1] + "@") or not numbers(library[-1:]):
        return ""
    return f"{found[1]}.{found[2]}"


def redirects(part: CaptureTraffic, wanted: set[str], stand_ins: StandIns) -> dict[str, Site]:
    """The redirects of the capture whose addresses are `wanted`. Those for tiles are written as
    one rule, because a map of another size asks for other tiles."""
    found: dict[str, Site] = {}
    for exchange in part.exchanges:
        if exchange.url not in wanted or not is_redirect(exchange):
            continue
        source, to = stand_ins.text(exchange.url), stand_ins.text(exchange.redirect_url)
        rest = _tile(source, to)
        address = key(source, with_query=True)
        if rest:
            address = source.partition("?")[0].removesuffix(rest) + "*"
            place = to.index(rest)
            to = to[:place] + "{{rest}}" + to[place + len(rest) :]
        fields = [
            (name, value)
            for name, value in _pairs(headers(exchange.response_headers, stand_ins))
            if name.lower() != "location"
        ]
        found.setdefault(
            address,
            Site(status=exchange.status or 302, headers=_fields([("Location", to), *fields])),
        )
    return found


def _tile(source: str, to: str) -> str:
    """The numbers of a tile at the end of an address that stand in the address it leads to."""
    hit = re.search(r"(?<=/)\d+/\d+/\d+[^/?#]*$", source.partition("?")[0])
    return hit[0] if hit and "?" not in source and hit[0] in to else ""


def _pairs(fields: HeaderFields) -> list[tuple[str, str]]:
    return list(fields.items()) if isinstance(fields, dict) else list(fields)


def _fields(pairs: list[tuple[str, str]]) -> HeaderFields:
    return dict(pairs) if len({n.lower() for n, _ in pairs}) == len(pairs) else pairs


def served(exchange: Exchange, stand_ins: StandIns) -> Site:
    """A text of the customer's server as the capture has it."""
    return Site(
        headers=headers(exchange.response_headers, stand_ins),
        html=stand_ins.markup(exchange.body or ""),
        type=media_type(exchange.url, exchange.mime_type),
    )
