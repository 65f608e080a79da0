"""A folder for one session (the CA's key, browser profiles), and the certainty that it goes away.

The folder is the user's alone (mode 0700). A guard, a process of its own, deletes it and ends the
browser even where this process is killed; what a power failure left is deleted at the next start.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from diagnostics.live import guard

PREFIX = "why403-session-"
_GUARD = (sys.executable, "-I", "-S", guard.__file__)
_LOCK = "in-use"
_SECONDS_TO_END = 5.0
_NEW = 60.0  # seconds; a folder that young may not have its lock yet
#: On Windows only a process group can be sent a Ctrl-Break, which ends it in order.
_FLAGS = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
#: Starts a program; what it says goes to a file, and it may be given an environment.
Start = Callable[[list[str], Path, dict[str, str] | None], "subprocess.Popen[bytes]"]


def start_plainly(
    command: list[str], output: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that the caller ends; what it says goes to the file `output`. Raises
    OSError."""
    with output.open("wb") as out:
        return subprocess.Popen(
            command,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            env=environment,
            creationflags=_FLAGS,
        )


class Throwaway:
    """The folder, and the processes that must not outlive it."""

    def __init__(self, path: Path, watcher: subprocess.Popen[bytes]) -> None:
        self.path = path
        self._watcher = watcher
        self._processes: list[subprocess.Popen[bytes]] = []
        self._is_over = False

    def start(
        self, command: list[str], output: Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own; what it says goes to the file `output`.
        Raises OSError where it cannot be started, or everything was ended."""
        if self._is_over:
            raise InterruptedError("the session is over")
        program = shutil.which(command[0])
        if program is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such program", command[0])
        command = [program, *command[1:]]
        pipes: tuple[int, ...] = ()
        if sys.platform != "win32":
            assert self._watcher.stdin is not None
            pipes = (self._watcher.stdin.fileno(),)
            command = [*_GUARD, "--start", str(pipes[0]), *command]
        with output.open("wb") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                pass_fds=pipes,
                # A Ctrl-C in the terminal is for the session, which ends the browser in order.
                start_new_session=True,
                creationflags=_FLAGS,
            )
        self._processes.append(process)
        if sys.platform == "win32":
            self._tell(f"+{process.pid}\n")
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End a program and its children: asked first, then forced."""
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)
        guard.kill(process.pid)  # children that its end left, or itself
        process.wait()
        if process in self._processes:
            self._processes.remove(process)
            self._tell(f"-{process.pid}\n")

    def end_all(self) -> None:
        """End every program, and let no other one start."""
        self._is_over = True
        for process in list(self._processes):
            self.end(process)

    def close(self) -> None:
        """End every program and delete the folder."""
        self.end_all()
        pipe = self._watcher.stdin
        assert pipe is not None
        with contextlib.suppress(OSError):
            pipe.close()
        try:
            self._watcher.wait(_SECONDS_TO_END + 5)
        except subprocess.TimeoutExpired:
            self._watcher.kill()
            self._watcher.wait()
        guard.remove(str(self.path))

    def _tell(self, line: str) -> None:
        pipe = self._watcher.stdin
        assert pipe is not None
        with contextlib.suppress(OSError, ValueError):  # without the guard we clean up ourselves
            pipe.write(line.encode())
            pipe.flush()


@contextmanager
def throwaway(within: Path | None = None) -> Iterator[Throwaway]:
    """A new folder in `within` (the system's folder for temporary files), deleted at the end.
    Raises OSError where it cannot be made."""
    base = Path(tempfile.gettempdir()) if within is None else within
    base.mkdir(parents=True, exist_ok=True)
    remove_stale(base)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    # The lock gets its name when it is held: another session's start takes one that is not for
    # what is left of a session that is over.
    unheld = path / (_LOCK if sys.platform == "win32" else f"{_LOCK}.new")
    lock = unheld.open("wb")
    _lock(lock.fileno())
    if sys.platform != "win32":
        unheld.rename(path / _LOCK)
    watcher = subprocess.Popen(
        [*_GUARD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # who kills our process group does not kill it
    )
    session = Throwaway(path, watcher)
    try:
        yield session
    finally:
        lock.close()
        session.close()


def remove_stale(base: Path) -> list[Path]:
    """Delete the folders of sessions that are over, and say which those were. A folder of
    somebody else, and one whose session still runs, stays."""
    removed = []
    for path in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            about = path.lstat()
            mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
            if path.is_symlink() or not path.is_dir() or not mine or _in_use(path):
                continue
            guard.remove(str(path))
            removed.append(path)
    return removed


def _in_use(path: Path) -> bool:
    lock = path / _LOCK
    if not lock.exists():
        return time.time() - path.stat().st_mtime < _NEW
    if sys.platform == "win32":
        try:
            lock.unlink()  # refused while somebody has it open
        except OSError:
            return True
        return False
    with lock.open("rb") as file:
        return not _lock(file.fileno())


def _lock(descriptor: int) -> bool:
    """Whether the file is ours now. The system gives it back when the process ends."""
    if sys.platform == "win32":
        return True  # an open file cannot be deleted there, which is lock enough
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
