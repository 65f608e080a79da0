"""The loop: no row lost or doubled, whoever dies; what is known is not judged again."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import fsspec
import pytest

from diagnostics.batch.find import find
from diagnostics.batch.run import Counts, run
from diagnostics.batch.store import Store
from diagnostics.batch.workers import Cluster, Processes
from diagnostics.journey.told import Allowed, Told
from tests.batch import fatal
from tests.batch.cluster import cluster
from tests.batch.conftest import TOLD, Batch, Inline, T


def rows(results: str, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(results)) as db:
        return db.execute(query).fetchall()


def sound(results: str, captures: int) -> None:
    """Every capture has just the rows that it says it has."""
    assert rows(results, "SELECT count(*), count(DISTINCT path) FROM newest") == [
        (captures, captures)
    ]
    assert rows(results, "PRAGMA integrity_check") == [("ok",)]
    assert rows(results, "PRAGMA foreign_key_check") == []
    odd = (
        "SELECT path, refused, (SELECT count(*) FROM verdicts WHERE capture = captures.id) AS own"
        " FROM captures WHERE coalesce(refused, 0) <> own"
    )
    assert rows(results, odd) == []


class Fatal(Processes):
    """Processes whose judge dies of some files."""

    def submit(self, function: Callable[..., Any], *args: object) -> Future[Any]:
        return super().submit(fatal.judge, *args)


class Counting(Inline):
    """Workers that note the portions that they were given."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.portions: list[int] = []

    def submit(self, function: Callable[..., T], *args: object) -> Future[T]:
        tasks = args[0]
        assert isinstance(tasks, tuple)
        self.portions.append(len(tasks))
        return super().submit(function, *args)


def test_every_capture_is_a_row(tickets: Path, results: str, batch: Batch) -> None:
    assert batch(tickets, crew=Processes(2)) == Counts(total=30, judged=30)
    sound(results, 30)
    assert rows(results, "SELECT count(*) FROM verdicts")[0][0] > 30
    assert rows(results, "SELECT finished IS NOT NULL FROM runs") == [(1,)]
    assert rows(results, "SELECT DISTINCT browser, browser_version FROM verdicts") == [
        ("Chromium browser", "156")
    ]


def test_what_is_known_is_not_judged_again(tickets: Path, results: str, batch: Batch) -> None:
    batch(tickets)
    before = rows(results, "SELECT path, id FROM captures ORDER BY path")
    assert batch(tickets) == Counts(total=30, known=30)
    assert rows(results, "SELECT path, id FROM captures ORDER BY path") == before
    sound(results, 30)


def test_another_list_judges_anew(tickets: Path, results: str, batch: Batch) -> None:
    batch(tickets)
    before = set(rows(results, "SELECT cause FROM verdicts"))
    other = Told(Allowed(("elsewhere.example",), "the list that was told"))
    assert batch(tickets, told=other) == Counts(total=30, judged=30)
    assert set(rows(results, "SELECT cause FROM verdicts")) != before
    sound(results, 30)


def test_a_changed_capture_is_judged_anew_and_a_moved_one_is_known(
    tickets: Path, results: str, batch: Batch
) -> None:
    batch(tickets)
    first, second, *_ = sorted(tickets.rglob("*.har"))
    first.write_bytes(second.read_bytes().replace(b"/ckstyle", b"/ckother"))
    second.rename(second.with_name("moved.har"))
    shutil.copy(second.with_name("moved.har"), tickets / "twin.har")
    assert batch(tickets) == Counts(total=31, judged=1, known=30)
    sound(results, 31)
    twins = "SELECT url FROM refusals WHERE path LIKE '%/{}.har' ORDER BY entry"
    moved = rows(results, twins.format("moved"))
    assert moved == rows(results, twins.format("twin")) != []
    # The place that is no more stays in the table, and out of the totals.
    assert rows(results, "SELECT count(*) FROM captures") == [(32,)]


