"""`why403 explain`: the table and the pages, as they stand on a terminal."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from diagnostics.causes import catalog
from diagnostics.cli import main
from diagnostics.journey.verdict import Cause


def run(*args: str, columns: str = "80") -> Result:
    return CliRunner(env={"COLUMNS": columns}).invoke(main, ["explain", *args])


def test_the_table_has_every_cause_in_order() -> None:
    result = run()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    places = []
    for text in catalog.every():
        found = [n for n, line in enumerate(lines) if text.code.value in line.split()]
        assert len(found) == 1, text.code
        assert text.title in lines[found[0]]
        places.append(found[0])
    assert places == sorted(places)


def test_the_table_names_each_stage_once() -> None:
    lines = run().stdout.splitlines()
    first_words = [line.split()[0] for line in lines if line and not line.startswith((" ", "“"))]
    assert first_words == [
        *("stage", "client", "page", "policy", "wire", "cache", "edge", "rule", "(none)")
    ]


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_the_table_fits_the_terminal(columns: str) -> None:
    width = min(int(columns), 100)
    assert max(map(len, run(columns=columns).stdout.splitlines())) <= width


@pytest.mark.parametrize("cause", Cause)
def test_a_page_has_all_there_is_to_say(cause: Cause) -> None:
    result = run(cause.value)
    assert result.exit_code == 0
    text = catalog.text(cause)
    out = result.stdout
    assert out.startswith(text.title)
    said = " ".join(out.split())
    for name in ("WHY", "HOW IT SHOWS", "FIX", "WHAT DOES NOT HELP", "LINKS"):
        assert f"\n{name}\n" in out
    assert ("\nCOST\n" in out) == (text.cost is not None)
    for link in text.links:
        assert link.url in out
    for snippet in text.snippets.values():
        assert all(f"    {line}" in out for line in snippet.splitlines() if line)
        assert " ".join(snippet.split()) in said


@pytest.mark.parametrize("cause", Cause)
def test_a_page_has_no_marks_of_markdown_and_fits(cause: Cause) -> None:
    out = run(cause.value).stdout
    for line in out.splitlines():
        assert not line.startswith(("#", "```", "|", "* "))
        assert "**" not in line or line.startswith("    ")
        assert line == line.rstrip()
        if not line.startswith("    "):
            assert len(line) <= 80, line


def test_a_page_is_plain_where_there_is_no_terminal() -> None:
    assert "\x1b" not in run("token-scope").stdout


def test_the_name_may_be_written_in_capitals() -> None:
    assert run(" Token-Scope ").stdout == run("token-scope").stdout


@pytest.mark.parametrize(
    ("name", "near"),
    [("referrer-policy-block", "referrer-policy-blocks"), ("token-scop", "token-scope")],
)
def test_an_unknown_cause_gets_the_nearest(name: str, near: str) -> None:
    result = run(name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Did you mean “{near}”?" in result.stderr


def test_a_cause_like_no_other() -> None:
    result = run("xyzzy")
    assert result.exit_code == 2
    assert "Did you mean" not in result.stderr
    assert "“why403 explain” lists all" in result.stderr
