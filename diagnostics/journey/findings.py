"""What is wrong in a capture without being the cause of a refusal.

Each check is a function from the traffic to findings; `CHECKS` lists them. Severity is error for
what breaks the map or exposes a secret, warning for what will, info for what only looks wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from diagnostics.browser import csp
from diagnostics.browser.referrer_policy import LEGACY_META
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Outcome
from diagnostics.journey.contrast import Contrast
from diagnostics.journey.told import Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting
from diagnostics.journey.verdict import Finding, Verdict
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.token import decode

_SECRET = re.compile(r"\bsk\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{6,}")
_MAP_WORDS = ("mapboxgl", "mapbox-gl", "api.mapbox.com", "access_token")
_DIRECTIVES = {"image": "img-src", "img": "img-src", "empty": "connect-src", "fetch": "connect-src",
               "xhr": "connect-src", "script": "script-src-elem", "style": "style-src-elem",
               "stylesheet": "style-src-elem", "iframe": "frame-src", "font": "font-src",
               "worker": "worker-src"}  # fmt: skip


class Scene(msgspec.Struct, frozen=True):
    """All that a check may look at."""

    traffic: Sequence[CaptureTraffic]
    contrast: Contrast
    told: Told
    verdicts: Sequence[Verdict]

    @property
    def sightings(self) -> Iterable[Sighting]:
        for part in self.traffic:
            yield from part.sightings

    @property
    def documents(self) -> Iterable[Document]:
        for part in self.traffic:
            yield from part.issuers.documents


def find(
    traffic: Sequence[CaptureTraffic],
    contrast: Contrast,
    told: Told,
    verdicts: Sequence[Verdict],
) -> tuple[Finding, ...]:
    """Every finding, each once, errors first."""
    scene = Scene(traffic, contrast, told, verdicts)
    found: dict[tuple[str, str], Finding] = {}
    for check in CHECKS:
        for finding in check(scene):
            found.setdefault((finding.finding, finding.says), finding)
    order = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(found.values(), key=lambda finding: order[finding.severity]))


def csp_blocks_request(scene: Scene) -> Iterable[Finding]:
    """A CSP that keeps the map's requests from leaving: seen as blocked entries, or, since a
    blocked fetch or worker leaves no entry in most exports, as a policy that would block what a
    map needs in a page that asked for a map and got nothing."""
    for part in scene.traffic:
        answered: dict[Document | None, set[str]] = defaultdict(set)
        blocked: dict[tuple[Document, str], list[Sighting]] = defaultdict(list)
        for sighting in part.sightings:
            document = sighting.issuer.document
            directive = _directive(sighting)
            if sighting.exchange.status is not None:
                answered[document].add(directive)
            elif document is not None:
                blocked[(document, directive)].append(sighting)
        for (document, directive), sightings in blocked.items():
            yield from _blocked_by_csp(document, directive, sightings)
        for document in part.issuers.documents:
            if document.policies and _shows_map(document, part):
                yield from _absent(part, document, answered[document])


def _directive(sighting: Sighting) -> str:
    exchange = sighting.exchange
    kind = sighting.request.dest or exchange.resource_type.lower()
    if kind:
        return _DIRECTIVES.get(kind, "connect-src")
    return "img-src" if exchange.mime_type.startswith("image/") else "connect-src"


def _blocked_by_csp(
    document: Document, directive: str, sightings: list[Sighting]
) -> Iterable[Finding]:
    first = sightings[0].exchange
    answer = csp.allows(document.policies, document.url, first.url, directive)
    if answer.allowed:
        return
    telemetry = sightings[0].endpoint is not None and sightings[0].endpoint.name == "telemetry"
    yield Finding(
        "csp-blocks-request",
        "info" if telemetry else _severity(answer),
        f"{_counted(len(sightings), 'request')} to {sightings[0].url.host} never left the browser:"
        f" {answer.says}" + (" The map works without its telemetry." if telemetry else ""),
        document.where,
    )


def _absent(part: CaptureTraffic, document: Document, answered: set[str]) -> Iterable[Finding]:
    host = "https://api.mapbox.com"
    asks = [
        (f"{host}/styles/v1/", "connect-src", "a map library fetches its style and tiles"),
        (
            f"blob:{document.origin}/worker",
            "worker-src",
            "GL JS starts its workers from blob: URLs",
        ),
    ]
    uses_images = "img-src" in answered or _mentions(
        document, ("leaflet", "L.tileLayer", "/static/")
    )
    uses_fetch = bool(part.libraries) or _mentions(document, ("mapboxgl", "mapbox-gl"))
    for url, directive, why in asks:
        if directive in answered or not uses_fetch or "connect-src" in answered:
            continue
        answer = csp.allows(document.policies, document.url, url, directive)
        if not answer.allowed:
            yield Finding(
                "csp-blocks-request",
                _severity(answer),
                f"The page's Content-Security-Policy would block what a map needs ({why}), and no"
                f" such request is in the capture: {answer.says}",
                document.where,
            )
    if uses_images and "img-src" not in answered:
        answer = csp.allows(document.policies, document.url, f"{host}/styles/v1/", "img-src")
        if not answer.allowed:
            yield Finding(
                "csp-blocks-request",
                _severity(answer),
                "The page's Content-Security-Policy would block map images, and none is in the"
                f" capture: {answer.says}",
                document.where,
            )


def _severity(answer: csp.Answer) -> str:
    """An answer that rests on nonces, hashes or a browser's own way is a warning only."""
    return "error" if answer.certain else "warning"


