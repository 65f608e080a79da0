"""Folders of captures, no two alike, and runs on them in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

import pytest

from diagnostics.batch.find import find
from diagnostics.batch.run import Counts, run
from diagnostics.batch.store import Store
from diagnostics.batch.workers import Crew
from diagnostics.journey.told import Allowed, Told
from tests.bench.batch import captures as write_captures

TOLD = Told(Allowed(("shop.example.com",), "the list that was told"))
ENTRIES = 20

Batch = Callable[..., Counts]
T = TypeVar("T")


class Inline:
    """Workers that are no processes: what is submitted is done at once."""

    def __init__(self, size: int = 2) -> None:
        self.size = size

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def check(self) -> None:
        pass

    mend = stop = check


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """Thirty generated captures in a folder."""
    folder = tmp_path / "tickets"
    write_captures(folder, 30, (ENTRIES, ENTRIES + 5))
    return folder


@pytest.fixture
def results(tmp_path: Path) -> str:
    return str(tmp_path / "results.sqlite")


@pytest.fixture
def batch(results: str) -> Batch:
    """Runs a batch into the results, in this process or with the crew that is given."""

    def go(*paths: str | Path, told: Told = TOLD, crew: Crew | None = None) -> Counts:
        names = [str(path) for path in paths]
        workers = crew or Inline()
        try:
            with Store(results, told, names) as store:
                counts = run(find(names, [results]), told, store, workers, lambda _: None)
                store.finish()
                return counts
        finally:
            workers.stop()

    return go
