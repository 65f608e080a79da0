"""Takes secrets out of a report, whatever field they ended up in.

One place at the way out instead of care at every place on the way: every string of the report
passes through here.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from diagnostics.provider.token import PATTERN, decode

_VALUE = re.compile(
    r"((?:access_token|token|api_?key|key|sig|signature|password)=)([^&#\s\"'<>]+)", re.I
)
_BEARER = re.compile(r"\b(Bearer|Basic|Token)\s+[A-Za-z0-9._~+/=-]{8,}", re.I)
_USER = re.compile(r"(//)[^/?#\s@]{1,256}@")
_SHORTEST_LITERAL = 8

T = TypeVar("T")


def redact(value: T, tokens: Iterable[str] = ()) -> T:
    """`value` (Structs, tuples, dicts, strings, to any depth) with secrets named, not shown.

    `tokens` are literal tokens of the capture, taken out even where they look like none.
    """
    literal = sorted((t for t in tokens if len(t) >= _SHORTEST_LITERAL), key=len, reverse=True)
    forms = [form for t in literal for form in {t, urllib.parse.quote(t, safe="")}]
    pattern = re.compile("|".join(map(re.escape, forms))) if forms else None
    walker = _Walker(lambda text: _clean(text, pattern))
    result: T = walker.walk(value)
    return result


def redact_text(text: str) -> str:
    """One string without secrets, for messages outside a report."""
    return _clean(text, None)


def _clean(text: str, literal: re.Pattern[str] | None) -> str:
    text = PATTERN.sub(_shown, text)
    if literal is not None:
        text = literal.sub(_shown, text)
    if "=" in text:
        text = _VALUE.sub(_shown_value, text)
    if "//" in text and "@" in text:
        text = _USER.sub(r"\1…@", text)
    return _BEARER.sub(r"\1 …", text) if " " in text else text


def _shown(found: re.Match[str]) -> str:
    return decode(urllib.parse.unquote(found[0])).shown


def _shown_value(found: re.Match[str]) -> str:
    value = found[2]
    if "…" in value:  # named already
        return found[0]
    return found[1] + ("(" + str(len(value)) + " characters)" if len(value) > 3 else value)


class _Walker:
    """Rebuilds a value; parts that verdicts share are rebuilt once."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._texts: dict[str, str] = {}
        self._done: dict[int, tuple[Any, Any]] = {}  # the original is kept, so its id stays its own

    def walk(self, value: Any) -> Any:
        match value:
            case str() if type(value) is str:
                if value not in self._texts:
                    self._texts[value] = self._clean(value)
                return self._texts[value]
            case tuple() | msgspec.Struct():
                known = self._done.get(id(value))
                if known is None:
                    known = self._done[id(value)] = (value, self._rebuilt(value))
                return known[1]
            case dict():
                return {self.walk(key): self.walk(item) for key, item in value.items()}
            case _:
                return value

    def _rebuilt(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple([self.walk(item) for item in value])
        changes = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            new = self.walk(old)
            if new is not old:
                changes[name] = new
        return msgspec.structs.replace(value, **changes) if changes else value
