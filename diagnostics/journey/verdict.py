"""What a diagnosis says: the values of the report's contract, `why403/report/1`.

Field names and codes are stable; other people's scripts read them. The JSON schema generated
from these types lies in `diagnostics/report/report.schema.json`.
"""

from __future__ import annotations

import enum

import msgspec


class Stage(enum.StrEnum):
    """The seven stages of a request's journey, in order."""

    CLIENT = "client"
    PAGE = "page"
    POLICY = "policy"
    WIRE = "wire"
    CACHE = "cache"
    EDGE = "edge"
    RULE = "rule"


class Cause(enum.StrEnum):
    """Why a request was refused, in the order of the stages that can name it."""

    NON_BROWSER_CLIENT = "non-browser-client"
    MOBILE_SDK = "mobile-sdk"
    LOCAL_PAGE = "local-page"
    OPAQUE_ORIGIN = "opaque-origin"
    REFERRER_POLICY_BLOCKS = "referrer-policy-blocks"
    REFERRER_POLICY_TRIMS = "referrer-policy-trims"
    SCHEME_DOWNGRADE = "scheme-downgrade"
    WORKER_DROPS_REFERER = "worker-drops-referer"
    CLIENT_STRIPS_REFERER = "client-strips-referer"
    CLIENT_REWRITES_REFERER = "client-rewrites-referer"
    STYLESHEET_REFERER = "stylesheet-referer"
    CACHED_403 = "cached-403"
    TOKEN_MISSING = "token-missing"
    TOKEN_INVALID = "token-invalid"
    TOKEN_SCOPE = "token-scope"
    ACCOUNT_OR_RESOURCE = "account-or-resource"
    API_HOST_NOT_ALLOWED = "api-host-not-allowed"
    PAGE_NOT_ALLOWED = "page-not-allowed"
    SCHEME_MISMATCH = "scheme-mismatch"
    PORT_MISMATCH = "port-mismatch"
    PATH_MISMATCH = "path-mismatch"
    ALLOWLIST_WILDCARD = "allowlist-wildcard"
    ALLOWLIST_IP = "allowlist-ip"
    ALLOWLIST_INVALID = "allowlist-invalid"
    UNEXPLAINED = "unexplained"


class Confidence(enum.StrEnum):
    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class State(enum.StrEnum):
    """What a stage found. `skipped`: not reached or without meaning for this request."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Evidence(msgspec.Struct, frozen=True):
    """One observation and where it stands (`ticket.har entry 12, response header ...`)."""

    says: str
    where: str


class Alternative(msgspec.Struct, frozen=True):
    """Another cause that fits the same evidence, and what would tell the two apart."""

    cause: Cause
    confidence: Confidence
    settle: str


class Station(msgspec.Struct, frozen=True):
    """One stage of one request's journey: its state and what was compared there."""

    stage: Stage
    state: State
    says: str


class Fix(msgspec.Struct, frozen=True):
    """A change that was run through the model. `fix` is a what-if change where one exists
    (`referrer-policy=strict-origin-when-cross-origin`), else a short code; `predicted` is
    allowed, refused or unknown; `cost` says what the change weakens or breaks."""

    fix: str
    says: str
    snippet: str
    predicted: str
    cost: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """Why one request was refused. `page` is the URL of the page that issued it and `referer`
    the header as sent; both None where there is none or none is known."""

    file: str
    index: int
    method: str
    url: str
    status: int
    provider: str
    page: str | None
    referer: str | None
    cause: Cause
    confidence: Confidence
    because: str
    evidence: tuple[Evidence, ...]
    alternatives: tuple[Alternative, ...]
    journey: tuple[Station, ...]
    fixes: tuple[Fix, ...]


class Check(msgspec.Struct, frozen=True):
    """One step of the provider's own troubleshooting list over the whole capture: `check` is
    cache, referer, csp, allowed-urls, api-host, client or token; `status` is pass, fail, warn or
    unknown; `verdicts` are positions in the report's list of verdicts."""

    check: str
    status: str
    says: str
    verdicts: tuple[int, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """Something wrong that refused nothing; `severity` is error, warning or info."""

    finding: str
    severity: str
    says: str
    where: str
