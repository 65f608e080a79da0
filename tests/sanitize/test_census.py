"""What is not copied from a HAR entry is counted by kind, and what is empty is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from diagnostics.capture.curl import read_curl
from diagnostics.capture.har import read_har
from diagnostics.sanitize.census import Census
from diagnostics.sanitize.standins import Tally


def counted(*entries: dict[str, Any]) -> dict[str, int]:
    basis = {"request": {"url": "https://a.example/"}, "response": {"status": 200}}
    data = {"log": {"entries": [basis | entry for entry in entries]}}
    tally = Tally()
    census = Census(tally)
    for exchange in read_har(json.dumps(data).encode(), "x.har").exchanges:
        census.take(exchange)
    assert not tally.replaced
    return dict(tally.removed)


@pytest.mark.parametrize(
    ("field", "value", "kind", "count"),
    [
        ("_webSocketMessages", [1, 2, 3], "WebSocket messages", 3),
        ("_eventSourceMessages", [1], "server-sent events", 1),
        ("_webSocketMessages", [], "", 0),
        ("_webSocketMessages", "none", "", 0),
        ("serverIPAddress", "198.51.100.7", "network addresses and ports", 1),
        ("serverIPAddress", "", "", 0),
        ("connection", "443", "network addresses and ports", 1),
        ("_connectionId", "77", "network addresses and ports", 1),
        ("comment", "x", "comments", 1),
        ("comment", None, "", 0),
        ("_securityDetails", {"a": 1}, "security details", 1),
        ("_securityDetails", {}, "", 0),
        ("_priority", "High", "other fields of the exporter", 1),
        ("_custom", 0, "other fields of the exporter", 1),
        ("_custom", [], "", 0),
        ("_initiator", {"type": "script"}, "", 0),
        ("_resourceType", "image", "", 0),
        ("time", 12, "", 0),
    ],
)
def test_what_an_entry_holds(field: str, value: object, kind: str, count: int) -> None:
    assert counted({field: value}) == ({kind: count} if count else {})


def test_its_parts_are_looked_at_too_and_all_is_added() -> None:
    entry = {
        "comment": "1",
        "request": {
            "url": "https://a.example/", "cookies": [1, 2], "comment": "2", "content": {"_x": 1},
        },
        "response": {"cookies": [3], "_x": 1, "content": {"comment": "3", "_y": 1}},
    }  # fmt: skip
    assert counted(entry, {"_x": 1}) == {
        "comments": 3, "cookies": 3, "other fields of the exporter": 4,
    }  # fmt: skip


@pytest.mark.parametrize("part", ["request", "response"])
def test_a_part_of_another_shape_counts_as_nothing(part: str) -> None:
    whole = {"comment": "x", "request": {"url": "https://a.example/"}}
    odd = {"response": {"content": [1]}} if part == "response" else {}
    assert counted(whole | odd) == {"comments": 1}


def test_captures_of_other_kinds_have_nothing_to_count() -> None:
    tally = Tally()
    (exchange,) = read_curl("curl https://a.example/ -b a=b", "x").exchanges
    Census(tally).take(exchange)
    assert not tally.removed
