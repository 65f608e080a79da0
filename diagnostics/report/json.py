"""The report as JSON: exactly the contract `why403/report/1`, for other people's scripts."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from diagnostics.report.model import Report

# JSON escapes the controls below U+0020 itself. These would still reach a terminal as commands
# or turn its text around, or hide in it: DEL and the C1 controls, both separators, and all format
# characters (category Cf, Unicode 17), the invisible tags of U+E0000 among them.
_ACTIVE = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_ENCODER = msgspec.json.Encoder(order="deterministic")


def render(report: Report | msgspec.Struct) -> str:
    """The report as indented JSON with a line break at its end; keys in the contract's order.

    Strings say what the capture said: nothing is cut. Characters that act on a terminal stand
    as `\\u` escapes, and a lone surrogate, which no JSON text can hold, as U+FFFD.
    """
    try:
        encoded = _ENCODER.encode(report)
    except UnicodeEncodeError:
        encoded = _ENCODER.encode(_whole(msgspec.to_builtins(report)))
    return inactive((msgspec.json.format(encoded, indent=2) + b"\n").decode())


def inactive(text: str) -> str:
    """JSON text in which each character that acts on a terminal, or hides, stands as its escape."""
    if _ACTIVE.search(text) is None:  # far cheaper than replacing nothing in a large text
        return text
    return _ACTIVE.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    """A character as JSON escapes it: beyond U+FFFF as both halves of its surrogate pair."""
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _whole(value: Any) -> Any:
    """`value` without lone surrogates in any string."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
