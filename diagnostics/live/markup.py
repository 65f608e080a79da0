"""Where exactly do the start tags of a document stand? For changing a few of them in place.

A parser that builds a tree would write the whole document anew; here everything that is not
changed stays as it was, byte by byte. Source: HTML Standard, 13.2.5 (tokenization), with scripts
on. Not told apart: elements of the same name in SVG and MathML, whose contents the standard reads
otherwise; they hold nothing that is changed here. Takes time linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

_TAG = re.compile(r"<(/?)([A-Za-z][^\t\n\f\r />]*+)")
_MARKED = re.compile(r"<(?:[A-Za-z/!?])")
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*+(=?[^\t\n\f\r /=>]*+)"
    r"([\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)(\"?)|'([^']*+)('?)|([^\t\n\f\r >]*+)))?"
)
_COMMENT_END = re.compile(r"--!?>")
_SCRIPT_MARK = re.compile(r"<!--|-->|<(/?)script(?=[\t\n\f\r />])", re.IGNORECASE)
_RAW = frozenset({"style", "xmp", "iframe", "noembed", "noframes", "noscript", "textarea", "title"})


class Attribute(msgspec.Struct, frozen=True):
    """One attribute: its name in lower case, its value as it is written (without quotes, None
    where it has none), and the places where it and its value, with quotes, begin and end."""

    name: str
    value: str | None
    start: int
    end: int


class StartTag(msgspec.Struct, frozen=True):
    """A start tag: its name in lower case, the place right after the name, and where the whole
    tag begins and ends. `inert` says that it stands within a `<template>`."""

    name: str
    attributes: tuple[Attribute, ...]
    start: int
    after_name: int
    end: int
    inert: bool

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name; the first one counts."""
        return next((a for a in self.attributes if a.name == name), None)


class Edit(msgspec.Struct, frozen=True):
    """A replacement of the text from `start` to `end`."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """`text` after `edits`, which must not overlap."""
    pieces, place = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += [text[place : edit.start], edit.text]
        place = edit.end
    return "".join([*pieces, text[place:]])


def start_tags(text: str) -> Iterator[StartTag]:
    """Every start tag that a browser would see, in order. Never raises."""
    place, templates = 0, 0
    while (mark := _MARKED.search(text, place)) is not None:
        tag = _TAG.match(text, mark.start())
        if tag is None:
            place = _after_other(text, mark.start())
            continue
        attributes, end = _attributes(text, tag.end())
        if end < 0:
            return  # the text ends within a tag, which then is none
        name, place = tag[2].lower(), end
        if name == "template":
            templates = max(templates + (-1 if tag[1] else 1), 0)
        if tag[1]:
            continue
        yield StartTag(name, attributes, tag.start(), tag.end(), end, inert=templates > 0)
        if name == "script":
            place = _after_script(text, end)
        elif name in _RAW:
            place = _after_raw(text, end, name)
        elif name == "plaintext":
            return


def _after_other(text: str, start: int) -> int:
    """The place after a comment, a doctype or what the standard calls a bogus comment."""
    if text.startswith("<!--", start):
        # `<!-->` and `<!--->` are whole comments.
        short = re.compile("-?>").match(text, start + 4)
        end = short or _COMMENT_END.search(text, start + 4)
        return end.end() if end else len(text)
    if text.startswith("</>", start):
        return start + 3
    end_of_it = text.find(">", start + 2)
    return end_of_it + 1 if end_of_it >= 0 else len(text)


def _attributes(text: str, place: int) -> tuple[tuple[Attribute, ...], int]:
    """The attributes from `place` on and where the tag ends; -1 where it does not end."""
    found: list[Attribute] = []
    names = set()
    while True:
        one = _ATTRIBUTE.match(text, place)
        assert one is not None
        name = one[1].lower()
        if name:
            if (one[3] is not None and not one[4]) or (one[5] is not None and not one[6]):
                return (), -1  # the quotation mark is never closed
            value = next((v for v in (one[3], one[5], one[7]) if v is not None), None)
            if name not in names:
                names.add(name)
                found.append(Attribute(name, value, one.start(1), one.end()))
            place = one.end()
            continue
        place = one.end(1)
        if place >= len(text):
            return (), -1
        if text[place] == ">":
            return tuple(found), place + 1
        place += 1  # nothing else can stand here, but no input may stop the loop


def _after_raw(text: str, place: int, name: str) -> int:
    """The place of the end tag of an element that holds text only."""
    end = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE).search(text, place)
    return end.start() if end else len(text)


def _after_script(text: str, place: int) -> int:
    """The same for a script, whose text may hold `<!-- <script> </script> -->`."""
    escaped = double = False
    while (mark := _SCRIPT_MARK.search(text, place)) is not None:
        place = mark.end()
        if mark[0] == "-->":
            escaped = double = False
        elif mark[0] == "<!--":
            escaped = True
            place -= 2  # its dashes may be those of the end
        elif not mark[1]:
            double = escaped
        elif double:
            double = False
        else:
            return mark.start()
    return len(text)
