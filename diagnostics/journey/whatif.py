"""What would this request have met after a change? The engine run again, for fixes and --what-if.

A change is written as on the command line: `referrer-policy=strict-origin-when-cross-origin`
(page header and meta), `request-policy=…` (element attribute, fetch or library option),
`allow+=ENTRY`, `allow-=ENTRY`, `gl-js=3.9.0`, `csp-=sandbox`, `sandbox+=allow-same-origin`,
`page=URL` (the page at another address), `to=https` (the request over https), `client=clean` (a
browser without what removes or forges the Referer), `cache=off`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Context, Means, Situation, predict
from diagnostics.journey import cache, edge, policy
from diagnostics.journey.case import Case
from diagnostics.journey.library import numbers
from diagnostics.journey.told import HOW_TO_TELL
from diagnostics.journey.verdict import Cause
from diagnostics.provider.allowed_urls import Decision, EntryResult, decide

_CHANGE = re.compile(r"(?P<name>[a-z]+(?:-[a-z]+)*)(?P<operator>\+=|-=|=)(?P<value>.+)", re.DOTALL)
_FORMS = {
    ("referrer-policy", "="),
    ("request-policy", "="),
    ("allow", "+="),
    ("allow", "-="),
    ("gl-js", "="),
    ("csp", "-="),
    ("sandbox", "+="),
    ("page", "="),
    ("to", "="),
    ("client", "="),
    ("cache", "="),
}
_UNREAD = (
    "The policy that removed the Referer is not in the capture, so whether this change is the one"
    " that counts cannot be known."
)
_ONLY = {"csp": "sandbox", "sandbox": "allow-same-origin", "to": "https", "client": "clean",
         "cache": "off"}  # fmt: skip


class Change(msgspec.Struct, frozen=True):
    """One proposed change: its name, operator (`=`, `+=`, `-=`) and value."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{self.value}"


class Effect(msgspec.Struct, frozen=True):
    """What the model expects after the changes: the Referer that would arrive, what the provider
    would answer to it (allowed, refused or unknown), and a sentence."""

    referer: str | None
    predicted: str
    says: str


def parse_change(text: str) -> Change:
    """Read a change as it is written. Raises ValueError with what is possible."""
    found = _CHANGE.fullmatch(text.strip())
    if found is None or (found["name"], found["operator"]) not in _FORMS:
        raise ValueError(
            f"“{text}” is no change that can be tried; write for example"
            " referrer-policy=strict-origin-when-cross-origin, allow+=example.com,"
            " allow-=example.com, gl-js=3.9.0 or csp-=sandbox"
        )
    change = Change(found["name"], found["operator"], found["value"].strip())
    if change.name.endswith("-policy") and not rp.parse_header([change.value]).policy:
        raise ValueError(
            f"“{change.value}” is no referrer policy; there are {', '.join(rp.POLICIES)}"
        )
    if change.name == "gl-js" and not numbers(change.value):
        raise ValueError(f"“{change.value}” is no version; write for example gl-js=3.9.0")
    if change.name == "page" and urls.parse(change.value) is None:
        raise ValueError(f"“{change.value}” is no URL; write for example page=https://example.com/")
    only = _ONLY.get(change.name)
    if only and change.value != only:
        raise ValueError(f"“{text}”: {change.name}{change.operator} takes only “{only}”")
    return change


def try_changes(case: Case, changes: Sequence[Change]) -> Effect:
    """The effect of all changes together on one request."""
    if _meets_unread_policy(case, {change.name for change in changes}):
        return _through_unread_policy(case, changes)
    referer, says = _referer_after(case, changes)
    predicted, verdict = _answer_after(case, referer, changes)
    return Effect(referer, predicted, f"{says} {verdict}".strip())


def _meets_unread_policy(case: Case, named: set[str]) -> bool:
    """Whether a policy is changed while the one that decides was not read: a meta element in
    markup that is not captured would overrule a header. Where only this request of its page has
    no Referer, a change of the page's policy would do nothing for it."""
    if not named & {"referrer-policy", "request-policy"} or named & {"client", "page"}:
        return False
    document = case.document
    read = case.reading.best is not None and not (
        case.reading.agreement == "none" and document is not None and document.seen
    )
    if read or (case.page_sends and "request-policy" not in named):
        return False
    return any(claim.cause is Cause.REFERRER_POLICY_BLOCKS for claim in policy.examine(case).claims)


def _through_unread_policy(case: Case, changes: Sequence[Change]) -> Effect:
    best = case.reading.best
    if best is not None:
        referer, says = _modelled(case, best.situation, changes)
        predicted, verdict = _answer_after(case, referer, changes)
        if predicted == "refused":  # even if the change counts
            return Effect(referer, predicted, f"{says} {verdict}".strip())
    return Effect(case.referer, "unknown", _UNREAD)


