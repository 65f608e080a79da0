"""The walk: seven stages in order; the first that does not hold names the cause.

Two things settle a case wherever they stand: an answer whose body names the scope or the token,
and an answer from the browser's own cache.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from diagnostics.journey import cache, client, edge, page, policy, rule, wire
from diagnostics.journey.case import Case, Claim, StageReport
from diagnostics.journey.told import HOW_TO_TELL
from diagnostics.journey.verdict import (
    Alternative,
    Cause,
    Confidence,
    Evidence,
    Stage,
    State,
    Station,
)

STAGES: dict[Stage, Callable[[Case], StageReport]] = {
    Stage.CLIENT: client.examine,
    Stage.PAGE: page.examine,
    Stage.POLICY: policy.examine,
    Stage.WIRE: wire.examine,
    Stage.CACHE: cache.examine,
    Stage.EDGE: edge.examine,
    Stage.RULE: rule.examine,
}

_MOST_ALTERNATIVES = 3
_ORDER = (Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE)
_REMAINS = "The list admits the page: the account or the resource is what the answer is about."


class Walk(msgspec.Struct, frozen=True):
    """The outcome of a walk: the cause with what supports it, and the seven stations."""

    cause: Cause
    confidence: Confidence
    because: str
    evidence: tuple[Evidence, ...]
    alternatives: tuple[Alternative, ...]
    journey: tuple[Station, ...]
    stage: Stage | None


def walk(case: Case) -> Walk:
    """Take one refused request through the stages."""
    reports = {stage: examine(case) for stage, examine in STAGES.items()}
    found = _first(reports)
    doubts = tuple(report.doubt for report in reports.values() if report.doubt is not None)
    claims = [claim for report in reports.values() for claim in report.claims]
    if found is None:
        return Walk(
            Cause.UNEXPLAINED,
            Confidence.POSSIBLE,
            _unexplained(reports),
            _ruled_out(case, reports) + doubts,
            _alternatives(claims, None),
            _stations(reports, None),
            None,
        )
    stage, claim = found
    if stage is Stage.RULE and reports[stage].state is State.OK:
        # The list admits the page, so what the provider objected to is the edge's affair.
        stage = Stage.EDGE
        reports[stage] = StageReport(State.BROKEN, _REMAINS)
    confidence = claim.confidence
    if doubts and confidence is Confidence.CERTAIN and not claim.decisive:
        confidence = Confidence.LIKELY
    return Walk(
        claim.cause,
        confidence,
        claim.because,
        claim.evidence + doubts,
        () if confidence is Confidence.CERTAIN else _alternatives(claims, claim),
        _stations(reports, stage),
        stage,
    )


def _first(reports: dict[Stage, StageReport]) -> tuple[Stage, Claim] | None:
    for stage in (Stage.EDGE, Stage.CACHE):
        for claim in reports[stage].claims:
            if claim.decisive:
                return stage, claim
    for stage, report in reports.items():
        if report.state is State.BROKEN and report.claims and not report.claims[0].hint:
            return stage, report.claims[0]
    if reports[Stage.EDGE].doubt is not None:
        return None
    # No stage is broken, yet one says what remains after all was ruled out.
    for stage, report in reports.items():
        for claim in report.claims:
            if not claim.hint and claim.confidence is not Confidence.POSSIBLE:
                return stage, claim
    return None


def _alternatives(claims: list[Claim], chosen: Claim | None) -> tuple[Alternative, ...]:
    seen = {chosen.cause} if chosen else set()
    # What stands behind the first broken stage can at most be likely, and no likelier than that.
    least = max(_ORDER.index(Confidence.LIKELY), _ORDER.index(chosen.confidence) if chosen else 0)
    found = []
    for claim in claims:
        if claim.cause in seen:
            continue
        seen.add(claim.cause)
        confidence = _ORDER[max(_ORDER.index(claim.confidence), least)]
        found.append(Alternative(claim.cause, confidence, claim.settle))
    found.sort(key=lambda alternative: _ORDER.index(alternative.confidence))
    return tuple(found[:_MOST_ALTERNATIVES])


def _stations(reports: dict[Stage, StageReport], broken: Stage | None) -> tuple[Station, ...]:
    """The stations as the picture shows them: one broken at most, the ones behind it not
    reached; a stage before a decisive one that did not hold is left open. Only a list that was
    asked and admits stays, behind an answer that is about something else."""
    stations = []
    passed = False
    for stage, report in reports.items():
        state, says = report.state, report.says
        if stage is broken:
            stations.append(Station(stage, State.BROKEN, says))
            passed = True
        elif passed and not (broken is Stage.EDGE and reports[broken].says == _REMAINS):
            stations.append(Station(stage, State.SKIPPED, "Not reached."))
        else:
            state = State.UNKNOWN if state is State.BROKEN else state
            stations.append(Station(stage, state, says))
    return tuple(stations)


def _unexplained(reports: dict[Stage, StageReport]) -> str:
    open_stages = [stage for stage, report in reports.items() if report.state is State.UNKNOWN]
    if reports[Stage.EDGE].doubt is not None:
        return (
            f"{reports[Stage.EDGE].says} Nothing before it shows a fault. Read the answer: a proxy,"
            " a firewall or a filter on the way signs what it writes."
        )
    rule_claims = reports[Stage.RULE].claims
    if rule_claims and rule_claims[0].cause is Cause.ACCOUNT_OR_RESOURCE:
        return (
            f"{reports[Stage.RULE].says} Nothing before it shows a fault. Ask again in some"
            " minutes; if answers still differ, ask the provider."
        )
    if Stage.RULE in open_stages:
        return (
            f"{reports[Stage.RULE].says} Nothing before it shows a fault. Tell the token's"
            f" allowed URLs ({HOW_TO_TELL}), or that it has none (--unrestricted), to settle it."
        )
    if open_stages:
        first = reports[open_stages[0]]
        return f"Nothing that the capture shows is at fault, and one thing stays open: {first.says}"
    return "Every stage that the capture shows holds, and yet the request was refused."


def _ruled_out(case: Case, reports: dict[Stage, StageReport]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(f"Nothing is wrong at the stage {stage}: {report.says}", case.exchange.where)
        for stage, report in reports.items()
        if report.state is State.OK
    )
