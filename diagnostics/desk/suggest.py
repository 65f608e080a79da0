"""Which list does this traffic need, and whose Referers are none of its own?

The pages that were opened while recording are the token owner's. A Referer from elsewhere (a
frame's, a stylesheet's, the provider's own host) is reported apart: to admit it lets another
site use the token, which is for a person to decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from diagnostics.browser import url as urls
from diagnostics.capture.request import read_request
from diagnostics.desk.rehearsal import Apart, Suggested, Suggestion, kind_of
from diagnostics.desk.smallest_list import entry_of, smallest_list
from diagnostics.journey.traffic import CaptureTraffic, Sighting
from diagnostics.provider.profile import profiles

_NO_PAGE = (
    "The capture holds no page, so whose Referer this is cannot be told: list it only if it is"
    " yours."
)
_NOT_YET = "the page is there, but none of its requests carries that Referer yet."
_SHARE = (
    "a Studio share link or an embedded style: its pages are on the provider's own host, or a"
    " browser forges that Referer. Listing it lets every share page use the token."
)


def suggest(traffic: Sequence[CaptureTraffic], ruled: Sequence[Sequence[Sighting]]) -> Suggestion:
    """The smallest list for the traffic of the pages that were opened. `ruled` are the requests
    of each capture on which a list decides."""
    rules = profiles()[0].rules
    sites = opened_sites(traffic)
    requests: Counter[str] = Counter()
    first: dict[str, Sighting] = {}
    without = 0
    for sighting in (s for part in ruled for s in part):
        referer = sighting.request.referer
        if referer is None:
            without += sighting.request.headers_final
            continue
        requests[referer] += 1
        first.setdefault(referer, sighting)
    kinds = {referer: _kind(referer, first[referer], sites) for referer in requests}
    missing = _pages_without([s for part in ruled for s in part], kinds, sites)
    own = [referer for referer, kind in kinds.items() if kind == "own"]
    smallest = smallest_list(rules, [*own, *missing])
    kinds |= {r: "impossible" for r in smallest.impossible if r in kinds}
    uses: Counter[str] = Counter()
    for referer, count in requests.items():
        entry = entry_of(referer, smallest.entries, rules)
        if entry is not None:
            uses[entry] += count
    return Suggestion(
        entries=tuple(
            _suggested(entry, uses[entry], known=bool(sites)) for entry in smallest.entries
        ),
        apart=tuple(_apart(kinds, requests, first)),
        without_referer=without,
    )


def opened_sites(traffic: Sequence[CaptureTraffic]) -> set[str]:
    """The registrable domains of the pages that were opened themselves, not in a frame and not on
    the provider's host; empty where the captures name no page."""
    addresses = [
        document.url
        for part in traffic
        for document in part.issuers.documents
        if document.parent is None
        and document.exchange is not None
        and read_request(document.exchange).dest not in {"iframe", "frame", "embed", "object"}
    ]
    addresses += [page.title for part in traffic for page in part.capture.pages]
    found = (urls.parse(address) for address in addresses)
    return {
        urls.registrable_domain(url.host)
        for url in found
        if url is not None and url.scheme in {"http", "https"} and not _is_api_host(url.host)
    }


def _pages_without(
    sightings: Iterable[Sighting], kinds: dict[str, str], sites: set[str]
) -> Iterable[str]:
    """The Referers that the opened pages should send where they send none or a foreign one: once
    that is put right, the list needs them."""
    found: dict[str, None] = {}
    for sighting in sightings:
        document = sighting.issuer.document
        if document is None or kinds.get(sighting.request.referer or "") == "own":
            continue
        url = urls.parse(document.url)
        is_web = url is not None and url.scheme in {"http", "https"}
        if url is not None and is_web and urls.registrable_domain(url.host) in sites:
            found.setdefault(url.origin + "/")
    return found


def _kind(referer: str, sighting: Sighting, sites: set[str]) -> str:
    url = urls.parse(referer)
    if url is None or url.scheme not in {"http", "https"}:
        return "impossible"
    if _is_api_host(url.host):
        return "api-host"
    document = sighting.issuer.document
    if urls.registrable_domain(url.host) in sites:
        return "own"
    holder = urls.parse(document.url) if document is not None and document.parent else None
    if holder is not None and holder.host == url.host:
        return "frame"
    # A page that the capture does not hold may be anybody's where it holds others, or a share page.
    return "other" if sites or _has_pages(sighting) else "own"


def _has_pages(sighting: Sighting) -> bool:
    document = sighting.issuer.document
    return document is not None and document.seen


def _suggested(entry: str, requests: int, *, known: bool) -> Suggested:
    kind = kind_of(entry.partition(":")[0])
    says = " ".join(
        filter(None, [kind.says, "" if known else _NO_PAGE, "" if requests else _NOT_YET])
    )
    return Suggested(entry, requests, kind.kind, says)


def _apart(
    kinds: dict[str, str], requests: Counter[str], first: dict[str, Sighting]
) -> Iterable[Apart]:
    """The Referers that are left out, those of one origin together."""
    by_origin: dict[tuple[str, str], list[str]] = {}
    for referer, kind in kinds.items():
        if kind != "own":
            url = urls.parse(referer)
            origin = f"{url.origin}/" if url is not None and not url.has_opaque_origin else referer
            by_origin.setdefault((kind, origin), []).append(referer)
    for (kind, origin), referers in by_origin.items():
        sighting = first[referers[0]]
        yield Apart(
            origin,
            sum(requests[r] for r in referers),
            kind,
            _says(kind, origin, sighting),
            sighting.exchange.where,
        )


def _says(kind: str, origin: str, sighting: Sighting) -> str:
    document = sighting.issuer.document
    if kind == "api-host":
        return _SHARE
    if kind == "frame" and document is not None and document.parent is not None:
        page = urls.parse(document.parent.url)
        holder = page.host if page is not None and page.host else "another page"
        return (
            f"a frame in a page of {holder}, which is another site. List it only if it is yours,"
            " or if its owner is to use your token."
        )
    if kind == "impossible":
        url = urls.parse(origin)
        if url is not None and urls.is_ip_address(url.host):
            return "an IP address, which no list can admit: open the page under a name."
        return "no web address that an entry could admit."
    if origin.rstrip("/") in {u.origin for u in map(urls.parse, sighting.issuer.stylesheets) if u}:
        return (
            "an external stylesheet on that host asks for the image. List it only if the host is"
            " yours, or move the style into the page."
        )
    return "no page of this capture is on that host. List it only if it is yours."


def _is_api_host(host: str) -> bool:
    return any(host in profile.api_hosts for profile in profiles())