def _referer_after(case: Case, changes: Sequence[Change]) -> tuple[str | None, str]:
    named = {change.name for change in changes}
    best = case.reading.best
    if best is None:
        return _from_new_page(case, changes)
    touched = case.reading.agreement == "none" and case.document is not None
    if touched and case.document is not None and case.document.seen and "client" not in named:
        arrived = case.request.referer or "none"
        return case.request.referer, f"What changes the Referer would still do so: {arrived}."
    if touched and "client" not in named and "referrer-policy" not in named:
        return case.request.referer, "The Referer stays as it is."
    return _modelled(case, best.situation, changes)


def _from_new_page(case: Case, changes: Sequence[Change]) -> tuple[str | None, str]:
    """The page is not known: only one at a given address can be predicted."""
    address = next((change.value for change in reversed(changes) if change.name == "page"), None)
    if address is None or not case.request.client.renders_pages:
        return case.referer, "The Referer stays as it is."
    return _modelled(case, Situation(page=address, to=case.exchange.url), changes)


def _modelled(
    case: Case, situation: Situation, changes: Sequence[Change]
) -> tuple[str | None, str]:
    for change in changes:
        situation = _apply(case, situation, change)
    prediction = predict(situation, case.request.client.model)
    return prediction.referer, f"Referer: {prediction.referer or 'none'}."


def _apply(case: Case, situation: Situation, change: Change) -> Situation:
    new = msgspec.structs.replace
    sandboxed = situation.context is Context.SANDBOXED
    document = case.document
    match change.name:
        case "referrer-policy":
            via = tuple(new(hop, policy="") if hop.policy else hop for hop in situation.via)
            return new(situation, policy=rp.parse_header([change.value]).policy, via=via)
        case "request-policy":
            return new(situation, request_policy=rp.parse_header([change.value]).policy)
        case "gl-js":
            return _with_library(case, situation, numbers(change.value))
        case "csp" if sandboxed and document is not None and document.sandbox is not None:
            if not document.frame_sandboxed:
                return new(situation, context=Context.DOCUMENT)
            return situation
        case "sandbox" if sandboxed and (document is None or document.sandbox is None):
            return new(situation, context=Context.DOCUMENT)
        case "page":
            return new(situation, page=change.value)
        case "to":
            https = re.sub(r"^http:", "https:", situation.to)
            via = tuple(new(h, url=re.sub(r"^http:", "https:", h.url)) for h in situation.via)
            return new(situation, to=https, via=via)
        case _:
            return situation


def _with_library(case: Case, situation: Situation, version: tuple[int, ...]) -> Situation:
    """A worker's request as that version of the map library makes it; others stay as they are."""
    if situation.context not in {Context.BLOB_WORKER_XHR, Context.BLOB_WORKER_FETCH}:
        return situation
    names = version >= numbers(case.profile.library.names_referrer_since)
    return msgspec.structs.replace(
        situation,
        context=Context.BLOB_WORKER_FETCH if names else Context.BLOB_WORKER_XHR,
        means=Means.FETCH if names else Means.XHR,
        names_referrer=names,
    )


def _answer_after(case: Case, referer: str | None, changes: Sequence[Change]) -> tuple[str, str]:
    for claim in edge.examine(case).claims:
        if claim.decisive:
            return "refused", claim.because
        if claim.cause is Cause.ACCOUNT_OR_RESOURCE:
            return "unknown", "Whether the account or the resource still refuses cannot be known."
    added = [
        change.value for change in changes if (change.name, change.operator) == ("allow", "+=")
    ]
    removed = {
        change.value for change in changes if (change.name, change.operator) == ("allow", "-=")
    }
    rules = case.profile.rules
    if case.allowed.entries is None:
        return _answer_unknown_list(case, referer, added)
    entries = [entry for entry in (*case.allowed.entries, *added) if entry not in removed]
    if case.allowed.entries and not entries:
        return "unknown", "Without an entry the token works from any page: no restriction is left."
    admission = decide(rules, referer, entries)
    if admission.decision is Decision.ALLOWED and _was_admitted(case):
        return "unknown", "The list admits it already, and yet it was refused."
    if admission.decision is Decision.ALLOWED:
        return "allowed", f"“{admission.entry}” admits it." if admission.entry else ""
    if admission.decision is Decision.UNDOCUMENTED:
        return "unknown", f"Whether “{admission.entry}” admits it is not documented."
    miss = admission.nearest_miss
    return "refused", miss.says if miss else ""


def _was_admitted(case: Case) -> bool:
    """Whether a fresh request was refused although the list admits it: then something else did."""
    before = case.admission(case.request.referer)
    fresh = not any(claim.cause is Cause.CACHED_403 for claim in cache.examine(case).claims)
    return fresh and before is not None and before.decision is Decision.ALLOWED


def _answer_unknown_list(case: Case, referer: str | None, added: list[str]) -> tuple[str, str]:
    if referer is None:
        return ("refused" if case.restricted else "unknown"), "A restricted token needs a Referer."
    for entry in added:
        if case.profile.rules.match(referer, entry).result is EntryResult.MATCH:
            return "allowed", f"“{entry}” admits it."
    url = urls.parse(referer)
    if url is not None and url.origin in case.answers.admitted:
        return "allowed", "The same token was answered 200 with this Referer in this capture."
    return "unknown", f"Whether the list admits it is not known: tell it with {HOW_TO_TELL}."
