"""What the user tells about the token: options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from diagnostics.cli import allow_file as entries_file
from diagnostics.cli import given
from diagnostics.errors import InputError
from diagnostics.journey.told import Allowed, Told, read_tokens

_F = TypeVar("_F", bound=Callable[..., object])


def options(command: _F) -> _F:
    """Give a command `--allow`, `--allow-file`, `--unrestricted` and `--tokens`."""
    for option in (
        click.option(
            "--tokens",
            "tokens_file",
            metavar="F",
            help="The Tokens API's list, as `why403 token --api -o F` saves it.",
        ),
        click.option(
            "--unrestricted", is_flag=True, help="The token is known to have no allowed URLs."
        ),
        click.option("--allow-file", metavar="F", help="Allowed URLs from a file, one a line."),
        click.option(
            "--allow", metavar="ENTRY", multiple=True, help="An allowed URL of the token."
        ),
    ):
        command = option(command)
    return command


def entries(allow: Sequence[str], allow_path: str | None) -> list[str]:
    """All entries of `--allow` and `--allow-file`. Raises InputError."""
    return [*allow, *(entries_file.read(allow_path) if allow_path is not None else ())]


def told(
    allow: Sequence[str], allow_path: str | None, unrestricted: bool, tokens_path: str | None
) -> Told:
    """What these options say together. Raises UsageError where they contradict each other and
    InputError where a file cannot be used."""
    known = entries(allow, allow_path)
    if unrestricted and known:
        raise click.UsageError("--unrestricted and a list of allowed URLs contradict each other.")
    everywhere = Allowed()
    if unrestricted:
        everywhere = Allowed((), "--unrestricted")
    elif known:
        everywhere = Allowed(tuple(known), "the list that was told")
    elif allow_path is not None:
        raise InputError(f"{allow_path}: holds no allowed URL; --unrestricted says there is none")
    by_id = {}
    if tokens_path is not None:
        try:
            by_id = read_tokens(given.content(tokens_path))
        except ValueError as error:
            raise InputError(f"{tokens_path}: {error}") from error
    return Told(everywhere, by_id)
