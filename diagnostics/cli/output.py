"""Where does a command's result go, in which format and layout? A file is put there whole."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

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

    return text.render(report, **screen(to_terminal=to_terminal))


class Screen(TypedDict):
    """How text is laid out."""

    colour: bool
    width: int
    unicode: bool


def screen(*, to_terminal: bool) -> Screen:
    """The layout for standard output, or for a file: colours only on a terminal that wants them,
    other signs than ASCII only where they can be encoded."""
    on_terminal = to_terminal and sys.stdout.isatty()
    encoding = (sys.stdout.encoding or "ascii") if to_terminal else "utf-8"
    return Screen(
        colour=on_terminal and "NO_COLOR" not in os.environ,
        width=shutil.get_terminal_size((_WIDTH, 24)).columns if on_terminal else _WIDTH,
        unicode=encoding.lower().replace("-", "") == "utf8",
    )


def write(text: str, output: str | None) -> None:
    """Print the report, or put it whole into a file: what stood there stays until it is written.

    Raises InputError where the file cannot be written.
    """
    write_pieces((text,), output)


def write_pieces(pieces: Iterable[str], output: str | None) -> None:
    """The same for a text that comes in pieces, which need not be in memory all at once."""
    if output is None or output == "-":
        last = "\n"
        for last in pieces:
            click.echo(last, nl=False, color=True)
        if not last.endswith("\n"):
            click.echo()
        return
    write_bytes((piece.encode() for piece in pieces), output)


def write_bytes(pieces: Iterable[bytes], output: str) -> None:
    """Put bytes that come in pieces whole into a file, or onto standard output for `-`. Raises
    InputError where the file cannot be written."""
    if output == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    path = Path(output)
    try:
        if path.exists() and not path.is_file():  # a pipe or device, such as /dev/stdout
            with path.open("wb") as file:
                file.writelines(pieces)
        else:
            _follow_safely(path.absolute())
            _replace(_target(path), pieces)
    except BrokenPipeError:  # the reader of /dev/stdout or of a pipe went away
        raise
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from error


def _target(path: Path) -> Path:
    """Where links lead. Raises OSError for a circle of them."""
    try:
        target = path.resolve()
    except RuntimeError:  # how Python before 3.13 says that; later ones leave a link in it
        target = path
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _follow_safely(path: Path, left: int = 40) -> None:
    """Links on the way to an output are followed, but for those that somebody else put into a
    folder where everybody may write, such as /tmp: they could lead to any file that we may write.

    The rule is that of Linux for programs that open a file (`fs.protected_symlinks` in
    https://docs.kernel.org/admin-guide/sysctl/fs.html): in a folder that everybody may write to
    and that has the sticky bit, a link has to be ours or its folder's owner's. Raises InputError.
    """
    if not hasattr(os, "geteuid"):
        return
    for part in (*reversed(path.parents), path):
        if not part.is_symlink():
            continue
        folder = part.parent.stat()
        shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        if shared and part.lstat().st_uid not in {os.geteuid(), folder.st_uid}:
            raise InputError(
                f"{part}: is a link that somebody else put into a shared folder, and is not"
                " followed. Write to another place."
            )
        if left:
            _follow_safely(part.parent / part.readlink(), left - 1)


def _replace(path: Path, pieces: Iterable[bytes]) -> None:
    # Who may read what stood there may read what comes in its place, and nobody else.
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    # Named before it is there, so that it is found again whenever this is interrupted.
    temporary = path.parent / f".{path.name[:60]}.{os.urandom(8).hex()}"
    try:
        with open(temporary, "xb", opener=_for_us_alone) as file:
            file.writelines(pieces)
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
