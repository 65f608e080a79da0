"""Strings from a capture cannot act on what shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.terminal import (
    LIMIT,
    ascii_only,
    columns,
    cut,
    plain,
    plain_block,
    plain_lines,
    wrapped,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://acme.example/a?b=c#d", "https://acme.example/a?b=c#d"),
        ("Straße, 北京, خريطة, é", "Straße, 北京, خريطة, é"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;5;196mred", "red"),
        ("a\x1b[2Jb", "ab"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\after", "after"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\x9b31mred", "red"),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1bcreset", "reset"),
        ("ends\x1b", "ends"),
        ("ends\x1b[", "ends"),
        ("one\r\ntwo\tthree", "one  two three"),
        ("a\x00b\x07c\x08d\x7fe", "abcde"),
        ("a\u2028b\u2029c\x85d\xa0e", "a b c d e"),
        ("\u202egro.elpmaxe\u202c", "gro.elpmaxe"),
        ("\u2066a\u2069\u200f\u061c", "a"),
        ("ma\u200bp\u200d\ufeff\u00ad\u3164\u2800box", "mapbox"),
        ("a\U000e0041\U000e0100b", "ab"),
        ("a\ud800b", "a\ufffdb"),
        ("\ue000", "\ufffd"),
        ("e" + "\u0301" * 50, "e\u0301\u0301\u0301"),
        ("", ""),
    ],
)
def test_plain_shows_only_what_a_reader_sees(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters()) | st.text("\x1b\x9b\x9d]P[0;m\x07\\ab\u202e\u0301", max_size=60))
def test_plain_is_one_printable_line_whatever_comes_in(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert columns(shown) <= LIMIT
    assert plain(shown) == shown
    shown.encode()


def test_plain_cuts_the_middle_of_a_long_string() -> None:
    shown = plain("https://acme.example/" + "a" * 10_000_000 + "/end.png")
    assert len(shown) == LIMIT
    assert shown.startswith("https://acme.example/aaa")
    assert shown.endswith("aaa/end.png")
    assert shown.count("…") == 1


def test_plain_can_cut_single_words() -> None:
    shown = plain(f"The page {'x' * 500} was refused.", word=20)
    assert shown == "The page xxxxxxxxxxxx…xxxxxxx was refused."


def test_plain_without_limit_keeps_everything() -> None:
    assert plain("x" * 5000, limit=None) == "x" * 5000


def test_plain_takes_linear_time_on_control_strings_that_never_end() -> None:
    for unit in ("\x1b]", "\x9d", "\x1bP0", "\x1b[", "\x1b ", "\u0301", "\x1b]0;\x1b"):
        shown = plain(unit * 300_000, limit=None)
        assert shown.isprintable()


def test_plain_lines_keeps_line_feeds() -> None:
    assert plain_lines("a\x1b[31m\nb\r\nc") == "a\nb \nc"


def test_plain_block_keeps_a_snippet_and_its_indent() -> None:
    assert plain_block("a {\r\n\tb\x1b[31m;\r}\n") == "a {\n    b;\n}"


def test_plain_block_says_that_lines_were_left_out() -> None:
    assert plain_block("1\n2\n3\n4", lines=2) == "1\n2\n…"
    assert plain_block("1\n2", lines=2) == "1\n2"


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefghij", 6, "abc…ij"),
        ("北京市地图", 6, "北…图"),
        ("北京", 4, "北京"),
        ("e\u0301" * 5, 6, "e\u0301" * 5),
        ("e\u0301" * 5 + "abc", 6, "e\u0301" * 3 + "…bc"),
    ],
)
def test_cut(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@given(st.text("a\u0301\u0e31 北", max_size=300), st.integers(4, 60))
def test_cut_says_nothing_twice(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cut(shown, width) == shown
    assert len(shown) <= len(text)


@given(st.text(), st.integers(4, 80))
def test_cut_fits(text: str, width: int) -> None:
    assert columns(cut(text, width)) <= width


@given(st.text("ab 北 \u0301", max_size=200), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_nothing(text: str, room: int) -> None:
    lines = wrapped(text, room)
    assert lines
    assert all(columns(line) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_ascii_only() -> None:
    assert ascii_only("“a” → b… 3×, ≥ 2") == '"a" -> b... 3x, >= 2'
    assert ascii_only("北") == "\\u5317"
