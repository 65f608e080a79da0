"""Does one source expression of a Content Security Policy admit one URL, and if not, why not?

Source: Content Security Policy Level 3, 2.3.1 (grammar) and 6.7.2.8 to 6.7.2.12 (matching).
Where Chromium 156 and Firefox ESR 153 agree on something else than the text, the browsers are
followed, because they decide whether a request leaves. Measured, all of them:

- IPv4 addresses in a source match (the text wants 127.0.0.1 only);
- port 80 covers 443 where the scheme is upgraded too (`http://a.example:80`, https URL);
- `http:` and `https:` do not cover WebSockets, `ws:` and `wss:` cover nothing but WebSockets
  (the text compares after a WebSocket URL became an http one);
- a query or fragment behind a source's path is dropped (the grammar has neither);
- a path is decoded as a whole, so `%2F` in it equals a slash.

Where the two browsers differ, the text is followed.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

import msgspec

from diagnostics.browser.url import Url

#: Longer expressions are not worth keeping; they are parsed each time.
_CACHED_LENGTH = 1024

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}

_NONCE = re.compile(r"'nonce-[A-Za-z0-9+/_-]+={0,2}'\Z", re.IGNORECASE)
_HASH = re.compile(r"'sha(?:256|384|512)-[A-Za-z0-9+/_-]+={0,2}'\Z", re.IGNORECASE)
_SCHEME_ONLY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):\Z")
_HOST = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.-]*)://)?"
    r"(\*|(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)"
    r"(?::([0-9]+|\*))?"
    r"(/.*)?\Z",
    re.DOTALL,
)
# RFC 3986, path-absolute: the first segment is not empty.
_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*\Z")

_KEYWORDS = frozenset(
    {
        "'unsafe-inline'",
        "'unsafe-eval'",
        "'strict-dynamic'",
        "'unsafe-hashes'",
        "'report-sample'",
        "'unsafe-allow-redirects'",
        "'wasm-unsafe-eval'",
        "'trusted-types-eval'",
        "'inline-speculation-rules'",
    }
)


class Kind(enum.StrEnum):
    """What a source expression is by the grammar; `invalid` matches none of its rules."""

    NONE = "none"
    SELF = "self"
    STAR = "star"
    SCHEME = "scheme"
    HOST = "host"
    KEYWORD = "keyword"
    NONCE = "nonce"
    HASH = "hash"
    INVALID = "invalid"


class Miss(enum.IntEnum):
    """Where a source expression and a URL parted; a larger value is a nearer miss."""

    NOT_A_URL_SOURCE = 0
    HOST = 1
    STAR = 2
    SELF = 3
    APEX = 4
    SCHEME = 5
    SCHEME_OF_PAGE = 6
    PORT = 7
    PATH = 8


class Source(msgspec.Struct, frozen=True):
    """A parsed source expression. `scheme`, `host` and `port` are lower case and empty where the
    expression has none; `path` has neither query nor fragment."""

    text: str
    kind: Kind
    scheme: str = ""
    host: str = ""
    port: str = ""
    path: str = ""


def parse(text: str) -> Source:
    """The source expression in `text`, a token without whitespace. Never raises."""
    if len(text) > _CACHED_LENGTH:
        return _parse(text)
    return _parse_cached(text)


def _parse(text: str) -> Source:
    lowered = text.lower()
    if text == "*":
        return Source(text, Kind.STAR)
    if lowered == "'none'":
        return Source(text, Kind.NONE)
    if lowered == "'self'":
        return Source(text, Kind.SELF)
    if lowered in _KEYWORDS:
        return Source(text, Kind.KEYWORD)
    if _NONCE.match(text):
        return Source(text, Kind.NONCE)
    if _HASH.match(text):
        return Source(text, Kind.HASH)
    if found := _SCHEME_ONLY.match(text):
        return Source(text, Kind.SCHEME, scheme=found[1].lower())
    if found := _HOST.match(text):
        path = re.split(r"[?#]", found[4] or "", maxsplit=1)[0]
        if not path or _PATH.match(path):
            return Source(
                text, Kind.HOST, (found[1] or "").lower(), found[2].lower(), found[3] or "", path
            )
    return Source(text, Kind.INVALID)


_parse_cached = functools.lru_cache(maxsize=4096)(_parse)


def miss(source: Source, url: Url, page: Url | None, redirected: bool) -> Miss | None:
    """None where `source` admits `url`, else where the two part.

    `page` is the URL whose origin `'self'` and sources without a scheme mean (CSP3, self-origin);
    None for an opaque origin. After a redirect a source's path is not compared (CSP3, 7.7).
    """
    if source.kind is Kind.STAR:
        same = page is not None and page.scheme == url.scheme and not url.is_local
        return None if same or url.scheme in {"http", "https", "ws", "wss"} else Miss.STAR
    if source.kind is Kind.SELF:
        return None if page is not None and _is_self(page, url) else Miss.SELF
    if source.kind is Kind.SCHEME:
        return None if _scheme_covers(source.scheme, url.scheme) else Miss.HOST
    if source.kind is Kind.HOST:
        return _miss_of_host(source, url, page, redirected)
    return Miss.NOT_A_URL_SOURCE


def _miss_of_host(source: Source, url: Url, page: Url | None, redirected: bool) -> Miss | None:
    if not _host_covers(source.host, url.host):
        return Miss.APEX if source.host == f"*.{url.host}" else Miss.HOST
    scheme = source.scheme or _origin_scheme(page)
    if not _scheme_covers(scheme, url.scheme):
        return Miss.SCHEME if source.scheme else Miss.SCHEME_OF_PAGE
    if not _port_covers(source.port, scheme, url):
        return Miss.PORT
    if source.path and not redirected and not _path_covers(source.path, url.path):
        return Miss.PATH
    return None


def _origin_scheme(page: Url | None) -> str:
    # A file: page has an opaque origin in the URL Standard; Chromium takes its scheme all the
    # same, which covers file: and nothing else, so both readings agree on every web address.
    return page.scheme if page is not None else ""


def _scheme_covers(allowed: str, scheme: str) -> bool:
    return (
        allowed == scheme
        or (allowed == "http" and scheme == "https")
        or (allowed == "ws" and scheme == "wss")
    )


def _host_covers(allowed: str, host: str) -> bool:
    if not host:
        return False
    if allowed.startswith("*"):
        return host.endswith(allowed[1:])
    return allowed == host


def _port_covers(allowed: str, scheme: str, url: Url) -> bool:
    if allowed == "*":
        return True
    if not allowed:
        return url.port == _DEFAULT_PORTS.get(url.scheme)
    # More digits than a port has are no port; int() of millions of them would take minutes.
    digits = allowed.lstrip("0") or "0"
    if len(digits) > 5:
        return False
    return int(digits) == url.port or (
        int(digits) == 80 and url.port == 443 and scheme in {"http", "ws"} and scheme != url.scheme
    )


def _path_covers(allowed: str, path: str) -> bool:
    if allowed == "/" and not path:
        return True
    wanted, actual = unquote_to_bytes(allowed), unquote_to_bytes(path)
    return actual.startswith(wanted) if allowed.endswith("/") else actual == wanted


def _is_self(page: Url, url: Url) -> bool:
    if not page.has_opaque_origin and page.origin == url.origin and not url.is_local:
        return True
    if not page.host or page.host != url.host:
        return False
    both_default = page.port == _DEFAULT_PORTS.get(page.scheme, -1) and (
        url.port == _DEFAULT_PORTS.get(url.scheme, -1)
    )
    if page.port != url.port and not both_default:
        return False
    return url.scheme in {"https", "wss"} or (
        page.scheme == "http" and url.scheme in {"http", "ws"}
    )


def is_disputed(source: Source, url: Url, page: Url | None) -> bool:
    """Whether browsers differ on an admission by `source`: with a port that is not the scheme's
    own, the text lets the scheme rise alone (`http://a.example:8080`, https URL) and so does
    Firefox; Chromium wants a port that rises with it. Measured."""
    if source.kind is not Kind.HOST or source.port in {"", "*"}:
        return False
    risen = (source.scheme or _origin_scheme(page)) != url.scheme
    return risen and url.port not in {80, 443}


def explain(misses: Sequence[tuple[Miss, Source]], target: Url, page: Url | None) -> str:
    """Why the source that came closest does not admit the URL; a clause for a person, without
    the URL's path and query."""
    if all(source.kind is Kind.NONE for _, source in misses):
        return "it admits nothing"
    missed, source = max(misses, key=lambda pair: pair[0])
    text = shown(source.text)
    if missed is Miss.PATH:
        if "*" in source.path:
            return f"{text} has a * in its path, which is a plain character there"
        what = "only what lies below" if source.path.endswith("/") else "nothing but"
        return f"{text} covers {what} its path"
    if missed is Miss.PORT:
        return f"{text} is for another port"
    if missed is Miss.SCHEME:
        return f"{text} is for {source.scheme}:, not for {target.scheme}:"
    if missed is Miss.SCHEME_OF_PAGE:
        scheme = f"{page.scheme}: like the page" if page is not None else "no scheme at all here"
        return f"{text} has no scheme of its own, so it is for {scheme}"
    if missed is Miss.APEX:
        return f"{text} covers the names below {source.host[2:]}, not that name itself"
    for _, other in misses:
        if other.text.lower() in {"self", "none"}:
            return f"{other.text} without quotes is the name of a host, write '{other.text}'"
        if other.kind is Kind.INVALID:
            return f"{shown(other.text)} is no source expression, so browsers ignore it"
    if missed is Miss.SELF:
        return "'self' is the page's own origin" if page else "'self' is an opaque origin here"
    if missed is Miss.STAR:
        return f"* does not cover {target.scheme}:, which has to be named"
    if missed is Miss.NOT_A_URL_SOURCE:
        return f"{text} names no address"
    return f"none of its sources names that {'host' if target.host else 'scheme'}"


def shown(text: str) -> str:
    """A piece of a policy or URL fit for a sentence: printable and of bounded length."""
    piece = "".join(char if char.isprintable() else "\ufffd" for char in text[:120])
    return piece if len(text) <= 120 else piece + "…"


def origin_shown(url: Url) -> str:
    """What may be said of a URL: its origin, or its scheme where it has none of its own."""
    if url.has_opaque_origin or url.is_local:
        return f"a {url.scheme}: URL"
    return shown(url.origin)
