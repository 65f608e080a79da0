"""Writes a folder whole or not at all: beside its place first, then moved there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from diagnostics.errors import InputError


def check(path: Path, *, force: bool | None = None) -> None:
    """Raises InputError where a folder cannot be written to `path`, before any work is done;
    `force` is None where the command has no such option."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise InputError(f"{there}: is no folder. Name another one.")
    if not os.access(there, os.W_OK):
        raise InputError(f"{there}: may not be written to by you. Name another folder.")
    if not force and path.is_dir() and any(path.iterdir()):
        other = "" if force is None else ", or use --force"
        raise InputError(f"{path}: is not empty. Name another folder{other}.")


def write(
    path: Path, files: Mapping[str, bytes], *, force: bool | None = None, ours: Collection[str] = ()
) -> None:
    """Write `files` (name, or folder/name, to content) as the folder `path`, readable by this user
    alone.

    With `force`, a folder that is not empty keeps what it holds besides: files of the same names
    are replaced, and others of `ours`, left from an earlier time, deleted. Raises InputError.
    """
    check(path, force=force)
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        for name, content in files.items():
            (temporary / name).parent.mkdir(exist_ok=True)
            (temporary / name).write_bytes(content)
        if target.is_dir() and any(target.iterdir()):
            _fill(target, temporary, set(ours) - set(files))
        else:
            with contextlib.suppress(FileNotFoundError):
                target.rmdir()  # Windows renames nothing onto an empty folder
            temporary.rename(target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _fill(target: Path, temporary: Path, stale: Collection[str]) -> None:
    for file in sorted(temporary.iterdir()):
        file.replace(target / file.name)
    for name in stale:
        with contextlib.suppress(FileNotFoundError):
            (target / name).unlink()
