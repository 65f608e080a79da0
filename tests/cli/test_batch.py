"""`why403 batch` as a program: what it prints, its exit status, and every way to stop it."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from diagnostics.cli import main
from tests.bench import generate
from tests.bench.batch import captures as write_captures

CAPTURES = Path("fixtures/captures").resolve()
#: The command, whose workers never come back from a file named "endless".
_STUCK = (
    "from diagnostics.batch import run, store; from tests.batch import fatal\n"
    "run.judge = fatal.judge; store._PAUSE = 0.0\n"
    "from diagnostics.cli import main; main()"
)
_SECONDS = 90.0


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["batch", "--jobs", "1", *map(str, args)])


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "why403-batch.sqlite"


def rows(results: Path, query: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(results)) as db:
        return db.execute(query).fetchall()


def test_it_counts_by_cause_provider_browser_and_folder(results: Path) -> None:
    done = run(CAPTURES / "handmade", "--allow", "shop.example.com")
    assert done.exit_code == 1
    headline, *_ = done.stdout.splitlines()
    assert "refused requests in" in headline
    for word in ("Cause", "Provider", "Browser", "Folder", "Mapbox", "Results: why403-batch"):
        assert word in done.stdout
    assert results.exists()
    assert done.stderr == ""


def test_it_exports_csv_jsonl_and_html(results: Path) -> None:
    cut = results.with_name("cut.har")
    cut.write_bytes((CAPTURES / "helmet-gl3-chromium.mitmproxy.har").read_bytes()[:3000])
    done = run(CAPTURES / "handmade", "cut.har", "--csv", "a.csv", "--jsonl", "a.jsonl",
               "--html", "a.html")  # fmt: skip
    assert done.exit_code == 1
    with Path("a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    captures = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [c["path"] for c in captures] == sorted(c["path"] for c in captures)
    assert sum(len(c["verdicts"]) for c in captures) == sum(1 for row in table if row["cause"])
    assert {row["path"] for row in table} == {c["path"] for c in captures}
    (failed,) = [c for c in captures if c["state"] == "failed"]
    assert failed["path"] == "cut.har"
    assert "cut off" in failed["reason"]
    assert "<svg" in Path("a.html").read_text()
    secrets = (Path("a.csv").read_text(), Path("a.jsonl").read_text(), Path("a.html").read_text())
    assert not any("access_token=pk.ey" in text for text in (*secrets, done.output))
    assert b"access_token=pk.ey" not in results.read_bytes()


def test_results_on_stdout_are_nothing_else(results: Path) -> None:
    done = run(CAPTURES / "handmade", "--jsonl", "-")
    assert all(json.loads(line)["path"] for line in done.stdout.splitlines())
    assert "Cause" in done.stderr


def test_nothing_refused_is_status_0(results: Path) -> None:
    generate.write(results.with_name("one.har"), entries=3, largest_body=0)
    done = run("one.har")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("1 capture: no request to a map provider was refused.")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere"], "Error: nowhere: there is no such file or folder. Check the name.\n"),
        (["no*where"], "Error: no*where: matches nothing."),
        (["empty"], "Error: empty: is an empty folder.\n"),
        (["nonsense://x"], "Reads from nonsense://x.\nError: nonsense://x: cannot be"),
        (["empty", "--jobs", "2", "--scheduler", "tcp://x"], "Error: --jobs and --scheduler"),
        (["note.txt", "-o", "note.txt"], "Error: note.txt: is where the results go."),
        ([str(CAPTURES), "-o", "note.txt"], "Error: note.txt: the results cannot be written"),
        (["note.txt", "-o", "no/such/folder.sqlite"],
         "Error: no/such/folder.sqlite: the results cannot be written: there is no folder no/such"),
        (["note.txt", "-o", "empty"],
         "Error: empty: the results cannot be written: that is a folder. Name a file."),
        (["note.txt", "--csv", "-", "--html", "-"], "Error: Only one of"),
        (["note.txt", "-o", "-"], "Error: The results are a database"),
        (["note.txt", "-o", "r", "--csv", "./r"], "Error: Two of -o, --csv, --jsonl and --html"),
        (["note.txt", "--csv", "r", "--html", "r"], "Error: Two of -o, --csv, --jsonl and --html"),
        (["empty", "--allow-file", "note.txt", "--csv", "note.txt"], "Error: note.txt: is what"),
    ],
)  # fmt: skip
def test_wrong_input_is_status_2_and_one_line(results: Path, args: list[str], says: str) -> None:
    Path("empty").mkdir()
    Path("note.txt").write_text("A note of nobody's interest, not a database.\n" * 50)
    done = CliRunner().invoke(main, ["batch", *args])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(says)
    assert Path("note.txt").read_text().startswith("A note")


def test_where_nothing_could_be_judged_nothing_is_said_about_refusals(results: Path) -> None:
    results.with_name("cut.har").write_text('{"log": {"entries": [')
    done = run("cut.har")
    assert done.exit_code == 2
    assert done.stdout.startswith("1 capture: it could not be judged.")
    generate.write(results.with_name("one.har"), entries=9, largest_body=0)
    assert run("cut.har", "one.har").exit_code == 1


def test_other_people_s_databases_are_left_alone(results: Path) -> None:
    with contextlib.closing(sqlite3.connect(results)) as db:
        db.execute("CREATE TABLE captures (name)")
    done = run(CAPTURES / "handmade")
    assert done.exit_code == 2
    assert "is a database of something else. Name another file." in done.stderr
    assert rows(results, "SELECT name FROM sqlite_master") == [("captures",)]


def test_nobody_at_the_scheduler_is_one_line(results: Path) -> None:
    address = "nonsense://127.0.0.1:1"
    done = CliRunner().invoke(main, ["batch", str(CAPTURES / "handmade"), "--scheduler", address])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {address}: no Dask scheduler answers there"


def test_its_own_results_are_no_captures(results: Path) -> None:
    generate.write(results.with_name("one.har"), entries=9, largest_body=0)
    run(".", "--csv", "a.csv", "--html", "a.html")
    done = run(".", "--csv", "a.csv", "--html", "a.html")
    assert done.exit_code == 1
    assert "Left out" not in done.stdout


class Stuck:
    """A batch of sixty captures of which one never ends, as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder / "results.sqlite"
        self.marker = f"WHY403_TEST={folder}"
        write_captures(folder / "tickets", 60, (9, 12))
        some = sorted((folder / "tickets").rglob("*.har"))[20]
        some.rename(some.with_name("endless.har"))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _STUCK, *self.arguments],
            env={**os.environ, "WHY403_TEST": str(folder)},
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def arguments(self) -> list[str]:
        return ["batch", str(self.folder / "tickets"), "-o", str(self.results), "--jobs", "2"]

    def until_some_are_stored(self) -> None:
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(sqlite3.Error):
                if self.results.exists() and self.stored() >= 10:
                    return
            time.sleep(0.02)
        raise AssertionError(self.process.communicate())

    def stored(self) -> int:
        with contextlib.closing(sqlite3.connect(self.results)) as db:
            return int(db.execute("SELECT count(*) FROM captures").fetchone()[0])

    def left(self) -> list[str]:
        """What still runs of it, a while after its end."""
        end = time.monotonic() + 20
        while True:
            found = []
            for entry in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if self.marker.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found.append((entry / "cmdline").read_text().replace("\0", " "))
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.05)

    def resumed(self) -> None:
        """The same command again does what is left, and every row is there once."""
        with contextlib.closing(sqlite3.connect(self.results)) as db:
            before = db.execute("SELECT path, id FROM captures ORDER BY path").fetchall()
        assert 10 <= len(before) < 60
        done = CliRunner().invoke(main, self.arguments)
        assert done.exit_code == 1, done.output
        with contextlib.closing(sqlite3.connect(self.results)) as db:
            after = dict(db.execute("SELECT path, id FROM newest").fetchall())
            assert len(after) == 60
            assert all(after[path] == number for path, number in before)
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            refused, verdicts = db.execute(
                "SELECT (SELECT sum(refused) FROM captures), (SELECT count(*) FROM verdicts)"
            ).fetchone()
            assert refused == verdicts > 60
            # What the first run had stored was not judged again, nor counted twice.
            assert (
                db.execute(
                    "SELECT capture, member, entry, count(*) FROM verdicts"
                    " GROUP BY 1, 2, 3 HAVING count(*) > 1"
                ).fetchall()
                == []
            )
            assert db.execute("SELECT id, finished IS NOT NULL FROM runs").fetchall() == [
                (1, 0), (2, 1)
            ]  # fmt: skip


@contextmanager
def stuck(folder: Path) -> Iterator[Stuck]:
    found = Stuck(folder)
    try:
        yield found
    finally:
        with contextlib.suppress(OSError):
            os.killpg(found.process.pid, signal.SIGKILL)
        found.process.communicate()


def test_a_batch_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    with stuck(tmp_path) as batch:
        batch.until_some_are_stored()
        batch.process.kill()
        batch.process.wait()
        assert batch.left() == []
        batch.resumed()


def test_ctrl_c_stops_and_says_how_to_go_on(tmp_path: Path) -> None:
    with stuck(tmp_path) as batch:
        batch.until_some_are_stored()
        os.killpg(batch.process.pid, signal.SIGINT)  # as a terminal does, to all of them
        _, said = batch.process.communicate(timeout=_SECONDS)
        assert batch.process.returncode == 130
        assert batch.left() == []
        stored = batch.stored()
        assert said.strip() == (
            f"Stopped: {stored} of 60 are done and stored. The same command goes on from there."
        )
        batch.resumed()
