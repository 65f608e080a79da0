"""Where a report is written: links, full disks, read-only folders, closed pipes. What stood there
stays until the new file is whole, nothing else is left beside it, and one line says why not."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import fixtures
from diagnostics.cli import COMMANDS
from diagnostics.cli.output import write
from diagnostics.errors import InputError
from tests.hostile import judging
from tests.hostile.running import PROGRAM, Ran, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are POSIX")

HAR = fixtures.ROOT / "captures" / "helmet-gl3-chromium.devtools.har"
NOBODY = 65534
needs_root = pytest.mark.skipif(
    os.name != "posix" or os.getuid() != 0, reason="only root can become somebody else"
)


def assert_one_line(ran: Ran) -> None:
    assert ran.status == 2, ran
    assert ran.line.startswith("Error: ")
    assert "fault of why403" not in ran.err
    judging.assert_plain(ran.err)


def diagnosed(output: Path | str, **more: int) -> Ran:
    return run("diagnose", HAR, "--format", "html", "-o", output, **more)


# ---- links ----


def test_a_link_of_ours_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.html", tmp_path / "link.html"
    target.write_text("old")
    link.symlink_to("target.html")
    assert diagnosed(link).status == 1
    assert link.is_symlink()
    assert target.read_text().startswith("<!doctype html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html", "target.html"]


def test_a_link_to_nothing_makes_the_file(tmp_path: Path) -> None:
    (tmp_path / "link.html").symlink_to("target.html")
    assert diagnosed(tmp_path / "link.html").status == 1
    assert (tmp_path / "target.html").is_file()


def test_a_circle_of_links(tmp_path: Path) -> None:
    (tmp_path / "a.html").symlink_to("b.html")
    (tmp_path / "b.html").symlink_to("a.html")
    assert_one_line(diagnosed(tmp_path / "a.html"))


@needs_root
@pytest.mark.parametrize("there", [True, False])
def test_a_link_that_somebody_else_put_into_a_shared_folder(tmp_path: Path, there: bool) -> None:
    """The old attack on /tmp: what we may write and they may not."""
    shared, ours = tmp_path / "shared", tmp_path / "ours.txt"
    shared.mkdir()
    shared.chmod(0o1777)
    if there:
        ours.write_text("ours")
    link = shared / "report.html"
    link.symlink_to(ours)
    os.lchown(link, NOBODY, NOBODY)
    ran = diagnosed(link)
    assert_one_line(ran)
    assert "link" in ran.line
    assert ours.exists() == there
    assert not there or ours.read_text() == "ours"
    # Their file is theirs, and not a way to write to another: it is replaced by one of ours.
    link.unlink()
    link.write_text("theirs")
    os.chown(link, NOBODY, NOBODY)
    inode = link.stat().st_ino
    assert diagnosed(link).status == 1
    assert link.stat().st_ino != inode
    assert link.stat().st_uid == 0


def test_the_file_beside_the_output_is_never_one_that_waits_there(tmp_path: Path) -> None:
    """The file that is written first has a name that nobody can foresee, and is readable by us."""
    before = set(tmp_path.iterdir())
    assert diagnosed(tmp_path / "x.html").status == 1
    assert set(tmp_path.iterdir()) - before == {tmp_path / "x.html"}
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x.html").stat().st_mode) == 0o666 & ~mask


# ---- full, read-only ----


@pytest.mark.parametrize("old", ["old", None])
def test_a_disk_that_is_full(tmp_path: Path, old: str | None) -> None:
    """A limit of the file's size fails in the same place, in the middle of writing."""
    output = tmp_path / "x.html"
    if old is not None:
        output.write_text(old)
    assert_one_line(diagnosed(output, file_size=8192))
    assert [path.name for path in tmp_path.iterdir()] == (["x.html"] if old else [])
    assert old is None or output.read_text() == old


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_device_that_is_full() -> None:
    assert_one_line(diagnosed("/dev/full"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "args",
    [
        ["diagnose", str(HAR)],
        ["diagnose", str(HAR), "--format", "html"],
        ["explain"],
        ["lint", "https://a.example"],
        ["match", "--referer", "https://a.example/", "--allow", "a.example"],
        ["--help"],
    ],
)
def test_standard_output_that_is_full(args: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = run(*args, out=full)
    assert_one_line(ran)
    assert "No space left" in ran.line


def test_a_place_where_not_even_root_can_write() -> None:
    for output in ("/proc/x.html", "/sys/x.html", "/dev/null/x.html", "/absent/x.html"):
        assert_one_line(diagnosed(output))


@needs_root
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork, where pytest has threads
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """Tried as somebody else than root, who may write anywhere."""
    (tmp_path / "x.html").write_text("old")
    child = os.fork()
    if not child:
        os.chdir(tmp_path)
        os.setuid(NOBODY)
        try:
            write("new", "x.html")
        except InputError as error:
            os._exit(0 if str(error) == "x.html: cannot be written: Permission denied" else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "x.html").read_text() == "old"


def test_a_folder_as_output(tmp_path: Path) -> None:
    assert_one_line(diagnosed(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_as_output(tmp_path: Path) -> None:
    """A pipe or a device is written to, and stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    assert diagnosed(pipe).status == 1
    out, _ = reader.communicate(timeout=30)
    assert out.startswith(b"<!doctype html>")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


# ---- a reader that goes away ----

QUESTIONS = b'{"referer": "https://a.example/", "allow": ["a.example"]}\n' * 20_000
TALKATIVE: dict[str, list[str]] = {
    "diagnose": ["diagnose", str(HAR)],
    "diagnose as html": ["diagnose", str(HAR), "--format", "html"],
    "explain": ["explain", "referrer-policy-blocks"],
    "lint": ["lint", *[f"https://{n}.example/*" for n in range(300)]],
    "match": ["match", "--referer", "https://a/", *[f"--allow={n}.b" for n in range(300)]],
    "match --jsonl": ["match", "--jsonl"],
    "demo": ["demo", "-o", "-"],
    **{f"{name} --help": [name, "--help"] for name in COMMANDS},
}


@pytest.mark.parametrize("name", TALKATIVE)
def test_a_reader_that_goes_away(name: str, tmp_path: Path) -> None:
    """As `| head -0`: no word about it, and a status of its own."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as closed:  # noqa: PTH123 (a file descriptor)
        ran = run(*TALKATIVE[name], out=closed, stdin=QUESTIONS, cwd=tmp_path)
    assert (ran.status, ran.err) == (141, "")


def test_a_reader_that_goes_away_in_the_middle(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "match", "--jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(QUESTIONS[: QUESTIONS.index(b"\n") + 1])
    process.stdin.flush()
    assert process.stdout.readline()
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        while process.poll() is None:
            process.stdin.write(QUESTIONS)
            process.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
