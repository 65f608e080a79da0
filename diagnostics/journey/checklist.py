"""The provider's own troubleshooting steps, answered over the whole capture.

Source: token page, "What steps can I take if my URL restrictions aren't working": caching,
Referer, CSP, unsupported characters, api.mapbox.com; and its limits: clients and tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.told import HOW_TO_TELL, Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting
from diagnostics.journey.verdict import Cause, Check, Finding, Verdict
from diagnostics.provider.allowed_urls import Decision, EntryResult, decide
from diagnostics.provider.token import Token
from diagnostics.report.wording import counted

_NO_REFERER = {
    Cause.REFERRER_POLICY_BLOCKS,
    Cause.SCHEME_DOWNGRADE,
    Cause.WORKER_DROPS_REFERER,
    Cause.CLIENT_STRIPS_REFERER,
    Cause.CLIENT_REWRITES_REFERER,
    Cause.LOCAL_PAGE,
    Cause.OPAQUE_ORIGIN,
    Cause.STYLESHEET_REFERER,
    Cause.NON_BROWSER_CLIENT,
    Cause.MOBILE_SDK,
    Cause.REFERRER_POLICY_TRIMS,
}
_LIST = {
    Cause.PAGE_NOT_ALLOWED,
    Cause.SCHEME_MISMATCH,
    Cause.PORT_MISMATCH,
    Cause.PATH_MISMATCH,
    Cause.ALLOWLIST_WILDCARD,
    Cause.ALLOWLIST_IP,
    Cause.ALLOWLIST_INVALID,
    Cause.REFERRER_POLICY_TRIMS,
}
_TOKEN = {Cause.TOKEN_MISSING, Cause.TOKEN_INVALID, Cause.TOKEN_SCOPE}
_CLIENT = {
    Cause.NON_BROWSER_CLIENT,
    Cause.MOBILE_SDK,
    Cause.WORKER_DROPS_REFERER,
    Cause.CLIENT_STRIPS_REFERER,
    Cause.CLIENT_REWRITES_REFERER,
}


_CAN_NEVER_MATCH = {EntryResult.INVALID, EntryResult.IP, EntryResult.WILDCARD}


class Sheet(msgspec.Struct, frozen=True):
    """All that a step looks at."""

    sightings: tuple[Sighting, ...]
    traffic: Sequence[CaptureTraffic]
    told: Told
    verdicts: Sequence[Verdict]
    findings: Sequence[Finding]

    def with_cause(self, causes: set[Cause]) -> tuple[int, ...]:
        """Positions of the verdicts with one of these causes."""
        return tuple(n for n, verdict in enumerate(self.verdicts) if verdict.cause in causes)

    @property
    def tokens(self) -> list[Token | None]:
        """The tokens that are used, each once; None for a request without."""
        return list(dict.fromkeys(s.token for s in self.sightings))

    @property
    def lists(self) -> list[tuple[str, ...]]:
        """The lists of the tokens that are used, each once."""
        known = dict.fromkeys(self.told.about(token).entries for token in self.tokens)
        return [entries for entries in known if entries]

    def having(self, *codes: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.finding in codes]


def check(
    traffic: Sequence[CaptureTraffic],
    told: Told,
    verdicts: Sequence[Verdict],
    findings: Sequence[Finding],
) -> tuple[Check, ...]:
    """The seven steps in the token page's order."""
    sightings = tuple(s for part in traffic for s in part.sightings)
    sheet = Sheet(sightings, traffic, told, verdicts, findings)
    if not sightings:
        says = "The capture holds no request to a provider."
        return tuple(Check(name, "unknown", says) for name in STEPS)
    return tuple(step(sheet) for step in STEPS.values())


def cache(sheet: Sheet) -> Check:
    cached = sheet.with_cause({Cause.CACHED_403})
    if cached:
        return Check("cache", "fail", "Refusals come from a cache: reload without it.", cached)
    stored = sum(s.exchange.outcome is Outcome.CACHED for s in sheet.sightings)
    if sheet.having("cached-200-masks"):
        return Check("cache", "warn", "Cached answers of 200 hide refusals.")
    if all(s.exchange.outcome is Outcome.UNKNOWN for s in sheet.sightings):
        return Check("cache", "unknown", "The capture does not show where answers came from.")
    says = f"No refusal comes from a cache; {counted(stored, 'other answer')} did."
    return Check("cache", "pass", says if stored else "No answer came from a cache.")


def referer(sheet: Sheet) -> Check:
    broken = sheet.with_cause(_NO_REFERER)
    missing = sum(s.request.referer is None and s.request.headers_final for s in sheet.sightings)
    total = len(sheet.sightings)
    if broken:
        if missing:
            says = f"{_without(missing, total)}."
        elif all(sheet.verdicts[n].cause is Cause.REFERRER_POLICY_TRIMS for n in broken):
            says = "The Referer was cut to the origin, and an allowed URL asks for more."
        elif any(sheet.verdicts[n].referer for n in broken):
            says = "The Referer that arrived is not the page's address."
        else:
            says = "By the page's policy no Referer was sent; the capture does not show it."
        return Check("referer", "fail", says, broken)
    if missing:
        return Check(
            "referer",
            "warn",
            f"{_without(missing, total)}; a token with allowed URLs would be refused there.",
        )
    if not any(s.request.headers_final for s in sheet.sightings):
        return Check("referer", "unknown", "The capture does not show the final headers.")
    return Check("referer", "pass", "Every request carries a Referer.")


