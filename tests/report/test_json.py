"""JSON is the contract, whole and valid, and cannot act on a terminal."""

from __future__ import annotations

import json as stdlib
from collections.abc import Callable

import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.report import json, schema
from diagnostics.report.model import SCHEMA, CaptureSummary, Report, Summary

Golden = Callable[[str, str], None]


def test_whole_output(named_report: tuple[str, Report], golden: Golden) -> None:
    name, report = named_report
    golden(f"{name}.json", json.render(report))


def test_it_is_the_report_again(named_report: tuple[str, Report]) -> None:
    _, report = named_report
    text = json.render(report)
    assert msgspec.json.decode(text, type=Report) == report
    jsonschema.validate(stdlib.loads(text), schema.schema())


def test_keys_have_the_order_of_the_contract(reports: dict[str, Report]) -> None:
    found = stdlib.loads(json.render(reports["helmet"]))
    assert list(found) == ["schema", "capture", "summary", "verdicts", "checklist", "findings"]
    assert list(found["capture"]) == ["files", "exporter", "exchanges", "skipped", "blind_spots"]
    assert list(found["summary"]) == ["provider_requests", "refused", "explained", "by_cause"]
    assert list(found["verdicts"][0]) == [
        "file", "index", "method", "url", "status", "provider", "page", "referer", "cause",
        "confidence", "because", "evidence", "alternatives", "journey", "fixes",
    ]  # fmt: skip
    assert found["verdicts"][0]["referer"] is None
    assert list(found["verdicts"][0]["evidence"][0]) == ["says", "where"]
    assert list(found["verdicts"][0]["alternatives"][0]) == ["cause", "confidence", "settle"]
    assert list(found["verdicts"][0]["journey"][0]) == ["stage", "state", "says"]
    fix = found["verdicts"][0]["fixes"][1]
    assert list(fix) == ["fix", "says", "snippet", "predicted", "cost"]
    assert fix["cost"] is None
    assert list(found["checklist"][0]) == ["check", "status", "says", "verdicts"]
    assert list(found["findings"][0]) == ["finding", "severity", "says", "where"]


def test_causes_are_counted_in_a_fixed_order(large: Report) -> None:
    counts = stdlib.loads(json.render(msgspec.structs.replace(large, verdicts=())))
    causes = list(counts["summary"]["by_cause"])
    assert causes == sorted(causes)
    assert len(causes) == 8


def test_hostile_strings(payload: str, poison: Callable[[str], Report]) -> None:
    text = json.render(poison(payload))
    says = stdlib.loads(text)["verdicts"][0]["because"]
    assert says == payload.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    text.encode()
    assert all(c == "\n" or c.isprintable() for c in text if ord(c) < 0xA0)
    assert not set(text) & set("\u202e\u2066\u2069\u200b\u200d\ufeff\u061c\u2028")


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters()))
def test_any_string_survives(text: str) -> None:
    capture = CaptureSummary((text,), text, 0, (), (text,))
    report = Report(SCHEMA, capture, Summary(0, 0, 0, {}), (), (), ())
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert stdlib.loads(json.render(report))["capture"]["exporter"] == whole


def test_many_verdicts(reports: dict[str, Report]) -> None:
    base, count = reports["localhost"], 20_000
    verdicts = tuple(msgspec.structs.replace(base.verdicts[0], index=n) for n in range(count))
    text = json.render(msgspec.structs.replace(base, verdicts=verdicts))
    assert text.count('"cause": "allowlist-wildcard"') == count
