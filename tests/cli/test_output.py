"""Where a report goes, in which format, and that a file is whole or as it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.cli import output
from diagnostics.errors import InputError
from diagnostics.report.model import SCHEMA, CaptureSummary, Report, Summary

EMPTY = Report(SCHEMA, CaptureSummary(("a.har",), "x", 0, (), ()), Summary(0, 0, 0, {}), (), (), ())


@pytest.mark.parametrize(
    ("asked", "file", "form"),
    [
        (None, None, "text"),
        (None, "-", "text"),
        (None, "a.json", "json"),
        (None, "a.md", "markdown"),
        (None, "x/A.HTML", "html"),
        (None, "a.htm", "html"),
        (None, "a.txt", "text"),
        (None, "json", "text"),
        ("json", "a.html", "json"),
        ("text", "a.json", "text"),
    ],
)
def test_the_format(asked: str | None, file: str | None, form: str) -> None:
    assert output.format_for(asked, file) == form


def test_every_format_renders() -> None:
    said = {form: output.render(EMPTY, form, to_terminal=False) for form in output.FORMATS}
    assert json.loads(said["json"])["schema"] == SCHEMA
    assert said["html"].startswith("<!doctype html>")
    assert said["markdown"].startswith("#")
    assert "a.har" in said["text"]
    assert len(set(said.values())) == 4


class Stream:
    """Standard output as it may be."""

    def __init__(self, encoding: str | None, terminal: bool) -> None:
        self.encoding, self._terminal = encoding, terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("encoding", "terminal", "no_colour", "to_terminal", "colour", "unicode"),
    [
        ("utf-8", True, False, True, True, True),
        ("UTF8", True, True, True, False, True),
        ("cp1252", True, False, True, True, False),
        (None, False, False, True, False, False),
        ("utf-8", False, False, True, False, True),
        ("cp1252", True, False, False, False, True),  # a file is always UTF-8
    ],
)
def test_the_layout(
    monkeypatch: pytest.MonkeyPatch,
    encoding: str | None,
    terminal: bool,
    no_colour: bool,
    to_terminal: bool,
    colour: bool,
    unicode: bool,
) -> None:
    monkeypatch.setattr("sys.stdout", Stream(encoding, terminal))
    monkeypatch.setenv("COLUMNS", "57")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "")
    found = output.screen(to_terminal=to_terminal)
    assert (found["colour"], found["unicode"]) == (colour, unicode)
    assert found["width"] == (57 if terminal and to_terminal else 100)


@pytest.mark.parametrize("target", [None, "-"])
def test_what_is_printed_ends_its_line(
    target: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    output.write("a\nb", target)
    output.write("c\n", target)
    output.write_pieces(["d", "\x1b[1me"], target)
    assert capsys.readouterr().out == "a\nb\nc\nd\x1b[1me\n"


def test_bytes_on_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.write_bytes([b"\xff\x00", b"x"], "-")
    assert capfdbinary.readouterr().out == b"\xff\x00x"


def test_a_file_is_put_there_whole(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    output.write("ä\n", str(file))
    assert file.read_bytes() == "ä\n".encode()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o027])
def test_a_new_file_is_as_private_as_others(tmp_path: Path, mask: int) -> None:
    file = tmp_path / "report.html"
    before = os.umask(mask)
    try:
        output.write("x", str(file))
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_that_was_private_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.touch(mode=0o600)
    before = os.umask(0)
    try:
        output.write("x", str(file))
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "x"


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("before")

    def pieces() -> Iterator[str]:
        yield "half"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        output.write_pieces(pieces(), str(file))
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("before")
    link.symlink_to(real)
    output.write("after", str(link))
    assert link.is_symlink()
    assert real.read_text() == "after"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        output.write("x", str(pipe))
        assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["gone/report.html", ".", "file/report.html"])
def test_what_cannot_be_written_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written: [A-Z]") as error:
        output.write("x", str(tmp_path / name))
    assert "\n" not in str(error.value)
