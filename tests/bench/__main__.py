"""`make bench`: what a diagnosis costs, side by side with what others need just to read the file.

Each measurement runs in a process of its own, alternating with the others; the best of its
rounds is printed with the highest resident memory of any round. `python -m tests.bench batch`
measures only batches.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from tests.bench import batch, generate, proxy

MEGABYTES = 120
ROUNDS = 3
ENTRIES = (1_000, 3_000, 10_000, 30_000, 100_000)


def _with_orjson(path: str) -> Any:
    import orjson

    data = Path(path).read_bytes()
    return lambda: orjson.loads(data)


def _with_json(path: str) -> Any:
    data = Path(path).read_bytes()
    return lambda: json.loads(data)


def _with_haralyzer(path: str) -> Any:
    from haralyzer import HarParser

    return lambda: HarParser(json.loads(Path(path).read_text("utf-8"))).pages


def _with_mitmproxy(path: str) -> Any:
    from mitmproxy.io import FlowReader

    def read() -> list[Any]:
        with Path(path).open("rb") as file:
            return list(FlowReader(file).stream())

    return read


def _with_diagnosis(path: str) -> Any:
    """The whole command: file to report, as a person would ask for it."""
    from diagnostics.capture.open import read_capture
    from diagnostics.journey.diagnose import diagnose
    from diagnostics.journey.told import Allowed, Told
    from diagnostics.report import text

    told = Told(Allowed(("shop.example.com",), "the list that was told"))
    return lambda: text.render(diagnose(read_capture(path), told), colour=False, width=100)


READERS: dict[str, Callable[[str], Any]] = {
    "orjson.loads": _with_orjson,
    "json.loads": _with_json,
    "haralyzer": _with_haralyzer,
    "mitmproxy's HAR reader": _with_mitmproxy,
    "the whole diagnosis": _with_diagnosis,
}


def measure(name: str, path: str) -> None:
    """Run one reader in this process; print seconds and peak memory in MB as JSON."""
    work = READERS[name](path)
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    del result
    print(json.dumps({"seconds": seconds, "megabytes": _peak_memory()}))


def _peak_memory() -> float:
    """The highest resident memory of this process in MB. (`ru_maxrss` would count the parent's
    on Linux, from which a child is forked.)"""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _child(name: str, path: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", name, str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def readers(folder: Path) -> None:
    path = folder / "large.har"
    entries = generate.write(path, megabytes=MEGABYTES)
    size = path.stat().st_size / 1024**2
    print(f"\nA HAR of {size:.0f} MiB with {entries:,} entries, best of {ROUNDS}:\n")
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
    for _ in range(ROUNDS):
        for name, found in runs.items():
            found.append(_child(name, path))
    base = min(run["seconds"] for run in runs["orjson.loads"])
    rows = []
    for name, found in runs.items():
        seconds = min(run["seconds"] for run in found)
        memory = max(run["megabytes"] for run in found)
        rows.append((name, f"{seconds:.3f}", f"{seconds / base:.2f}", f"{memory:.0f}",
                     f"{memory - size:+.0f}"))  # fmt: skip
    print(tabulate(rows, ("", "seconds", "x orjson", "peak MiB", "over the file"),
                   disable_numparse=True, colalign=("left", *["right"] * 4)))  # fmt: skip


def slope(folder: Path) -> None:
    print("\nThe diagnosis by number of entries (small bodies):\n")
    rows = []
    points = []
    for entries in ENTRIES:
        path = folder / f"{entries}.har"
        generate.write(path, entries=entries, largest_body=200)
        runs = [_child("the whole diagnosis", path) for _ in range(2)]
        seconds = min(run["seconds"] for run in runs)
        size = path.stat().st_size / 1024**2
        points.append((math.log(entries), math.log(seconds)))
        rows.append((f"{entries:,}", f"{seconds:.3f}", f"{seconds / entries * 1e6:.0f}",
                     f"{size:.0f}", f"{max(r['megabytes'] for r in runs):.0f}"))  # fmt: skip
        path.unlink()
    print(tabulate(rows, ("entries", "seconds", "µs an entry", "MiB", "peak MiB"),
                   disable_numparse=True, colalign=["right"] * 5))  # fmt: skip
    print(f"\nGrowth: time ~ entries^{_fit(points):.2f}")


def _fit(points: list[tuple[float, float]]) -> float:
    """The slope of the line through the points, by least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)


def start() -> None:
    print("\nStart-up, best of 15:\n")
    program = str(Path(sys.executable).parent / "why403")
    commands = {
        'python -c "import click"': [sys.executable, "-c", "import click"],
        "why403 --help": [program, "--help"],
    }
    best = dict.fromkeys(commands, math.inf)
    for _ in range(15):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - started)
    base = next(iter(best.values()))
    rows = [(name, f"{took * 1000:.0f}", f"{took / base:.2f}") for name, took in best.items()]
    print(tabulate(rows, ("", "ms", "x click"), disable_numparse=True,
                   colalign=("left", "right", "right")))  # fmt: skip


def main() -> None:
    if len(sys.argv) == 3:
        measure(sys.argv[1], sys.argv[2])
        return
    if sys.argv[1:] == ["batch"]:
        batch.main()
        return
    with tempfile.TemporaryDirectory(prefix="why403-bench-", dir=os.environ.get("TMPDIR")) as name:
        readers(Path(name))
        slope(Path(name))
        proxy.measure(Path(name))
        batch.measure(Path(name))
    start()


if __name__ == "__main__":
    main()
