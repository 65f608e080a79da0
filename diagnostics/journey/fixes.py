"""Fixes for a cause, each run through the model before it is proposed."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.browser import referrer_policy as rp
from diagnostics.journey.case import Case
from diagnostics.journey.proposal import SEND_ORIGIN, Proposal, host_entry
from diagnostics.journey.proposals import proposals
from diagnostics.journey.verdict import Cause, Fix
from diagnostics.journey.whatif import Change, parse_change, try_changes


def propose(case: Case, cause: Cause) -> tuple[Fix, ...]:
    """Fixes for one request, in the order to try them; those that the model says will not help
    are left out, unless nothing else is left."""
    fixes = [_checked(case, proposal) for proposal in proposals(case, cause)]
    helping = [fix for fix in fixes if fix.predicted != "refused"]
    return tuple(helping or fixes)


def user_fix(case: Case, changes: Sequence[Change]) -> Fix:
    """What a user asked to try with --what-if, as the first of the fixes."""
    effect = try_changes(case, changes)
    return Fix(" ".join(map(str, changes)), f"What if: {effect.says}", "", effect.predicted, None)


def _checked(case: Case, proposal: Proposal) -> Fix:
    text, says, snippet, cost = proposal
    if "=" not in text:
        return Fix(text, says, snippet, "unknown", cost)
    changes = [parse_change(part) for part in text.split()]
    effect = try_changes(case, changes)
    if effect.predicted == "refused":
        # Two causes at once: what the change lets through, the policy or the list still stops.
        more, also = _companions(case, changes)
        if more and try_changes(case, more).predicted == "allowed":
            return Fix(" ".join(map(str, more)), f"{says}{also}", snippet, "allowed", cost)
    return Fix(text, says, snippet, effect.predicted, cost)


def _companions(case: Case, changes: Sequence[Change]) -> tuple[list[Change], str]:
    """The changes with what they need besides, and that in words; empty where nothing helps."""
    more, says = list(changes), ""
    named = {change.name for change in changes}
    own = named & {"referrer-policy", "request-policy"}
    if try_changes(case, more).referer is None and not own:
        more.append(parse_change(SEND_ORIGIN))
        says = f" And send Referrer-Policy: {rp.DEFAULT} with the page."
    effect = try_changes(case, more)
    entry = host_entry(effect.referer)
    allow = parse_change(f"allow+={entry}") if entry else None
    if effect.predicted == "refused" and allow is not None and allow not in more:
        more.append(allow)
        says += f" And allow {entry}, which the token's list does not cover."
    return (more, says) if len(more) > len(changes) else ([], "")
