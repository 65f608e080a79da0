"""Reads `--allow-file`: a token's allowed URLs, a line each or as the Tokens API's JSON list."""

from __future__ import annotations

import msgspec

from diagnostics.cli import given
from diagnostics.errors import InputError


class _Listed(msgspec.Struct, rename="camel"):
    allowed_urls: list[str] | None


def read(path: str) -> list[str]:
    """The entries of a file (`-` is stdin), as they stand there.

    Blank lines and lines that begin with `#` are left out. What begins as JSON does has to be a
    list of strings, or one token as the Tokens API gives it, alone or in a list. Raises
    InputError for a file that cannot be read.
    """
    try:
        text = given.content(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the file is not UTF-8 text") from error
    if text.lstrip().startswith(("[", "{")):
        try:
            found = msgspec.json.decode(text, type=list[str | _Listed] | _Listed)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise InputError(f"{path}: not a JSON list of strings: {error}") from error
        return _entries(path, found if isinstance(found, list) else [found])
    lines = text.splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _entries(path: str, found: list[str | _Listed]) -> list[str]:
    tokens = [one for one in found if isinstance(one, _Listed)]
    if not tokens:
        return [one for one in found if isinstance(one, str)]
    if len(found) > 1:
        raise InputError(
            f"{path}: holds {len(found)} tokens: pass the file with --tokens, which looks up the"
            " captured one, or write one token's allowedUrls alone"
        )
    return tokens[0].allowed_urls or []
