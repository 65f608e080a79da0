"""Reads JSON that a strict parser refuses, as far as it can be read.

Browsers write what pages hold: a body cut in the middle of an emoji ends in half a surrogate pair,
a header may hold any bytes, and a page can nest an object as deep as it likes. None of that should
cost the rest of a capture. Every repair keeps the length, and is linear in it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

#: What reading JSON can raise. A parser's limit of depth is a RecursionError.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)

#: Deeper than any exporter nests (Chrome's chains of asynchronous parents end at 32).
MAXIMUM_DEPTH = 120

_SPACES = memoryview(b" " * (1 << 16))
_SURROGATE = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|[c-fC-F][0-9a-fA-F]{2})"
)
# Brackets of one kind, with all that stands before them, or the end: a gigabyte of `[` is one
# match, and wherever a match begins there is one, so that nothing is looked at twice.
_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+"?)*+([\[{]++|[\]}]++|\Z)', re.DOTALL)
# What other languages write for numbers that JSON lacks (RFC 8259, section 6), and strings, in
# which such a word means nothing.
_NO_NUMBER = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|(NaN|-?Infinity)', re.DOTALL)
_AT_BYTE = re.compile(r"\(byte (\d{1,18})\)")


def stumbled_over_no_number(data: memoryview, error: Exception) -> bool:
    """Whether what a parser did not understand is one of these words, by the byte that it names:
    nothing else of the data is looked at."""
    place = _AT_BYTE.search(str(error))
    return place is not None and bytes(data[int(place[1]) :][:8]).startswith((b"NaN", b"Infinity"))


def without_no_numbers(data: memoryview) -> bytearray:
    """A copy in which NaN and the infinities are -1, which in a HAR means that there is no value
    (HAR 1.2, "timings")."""
    mended = bytearray(data)
    for found in _NO_NUMBER.finditer(data):
        if found[1] is not None:
            mended[found.start() : found.end()] = b"-1".ljust(len(found[1]))
    return mended


def without_lone_surrogates(data: memoryview) -> bytearray:
    """A copy in which each `\\ud83c` without its other half is U+FFFD."""
    mended = bytearray(data)
    position = 0
    while found := _SURROGATE.search(mended, position):
        position = found.end()
        if _is_escaped(mended, found.start()):
            position = found.start() + 2
        elif found[1] is None:
            mended[found.start() : found.start() + 6] = b"\\ufffd"
    return mended


def _is_escaped(data: bytearray, position: int) -> bool:
    """Whether the backslash there is itself escaped, so that `\\\\ud83c` is plain text."""
    before = position
    while before and data[before - 1] == 0x5C:
        before -= 1
    return (position - before) % 2 == 1


def without_depths(data: memoryview) -> bytearray:
    """A copy in which what is nested deeper than `MAXIMUM_DEPTH` is null."""
    mended = bytearray(data)
    depth, start = 0, None
    for found in _BRACKETS.finditer(data):
        first, end = found.span(1)
        if first == end:
            break
        if data[first] in b"[{":
            depth += end - first
            if depth > MAXIMUM_DEPTH and start is None:
                start = end - (depth - MAXIMUM_DEPTH)
            continue
        depth -= end - first
        if start is not None and depth <= MAXIMUM_DEPTH:
            _blank(mended, start, end - (MAXIMUM_DEPTH - depth))
            start = None
    if start is not None:  # the file ends inside
        _blank(mended, start, len(data))
    return mended


def _blank(mended: bytearray, start: int, end: int) -> None:
    """Put null there and white space after it, without a second copy of what was there."""
    if end - start < len(b"null"):
        return
    mended[start : start + 4] = b"null"
    for at in range(start + 4, end, len(_SPACES)):
        size = min(len(_SPACES), end - at)
        mended[at : at + size] = _SPACES[:size]


def loose(raw: msgspec.Raw) -> Any:
    """Any JSON value, None where it is broken beyond reading."""
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        pass
    try:
        return loose_or_raise(raw)
    except UNREADABLE:
        return None


def loose_or_raise(raw: msgspec.Raw) -> Any:
    """The same with bytes that are no UTF-8 and lone surrogates replaced; raises one of
    `UNREADABLE`."""
    view = memoryview(raw)
    try:
        return _patiently(view)
    except RecursionError:
        return _patiently(without_depths(view))


def _patiently(data: memoryview | bytearray) -> Any:
    text = bytes(data).decode("utf-8", "replace")
    value = json.loads(text, parse_int=_integer, parse_constant=lambda _: None)
    return _printable(value)


def _integer(digits: str) -> float:
    """Whole numbers beyond 64 bits as floats: nothing reads them, and no encoder takes them."""
    return int(digits) if len(digits) < 19 else float(digits)


def _printable(value: Any) -> Any:
    """`value` with lone surrogates, which no output can encode, replaced."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_printable(item) for item in value]
        case dict():
            return {_printable(key): _printable(item) for key, item in value.items()}
        case _:
            return value
