"""What commands read: files, and standard input once."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from diagnostics.cli import given, main
from diagnostics.errors import InputError
from fixtures import ROOT

CAPTURE = ROOT / "captures" / "apex-not-www-chromium.mitmproxy.har"


@pytest.mark.parametrize(
    "words",
    [
        ["diagnose", "-", "-"],
        ["diagnose", "-", "--allow-file", "-"],
        ["diagnose", "-", "--tokens", "-"],
        ["rehearse", "-", "-"],
        ["rehearse", "-", "--allow-file", "-"],
        ["sanitize", "-", "--allow-file", "-", "-o", "x.har"],
        ["support", "-", "--tokens", "-", "-o", "x"],
        ["reproduce", "-", "--allow-file", "-"],
        ["probe", "-", "--allow-file", "-"],
    ],
)
def test_two_things_cannot_be_read_from_one_stream(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = CAPTURE.read_bytes() if words[:3] == [words[0], "-", "-"] else b"[]"
    result = CliRunner().invoke(main, words, input=first)
    assert result.exit_code == 2
    if words[2:3] == ["-"]:
        assert "standard input: only one thing can be read from it (-)" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [["diagnose", "-"], ["rehearse", "-"], ["sanitize", "-", "-o", "x.har"],
     ["support", "-", "-o", "x"], ["reproduce", "-"], ["probe", "-"], ["token", "-"],
     ["lint", "--allow-file", "-"], ["match", "--jsonl"], ["token", "--tokens", "-"]],
)  # fmt: skip
def test_closed_input_is_told_in_one_line(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # what Python makes of `<&-`
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    said = "Error: standard input: is not connected. Give the name of a file.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(
    "words", [["diagnose"], ["rehearse"], ["sanitize"], ["token", "--tokens", "list", "--capture"]]
)
@pytest.mark.parametrize("output", ["a.har", "./a.har", "link.har"])
def test_a_result_never_takes_the_place_of_the_capture(
    words: list[str], output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.har").write_bytes(CAPTURE.read_bytes())
    Path("link.har").symlink_to("a.har")
    Path("list").write_text("[]", encoding="utf-8")
    result = CliRunner().invoke(main, [*words, "a.har", "-o", output])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {output}: is what this command reads")
    assert Path("a.har").read_bytes() == CAPTURE.read_bytes()


def test_a_reproduction_is_not_laid_upon_other_files(tmp_path: Path) -> None:
    mine = tmp_path / "capture.har"
    mine.write_bytes(CAPTURE.read_bytes())
    result = CliRunner().invoke(main, ["reproduce", str(mine), "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert "is not empty. Name another folder.\n" in result.stderr
    assert mine.read_bytes() == CAPTURE.read_bytes()


@pytest.mark.parametrize("output", ["/dev/null", "/dev/stdout"])
def test_a_sanitized_capture_goes_where_it_can_be_compared(
    output: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if not Path(output).exists() or Path(output).is_file():
        pytest.skip(f"{output} is no device here")
    result = CliRunner().invoke(main, ["sanitize", str(CAPTURE), "-o", output])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no file that can be read again" in result.stderr
    assert capfd.readouterr().out == ""


def test_a_file_s_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    assert given.content(str(file)) == b"x"
    for bad in (str(tmp_path), str(tmp_path / "b"), ""):
        with pytest.raises(InputError, match="cannot be read"):
            given.content(bad)


def test_captures_of_several_files() -> None:
    assert len(given.captures([str(CAPTURE), str(CAPTURE)])) == 2


@pytest.mark.parametrize(("at_terminal", "size", "says"), [
    (True, 21_000_000, "Reading a.har (21 MB) …"), (True, 19_000_000, ""), (False, 21_000_000, ""),
])  # fmt: skip
def test_a_large_file_is_announced_to_a_person(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at_terminal: bool,
    size: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with Path("a.har").open("wb") as file:
        file.truncate(size)
    monkeypatch.setattr("sys.stderr.isatty", lambda: at_terminal, raising=False)
    given.announce("Reading", "a.har")
    given.announce("Reading", "-")
    assert capsys.readouterr().err.strip() == says


def test_changes_that_cannot_be_read_are_wrong_usage() -> None:
    assert [str(c) for c in given.changes(["allow+=a.example"])] == ["allow+=a.example"]
    with pytest.raises(click.UsageError, match="is no change"):
        given.changes(["odd"])
