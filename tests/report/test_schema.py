"""The schema in the repository is the one of the types, and it refuses what is not a report."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import msgspec
import pytest

from diagnostics.report import schema
from diagnostics.report.model import Report


def test_the_file_is_up_to_date() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), (
        "run: python -m diagnostics.report.schema"
    )


def test_it_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "why403/report/2"),
        (("summary", "refused"), -1),
        (("summary", "refused"), "12"),
        (("summary", "by_cause"), {"bad-luck": 1}),
        (("verdicts", 0, "cause"), "bad-luck"),
        (("verdicts", 0, "confidence"), "sure"),
        (("verdicts", 0, "url"), None),
        (("verdicts", 0, "journey", 0, "stage"), "moon"),
        (("verdicts", 0, "journey", 0, "state"), "fine"),
        (("verdicts", 0, "fixes", 0, "predicted"), "maybe"),
        (("checklist", 0, "check"), "moon"),
        (("checklist", 0, "status"), "ok"),
        (("checklist", 0, "verdicts"), [-1]),
        (("findings", 0, "severity"), "fatal"),
        (("findings", 0, "finding"), "moon"),
        (("capture", "skipped"), [{"file": "a", "index": "1", "reason": "b"}]),
    ],
)
def test_it_refuses(reports: dict[str, Report], path: tuple[Any, ...], value: object) -> None:
    report = msgspec.to_builtins(reports["helmet"])
    jsonschema.validate(json.loads(json.dumps(report)), schema.schema())
    broken = copy.deepcopy(json.loads(json.dumps(report)))
    place = broken
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema.schema())


@pytest.mark.parametrize("field", ["cost", "fix", "says", "snippet", "predicted"])
def test_every_field_is_required(reports: dict[str, Report], field: str) -> None:
    report = json.loads(msgspec.json.encode(reports["helmet"]))
    del report["verdicts"][0]["fixes"][0][field]
    with pytest.raises(jsonschema.ValidationError, match="required"):
        jsonschema.validate(report, schema.schema())
