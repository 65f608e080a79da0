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
import re
from collections.abc import Sequence

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
    host, colon, port_text = _split_port(authority)
    if not host:
        return unreadable(EntryResult.INVALID, "it has no domain, the one part that is required")
    port = None
    if colon:
        if not port_text.isascii() or not port_text.isdigit() or not 0 < int(port_text) < 65536:
            return unreadable(EntryResult.INVALID, f"“{port_text}” is not a port number")
        port = int(port_text)
    parsed = urls.parse(f"http://{host}/")
    if parsed is None or not parsed.host:
        return unreadable(EntryResult.INVALID, f"“{host}” is not a domain")
    if urls.is_ip_address(parsed.host):
        return unreadable(EntryResult.IP, "IP addresses are not supported")
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
            f"{quoted} asks for the path {entry.path}, but the Referer was cut to the origin:"
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
    if authority.count(":") > 1:  # an IPv6 address without its brackets
        return authority, "", ""
    host, colon, port = authority.partition(":")
    return host, colon, port


def _after_colon(text: str) -> tuple[str, str]:
    return (":", text[1:]) if text.startswith(":") else ("", "")


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
    problems += _lint_covered([e for e in map(read_entry, entries) if isinstance(e, Entry)])
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
    """A readable entry for one that can never match, or None where there is none."""
    text = text.strip()
    plain = re.sub(r"(?<=:)\*", "", text)  # `:*` as a port
    plain = re.sub(r"/?\*+(?=$|[?#])", "", plain).replace("*.", "").rstrip(":")
    plain = re.sub(r":(?=/)(?!//)", "", plain)
    for ip in ("127.0.0.1", "[::1]", "0.0.0.0"):
        plain = plain.replace(ip, "localhost")
    plain = re.sub(r"^(?!https?://)[A-Za-z][A-Za-z0-9+.-]*://", "", plain)
    return plain if plain != text and isinstance(read_entry(plain), Entry) else None


def _lint_unreadable(entry: Unreadable) -> EntryProblem:
    suggestion = suggest(entry.text)
    says = f"It can never match: {entry.says}."
    if entry.result is EntryResult.WILDCARD and suggestion:
        says += " Subdomains and subpaths are covered without one."
        if re.search(r":\*", entry.text):
            says += " A port other than 80 and 443 needs an entry of its own."
    if entry.result is EntryResult.IP:
        says += " Open the page by a name, such as localhost, and list that name with its port."
    return EntryProblem(entry.text, "error", entry.result.value, says, suggestion)


def _lint_entry(entry: Entry) -> list[EntryProblem]:
    def problem(severity: str, kind: str, says: str, suggestion: str | None = None) -> EntryProblem:
        return EntryProblem(entry.text, severity, kind, says, suggestion)

    found = []
    origin = (f"{entry.scheme}://" if entry.scheme else "") + entry.host
    origin += f":{entry.port}" if entry.port else ""
    if entry.doubts:
        found.append(
            problem(
                "warning",
                "undocumented",
                f"The documentation does not say how this is read: {'; '.join(entry.doubts)}.",
                origin.rstrip(".")
                + (entry.path or "")
                + (f"?{entry.query}" if entry.query else ""),
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
