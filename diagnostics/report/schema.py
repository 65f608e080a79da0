"""The JSON schema of `why403/report/1`, from the report's types and the contract's fixed words.

`python -m diagnostics.report.schema` writes it to `report.schema.json` beside this file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from diagnostics.journey.verdict import Cause
from diagnostics.report.model import SCHEMA, Report

PATH = Path(__file__).with_name("report.schema.json")

#: Fields that hold a word out of a closed list although their type is a plain string.
WORDS = {
    ("Fix", "predicted"): ("allowed", "refused", "unknown"),
    ("Check", "check"): (
        "cache",
        "referer",
        "csp",
        "allowed-urls",
        "api-host",
        "client",
        "token",
    ),
    ("Check", "status"): ("pass", "fail", "warn", "unknown"),
    ("Finding", "severity"): ("error", "warning", "info"),
    ("Finding", "finding"): (
        "csp-blocks-request",
        "client-blocks-request",
        "mixed-content",
        "cached-200-masks",
        "secret-token-exposed",
        "default-token-restricted",
        "unrestricted-token",
        "csp-referrer-directive-obsolete",
        "policy-token-unknown",
        "library-below-minimum",
        "intermittent-by-worker-race",
    ),
}


def schema() -> dict[str, Any]:
    """The schema as JSON values: draft 2020-12, every field required, counts not negative."""
    made = msgspec.json.schema(Report)
    kinds: dict[str, dict[str, Any]] = made["$defs"]
    for kind in kinds.values():
        if "description" in kind:
            kind["description"] = " ".join(kind["description"].split())
        fields = kind.get("properties", {})
        if fields:
            # A field with a default is still always written.
            kind["required"] = list(fields)
        for field in fields.values():
            field.pop("default", None)
            _not_negative(field)
    for (kind_name, field_name), words in WORDS.items():
        kinds[kind_name]["properties"][field_name] = {"enum": list(words)}
    kinds["Report"]["properties"]["schema"] = {"const": SCHEMA}
    kinds["Summary"]["properties"]["by_cause"]["propertyNames"] = {"$ref": "#/$defs/Cause"}
    kinds["Cause"]["enum"] = [cause.value for cause in Cause]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Report of why403, {SCHEMA}",
        **made,
    }


def _not_negative(field: Any) -> None:
    if isinstance(field, dict):
        if field.get("type") == "integer":
            field["minimum"] = 0
        for inner in field.values():
            _not_negative(inner)
    elif isinstance(field, list):
        for inner in field:
            _not_negative(inner)


def text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
