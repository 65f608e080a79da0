"""Makes words of a capture, a file name or a library's error fit for one line on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """`text` with every character that cannot be shown (controls, line breaks, halves of a
    surrogate pair) replaced by a question mark."""
    return "".join(char if char.isprintable() else "?" for char in text)
