"""Stage 1, client: did a browser send it?

A program sends no Referer unless it is told to, and a token with allowed URLs needs one. Source:
token page, "403 errors from Terminal or Postman" and "Does not support: requests from mobile
applications".
"""

from __future__ import annotations

from diagnostics.journey.case import Case, Claim, StageReport, header_evidence
from diagnostics.journey.told import WHETHER_RESTRICTED
from diagnostics.journey.verdict import Cause, State


def examine(case: Case) -> StageReport:
    request, client = case.request, case.request.client
    if client.kind == "unknown" and not request.headers_final:
        return StageReport(State.UNKNOWN, "The capture does not show who sent it.")
    if not client.renders_pages and request.mode:
        says = "Its Sec-Fetch headers are a browser's; the User-Agent does not say which."
        return StageReport(State.UNKNOWN, says)
    if client.renders_pages:
        return StageReport(State.OK, f"Sent by {client.title}.")
    if request.referer:
        return StageReport(State.OK, f"Sent by {client.title}, which sets a Referer itself.")
    if not case.needs_referer:
        return StageReport(State.OK, f"Sent by {client.title}; this token needs no Referer.")
    cause = Cause.MOBILE_SDK if client.kind == "sdk" else Cause.NON_BROWSER_CLIENT
    agent = case.exchange.request_headers.get("user-agent")
    because = (
        f"{_capital(client.title)} sent it, not a page in a browser, so it has no Referer,"
        " and a token with allowed URLs is refused without one."
    )
    claim = Claim(
        cause,
        case.if_restricted,
        because,
        (
            header_evidence(case.exchange, "User-Agent", agent),
            header_evidence(case.exchange, "Referer", None),
        ),
        WHETHER_RESTRICTED,
    )
    says = f"A page's Referer from a browser; {client.title} sent it, without one."
    return StageReport(State.BROKEN, says, (claim,))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
