"""Stage 7, rule: do the allowed URLs admit that Referer?

With the list told, each entry is asked and the nearest miss names the cause. Without it, the
other answers to the same token are the only evidence.
"""

from __future__ import annotations

import re

from diagnostics.browser import url as urls
from diagnostics.capture.request import referer_origin
from diagnostics.journey.case import Case, Claim, StageReport, header_evidence, shown
from diagnostics.journey.contrast import resource_of
from diagnostics.journey.edge import resource
from diagnostics.journey.told import HOW_TO_TELL
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State
from diagnostics.provider.allowed_urls import Admission, Decision, EntryMatch, EntryResult

_LIST = f"The token's list of allowed URLs: tell it with {HOW_TO_TELL}."
_PREDICTED = "By the page's policy {referer} was sent; the capture does not show it."
_BY_RESULT = {
    EntryResult.SCHEME: Cause.SCHEME_MISMATCH,
    EntryResult.PORT: Cause.PORT_MISMATCH,
    EntryResult.PATH: Cause.PATH_MISMATCH,
    EntryResult.QUERY: Cause.PATH_MISMATCH,
}
_UNREADABLE = {
    EntryResult.WILDCARD: Cause.ALLOWLIST_WILDCARD,
    EntryResult.IP: Cause.ALLOWLIST_IP,
    EntryResult.INVALID: Cause.ALLOWLIST_INVALID,
}


def examine(case: Case) -> StageReport:
    if case.restricted is False:
        return StageReport(State.OK, "The token has no allowed URLs.")
    referer = case.referer
    admission = case.admission(referer)
    if admission is None:
        return _by_contrast(case, referer)
    if admission.decision is Decision.ALLOWED:
        origin = referer_origin(referer)
        if origin in case.answers.admitted:
            return _admitted_elsewhere(
                case, origin, header_evidence(case.exchange, "Referer", referer)
            )
        return _admitted(case, admission)
    if referer is None:
        return StageReport(State.BROKEN, "The list admits no request without a Referer.")
    return _refused(case, referer, admission)


def _refused(case: Case, referer: str, admission: Admission) -> StageReport:
    cause, reason, confidence = _cause(case, referer, admission)
    says = reason.says if reason else f"No allowed URL covers {shown(referer)}."
    because = _because(cause, referer, says)
    evidence = [header_evidence(case.exchange, "Referer", referer)]
    if case.reading.agreement == "unseen":  # predicted, for the capture does not show it
        because = because.replace(" arrived, but", " was sent, by the page's policy, but")
        evidence = [Evidence(_PREDICTED.format(referer=shown(referer)), case.exchange.where)]
        if confidence is Confidence.CERTAIN:
            confidence = Confidence.LIKELY
    evidence += [Evidence(r.says, case.allowed.told_by) for r in admission.reasons[:8]]
    claim = Claim(
        cause,
        confidence,
        because,
        tuple(evidence),
        _LIST,
    )
    return StageReport(State.BROKEN, says, (claim,))


def _cause(
    case: Case, referer: str, admission: Admission
) -> tuple[Cause, EntryMatch | None, Confidence]:
    page = urls.parse(referer)
    if page is not None and page.host in case.profile.api_hosts:
        return Cause.API_HOST_NOT_ALLOWED, None, _surely_api_host(case)
    if admission.decision is Decision.UNDOCUMENTED:
        reason = next(r for r in admission.reasons if r.result is EntryResult.UNDOCUMENTED)
        return _undocumented_cause(reason), reason, Confidence.LIKELY
    nearest = admission.nearest_miss
    for reason in admission.reasons:
        if reason.result in _UNREADABLE and _was_meant(case, reason, referer):
            return _UNREADABLE[reason.result], reason, Confidence.CERTAIN
    if nearest is not None and nearest.result in _BY_RESULT:
        return _BY_RESULT[nearest.result], nearest, Confidence.CERTAIN
    unreadable = [r for r in admission.reasons if r.result in _UNREADABLE]
    if len(unreadable) == len(admission.reasons):  # not one entry of the list can ever match
        return _UNREADABLE[unreadable[0].result], unreadable[0], Confidence.LIKELY
    return Cause.PAGE_NOT_ALLOWED, nearest, Confidence.CERTAIN


def _surely_api_host(case: Case) -> Confidence:
    """The page itself, Fetch Metadata or a path in the Referer shows a page of the API's host; its
    bare origin may be a privacy tool's work too."""
    document, request = case.document, case.request
    page = urls.parse(document.url) if document is not None and document.seen else None
    referer = urls.parse(request.referer or "")
    sure = (
        request.site == "same-origin"
        or (page is not None and page.host in case.profile.api_hosts)
        or (referer is not None and referer.path != "/")
    )
    return Confidence.CERTAIN if sure else Confidence.LIKELY


def _was_meant(case: Case, reason: EntryMatch, referer: str) -> bool:
    """Whether an entry that can never match was written for this page."""
    page = urls.parse(referer)
    text = reason.entry.strip().removeprefix("https://").removeprefix("http://")
    if reason.result is EntryResult.WILDCARD and text.strip("/*.:") == "":
        return True
    if reason.result is EntryResult.IP and page is not None:
        address = re.split(r"[/?#]", text, maxsplit=1)[0]
        if address in {page.host, f"{page.host}:{page.port}", page.host.strip("[]")}:
            return True
        if urls.is_ip_address(page.host):
            return False
    meant = case.profile.rules.suggest(reason.entry)
    if meant is None:
        return False
    result = case.profile.rules.match(referer, meant).result
    # A wildcard for the port was meant for any port.
    return result is EntryResult.MATCH or (result is EntryResult.PORT and ":*" in reason.entry)


