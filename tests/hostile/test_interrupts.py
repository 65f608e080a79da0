"""Ctrl-C and the other ways to end a program, at moments spread over its run: its status says so,
a file that it writes is the old one or the whole new one, and nothing is left, neither a file
beside it nor a process."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

import fixtures
from tests.hostile.running import PROGRAM, left_of, started

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")

HAR = fixtures.ROOT / "captures" / "helmet-gl3-chromium.devtools.har"
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HAR with many kinds of refusals, whose report takes a moment to write."""
    tree = json.loads(HAR.read_text())
    entries = tree["log"]["entries"]
    tree["log"]["entries"] = []
    for number in range(400):
        for entry in entries:
            copy = json.loads(json.dumps(entry).replace("shop.example.com", f"s{number}.example"))
            tree["log"]["entries"].append(copy)
    file = tmp_path_factory.mktemp("large") / "large.har"
    file.write_text(json.dumps(tree))
    return file


def finished(process: subprocess.Popen[bytes], number: int, ends: set[int]) -> int:
    """Its status after a signal. `ends` are those of a run that was over before it came."""
    try:
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    # Before the program itself has begun, the interpreter or the system ends it in their own way.
    early = {-number, 1} if b", in main" not in err else set()
    assert process.returncode in {STATUS[signal.Signals(number)], *ends, *early}, err.decode()
    if process.returncode not in early:
        assert b"Traceback" not in err, err.decode()
    deadline = time.monotonic() + 15
    while left_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left_of(process.pid) == []
    return process.returncode


def whole_run(args: list[str | Path], **more: object) -> float:
    start = time.monotonic()
    started(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more).communicate()
    return time.monotonic() - start


@pytest.mark.parametrize(
    ("command", "number", "moments"),
    [
        ("diagnose", signal.SIGINT, 15),
        ("diagnose", signal.SIGTERM, 5),
        ("sanitize", signal.SIGINT, 5),
        ("sanitize", signal.SIGTERM, 5),
    ],
)
def test_a_report_is_old_or_whole(
    command: str, number: int, moments: int, large: Path, tmp_path: Path
) -> None:
    output = tmp_path / ("x.har" if command == "sanitize" else "x.json")
    args: list[str | Path] = [command, large, "-o", output]
    seconds = whole_run(args)
    new = output.read_bytes()
    interrupted = 0
    for moment in range(moments):
        output.write_bytes(b"old")
        process = started(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(seconds * (moment + 0.5) / moments)
        status = finished(process, number, {0, 1})
        interrupted += status not in {0, 1}
        assert output.read_bytes() in {b"old", new}
        assert [path.name for path in tmp_path.iterdir()] == [output.name]
    assert interrupted >= moments / 3


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["match", "--jsonl"], b'{"referer": "https://a.example/", "allow": ["a.example"]}\n'),
        (
            ["referer", "--jsonl"],
            b'{"page": "https://a.example/", "to": "https://b.example/", "policy": null}\n',
        ),
    ],
)
def test_answers_end_with_a_whole_line(args: list[str], line: bytes, tmp_path: Path) -> None:
    questions = tmp_path / "questions"
    questions.write_bytes(line * 100_000)
    for moment in range(5):
        with questions.open("rb") as stdin:
            process = started(args, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert process.stdout is not None
            for _ in range(moment * 2_000 + 1):
                assert json.loads(process.stdout.readline())
            assert finished(process, signal.SIGINT, {0}) in {0, 130}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_keeps_whole_captures_and_leaves_no_worker(number: int, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    for copy in range(40):
        (folder / f"{copy}.har").write_bytes(HAR.read_bytes())
    output = tmp_path / "x.sqlite"
    args: list[str | Path] = ["batch", folder, "-o", output, "--jobs", "2"]
    seconds = whole_run(args)
    for moment in range(5):
        output.unlink(missing_ok=True)
        process = started(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(seconds * (moment + 0.5) / 5)
        finished(process, number, {1})
        if output.exists():
            with sqlite3.connect(output) as results:
                assert results.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            results.close()
    again = started(args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert again.communicate()[1].count(b"Traceback") == 0
    assert again.returncode == 1
    with sqlite3.connect(output) as results:
        assert results.execute("SELECT count(*) FROM captures").fetchone()[0] >= 40
    results.close()
    assert {path.name for path in tmp_path.iterdir()} == {"captures", "x.sqlite"}


def test_a_signal_that_is_ignored_stays_ignored(large: Path, tmp_path: Path) -> None:
    """A job of `nohup` goes on when its terminal closes."""
    process = subprocess.Popen(
        ["nohup", *PROGRAM, "diagnose", str(large), "-o", str(tmp_path / "x.json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(0.5)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 1
    assert (tmp_path / "x.json").exists()
