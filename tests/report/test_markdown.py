"""Markdown for tickets: whole outputs, and nothing of a capture is markup."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report import markdown
from diagnostics.report.model import Report

Titles = dict[str, str]


def outside_code(text: str) -> str:
    """What a Markdown reader sees outside fences and code spans (CommonMark 4.5 and 6.1)."""
    kept: list[str] = []
    fence = ""
    for line in text.split("\n"):
        opened = re.fullmatch(r" {0,3}(`{3,})([^`]*)", line)
        if fence:
            if opened and len(opened[1]) >= len(fence) and not opened[2].strip():
                fence = ""
            continue
        if opened:
            fence = opened[1]
            continue
        kept.append(_outside_spans(line))
    assert not fence, "a fence is left open"
    return "\n".join(kept)


def _outside_spans(line: str) -> str:
    runs = [(m.start(), m.end()) for m in re.finditer("`+", line)]
    out, place = "", 0
    while runs:
        start, end = runs.pop(0)
        closing = next((r for r in runs if r[1] - r[0] == end - start), None)
        assert closing is not None, f"a code span is left open: {line}"
        out += line[place:start] + "CODE"
        place = closing[1]
        runs = [r for r in runs if r[0] >= place]
    return out + line[place:]


def test_whole_output(
    named_report: tuple[str, Report], titles: Titles, golden: Callable[[str, str], None]
) -> None:
    name, report = named_report
    golden(f"{name}.md", markdown.render(report, titles=titles))


OURS = re.compile(r"^#{2,3} |^- \[[x ]\] |^- |\*\*[^*\n]*\*\*|^\|.*\|$|(?<=why403): ", re.MULTILINE)


def test_hostile_strings(payload: str, poison: Callable[[str], Report], titles: Titles) -> None:
    out = markdown.render(poison(payload), titles=titles)
    left = OURS.sub("", outside_code(out))
    assert not set(left) & set("<>[]{}*_~#@|\\&$=^"), left
    assert not re.search(r"https?:|www\.|evil\.example", left)
    assert all(line.isprintable() for line in out.split("\n"))
    out.encode()


@given(st.text(st.characters()) | st.text("`~ ab<>[]()!|\\*_@#\n.1-", max_size=80))
def test_a_sentence_cannot_break_out(said: str) -> None:
    left = outside_code(markdown.prose(said))
    assert not set(left) & set("<>[]{}*_~#@|\\&$=^`\n")
    assert not re.match(r"\s*([-+]|[0-9]+[.)])\s", left)


@given(st.text(st.characters()) | st.text("` ab", max_size=30))
def test_a_code_span_cannot_be_left(said: str) -> None:
    assert outside_code(f"a {markdown.span(said)} b") == "a CODE b"


@given(st.text(st.characters()) | st.text("`~ \na", max_size=60))
def test_a_fence_cannot_be_left(said: str) -> None:
    assert outside_code(f"a\n{markdown.fence(said)}\nb") == "a\nb"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("a```b", "````a```b````"),
        ("", "`(empty)`"),
        ("a\nb", "`a b`"),
    ],
)
def test_span(text: str, span: str) -> None:
    assert markdown.span(text) == span


def test_long_reports_stay_short_enough_for_a_ticket(large: Report) -> None:
    out = markdown.render(large)
    assert len(out) < 65_536  # GitHub's limit of an issue's body
    assert "the JSON report has all" in out


def test_titles_come_from_the_catalog_by_default(reports: dict[str, Report]) -> None:
    assert "### The Referrer-Policy removes the Referer" in markdown.render(reports["helmet"])
