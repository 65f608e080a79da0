"""Sheets: nothing that is said in them becomes markup or a terminal command."""

from __future__ import annotations

import pytest

from diagnostics.desk import sheet
from diagnostics.desk.sheet import Block, Code, Heading, Items, Paragraph, Picture, Table, items

HOSTILE = (
    "<script>alert(1)</script>",
    "`` ``` ```` | a | [x](https://evil.example) ![i](https://evil.example/i.png)",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "\u202egro.live\u200b",
    "a\ud800b",
    "# h\n- item\n```\n",
    "@octocat #12 www.evil.example",
    "x" * 5000,
    "",
)


def blocks_with(text: str) -> list[Block]:
    return [
        Heading(text),
        Paragraph(text, text),
        Items(((text, text), ("", text))),
        Table(("A", "B"), ((text, text), (text, text)), frozenset({1})),
        Code(text, "sh"),
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text(text: str) -> None:
    told = sheet.markdown(blocks_with(text))
    outside = _outside_code(told)
    assert "<script" not in outside
    assert "](http" not in outside
    assert "@octocat" not in outside
    assert "www.evil" not in outside
    for form in (told, sheet.terminal(blocks_with(text), width=80)):
        assert "\x1b" not in form
        assert "\u202e" not in form
        form.encode()


def _outside_code(text: str) -> str:
    from tests.report.test_markdown import outside_code

    return outside_code(text)


def test_markdown_of_each_block() -> None:
    blocks: list[Block] = [
        Heading("Title", 3),
        Paragraph("Some words.", "Lead:"),
        items(["One.", "Two."]),
        Items(tuple(("", f"N {n}.") for n in range(4)), most=2),
        Table(("A", "B"), (("x", "a|b"),), frozenset({1})),
        Code("line 1\nline 2", "sh"),
        Picture("a.png", "A picture"),
    ]
    assert sheet.markdown(blocks) == (
        "### Title\n\n**Lead:** Some words.\n\n- One.\n- Two.\n\n- N 0.\n- N 1.\n- … and 2 more."
        "\n\n"
        "| A | B |\n| --- | --- |\n| x | `a\\|b` |\n\n```sh\nline 1\nline 2\n```\n\n"
        "![A picture](a.png)\n"
    )


def test_code_is_never_cut() -> None:
    long = "curl " + "x" * 3000
    assert long in sheet.markdown([Code(long)])
    assert long in sheet.terminal([Code(long)], width=40)


def test_lines_fit_the_terminal() -> None:
    word = "word " * 100
    blocks: list[Block] = [Paragraph(word), Items((("", word),)), Table(("", ""), (("a", word),))]
    for width in (40, 80, 100):
        assert max(map(len, sheet.terminal(blocks, width=width).splitlines())) <= width


def test_colour_and_ascii() -> None:
    assert "\x1b[1mTitle\x1b[0m" in sheet.terminal([Heading("Title")], width=80, colour=True)
    assert sheet.terminal([Paragraph("“a” …")], width=80, unicode=False).isascii()
