"""The file of results: whole rows in any event, and only files of its own."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from diagnostics.batch.judge import CAPTURE, FINDING, VERDICT, Failed, Judged, Known, NoCapture
from diagnostics.batch.place import Place
from diagnostics.batch.store import Store, in_words, judged_with, reading
from diagnostics.errors import InputError
from diagnostics.journey.told import Allowed, Told
from diagnostics.provider.token import encode
from tests.batch.conftest import TOLD


def judged(path: str, verdicts: int = 2, digest: str = "aa", size: int = 10) -> Judged:
    row = ("", 0, "GET", "https://api.mapbox.com/", 403, "mapbox", None, None, "unexplained",
           "possible", "Because.", None, "Firefox", "153", None, None)  # fmt: skip
    assert len(row) == len(VERDICT)
    return Judged(
        Place(path, size=size),
        size,
        digest,
        ("Firefox", 9, 5, verdicts, 0, 0),
        tuple((row[0], number, *row[2:]) for number in range(verdicts)),
        (("secret-token-exposed", "error", "It says.", "entry 0"),),
    )


@pytest.fixture
def opened(results: str) -> Iterator[Store]:
    with Store(results, TOLD, ["in"]) as store:
        yield store


def rows(results: str, query: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(results)) as db:
        return db.execute(query).fetchall()


def test_a_place_has_one_row(opened: Store, results: str) -> None:
    for verdicts in (3, 2):
        opened.judged(judged("a.har", verdicts))
    opened.judged(judged("b.har"))
    opened.commit()
    assert rows(results, "SELECT path, refused FROM captures") == [("a.har", 2), ("b.har", 2)]
    assert rows(results, "SELECT count(*) FROM verdicts") == [(4,)]
    assert rows(results, "SELECT count(*) FROM findings") == [(2,)]


def test_nothing_is_there_before_it_is_whole(opened: Store, results: str) -> None:
    opened.judged(judged("a.har"))
    opened.commit()
    bad = judged("a.har", 5)
    bad = msgspec.structs.replace(bad, findings=(("x", "error", "says", None),))
    with pytest.raises(InputError, match="NOT NULL"):
        opened.judged(bad)
    opened.judged(judged("b.har"))
    assert rows(results, "SELECT path FROM captures") == [("a.har",)]  # not committed yet
    opened.commit()
    assert rows(results, "SELECT path, refused FROM captures") == [("a.har", 2), ("b.har", 2)]
    assert rows(results, "SELECT count(*) FROM verdicts") == [(4,)]


def test_what_was_stored_stays_when_a_run_fails(results: str) -> None:
    store = Store(results, TOLD, ["in"])
    store.__enter__()
    store.judged(judged("a.har"))
    store.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert rows(results, "SELECT path FROM captures") == [("a.har",)]
    assert rows(results, "SELECT finished FROM runs") == [(None,)]


def test_contents_are_known_by_size_and_list(opened: Store, results: str) -> None:
    opened.judged(judged("a.har", digest="aa", size=10))
    opened.failed(Failed(Place("b.har"), "is damaged", 10, "bb"))
    opened.failed(Failed(Place("c.har"), "cannot be read"))
    assert opened.known(Place("z.har", size=10)) == {"aa", "bb"}
    assert opened.known(Place("z.har", size=11)) == frozenset()
    assert opened.known(Place("a.har")) == {"aa"}
    assert opened.known(Place("c.har")) == frozenset()
    opened.commit()
    other = Told(Allowed(("other.example",), "the list that was told"))
    with Store(results, other, ["in"]) as store:
        assert store.known(Place("z.har", size=10)) == frozenset()
        assert not store.again(Known(Place("z.har"), 10, "aa"))


@pytest.mark.parametrize("size", [(1 << 62), (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_size_that_cannot_be_is_no_size(opened: Store, size: int) -> None:
    """A zip archive may claim any size of 64 bits for what is in it; SQLite has 63."""
    opened.judged(judged("a.har"))
    assert opened.known(Place("z.har", size=size)) == frozenset()
    assert opened.known(Place("a.har", size=size)) == {"aa"}


def test_a_place_is_known_among_thousands_of_its_size(opened: Store) -> None:
    for number in range(100):
        opened.judged(judged(f"{number}.har", digest=f"{number:02}"))
    known = opened.known(Place("99.har", size=10))
    assert "99" in known
    assert len(known) < 50


def test_a_twin_has_rows_of_its_own(opened: Store, results: str) -> None:
    opened.judged(judged("a.har", 3))
    assert opened.again(Known(Place("b/twin.har"), 10, "aa"))
    assert opened.again(Known(Place("a.har"), 10, "aa"))
    opened.commit()
    assert rows(results, "SELECT path, folder, refused FROM captures") == [
        ("a.har", ".", 3), ("b/twin.har", "b", 3)
    ]  # fmt: skip
    assert rows(results, "SELECT path, count(*) FROM refusals GROUP BY 1") == [
        ("a.har", 3), ("b/twin.har", 3)
    ]  # fmt: skip
    opened.judged(judged("a.har", 1, digest="cc"))
    opened.commit()
    assert rows(results, "SELECT path, count(*) FROM refusals GROUP BY 1") == [
        ("a.har", 1), ("b/twin.har", 3)
    ]  # fmt: skip


def test_a_twins_findings_are_found_at_the_twin(opened: Store, results: str) -> None:
    first = judged("t1/o'ne_%.har")
    finding = first.findings[0][:3]
    places = ("t1/o'ne_%.har entry 9", "t1/o'ne_%.har/in.har entry 1", "t1/o", "entry 0")
    first = msgspec.structs.replace(first, findings=tuple((*finding, one) for one in places))
    opened.judged(first)
    assert opened.again(Known(Place("t2.zip", member="two.har"), 10, "aa"))
    opened.commit()
    found = "SELECT found_at FROM findings JOIN captures c ON c.id = capture WHERE path = '{}'"
    assert rows(results, found.format("t2.zip/two.har")) == [
        ("t2.zip/two.har entry 9",), ("t2.zip/two.har/in.har entry 1",), ("t1/o",), ("entry 0",)
    ]  # fmt: skip
    assert rows(results, found.format("t1/o''ne_%.har")) == [(one,) for one in places]


def test_a_place_is_in_one_table(opened: Store, results: str) -> None:
    opened.skipped(NoCapture(Place("a"), "is a text"))
    opened.judged(judged("a"))
    opened.commit()
    assert rows(results, "SELECT count(*) FROM skipped") == [(0,)]
    opened.skipped(NoCapture(Place("a"), "is a text"))
    opened.commit()
    assert rows(results, "SELECT count(*) FROM captures") == [(0,)]
    assert rows(results, "SELECT count(*) FROM verdicts") == [(0,)]


def test_what_is_told_is_part_of_the_key() -> None:
    allow = Told(Allowed(("a.example",), "the list that was told"))
    by_id = Told(by_id={"ck1": Allowed(("a.example",), "the token list (web)")})
    keys = {judged_with(told) for told in (Told(), allow, by_id, Told(Allowed((), "")))}
    assert len(keys) == 4
    assert judged_with(allow) == judged_with(msgspec.structs.replace(allow))
    assert in_words(Told()) == "nothing"
    assert in_words(allow) == "allowed URLs: a.example"
    assert in_words(by_id) == "a list of 1 tokens"
    token = encode("pk", {"u": "acme", "a": "ck0example"})
    assert token not in in_words(Told(Allowed((token,), "")))


def test_it_is_a_file_of_its_own_kind(opened: Store, results: str) -> None:
    assert rows(results, "PRAGMA application_id") == [(0x77343033,)]
    assert rows(results, "PRAGMA user_version") == [(1,)]


def test_other_files_are_left_alone(results: str) -> None:
    for content, says in ((b"not a database" * 99, "cannot be written"), (None, "something else")):
        Path(results).unlink(missing_ok=True)
        if content:
            Path(results).write_bytes(content)
        else:
            with contextlib.closing(sqlite3.connect(results)) as db:
                db.execute("CREATE TABLE mine (name)")
        before = Path(results).read_bytes()
        with pytest.raises(InputError, match=says), Store(results, TOLD, []):
            pass
        assert Path(results).read_bytes() == before


def test_results_of_another_version_are_left_alone(results: str) -> None:
    with Store(results, TOLD, []):
        pass
    with contextlib.closing(sqlite3.connect(results)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="another version"), Store(results, TOLD, []):
        pass


def test_a_full_disk_is_an_error_of_one_line(opened: Store) -> None:
    opened._db.execute("PRAGMA max_page_count = 30")
    with pytest.raises(InputError, match="the results cannot be written: database or disk is full"):
        opened.judged(judged("a.har", 5000))


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"), reading(str(tmp_path / "none")):
        pass


def test_the_schema_says_what_each_column_is(results: str) -> None:
    schema = resources.files("diagnostics.batch").joinpath("schema.sql").read_text("utf-8")
    tables = dict(re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", schema, re.DOTALL))
    assert set(tables) == {"runs", "captures", "verdicts", "findings", "skipped"}
    for table, names in (("captures", CAPTURE), ("verdicts", VERDICT), ("findings", FINDING)):
        for name in names:
            assert re.search(rf"^  {name} ", tables[table], re.MULTILINE), name
    # Every table has its comment.
    assert len(re.findall(r"^-- .+\nCREATE TABLE", schema, re.MULTILINE)) == len(tables)
