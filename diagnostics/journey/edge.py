"""Stage 6, edge: what did the provider object to?

The body of a refusal settles the matter where it names a scope or the token; “Forbidden” alone
stands for a URL restriction, the account, or a resource of somebody else. Source: the error
tables of the API pages, as data in the provider's profile.
"""

from __future__ import annotations

import msgspec

from diagnostics.capture.exchange import Outcome
from diagnostics.capture.redacted import is_redacted
from diagnostics.capture.request import referer_origin
from diagnostics.journey.case import Case, Claim, StageReport
from diagnostics.journey.contrast import foreign_owner
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State
from diagnostics.provider.allowed_urls import Decision
from diagnostics.provider.profile import ErrorBody

_ACCOUNT_WORDS = ("account", "suspended", "disabled", "billing")
_LONGEST_LENGTH = 9


def examine(case: Case) -> StageReport:
    exchange, token = case.exchange, case.token
    status, body = exchange.status or 0, (exchange.body or "").strip()
    if is_redacted(body):
        body = ""
    known = case.profile.error(status, body) if body else None
    if known is not None and known[0].settles:
        return _settled(case, Cause(known[0].settles), known[1].groupdict().get("scope"), body)
    by_length = _by_length(case) if not body else None
    if by_length is not None and by_length[0].settles:
        return _told_by_length(case, Cause(by_length[0].settles), by_length[1])
    if status == 401:
        return _unauthorised(case, body)
    if _had_expired(case):
        return _settled(case, Cause.TOKEN_INVALID, None, body)
    if _is_assumed(case) and token is not None and token.malformed:
        return _placeholder(case, token.malformed)
    if body and known is None:
        message = _message(body)
        if message is not None and any(word in message.lower() for word in _ACCOUNT_WORDS):
            says = f"The answer says: {_short(message).rstrip('.')}."
            return _account(case, Confidence.CERTAIN, says, body, decisive=True)
        return _foreign(case, body)
    lacking = _lacking_scope(case)
    if lacking:
        return _without_scope(case, lacking, body)
    return _forbidden(case, body or (f"{by_length[1]} (by its length)" if by_length else ""))


def _by_length(case: Case) -> tuple[ErrorBody, str] | None:
    """The known answer that a body which the browser kept back must have been."""
    length = case.exchange.response_headers.get("content-length") or ""
    if not length.isascii() or not length.isdigit() or len(length) > _LONGEST_LENGTH:
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


def _had_expired(case: Case) -> bool:
    expires, started = case.token.expires if case.token else None, case.exchange.started
    return expires is not None and started is not None and expires < started


def _is_assumed(case: Case) -> bool:
    """Whether there is no answer, as in a curl command, which is taken for a refused one."""
    return case.exchange.outcome is not Outcome.ANSWERED


def _placeholder(case: Case, malformed: str) -> StageReport:
    because = f"The token {malformed.rstrip('.')}."
    evidence = (_answer(case, ""), Evidence(because, case.exchange.where))
    settle = "The command with the real token in it, and its answer: a token that is none gets 401."
    claim = Claim(Cause.TOKEN_INVALID, Confidence.LIKELY, because, evidence, settle, decisive=True)
    return StageReport(State.BROKEN, because, (claim,))


def _settled(case: Case, cause: Cause, scope: str | None, body: str) -> StageReport:
    unknown = "The provider does not know the token, or it was deleted."
    because = {
        Cause.TOKEN_MISSING: "The request carries no access token.",
        Cause.TOKEN_INVALID: "The token had expired." if _had_expired(case) else unknown,
        Cause.TOKEN_SCOPE: f"The {case.what} needs the scope {scope}, which the token lacks.",
    }[cause]
    where = f"{case.exchange.where}, response body"
    evidence = [_answer(case, body, where)]
    if cause is Cause.TOKEN_INVALID and case.token is not None and case.token.malformed:
        because = f"The token {case.token.malformed.rstrip('.')}."
        evidence.append(Evidence(because, case.exchange.where))
    claim = Claim(cause, Confidence.CERTAIN, because, tuple(evidence), decisive=True)
    return StageReport(State.BROKEN, because, (claim,))


