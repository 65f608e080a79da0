"""Mapbox's dialect of allowed URLs.

Source of each rule: the token management page (https://docs.mapbox.com/accounts/guides/tokens/,
"Add URL restrictions to access tokens", "Matching rules", "Example scenarios"):

- only a domain is required; scheme, subdomain, port, path and query are optional;
- subdomains of an allowed URL are allowed; subpaths of an allowed path are allowed;
- paths are case sensitive; a scheme that is given must match;
- without a port, 80 and 443 are allowed;
- wildcards and IP addresses are not supported; a request without a Referer is refused.

Where the page is silent (`/path` against `/pathology`, the parts and order of a query, letter
case of the host, internationalised names, white space, a fragment) the answer is "undocumented".
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.provider.allowed_urls import EntryMatch, EntryProblem, EntryResult

MAXIMUM_ENTRIES = 100
_DEFAULT_PORTS = frozenset({80, 443})
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
_OTHER_SCHEME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*://", re.IGNORECASE)
_BROKEN_SCHEME = re.compile(r"(https?)(?::/?(?=[^/\d])|//)", re.IGNORECASE)


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
    if _BROKEN_SCHEME.match(trimmed):
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
    if _is_bare_ipv6(authority):
        return unreadable(EntryResult.IP, "IP addresses are not supported")
    host, colon, port_text = _split_port(authority)
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


def match(referer: str | None, entry: str) -> EntryMatch:
    """What one entry says to one Referer (None or empty: the request had none)."""
    read = read_entry(entry)
    if isinstance(read, Unreadable):
        return EntryMatch(entry, read.result, f"“{entry}” can never match: {read.says}.")
    if not referer:
        return EntryMatch(
            entry,
            EntryResult.NO_REFERER,
            "The request has no Referer, and a restricted token needs one.",
        )
    page = urls.parse(referer)
    if page is None or page.scheme not in {"http", "https"} or not page.host:
        return EntryMatch(
            entry, EntryResult.HOST, f"The Referer “{referer}” names no http or https host."
        )
    result, says = _compare(page, read)
    if result is EntryResult.MATCH and read.doubts:
        says = f"“{entry}” would match, but {' and '.join(read.doubts)}: undocumented."
        return EntryMatch(entry, EntryResult.UNDOCUMENTED, says)
    return EntryMatch(entry, result, says)


def _compare(page: urls.Url, entry: Entry) -> tuple[EntryResult, str]:
    quoted = f"“{entry.text}”"
    if not _covers_host(entry.host, page.host):
        if page.host == page.host.rstrip(".") or not _covers_host(
            entry.host, page.host.rstrip(".")
        ):
            return EntryResult.HOST, _explain_host(quoted, entry.host, page.host)
        return (
            EntryResult.UNDOCUMENTED,
            f"The Referer's host ends in a dot; the documentation does not say whether {quoted}"
            " covers it.",
        )
    if entry.scheme and entry.scheme != page.scheme:
        return (
            EntryResult.SCHEME,
            f"{quoted} asks for {entry.scheme}, the Referer has {page.scheme}.",
        )
    open_questions = []
    if entry.port is None:
        if page.port not in _DEFAULT_PORTS:
            return (
                EntryResult.PORT,
                f"{quoted} names no port, which allows 80 and 443; the Referer has {page.port}.",
            )
    elif entry.port != page.port:
        if not {entry.port, page.port} <= _DEFAULT_PORTS or entry.scheme:
            return (
                EntryResult.PORT,
                f"{quoted} asks for port {entry.port}, the Referer has {page.port}.",
            )
        open_questions.append(
            f"whether an entry with port {entry.port} covers the default port {page.port}"
        )
    path = _compare_path(page.path, entry.path)
    if path is EntryResult.PATH:
        return path, _explain_path(quoted, entry, page)
    if path is EntryResult.UNDOCUMENTED:
        open_questions.append(f"whether the path {entry.path} covers {page.path}")
    query = _compare_query(page, entry)
    if query is EntryResult.QUERY:
        has = f"?{page.query}" if page.query else "no query"
        return query, f"{quoted} asks for the query ?{entry.query}, the Referer has {has}."
    if query is EntryResult.UNDOCUMENTED:
        open_questions.append(f"whether the query ?{entry.query} covers ?{page.query}")
    if open_questions:
        return (
            EntryResult.UNDOCUMENTED,
            f"{quoted}: the documentation does not say {' or '.join(open_questions)}.",
        )
    return EntryResult.MATCH, f"{quoted} covers the Referer."


def _covers_host(allowed: str, host: str) -> bool:
    return host == allowed or host.endswith("." + allowed)


def _compare_path(path: str, allowed: str | None) -> EntryResult:
    if allowed is None or path == allowed:
        return EntryResult.MATCH
    if path.startswith(allowed):
        # `/path` covers `/path/more`; whether it covers `/pathology` is nowhere said.
        at_segment = allowed.endswith("/") or path[len(allowed)] == "/"
        return EntryResult.MATCH if at_segment else EntryResult.UNDOCUMENTED
    if path + "/" == allowed:
        return EntryResult.UNDOCUMENTED
    if _normal_path(path).startswith(_normal_path(allowed)):
        return EntryResult.UNDOCUMENTED  # differs in percent-encoding or dot segments only
    return EntryResult.PATH


def _normal_path(path: str) -> str:
    from urllib.parse import unquote

    parsed = urls.parse("http://path.invalid" + path)
    return unquote(parsed.path if parsed else path)


def _compare_query(page: urls.Url, entry: Entry) -> EntryResult:
    if entry.query is None:
        return EntryResult.MATCH
    if entry.query == page.query and (entry.path or "/") == page.path:
        return EntryResult.MATCH
    if not entry.query or entry.query == page.query:
        return EntryResult.UNDOCUMENTED
    asked = set(entry.query.split("&"))
    has = set(page.query.split("&"))
    if asked <= has or page.query.startswith(entry.query):
        return EntryResult.UNDOCUMENTED
    return EntryResult.QUERY


def _explain_host(quoted: str, allowed: str, host: str) -> str:
    if allowed.endswith("." + host):
        if allowed == "www." + host:
            return f"{quoted} covers only www; the Referer's {host} is the domain above it."
        return f"{quoted} covers a subdomain; the Referer's {host} is the domain above it."
    if host.endswith(allowed):
        return f"{host} ends in the same letters as {quoted} but is another domain."
    if urls.same_registrable_domain(allowed, host):
        return f"{quoted} is another subdomain; the Referer's host is {host}."
    return f"{quoted} is another domain; the Referer's host is {host}."


def _explain_path(quoted: str, entry: Entry, page: urls.Url) -> str:
    if page.path == "/" and not page.query:
        return (
            f"{quoted} asks for the path {entry.path}, but the Referer is the origin alone:"
            f" {page.href}."
        )
    if entry.path and page.path.lower().startswith(entry.path.lower()):
        return (
            f"{quoted} asks for the path {entry.path}, the Referer has {page.path}:"
            " paths are case sensitive."
        )
    return f"{quoted} asks for the path {entry.path}, the Referer has {page.path}."


def _split_port(authority: str) -> tuple[str, str, str]:
    if authority.startswith("["):
        bracket = authority.find("]") + 1
        if bracket:
            return authority[:bracket], *_after_colon(authority[bracket:])
    host, colon, port = authority.partition(":")
    return host, colon, port


def _after_colon(text: str) -> tuple[str, str]:
    return (":", text.removeprefix(":")) if text else ("", "")


def _is_bare_ipv6(authority: str) -> bool:
    """Whether it is an IPv6 address without its brackets."""
    return authority[:1] != "[" and authority.count(":") > 1 and urls.is_ip_address(authority)


def lint(entries: Sequence[str]) -> list[EntryProblem]:
    """What is wrong or doubtful with a list, entry by entry, and what to write instead."""
    problems: list[EntryProblem] = []
    seen: dict[tuple[object, ...], str] = {}
    for text in entries:
        read = read_entry(text)
        if isinstance(read, Unreadable):
            problems.append(_lint_unreadable(read))
            continue
        problems += _lint_entry(read)
        key = (read.scheme, read.host, read.port, read.path, read.query)
        if key in seen:
            problems.append(
                EntryProblem(text, "info", "duplicate", f"It says the same as “{seen[key]}”.", None)
            )
        seen.setdefault(key, text)
    readable = [e for e in map(read_entry, entries) if isinstance(e, Entry)]
    problems += _lint_covered(readable[: 2 * MAXIMUM_ENTRIES])  # each is compared with each
    if len(entries) > MAXIMUM_ENTRIES:
        problems.append(
            EntryProblem(
                "",
                "error",
                "too-many",
                f"The list has {len(entries)} entries; a token may have {MAXIMUM_ENTRIES}.",
            )
        )
    return problems


def suggest(text: str) -> str | None:
    """A readable entry that admits what one that can never match was meant to admit, or None
    where there is none: `*` for everything or a part of a name, an address of another machine."""
    plain = text.strip().strip("\"'`<>“”")
    plain = _BROKEN_SCHEME.sub(r"\1://", plain, count=1)
    found = _MEANT.fullmatch(plain)
    assert found is not None
    scheme = (found["scheme"] or "").lower()
    authority = found["authority"].rpartition("@")[2]
    host, _, port = (authority, "", "") if _is_bare_ipv6(authority) else _split_port(authority)
    host = _LEADING_WILDCARDS.sub("", host)
    parsed = urls.parse(f"http://{f'[{host}]' if _is_bare_ipv6(host) else host}/") if host else None
    if parsed is not None and _is_this_machine(parsed.host):
        host = "localhost"
    path = _without_wildcard(found["path"])
    meant = (f"{scheme}://" if scheme in {"http", "https"} else "") + host
    meant += (f":{port}" if port not in {"", "*"} else "") + path
    return meant if meant != text.strip() and isinstance(read_entry(meant), Entry) else None


_MEANT = re.compile(
    r"(?:(?:(?P<scheme>[A-Za-z*][A-Za-z0-9+.*-]*):)?//)?(?P<authority>[^/?#]*)(?P<path>.*)",
    re.DOTALL,
)
#: `*.`, `**.` and the `*` of `*example.com`.
_LEADING_WILDCARDS = re.compile(r"\A(?:\*+\.?)+")


def _is_this_machine(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _without_wildcard(path: str) -> str:
    """A path and query up to the last whole part before a wildcard: `/app/*.html` is `/app`."""
    path, _, _ = path.partition("#")
    only_path, _, query = path.partition("?")
    if "*" in only_path:
        only_path = only_path.partition("*")[0]
        return only_path[: only_path.rfind("/")]
    return only_path.removesuffix("/") if "*" in query else path


def admits_strangers(entry: str) -> bool:
    """Whether an entry is a domain under which anybody can have a name, such as `vercel.app`."""
    read = read_entry(entry)
    return isinstance(read, Entry) and "." in read.host and urls.is_public_suffix(read.host)


def _lint_unreadable(entry: Unreadable) -> EntryProblem:
    suggestion = suggest(entry.text)
    says = [f"It can never match: {entry.says}."]
    if entry.result is EntryResult.WILDCARD:
        says += _about_wildcard(entry.text, suggestion)
    if entry.result is EntryResult.INVALID and _OTHER_SCHEME.match(entry.text.strip()):
        suggestion = None  # a page of an app sends no Referer, whatever is listed
    if suggestion and admits_strangers(suggestion):
        says.append(
            f"{suggestion} would admit everybody who has a name under it: list your own host names"
            " instead."
        )
        suggestion = None
    if entry.result is EntryResult.IP:
        says.append("Open the page by a name, such as localhost, and list that name with its port.")
    return EntryProblem(entry.text, "error", entry.result.value, " ".join(says), suggestion)


def _about_wildcard(text: str, suggestion: str | None) -> Iterable[str]:
    if suggestion is None:
        if set(text) <= set("*.:/"):
            yield "A token that may be used everywhere is one without allowed URLs."
        else:
            yield "List each host name, or a domain above them all: its subdomains are covered."
        return
    yield "Subdomains and subpaths are covered without one."
    if ":*" in text:
        host = suggestion.partition("://")[2] or suggestion
        yield (
            f"The port has to be named, each in an entry of its own, such as"
            f" {host.partition('/')[0]}:3000: without one only 80 and 443 are covered."
        )


def _lint_entry(entry: Entry) -> list[EntryProblem]:
    def problem(severity: str, kind: str, says: str, suggestion: str | None = None) -> EntryProblem:
        return EntryProblem(entry.text, severity, kind, says, suggestion)

    found = []
    origin = (f"{entry.scheme}://" if entry.scheme else "") + entry.host.rstrip(".")
    origin += f":{entry.port}" if entry.port else ""
    if entry.doubts:
        found.append(
            problem(
                "warning",
                "undocumented",
                f"The documentation does not say how this is read: {'; '.join(entry.doubts)}.",
                origin + (entry.path or "") + (f"?{entry.query}" if entry.query else ""),
            )
        )
    if (entry.path or "/") != "/" or entry.query is not None:
        found.append(
            problem(
                "warning",
                "path",
                "Browsers send only the origin to another site by default"
                " (strict-origin-when-cross-origin), so an entry with a path or query matches"
                " only where the page asks for a looser policy, and never in Firefox.",
                origin,
            )
        )
    if entry.host == "api.mapbox.com":
        found.append(
            problem(
                "warning",
                "api-host",
                "It lets any share page or embedded style on api.mapbox.com use the token,"
                " whoever put it there; list it only for Studio share links and iframes.",
            )
        )
    if entry.host == "localhost" or entry.host.endswith(".localhost"):
        if entry.port is None:
            found.append(
                problem(
                    "warning",
                    "port",
                    "Without a port it covers 80 and 443; a development server on another port"
                    " needs it named, such as localhost:3000.",
                )
            )
    elif urls.registrable_domain(entry.host) == entry.host and _is_public_suffix(entry.host):
        found.append(
            problem(
                "warning",
                "public-suffix",
                f"Everybody who has a name under {entry.host} is admitted with it.",
            )
        )
    elif entry.host.startswith("www."):
        found.append(
            problem(
                "info",
                "www",
                f"It does not cover {entry.host.removeprefix('www.')} itself;"
                " the domain without www covers both.",
                origin.replace("www.", "", 1) + (entry.path or ""),
            )
        )
    if entry.scheme == "http" and entry.host != "localhost":
        found.append(
            problem(
                "info",
                "scheme",
                "It does not cover the same page over https.",
                origin[len("http://") :],
            )
        )
    return found


def _is_public_suffix(host: str) -> bool:
    return "." not in host or urls.is_public_suffix(host)


def _lint_covered(entries: Sequence[Entry]) -> list[EntryProblem]:
    problems = []
    for entry in entries:
        probe = f"{entry.scheme or 'https'}://{entry.host}:{entry.port or 443}{entry.path or '/'}"
        for other in entries:
            if (
                other is not entry
                and other.host != entry.host
                and (other.scheme is None or other.scheme == entry.scheme)
                and other.query is None
                and match(probe, other.text).result is EntryResult.MATCH
            ):
                problems.append(
                    EntryProblem(
                        entry.text,
                        "info",
                        "covered",
                        f"“{other.text}” covers it already.",
                    )
                )
                break
    return problems