def _undocumented_cause(reason: EntryMatch) -> Cause:
    says = reason.says.replace(reason.entry, "")
    if "whether the path " in says or "whether the query " in says:
        return Cause.PATH_MISMATCH
    if "whether an entry with port " in says:
        return Cause.PORT_MISMATCH
    return Cause.ALLOWLIST_INVALID


def _because(cause: Cause, referer: str, says: str) -> str:
    if cause is Cause.API_HOST_NOT_ALLOWED:
        return (
            f"The page is itself on the API's host ({shown(referer)}), as share links and embedded"
            " styles are, and the list does not have that host."
        )
    return f"The Referer {shown(referer)} arrived, but the list does not admit it. {says}"


def _admitted(case: Case, admission: Admission) -> StageReport:
    arrived = shown(case.referer or "")
    says = f"“{admission.entry}” admits {arrived}."
    because = (
        f"The Referer {arrived} arrived and the allowed URL “{admission.entry}” admits it,"
        f" so the restriction is not the reason: the account, or {resource(case)}."
    )
    claim = Claim(
        Cause.ACCOUNT_OR_RESOURCE,
        Confidence.LIKELY,
        because,
        (
            header_evidence(case.exchange, "Referer", case.referer),
            Evidence(says, case.allowed.told_by),
        ),
        "The account page; whether the list was changed minutes ago; whether the resource is the"
        " account's own.",
    )
    return StageReport(State.OK, says, (claim,))


def _by_contrast(case: Case, referer: str | None) -> StageReport:
    if referer is None:
        says = "The list is not known; a list of any kind admits no request without a Referer."
        return StageReport(State.UNKNOWN, says)
    origin, answers = referer_origin(referer), case.answers
    page = urls.parse(referer)
    arrived = header_evidence(case.exchange, "Referer", referer)
    if origin in answers.admitted:
        return _admitted_elsewhere(case, origin, arrived)
    if page is not None and page.host in case.profile.api_hosts:
        claim = Claim(
            Cause.API_HOST_NOT_ALLOWED,
            Confidence.LIKELY,
            f"The page is itself on the API's host ({shown(referer)}), as share links and embedded"
            " styles are; a token with allowed URLs must list that host for them.",
            (arrived,),
            _LIST,
        )
        return StageReport(State.BROKEN, "The Referer is the API's own host.", (claim,))
    if answers.admitted:
        return _admitted_from_elsewhere(case, referer, arrived)
    if page is not None and (page.host == "localhost" or urls.is_ip_address(page.host)):
        claim = Claim(
            Cause.PAGE_NOT_ALLOWED,
            Confidence.LIKELY,
            f"The page is on {page.host}, which a token with allowed URLs refuses unless it is"
            " listed with its port.",
            (arrived,),
            _LIST,
        )
        return StageReport(State.BROKEN, f"{page.host} needs an entry of its own.", (claim,))
    hints = (
        Claim(
            Cause.PAGE_NOT_ALLOWED,
            Confidence.POSSIBLE,
            f"The token's list may not cover {shown(referer)}.",
            (arrived,),
            _LIST,
            hint=True,
        ),
        Claim(
            Cause.ACCOUNT_OR_RESOURCE,
            Confidence.POSSIBLE,
            f"The account, or {resource(case)}, may be the reason.",
            (),
            "The account page, and the same request with a token without allowed URLs.",
            hint=True,
        ),
    )
    return StageReport(State.UNKNOWN, f"{shown(referer)} arrived; the list is not known.", hints)


def _admitted_from_elsewhere(case: Case, referer: str, arrived: Evidence) -> StageReport:
    """The same token is admitted from other origins: it is restricted, and not to this one."""
    page = urls.parse(referer)
    cause, says = Cause.PAGE_NOT_ALLOWED, "another host"
    for origin in case.answers.admitted:
        other = urls.parse(origin)
        if page is None or other is None or other.host != page.host:
            continue
        if other.scheme != page.scheme and other.port in {80, 443} and page.port in {80, 443}:
            cause, says = Cause.SCHEME_MISMATCH, "the same host under another scheme"
        elif other.port != page.port:
            cause, says = Cause.PORT_MISMATCH, "the same host on another port"
    origin, where = next(iter(case.answers.admitted.items()))
    claim = Claim(
        cause,
        Confidence.LIKELY,
        f"The same token was answered 200 for {origin} and refused for {shown(referer)}: its"
        f" list has {says}.",
        (
            arrived,
            Evidence(f"The same token was answered 200 with the Referer {origin}.", where),
        ),
        _LIST,
    )
    return StageReport(
        State.BROKEN, f"Admitted from {origin}, not from {shown(referer)}.", (claim,)
    )


def _admitted_elsewhere(case: Case, origin: str, arrived: Evidence) -> StageReport:
    """The same token and origin were answered 200 elsewhere in the capture: the list admits the
    page, unless it was the very same resource, which nothing on this journey explains."""
    where = case.answers.admitted[origin]
    says = f"The same token was answered 200 with the Referer {origin}/."
    alternates = (origin, resource_of(case.url.path)) in case.answers.admitted_resources
    because = (
        f"The same token and Referer were answered 200 for the same {case.what} at another time:"
        " a new token or a changed list takes minutes to be known everywhere."
        if alternates
        else "The same token and Referer were answered 200 elsewhere in the capture, so the"
        f" restriction admits the page: {resource(case)}, or the account, is the reason."
    )
    claim = Claim(
        Cause.ACCOUNT_OR_RESOURCE,
        Confidence.POSSIBLE if alternates else Confidence.LIKELY,
        because,
        (arrived, Evidence(says, where)),
        "Whether the token or its list was changed minutes ago, and the account page.",
        hint=alternates,
    )
    if alternates:
        return StageReport(State.UNKNOWN, because, (claim,))
    return StageReport(State.OK, says, (claim,))
