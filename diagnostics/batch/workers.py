"""Who judges: processes of this machine, or a Dask cluster; one interface of `concurrent.futures`.

Worker processes are started anew and not forked, so that they hold nothing of this process. They
leave Ctrl-C to this process, and end by themselves where it is killed.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol, TypeVar

from diagnostics import __version__
from diagnostics.batch.judge import version
from diagnostics.errors import InputError

_CONNECT = 10  # seconds
_MOST_ON_WINDOWS = 61  # documentation of ProcessPoolExecutor
_ANSWER = 60  # seconds until a worker says its version, for it may just be starting

T = TypeVar("T")


class Crew(Protocol):
    """Workers that run functions. `size` is how many at once."""

    size: int

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]: ...

    def check(self) -> None:
        """Raises InputError where nobody is left who could work."""

    def mend(self) -> None:
        """To be called after a worker died and nothing is under way: makes it work again."""

    def stop(self) -> None:
        """End at once, whatever is still being worked on; leaves no process behind."""


class Processes:
    """A pool of processes on this machine."""

    def __init__(self, size: int) -> None:
        self.size = min(size, _MOST_ON_WINDOWS) if sys.platform == "win32" else size
        self._before = {process.pid for process in multiprocessing.active_children()}
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.size, context, _begin)

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        # The pool starts its processes when there is work for them.
        with _signals_withheld():
            return self._pool.submit(function, *args)

    def check(self) -> None:
        pass  # the pool says by itself when a process of it has died

    def mend(self) -> None:
        # A pool of which one process died takes no more work.
        self.stop()
        self._pool = self._new()

    def stop(self) -> None:
        # A pool waits for what its processes are doing, but not for processes that are gone.
        for process in multiprocessing.active_children():
            if process.pid not in self._before:
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _signals_withheld() -> Iterator[None]:
    """Processes that are started in here never see the Ctrl-C of this terminal: which signals
    are blocked is inherited (POSIX, `exec`), so there is no moment before they can say so."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """The first thing that a worker process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, address: str) -> None:
        """Connect. Raises InputError where nobody answers, or the workers cannot do this work."""
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError as error:
            raise InputError(
                "--scheduler needs the package distributed: pip install 'why403[dask]'"
            ) from error
        self._address = address
        if address.lower().startswith("tls://"):
            _need_certificates(distributed, address)
        try:
            self._client: Any = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
        except (OSError, ValueError, TimeoutError, ImportError) as error:
            raise InputError(f"{address}: no Dask scheduler answers there") from error
        try:
            self.size = sum(self._client.nthreads().values())
            if not self.size:
                raise InputError(f"{address}: the scheduler has no workers. Start some first.")
            self._executor: Executor = self._client.get_executor(pure=False)
            self._compare()
        except BaseException:
            self._client.close()
            raise

    def _compare(self) -> None:
        try:
            theirs = self._executor.submit(version).result(_ANSWER)
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{self._address}: its workers cannot run why403; install the same version where"
                f" they run ({said})"
            ) from error
        if theirs != __version__:
            raise InputError(
                f"{self._address}: its workers run why403 {theirs}, this is {__version__}"
            )

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        return self._executor.submit(function, *args)

    def check(self) -> None:
        if self._client.status != "running":
            raise InputError(
                f"{self._address}: the connection to the scheduler was lost."
                " The same command goes on."
            )
        if not self._client.nthreads():
            raise InputError(
                f"{self._address}: the scheduler has no workers left. The same command goes on."
            )

    def mend(self) -> None:
        self.check()  # the scheduler starts other workers, or nobody can

    def stop(self) -> None:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._executor.shutdown(wait=False)
        with contextlib.suppress(Exception):
            self._client.close(timeout=_CONNECT)


def _need_certificates(distributed: Any, address: str) -> None:
    """Raises InputError where Dask's configuration names no certificates that can be used
    (https://distributed.dask.org/en/stable/tls.html)."""
    said = "it names none"
    try:
        if distributed.Security().get_connection_args("client").get("ssl_context") is not None:
            return
    except (OSError, ValueError, TypeError) as error:  # ssl.SSLError is an OSError
        said = " ".join(str(error).split()) or type(error).__name__
    raise InputError(
        f"{address}: TLS needs certificates. Name them in Dask's configuration:"
        f" distributed.comm.tls.ca-file, client.cert and client.key ({said})."
    )


@contextlib.contextmanager
def crew(jobs: int, scheduler: str | None) -> Iterator[Crew]:
    """The workers that were asked for, until the end of the block."""
    found: Crew = Cluster(scheduler) if scheduler is not None else Processes(jobs)
    try:
        yield found
    finally:
        found.stop()
