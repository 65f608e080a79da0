"""The outcome of a reproduction, for a terminal, as Markdown for a ticket, or as data.

Every string passes through `terminal.plain` or stands in a Markdown code span: names and addresses
in it come from a customer's capture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from diagnostics.journey.verdict import Cause
from diagnostics.report import json
from diagnostics.report.markdown import prose, span
from diagnostics.report.redaction import redact
from diagnostics.report.terminal import ascii_only, columns, plain, wrapped
from diagnostics.reproduce.compare import Result, Row
from diagnostics.reproduce.outcome import Outcome, Proof, Run, Trial

_NARROWEST = 9
_FIXES = ("cause", "fix", "before", "after", "result", "browser")


def render(outcome: Outcome, form: str, width: int = 100, *, unicode: bool = True) -> str:
    """The outcome in a format: text (`width` columns), json or markdown. Secrets are redacted."""
    outcome = redact(outcome)
    if form == "json":
        return json.render(outcome)
    if form == "markdown":
        return _markdown(outcome)
    text = "\n".join(_text(outcome, width))
    return text if unicode else ascii_only(text)


def headline(run: Run) -> str:
    """One sentence: what came of it in this browser."""
    wanted = [row for row in run.rows if row.wanted or row.result is not Result.DIFFERS]
    if not run.rows:
        return f"As there, nothing is refused in {run.client}."
    done = sum(row.result is Result.REPRODUCED for row in run.rows)
    if run.reproduced:
        many = "the kind" if done == 1 else f"all {done} kinds"
        if all(row.cause is Cause.UNEXPLAINED for row in run.rows):
            return f"Reproduced in {run.client}: {many} of refusal, whose cause is not known."
        return f"Reproduced in {run.client}: {many} of refusal, with the same cause."
    return (
        f"Not the same in {run.client}: {done} of {len(wanted) or len(run.rows)} kinds of refusal"
        " have the same cause."
    )


def _text(outcome: Outcome, width: int) -> Iterator[str]:
    for run in outcome.runs:
        yield from wrapped(plain(headline(run)), width)
        if run.rows:
            yield ""
            rows = [_cells(row) for row in run.rows]
            yield _grid([("cause", "request", "there", "here", "result"), *rows], width)
        for row in run.rows:
            if row.says:
                yield ""
                yield from _item(f"{row.cause}: {row.says}", width)
        if run.trials:
            yield from ("", f"Each fix, applied and played again in {plain(run.client)}:", "")
            tried = [_trial_cells(trial, run) for trial in run.trials if _was_tried(trial)]
            if tried:  # the browser stands in the line above
                yield _grid([_FIXES[:-1], *(cells[:-1] for cells in tried)], width)
            for trial in run.trials:
                if trial.why:
                    yield ""
                    yield from _item(f"{trial.fix}: {trial.proof}: {trial.why}", width)
        yield ""
    notes = [*outcome.notes, *(note for run in outcome.runs for note in run.notes)]
    if notes:
        yield from ("About this reproduction", "")
        for note in notes:
            yield from _item(note, width)


def _item(text: str, width: int) -> list[str]:
    lines = wrapped(plain(text, None), width - 4)
    return [f"{'  - ' if number == 0 else '    '}{line}" for number, line in enumerate(lines)]


def _was_tried(trial: Trial) -> bool:
    return trial.proof is not Proof.UNPLAYABLE


def _cells(row: Row) -> tuple[str, ...]:
    there = f"{row.wanted}×" if row.wanted else "–" if row.result is Result.DIFFERS else ""
    here = f"{row.here}×" if row.here else "–"
    return (row.cause, row.what, there, here, row.result)


def _trial_cells(trial: Trial, run: Run) -> tuple[str, ...]:
    before = f"{trial.before} refused"
    after = f"{trial.refused} refused, {trial.answered} answered"
    return (trial.cause, trial.fix, before, after, trial.proof, run.client)


def _grid(rows: Sequence[Sequence[str]], width: int) -> str:
    """A table whose columns give way to one another until it fits the width."""
    from tabulate import tabulate  # costs 90 ms, which `--help` must not pay

    cells = [[plain(cell) for cell in row] for row in rows]
    limits = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    room = width - 2 - 2 * (len(limits) - 1)
    while sum(limits) > room and max(limits) > _NARROWEST:
        limits[limits.index(max(limits))] -= 1
    broken = [
        ["\n".join(textwrap.wrap(cell, limit)) for cell, limit in zip(row, limits, strict=True)]
        for row in cells
    ]
    widths = [
        max(map(columns, "\n".join(column).split("\n"))) for column in zip(*broken, strict=True)
    ]
    rule = ["-" * wide for wide in widths]
    # The header is a row like the others: tabulate pads real headers beyond their width.
    text: str = tabulate([broken[0], rule, *broken[1:]], tablefmt="plain", disable_numparse=True)
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _markdown(outcome: Outcome) -> str:
    parts = [f"# {prose(plain(outcome.title))}"]
    for run in outcome.runs:
        parts.append(prose(plain(headline(run))))
        if run.rows:
            head = ("cause", "request", "there", "here", "result", "")
            rows = [_markdown_row(row) for row in run.rows]
            parts.append(_pipes(head, rows))
        if run.trials:
            parts.append(_pipes((*_FIXES, ""), [_markdown_trial(t, run) for t in run.trials]))
        parts += [_list(run.notes)] if run.notes else []
    if outcome.notes:
        parts += ["## About this reproduction", _list(outcome.notes)]
    return "\n\n".join(parts) + "\n"


def _markdown_trial(trial: Trial, run: Run) -> tuple[str, ...]:
    cause, fix, before, after, result, browser = _trial_cells(trial, run)
    after = after if _was_tried(trial) else ""
    return (span(cause), span(fix), before, after, result, prose(browser), prose(trial.why))


def _markdown_row(row: Row) -> tuple[str, ...]:
    cause, what, *rest = _cells(row)
    return (span(cause), span(what), *rest, prose(row.says))


def _pipes(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def _list(notes: Sequence[str]) -> str:
    return "\n".join(f"- {prose(plain(note, None))}" for note in notes)
