"""The newest run of a file of results as CSV or as JSON lines, piece by piece, by path."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator, Sequence

from diagnostics.batch.judge import CAPTURE, FINDING, VERDICT

_OWN = ("path", "folder", "state", "reason", "bytes", "sha256", *CAPTURE)
#: A cell that begins so is a formula to a spreadsheet. Source: OWASP, "CSV Injection".
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(db: sqlite3.Connection) -> Iterator[str]:
    """A line for each refused request, with its capture's values; a capture without any has one
    line too. A cell that a spreadsheet would take for a formula has an apostrophe before it."""
    columns = [f"newest.{name}" for name in _OWN] + [f"verdicts.{name}" for name in VERDICT]
    query = (
        f"SELECT {', '.join(columns)} FROM newest"
        " LEFT JOIN verdicts ON verdicts.capture = newest.id ORDER BY newest.path, verdicts.id"
    )
    yield _line((*_OWN, *VERDICT))
    for row in db.execute(query):
        yield _line([_cell(value) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _line(values: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def as_jsonl(db: sqlite3.Connection) -> Iterator[str]:
    """An object for each capture, with its verdicts and findings as lists."""
    own = ", ".join(_OWN)
    for row in db.execute(f"SELECT id, {own} FROM newest ORDER BY path"):
        found = dict(zip(_OWN, tuple(row)[1:], strict=True))
        found["verdicts"] = _children(db, "verdicts", VERDICT, row["id"])
        found["findings"] = _children(db, "findings", FINDING, row["id"])
        yield json.dumps(found, ensure_ascii=False) + "\n"


def _children(
    db: sqlite3.Connection, table: str, names: Sequence[str], capture: int
) -> list[dict[str, object]]:
    query = f"SELECT {', '.join(names)} FROM {table} WHERE capture = ? ORDER BY id"
    return [dict(zip(names, tuple(row), strict=True)) for row in db.execute(query, (capture,))]