def test_what_cannot_be_judged_is_a_row_with_its_reason(
    tickets: Path, results: str, batch: Batch
) -> None:
    whole = next(iter(sorted(tickets.rglob("*.har")))).read_bytes()
    (tickets / "cut.har").write_bytes(whole[:5000])
    (tickets / "export.json").write_bytes(whole[:5000])
    (tickets / "empty.har").touch()
    (tickets / "README.txt").write_text("Tickets of this week.\n")
    (tickets / ".hidden.har").write_bytes(whole)
    os.mkfifo(tickets / "pipe.har")
    (tickets / "circle").symlink_to(tickets)
    assert batch(tickets) == Counts(total=37, judged=30, failed=3, skipped=4)
    failed = dict(rows(results, "SELECT name, reason FROM (SELECT substr(path, length(folder) + 2)"
                                " AS name, * FROM newest) WHERE state = 'failed'"))  # fmt: skip
    assert sorted(failed) == ["cut.har", "empty.har", "export.json"]
    assert failed["cut.har"].startswith("the JSON ends too early, after 5,000 bytes")
    skipped = dict(rows(results, "SELECT path, reason FROM skipped"))
    assert {Path(path).name for path in skipped} == {
        ".hidden.har", "README.txt", "circle", "pipe.har"
    }  # fmt: skip
    # A second run remembers what was wrong with a content, and looks at the rest again.
    assert batch(tickets) == Counts(total=37, known=33, skipped=4)


def test_a_named_file_that_is_no_capture_is_a_failure(
    tmp_path: Path, results: str, batch: Batch
) -> None:
    (tmp_path / "README.txt").write_text("Tickets of this week.\n")
    assert batch(tmp_path / "README.txt") == Counts(total=1, failed=1)
    assert "no capture" not in str(rows(results, "SELECT * FROM skipped"))


