"""Which words of a sentence mean themselves, and which are values that belong in code type?

A sentence of the report is ours, with values of the capture in it. Markdown and HTML set those
values (URLs, header lines, names with `@`, `#` or `_`, markup of any kind) as code: it reads
better, and in Markdown it is what keeps them from becoming links, mentions, images or HTML.
Sources: CommonMark 0.31; GitHub Flavored Markdown, section 6.9 (autolinks); GitHub documentation,
"Autolinked references and URLs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

# A word that means itself everywhere: letters and digits, joined by what no dialect acts on.
# Not among them: a dot before letters (a host name becomes a link), a hexadecimal number of
# seven digits or more (a commit), capitals and a number (an issue key).
_HARMLESS = re.compile(r"[^\W_]+(?:[-’'/][^\W_]+|[.,:][0-9]+)*+%?")
_REFERENCE = re.compile(r"[0-9a-f]{7,}|[A-Z][A-Z0-9]+-[0-9]+")
_OPENING, _CLOSING = "“‘(\"'", "”’)\"'.,;:!?…"
_SIGNS = frozenset({"–", "—", "·", "→", "…", "e.g.", "i.e."})
_OPENING_QUOTES = re.compile("[“‘\"']")
_CLOSING_QUOTES = re.compile("[”’\"']")


class Piece(msgspec.Struct, frozen=True):
    """A run of words: plain ones, or a value with the signs that stand before and after it."""

    text: str
    is_value: bool = False
    before: str = ""
    after: str = ""


def pieces(sentence: str) -> Iterator[Piece]:
    """A sentence on one line as runs to be joined by spaces; quotation marks around a value are
    left out, because its type already sets it apart. Takes time linear in its length."""
    plain: list[str] = []
    value: list[tuple[str, str, str]] = []
    first = True
    for word in sentence.split():
        opened, core, closed = _split(word)
        makes_list = first and core.isdigit() and closed[:1] in {".", ")"}
        first = False
        if _is_harmless(word, core) and not makes_list:
            if value:
                yield _value(value)
                value = []
            plain.append(word)
            continue
        if plain:
            yield Piece(" ".join(plain))
            plain = []
        if value and (opened or value[-1][2]):
            yield _value(value)
            value = []
        value.append((opened, core, closed))
    if plain:
        yield Piece(" ".join(plain))
    if value:
        yield _value(value)


def _split(word: str) -> tuple[str, str, str]:
    """A word's opening signs, itself, and its closing signs; brackets stay in pairs."""
    inner = word.lstrip(_OPENING)
    core = inner.rstrip(_CLOSING)
    opened, closed = word[: len(word) - len(inner)], inner[len(core) :]
    missing = core.count("(") - core.count(")")
    while missing > 0 and ")" in closed:
        taken, _, closed = closed.partition(")")
        core += taken + ")"
        missing -= 1
    return opened, core, closed


def _is_harmless(word: str, core: str) -> bool:
    if word in _SIGNS:
        return True
    return _HARMLESS.fullmatch(core) is not None and _REFERENCE.fullmatch(core) is None


def _value(words: list[tuple[str, str, str]]) -> Piece:
    before, after = words[0][0], words[-1][2]
    core = " ".join(core for _, core, _ in words)
    if not core.strip():
        return Piece(before + after, is_value=True)
    return Piece(
        core,
        is_value=True,
        before=_OPENING_QUOTES.sub("", before),
        after=_CLOSING_QUOTES.sub("", after),
    )
