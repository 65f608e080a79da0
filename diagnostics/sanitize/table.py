"""What was taken out of a capture, as a table for a person."""

from __future__ import annotations

from collections import Counter

from diagnostics.sanitize.standins import Tally

_REMOVED = "Removed"
_REPLACED = "Replaced by stand-ins, equal where it was equal"
_NOTHING = "There was nothing to remove or to replace."


def table(tally: Tally) -> str:
    """The kinds and their counts, the most frequent first."""
    if not tally.removed and not tally.replaced:
        return _NOTHING
    from tabulate import tabulate  # costs 90 ms, which `--help` must not pay

    rows: list[tuple[str, str]] = []
    for title, counts in ((_REMOVED, tally.removed), (_REPLACED, tally.replaced)):
        if counts:
            rows += [(title, ""), *(_row(kind, count) for kind, count in _sorted(counts))]
    text: str = tabulate(
        rows, tablefmt="plain", disable_numparse=True, colalign=("left", "right"),
        preserve_whitespace=True,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _row(kind: str, count: int) -> tuple[str, str]:
    return f"  {kind}", f"{count:,}"


def _sorted(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
