"""How the small commands lay out text: widths, tables, Markdown without its marks."""

from __future__ import annotations

import pytest

from diagnostics.cli import layout


@pytest.fixture(autouse=True)
def forty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.parametrize(("columns", "used"), [("10", 40), ("40", 40), ("72", 72), ("500", 100)])
def test_width_is_the_terminal_s_within_reason(
    monkeypatch: pytest.MonkeyPatch, columns: str, used: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert layout.width() == used


def test_wrap_hangs_under_its_first_line_and_breaks_no_url() -> None:
    url = "https://example.com/" + "x" * 60
    text = layout.wrap(f"A sentence with a long address {url} in it.", "    ", "  - ")
    first, second, third, *_ = text.splitlines()
    assert first == "  - A sentence with a long address"
    assert second == "    " + url
    assert third == "    in it."


def test_table_wraps_its_last_column_only() -> None:
    text = layout.table([["short", "one two three four five six seven"]], ["name", "says"])
    assert text.splitlines() == [
        "name   says",
        "short  one two three four five six seven",
    ]
    text = layout.table([["a-name-of-some-length", "one two three four five six"]], ["n", "says"])
    assert [line[:21].strip() for line in text.splitlines()] == ["n", "a-name-of-some-length", ""]


def test_markdown_keeps_lists_tables_and_fences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = (
        "One **bold** word and `*.example.com`\ncode.\n\n"
        "- an item that is long enough to wrap somewhere\n  and goes on\n- two\n\n"
        "| a | b |\n|---|---|\n| x | a cell that is quite a bit too long for this width |\n\n"
        "```text\nfirst\n\n  second\n```\n"
    )
    lines = layout.markdown(text).splitlines()
    assert lines[:2] == ["One bold word and `*.example.com` code.", ""]
    assert lines[2:5] == [
        "  - an item that is long enough to wrap",
        "    somewhere and goes on",
        "  - two",
    ]
    table = lines[6 : lines.index("", 6)]
    assert table[0] == "  a  b"
    assert table[1].startswith("  x  a cell")
    assert all(len(line) <= 40 for line in table)
    tail = [line.removeprefix("\x1b[36m").removesuffix("\x1b[0m") for line in lines[-3:]]
    assert tail == ["    first", "", "      second"]
