"""`why403 lint`: exit status, suggestions, and where entries may come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from diagnostics.cli import main


def run(*args: str, stdin: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["lint", *args], input=stdin)


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        (["example.com"], 0),
        (["localhost"], 0),
        (["www.example.com", "example.com/map"], 0),
        (["*.example.com"], 1),
        (["example.com", "127.0.0.1:8000"], 1),
        ([""], 1),
        (["capacitor://localhost"], 1),
        ([f"a{n}.example.com" for n in range(101)], 1),
    ],
)
def test_the_status_is_1_for_an_entry_that_never_matches(entries: list[str], status: int) -> None:
    assert run(*entries).exit_code == status


def test_what_is_wrong_and_what_to_write() -> None:
    out = run("https://*.example.com/*", "example.com", "www.example.com").stdout
    assert out.startswith("https://*.example.com/*\n  error    It can never match: wildcard")
    assert "\n           Write: https://example.com\n" in out
    assert "\nexample.com\n  ok\n" in out
    assert "\nwww.example.com\n  info " in out
    assert out.endswith("3 entries: 1 error, 2 remarks.\n")


def test_nothing_wrong() -> None:
    assert run("example.com").stdout == "example.com\n  ok\n\n1 entry: nothing to object to.\n"


def test_an_entry_given_twice_is_shown_once() -> None:
    out = run("example.com", "example.com").stdout
    assert out.count("\nexample.com\n") + out.startswith("example.com\n") == 1
    assert "same as" in out


def test_too_many_entries_is_said_of_the_list() -> None:
    out = run(*(f"a{n}.example.com" for n in range(101))).stdout
    assert "\nThe list\n  error    The list has 101 entries" in out


@pytest.mark.parametrize(
    "content",
    [
        "# production\nexample.com\n\n  # next\n*.example.org\n",
        '["example.com", "*.example.org"]',
        "\ufeffexample.com\r\n*.example.org\r\n",
    ],
)
def test_entries_from_a_file(tmp_path: Path, content: str) -> None:
    file = tmp_path / "allowed.txt"
    file.write_bytes(content.encode())
    result = run("--allow-file", str(file))
    assert result.exit_code == 1
    assert result.stdout.endswith("2 entries: 1 error.\n")
    assert run("--allow-file", "-", stdin=content).stdout == result.stdout


def test_file_and_arguments_together(tmp_path: Path) -> None:
    file = tmp_path / "allowed.txt"
    file.write_text("example.com\n")
    assert run("www.example.com", "--allow-file", str(file)).stdout.endswith(
        "2 entries: 2 remarks.\n"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"[1]", "not a JSON list of strings"),
        (b"[", "not a JSON list of strings"),
        (b"[" * 100_000, "not a JSON list of strings"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "allowed.txt"
    file.write_bytes(content)
    result = run("--allow-file", str(file))
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, "a\x00b"):
        result = run("--allow-file", str(path))
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")
        assert len(result.stderr.splitlines()) == 1


def test_no_entries_at_all(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    for args in ([], ["--allow-file", str(empty)]):
        result = run(*args)
        assert result.exit_code == 2
        assert "Give at least one entry" in result.stderr


def test_what_an_entry_holds_reaches_no_terminal() -> None:
    out = run("exam\x1b[2Jple.com", "a\u202eb.com").stdout
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "It can never match" in out
