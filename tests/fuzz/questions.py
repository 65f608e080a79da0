"""Targets: what people write by hand: tickets, what-if changes, questions a line each."""

from __future__ import annotations

import io
from typing import Any

import msgspec

from diagnostics import ticket as tickets
from diagnostics.cli import csp, jsonl, match, referer
from diagnostics.journey.whatif import parse_change
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import decide
from diagnostics.report.terminal import plain
from diagnostics.reproduce.derive import to_yaml
from tests.fuzz.target import as_text, is_one_line


def ticket(data: bytes) -> None:
    try:
        read = tickets.parse(as_text(data), "x.yaml")
    except tickets.TicketError as error:
        is_one_line(error, "x.yaml: ")
        return
    again = tickets.parse(to_yaml(read), "again.yaml")
    assert msgspec.structs.replace(again, name=read.name) == read
    assert read.opened or read.requests
    for site in read.sites.values():
        for name, value in site.fields:
            assert isinstance(name, str)
            read.fill(value, "rest").encode()


def change(data: bytes) -> None:
    try:
        read = parse_change(as_text(data))
    except ValueError as error:  # the command line makes it plain
        is_one_line(ValueError(plain(str(error))))
        return
    assert parse_change(str(read)) == read


def answers(data: bytes) -> None:
    """Each line is a question to each of the commands that take them."""
    commands: tuple[tuple[Any, Any], ...] = (
        (match.Question, lambda q: decide(mapbox, q.referer, q.allow)),
        (csp.Question, csp.answer),
        (referer.Question, referer.answer),
    )
    for type_, answer in commands:
        sink = io.BytesIO()
        status = jsonl.run(type_, answer, io.BytesIO(data), sink)
        lines = sink.getvalue().split(b"\n")[:-1]
        asked = data.split(b"\n")
        assert len(lines) == len(asked) - (not asked[-1])
        said = [msgspec.json.decode(line) for line in lines]
        failed = [one["error"] for one in said if isinstance(one, dict) and "error" in one]
        assert status == (2 if failed else 0)
        for error in failed:
            assert error.isprintable(), error
