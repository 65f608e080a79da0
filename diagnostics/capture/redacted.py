"""Has another tool put a word of its own in the place of a value, and what does that cost?

A Referer of `[REDACTED]` is neither missing nor forged, and a token of `***` not malformed: nobody
can tell what they were. The markers are data (`redacted.yaml`).
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from importlib import resources

import msgspec

_LONGEST = 120


class _Redaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    whole: tuple[str, ...]
    costs: dict[str, str]


@functools.lru_cache(maxsize=1)
def _data() -> _Redaction:
    data = resources.files(__package__).joinpath("redacted.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=_Redaction)


@functools.lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in _data().whole), re.IGNORECASE)


@functools.lru_cache(maxsize=2048)
def is_redacted(value: str | None) -> bool:
    """Whether a value, as it stands or percent-encoded, is a marker that another tool left."""
    if not value or len(value) > _LONGEST:
        return False
    text = urllib.parse.unquote(value) if "%" in value else value
    return _pattern().fullmatch(text.strip()) is not None


def cost(what: str, **counted: str) -> str:
    """What it costs that some of `what` (a key of `costs`) is redacted, as a sentence."""
    return _data().costs[what].format(**counted)


def is_cost(sentence: str) -> bool:
    """Whether a sentence is one of `cost`."""
    return any(sentence.startswith(said.partition("{")[0]) for said in _data().costs.values())
