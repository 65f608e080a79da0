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
        text, made = self._tokens(text)
        parts: list[str] = []
        done = at = token = 0
        while found := secret_pattern().search(text, at):
            at = found.end()
            while token < len(made) and made[token][1] <= found.start():
                token += 1
            if token < len(made) and made[token][0] <= found.start():
                at = made[token][1]  # it begins in a stand-in for a token: look behind that
                continue
            parts += text[done : found.start()], self._hidden(found)
            done = at
        return "".join([*parts, text[done:]])

    def _tokens(self, text: str) -> tuple[str, list[tuple[int, int]]]:
        """`text` with stand-ins for its tokens, and where in it they begin and end."""
        parts: list[str] = []
        made: list[tuple[int, int]] = []
        done = length = 0
        for found in tokens.PATTERN.finditer(text):
            standin = self._standins.token(found[0])
            length += found.start() - done
            made.append((length, length + len(standin)))
            length += len(standin)
            parts += text[done : found.start()], standin
            done = found.end()
        return "".join([*parts, text[done:]]), made

    def _hidden(self, found: re.Match[str]) -> str:
        text = found[0]
        if any(text in entry for entry in self._kept):
            return text  # what the user told
        kind = secret_kinds()[int((found.lastgroup or "kind0").removeprefix("kind"))].kind
        self._standins.tally.replaced[kind] += 1
        return self._standins.hidden(text)
