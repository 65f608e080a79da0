"""What to look at before a list goes live, beside what it would refuse.

Each check takes the captures' traffic, the requests of each on which a list decides, and the
list, and gives findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.capture.document import Document
from diagnostics.capture.request import referer_origin
from diagnostics.journey.case import shown
from diagnostics.journey.page import full_referer
from diagnostics.journey.traffic import REFUSALS, CaptureTraffic, Sighting
from diagnostics.journey.verdict import Finding
from diagnostics.provider.allowed_urls import EntryResult
from diagnostics.provider.profile import profiles
from diagnostics.report.wording import counted

Traffic = Sequence[CaptureTraffic]
Ruled = Sequence[Sequence[Sighting]]

_COVERS = {EntryResult.MATCH, EntryResult.UNDOCUMENTED}
_SILENT = frozenset({"no-referrer", "same-origin"})
_MOST = 5


def trimmed_paths(traffic: Traffic, ruled: Ruled, entries: Sequence[str]) -> Iterable[Finding]:
    """Entries that would match a page's address but not the Referer that is left of it: the
    policy or the browser sends the origin alone (Referrer Policy 8.3)."""
    rules = profiles()[0].rules
    seen: set[tuple[str, str]] = set()
    for sighting in (s for part in ruled for s in part):
        document, referer = sighting.issuer.document, sighting.request.referer
        full = full_referer(document) if document is not None else None
        if referer is None or full is None or full == referer or (full, referer) in seen:
            continue
        if referer_origin(referer) != referer_origin(full):
            continue
        seen.add((full, referer))
        for entry in entries:
            if (
                rules.match(full, entry).result in _COVERS
                and rules.match(referer, entry).result not in _COVERS
            ):
                yield Finding(
                    "path-entry-trimmed",
                    "warning",
                    f"“{entry}” is meant for {shown(full)}, but its requests carry only"
                    f" {shown(referer)}: the page's policy, or the browser, leaves out the path."
                    " List the host without a path.",
                    sighting.exchange.where,
                )


def bad_entries(traffic: Traffic, ruled: Ruled, entries: Sequence[str]) -> Iterable[Finding]:
    """What `why403 lint` says about the list, its remarks left out."""
    for problem in profiles()[0].rules.lint(entries):
        if problem.severity == "info":
            continue
        better = f" Write {problem.suggestion}." if problem.suggestion else ""
        about = f"“{problem.entry}”: " if problem.entry else ""
        yield Finding(
            f"entry-{problem.problem}",
            problem.severity,
            f"{about}{problem.says}{better}",
            "the list",
        )


def silent_pages(traffic: Traffic, ruled: Ruled, entries: Sequence[str]) -> Iterable[Finding]:
    """Pages whose policy sends other sites no Referer: no list admits what a map there asks for,
    unless all of its requests have a policy of their own."""
    for part, sightings in zip(traffic, ruled, strict=True):
        asking = {id(s.issuer.document) for s in sightings}
        silent = {id(s.issuer.document) for s in sightings if s.request.referer is None}
        for document in part.issuers.documents:
            is_fine = id(document) in asking and id(document) not in silent
            if document.policy in _SILENT and not is_fine:
                yield Finding(
                    "page-sends-nothing",
                    "warning",
                    f"{shown(document.url)} has {document.policy_says}, which sends no Referer to"
                    " the provider: no list admits a map on that page. Send"
                    f" {rp.DEFAULT} there before the restriction goes live.",
                    f"{document.where}, {_place(document)}",
                )


def _place(document: Document) -> str:
    return "response headers" if document.policy_from == "header" else "markup"


def share_links(traffic: Traffic, ruled: Ruled, entries: Sequence[str]) -> Iterable[Finding]:
    """Share pages of the provider, opened or in a frame: what they load has the provider's own
    host as Referer (token page, "Add api.mapbox.com as an allowedURL")."""
    profile = profiles()[0]
    found: dict[str, str] = {}
    for part in traffic:
        for sighting in part.sightings:
            if sighting.endpoint is not None and sighting.endpoint.name == "share page":
                found.setdefault(shown(sighting.exchange.url), sighting.exchange.where)
        for document in part.issuers.documents:
            for frame in document.markup.frames if document.markup else ():
                url = urls.parse(frame.url) if frame.url else None
                endpoint = profile.endpoint(url.path) if url is not None else None
                is_share = endpoint is not None and endpoint.name == "share page"
                if url is not None and url.host in profile.api_hosts and is_share:
                    found.setdefault(shown(url.href), f"{document.where}, markup")
    host = profile.api_hosts[0]
    admits = any(
        profile.rules.match(f"https://{host}/", entry).result is EntryResult.MATCH
        for entry in entries
    )
    for address, where in list(found.items())[:_MOST]:
        does = "has" if admits else "lacks"
        yield Finding(
            "share-link",
            "warning",
            f"{address} is a share page: what it loads has {host} as its Referer, which the list"
            f" {does}. With {host} on the list every share page may use the token; better show the"
            " style on a page of your own.",
            where,
        )


def several_tokens(traffic: Traffic, ruled: Ruled, entries: Sequence[str]) -> Iterable[Finding]:
    """Traffic with more than one token: a list belongs to one of them."""
    tokens = {s.token.text: s for part in ruled for s in part if s.token is not None}
    if len(tokens) > 1:
        names = [s.token.shown for s in tokens.values() if s.token is not None]
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        yield Finding(
            "several-tokens",
            "info",
            f"The traffic uses {len(names)} tokens ({', '.join(names[:_MOST])}{more}); the list is"
            " tried on all of them, and will belong to one.",
            next(iter(tokens.values())).exchange.where,
        )


def refused_already(traffic: Traffic, ruled: Ruled, entries: Sequence[str]) -> Iterable[Finding]:
    """Requests that were refused while recording, for whatever reason. A curl command holds no
    answer and says nothing about that."""
    refused = [
        sighting
        for part, sightings in zip(traffic, ruled, strict=True)
        for sighting in sightings
        if sighting.exchange.status in REFUSALS and not part.capture.exporter.startswith("curl")
    ]
    if refused:
        verb = "was" if len(refused) == 1 else "were"
        yield Finding(
            "refused-already",
            "info",
            f"{counted(len(refused), 'request')} {verb} refused while recording: why403 diagnose"
            " says why. Here they count by what the list would say.",
            refused[0].exchange.where,
        )
