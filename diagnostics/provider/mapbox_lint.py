"""What is wrong or doubtful with Mapbox's allowed URLs, and what to write instead.

The rules' sources stand in `mapbox.py`; what browsers send by default is Referrer Policy's
"strict-origin-when-cross-origin".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from diagnostics.browser import url as urls
from diagnostics.provider.allowed_urls import EntryProblem, EntryResult
from diagnostics.provider.mapbox_entry import (
    BROKEN_SCHEME,
    Entry,
    Unreadable,
    is_bare_ipv6,
    read_entry,
    split_port,
)
from diagnostics.provider.mapbox_match import match

MAXIMUM_ENTRIES = 100
_OTHER_SCHEME = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*://", re.IGNORECASE)


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
    plain = BROKEN_SCHEME.sub(r"\1://", plain, count=1)
    found = _MEANT.fullmatch(plain)
    assert found is not None
    scheme = (found["scheme"] or "").lower()
    authority = found["authority"].rpartition("@")[2]
    host, _, port = (authority, "", "") if is_bare_ipv6(authority) else split_port(authority)
    host = _LEADING_WILDCARDS.sub("", host)
    parsed = urls.parse(f"http://{f'[{host}]' if is_bare_ipv6(host) else host}/") if host else None
    if parsed is not None and is_this_machine(parsed.host):
        host = "localhost"
    path = _without_wildcard(found["path"])
    meant = (f"{scheme}://" if scheme in {"http", "https"} else "") + host
    meant += (f":{port}" if port not in {"", "*"} else "") + path
    return meant if meant != text.strip() and isinstance(read_entry(meant), Entry) else None


def meant(text: str) -> tuple[str, ...]:
    """What to have in a list instead of one entry: itself where nothing is wrong with it, each of
    several that were written as one, nothing where none can be found that admits less than
    everybody."""
    read = read_entry(text)
    if isinstance(read, Entry):
        written = _written(read) if read.doubts else text
        return (written if isinstance(read_entry(written), Entry) else text,)
    several = [part for part in _SEPARATORS.split(text) if part]
    if len(several) > 1 and all(isinstance(read_entry(part), Entry) for part in several):
        return tuple(one for part in several for one in meant(part))
    better = suggest(text)
    return (better,) if better and not admits_strangers(better) else ()


def _written(entry: Entry) -> str:
    """The entry as it is documented to be written."""
    return _origin(entry) + (entry.path or "") + (f"?{entry.query}" if entry.query else "")


def _origin(entry: Entry) -> str:
    origin = (f"{entry.scheme}://" if entry.scheme else "") + entry.host.rstrip(".")
    return origin + (f":{entry.port}" if entry.port else "")


_SEPARATORS = re.compile(r"[\s,;|]+")
_MEANT = re.compile(
    r"(?:(?:(?P<scheme>[A-Za-z*][A-Za-z0-9+.*-]*):)?//)?(?P<authority>[^/?#]*)(?P<path>.*)",
    re.DOTALL,
)
#: `*.`, `**.` and the `*` of `*example.com`.
_LEADING_WILDCARDS = re.compile(r"\A(?:\*+\.?)+")


def is_this_machine(host: str) -> bool:
    """Whether an address is one of the machine's own (loopback, or all of its interfaces)."""
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
        if suggestion is not None and not isinstance(read_entry(suggestion), Entry):
            suggestion = None  # without its dot, a host `https.` is half a scheme
        return EntryProblem(entry.text, severity, kind, says, suggestion)

    found = []
    origin = _origin(entry)
    if entry.doubts:
        found.append(
            problem(
                "warning",
                "undocumented",
                f"The documentation does not say how this is read: {'; '.join(entry.doubts)}.",
                _written(entry),
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
                and (other.port is None or other.port == entry.port)
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
