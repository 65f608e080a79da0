"""Is it the same refusal here, and which fix ends it? A case played, compared, and played again
with each fix that was proposed. How one play works stands in `replaying`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from diagnostics.capture.exchange import Capture
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Cause, Fix, Verdict
from diagnostics.live.play import Enough
from diagnostics.live.proxy import Answered
from diagnostics.reproduce import compare, replaying
from diagnostics.reproduce.apply import NotMechanicalError, apply
from diagnostics.reproduce.compare import Result, Row, Seen, Wanted, shape
from diagnostics.reproduce.outcome import Proof, Run, Trial
from diagnostics.reproduce.replaying import Replay, Stage
from diagnostics.ticket import Ticket

Fixes = Literal["all", "first", "none"]


class Case(msgspec.Struct, frozen=True):
    """What is to be reproduced: the ticket that is played, the kinds of refusal, what was answered
    beside them, and the verdicts whose fixes are tried (None: those that are found here)."""

    ticket: Ticket
    wanted: tuple[Wanted, ...]
    answered: frozenset[str] = frozenset()
    verdicts: tuple[Verdict, ...] | None = None


def from_captures(ticket: Ticket, captures: Sequence[Capture], told: Told) -> Case:
    """The case of a customer's captures, of which `ticket` was derived."""
    report = diagnose(captures, told)
    there = compare.seen(captures, report.verdicts)
    return Case(
        ticket,
        compare.from_verdicts(report.verdicts),
        frozenset(there.answered) - frozenset(there.refused),
        report.verdicts,
    )


def from_ticket(ticket: Ticket) -> Case:
    """The case of a ticket that says itself what is to be seen."""
    return Case(ticket, compare.from_ticket(ticket))


def run(
    case: Case, stage: Stage, *, fixes: Fixes = "all", keep: bool = False
) -> tuple[Run, Replay]:
    """Play a case until it is reproduced, or often enough, and then its fixes (`first`: of each
    cause the first that was proposed). The replay that comes with it is the one without any fix;
    `keep` gives it its files. Raises LiveError."""
    client = replaying.client_of(case.ticket)
    notes = replaying.provide(case.ticket, stage)
    rows, replay = _reproduced(case, stage, client, keep, notes)
    trials = []
    proposed = _proposed(replay.report.verdicts if case.verdicts is None else case.verdicts, fixes)
    for number, (cause, fix, shapes) in enumerate(proposed, 1):
        stage.say(f"Trying fix {number} of {len(proposed)}: {fix.fix}")
        trials.append(try_fix(case.ticket, cause, fix, shapes, replay, stage))
    refused, answered = replay.seen.refused, replay.seen.answered
    counts = sum(refused.values()), sum(answered.values())
    return Run(client, rows, tuple(trials), tuple(notes), *counts), replay


def _reproduced(
    case: Case, stage: Stage, client: str, keep: bool, notes: list[str]
) -> tuple[tuple[Row, ...], Replay]:
    """The play, of all attempts, and the recorder that showed most of what was wanted."""
    best: tuple[tuple[Row, ...], Replay] | None = None
    for attempt in range(1, stage.attempts + 1):
        again = f" (attempt {attempt})" if attempt > 1 else ""
        stage.say(f"Playing the case in {client}{again}")
        for replay in replaying.replays(case.ticket, stage, _all_of(case.wanted), keep):
            rows = compare.compare(case.wanted, replay.seen, case.answered)
            if best is None or _score(rows) > _score(best[0]):
                best = rows, replay
        assert best is not None  # there is always the proxy's record
        if all(row.result is Result.REPRODUCED for row in best[0]):
            if attempt > 1:
                notes.append(f"Seen in attempt {attempt}: what a map asks for first is a race.")
            break
    assert best is not None
    return best


def _score(rows: Sequence[Row]) -> int:
    return sum(1 if row.result is Result.REPRODUCED else -1 for row in rows)


def _all_of(wanted: Sequence[Wanted]) -> Enough | None:
    """Whether every kind of request that is waited for was made."""
    shapes = {one.shape for one in wanted if one.shape}
    rules = [one.rule for one in wanted if one.rule is not None]
    if not shapes and not rules:
        return None

    def enough(answered: Sequence[Answered]) -> bool:
        return shapes <= {shape(one.url) for one in answered} and all(
            any(rule.covers(one.url, one.referer) and one.status in {401, 403} for one in answered)
            for rule in rules
        )

    return enough


def _proposed(verdicts: Sequence[Verdict], fixes: Fixes) -> list[tuple[Cause, Fix, frozenset[str]]]:
    """Each fix once, in the order of its first proposal, with the kinds of request it is for."""
    found: dict[tuple[str, ...], tuple[Cause, Fix, set[str]]] = {}
    firsts: dict[Cause, str] = {}
    for verdict in verdicts if fixes != "none" else ():
        for fix in verdict.fixes:
            if fixes == "first" and firsts.setdefault(verdict.cause, fix.fix) != fix.fix:
                continue
            # The same change said in two ways is tried once, but for https, which has two.
            both = fix.fix == "to=https" and fixes == "all"
            key = (verdict.cause, fix.fix, fix.snippet if both else "")
            found.setdefault(key, (verdict.cause, fix, set()))[2].add(shape(verdict.url))
    return [(cause, fix, frozenset(shapes)) for cause, fix, shapes in found.values()]


def try_fix(
    ticket: Ticket,
    cause: Cause,
    fix: Fix,
    shapes: Collection[str],
    before: Replay,
    stage: Stage,
) -> Trial:
    """Apply one fix to the case and play it again. Raises LiveError."""
    mine = [v for v in before.report.verdicts if v.cause == cause and shape(v.url) in shapes]
    trial = Trial(cause, fix.fix, fix.says, fix.predicted, Proof.UNPLAYABLE, len(mine))
    new = msgspec.structs.replace
    if not mine:
        return new(trial, why="the refusal was not reproduced")
    try:
        after = apply(ticket, fix)
    except NotMechanicalError as error:
        return new(trial, why=str(error))
    notes = replaying.provide(after, stage)
    if notes:
        return new(trial, why=" ".join(notes))
    kinds = {shape(verdict.url) for verdict in mine}
    # Requests of the same kinds that another cause refused are another fix's to end.
    others = _count(before.seen.refused, kinds) - len(mine)
    enough = _all_of([Wanted(cause, kind) for kind in kinds])
    for _ in range(stage.attempts):
        for replay in replaying.replays(after, stage, enough):
            trial = _judged(trial, replay.seen, kinds, others)
            if trial.proof is Proof.PROVED:
                return trial
        if trial.refused:  # not a race
            break
    return trial


def _judged(trial: Trial, seen: Seen, kinds: Collection[str], others: int) -> Trial:
    """A trial with what was seen after the fix. A kind that is asked for no more speaks against
    nothing while others are answered: a map library asks for the old form of its icons, say, only
    where the new one was refused."""
    refused = max(0, _count(seen.refused, kinds) - others)
    answered = _count(seen.answered, kinds)
    missing = sorted(kind for kind in kinds if not seen.answered.get(kind))
    why = f"not asked for: {', '.join(missing)}" if missing else ""
    if refused:
        still = dict.fromkeys(v.cause for v in seen.verdicts if shape(v.url) in kinds)
        why = f"still refused: {', '.join(still)}"
    return msgspec.structs.replace(
        trial,
        proof=Proof.PROVED if answered and not refused else Proof.FAILED,
        refused=refused,
        answered=answered,
        why=why,
    )


def _count(counts: Mapping[str, int], kinds: Collection[str]) -> int:
    return sum(counts.get(kind, 0) for kind in kinds)
