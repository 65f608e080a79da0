"""Reads `--allow-file`: a token's allowed URLs, a line each or as the Tokens API's JSON list."""

from __future__ import annotations

import msgspec

from diagnostics.cli import given
from diagnostics.errors import InputError


def read(path: str) -> list[str]:
    """The entries of a file (`-` is stdin), as they stand there.

    Blank lines and lines that begin with `#` are left out; one that begins as JSON does has to
    be a list of strings. Raises InputError for a file that cannot be read.
    """
    try:
        text = given.content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the file is not UTF-8 text") from error
    if text.lstrip().startswith(("[", "{")):
        try:
            return msgspec.json.decode(text, type=list[str])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise InputError(f"{path}: not a JSON list of strings: {error}") from error
    lines = text.splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
