"""`--allow-file`: lines or a JSON list, and one line of error for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.cli import allow_file
from diagnostics.errors import InputError


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        ("", []),
        ("\n\n", []),
        ("a.example\nb.example", ["a.example", "b.example"]),
        ("# a note\n  # another\na.example # not a note\n", ["a.example # not a note"]),
        (" a.example \r\n", [" a.example "]),
        ('["a.example", ""]', ["a.example", ""]),
        ("\n [\n]", []),
        ("\ufeffa.example", ["a.example"]),
        ('{"id": "x", "allowedUrls": ["a.example"]}', ["a.example"]),
        ('[{"id": "x", "allowedUrls": ["a.example"], "token": "pk.x"}]', ["a.example"]),
        ('[{"allowedUrls": null}]', []),
    ],
)
def test_entries_as_they_stand(tmp_path: Path, content: str, entries: list[str]) -> None:
    file = tmp_path / "allowed"
    file.write_bytes(content.encode())
    assert allow_file.read(str(file)) == entries


@pytest.mark.parametrize("content", ['{"log": {}}', '["a.example"', "[1]", '[{"id": "x"}]'])
def test_json_that_is_no_list_of_strings(tmp_path: Path, content: str) -> None:
    file = tmp_path / "allowed"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON list of strings"):
        allow_file.read(str(file))


def test_several_tokens_are_for_another_option(tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text('[{"allowedUrls": ["a.example"]}, {"allowedUrls": []}]')
    with pytest.raises(InputError, match="holds 2 tokens: pass the file with --tokens"):
        allow_file.read(str(file))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=40))
def test_any_bytes_give_entries_or_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "allowed"
    file.write_bytes(content)
    try:
        entries = allow_file.read(str(file))
    except InputError as error:
        entries = [str(error)]
    assert all(isinstance(entry, str) for entry in entries)


@pytest.mark.parametrize("name", [".", "missing", "a\x00b"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        allow_file.read(f"{tmp_path}/{name}")
