"""What the options about the token mean, alone and together."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from diagnostics.cli import told as about_token
from diagnostics.errors import InputError
from diagnostics.journey.told import Allowed, Told

LIST = [{"id": "ck0a", "usage": "pk", "allowedUrls": ["shop.example.com"]}]


def test_nothing_is_told() -> None:
    assert about_token.told((), None, False, None) == Told()


def test_entries_come_from_options_and_file_in_order(tmp_path: Path) -> None:
    file = tmp_path / "allowed.txt"
    file.write_text("# production\nb.example\n\nc.example\n")
    assert about_token.entries(["a.example"], str(file)) == ["a.example", "b.example", "c.example"]
    told = about_token.told(("a.example",), str(file), False, None)
    assert told.everywhere.entries == ("a.example", "b.example", "c.example")


def test_unrestricted_is_a_list_without_entries() -> None:
    told = about_token.told((), None, True, None)
    assert told.everywhere.unrestricted
    assert told.everywhere.entries == ()


@pytest.mark.parametrize("content", ["", "# nothing\n", "[]"])
def test_an_empty_file_says_nothing_about_restrictions(tmp_path: Path, content: str) -> None:
    file = tmp_path / "allowed.txt"
    file.write_text(content)
    with pytest.raises(InputError, match="no allowed URL; --unrestricted says"):
        about_token.told((), str(file), False, None)
    assert about_token.told((), str(file), True, None).everywhere.unrestricted


def test_a_list_contradicts_unrestricted() -> None:
    with pytest.raises(click.UsageError, match="contradict"):
        about_token.told(("a.example",), None, True, None)


def test_lists_by_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(LIST))
    told = about_token.told((), None, False, str(file))
    assert told.by_id["ck0a"].entries == ("shop.example.com",)
    assert told.everywhere == Allowed()
    stdin = SimpleNamespace(buffer=io.BytesIO(file.read_bytes()))
    monkeypatch.setattr("sys.stdin", stdin)
    assert about_token.told((), None, False, "-") == told


@pytest.mark.parametrize("content", [b"", b"{", b'"text"', b"\xff"])
def test_what_is_no_list_of_tokens(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "tokens.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"tokens\.json: ") as error:
        about_token.told((), None, False, str(file))
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"gone\.json: cannot be read: No such file"):
        about_token.told((), None, False, str(tmp_path / "gone.json"))


def test_a_command_gets_the_four_options() -> None:
    seen: list[object] = []

    @click.command()
    @about_token.options
    def command(**values: object) -> None:
        seen.append(values)

    words = ["--allow", "a", "--allow", "b", "--allow-file", "f", "--unrestricted", "--tokens", "t"]
    assert CliRunner().invoke(command, words).exit_code == 0
    assert CliRunner().invoke(command, []).exit_code == 0
    assert seen == [
        {"allow": ("a", "b"), "allow_file": "f", "unrestricted": True, "tokens_file": "t"},
        {"allow": (), "allow_file": None, "unrestricted": False, "tokens_file": None},
    ]
