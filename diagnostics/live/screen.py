"""Shows a running capture to the person who runs it: what there is to say, and below it the causes
so far (`progress` has the words).

On a terminal the causes are one block that is rewritten in place; elsewhere a cause is told when
it is new, and nothing is ever taken back.
"""

from __future__ import annotations

import os
import shutil
from typing import TextIO

from diagnostics.journey.verdict import Verdict
from diagnostics.live import progress
from diagnostics.live.progress import Progress
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import ascii_only, plain, wrapped

_WIDTH = 100


class Screen:
    """What a person sees of a capture, on `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self.progress = Progress()
        self._stream = stream
        self._in_place = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._unicode = (stream.encoding or "ascii").lower().replace("-", "") == "utf8"
        self._block: list[str] = []
        self._requests = 0

    @property
    def width(self) -> int:
        """Columns that there are."""
        return shutil.get_terminal_size((_WIDTH, 24)).columns if self._in_place else _WIDTH

    @property
    def unicode(self) -> bool:
        """Whether more than ASCII can be shown."""
        return self._unicode

    def note(self, text: str, *, secret: bool = False) -> None:
        """Say something, without terminal escapes, and without secrets unless one is meant."""
        text = plain(text if secret else redact_text(text), limit=None)
        text = text if self._unicode else ascii_only(text)
        self._write(wrapped(text, self.width - 1) if self._in_place else [text])

    def verdict(self, verdict: Verdict) -> None:
        """Take a verdict, new or revised."""
        is_new = self.progress.take(verdict)
        if is_new and not self._in_place:
            self._write([progress.first_line(verdict, unicode=self._unicode)])

    def refresh(self, requests: int) -> None:
        """Show how many requests to a provider there were, and the causes as they stand."""
        self._requests = requests
        if self._in_place and self._lines() != self._block:
            self._write([])

    def end(self) -> None:
        """Take the block away: the summary comes in its place."""
        if self._in_place:
            self._write([], last=True)

    def _lines(self) -> list[str]:
        room = self.width - 1  # a line that fills the last column would wrap
        height = max(1, shutil.get_terminal_size((_WIDTH, 24)).lines - 2)
        found = progress.lines(self.progress.tallies(), room, unicode=self._unicode)
        refused = self.progress.refused
        first = progress.status_line(self._requests, refused, room, unicode=self._unicode)
        return [first, *found][:height]

    def _write(self, lines: list[str], *, last: bool = False) -> None:
        start = ""
        if self._block:
            start = f"\x1b[{len(self._block)}F\x1b[J"  # up to the block's first line; clear below
        self._block = self._lines() if self._in_place and not last else []
        self._stream.write(start + "".join(f"{line}\n" for line in [*lines, *self._block]))
        self._stream.flush()
