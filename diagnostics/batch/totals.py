"""Counts over the newest run in a file of results, as values and as a table for a terminal."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec
from tabulate import tabulate

from diagnostics.report import wording
from diagnostics.report.terminal import cut, plain
from diagnostics.report.wording import counted

#: How many rows of one total are shown; the file has all.
_ROWS = 15
_NAME = 60


class Row(msgspec.Struct, frozen=True):
    """One cause, provider, browser or folder: refused requests, and captures that have some."""

    name: str
    requests: int
    captures: int


class Failure(msgspec.Struct, frozen=True):
    """A capture that could not be judged, and why."""

    path: str
    reason: str


class Totals(msgspec.Struct, frozen=True):
    """A whole batch in numbers. `with_refusals` are captures that hold a refused request;
    `skipped` are files that are no captures; `failures` are the first of `failed`, by name."""

    captures: int
    with_refusals: int
    provider_requests: int
    refused: int
    explained: int
    failed: int
    skipped: int
    causes: tuple[Row, ...]
    providers: tuple[Row, ...]
    browsers: tuple[Row, ...]
    folders: tuple[Row, ...]
    failures: tuple[Failure, ...]
    told: str


def count(db: sqlite3.Connection, failures: int = 200) -> Totals:
    """The totals of the newest run; at most so many failures by name."""
    captures, with_refusals, requests, refused, explained, failed = db.execute(
        "SELECT count(*), coalesce(sum(refused > 0), 0), coalesce(sum(provider_requests), 0),"
        " coalesce(sum(refused), 0), coalesce(sum(explained), 0),"
        " coalesce(sum(state = 'failed'), 0) FROM newest"
    ).fetchone()
    (skipped,) = db.execute(
        "SELECT count(*) FROM skipped WHERE run = (SELECT max(id) FROM runs)"
    ).fetchone()
    (told,) = db.execute("SELECT told FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    names = "SELECT path, reason FROM newest WHERE state = 'failed' ORDER BY path LIMIT ?"
    return Totals(
        captures,
        with_refusals,
        requests,
        refused,
        explained,
        failed,
        skipped,
        _rows(db, "cause", "captures"),
        _rows(db, "provider", "captures"),
        _rows(db, "browser", "captures"),
        _rows(db, "folder", "with_refusals"),
        tuple(Failure(path, reason) for path, reason in db.execute(names, (failures,))),
        told,
    )


def _rows(db: sqlite3.Connection, what: str, captures: str) -> tuple[Row, ...]:
    query = f"SELECT {what}, requests, {captures} FROM totals_by_{what} WHERE requests > 0"
    return tuple(Row(*row) for row in db.execute(query))


def headline(totals: Totals) -> str:
    """The batch in one sentence."""
    if not totals.captures:
        return "No capture was found."
    judged = totals.captures - totals.failed
    if not judged:
        none = "it could not" if totals.captures == 1 else "none of them could"
        return f"{counted(totals.captures, 'capture')}: {none} be judged."
    captures = counted(judged, "judged capture" if totals.failed else "capture")
    if not totals.refused:
        failed = f" ({totals.failed:,} could not be judged)" if totals.failed else ""
        return f"{captures}{failed}: no request to a map provider was refused."
    part = totals.refused - totals.explained
    return (
        f"{counted(totals.refused, 'refused request')} in {totals.with_refusals:,} of {captures}; "
        + (f"{part:,} of them unexplained." if part else "all of them explained.")
    )


def text(totals: Totals, width: int = 100) -> str:
    """The totals as tables, then what failed."""
    parts = [headline(totals)]
    for title, rows in sections(totals):
        if rows:
            parts.append(_table(title, rows, width))
    if totals.failed:
        parts.append(_failures(totals, width))
    if totals.skipped:
        parts.append(
            f"Left out as no captures: {totals.skipped:,} (in the table “skipped”, with reasons)."
        )
    return "\n\n".join(parts) + "\n"


def sections(totals: Totals) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    """Each total with its heading; names as they are shown."""
    providers = tuple(
        msgspec.structs.replace(row, name=wording.provider_name(row.name))
        for row in totals.providers
    )
    browsers = tuple(
        msgspec.structs.replace(row, name=row.name or "unknown") for row in totals.browsers
    )
    return (
        ("Cause", totals.causes),
        ("Provider", providers),
        ("Browser", browsers),
        ("Folder", totals.folders),
    )


def _table(title: str, rows: Sequence[Row], width: int) -> str:
    room = max(min(_NAME, width - 24), 20)
    shown: list[tuple[str, str, str]] = [
        (cut(plain(row.name), room), f"{row.requests:,}", f"{row.captures:,}")
        for row in rows[:_ROWS]
    ]
    if len(rows) > _ROWS:
        rest = rows[_ROWS:]
        shown.append((f"… {len(rest):,} more", f"{sum(row.requests for row in rest):,}", ""))
    return tabulate(
        shown,
        (title, "requests", "captures"),
        disable_numparse=True,
        colalign=("left", "right", "right"),
    )


def _failures(totals: Totals, width: int) -> str:
    lines = [f"Could not be judged: {counted(totals.failed, 'capture')}"]
    lines += [
        f"  {cut(plain(failure.path), max(width * 2 // 3, 20))}\n    {plain(failure.reason, 300)}"
        for failure in totals.failures[:_ROWS]
    ]
    if totals.failed > _ROWS:
        lines.append(f"  … {totals.failed - _ROWS:,} more (in the table “captures”)")
    return "\n".join(lines)
