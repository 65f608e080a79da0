"""Every fixture ticket from its capture back to a refusal in a real browser: `make reproduce-all`.

    python -m tests.reproduce_all [--as-written] [NAME...]

Of each ticket its main capture (the first of `record`) is taken as a customer would send it: a
ticket is derived from it, played in a real browser, diagnosed and compared. Then the first fix that
was proposed for each of its causes is applied and played. Prints a line for each and the totals;
exit status 1 where these fall below the floors that stand here. `--as-written` plays the tickets
themselves, without deriving any: what fails there is the player's fault.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import msgspec
from tabulate import tabulate

from diagnostics.capture.open import read_capture
from diagnostics.journey.told import Allowed, Told
from diagnostics.reproduce import run
from diagnostics.reproduce.compare import Result
from diagnostics.reproduce.outcome import Proof, Run
from diagnostics.reproduce.replaying import Stage
from diagnostics.ticket import Ticket, load
from fixtures import ROOT
from fixtures.record import ENDINGS

#: What must be reached: captures reproduced, and tickets whose first fixes are proved, of all.
#: A busy machine decides a few races otherwise.
FLOOR_REPRODUCED = 0.96
FLOOR_PROVED = 0.95
#: Browsers at a time; each plays with a proxy beside it.
_AT_A_TIME = 2


class Line(msgspec.Struct):
    """One ticket: how it went, in words too. `proved` is None where no fix could be tried."""

    name: str
    client: str
    reproduced: bool
    proved: bool | None
    before: str
    after: str
    says: str
    seconds: float


def capture_of(ticket: Ticket) -> Path:
    """The ticket's main capture."""
    return ROOT / "captures" / f"{ticket.name}.{ENDINGS[ticket.record[0]]}"


def case_of(ticket: Ticket, as_written: bool) -> tuple[run.Case, str]:
    """The case that is played, and what the derivation says about itself."""
    if as_written:
        return run.from_ticket(ticket), ""
    from diagnostics.reproduce.derive import derive

    known = ticket.known_allowed
    told = Told(Allowed(known, "--allow")) if known is not None else Told()
    captures = read_capture(str(capture_of(ticket)))
    derived = derive(captures, told)
    marks = [("skeleton", derived.skeleton), ("inferred list", derived.inferred_list)]
    case = run.from_captures(derived.ticket, captures, told)
    return case, ", ".join(mark for mark, is_so in marks if is_so)


def line(name: str, as_written: bool) -> Line:
    """Reproduce one ticket and try its first fixes. Never raises."""
    began = time.monotonic()
    try:
        ticket = load(ROOT / "tickets" / f"{name}.yaml")
        case, marks = case_of(ticket, as_written)
        played, _ = run.run(case, Stage(offline=True), fixes="first")
    except Exception as error:  # it is one row of the table
        says = f"{type(error).__name__}: {error}"
        return Line(name, "", False, None, "", "", says, time.monotonic() - began)
    return _line(name, played, marks, time.monotonic() - began)


def _line(name: str, played: Run, marks: str, seconds: float) -> Line:
    tried = [trial for trial in played.trials if trial.proof is not Proof.UNPLAYABLE]
    says = [f"{row.what}: {row.result}: {row.says}" for row in played.rows
            if row.result is not Result.REPRODUCED]  # fmt: skip
    says += [f"{t.fix}: {t.proof}: {t.why}" for t in played.trials if t.proof is not Proof.PROVED]
    after = f"{sum(t.refused for t in tried)} / {sum(t.answered for t in tried)}" if tried else ""
    return Line(
        name,
        played.client.rpartition(" ")[0],
        played.reproduced,
        all(trial.proof is Proof.PROVED for trial in tried) if tried else None,
        f"{played.refused} / {played.answered}",
        after,
        "; ".join([*([marks] if marks else []), *says, *played.notes]),
        seconds,
    )


def table(lines: Sequence[Line]) -> str:
    """All lines, in the order of names."""
    words = {True: "yes", False: "NO", None: "–"}
    rows = [
        (x.name, x.client, words[x.reproduced], x.before, words[x.proved], x.after, x.says)
        for x in sorted(lines, key=lambda x: x.name)
    ]
    headers = ("ticket", "browser", "reproduced", "refused / answered", "first fix", "after", "")
    text: str = tabulate(rows, headers, "simple", maxcolwidths=[None] * 6 + [70])
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reproduce_all", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="tickets; all by default")
    parser.add_argument("--as-written", action="store_true", help="play the tickets themselves")
    asked = parser.parse_args(arguments)
    names = asked.names or sorted(path.stem for path in (ROOT / "tickets").glob("*.yaml"))
    lines = []
    with ProcessPoolExecutor(_AT_A_TIME) as pool:
        work = [pool.submit(line, name, asked.as_written) for name in names]
        for number, done in enumerate(as_completed(work), 1):
            one = done.result()
            lines.append(one)
            word = "reproduced" if one.reproduced else "NOT REPRODUCED"
            fix = {True: ", first fix proved", False: ", FIRST FIX NOT PROVED", None: ""}[
                one.proved
            ]
            why = "" if one.reproduced and one.proved is not False else f": {one.says}"
            print(
                f"[{number}/{len(names)}] {one.name}: {word}{fix} ({one.seconds:.0f} s){why}",
                flush=True,
            )
    print(f"\n{table(lines)}\n")
    reproduced = sum(one.reproduced for one in lines)
    tried = [one for one in lines if one.proved is not None]
    proved = sum(bool(one.proved) for one in tried)
    print(
        f"{reproduced} of {len(lines)} captures reproduced;"
        f" first fix proved for {proved} of {len(tried)}"
    )
    fine = reproduced >= FLOOR_REPRODUCED * len(lines) and proved >= FLOOR_PROVED * len(tried)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
