"""The text for a terminal: whole outputs, widths, colours, hostile strings."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.report import text
from diagnostics.report.model import SCHEMA, CaptureSummary, Report, Summary
from diagnostics.report.terminal import columns

Titles = dict[str, str]
_SGR = re.compile("\x1b\\[[0-9]+m")


def test_whole_output(
    named_report: tuple[str, Report], titles: Titles, golden: Callable[[str, str], None]
) -> None:
    name, report = named_report
    golden(f"{name}.txt", text.render(report, colour=False, width=80, titles=titles))


def test_wide_and_coloured(
    reports: dict[str, Report], titles: Titles, golden: Callable[[str, str], None]
) -> None:
    golden(
        "helmet-120-colour.txt",
        text.render(reports["helmet"], colour=True, width=120, titles=titles),
    )


def test_ascii(
    reports: dict[str, Report], titles: Titles, golden: Callable[[str, str], None]
) -> None:
    out = text.render(reports["localhost"], colour=False, width=80, unicode=False, titles=titles)
    assert out.isascii()
    golden("localhost-ascii.txt", out)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160])
def test_lines_fit(named_report: tuple[str, Report], titles: Titles, width: int) -> None:
    _, report = named_report
    out = text.render(report, colour=False, width=width, titles=titles)
    snippets = {line for v in report.verdicts for f in v.fixes for line in f.snippet.split("\n")}
    for line in out.splitlines():
        assert columns(line) <= width or line.strip() in {s.strip() for s in snippets}


def test_colour_only_adds_colour(named_report: tuple[str, Report], titles: Titles) -> None:
    _, report = named_report
    colour = text.render(report, colour=True, width=80, titles=titles)
    assert "\x1b[" in colour
    stripped = "\n".join(line.rstrip() for line in _SGR.sub("", colour).split("\n"))
    assert stripped == text.render(report, colour=False, width=80, titles=titles)


def test_absurd_widths_still_give_text(reports: dict[str, Report], titles: Titles) -> None:
    for width in (-1, 0, 1, 10_000):
        out = text.render(reports["helmet"], colour=False, width=width, titles=titles)
        assert max(map(len, out.splitlines())) <= 160


def test_a_long_table_says_what_it_leaves_out(large: Report) -> None:
    out = text.render(large, colour=False, width=100)
    assert "more; --format json has all" in out
    assert len(out.splitlines()) < 900


def test_titles_come_from_the_catalog_by_default(reports: dict[str, Report]) -> None:
    out = text.render(reports["helmet"], colour=False, width=100)
    assert "1. The Referrer-Policy removes the Referer" in out


def test_a_report_without_verdicts_says_what_to_do(reports: dict[str, Report]) -> None:
    out = text.render(reports["absent"], colour=False, width=100)
    assert out.startswith("This capture holds no request to a map provider.\n")
    assert "Record it again" in out
    assert out.index("csp-blocks-request") < out.index("The provider's checklist")


@pytest.mark.parametrize("unicode", [True, False])
def test_hostile_strings(
    payload: str, poison: Callable[[str], Report], unicode: bool, titles: Titles
) -> None:
    out = text.render(poison(payload), colour=False, width=80, unicode=unicode, titles=titles)
    assert all(line.isprintable() for line in out.split("\n"))
    assert max(columns(line) for line in out.split("\n")) <= 7 + 600 * 6
    out.encode("utf-8" if unicode else "ascii")


@settings(max_examples=50, deadline=None)
@given(said=st.text(st.characters(), max_size=300), width=st.integers(40, 120))
def test_sentences_wrap_whatever_they_say(said: str, width: int) -> None:
    capture = CaptureSummary((said,), said, 3, (), (said, said))
    report = Report(SCHEMA, capture, Summary(0, 0, 0, {}), (), (), ())
    for unicode in (True, False):
        out = text.render(report, colour=False, width=width, unicode=unicode)
        assert all(columns(line) <= width for line in out.split("\n"))
        assert all(line.isprintable() for line in out.split("\n"))
