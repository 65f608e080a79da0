"""How the small commands lay out text: wrapped to the terminal, Markdown without its marks.

Only our own Markdown is rendered here (the causes' texts), not a general document.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence

import click

_NARROWEST, _WIDEST = 40, 100
_TABLE_RULE = re.compile(r"\|[-:| ]+\|?")


def width() -> int:
    """The columns to write in: the terminal's, within reason; 80 where there is no terminal."""
    return max(_NARROWEST, min(shutil.get_terminal_size((80, 24)).columns, _WIDEST))


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """`text` wrapped to the terminal; `first` stands before its first line in place of indent."""
    return "\n".join(
        textwrap.wrap(
            text,
            width(),
            initial_indent=indent if first is None else first,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,
        )
    )


def heading(text: str) -> str:
    """A heading: bold on a terminal, as it is in a file."""
    return click.style(text, bold=True)


def table(rows: Iterable[Sequence[str]], headers: Sequence[str]) -> str:
    """Columns without lines, the last one wrapped to the terminal."""
    rows = [list(headers), *map(list, rows)]
    fixed = [max(len(row[column]) for row in rows) for column in range(len(headers) - 1)]
    left = max(24, width() - sum(fixed) - 2 * len(fixed))
    return _plain_table(
        [
            [*row[:-1], "\n".join(textwrap.wrap(row[-1], left, break_on_hyphens=False))]
            for row in rows
        ]
    )


def markdown(text: str) -> str:
    """Paragraphs, lists, tables and fences of our own Markdown, as text for a terminal."""
    return "\n\n".join(_block(block) for block in _blocks(text))


def _blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines that belong together: a paragraph, one item, a table, a fence."""
    block: list[str] = []
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            block.append(line)
        elif line.strip() or fenced:
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _block(lines: list[str]) -> str:
    if lines[0].startswith("```"):
        return "\n".join(
            click.style(f"    {line}", fg="cyan") if line else "" for line in lines[1:-1]
        )
    if lines[0].startswith("|"):
        cells = [_cells(line) for line in lines if not _TABLE_RULE.fullmatch(line)]
        return textwrap.indent(_grid(cells), "  ")
    if lines[0].startswith("- "):
        items = re.split(r"^- ", "\n".join(lines), flags=re.MULTILINE)[1:]
        return "\n".join(wrap(_inline(item), "    ", "  - ") for item in items)
    return wrap(_inline(" ".join(lines)))


def _cells(line: str) -> list[str]:
    return [_inline(cell.strip()) for cell in line.strip().strip("|").split("|")]


def _grid(rows: list[list[str]]) -> str:
    """A small table whose every column may wrap."""
    limits = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    room = width() - 2 - 2 * (len(limits) - 1)
    while sum(limits) > room:  # take from the widest until it fits
        limits[limits.index(max(limits))] -= 1
    return _plain_table(
        [
            [
                "\n".join(textwrap.wrap(cell, limit, break_on_hyphens=False))
                for cell, limit in zip(row, limits, strict=True)
            ]
            for row in rows
        ]
    )


def _plain_table(rows: list[list[str]]) -> str:
    # The header is a row like the others: tabulate pads real headers beyond their width.
    from tabulate import tabulate  # costs 90 ms, which `--help` must not pay

    text: str = tabulate(rows, tablefmt="plain", disable_numparse=True)
    return "\n".join(line.rstrip() for line in text.splitlines())


def _inline(text: str) -> str:
    text = " ".join(text.split())
    parts = text.split("`")
    parts[::2] = [re.sub(r"\*\*(.+?)\*\*|\*(.+?)\*", r"\1\2", part) for part in parts[::2]]
    return "`".join(parts)
