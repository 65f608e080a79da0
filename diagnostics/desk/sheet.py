"""A short text of headings, paragraphs, lists, tables and code, as Markdown or for a terminal.

What a rehearsal and a support folder say is put together once, as values, and nothing that a
capture says can become markup or a terminal command: see `report.markdown` and `report.terminal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.report.markdown import fence, prose, span
from diagnostics.report.terminal import ascii_only, plain, plain_block, wrapped

_NARROWEST, _WIDEST = 40, 100
_WORD = 160


class Heading(msgspec.Struct, frozen=True):
    text: str
    level: int = 2


class Paragraph(msgspec.Struct, frozen=True):
    """Sentences, with an optional first words in bold."""

    text: str
    lead: str = ""


class Items(msgspec.Struct, frozen=True):
    """A list; each item is words in bold, if any, and sentences. `most` are shown."""

    items: tuple[tuple[str, str], ...]
    most: int = 20


class Table(msgspec.Struct, frozen=True):
    """Rows of values; those of the columns in `code` stand as they are."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: frozenset[int] = frozenset()


class Code(msgspec.Struct, frozen=True):
    """Lines to copy: at most `lines` of them, long ones whole."""

    text: str
    language: str = ""
    lines: int = 120


class Picture(msgspec.Struct, frozen=True):
    """A picture beside the text, by its file's name; its description is ours."""

    file: str
    description: str


Block = Heading | Paragraph | Items | Table | Code | Picture


def items(sentences: Iterable[str]) -> Items:
    """A list of plain sentences."""
    return Items(tuple(("", sentence) for sentence in sentences))


def markdown(blocks: Sequence[Block]) -> str:
    """The text as Markdown that ends with a line break."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {prose(block.text)}"
        case Paragraph():
            return f"{_bold(block.lead)}{_prose(block.text)}"
        case Items():
            lines = [f"- {_bold(lead)}{_prose(text)}" for lead, text in block.items[: block.most]]
            return "\n".join([*lines, *(f"- {line}" for line in _more(block))])
        case Table():
            rows = [block.head, tuple("---" for _ in block.head)]
            lines = ["| " + " | ".join(row) + " |" for row in rows]
            for row in block.rows:
                cells = [span(c) if n in block.code else prose(c) for n, c in enumerate(row)]
                lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
            return "\n".join(lines)
        case Code():
            return _fence(block)
        case Picture():
            return f"![{block.description}]({block.file})"


def _fence(block: Code) -> str:
    text = plain_block(block.text, block.lines, None)
    # `fence` cuts long lines, and a command must stay whole: only the marks are taken from it.
    ticks = fence(text).partition("\n")[0]
    return f"{ticks}{block.language}\n{text}\n{ticks}"


def _bold(lead: str) -> str:
    return f"**{prose(lead)}** " if lead else ""


def _prose(text: str) -> str:
    return prose(plain(text, None, word=_WORD))


def _more(block: Items) -> list[str]:
    left = len(block.items) - block.most
    return [f"… and {left:,} more."] if left > 0 else []


def terminal(
    blocks: Sequence[Block], *, width: int, colour: bool = False, unicode: bool = True
) -> str:
    """The text for a terminal of that width, ending with a line break; code may be wider, so that
    it can be copied. `unicode=False` gives pure ASCII."""
    width = max(_NARROWEST, min(width, _WIDEST))
    parts = ["\n".join(_lines(block, width, colour)) for block in blocks]
    text = "\n\n".join(parts) + "\n"
    return text if unicode else ascii_only(text)


def _lines(block: Block, width: int, colour: bool) -> list[str]:
    match block:
        case Heading():
            return [_painted(line, colour) for line in wrapped(plain(block.text), width)]
        case Paragraph():
            return wrapped(_said(block.lead, block.text), width)
        case Items():
            found = [_said(lead, text) for lead, text in block.items[: block.most]]
            return [
                ("  - " if first else "    ") + line
                for text in [*found, *_more(block)]
                for first, line in _firsts(wrapped(text, width - 4))
            ]
        case Table():
            return _columns(block, width)
        case Code():
            text = plain_block(block.text, block.lines, None)
            return [f"    {line}".rstrip() for line in text.split("\n")]
        case Picture():
            return [f"{block.description}: {block.file}"]


def _said(lead: str, text: str) -> str:
    return plain(f"{lead} {text}".strip(), None, word=_WORD)


def _painted(text: str, colour: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if colour and text else text


def _firsts(lines: list[str]) -> Iterable[tuple[bool, str]]:
    return ((number == 0, line) for number, line in enumerate(lines))


def _columns(table: Table, width: int) -> list[str]:
    """Rows as lines; the last column takes what room is left and wraps."""
    rows = [tuple(plain(cell) for cell in row) for row in table.rows]
    limits = [max([len(row[n]) for row in rows], default=0) for n in range(len(table.head) - 1)]
    limits = [min(limit, width * 3 // 5) for limit in limits]
    left = max(width - 2 - sum(limits) - 2 * len(limits), 20)
    lines = []
    for row in rows:
        cells = [wrapped(c, limit) for c, limit in zip(row, [*limits, left], strict=True)]
        for number in range(max(map(len, cells))):
            texts = [cell[number] if number < len(cell) else "" for cell in cells]
            padded = [text.ljust(limit) for text, limit in zip(texts, [*limits, 0], strict=True)]
            lines.append(("  " + "  ".join(padded)).rstrip())
    return lines