def _without(missing: int, total: int) -> str:
    verb = "carries" if missing == 1 else "carry"
    return f"{missing:,} of {counted(total, 'request')} {verb} no Referer"


def csp(sheet: Sheet) -> Check:
    sandboxed = tuple(
        n
        for n in sheet.with_cause({Cause.OPAQUE_ORIGIN})
        if "Content-Security-Policy" in sheet.verdicts[n].because
    )
    blocks = [f for f in sheet.having("csp-blocks-request") if f.severity == "error"]
    if sandboxed:
        return Check("csp", "fail", "The CSP sandboxes the page and takes its Referer.", sandboxed)
    if blocks:
        return Check("csp", "fail", blocks[0].says)
    doubtful = [f for f in sheet.having("csp-blocks-request") if f.severity == "warning"]
    doubtful += sheet.having("csp-referrer-directive-obsolete")
    if doubtful:
        return Check("csp", "warn", doubtful[0].says)
    documents = [d for part in sheet.traffic for d in part.issuers.documents]
    if not documents:
        return Check("csp", "unknown", "The page's own response is not in the capture.")
    if not any(d.policies for d in documents):
        if any(d.markup is None for d in documents):
            says = "The page's header has no Content-Security-Policy; its markup was not captured."
            return Check("csp", "unknown", says)
        return Check("csp", "pass", "The page has no Content-Security-Policy.")
    return Check("csp", "pass", "The page's Content-Security-Policy lets the map's requests leave.")


def allowed_urls(sheet: Sheet) -> Check:
    broken = sheet.with_cause(_LIST)
    lists = sheet.lists
    profile = sheet.sightings[0].profile
    never = [
        entry.says
        for entries in lists
        for entry in (profile.rules.match(None, text) for text in entries)
        if entry.result in _CAN_NEVER_MATCH
    ]
    if never:
        says = " ".join(never[:3])
        return Check("allowed-urls", "fail" if broken else "warn", says, broken)
    if broken:
        return Check("allowed-urls", "fail", sheet.verdicts[broken[0]].because, broken)
    if lists:
        return Check("allowed-urls", "pass", "Every allowed URL can match.")
    if any(sheet.told.about(token).known for token in sheet.tokens):
        return Check("allowed-urls", "pass", "The token has no allowed URLs.")
    return Check("allowed-urls", "unknown", f"The list was not told: {HOW_TO_TELL}.")


def api_host(sheet: Sheet) -> Check:
    needed = sheet.with_cause({Cause.API_HOST_NOT_ALLOWED})
    profile = sheet.sightings[0].profile
    host = profile.api_hosts[0]
    if needed:
        return Check("api-host", "fail", f"Pages on {host} use the token: allow {host}.", needed)
    page = f"https://{host}/"
    if any(decide(profile.rules, page, e).decision is Decision.ALLOWED for e in sheet.lists):
        return Check(
            "api-host",
            "warn",
            f"{host} is allowed: any share page may use the token.",
        )
    return Check("api-host", "pass", f"No page on {host} was refused: it need not be allowed.")


def client(sheet: Sheet) -> Check:
    broken = sheet.with_cause(_CLIENT)
    if broken:
        return Check("client", "fail", sheet.verdicts[broken[0]].because, broken)
    old = sheet.having("library-below-minimum", "client-blocks-request")
    if old:
        return Check("client", "warn", old[0].says)
    known = {s.request.client for s in sheet.sightings if s.request.client.kind != "unknown"}
    if not known:
        return Check("client", "unknown", "The capture does not show who sent the requests.")
    titles = sorted({client.title for client in known})
    return Check("client", "pass", f"Sent by {', '.join(titles)}.")


def token(sheet: Sheet) -> Check:
    broken = sheet.with_cause(_TOKEN)
    if broken:
        return Check("token", "fail", sheet.verdicts[broken[0]].because, broken)
    exposed = sheet.having("secret-token-exposed", "default-token-restricted", "unrestricted-token")
    if exposed:
        return Check("token", "warn", exposed[0].says)
    tokens = [token for token in sheet.tokens if token is not None]
    if not tokens:
        return Check("token", "unknown", "No request carries a token.")
    malformed = next((token.malformed for token in tokens if token.malformed), None)
    if malformed is not None:
        return Check("token", "warn", f"A token {malformed.rstrip('.')}.")
    if not any(token.kind for token in tokens):
        return Check("token", "unknown", "Another tool has redacted the token.")
    kinds = sorted(token.shown for token in tokens if token.kind)
    return Check("token", "pass", f"The token is readable: {', '.join(kinds[:3])}.")


STEPS: dict[str, Callable[[Sheet], Check]] = {
    "cache": cache,
    "referer": referer,
    "csp": csp,
    "allowed-urls": allowed_urls,
    "api-host": api_host,
    "client": client,
    "token": token,
}
