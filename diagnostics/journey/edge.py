"""Stage 6, edge: what did the provider object to?

The body of a refusal settles the matter where it names a scope or the token; “Forbidden” alone
stands for a URL restriction, the account, or a resource of somebody else. Source: the error
tables of the API pages, as data in the provider's profile.
"""

from __future__ import annotations

import msgspec

from diagnostics.capture.request import referer_origin
from diagnostics.journey.case import Case, Claim, StageReport
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State
from diagnostics.provider.allowed_urls import Decision
from diagnostics.provider.profile import ErrorBody

_ACCOUNT_WORDS = ("account", "suspended", "disabled", "billing")


def examine(case: Case) -> StageReport:
    exchange, token = case.exchange, case.token
    status, body = exchange.status or 0, (exchange.body or "").strip()
    known = case.profile.error(status, body) if body else None
    if known is not None and known[0].settles:
        return _settled(case, Cause(known[0].settles), known[1].groupdict().get("scope"), body)
    by_length = _by_length(case) if not body else None
    if by_length is not None and by_length[0].settles:
        return _told_by_length(case, Cause(by_length[0].settles), by_length[1])
    if status == 401:
        return _unauthorised(case, body)
    expires = token.expires if token is not None else None
    if expires is not None and exchange.started is not None and expires < exchange.started:
        return _settled(case, Cause.TOKEN_INVALID, None, body, "The token had expired.")
    lacking = _lacking_scope(case)
    if lacking:
        return _settled(case, Cause.TOKEN_SCOPE, lacking, body, f"The token lacks {lacking}.")
    if body and known is None and any(word in body.lower() for word in _ACCOUNT_WORDS):
        return _account(case, Confidence.CERTAIN, f"The answer says: {_short(body)}.", body)
    if body and known is None:
        return _foreign(case, body)
    return _forbidden(case, body or (f"{by_length[1]} (by its length)" if by_length else ""))


def _by_length(case: Case) -> tuple[ErrorBody, str] | None:
    """The known answer that a body which the browser kept back must have been."""
    length = case.exchange.response_headers.get("content-length") or ""
    if not length.isdigit():
        return None
    return case.profile.error_by_length(case.exchange.status or 0, int(length), case.endpoint)


def _told_by_length(case: Case, cause: Cause, text: str) -> StageReport:
    report = _settled(case, cause, case.endpoint.scope if case.endpoint else None, text)
    claim = report.claims[0]
    if cause is Cause.TOKEN_MISSING and case.token is None:
        return report
    evidence = Evidence(
        f"The body was kept back by the browser; its length, {len(text)}, is that of {text}.",
        f"{case.exchange.where}, response headers",
    )
    likely = msgspec.structs.replace(
        claim, confidence=Confidence.LIKELY, evidence=(evidence,), settle="The answer's body."
    )
    return StageReport(report.state, report.says, (likely,))


def _settled(case: Case, cause: Cause, scope: str | None, body: str, says: str = "") -> StageReport:
    because = {
        Cause.TOKEN_MISSING: "The request carries no access token.",
        Cause.TOKEN_INVALID: says or "The provider does not know the token, or it was deleted.",
        Cause.TOKEN_SCOPE: f"The {case.what} needs the scope {scope}, which the token lacks.",
    }[cause]
    where = f"{case.exchange.where}, response body"
    evidence = [Evidence(f"The answer is {case.exchange.status}: {_short(body)}", where)]
    if cause is Cause.TOKEN_INVALID and case.token is not None and case.token.malformed:
        because = f"The token {case.token.malformed}."
        evidence.append(Evidence(f"The token {case.token.malformed}.", case.exchange.where))
    claim = Claim(cause, Confidence.CERTAIN, because, tuple(evidence), decisive=True)
    return StageReport(State.BROKEN, because, (claim,))


def _unauthorised(case: Case, body: str) -> StageReport:
    """A 401 in words that are not known, or whose body the capture lacks."""
    if case.token is None or not case.token.text:
        return _settled(case, Cause.TOKEN_MISSING, None, body)
    if case.token.malformed:
        return _settled(case, Cause.TOKEN_INVALID, None, body)
    claim = Claim(
        Cause.TOKEN_INVALID,
        Confidence.LIKELY,
        "The provider answered 401 to a token that looks whole: it was deleted, rotated or"
        " belongs to another service.",
        (Evidence(f"The answer is 401: {_short(body)}", case.exchange.where),),
        "The account's list of tokens.",
        decisive=True,
    )
    return StageReport(State.BROKEN, claim.because, (claim,))


def _lacking_scope(case: Case) -> str | None:
    needed = case.endpoint.scope if case.endpoint else None
    scopes = case.allowed.scopes
    if scopes is None and case.token is not None:
        scopes = case.token.scopes
    return needed if needed and scopes is not None and needed not in scopes else None


def _account(case: Case, confidence: Confidence, because: str, body: str) -> StageReport:
    claim = Claim(
        Cause.ACCOUNT_OR_RESOURCE,
        confidence,
        because,
        (Evidence(f"The answer is {case.exchange.status}: {_short(body)}", case.exchange.where),),
        "The account page, and whether the resource belongs to the token's account.",
    )
    return StageReport(State.BROKEN, because, (claim,))


def _foreign(case: Case, body: str) -> StageReport:
    """An answer in words that the API does not use: something else may have refused."""
    says = f"The answer is not in the API's known words: {_short(body)}"
    return StageReport(State.UNKNOWN, says)


def _forbidden(case: Case, body: str) -> StageReport:
    shown = _short(body)
    if case.restricted is False:
        how = case.allowed.told_by or (
            f"it was answered 200 without a Referer ({case.answers.admitted_without})"
        )
        because = (
            f"The token has no allowed URLs ({how}), so its restriction cannot be the reason:"
            f" the account, or {resource(case)}."
        )
        confidence = Confidence.CERTAIN if case.allowed.known else Confidence.LIKELY
        return _account(case, confidence, because, shown)
    if _foreign_owner(case) and _admitted_elsewhere(case):
        because = f"The same token and Referer were answered 200 elsewhere, and {resource(case)}."
        return _account(case, Confidence.LIKELY, because, shown)
    return StageReport(
        State.OK, f"{shown or 'No body'}: a URL restriction, the account or the resource."
    )


def _foreign_owner(case: Case) -> str | None:
    owner = case.profile.owner(case.url.path)
    account = case.token.account if case.token else None
    if owner and account and owner != account and owner not in case.profile.public_owners:
        return owner
    return None


def resource(case: Case) -> str:
    owner = _foreign_owner(case)
    if owner:
        return f"the {case.what} belongs to the account {owner}, not to the token's"
    return f"the {case.what} itself"


def _admitted_elsewhere(case: Case) -> bool:
    admission = case.admission(case.referer)
    if admission is not None:
        return admission.decision is Decision.ALLOWED
    return referer_origin(case.referer) in case.answers.admitted


def _short(body: str) -> str:
    line = " ".join(body.split())
    return line if len(line) <= 160 else line[:159] + "…"