def _shows_map(document: Document, part: CaptureTraffic) -> bool:
    return _mentions(document, _MAP_WORDS) or any(
        s.issuer.document is document for s in part.sightings
    )


def _mentions(document: Document, words: Sequence[str]) -> bool:
    markup = document.markup
    if markup is None:
        return False
    texts = (*(script.url for script in markup.scripts), *markup.inline_scripts)
    return any(word in text for text in texts for word in words)


def client_blocks_request(scene: Scene) -> Iterable[Finding]:
    """Requests that an extension or the browser itself stopped."""
    counted: dict[tuple[str, bool], list[Sighting]] = defaultdict(list)
    for sighting in scene.sightings:
        reason = sighting.exchange.reason.upper()
        if "BLOCKED_BY_CLIENT" in reason or "BLOCKEDBYCLIENT" in reason:
            telemetry = sighting.endpoint is not None and sighting.endpoint.name == "telemetry"
            counted[(sighting.url.host, telemetry)].append(sighting)
    for (host, telemetry), sightings in counted.items():
        yield Finding(
            "client-blocks-request",
            "info" if telemetry else "error",
            f"An extension or the browser blocked {_counted(len(sightings), 'request')} to {host}."
            + (" That is telemetry; the map works without it." if telemetry else ""),
            sightings[0].exchange.where,
        )


def mixed_content(scene: Scene) -> Iterable[Finding]:
    """An https page that asks the provider over http: blocked, upgraded, or without Referer."""
    for sighting in scene.sightings:
        document = sighting.issuer.document
        if (
            document is not None
            and document.url.startswith("https:")
            and sighting.url.scheme == "http"
        ):
            yield Finding(
                "mixed-content",
                "warning",
                f"The page on https asks {sighting.url.host} over plain http: browsers block or"
                " upgrade such requests, and send no Referer with them.",
                sighting.exchange.where,
            )
            return


def cached_200_masks(scene: Scene) -> Iterable[Finding]:
    """A stored 200 that hides that a fresh request would be refused."""
    refused = {verdict.url.partition("?")[0].rpartition("/")[0] for verdict in scene.verdicts}
    for sighting in scene.sightings:
        exchange = sighting.exchange
        if exchange.status != 200 or exchange.outcome is not Outcome.CACHED:
            continue
        if sighting.token is None or not sighting.governed:
            continue
        allowed = scene.told.about(sighting.token)
        would_refuse = False
        if allowed.entries and (sighting.request.referer or sighting.request.headers_final):
            admission = decide(sighting.profile.rules, sighting.request.referer, allowed.entries)
            would_refuse = admission.decision is Decision.REFUSED
        if would_refuse or exchange.url.partition("?")[0].rpartition("/")[0] in refused:
            yield Finding(
                "cached-200-masks",
                "warning",
                "Some answers of 200 come from a cache and hide that a fresh request would be"
                " refused: parts of the map show only until the cache expires.",
                exchange.where,
            )
            return


def secret_token_exposed(scene: Scene) -> Iterable[Finding]:
    """A secret token in a page or in a browser's request."""
    for sighting in scene.sightings:
        if (
            sighting.token is not None
            and sighting.token.kind == "sk"
            and sighting.request.client.renders_pages
        ):
            yield _exposed(sighting.token.shown, "a request of the page", sighting.exchange.where)
    for document in scene.documents:
        body = document.exchange.body if document.exchange else None
        for found in _SECRET.finditer(body or ""):
            yield _exposed(decode(found[0]).shown, "the page's markup", document.where)
    for part in scene.traffic:
        for exchange in part.exchanges:
            if "sk." in exchange.url and _SECRET.search(exchange.url):
                found_in_url = _SECRET.search(exchange.url)
                assert found_in_url is not None
                shown = decode(found_in_url[0]).shown
                if exchange.request_headers.get("sec-fetch-mode") or exchange.page_ref:
                    yield _exposed(shown, "a request's address", exchange.where)


