"""A session's folder and programs: there while it lasts, gone afterwards, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diagnostics.live.throwaway import PREFIX, remove_stale, throwaway

posix = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_the_folder_is_the_user_s_alone_and_goes(tmp_path: Path) -> None:
    with throwaway(tmp_path / "base") as session:
        assert session.path.parent == tmp_path / "base"
        assert session.path.stat().st_mode & 0o777 == 0o700
        (session.path / "profile" / "deep").mkdir(parents=True)
        (session.path / "profile" / "deep" / "file").write_bytes(b"x")
        path = session.path
    assert not path.exists()


@posix
def test_programs_end_with_it_and_their_children_too(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.Popen({SLEEP!r}); print(1, flush=True); input()"
    with throwaway(tmp_path) as session:
        said = session.path / "said.txt"
        process = session.start(
            [sys.executable, "-c", "import time\n" + code.replace("input()", "time.sleep(60)")],
            said,
        )
        end = time.monotonic() + 20
        while "up" not in said.read_text() and time.monotonic() < end:
            time.sleep(0.05)
    assert process.returncode is not None
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(process.pid)


def _wait_until_gone(group: int) -> None:
    """Raises ProcessLookupError as soon as nobody is left in the group."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        os.killpg(group, 0)
        if all(_is_zombie(number) for number in _members(group)):
            raise ProcessLookupError(group)
        time.sleep(0.05)


def _members(group: int) -> list[int]:
    said = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in said.stdout.splitlines()]
    return [int(pid) for pid, pgid in rows if int(pgid) == group]


def _is_zombie(number: int) -> bool:
    said = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False
    )
    return said.stdout.strip()[:1] in {"", "Z"}


def test_nothing_starts_after_the_end(tmp_path: Path) -> None:
    with throwaway(tmp_path) as session:
        session.end_all()
        with pytest.raises(OSError, match="over"):
            session.start(SLEEP, session.path / "said.txt")


@posix
def test_a_program_is_known_to_the_guard_from_its_first_moment(tmp_path: Path) -> None:
    """The session is killed right after it has started a program, again and again."""
    code = (
        "import os, pathlib, signal, sys\n"
        "from diagnostics.live.throwaway import throwaway\n"
        "with throwaway(pathlib.Path(sys.argv[1])) as session:\n"
        f"    process = session.start({SLEEP!r}, session.path / 'said.txt')\n"
        "    print(process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, check=False
        )
        assert done.returncode == -9
        end = time.monotonic() + 20
        while time.monotonic() < end and (
            list(tmp_path.iterdir()) or not _is_zombie(int(done.stdout))
        ):
            time.sleep(0.05)
        assert list(tmp_path.iterdir()) == []
        assert _is_zombie(int(done.stdout))


@posix
def test_a_program_starts_as_if_nothing_stood_between(tmp_path: Path) -> None:
    with throwaway(tmp_path) as session:
        said = session.path / "said.txt"
        command = ["/bin/sh", "-c", "kill -PIPE $$"]
        assert session.start(command, said).wait(20) == -signal.SIGPIPE  # Python ignores it
        command = ["/bin/sh", "-c", "ls /dev/fd"]
        assert session.start(command, said).wait(20) == 0
        plain = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        assert said.read_bytes() == plain.stdout
        script = session.path / "no-program"
        script.write_text("nothing that a system can run")
        script.chmod(0o755)
        assert session.start([str(script)], said).wait(20) == 1
        assert "Exec format error" in said.read_text()


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with throwaway(tmp_path) as session, pytest.raises(FileNotFoundError):
        session.start([str(tmp_path / "nothing")], session.path / "said.txt")


@posix
def test_stale_folders_go_and_others_stay(tmp_path: Path) -> None:
    stale, young, other = (tmp_path / name for name in (f"{PREFIX}a", f"{PREFIX}b", "other"))
    for folder in (stale, young, other):
        folder.mkdir()
    (stale / "in-use").touch()
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(other)
    with throwaway(tmp_path) as session:  # clears away when it starts
        assert not stale.exists()
        assert young.exists()  # may be just starting
        assert other.exists()
        assert link.is_symlink()
        assert remove_stale(tmp_path) == []
        assert session.path.exists()
    old = time.time() - 3600
    os.utime(young, (old, old))
    assert remove_stale(tmp_path) == [young]
