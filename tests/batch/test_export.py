"""CSV and JSON lines: every capture, in order, with nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from diagnostics.batch.export import as_csv, as_jsonl
from diagnostics.batch.judge import VERDICT
from diagnostics.batch.store import Store, reading
from tests.batch.conftest import TOLD, Batch
from tests.batch.test_store import judged


def test_both_hold_every_capture_by_path(
    tmp_path: Path, tickets: Path, results: str, batch: Batch
) -> None:
    (tickets / "a-cut.har").write_text("{")
    shutil.move(tickets, tmp_path / "in")
    batch(tmp_path / "in")
    with reading(results) as db:
        table = list(csv.DictReader("".join(as_csv(db)).splitlines()))
        captures = [json.loads(line) for line in as_jsonl(db)]
    paths = [capture["path"] for capture in captures]
    assert len(paths) == 31
    assert paths == sorted(paths) == list(dict.fromkeys(row["path"] for row in table))
    assert captures[0]["state"] == table[0]["state"] == "failed"
    assert captures[0]["verdicts"] == []
    assert table[0]["cause"] == ""
    verdicts = [(c["path"], *v.values()) for c in captures for v in c["verdicts"]]
    shown = [(row["path"], *(row[name] for name in VERDICT)) for row in table if row["cause"]]
    assert [tuple("" if v is None else str(v) for v in row) for row in verdicts] == shown


def test_the_order_is_the_same_however_it_was_judged(tmp_path: Path) -> None:
    said = []
    for order in (("b", "a", "c"), ("c", "b", "a")):
        path = str(tmp_path / f"{order[0]}.sqlite")
        with Store(path, TOLD, []) as store:
            for name in order:
                store.judged(judged(f"{name}.har"))
        with reading(path) as db:
            said.append(("".join(as_csv(db)), "".join(as_jsonl(db))))
    assert said[0] == said[1]
    first = json.loads(said[0][1].splitlines()[0])
    assert [found["finding"] for found in first["findings"]] == ["secret-token-exposed"]
    assert [found["entry"] for found in first["verdicts"]] == [0, 1]


def test_cells_are_no_formulas(results: str) -> None:
    with Store(results, TOLD, []) as store:
        store.judged(judged("=HYPERLINK(1).har"))
        store.judged(judged('@"a,\n".har'))
    with reading(results) as db:
        table = list(csv.reader("".join(as_csv(db)).splitlines(keepends=True)))
    assert [row[0] for row in table[1:]] == ["'=HYPERLINK(1).har"] * 2 + ["'@\"a,?\".har #"
           + table[3][0][-8:]] * 2  # fmt: skip
