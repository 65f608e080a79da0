"""The guard of a session: what is left of it goes, and nothing else."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diagnostics.live import guard

posix = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")
PROGRAM = [sys.executable, "-I", "-S", guard.__file__]
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def sleeping(folder: Path) -> subprocess.Popen[bytes]:
    """A program in a process group of its own, as a browser is."""
    return subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL, start_new_session=True, cwd=folder)


@posix
def test_the_guard_kills_what_is_left(tmp_path: Path) -> None:
    left, ended = sleeping(tmp_path), sleeping(tmp_path)
    folder = tmp_path / "session"
    folder.mkdir()
    try:
        lines = f"+{left.pid}\n+{ended.pid}\n-{ended.pid}\nnonsense\n+x\n".encode()
        guard.watch(io.BytesIO(lines), str(folder))
        assert left.wait(10) == -9
        assert ended.poll() is None
        assert not folder.exists()
    finally:
        for process in (left, ended):
            process.kill()
            process.wait()


def test_the_guard_is_no_error_where_all_is_gone(tmp_path: Path) -> None:
    guard.remove(str(tmp_path / "nothing"))
    guard.watch(io.BytesIO(b""), str(tmp_path / "nothing"))


def test_a_folder_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder, outside = tmp_path / "session", tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "file").touch(mode=0o400)
    outside.mkdir()
    (outside / "kept").touch()
    (folder / "link").symlink_to(outside)
    guard.remove(str(folder))
    assert not folder.exists()
    assert (outside / "kept").exists()  # a link is removed, not followed


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_for_the_session_and_the_end_of_the_pipe_for_it(
    tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    with subprocess.Popen([*PROGRAM, folder], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"nonsense\n")
        process.stdin.flush()
        _wait_until_it_ignores(process.pid, number)
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        assert folder.exists()
        process.stdin.close()
        assert process.wait(20) == 0
    assert not folder.exists()


def _wait_until_it_ignores(pid: int, number: int) -> None:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("needs Linux's /proc")
    for _ in range(2000):
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("SigIgn:"))
        if int(line.split()[1], 16) >> (number - 1) & 1:
            return
        time.sleep(0.01)
    pytest.fail("the guard did not come up")


@posix
def test_a_program_is_told_of_and_then_started() -> None:
    reading, writing = os.pipe()
    command = [
        *PROGRAM,
        "--start",
        str(writing),
        sys.executable,
        "-c",
        "import os; print(os.getpid())",
    ]
    done = subprocess.run(command, pass_fds=[writing], capture_output=True, text=True, check=True)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.read() == f"+{done.stdout}"


@posix
def test_a_program_starts_without_a_guard_too() -> None:
    reading, writing = os.pipe()
    os.close(reading)  # nobody listens any more
    command = [*PROGRAM, "--start", str(writing), sys.executable, "-c", "print(1)"]
    done = subprocess.run(command, pass_fds=[writing], capture_output=True, text=True, check=True)
    os.close(writing)
    assert done.stdout == "1\n"


@posix
def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    command = [*PROGRAM, "--start", "99", str(tmp_path / "gone")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{tmp_path / 'gone'}: No such file or directory\n"
