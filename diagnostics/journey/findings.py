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
from diagnostics.browser import url as urls
from diagnostics.browser.referrer_policy import LEGACY_META
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Outcome
from diagnostics.journey import csp_findings
from diagnostics.journey.contrast import Contrast
from diagnostics.journey.csp_findings import is_telemetry
from diagnostics.journey.told import Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting
from diagnostics.journey.verdict import Finding, Verdict
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.token import Token, decode
from diagnostics.report.wording import counted

_SECRET = re.compile(r"\bsk\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{6,}")


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
    """A CSP that keeps the map's requests from leaving."""
    for part in scene.traffic:
        yield from csp_findings.find(part)


def client_blocks_request(scene: Scene) -> Iterable[Finding]:
    """Requests that an extension or the browser itself stopped."""
    stopped: dict[tuple[str, bool], list[Sighting]] = defaultdict(list)
    for sighting in scene.sightings:
        reason = sighting.exchange.reason.upper()
        if "BLOCKED_BY_CLIENT" in reason or "BLOCKEDBYCLIENT" in reason:
            stopped[(sighting.url.host, is_telemetry(sighting))].append(sighting)
    for (host, telemetry), sightings in stopped.items():
        yield Finding(
            "client-blocks-request",
            "info" if telemetry else "error",
            f"An extension or the browser blocked {counted(len(sightings), 'request')} to {host}."
            + (" That is telemetry; the map works without it." if telemetry else ""),
            sightings[0].exchange.where,
        )


def mixed_content(scene: Scene) -> Iterable[Finding]:
    """An https page that asks the provider over http: blocked, upgraded, or without Referer."""
    for sighting in scene.sightings:
        document = sighting.issuer.document
        if (
            sighting.exchange.url.startswith("http:")
            and document is not None
            and document.url.startswith("https:")
        ):
            yield Finding(
                "mixed-content",
                "warning",
                f"The page on https asks {sighting.url.host} over plain http: browsers block or"
                " upgrade such requests, and by default no Referer goes with plain http.",
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
        for token in _secret_tokens(body or ""):
            yield _exposed(token.shown, "the page's markup", document.where)
    for part in scene.traffic:
        for exchange in part.exchanges:
            if "sk." not in exchange.url:
                continue
            for token in _secret_tokens(exchange.url):
                if exchange.request_headers.get("sec-fetch-mode") or exchange.page_ref:
                    yield _exposed(token.shown, "a request's address", exchange.where)


def _secret_tokens(text: str) -> Iterable[Token]:
    """Secret tokens in a text; what has the shape only is another service's."""
    for found in _SECRET.finditer(text):
        token = decode(found[0])
        if token.account is not None:
            yield token


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
        if document is None or not is_public(document):
            continue
        allowed = scene.told.about(token)
        answers = scene.contrast.of(token.text)
        if allowed.unrestricted or (not allowed.known and answers.shows_no_restriction):
            how = allowed.told_by if allowed.known else "it was answered 200 without a Referer"
            advice = (
                "A default token cannot be given any: make the page a token of its own."
                if allowed.is_default
                else "Add the page's host to it."
            )
            yield Finding(
                "unrestricted-token",
                "warning",
                f"{token.shown} has no allowed URLs ({how}): anybody who reads it from the page"
                f" can use it. {advice}",
                sighting.exchange.where if allowed.known else answers.admitted_without,
            )


def is_public(document: Document) -> bool:
    """Whether others can open the page: not one on this machine or on an address without a name."""
    url = urls.parse(document.url)
    if url is None or url.scheme not in {"http", "https"} or "." not in url.host:
        return False
    return not url.host.endswith(".localhost") and not urls.is_ip_address(url.host)


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
