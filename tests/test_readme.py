"""Everything in the README is run: its transcripts, its tables, its two commands."""

from __future__ import annotations

import re
from pathlib import Path

from tests import readme

TEXT = readme.README.read_text("utf-8")


def test_tables_and_transcripts_are_what_the_program_says() -> None:
    assert readme.written(TEXT) == TEXT, "python -m tests.readme writes them anew"


def test_there_are_transcripts_and_tables() -> None:
    assert "```console\n$ why403 diagnose" in TEXT
    for part in readme.PARTS:
        assert f"<!-- {part} -->" in TEXT


def test_its_two_commands_are_targets_of_make() -> None:
    makefile = (readme.ROOT / "Makefile").read_text()
    commands = re.findall(r"^make ([a-z]+)", TEXT, re.MULTILINE)
    assert commands[:2] == ["demo", "test"]
    for command in commands:
        assert re.search(rf"^{command}:", makefile, re.MULTILINE), command


def test_files_that_it_names_are_there() -> None:
    for name in re.findall(r"\]\(([a-z][^):]+)\)", TEXT):
        assert (Path(readme.ROOT) / name).exists(), name
