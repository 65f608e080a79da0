"""A real Dask scheduler and its workers, each a process of its own, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_SECONDS = 60.0


class Cluster(msgspec.Struct):
    """A running scheduler's address, and its workers' processes."""

    address: str
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A scheduler with so many workers of one thread each; all of them end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "scheduler.json"
    quiet = {
        **os.environ,
        "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error",
        "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False",
        # How closely Dask watches its workers by default costs a third of their time here.
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
        "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
        "DASK_DISTRIBUTED__WORKER__MEMORY__MONITOR_INTERVAL": "2s",
        "DASK_TEMPORARY_DIRECTORY": str(folder),
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"]
        with (folder / f"{what}-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *arguments], env=quiet, cwd=folder, stdout=log, stderr=log
            )
        started.append(process)
        return process

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(told))
        address = _address(told, started[0], folder)
        own = [
            start("worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny",
                  "--local-directory", str(folder / str(number)))
            for number in range(workers)
        ]  # fmt: skip
        _wait_for_workers(address, workers)
        yield Cluster(address, own)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(told: Path, scheduler: subprocess.Popen[bytes], folder: Path) -> str:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and scheduler.poll() is None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            return str(json.loads(told.read_text())["address"])
        time.sleep(0.05)
    raise RuntimeError((folder / "scheduler-0.log").read_text())


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=_SECONDS, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=_SECONDS)
