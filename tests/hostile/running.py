"""Runs the program as a process of its own, within limits, and measures what it took."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

#: As the installed program starts, and also where it is not installed.
PROGRAM = (
    sys.executable,
    "-c",
    "import sys; from diagnostics.cli import main; main(sys.argv[1:])",
)
# The peak of a new process begins with that of the process it was forked from, and pytest is large:
# so a small process starts the program, waits for it, and writes down what it took.
_LAUNCHER = """
import json, os, resource, signal, sys
told = json.loads(sys.argv[1])
number = os.fork()
if not number:
    if told["memory"]:
        resource.setrlimit(resource.RLIMIT_AS, (told["memory"],) * 2)
    if told["file_size"]:
        # A write past the limit is an error, as on a full disk, and not a signal.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (told["file_size"],) * 2)
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(number, 0)
used = [os.waitstatus_to_exitcode(status), usage.ru_maxrss, usage.ru_utime + usage.ru_stime]
os.write(told["report"], json.dumps(used).encode())
"""
_MB = 1_000_000
_SECONDS = 240.0  # no measure: what ends a run that hangs


class Ran(NamedTuple):
    """How a run ended. `peak` is the most memory that it had at once, in MB (resident), and
    `seconds` the processor's time, which other programs of the machine do not stretch."""

    status: int
    out: str
    err: str
    peak: float
    seconds: float

    @property
    def line(self) -> str:
        """The one line that it said about an error."""
        (line,) = self.err.splitlines()
        return line


def run(
    *args: str | Path,
    stdin: bytes | IO[bytes] = b"",
    out: IO[bytes] | None = None,
    memory: int = 0,
    file_size: int = 0,
    cwd: Path | None = None,
) -> Ran:
    """The program with these arguments, to its end. `memory` bounds its address space and
    `file_size` each file that it writes, in bytes; `out` is its standard output, which is kept
    where it is not given."""
    with (
        tempfile.TemporaryFile() as kept,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile() as report,
        _input(stdin) as source,
    ):
        told = {"memory": memory, "file_size": file_size, "report": report.fileno()}
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, json.dumps(told), *PROGRAM, *map(str, args)],
            stdin=source,
            stdout=out or kept,
            stderr=err,
            cwd=cwd,
            start_new_session=True,
            pass_fds=[report.fileno()],
        )
        try:
            process.wait(_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        status, peak, seconds = json.loads(_content(report))
        # Linux counts in units of 1024 bytes, macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        said = [_content(file).decode("utf-8", "replace") for file in (kept, err)]
        return Ran(status, *said, peak * unit / _MB, seconds)


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


@contextlib.contextmanager
def _input(stdin: bytes | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(stdin, bytes):
        yield stdin
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file


def started(args: Sequence[str | Path], **more: object) -> subprocess.Popen[bytes]:
    """The program, running, in a session of its own, so that what it started can be found."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, args)],
        start_new_session=True,
        **{"stdin": subprocess.DEVNULL, **more},  # type: ignore[call-overload,misc]
    )


def left_of(session: int) -> list[int]:
    """The processes of a session that still run (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            state, *fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == session and state != "Z":
                found.append(int(entry.name))
    return found