def _unauthorised(case: Case, body: str) -> StageReport:
    """A 401 in words that are not known, or whose body the capture lacks."""
    if case.token is None or not case.token.text:
        return _settled(case, Cause.TOKEN_MISSING, None, body)
    if case.token.malformed or _had_expired(case):
        return _settled(case, Cause.TOKEN_INVALID, None, body)
    claim = Claim(
        Cause.TOKEN_INVALID,
        Confidence.LIKELY,
        "The provider answered 401 to a token that looks whole: it was deleted, rotated or"
        " belongs to another service.",
        (_answer(case, body),),
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


def needed_scope(case: Case) -> str | None:
    """The scope that the answer asks for, else the one that the documentation names for the
    endpoint; None where neither does."""
    known = case.profile.error(case.exchange.status or 0, case.exchange.body or "")
    named = known[1].groupdict().get("scope") if known else None
    return named or (case.endpoint.scope if case.endpoint else None)


def _without_scope(case: Case, scope: str, body: str) -> StageReport:
    """A scope that the token is known to lack, and an answer that does not speak of it."""
    because = f"The {case.what} needs the scope {scope}, which the token lacks."
    claim = Claim(
        Cause.TOKEN_SCOPE,
        Confidence.LIKELY,
        because,
        (
            _answer(case, body),
            Evidence(
                f"The token's scopes lack {scope}.", case.allowed.told_by or case.exchange.where
            ),
        ),
        "The same request with a token that has the scope.",
    )
    return StageReport(State.BROKEN, because, (claim,))


def _account(
    case: Case,
    confidence: Confidence,
    because: str,
    body: str,
    evidence: tuple[Evidence, ...] = (),
    *,
    decisive: bool = False,
) -> StageReport:
    claim = Claim(
        Cause.ACCOUNT_OR_RESOURCE,
        confidence,
        because,
        (_answer(case, body), *evidence),
        "The account page, and whether the resource belongs to the token's account.",
        decisive=decisive,
    )
    return StageReport(State.BROKEN, because, (claim,))


def _answer(case: Case, body: str, where: str = "") -> Evidence:
    if _is_assumed(case):
        says = f"There is no answer; it is taken to have been {case.exchange.status}."
        return Evidence(says, case.exchange.where)
    text = _short(body)
    says = f"The answer is {case.exchange.status}{f': {text}' if text else ', without a body'}."
    return Evidence(says, where or case.exchange.where)


def _message(body: str) -> str | None:
    """The message of an answer in the API's form, a JSON object with that field."""
    try:
        answer = msgspec.json.decode(body, type=_Message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return answer.message


class _Message(msgspec.Struct):
    message: str


def _foreign(case: Case, body: str) -> StageReport:
    """An answer in words that the API does not use: something else may have refused."""
    says = "The answer is not in the API's known words: something on the way may have refused."
    doubt = Evidence(
        f"The answer's body is not one of the API's: {_short(body)}",
        f"{case.exchange.where}, response body",
    )
    return StageReport(State.UNKNOWN, says, doubt=doubt)


def _forbidden(case: Case, body: str) -> StageReport:
    shown = _short(body)
    if case.endpoint is not None and not case.endpoint.token:
        because = (
            f"The {case.what} needs no token, so no restriction of one can be the reason: the"
            f" account, or {resource(case)}."
        )
        return _account(case, Confidence.LIKELY, because, shown)
    if case.restricted is False:
        return _unrestricted(case, shown)
    if _foreign_owner(case) and _admitted_elsewhere(case):
        because = f"The list admits the page, and {resource(case)}."
        return _account(case, Confidence.LIKELY, because, shown, _proof(case))
    return StageReport(
        State.OK, f"{shown or 'No body'}: a URL restriction, the account or the resource."
    )


def _unrestricted(case: Case, shown: str) -> StageReport:
    how = case.allowed.told_by
    evidence: tuple[Evidence, ...] = ()
    if not case.allowed.known:
        how = "it was answered 200 without a Referer"
        says = "The same token was answered 200 without a Referer."
        evidence = (Evidence(says, case.answers.admitted_without),)
    because = (
        f"The token has no allowed URLs ({how}), so its restriction cannot be the reason: the"
        f" account, or {resource(case)}."
    )
    sure = case.allowed.known and not _is_assumed(case)
    confidence = Confidence.CERTAIN if sure else Confidence.LIKELY
    return _account(case, confidence, because, shown, evidence)


def _proof(case: Case) -> tuple[Evidence, ...]:
    """Where the same token and Referer were answered 200, if they were."""
    where = case.answers.admitted.get(referer_origin(case.referer) or "")
    says = "The same token was answered 200 with the same Referer."
    return (Evidence(says, where),) if where else ()


def _foreign_owner(case: Case) -> str | None:
    return foreign_owner(case.profile, case.token, case.url.path)


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
