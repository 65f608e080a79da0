"""What a command is given: files that options name, standard input, which is read once, changes.

Every command that takes `-` comes here, so that closed input, and input that two things want, are
told in one line.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from diagnostics.errors import InputError

if TYPE_CHECKING:
    from diagnostics.capture.exchange import Capture
    from diagnostics.journey.whatif import Change

_TAKEN = "why403.stdin"
_WORTH_A_WORD = 20_000_000  # bytes; smaller files are done before anybody wonders


def announce(doing: str, path: str) -> None:
    """Tell the person at the terminal that a large file takes a while."""
    if not sys.stderr.isatty() or path == "-":
        return
    file = Path(path)
    if file.is_file() and (size := file.stat().st_size) > _WORTH_A_WORD:
        from diagnostics.report.redaction import redact_text
        from diagnostics.report.terminal import plain

        click.echo(f"{doing} {plain(redact_text(path))} ({size / 1e6:,.0f} MB) …", err=True)


def stdin() -> BinaryIO:
    """Standard input. Raises InputError where it is closed, or where this command has read it
    already: a stream has one end."""
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InputError("standard input: is not connected. Give the name of a file.")
    context = click.get_current_context(silent=True)
    if context is not None:
        if context.meta.get(_TAKEN):
            raise InputError("standard input: only one thing can be read from it (-). Name a file.")
        context.meta[_TAKEN] = True
    return stream


def content(path: str) -> bytes:
    """The content of a file, `-` is standard input. Raises InputError."""
    if path == "-":
        return stdin().read()
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise InputError(f"{path or repr(path)}: cannot be read: {said}") from error


def changes(texts: Sequence[str]) -> list[Change]:
    """The changes of `--what-if`. Raises UsageError with what is possible."""
    from diagnostics.journey.whatif import parse_change

    try:
        return [parse_change(text) for text in texts]
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def spare(output: str | None, *paths: str | None) -> None:
    """Raises UsageError where the result would take the place of a file that is read: a customer's
    capture is not to be had again."""
    for path in paths if output not in {None, "-"} else ():
        if path is not None and _is_same_file(path, str(output)):
            raise click.UsageError(
                f"{output}: is what this command reads, and the result would take its place."
                " Name another file."
            )


def _is_same_file(path: str, output: str) -> bool:
    try:
        return Path(output).is_file() and Path(path).samefile(output)
    except (OSError, ValueError):
        return False


def captures(paths: Sequence[str]) -> list[Capture]:
    """The captures in these files, `-` is standard input. Raises CaptureError and InputError."""
    from diagnostics.capture.open import open_captures  # small commands read no captures

    return [
        capture
        for path in paths
        for capture in open_captures([path], stdin() if path == "-" else None)
    ]
