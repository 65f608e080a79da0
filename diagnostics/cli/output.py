"""Where a report goes and in which format."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from diagnostics.errors import InputError
from diagnostics.report.model import Report

FORMATS = ("text", "json", "markdown", "html")
_BY_ENDING = {".json": "json", ".md": "markdown", ".html": "html", ".htm": "html"}
_WIDTH = 100


def format_for(asked: str | None, output: str | None) -> str:
    """The format that was asked for, else the one of the file's ending, else text."""
    ending = Path(output).suffix.lower() if output else ""
    return asked or _BY_ENDING.get(ending, "text")


def render(report: Report, form: str, *, to_terminal: bool) -> str:
    """The report in a format; text has colours only on a terminal that wants them."""
    if form == "json":
        from diagnostics.report import json

        return json.render(report)
    if form == "markdown":
        from diagnostics.report import markdown

        return markdown.render(report)
    if form == "html":
        from diagnostics.report import html

        return html.render(report)
    from diagnostics.report import text

    on_terminal = to_terminal and sys.stdout.isatty()
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if on_terminal else _WIDTH
    colour = on_terminal and "NO_COLOR" not in os.environ
    encoding = (sys.stdout.encoding or "ascii") if to_terminal else "utf-8"
    return text.render(
        report, colour=colour, width=width, unicode=encoding.lower().replace("-", "") == "utf8"
    )


def write(text: str, output: str | None) -> None:
    """Print the report, or put it whole into a file: what stood there stays until it is written.

    Raises InputError where the file cannot be written.
    """
    if output is None or output == "-":
        click.echo(text, nl=not text.endswith("\n"), color=True)
        return
    path = Path(output)
    if path.exists() and not path.is_file():  # a pipe or device, such as /dev/stdout
        path.write_text(text, encoding="utf-8")
        return
    try:
        _replace(path.resolve(), text)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from error


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
