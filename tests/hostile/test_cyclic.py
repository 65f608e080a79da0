"""YAML and JSON that refer to themselves, multiply or never end their nesting: a ticket, a list of
allowed URLs and a list of tokens are refused in one line, and quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.ticket import TicketError, parse
from tests.hostile import judging, placing
from tests.hostile.running import run

HEAD = "title: t\nstory: s\nclient: {browser: chromium}\npage: https://a.example/\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)
TICKETS = {
    "itself in a list": HEAD + "visits: &a [*a]\n",
    "itself in a mapping": HEAD + "sites: &a {https://a.example/: *a}\n",
    "itself as a whole": "&a {title: *a, story: s}\n",
    "a key that is itself": HEAD + "sites: &a {? *a : x}\n",
    "merged into itself": "title: t\nstory: s\ntoken: &a {<<: *a}\n",
    "merged many times": "a: &a {x: 1}\n" + HEAD + "token: {<<: [" + "*a, " * 50_000 + "*a]}\n",
    "a billion laughs": LAUGHS + HEAD + "visits: *k\n",
    "a billion laughs in a field": HEAD + "record: &z\n  - 1\n" + LAUGHS,
    "deep lists": HEAD + "visits: " + "[" * 20_000,
    "deep mappings": HEAD + "sites: " + "{a: " * 20_000,
    "deep indentation": HEAD + "sites:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 2_000)),
    "an alias of nothing": HEAD + "page: *nothing\n",
    "a number of a million digits": HEAD + "captured_from: " + "9" * 1_000_000,
    "a number in base 60": HEAD + "captured_from: 1" + ":59" * 20_000,
    "infinite": HEAD + "captured_from: .inf\n",
    "many documents": "---\n".join([HEAD] * 1_000),
}


@pytest.mark.parametrize("name", TICKETS)
def test_a_ticket(name: str, tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(TICKETS[name])
    ran = run("reproduce", file)
    assert ran.status == 2, ran
    assert ran.line.startswith("Error: ")
    assert "fault of why403" not in ran.err
    assert len(ran.line) < 700
    judging.assert_plain(ran.err)
    assert ran.peak < 200
    assert ran.seconds < 10


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--allow-file", "&a [*a]"),
        ("--allow-file", LAUGHS),
        ("--allow-file", "[" * 1_000_000),
        ("--allow-file", '["a", ' * 300_000),
        ("--tokens", "&a [*a]"),
        ("--tokens", LAUGHS),
        ("--tokens", "[" * 1_000_000),
        ("--tokens", '{"id": ' * 300_000),
        ("--tokens", '[{"id": "x", "allowedUrls": ' + "[" * 300_000),
    ],
)
def test_what_is_told_about_a_token(option: str, text: str, tmp_path: Path) -> None:
    """Both are text or JSON, in which nothing refers to anything: what looks like YAML is entries
    that match nothing, or no list."""
    file = tmp_path / "told"
    file.write_text(text)
    har = placing.CAPTURES / "helmet-gl3-chromium.devtools.har"
    ran = run("diagnose", har, option, file)
    assert ran.status == (1 if option == "--allow-file" and text[0] != "[" else 2), ran
    assert "Traceback" not in ran.err
    judging.assert_plain(ran.out + ran.err)
    if ran.status == 2:
        assert ran.line.startswith("Error: ")
    assert ran.peak < 200
    assert ran.seconds < 10


@pytest.mark.parametrize("name", placing.ticket_names()[::40])
def test_every_payload_in_every_text_of_a_ticket(name: str) -> None:
    """It is a ticket, or one plain line says why not."""
    tree = placing.ticket(name)
    for payload in placing.payloads():
        for changed in (
            placing.put(tree, lambda old, payload=payload: old + payload),
            placing.put(tree, lambda _, payload=payload: payload),
            placing.in_keys(tree, payload),
        ):
            complaint = ""
            try:
                parse(placing.written_ticket(changed), "t.yaml")
            except TicketError as error:
                complaint = str(error)
            assert "\n" not in complaint
            judging.assert_plain(complaint)
