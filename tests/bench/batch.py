"""What a batch costs: many generated captures on one core, two processes, and a Dask cluster.

All of them judge the same files. Wall clock and processor time are printed, for a shared machine
makes the first noisy, with the highest resident memory of the command and of any worker.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
from tabulate import tabulate

from tests.batch.cluster import cluster
from tests.bench import generate

CAPTURES = 2_000
FEW = 200  # for memory, beside all
SIZES = (80, 120, 160, 200)  # entries of the captures, in turn
BODY = 1_000
BOUND = 1.8
ROUNDS = 2


class Cost(msgspec.Struct):
    """One run of the command: seconds on the clock, processor seconds of all its processes, and
    the peak of resident memory in MiB, of the command itself and of any of its workers."""

    seconds: float
    processor: float
    command: float
    worker: float


def captures(folder: Path, count: int = CAPTURES, sizes: tuple[int, ...] = SIZES) -> int:
    """Write so many captures, no two alike, a hundred in a folder; their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for entries in sizes:
        sample = folder / "sample"
        generate.write(sample, entries=entries, largest_body=BODY)
        samples.append(sample.read_text())
        sample.unlink()
    written = 0
    for number in range(count):
        own = folder / f"week-{number // 100:02}"
        own.mkdir(exist_ok=True)
        text = samples[number % len(samples)].replace("/ckstyle/", f"/ckstyle{number:05}/")
        written += (own / f"ticket-{number:05}.har").write_text(text)
    return written


def run(folder: Path, *options: str, core: int | None = None) -> Cost:
    """The command on a folder, with fresh results; on one core of the machine where it is given.
    Workers that it did not start are not counted."""
    results = folder.parent / "results.sqlite"
    results.unlink(missing_ok=True)
    program = "from diagnostics.cli import main; main()"
    command = [sys.executable, "-c", program, "batch", str(folder), "-o", str(results), *options]
    before = os.times()
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        peaks = _watch(process)
        if process.wait() != 1:
            said.seek(0)
            raise RuntimeError(said.read().decode())
    seconds = time.perf_counter() - started
    after = os.times()
    used = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    _check(results, folder)
    own = peaks.pop(process.pid, 0)
    return Cost(seconds, used, own, max(peaks.values(), default=0))


def _check(results: Path, folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(results)) as db:
        rows = db.execute("SELECT count(*), sum(refused), min(state) FROM newest").fetchone()
        verdicts = db.execute("SELECT count(*) FROM verdicts").fetchone()[0]
    files = sum(1 for _ in folder.rglob("*.har"))
    assert (rows[0], rows[1], rows[2]) == (files, verdicts, "judged"), rows


def _watch(process: subprocess.Popen[bytes]) -> dict[int, float]:
    """Peaks of resident memory of a process and what it starts, filled in while it runs."""
    peaks: dict[int, float] = {}

    def look() -> None:
        while process.poll() is None:
            for pid in (process.pid, *_children(process.pid)):
                with contextlib.suppress(OSError, StopIteration):
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                    line = next(line for line in lines if line.startswith("VmHWM"))
                    peaks[pid] = int(line.split()[1]) / 1024
            time.sleep(0.1)

    threading.Thread(target=look, daemon=True).start()
    return peaks


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def measure(folder: Path) -> None:
    """Print all of it."""
    every, few = folder / "many" / "captures", folder / "few" / "captures"
    size = captures(every)
    captures(few, FEW)
    print(f"\nA batch of {CAPTURES:,} captures ({size / 1024**2:.0f} MiB), best of {ROUNDS}:\n")
    core = min(os.sched_getaffinity(0))
    names = ("one core", "one process", "two processes", "Dask, two workers")
    found: dict[str, list[Cost]] = {name: [] for name in names}
    with cluster(folder / "dask") as dask:
        for _ in range(ROUNDS):
            found["one core"].append(run(every, "--jobs", "1", core=core))
            found["one process"].append(run(every, "--jobs", "1"))
            found["two processes"].append(run(every, "--jobs", "2"))
            before = _used(dask.workers)
            cost = run(every, "--scheduler", dask.address)
            cost.processor += _used(dask.workers) - before
            cost.worker = max(_peak(worker.pid) for worker in dask.workers)
            found["Dask, two workers"].append(cost)
    base = min(cost.seconds for cost in found["one core"])
    rows = []
    for name, costs in found.items():
        seconds = min(cost.seconds for cost in costs)
        rows.append((name, f"{seconds:.2f}", f"{base / seconds:.2f}",
                     f"{min(cost.processor for cost in costs):.2f}",
                     f"{max(cost.command for cost in costs):.0f}",
                     f"{max(cost.worker for cost in costs):.0f}"))  # fmt: skip
    print(tabulate(rows, ("", "seconds", "x one core", "CPU seconds", "MiB command", "MiB worker"),
                   disable_numparse=True, colalign=("left", *["right"] * 5)))  # fmt: skip
    print(f"\nBound: {BOUND} x one core, on two")
    small, large = run(few, "--jobs", "2"), found["two processes"][0]
    print(
        f"Memory at {FEW:,} and at {CAPTURES:,} captures: the command {small.command:.0f} and"
        f" {large.command:.0f} MiB, a worker {small.worker:.0f} and {large.worker:.0f} MiB"
    )


def _used(processes: list[subprocess.Popen[bytes]]) -> float:
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main() -> None:
    """`python -m tests.bench batch`."""
    with tempfile.TemporaryDirectory(prefix="why403-bench-", dir=os.environ.get("TMPDIR")) as name:
        measure(Path(name))
        shutil.rmtree(Path(name) / "dask", ignore_errors=True)
