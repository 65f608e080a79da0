"""Would one entry of Mapbox's allowed URLs admit a Referer? The rules' sources are in mapbox.py."""

from __future__ import annotations

from diagnostics.browser import url as urls
from diagnostics.provider.allowed_urls import EntryMatch, EntryResult
from diagnostics.provider.mapbox_entry import Entry, Unreadable, read_entry

_DEFAULT_PORTS = frozenset({80, 443})


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
