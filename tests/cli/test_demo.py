"""The demo: the main job on the bundled capture, and what a stranger sees of it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from diagnostics.cli import main
from diagnostics.cli.demo import ALLOWED, CAPTURE


def test_it_says_why_and_where_the_web_page_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 0
    assert "were refused" in result.stdout
    assert "The same as a web page: why403-demo.html" in result.stdout
    assert "\x1b" not in result.stdout
    page = (tmp_path / "why403-demo.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert CAPTURE in page
    assert [path.name for path in tmp_path.iterdir()] == ["why403-demo.html"]


def test_it_is_the_diagnosis_of_that_capture(tmp_path: Path) -> None:
    """What `diagnose` says of the same file with the same list, and no more."""
    with resources.as_file(resources.files("fixtures") / "captures" / CAPTURE) as file:
        entries = [word for entry in ALLOWED for word in ("--allow", entry)]
        same = CliRunner().invoke(main, ["diagnose", str(file), *entries])
    demo = CliRunner().invoke(main, ["demo", "-o", str(tmp_path / "x.html")])
    assert same.exit_code == 1
    # The file's name is shorter here, so that lines break elsewhere.
    words = same.stdout.replace(str(file), CAPTURE).split()
    assert len(words) > 200
    assert demo.stdout.split()[: len(words)] == words


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", "-o", str(tmp_path / "gone" / "x.html")])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "cannot be written" in result.stderr
