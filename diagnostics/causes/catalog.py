"""What is said about a cause: the Markdown files of this folder, read into values.

A file has YAML front matter (`title`, `stage`, `summary`, `links`) and the sections of `SECTIONS`.
A fence with a second word in its info string is a named snippet (```` ```js gl-js ````), so a
person reads the same text on the page that a report hands out as a fix.
"""

from __future__ import annotations

import functools
import importlib.resources
import re

import msgspec

from diagnostics.journey.verdict import Cause, Stage

#: Every section that a file may have, in this order; only `Cost` may be missing.
SECTIONS = ("Why", "How it shows", "Fix", "What does not help", "Cost")

_PLACEHOLDER = re.compile(r"(/?)YOUR_([A-Z]+(?:_[A-Z]+)*)")


class Link(msgspec.Struct, frozen=True):
    """Where to read on."""

    title: str
    url: str


class CauseText(msgspec.Struct, frozen=True):
    """All that is said about a cause. `stage` is None for `unexplained` only. `summary` is plain
    text; `why` to `cost` are Markdown (`cost` is None where no fix weakens anything); `snippets`
    are the named ones, by key; `source` is the whole file."""

    code: Cause
    title: str
    stage: Stage | None
    summary: str
    why: str
    how_it_shows: str
    fix: str
    what_does_not_help: str
    cost: str | None
    links: tuple[Link, ...]
    snippets: dict[str, str]
    source: str


class Fence(msgspec.Struct, frozen=True):
    """A fenced block: its language, its key ("" without one) and its text."""

    language: str
    key: str
    text: str


class _FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    stage: Stage | None
    summary: str
    links: tuple[Link, ...]


@functools.cache
def text(cause: Cause) -> CauseText:
    """The text of a cause. Raises ValueError where its file is not as described above."""
    source = (
        importlib.resources.files("diagnostics.causes")
        .joinpath(f"{cause.value}.md")
        .read_text(encoding="utf-8")
    )
    return parse(cause, source)


def every() -> tuple[CauseText, ...]:
    """The texts of all causes, in the order of the journey."""
    return tuple(text(cause) for cause in Cause)


def snippet(cause: Cause, key: str, **values: str) -> str:
    """The named snippet of a cause with `values` in its placeholders (`entry` for `YOUR_ENTRY`).

    Values for which the snippet has no place are ignored, and a placeholder without a value stays.
    Values go in as they are: whoever renders the result escapes it. Raises KeyError for a key
    that the cause does not have.
    """
    return fill(text(cause).snippets[key], **values)


def fill(template: str, **values: str) -> str:
    """`template` with `values` in the place of its `YOUR_…` placeholders. A path may begin with
    a slash although the template has one already."""

    def value(found: re.Match[str]) -> str:
        slash, name = found[1], found[2].lower()
        given = values.get(name)
        return found[0] if given is None else slash + given.removeprefix(slash)

    return _PLACEHOLDER.sub(value, template)


def parse(cause: Cause, source: str) -> CauseText:
    """A cause's file as a value; ValueError says what is wrong with it."""
    before, mark, rest = source.partition("---\n")
    front, end, body = rest.partition("\n---\n")
    if before or not mark or not end:
        raise ValueError(f"{cause}: the file has no front matter")
    try:
        head = msgspec.yaml.decode(front, type=_FrontMatter)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{cause}: front matter: {error}") from error
    sections = _sections(cause, body)
    return CauseText(
        code=cause,
        title=head.title,
        stage=head.stage,
        summary=head.summary,
        why=sections["Why"],
        how_it_shows=sections["How it shows"],
        fix=sections["Fix"],
        what_does_not_help=sections["What does not help"],
        cost=sections.get("Cost"),
        links=head.links,
        snippets={fence.key: fence.text for fence in fences(body) if fence.key},
        source=source,
    )


def fences(markdown: str) -> list[Fence]:
    """The fenced blocks of a text, in order."""
    found: list[Fence] = []
    info: list[str] | None = None
    lines: list[str] = []
    for line in markdown.splitlines():
        if info is None and line.startswith("```"):
            info, lines = line[3:].split(), []
        elif info is not None and line == "```":
            language, key = (*info, "", "")[:2]
            found.append(Fence(language, key, "\n".join(lines)))
            info = None
        elif info is not None:
            lines.append(line)
    if info is not None:
        raise ValueError("a fence is not closed")
    return found


def _sections(cause: Cause, body: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    names = tuple(parts[1::2])
    if parts[0].strip() or names not in {SECTIONS, SECTIONS[:-1]}:
        raise ValueError(f"{cause}: the sections are {', '.join(names)}")
    sections = {name: content.strip() for name, content in zip(names, parts[2::2], strict=True)}
    for name, content in sections.items():
        if not content:
            raise ValueError(f"{cause}: the section {name} is empty")
    return sections