def _exposed(shown: str, place: str, where: str) -> Finding:
    return Finding(
        "secret-token-exposed",
        "error",
        f"A secret token, {shown}, is visible in the browser. Delete it on the account page now"
        " and use a public one.",
        f"{where} ({place})",
    )


def default_token_restricted(scene: Scene) -> Iterable[Finding]:
    """A list told for a default token, which cannot have one."""
    for sighting in scene.sightings:
        token = sighting.token
        known = scene.told.by_id.get(token.id) if token is not None and token.id else None
        if known is None or not known.is_default or token is None:
            continue
        if known.entries or scene.told.everywhere.entries or sighting.refused:
            yield Finding(
                "default-token-restricted",
                "warning",
                f"{token.shown} is the account's default token. Default tokens cannot have allowed"
                " URLs, so no list can be the reason for a refusal of it.",
                sighting.exchange.where,
            )
            return


def unrestricted_token(scene: Scene) -> Iterable[Finding]:
    """A public token without allowed URLs in a page that others can open."""
    for sighting in scene.sightings:
        token = sighting.token
        if token is None or token.kind != "pk" or not sighting.request.client.renders_pages:
            continue
        document = sighting.issuer.document
        if document is None or not _is_public(document):
            continue
        allowed = scene.told.about(token)
        answers = scene.contrast.of(token.text)
        if allowed.unrestricted or (not allowed.known and answers.shows_no_restriction):
            how = (
                allowed.told_by
                if allowed.known
                else f"it was answered 200 without a Referer ({answers.admitted_without})"
            )
            yield Finding(
                "unrestricted-token",
                "warning",
                f"{token.shown} has no allowed URLs ({how}): anybody who reads it from the page"
                " can use it. Add the page's host to it.",
                sighting.exchange.where,
            )


def _is_public(document: Document) -> bool:
    return document.url.startswith("https:") and not document.url.startswith("https://localhost")


def obsolete_csp_referrer(scene: Scene) -> Iterable[Finding]:
    """The `referrer` directive, which was dropped from CSP and which browsers ignore."""
    for document in scene.documents:
        value = csp.obsolete_referrer(document.policies)
        if value is not None:
            yield Finding(
                "csp-referrer-directive-obsolete",
                "warning",
                f"The page's Content-Security-Policy has “referrer {value}”, which browsers ignore:"
                " set the policy with a Referrer-Policy header.",
                document.where,
            )


def unknown_policy_token(scene: Scene) -> Iterable[Finding]:
    """A Referrer-Policy value that no browser knows, so that it sets nothing."""
    for document in scene.documents:
        for token in document.unknown_policies:
            hint = f"; its present name is {LEGACY_META[token]}" if token in LEGACY_META else ""
            yield Finding(
                "policy-token-unknown",
                "warning",
                f"“{token}” is no referrer policy{hint}: browsers skip it.",
                document.where,
            )


def library_below_minimum(scene: Scene) -> Iterable[Finding]:
    """A map library too old for restricted tokens."""
    for part in scene.traffic:
        if not part.sightings:
            continue
        library = part.sightings[0].profile.library
        for version in part.libraries:
            if version.before(library.documented_minimum):
                yield Finding(
                    "library-below-minimum",
                    "warning",
                    f"{library.name} {version.text} is below {library.documented_minimum}, the"
                    " documented minimum for tokens with allowed URLs.",
                    version.where,
                )


def worker_race(scene: Scene) -> Iterable[Finding]:
    """Tiles that are refused or not by chance: GL JS >= 2 fetches the first ones on the main
    thread while its workers start, and Chromium's blob: workers ignore the page's policy
    (measured in Chromium 156)."""
    for part in scene.traffic:
        sent: dict[Document, set[bool]] = defaultdict(set)
        for sighting in part.sightings:
            document = sighting.issuer.document
            if (
                document is not None
                and document.policy in {"no-referrer", "same-origin"}
                and sighting.request.client.engine == "chromium"
                and sighting.endpoint is not None
                and sighting.endpoint.maker == "worker"
            ):
                sent[document].add(sighting.request.referer is not None)
        for document, kinds in sent.items():
            library = next(iter(part.libraries), None)
            if len(kinds) == 2 and (library is None or library.version >= (2,)):
                yield Finding(
                    "intermittent-by-worker-race",
                    "warning",
                    "Some tiles carry a Referer and some do not, differently at each load: the"
                    " first are fetched by the page, under its policy, and later ones by workers,"
                    " which ignore it in Chromium.",
                    document.where,
                )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


CHECKS: tuple[Callable[[Scene], Iterable[Finding]], ...] = (
    csp_blocks_request,
    client_blocks_request,
    mixed_content,
    cached_200_masks,
    secret_token_exposed,
    default_token_restricted,
    unrestricted_token,
    obsolete_csp_referrer,
    unknown_policy_token,
    library_below_minimum,
    worker_race,
)
