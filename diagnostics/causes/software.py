"""Which software set this page's Referrer-Policy, to judge by the response's other headers?

Frameworks and products send their security headers as a set, and the set gives them away. The
table is `software.yaml`; this module reads it and compares. The answer is a guess with evidence:
it says whose own setting to look at first, and never decides about a cause.
"""

from __future__ import annotations

import enum
import functools
import importlib.resources
from collections.abc import Sequence

import msgspec

from diagnostics.browser import referrer_policy
from diagnostics.capture.exchange import Headers
from diagnostics.causes.catalog import Link
from diagnostics.journey.verdict import Confidence

_SHOWN = 80


class Kind(enum.StrEnum):
    """What to look at first, in this order: a product or framework knows its own header, a CDN
    or server mostly passes it on."""

    PRODUCT = "product"
    FRAMEWORK = "framework"
    CDN = "cdn"
    SERVER = "server"


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a response header (or a cookie that the response sets) must look. Without any of the
    tests it only has to be there."""

    header: str = ""
    cookie: str = ""
    equals: str | None = msgspec.field(default=None, name="is")
    exactly: str | None = None
    begins: str | None = None
    has: str | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the table; the fields are explained at its top."""

    id: str
    name: str
    kind: Kind
    policies: tuple[str, ...]
    since: str
    confidence: Confidence
    require: tuple[Sign, ...]
    says: str
    setting: str
    language: str
    snippet: str
    link: Link
    sources: tuple[str, ...]
    support: tuple[Sign, ...] = ()
    quorum: int = 0
    against: tuple[Sign, ...] = ()
    cost: str | None = None


class Software(msgspec.Struct, frozen=True):
    """One candidate. `is_default`: the policy seen is what it sends unless told otherwise;
    `evidence` are sentences about the response; `snippet` is its own setting with
    strict-origin-when-cross-origin, in `language`; `cost` says what to watch, or None."""

    id: str
    name: str
    kind: Kind
    confidence: Confidence
    is_default: bool
    evidence: tuple[str, ...]
    says: str
    setting: str
    language: str
    snippet: str
    link: Link
    cost: str | None = None


@functools.cache
def table() -> tuple[Entry, ...]:
    """The rows of `software.yaml`."""
    source = importlib.resources.files("diagnostics.causes").joinpath("software.yaml").read_bytes()
    return msgspec.yaml.decode(source, type=tuple[Entry, ...])


def recognise(response_headers: Headers, policy_value: str) -> list[Software]:
    """What may have set `policy_value` on the page with these response headers, best first.

    `policy_value` is the Referrer-Policy header's value (of a list the last known token counts);
    without a known token the policy did not come by this header, and the answer is empty.
    Candidates whose default it is come first; then products and frameworks before CDNs and
    servers; then those with more signs; then the table's order.
    """
    policy = referrer_policy.parse_header([policy_value]).policy
    if not policy:
        return []
    seen = _Response(response_headers)
    found = []
    for entry in table():
        evidence = _evidence(entry, seen)
        if evidence is not None:
            found.append(_candidate(entry, policy, evidence))
    kinds = list(Kind)
    found.sort(key=lambda s: (not s.is_default, kinds.index(s.kind), -len(s.evidence)))
    return found


class _Response:
    """Header values by lower-case name, and the names of the cookies; read once for all rows."""

    def __init__(self, headers: Headers) -> None:
        self.values: dict[str, list[str]] = {}
        for name, value in headers:
            self.values.setdefault(name.lower(), []).append(value.strip())
        # Some exporters write all Set-Cookie lines into one value.
        self.cookies = frozenset(
            line.partition("=")[0].strip()
            for value in self.values.get("set-cookie", ())
            for line in value.split("\n")
        )


def _candidate(entry: Entry, policy: str, evidence: Sequence[str]) -> Software:
    is_default = policy in entry.policies
    # A framework with another policy than its own was configured, or is not what set it.
    confidence = entry.confidence if is_default else Confidence.POSSIBLE
    return Software(
        id=entry.id,
        name=entry.name,
        kind=entry.kind,
        confidence=confidence,
        is_default=is_default,
        evidence=tuple(evidence),
        says=entry.says,
        setting=entry.setting,
        language=entry.language,
        snippet=entry.snippet.rstrip("\n"),
        link=entry.link,
        cost=entry.cost,
    )


def _evidence(entry: Entry, seen: _Response) -> list[str] | None:
    """The sentences for the row's signs, or None where the response does not fit."""
    if any(_holds(sign, seen) is not None for sign in entry.against):
        return None
    evidence = []
    for sign in entry.require:
        says = _holds(sign, seen)
        if says is None:
            return None
        evidence.append(says)
    support = [says for sign in entry.support if (says := _holds(sign, seen)) is not None]
    if len(support) < entry.quorum:
        return None
    return list(dict.fromkeys(evidence + support))


def _holds(sign: Sign, seen: _Response) -> str | None:
    """A sentence that says how the sign shows, or None where it does not."""
    if sign.cookie:
        return (
            f"The response sets the cookie {sign.cookie}." if sign.cookie in seen.cookies else None
        )
    for value in seen.values.get(sign.header, ()):
        if _fits(sign, value):
            if sign.header == "set-cookie":
                return "The response sets a cookie."
            shown = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
            return (
                f"The response has {sign.header}: {shown}"
                if shown
                else (f"The response has an empty {sign.header} header.")
            )
    return None


def _fits(sign: Sign, value: str) -> bool:
    folded = value.lower()
    return (
        (sign.equals is None or folded == sign.equals.lower())
        and (sign.exactly is None or value == sign.exactly)
        and (sign.begins is None or folded.startswith(sign.begins.lower()))
        and (sign.has is None or sign.has.lower() in folded)
    )
