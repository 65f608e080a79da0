"""How one entry of Mapbox's allowed URLs is read. The rules' sources stand in `mapbox.py`."""

from __future__ import annotations

import functools
import re

import msgspec

from diagnostics.browser import url as urls
from diagnostics.provider.allowed_urls import EntryResult

#: What may stand between scheme and path. A port may be `*`, which is then named as a wildcard.
_ENTRY = re.compile(
    r"""(?: (?P<scheme> [A-Za-z][A-Za-z0-9+.-]* ) :// )?
        (?P<authority> [^/?#]* )
        (?P<path> [^?#]* )
        (?: \? (?P<query> [^#]* ) )?
        (?: \# (?P<fragment> .* ) )?""",
    re.VERBOSE | re.DOTALL,
)

#: What browsers send as a host: letters, digits, hyphens, underscores, in labels.
_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
BROKEN_SCHEME = re.compile(r"(https?)(?::/?(?=[^/\d])|//)", re.IGNORECASE)


class Entry(msgspec.Struct, frozen=True):
    """A readable allowed-URL entry. Absent parts are None; `path` always begins with a slash.
    `doubts` are the properties that the documentation does not speak about."""

    text: str
    scheme: str | None
    host: str
    port: int | None
    path: str | None
    query: str | None
    doubts: tuple[str, ...] = ()


class Unreadable(msgspec.Struct, frozen=True):
    """An entry that can never match: why, as a result and a sentence."""

    text: str
    result: EntryResult
    says: str


@functools.lru_cache(maxsize=4096)
def read_entry(text: str) -> Entry | Unreadable:
    """Parse one entry. Never raises."""
    trimmed = text.strip()
    doubts = []
    if trimmed != text:
        doubts.append("it has white space around it")

    def unreadable(result: EntryResult, says: str) -> Unreadable:
        return Unreadable(text, result, says)

    if not trimmed:
        return unreadable(EntryResult.INVALID, "it is empty")
    if any(ch.isspace() or ord(ch) < 32 for ch in trimmed):
        return unreadable(EntryResult.INVALID, "it has white space or a control character inside")
    if "*" in trimmed:
        return unreadable(EntryResult.WILDCARD, "wildcard characters are not supported")
    if "\\" in trimmed:
        return unreadable(EntryResult.INVALID, "it has a backslash, which no Referer carries")
    if BROKEN_SCHEME.match(trimmed):
        return unreadable(EntryResult.INVALID, "its scheme is not followed by ://")
    found = _ENTRY.fullmatch(trimmed)
    assert found is not None
    scheme = found["scheme"] and found["scheme"].lower()
    if scheme and scheme not in {"http", "https"}:
        return unreadable(
            EntryResult.INVALID,
            f"a page under {scheme}: sends no Referer that could match it",
        )
    authority = found["authority"]
    if "@" in authority:
        return unreadable(EntryResult.INVALID, "it holds a user name, which no Referer carries")
    if is_bare_ipv6(authority):
        return unreadable(EntryResult.IP, "IP addresses are not supported")
    host, colon, port_text = split_port(authority)
    if not host:
        return unreadable(EntryResult.INVALID, "it has no domain, the one part that is required")
    port = None
    if colon and not port_text:
        return unreadable(EntryResult.INVALID, "it has a colon and no port behind it")
    if colon:
        if not port_text.isascii() or not port_text.isdigit() or not 0 < int(port_text) < 65536:
            return unreadable(EntryResult.INVALID, f"“{port_text}” is not a port number")
        port = int(port_text)
    parsed = urls.parse(f"http://{host}/")
    if parsed is None or not parsed.host:
        return unreadable(EntryResult.INVALID, f"“{host}” is not a domain")
    if urls.is_ip_address(parsed.host):
        return unreadable(EntryResult.IP, "IP addresses are not supported")
    if any(separator in host for separator in ",;|"):
        return unreadable(
            EntryResult.INVALID, "it holds several; each has to be an entry of its own"
        )
    if not _DOMAIN.fullmatch(parsed.host):
        return unreadable(EntryResult.INVALID, f"“{host}” is not a domain")
    if parsed.host != host:
        if parsed.host == host.lower():
            doubts.append("its domain has capital letters, and browsers send lower case")
        else:
            doubts.append(f"browsers send its domain as {parsed.host}")
    if parsed.host.endswith("."):
        doubts.append("its domain ends in a dot")
    if found["scheme"] and found["scheme"] != scheme:
        doubts.append("its scheme has capital letters")
    if found["fragment"] is not None:
        doubts.append("it has a fragment (#…), which no Referer carries")
    return Entry(
        text, scheme, parsed.host, port, found["path"] or None, found["query"], tuple(doubts)
    )


def split_port(authority: str) -> tuple[str, str, str]:
    if authority.startswith("["):
        bracket = authority.find("]") + 1
        if bracket:
            return authority[:bracket], *_after_colon(authority[bracket:])
    host, colon, port = authority.partition(":")
    return host, colon, port


def _after_colon(text: str) -> tuple[str, str]:
    return (":", text.removeprefix(":")) if text else ("", "")


def is_bare_ipv6(authority: str) -> bool:
    """Whether it is an IPv6 address without its brackets."""
    return authority[:1] != "[" and authority.count(":") > 1 and urls.is_ip_address(authority)
