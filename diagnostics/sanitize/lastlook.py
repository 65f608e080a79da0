"""The last look at what is about to be written: does anything have the shape of a secret?

It is a net below the list of what stays, and ought to find nothing. What it finds becomes a
stand-in, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from diagnostics.provider import token as tokens
from diagnostics.sanitize.harmless import secret_kinds, secret_pattern
from diagnostics.sanitize.standins import StandIns


class LastLook:
    """Looks at the strings of one capture. `keep` are allowed URLs that the user told."""

    def __init__(self, standins: StandIns, keep: Iterable[str] = ()) -> None:
        self._standins = standins
        self._kept = tuple(entry.strip() for entry in keep)

    def at(self, text: str) -> str:
        """`text` without what looks like a secret; stand-ins stay."""
        if len(text) < 8:
            return text
        text = tokens.PATTERN.sub(lambda found: self._standins.token(found[0]), text)
        if secret_pattern().search(text) is None:
            return text
        return secret_pattern().sub(self._hidden, text)

    def _hidden(self, found: re.Match[str]) -> str:
        text = found[0]
        before = found.string[max(0, found.start() - 3) : found.start()]
        if before in {"pk.", "sk.", "tk."} or any(text in entry for entry in self._kept):
            return text  # a stand-in for a token, or what the user told
        kind = secret_kinds()[int((found.lastgroup or "kind0").removeprefix("kind"))].kind
        self._standins.tally.replaced[kind] += 1
        return self._standins.hidden(text)
