"""Which requests would show what a token's list admits? Pure: a plan, before anything is sent.

Each request carries one Referer and asks for a tile of its own, so that no cache can answer for
another. Which Referers tell entries apart follows from the matching rules of the token page
(https://docs.mapbox.com/accounts/guides/tokens/, "Matching rules"): subdomains and subpaths are
covered, a scheme has to match, without a port 80 and 443 are allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from diagnostics.account.service import is_loopback
from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.provider.allowed_urls import Decision, EntryResult, decide
from diagnostics.provider.mapbox import Entry, read_entry
from diagnostics.provider.profile import Profile

MOST = 12
_MOST_ENTRIES = 6
#: A host that no list can name on purpose (RFC 6761, 6.4).
STRANGER = "https://why403-probe.invalid/"
_LABEL = "why403-"
_MOST_PARENTS = 2
_USUAL_PORTS = {"http": 80, "https": 443}


class Ask(msgspec.Struct, frozen=True):
    """One request: its number from 1, its path, its Referer (None: none), and what the answer
    tells."""

    number: int
    path: str
    referer: str | None
    tells: str


class Plan(msgspec.Struct, frozen=True):
    """The requests in the order of sending, and what is worth knowing of those that are not: each
    `left_out` is a Referer beyond the number of requests, each of `notes` a sentence. `own` is
    the Referer that browsers send from the page by default."""

    asks: tuple[Ask, ...]
    own: str | None = None
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan(profile: Profile, page: str | None, entries: Sequence[str] = ()) -> Plan:
    """What to ask about a token that `page` uses and that may have these allowed URLs.

    `page` is a URL (None: unknown); its query is never sent. `entries` are guesses.
    """
    found: dict[str | None, str] = {None: "is the token restricted at all?"}
    notes = []
    url = urls.parse(page) if page else None
    if url is not None and (url.scheme not in {"http", "https"} or not url.host):
        notes.append(f"A page under {url.scheme}: sends no Referer, so none is asked for it.")
        url = None
    if url is not None:
        found[_root(url)] = "what browsers send from the page"
    found[STRANGER] = "does it admit any page at all?"
    guessed, said = _guesses(profile, entries)
    notes += said
    for referer, tells in guessed[:_MOST_ENTRIES]:
        found.setdefault(referer, tells)
    for referer, tells in _variants(profile, url):
        found.setdefault(referer, tells)
    for referer, tells in guessed[_MOST_ENTRIES:]:
        found.setdefault(referer, tells)
    chosen = list(found.items())
    asks = [
        Ask(number, profile.probe.path.format(number=number), referer, tells)
        for number, (referer, tells) in enumerate(chosen[:MOST], 1)
    ]
    left_out = tuple(referer for referer, _ in chosen[MOST:] if referer)
    return Plan(tuple(asks), _root(url) if url is not None else None, left_out, tuple(notes))


def _variants(profile: Profile, url: Url | None) -> Iterator[tuple[str, str]]:
    """Referers beside the page's own, each of which tells two entries apart."""
    if url is not None:
        host, other = url.host, "http" if url.scheme == "https" else "https"
        yield f"{other}://{_netloc(host, url)}/", f"does an entry name {url.scheme}?"
        for parent in _relatives(host):
            yield f"{url.scheme}://{_netloc(parent, url)}/", _about_relative(host, parent)
        if _has_port(url):
            yield f"{url.scheme}://{host}/", "is the port named, or the domain alone?"
        else:
            port = 8443 if url.scheme == "https" else 8080
            yield f"{url.scheme}://{host}:{port}/", "is another port admitted?"
        if url.path != "/":
            yield _root(url).removesuffix("/") + url.path, "does an entry name this path?"
    for host in profile.api_hosts[:1]:
        yield f"https://{host}/", "do share links and Studio iframes work?"
    if url is not None and not urls.is_ip_address(url.host) and "." in url.host:
        domain = urls.registrable_domain(url.host)
        yield f"{url.scheme}://{_netloc(_LABEL + domain, url)}/", "is a lookalike domain refused?"


def _relatives(host: str) -> list[str]:
    """The domains above a host, nearest and highest; for a registrable domain its www."""
    if urls.is_ip_address(host) or "." not in host:
        return []
    domain = urls.registrable_domain(host)
    if host == domain or not host.endswith("." + domain):
        return [f"www.{host}"]
    above = []
    while host != domain:
        host = host.partition(".")[2]
        above.append(host)
    return above if len(above) <= _MOST_PARENTS else [above[0], above[-1]]


def _about_relative(host: str, relative: str) -> str:
    if relative == f"www.{host}":
        return "is www covered as well?"
    return f"is all of {relative} covered?"


def _guesses(profile: Profile, entries: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """A Referer that each entry admits, and a sentence on each that admits none."""
    found, notes = [], []
    for text in entries:
        entry = read_entry(text)
        referer = _referer_for(entry) if isinstance(entry, Entry) else None
        if referer is None:
            notes.append(f"{profile.rules.match(STRANGER, text).says} Nothing is asked for it.")
        elif decide(profile.rules, referer, [text]).decision is Decision.ALLOWED:
            found.append((referer, f"is “{text}” on the list?"))
        else:
            found.append((referer, f"does “{text}” work, which nobody documents?"))
    return found, notes


def _referer_for(entry: Entry) -> str | None:
    port = f":{entry.port}" if entry.port is not None else ""
    query = f"?{entry.query}" if entry.query is not None else ""
    scheme = entry.scheme or ("http" if is_loopback(entry.host) else "https")
    url = urls.parse(f"{scheme}://{entry.host}{port}{entry.path or '/'}{query}")
    return url.href.partition("#")[0] if url else None


def _has_port(url: Url) -> bool:
    return url.port != _USUAL_PORTS.get(url.scheme)


def _netloc(host: str, url: Url) -> str:
    return f"{host}:{url.port}" if _has_port(url) else host


def _root(url: Url) -> str:
    return url.origin + "/"


def candidates(referers: Sequence[str], entries: Sequence[str] = ()) -> list[str]:
    """Every entry that could have admitted one of these Referers: each domain from the host up to
    the registrable one, with and without scheme, port and path; and the entries told."""
    found: dict[str, None] = dict.fromkeys(
        entry for entry in entries if isinstance(read_entry(entry), Entry)
    )
    for referer in referers:
        url = urls.parse(referer)
        if url is None or not url.host:
            continue
        port = f":{url.port}" if _has_port(url) else ""
        for host in _domains(url.host):
            for scheme in ("", f"{url.scheme}://"):
                for path in ("", *_paths(url.path)):
                    found[f"{scheme}{host}{port}{path}"] = None
    return list(found)


def _domains(host: str) -> list[str]:
    found = [host]
    if not urls.is_ip_address(host) and "." in host:
        domain = urls.registrable_domain(host)
        while host != domain and "." in host:
            host = host.partition(".")[2]
            found.append(host)
    return found


def _paths(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part][:6]
    return ["/" + "/".join(parts[: place + 1]) for place in range(len(parts))]


def admits(profile: Profile, entry: str, referer: str | None) -> bool | None:
    """Whether an entry alone admits a Referer; None where the documentation leaves it open."""
    result = profile.rules.match(referer, entry).result
    return None if result is EntryResult.UNDOCUMENTED else result is EntryResult.MATCH
