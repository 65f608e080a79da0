"""URLs as browsers read them: the WHATWG parser (ada), origins, trustworthiness, sites.

Sources: URL Standard (origin); Secure Contexts, section 3.1 (potentially trustworthy);
Fetch, section 2.1 and URL section 2.5 (local schemes); HTML, "same site".
"""

from __future__ import annotations

import functools
import ipaddress

import ada_url
import msgspec

#: Fetch, "local scheme".
LOCAL_SCHEMES = frozenset({"about", "blob", "data"})
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}


class Url(msgspec.Struct, frozen=True):
    """A parsed URL. `host` keeps IPv6 brackets, is lower case and in its ASCII form; `port` is
    the effective one (80 for http without a port), None where the scheme has none; `query` and
    `fragment` are without their `?` and `#`."""

    href: str
    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    fragment: str
    origin: str

    @property
    def has_opaque_origin(self) -> bool:
        return self.origin == "null"

    @property
    def is_local(self) -> bool:
        return self.scheme in LOCAL_SCHEMES


@functools.lru_cache(maxsize=2048)
def parse(text: str) -> Url | None:
    """The URL in `text`, or None where the URL Standard's parser fails on it."""
    try:
        url = ada_url.URL(text)
    except ValueError:
        return None
    href: str = url.href
    if href.startswith(("https://", "http://")):
        return _split(href)
    scheme = url.protocol[:-1]
    origin: str = url.origin
    return Url(
        href=href,
        scheme=scheme,
        host=url.hostname,
        port=int(url.port) if url.port else _DEFAULT_PORTS.get(scheme),
        path=url.pathname,
        query=url.search[1:],
        fragment=url.hash[1:],
        origin=origin,
    )


def _split(href: str) -> Url:
    """The parts of a serialised http(s) URL. The parser's own accessors cost more than parsing,
    and a serialisation is unambiguous (URL Standard, "URL serializing")."""
    scheme, _, rest = href.partition("://")
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    address = authority.rpartition("@")[2]
    host, colon, port = address, "", ""
    if not address.endswith("]"):
        host, colon, port = address.rpartition(":")
        if not colon:
            host, port = address, ""
    return Url(
        href=href,
        scheme=scheme,
        host=host,
        port=int(port) if port else _DEFAULT_PORTS[scheme],
        path=slash + path,
        query=query,
        fragment=fragment,
        origin=f"{scheme}://{address}",
    )


def join(base: str, reference: str) -> str | None:
    """`reference` resolved against `base`; None where that is no URL."""
    try:
        return ada_url.join_url(base, reference)
    except ValueError:
        return None


def same_origin(a: Url, b: Url) -> bool:
    """Whether both have the same tuple origin; an opaque origin equals nothing but itself, and
    two URLs cannot show that they share one."""
    return not a.has_opaque_origin and a.origin == b.origin


def is_ip_address(host: str) -> bool:
    """Whether a host (IPv6 in brackets or not) is an IP address literal."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def is_potentially_trustworthy(url: Url) -> bool:
    """Secure Contexts, 3.1 and 3.2: https, wss, file, loopback addresses and localhost, data:
    and about:blank; a blob: as the origin inside it."""
    if url.scheme in {"https", "wss", "file", "data"}:
        return True
    if url.scheme == "about":
        return url.href in {"about:blank", "about:srcdoc"}
    if url.scheme == "blob":
        inner = parse(url.href.removeprefix("blob:"))
        # A blob: within a blob: has an opaque origin (URL, 4.7), however deep it goes.
        return inner is not None and inner.scheme != "blob" and is_potentially_trustworthy(inner)
    if url.scheme not in {"http", "ws"}:
        return False
    host = url.host.rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@functools.lru_cache(maxsize=1)
def _public_suffixes():  # type: ignore[no-untyped-def]
    # Imported late: reading the list costs 50 ms that most commands need not pay.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@functools.lru_cache(maxsize=2048)
def registrable_domain(host: str) -> str:
    """The public suffix and one label (`example.co.uk`); the host itself for addresses, single
    labels and hosts that are public suffixes. Source: publicsuffix.org."""
    if is_ip_address(host) or "." not in host:
        return host
    return _public_suffixes().privatesuffix(host) or host


def is_public_suffix(host: str) -> bool:
    """Whether names directly under this host belong to different people (`co.uk`, `github.io`)."""
    return bool(_public_suffixes().is_public(host))


def same_site(a: Url, b: Url) -> bool:
    """HTML, "schemelessly same site" with equal schemes: what `Sec-Fetch-Site` and Firefox's
    cross-site cap compare."""
    if a.has_opaque_origin or b.has_opaque_origin or a.scheme != b.scheme:
        return False
    if a.host == b.host:
        return True
    return same_registrable_domain(a.host, b.host)


def same_registrable_domain(a: str, b: str) -> bool:
    """Whether two hosts have one owner by the public suffix list."""
    # A registrable domain has two labels or more: hosts that differ there need no list.
    if a.split(".")[-2:] != b.split(".")[-2:]:
        return False
    return registrable_domain(a) == registrable_domain(b)
