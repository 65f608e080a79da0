"""Stage 5, cache: is this answer an answer to this request?

A refusal can be stored and given again after the list was corrected; neither browsers nor the
CDN key on the Referer, since the provider sends no `Vary` for it. Sources: token page,
"Mitigate caching"; RFC 9111; https://github.com/mapbox/mapbox-gl-js/issues/9495.
"""

from __future__ import annotations

from diagnostics.capture.exchange import Outcome
from diagnostics.journey.case import Case, Claim, StageReport
from diagnostics.journey.contrast import stored_by_cdn
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State
from diagnostics.provider.allowed_urls import Decision

_RELOAD = "A reload with the cache switched off (DevTools, Network, Disable cache)."


def examine(case: Case) -> StageReport:
    exchange = case.exchange
    if exchange.outcome is Outcome.CACHED:
        return _stored(
            case,
            Confidence.CERTAIN,
            "The browser took this answer from its own cache; the request was never sent.",
            Evidence("The capture marks the answer as taken from a cache.", exchange.where),
        )
    if exchange.via_service_worker and not case.request.headers_final:
        return _stored(
            case,
            Confidence.LIKELY,
            "A service worker gave this answer, perhaps from its own store.",
            Evidence("The capture marks the answer as a service worker's.", exchange.where),
        )
    shown = stored_by_cdn(exchange.response_headers)
    if shown:
        return _stored(
            case,
            Confidence.LIKELY,
            "The provider's CDN gave an answer that it had stored for an earlier request.",
            Evidence(f"The answer has {shown}.", f"{exchange.where}, response headers"),
        )
    if exchange.outcome is Outcome.UNKNOWN:
        return StageReport(State.UNKNOWN, "The capture does not show where the answer came from.")
    return StageReport(State.OK, "The answer came over the network for this request.")


def _stored(case: Case, confidence: Confidence, says: str, evidence: Evidence) -> StageReport:
    admission = case.admission(case.referer)
    if admission is not None and admission.decision is Decision.REFUSED:
        return StageReport(
            State.OK,
            f"{says} A fresh request would be refused as well.",
            (
                Claim(
                    Cause.CACHED_403,
                    Confidence.POSSIBLE,
                    f"{says} The list may have been corrected since.",
                    (evidence,),
                    _RELOAD,
                ),
            ),
        )
    claim = Claim(
        Cause.CACHED_403,
        confidence,
        f"{says} It tells nothing about what the token allows now.",
        (evidence,),
        _RELOAD,
        decisive=confidence is Confidence.CERTAIN,
    )
    return StageReport(State.BROKEN, says, (claim,))
