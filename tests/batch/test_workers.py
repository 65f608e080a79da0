"""Starting and ending workers. What a run makes of them is in test_run and tests/cli/test_batch."""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from diagnostics.batch import workers
from diagnostics.batch.judge import version
from diagnostics.batch.workers import Cluster, Processes, crew
from diagnostics.errors import InputError


def test_processes_end_with_the_block_whatever_they_do() -> None:
    with crew(2, None) as pool:
        assert pool.submit(version).result() == workers.__version__
        busy = [pool.submit(_sleep) for _ in range(3)]
        assert multiprocessing.active_children()
    assert multiprocessing.active_children() == []
    assert all(future.done() for future in busy)


def _sleep() -> None:
    import time

    time.sleep(600)


def test_a_pool_that_broke_is_made_anew() -> None:
    pool = Processes(1)
    try:
        with pytest.raises(BrokenExecutor):
            pool.submit(os._exit, 3).result()
        with pytest.raises(BrokenExecutor):
            pool.submit(version)
        pool.mend()
        assert pool.submit(version).result() == workers.__version__
    finally:
        pool.stop()
    assert multiprocessing.active_children() == []


def test_windows_has_room_for_61_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """WaitForMultipleObjects takes no more (documentation of ProcessPoolExecutor)."""
    pool = Processes(100)
    assert pool.size == 100
    pool.stop()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        pool = Processes(100)
    assert pool.size == 61
    pool.stop()


def test_other_children_are_left_alone() -> None:
    own = multiprocessing.get_context("spawn").Process(target=_sleep)
    own.start()
    try:
        with crew(1, None) as pool:
            pool.submit(version).result()
        assert own.is_alive()
    finally:
        own.kill()
        own.join()
        own.close()


def test_without_distributed_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'why403\[dask\]'"):
        Cluster("tcp://127.0.0.1:1")


@pytest.mark.parametrize("scheme", ["tls", "TLS"])
def test_a_tls_scheduler_needs_certificates(
    monkeypatch: pytest.MonkeyPatch, scheme: str, tmp_path: Path
) -> None:
    import dask

    with pytest.raises(InputError, match=r"distributed\.comm\.tls"):
        Cluster(f"{scheme}://127.0.0.1:1")
    nowhere = {"distributed.comm.tls.client": {"cert": str(tmp_path / "none.pem"), "key": None}}
    with dask.config.set(nowhere), pytest.raises(InputError, match=r"distributed\.comm\.tls"):
        Cluster(f"{scheme}://127.0.0.1:1")


class _Client:
    """As much of a Dask client as is asked about."""

    status = "running"

    def __init__(self, threads: dict[str, int], answer: Any) -> None:
        self.threads = threads
        self.answer = answer
        self.closed = False

    def nthreads(self) -> dict[str, int]:
        return self.threads

    def get_executor(self, **_: object) -> Any:
        def submit(*_: object) -> Any:
            def result(_: object = None) -> Any:
                if isinstance(self.answer, Exception):
                    raise self.answer
                return self.answer

            return SimpleNamespace(result=result)

        return SimpleNamespace(submit=submit, shutdown=lambda wait: None)

    def close(self, **_: object) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("threads", "answer", "says"),
    [
        ({}, workers.__version__, "the scheduler has no workers"),
        ({"a": 1}, "0.0.1", r"its workers run why403 0\.0\.1, this is"),
        ({"a": 1}, ModuleNotFoundError("No module named 'diagnostics'"),
         "cannot run why403; install the same version"),
    ],
)  # fmt: skip
def test_workers_that_cannot_do_it_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch, threads: dict[str, int], answer: Any, says: str
) -> None:
    client = _Client(threads, answer)
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=lambda *_, **__: client))
    with pytest.raises(InputError, match=says):
        Cluster("tcp://127.0.0.1:1")
    assert client.closed


def test_a_cluster_that_went_away_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = _Client({"a": 1, "b": 2}, workers.__version__)
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=lambda *_, **__: client))
    found = Cluster("tcp://127.0.0.1:1")
    assert found.size == 3
    found.check()
    client.threads = {}
    with pytest.raises(InputError, match="no workers left"):
        found.check()
    client.status = "closed"
    with pytest.raises(InputError, match="connection to the scheduler was lost"):
        found.mend()
    found.stop()
    assert client.closed
