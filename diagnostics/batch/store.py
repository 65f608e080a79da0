"""The results of a batch in one SQLite file (`schema.sql`): whole rows, whatever happens.

A place's rows are written in one transaction, and its own row is unique, so that a run that is
killed at any moment leaves neither half a capture nor a second one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from types import TracebackType

import msgspec

from diagnostics import __version__
from diagnostics.batch.judge import CAPTURE, FINDING, VERDICT, Failed, Judged, Known, NoCapture
from diagnostics.batch.place import LARGEST, Place
from diagnostics.capture.oneline import printable
from diagnostics.errors import InputError
from diagnostics.journey.told import Told
from diagnostics.report.redaction import redact_text

#: "w403", by which such a file is told from other people's (`PRAGMA application_id`).
APPLICATION = 0x77343033
VERSION = 1
_PAUSE = 1.0  # seconds between two commits: what a kill can cost at most
_BUSY = 10.0
_MOST_KNOWN = 32
_FOUND_AT = (
    "CASE WHEN substr(found_at, 1, length(:old) + 1) IN (:old || ' ', :old || '/')"
    " THEN :new || substr(found_at, length(:old) + 1) ELSE found_at END"
)


def judged_with(told: Told) -> str:
    """A checksum of all that a verdict depends on besides the capture."""
    ids = sorted(told.by_id.items())
    text = msgspec.json.encode((__version__, told.everywhere, ids))
    return hashlib.sha256(text).hexdigest()[:16]


def in_words(told: Told) -> str:
    """What was told about the tokens, for a person."""
    parts = []
    if told.everywhere.unrestricted:
        parts.append("the tokens have no allowed URLs")
    elif told.everywhere.entries is not None:
        parts.append("allowed URLs: " + ", ".join(told.everywhere.entries))
    if told.by_id:
        parts.append(f"a list of {len(told.by_id)} tokens")
    return printable(redact_text("; ".join(parts))) or "nothing"


class Store:
    """An open file of results, and one run on it. Every method may raise InputError."""

    def __init__(self, path: str, told: Told, paths: Sequence[str]) -> None:
        self.path = path
        self._told = told
        self._paths = paths
        self._key = judged_with(told)
        self._committed = time.monotonic()

    def __enter__(self) -> Store:
        place = Path(self.path)
        said = "that is a folder. Name a file." if place.is_dir() else ""
        if not place.parent.is_dir():  # SQLite says no more than that it cannot be opened
            said = f"there is no folder {place.parent}. Make it first."
        if said:
            raise InputError(f"{self.path}: the results cannot be written: {said}")
        with self._errors_said():
            self._db = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY)
            try:
                self._prepare()
                self._begin_run()
            except BaseException:
                self._db.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What was written of whole captures is worth keeping, whatever stopped the run.
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        self._db.close()

    @contextlib.contextmanager
    def _errors_said(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{self.path}: the results cannot be written: {error}") from error

    def _prepare(self) -> None:
        db = self._db
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION and tables:
            raise InputError(f"{self.path}: is a database of something else. Name another file.")
        if application == APPLICATION and version != VERSION:
            raise InputError(
                f"{self.path}: was written by another version of why403. Name another file."
            )
        db.execute("PRAGMA foreign_keys = ON")
        if application == APPLICATION:
            return
        schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
        db.executescript(
            f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION};"
            f" PRAGMA user_version = {VERSION};\n{schema}\nCOMMIT;"
        )

    def _begin_run(self) -> None:
        row = (_now(), __version__, in_words(self._told),
               json.dumps([printable(redact_text(path)) for path in self._paths]))  # fmt: skip
        self.run = self._db.execute(
            "INSERT INTO runs (started, version, told, paths) VALUES (?, ?, ?, ?)", row
        ).lastrowid

    def known(self, place: Place) -> frozenset[str]:
        """Checksums of contents that this place may hold and that are judged already: what it held
        the last time, and a few of the same size. One that is left out is judged once more, which
        costs less than to compare thousands of the same size."""
        with self._errors_said():
            rows = self._db.execute(
                "SELECT sha256 FROM captures WHERE path = ? AND judged_with = ?"
                " AND sha256 IS NOT NULL",
                (place.shown, self._key),
            ).fetchall()
            if place.size is not None and place.size <= LARGEST:
                rows += self._db.execute(
                    "SELECT sha256 FROM captures WHERE bytes = ? AND judged_with = ?"
                    " AND sha256 IS NOT NULL LIMIT ?",
                    (place.size, self._key, _MOST_KNOWN),
                )
            return frozenset(digest for (digest,) in rows)

    def judged(self, outcome: Judged) -> None:
        """Write a capture's rows in place of what stood there for it."""
        with self._whole(), self._errors_said():
            capture = self._capture(
                outcome.place, "judged", None, outcome.size, outcome.sha256, outcome.capture
            )
            self._rows("verdicts", VERDICT, capture, outcome.verdicts)
            self._rows("findings", FINDING, capture, outcome.findings)

    def again(self, outcome: Known) -> bool:
        """Take over what was judged before of the same content, here or at another place; False
        where it is not there any more."""
        with self._whole(), self._errors_said():
            place = outcome.place.shown
            # The place's own row first: then there is nothing to copy.
            twin = self._db.execute(
                "SELECT id, path FROM captures WHERE bytes = ? AND sha256 = ? AND judged_with = ?"
                " ORDER BY path <> ?, id",
                (outcome.size, outcome.sha256, self._key, place),
            ).fetchone()
            if twin is None:
                return False
            if twin[1] == place:
                self._db.execute("UPDATE captures SET run = ? WHERE id = ?", (self.run, twin[0]))
                return True
            own = ", ".join(("state", "reason", *CAPTURE))
            state, reason, *values = self._db.execute(
                f"SELECT {own} FROM captures WHERE id = ?", (twin[0],)
            ).fetchone()
            capture = self._capture(
                outcome.place, state, reason, outcome.size, outcome.sha256, values
            )
            for table, names in (("verdicts", VERDICT), ("findings", FINDING)):
                columns = ", ".join(names)
                # Findings name the file that they are in, which is another one now.
                copied = columns.replace("found_at", _FOUND_AT)
                self._db.execute(
                    f"INSERT INTO {table} (capture, {columns})"
                    f" SELECT :capture, {copied} FROM {table} WHERE capture = :twin ORDER BY id",
                    {"capture": capture, "twin": twin[0], "old": twin[1], "new": place},
                )
        return True

    def failed(self, outcome: Failed) -> None:
        """Write that a capture cannot be judged, and why."""
        with self._whole(), self._errors_said():
            nothing = (None,) * len(CAPTURE)
            self._capture(
                outcome.place, "failed", outcome.reason, outcome.size, outcome.sha256 or None,
                nothing,
            )  # fmt: skip

    def skipped(self, outcome: NoCapture) -> None:
        """Write that something is no capture."""
        with self._whole(), self._errors_said():
            self._db.execute("DELETE FROM captures WHERE path = ?", (outcome.place.shown,))
            self._db.execute(
                "INSERT OR REPLACE INTO skipped (path, run, reason) VALUES (?, ?, ?)",
                (outcome.place.shown, self.run, outcome.reason),
            )

    def _capture(
        self,
        place: Place,
        state: str,
        reason: str | None,
        size: int | None,
        digest: str | None,
        values: Sequence[object],
    ) -> int:
        self._db.execute("DELETE FROM captures WHERE path = ?", (place.shown,))
        self._db.execute("DELETE FROM skipped WHERE path = ?", (place.shown,))
        names = ("path", "folder", "run", "state", "reason", "bytes", "sha256", "judged_with",
                 *CAPTURE)  # fmt: skip
        row = (place.shown, place.folder, self.run, state, reason, size, digest, self._key,
               *values)  # fmt: skip
        marks = ", ".join("?" * len(names))
        cursor = self._db.execute(
            f"INSERT INTO captures ({', '.join(names)}) VALUES ({marks})", row
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _rows(
        self, table: str, names: Sequence[str], capture: int, rows: Sequence[Sequence[object]]
    ) -> None:
        marks = ", ".join("?" * (len(names) + 1))
        self._db.executemany(
            f"INSERT INTO {table} (capture, {', '.join(names)}) VALUES ({marks})",
            ((capture, *row) for row in rows),
        )

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """All or nothing of what is written here, within a transaction of many captures."""
        with self._errors_said():
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("SAVEPOINT place")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                self._db.execute("ROLLBACK TO place")
            raise
        with self._errors_said():
            self._db.execute("RELEASE place")

    def breathe(self) -> None:
        """Commit, where the last time was a while ago."""
        if time.monotonic() - self._committed > _PAUSE:
            self.commit()

    def commit(self) -> None:
        """Make what was written last, whatever happens to this process."""
        with self._errors_said():
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        self._committed = time.monotonic()

    def finish(self) -> None:
        """Note that the run is complete."""
        self.commit()
        with self._errors_said():
            self._db.execute("UPDATE runs SET finished = ? WHERE id = ?", (_now(), self.run))


@contextlib.contextmanager
def reading(path: str) -> Iterator[sqlite3.Connection]:
    """A file of results, to be read only. Raises InputError where it cannot be."""
    try:
        db = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    db.row_factory = sqlite3.Row
    with contextlib.closing(db):
        try:
            yield db
        except sqlite3.Error as error:
            raise InputError(f"{path}: cannot be read: {error}") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
