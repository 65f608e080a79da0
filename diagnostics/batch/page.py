"""The totals of a batch as one HTML file, in the look of a report: bars, tables, what failed.

As in a report, every string is made plain and escaped, and the file asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from diagnostics.batch.totals import Row, Totals, headline, sections
from diagnostics.journey.verdict import Cause
from diagnostics.report import html

_FOLDER = Path(__file__).parent
_ROWS = 30

#: What a heading counts, as a sentence under it.
_SAYS = {
    "Cause": "Refused requests by what refused them.",
    "Provider": "Refused requests by the service that refused them.",
    "Browser": "Refused requests by the browser or program that sent them.",
    "Folder": "Refused requests by the folder or archive of their capture.",
}


class Bar(msgspec.Struct, frozen=True):
    """One bar: `share` is its length in percent of all refused requests."""

    name: str
    code: str
    requests: int
    captures: int
    share: float
    is_open: bool


class Section(msgspec.Struct, frozen=True):
    """One total: its bars, and how many more there are."""

    title: str
    says: str
    bars: tuple[Bar, ...]
    more: int


def render(totals: Totals, *, titles: Mapping[str, str] | None = None) -> str:
    """The page. `titles` go by a cause's code; None takes the catalog's."""
    known = _titles(totals) if titles is None else titles
    style = html.stylesheet() + (_FOLDER / "page.css").read_text(encoding="utf-8")
    from markupsafe import Markup

    return (
        html.environment(_FOLDER)
        .get_template("page.html.j2")
        .render(
            totals=totals,
            headline=headline(totals),
            policy=html.policy(style),
            style=Markup(style),
            sections=[
                _section(title, rows, totals.refused, known if title == "Cause" else {})
                for title, rows in sections(totals)
                if rows
            ],
        )
        + "\n"
    )


def _titles(totals: Totals) -> dict[str, str]:
    from diagnostics.causes import catalog  # reads YAML, which the tables do not need

    return {row.name: catalog.text(Cause(row.name)).title for row in totals.causes}


def _section(title: str, rows: Sequence[Row], whole: int, titles: Mapping[str, str]) -> Section:
    bars = tuple(
        Bar(
            name=titles.get(row.name, row.name),
            code=row.name if row.name in titles else "",
            requests=row.requests,
            captures=row.captures,
            share=round(100 * row.requests / max(whole, 1), 2),
            is_open=row.name == "unexplained",
        )
        for row in rows[:_ROWS]
    )
    return Section(title, _SAYS[title], bars, max(len(rows) - _ROWS, 0))
