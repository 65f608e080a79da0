"""The verdict beside the request, where a proxy shows it: a comment, data, and a text.

For whoever looks at one flow. All of it is made from a redacted verdict, and every string passes
through `terminal.plain` or is data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from diagnostics.journey.verdict import Fix, Stage, Verdict
from diagnostics.report import wording
from diagnostics.report.group import short_url
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import WORD, cut, plain, plain_block, wrapped

#: What our line in a comment begins with; by this it is found and replaced.
PREFIX = "why403: "
_LINE = 400
_WIDTH = 96
_ITEMS = 8
_BODY_LINES = 12
_BODY_BYTES = 4096


def comment(verdict: Verdict) -> str:
    """The verdict on one line: cause, how sure, why, and the fix that works."""
    says = f"{PREFIX}{verdict.cause} ({verdict.confidence}): {plain(verdict.because, word=WORD)}"
    fix = wording.best_fix(verdict.fixes)
    if fix is not None and fix.predicted == "allowed":
        says += f" Fix: {plain(fix.says, word=WORD)}"
    return says if len(says) <= _LINE else says[: _LINE - 2].rstrip(" .,") + " …"


def with_comment(text: str, line: str) -> str:
    """A flow's comment with our line in place of the one before it, or behind what the user
    wrote; an empty `line` takes ours away. Everything else stays as it is."""
    lines = text.split("\n") if text else []
    places = [place for place, old in enumerate(lines) if old.startswith(PREFIX)]
    if line and places:
        lines[places[0]] = line
        places = places[1:]
    elif line:
        lines.append(line)
    return "\n".join(old for place, old in enumerate(lines) if place not in places)


def log_line(verdict: Verdict) -> str:
    """The verdict for a log: what was asked, from where, and why it was refused."""
    url = plain(short_url(verdict.url), WORD)
    referer = plain(verdict.referer, WORD) if verdict.referer else "none"
    return (
        f"{verdict.method} {url} {verdict.status}, Referer {referer}: {verdict.cause}"
        f" ({verdict.confidence}): {plain(verdict.because, word=WORD)}"
    )


def data(verdict: Verdict) -> dict[str, Any]:
    """The verdict as it stands in the JSON report, of nothing but dicts, lists, strings, numbers
    and None, so that a flow file can hold it."""
    made: dict[str, Any] = _storable(msgspec.to_builtins(verdict))
    return made


def _storable(value: object) -> Any:
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
        case list() | tuple():
            return [_storable(item) for item in value]
        case dict():
            return {key: _storable(item) for key, item in value.items()}
        case _:
            return value


def read_data(value: object) -> Verdict | None:
    """The verdict from what `data` made; None for anything else (a flow file is anybody's)."""
    try:
        return msgspec.convert(value, Verdict)
    except (msgspec.ValidationError, RecursionError):
        return None


def text(
    verdict: Verdict, body: bytes | None = None, titles: Mapping[str, str] | None = None
) -> str:
    """The journey of one refused request, station by station, with evidence and fixes; `body` is
    the decoded body of the answer. `titles` maps a cause's code to its title; None takes the
    catalog's. Ends with a line break."""
    known = wording.titles([verdict]) if titles is None else titles
    return "\n".join(line.rstrip() for line in _lines(verdict, body, known)) + "\n"


def _lines(verdict: Verdict, body: bytes | None, titles: Mapping[str, str]) -> Iterator[str]:
    yield titles.get(verdict.cause, verdict.cause)
    yield f"{verdict.cause} · {verdict.confidence}"
    yield ""
    yield from _paragraph(verdict.because)
    yield ""
    yield "Journey"
    wide = max(len(stage) for stage in Stage)
    for station in verdict.journey:
        mark = wording.STATE_MARKS[station.state]
        first = f"  {mark} {station.stage.value:{wide}}  "
        yield from _paragraph(station.says, " " * len(first), first)
    yield ""
    yield "Request"
    shown = {
        "URL": f"{verdict.method} {verdict.url}",
        "Page": verdict.page or "not known",
        "Referer": verdict.referer or "none",
    }
    for name, value in shown.items():
        yield f"  {name + ':':8} {cut(plain(value), _WIDTH - 11)}"
    yield from _answer(verdict, body)
    if verdict.evidence:
        yield from ("", "Evidence")
        for item in verdict.evidence[:_ITEMS]:
            yield from _paragraph(item.says, "    ", "  - ")
            yield from _paragraph(item.where, "    ")
    yield from _fixes(verdict.fixes)
    if verdict.alternatives:
        yield from ("", "It could also be")
        for other in verdict.alternatives[:_ITEMS]:
            title = titles.get(other.cause, other.cause)
            name = f"{title} ({other.cause}), {other.confidence}"
            yield from _paragraph(name, "    ", "  - ")
            yield from _paragraph(f"To settle it: {other.settle}", "    ")
    yield from ("", f"More: why403 explain {verdict.cause}")


def _answer(verdict: Verdict, body: bytes | None) -> Iterator[str]:
    if not body:
        yield f"  Answer:  {verdict.status}, without a body"
        return
    said = redact_text(body[:_BODY_BYTES].decode("utf-8", "replace"))
    first, *rest = plain_block(said, _BODY_LINES).split("\n")
    yield f"  Answer:  {verdict.status} {first}"
    yield from (f"           {line}" for line in rest)


def _fixes(fixes: Iterable[Fix]) -> Iterator[str]:
    fixes = list(fixes)
    best = wording.best_fix(fixes)
    if best is None:
        return
    yield from ("", f"Fix (predicted: {plain(best.predicted)})")
    yield from _paragraph(best.says, "  ")
    if best.snippet.strip():
        yield ""
        yield from (f"      {line}" for line in plain_block(best.snippet).split("\n"))
    if best.cost:
        yield from ("", *_paragraph(f"Cost: {best.cost}", "  "))
    others = [fix for fix in fixes if fix is not best]
    if others:
        yield from ("", "Other fixes")
        for fix in others[:_ITEMS]:
            says = f"{fix.says} [predicted: {fix.predicted}]"
            says += f" Cost: {fix.cost}" if fix.cost else ""
            yield from _paragraph(says, "    ", "  - ")


def _paragraph(says: str, indent: str = "", first: str | None = None) -> list[str]:
    """Wrapped lines; `first` stands before the first in place of the indent."""
    lines = wrapped(plain(says, word=WORD), _WIDTH - len(indent))
    return [(indent if place or first is None else first) + at for place, at in enumerate(lines)]
