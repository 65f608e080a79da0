"""The report as one HTML file that asks for nothing, runs nothing and can be mailed.

Every string of the report is untrusted: jinja2 escapes all of them, `terminal.plain` takes out
what cannot be seen, and a Content-Security-Policy in the file allows its one style block and
nothing else. URLs of a capture stay text; links come from the catalog and lead to https only.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from diagnostics.journey.verdict import Fix, Stage, Verdict
from diagnostics.report import picture, wording
from diagnostics.report.group import Case, by_cause, in_order, short_url, shown_token
from diagnostics.report.model import Report
from diagnostics.report.terminal import plain, plain_block
from diagnostics.report.words import pieces

if TYPE_CHECKING:
    import jinja2

_FOLDER = Path(__file__).parent
_ROWS = 200
_CASES = 4
_ITEMS = 20
_WORD = 160
_SENTENCE = 900

Links = Mapping[str, Sequence[tuple[str, str]]]


class CaseView(msgspec.Struct, frozen=True):
    """One case as the template shows it."""

    verdict: Verdict
    count: int
    case: Case
    across: picture.Picture
    down: picture.Picture
    best: Fix | None
    others: tuple[Fix, ...]
    rows: tuple[Verdict, ...]
    many_pages: bool
    many_files: bool


class CauseView(msgspec.Struct, frozen=True):
    """One cause as the template shows it; `share` is its part of all requests to the
    provider, in percent."""

    code: str
    title: str
    count: int
    share: float
    cases: tuple[CaseView, ...]
    hidden_cases: int
    links: tuple[tuple[str, str], ...]


def render(
    report: Report, *, titles: Mapping[str, str] | None = None, links: Links | None = None
) -> str:
    """The report as an HTML document. `titles` and `links` (title, address) go by a cause's
    code; None takes the catalog's."""
    known = wording.titles(report.verdicts) if titles is None else titles
    reading = wording.links(report.verdicts) if links is None else links
    style = stylesheet()
    found = sorted(
        report.findings,
        key=lambda f: {"error": 0, "warning": 1, "info": 2}.get(f.severity, 3),
    )
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            style=_markup(style),
            policy=policy(style),
            headline=wording.headline(report),
            capture_line=wording.capture_line(report),
            record_again=wording.RECORD_AGAIN,
            causes=_causes(report, known, reading),
            titles=known,
            findings=found[:_ITEMS],
            more_findings=len(found) - _ITEMS,
            items=_ITEMS,
            max_rows=_ROWS,
        )
        + "\n"
    )


def stylesheet() -> str:
    """The style that all of the program's pages share."""
    return (_FOLDER / "report.css").read_text(encoding="utf-8")


def policy(style: str) -> str:
    """The Content-Security-Policy of a page that has one style block and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _causes(report: Report, titles: Mapping[str, str], links: Links) -> list[CauseView]:
    groups = by_cause(report.verdicts)
    whole = max(report.summary.provider_requests, report.summary.refused, 1)
    views = []
    for group in groups:
        code = group.cause.value
        rows = _ROWS
        cases = []
        for case in group.cases[:_CASES]:
            cases.append(_case(report, case, rows))
            rows = max(rows - len(cases[-1].rows), 0)
        views.append(
            CauseView(
                code=code,
                title=titles.get(code, code),
                count=group.count,
                share=round(100 * group.count / whole, 2),
                cases=tuple(cases),
                hidden_cases=len(group.cases) - len(cases),
                links=tuple(
                    (title, url) for title, url in links.get(code, ()) if url.startswith("https://")
                ),
            )
        )
    return views


def _case(report: Report, case: Case, rows: int) -> CaseView:
    verdict = case.first
    best = wording.best_fix(verdict.fixes)
    shown = in_order(report.verdicts, case.positions)[:rows]
    return CaseView(
        verdict=verdict,
        count=len(case.positions),
        case=case,
        across=picture.across(verdict.journey, _arrived(verdict)),
        down=picture.down(verdict.journey, _arrived(verdict)),
        best=best,
        others=tuple(fix for fix in verdict.fixes if fix is not best),
        rows=tuple(shown),
        many_pages=len(case.pages) > 1,
        many_files=len(report.capture.files) > 1,
    )


def _arrived(verdict: Verdict) -> str:
    """What the broken station was given: at the edge the token, everywhere else the Referer."""
    station = wording.broken(verdict.journey)
    if station is not None and station.stage is Stage.EDGE:
        token = shown_token(verdict.url)
        return f"access_token={token}" if token else "no access_token"
    return verdict.referer or "no Referer"


@functools.cache
def environment(folder: Path = _FOLDER) -> jinja2.Environment:
    """Templates of a folder, in which every string is made plain and escaped."""
    import jinja2  # costs 40 ms, which the other formats need not pay

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.filters |= {
        "block": _block,
        "counted": wording.counted,
        "provider": wording.provider_name,
        "check_name": wording.check_name,
        "says": _says,
        "short_url": short_url,
        "url": lambda text: plain(text, 200),
    }
    return environment


def _visible(value: Any) -> Any:
    """The last look at every value before it is escaped, so that none can be forgotten."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return plain(value, _SENTENCE)
    return value


def _says(sentence: str) -> Any:
    """A sentence with its values in code type."""
    from markupsafe import Markup

    return Markup(" ").join(
        Markup("{}<code>{}</code>{}").format(piece.before, piece.text, piece.after)
        if piece.is_value
        else piece.text
        for piece in pieces(plain(sentence, _SENTENCE, word=_WORD))
    )


def _block(text: str) -> Any:
    """Several lines, escaped, with their line breaks."""
    from markupsafe import escape

    return escape(plain_block(text, limit=1000))


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)
