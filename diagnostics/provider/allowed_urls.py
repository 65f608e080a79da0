"""Would a token's allowed URLs admit this Referer? The answer's types, and the way to a dialect.

How an entry is read differs between providers, so each has a dialect: a module with
`match(referer, entry)` and `lint(entries)`. This module is what the rest of the program calls.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol

import msgspec


class Decision(enum.StrEnum):
    """`undocumented`: the documentation leaves it open, so nobody outside can know."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNDOCUMENTED = "undocumented"


class EntryResult(enum.StrEnum):
    """What one entry says to one Referer; the refusals in order from far miss to near miss."""

    INVALID = "invalid"
    NO_REFERER = "no-referer"
    HOST = "host"
    IP = "ip"
    WILDCARD = "wildcard"
    SCHEME = "scheme"
    PORT = "port"
    PATH = "path"
    QUERY = "query"
    UNDOCUMENTED = "undocumented"
    MATCH = "match"


class EntryMatch(msgspec.Struct, frozen=True):
    """One entry's result and a sentence that explains it."""

    entry: str
    result: EntryResult
    says: str


class Admission(msgspec.Struct, frozen=True):
    """The list's answer: the decision, the entry that made it (None where none did), and every
    entry's own result in the list's order."""

    decision: Decision
    entry: str | None
    reasons: tuple[EntryMatch, ...]

    @property
    def nearest_miss(self) -> EntryMatch | None:
        """The refusing entry that came closest; None where nothing refused."""
        misses = [r for r in self.reasons if r.result is not EntryResult.MATCH]
        return max(misses, key=lambda r: _NEARNESS[r.result], default=None)


_NEARNESS = {result: place for place, result in enumerate(EntryResult)}


class EntryProblem(msgspec.Struct, frozen=True):
    """What a lint found: `severity` is error, warning or info; `suggestion` replaces the entry
    (None where there is nothing better to write)."""

    entry: str
    severity: str
    problem: str
    says: str
    suggestion: str | None = None


class Dialect(Protocol):
    """How one provider reads allowed URLs."""

    def match(self, referer: str | None, entry: str) -> EntryMatch: ...

    def lint(self, entries: Sequence[str]) -> list[EntryProblem]: ...

    def suggest(self, text: str) -> str | None: ...


def decide(dialect: Dialect, referer: str | None, entries: Sequence[str]) -> Admission:
    """The answer of a whole list: any match allows; else anything undocumented leaves it open.

    A list without entries restricts nothing ("If no allowed URLs are provided, the token will
    work for requests originating from any URL", Mapbox token page).
    """
    if not entries:
        return Admission(Decision.ALLOWED, None, ())
    reasons = tuple(dialect.match(referer, entry) for entry in entries)
    for result, decision in (
        (EntryResult.MATCH, Decision.ALLOWED),
        (EntryResult.UNDOCUMENTED, Decision.UNDOCUMENTED),
    ):
        for reason in reasons:
            if reason.result is result:
                return Admission(decision, reason.entry, reasons)
    return Admission(Decision.REFUSED, None, reasons)
