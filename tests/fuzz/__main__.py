"""`make fuzz`: each target for SECONDS, one after the other, and a table of what came of it.

    python -m tests.fuzz --seconds 60 [NAME...]

Inputs that were worth keeping stay in `build/fuzz/corpus` for the next run; what broke an
invariant is in `build/fuzz/findings/NAME` with its traceback. Exit status 1 if there is any. A
finding becomes a test: mend the parser, put the input into `tests/fuzz/found/NAME`.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from tests.fuzz.targets import BY_NAME, TARGETS

OUT = Path("build/fuzz")
_COVERED = re.compile(r"cov: (\d+) ft: \d+ corp: (\d+)/")
_HEADERS = (
    "target",
    "seconds",
    "computing",
    "executions",
    "a second",
    "corpus",
    "coverage",
    "new",
    "findings",
)


class Row(NamedTuple):
    """What came of one target; `computing` are the seconds that it had of a processor."""

    target: str
    seconds: float
    computing: float
    executions: int
    per_second: float
    corpus: int
    coverage: int
    new: int
    findings: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", metavar="NAME", help=", ".join(BY_NAME))
    asked = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: python -m pip install --group fuzz", file=sys.stderr)
        return 2
    unknown = set(asked.targets) - set(BY_NAME)
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    chosen = [BY_NAME[name] for name in asked.targets] or TARGETS
    rows = []
    for number, target in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {target.name}: {target.invariant}", flush=True)
        rows.append(_fuzz(target.name, asked.seconds))
        print(f"    {rows[-1].executions:,} executions, {rows[-1].findings} findings", flush=True)
    total = Row("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))
    total = total._replace(per_second=total.executions / max(total.seconds, 1))
    print(tabulate([*rows, total], _HEADERS, floatfmt=",.0f", intfmt=","))
    for row in rows:
        if row.findings:
            print(f"{row.findings} findings in {OUT / 'findings' / row.target}")
    return int(total.findings > 0)


def _fuzz(name: str, seconds: int) -> Row:
    for folder in ("findings", "seeds"):
        shutil.rmtree(OUT / folder / name, ignore_errors=True)
    log = OUT / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.one", name, str(seconds)]
    start, before = time.monotonic(), _computed()
    with log.open("w", encoding="utf-8") as file:
        status = subprocess.run(command, stderr=file, stdout=file, check=False).returncode
    spent = time.monotonic() - start
    said = log.read_text("utf-8", "replace")
    covered = [(int(found[1]), int(found[2])) for found in _COVERED.finditer(said)] or [(0, 0)]
    executions = re.search(r"stat::number_of_executed_units: (\d+)", said)
    count = int(executions[1]) if executions else 0
    kept = OUT / "findings" / name
    findings = sum(path.suffix != ".txt" for path in kept.glob("*")) if kept.exists() else 0
    if status != 0 and findings == 0:  # it ended before it began, or by something else
        print(f"    ended with status {status}: see {log}", file=sys.stderr)
        findings = 1
    return Row(
        name,
        spent,
        _computed() - before,
        count,
        count / max(spent, 1),
        covered[-1][1],
        covered[-1][0],
        covered[-1][0] - covered[0][0],
        findings,
    )


def _computed() -> float:
    """What the processes so far have cost."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