def test_each_member_of_an_archive_is_a_row(tickets: Path, results: str, batch: Batch) -> None:
    files = sorted(tickets.rglob("*.har"))
    with zipfile.ZipFile(tickets.parent / "upload.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files[:20]:
            archive.write(file, f"inner/{file.name}")
        archive.writestr("cut.har", files[20].read_bytes()[:5000])
        archive.writestr("notes.txt", "Tickets of this week.")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(f"inner/{files[0].name}", files[21].read_bytes())
    assert batch(tickets.parent / "upload.zip") == Counts(total=23, judged=21, failed=1, skipped=1)
    sound(results, 22)
    folders = rows(results, "SELECT folder, captures, failed FROM totals_by_folder ORDER BY 1")
    zipped = str(tickets.parent / "upload.zip")
    assert folders == [(zipped, 1, 1), (f"{zipped}/inner", 21, 0)]
    # The same contents lie in the folder as well.
    assert batch(tickets.parent) == Counts(total=53, judged=9, known=43, skipped=1)


def test_an_archive_that_claims_any_size_costs_nothing(
    tickets: Path, results: str, batch: Batch
) -> None:
    """Its directory says 2**64 - 1 bytes of a member (APPNOTE.TXT, 4.5.3)."""
    name = tickets / "odd.zip"
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr("a.har", b"{")
        odd = zipfile.ZipInfo("b.har")
        archive.writestr(odd, b"{")
        odd.file_size = 2**64 - 1
    counts = batch(tickets)
    assert (counts.total, counts.judged, counts.failed) == (32, 30, 2)
    sound(results, 32)


def test_a_run_again_of_twins_names_each_file(tickets: Path, results: str, batch: Batch) -> None:
    capture = Path("fixtures/captures/secret-token-firefox.firefox.har")
    for name in ("one", "two"):
        (tickets / name).mkdir()
        shutil.copy(capture, tickets / name / f"{name}.har")
        batch(tickets)
    found = rows(results, "SELECT path, found_at FROM findings JOIN captures c ON c.id = capture")
    twins = [(path, at) for path, at in found if path.endswith(("/one.har", "/two.har"))]
    assert {Path(path).name for path, _ in twins} == {"one.har", "two.har"}
    assert [at for path, at in twins if not at.startswith(f"{path} ")] == []


def test_a_capture_that_kills_its_worker_is_the_only_one_lost(
    tickets: Path, results: str, batch: Batch
) -> None:
    some = sorted(tickets.rglob("*.har"))
    for file in (some[4], some[17]):
        file.rename(file.with_name(f"fatal-{file.name}"))
    assert batch(tickets, crew=Fatal(2)) == Counts(total=30, judged=28, failed=2)
    sound(results, 30)
    failed = rows(results, "SELECT path, reason FROM newest WHERE state = 'failed'")
    assert len(failed) == 2
    assert all("fatal-" in path and "worker process died" in reason for path, reason in failed)
    # It was the worker's fault and may be another time: it is tried again.
    assert batch(tickets) == Counts(total=30, judged=2, known=28)


def test_a_worker_that_raises_costs_one_capture(tickets: Path, results: str, batch: Batch) -> None:
    some = sorted(tickets.rglob("*.har"))[9]
    some.rename(some.with_name("raises.har"))
    assert batch(tickets, crew=Fatal(2)) == Counts(total=30, judged=29, failed=1)
    assert rows(results, "SELECT reason FROM newest WHERE state = 'failed'") == [
        ("its worker failed: no such thing",)
    ]
    sound(results, 30)


def test_only_so_much_is_under_way(tickets: Path, results: str) -> None:
    crew = Counting(1)
    ahead: list[int] = []

    def watch(counts: Counts) -> None:
        ahead.append(sum(crew.portions) - counts.done)

    with Store(results, TOLD, [str(tickets)]) as store:
        run(find([str(tickets)]), TOLD, store, crew, watch)
    assert max(ahead) <= 2 * 7
    assert crew.portions[0] == 7
    assert crew.portions[-1] == 1  # so that none waits for another at the end
    assert crew.portions == sorted(crew.portions, reverse=True)


def test_a_file_that_workers_cannot_reach_is_sent_to_them(results: str, batch: Batch) -> None:
    memory = fsspec.filesystem("memory")
    capture = Path("fixtures/captures/handmade")
    files = sorted(capture.glob("*.har"))[:4]
    try:
        for file in files:
            memory.pipe(f"/week/{file.name}", file.read_bytes())
        memory.pipe("/week/README.txt", b"Tickets of this week.")
        # Another process has a memory of its own.
        counts = batch("memory://week", told=Told(), crew=Processes(1))
    finally:
        memory.rm("/week", recursive=True)
    assert counts == Counts(total=5, judged=4, skipped=1)
    assert rows(results, "SELECT path FROM newest ORDER BY path") == [
        (f"memory:///week/{file.name}",) for file in files
    ]


def test_a_file_that_is_gone_by_then_is_a_failure(tickets: Path, results: str) -> None:
    found = find([str(tickets)])
    gone = sorted(tickets.rglob("*.har"))[3]
    gone.unlink()
    with Store(results, TOLD, [str(tickets)]) as store:
        counts = run(found, TOLD, store, Inline(), lambda _: None)
    assert counts == Counts(total=30, judged=29, failed=1)
    assert rows(results, "SELECT path, reason FROM newest WHERE state = 'failed'") == [
        (str(gone), "there is no such file. Check the name and the folder.")
    ]


def test_a_dask_cluster_does_the_same(
    tickets: Path, results: str, batch: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch(tickets)
    query = "SELECT path, url, cause, because FROM refusals ORDER BY path, entry"
    by_processes = rows(results, query)
    Path(results).unlink()
    monkeypatch.chdir(tmp_path)  # the workers have another working directory
    with cluster(tmp_path / "dask") as dask:
        assert batch("tickets", crew=Cluster(dask.address)) == Counts(total=30, judged=30)
        sound(results, 30)
        shown = [(f"{tmp_path}/{path}", *rest) for path, *rest in rows(results, query)]
        assert shown == by_processes

        # A worker is killed in the middle: the other one does its work.
        Path(results).unlink()
        crew = Cluster(dask.address)
        assert crew.size == 2

        def kill(counts: Counts) -> None:
            if counts.done and dask.workers[0].poll() is None:
                dask.workers[0].kill()
                dask.workers[0].wait()

        try:
            with Store(results, TOLD, ["tickets"]) as store:
                counts = run(find(["tickets"]), TOLD, store, crew, kill)
        finally:
            crew.stop()
        assert dask.workers[0].returncode == -9
        assert counts == Counts(total=30, judged=30)
        sound(results, 30)
