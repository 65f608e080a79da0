"""What may a string from a capture do to a terminal, a ticket or a page? Nothing: it is made plain.

A capture is written by somebody else. Escape sequences can move the cursor or set the window
title, bidirectional overrides can show `moc.xobpam` as `mapbox.com`, and invisible characters
can hide in a URL. Sources: ECMA-48, sections 5.3 to 5.6 and 8.3 (control functions and control
strings); Unicode Standard Annex 9, section 2 (bidirectional formatting characters); Unicode
Technical Report 36, section 2.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

#: How many characters of one string, and of one word in a sentence, are shown at most.
LIMIT = 600
WORD = 100
#: So many characters may share a column, as marks above and below a letter do.
_DENSE = 4

# Every branch is linear: a control string may not run over the start of another one, and the
# possessive `*+` never gives back what it took.
_ESCAPES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*+(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|\x1b[ -/]*+[0-~]?"
)
# Letters and marks that show nothing, besides the format characters (Cf) found by category.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
# More than three combining marks on one letter are no language but a way to smear over lines.
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PILE = re.compile(f"([{_MARKS}]{{3}})[{_MARKS}]++")
_TYPOGRAPHY = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
        "–": "-",
        "—": "-",
        "−": "-",
        "·": "|",
        "…": "...",
        "→": "->",
        "×": "x",
        "≥": ">=",
        "≤": "<=",
    }
)


def plain(text: str, limit: int | None = LIMIT, word: int | None = None) -> str:
    """`text` on one line, as nothing but what a reader sees.

    Control characters, escape sequences, bidirectional controls and other invisible characters
    are removed, line breaks become spaces, what cannot be encoded becomes U+FFFD, and a string
    of more than `limit` characters loses its middle to an ellipsis (None: no limit). `word` does
    the same for each word, so that one URL does not use up its sentence's room.
    """
    if limit is not None and len(text) > 4 * limit:
        # The two ends are all that can be shown: do not clean ten megabytes for them.
        text = text[: 2 * limit] + text[-2 * limit :]
    if not (text.isascii() and text.isprintable()):
        text = _clean(text)
    if word is not None and len(text) > word:
        text = " ".join(cut(part, word) for part in text.split(" "))
    return text if limit is None else cut(text, limit)


def plain_lines(text: str) -> str:
    """The same for a message of several lines: line feeds stay, each line is made plain."""
    return "\n".join(plain(line) for line in text.split("\n"))


def plain_block(text: str, lines: int = 60, limit: int | None = LIMIT) -> str:
    """The same for a snippet: any kind of line break counts, tabs become spaces, and there are
    at most `lines` lines of at most `limit` characters."""
    found = re.split(r"\r\n|\n|\r", text.strip("\r\n"), maxsplit=lines)
    rest = found[lines:]
    shown = [plain(line.replace("\t", "    "), limit).rstrip() for line in found[:lines]]
    return "\n".join(shown + (["…"] if rest else []))


def _clean(text: str) -> str:
    text = _ESCAPES.sub("", text)
    if not text.isprintable():
        text = "".join(map(_shown, text))
    return _PILE.sub(r"\1", _INVISIBLE.sub("", text))


@functools.lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    if char.isprintable():
        return char
    if char in "\t\n\v\f\r\x85":
        return " "
    category = unicodedata.category(char)
    if category.startswith("Z"):
        return " "
    return "" if category in {"Cc", "Cf"} else "\ufffd"


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in at most `width` columns; what is too long loses its middle, a little more of its
    end than of its start, because a URL's host comes first."""
    if len(text) <= _DENSE * width and columns(text) <= width:
        return text
    room = max(width - len(ellipsis), 2)
    tail = room * 2 // 5
    return _fitting(text, room - tail) + ellipsis + _fitting(text[::-1], tail)[::-1]


def columns(text: str) -> int:
    """How many columns a terminal gives to `text`: two for wide letters, none for combining
    marks (Unicode Standard Annex 11)."""
    return len(text) if text.isascii() else sum(map(_width, text))


def wrapped(text: str, room: float, width: Callable[[str], float] | None = None) -> list[str]:
    """`text` as lines that fit into `room`, at least one; a word longer than a line breaks
    anywhere. `width` measures one character, in columns where it is left out."""
    width = width or _width
    space = width(" ")
    lines, line, used = [], "", 0.0
    for word in text.split():
        wide = sum(map(width, word))
        if line and used + space + wide <= room:
            line, used = f"{line} {word}", used + space + wide
            continue
        if line:
            lines.append(line)
        if wide <= room:
            line, used = word, wide
            continue
        line, used = "", 0.0
        for char in word:
            if line and used + width(char) > room:
                lines.append(line)
                line, used = "", 0.0
            line, used = line + char, used + width(char)
    return [*lines, line] if line or not lines else lines


@functools.lru_cache(maxsize=4096)
def _width(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _fitting(text: str, width: int) -> str:
    """The longest start of `text` that fits."""
    used, text = 0, text[: _DENSE * width]
    for place, char in enumerate(text):
        used += _width(char)
        if used > width:
            return text[:place]
    return text


def ascii_only(text: str) -> str:
    """`text` for an output that takes only ASCII: typographic signs become their typewriter
    form, everything else its `\\u` escape."""
    if text.isascii():
        return text
    return text.translate(_TYPOGRAPHY).encode("ascii", "backslashreplace").decode("ascii")
