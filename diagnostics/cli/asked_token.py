"""Where a command gets a token from that must not stand among its arguments: environment, prompt.

An argument would stay in the shell's history and be seen by every user who lists processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import click

#: The name that the field's own tools read (Mapbox's command lines and SDKs).
VARIABLE = "MAPBOX_ACCESS_TOKEN"
API_URL = "https://api.mapbox.com"

_F = TypeVar("_F", bound=Callable[..., object])


def options(what: str) -> Callable[[_F], _F]:
    """Give a command that sends requests `--token-env` and `--api-url`; `what` is the token."""

    def add(command: _F) -> _F:
        for option in (
            click.option(
                "--api-url",
                metavar="URL",
                default=API_URL,
                show_default=True,
                help="Where to send; https, or http on this machine.",
            ),
            click.option(
                "--token-env",
                metavar="NAME",
                default=VARIABLE,
                show_default=True,
                help=f"The environment variable that holds the {what}.",
            ),
        ):
            command = option(command)
        return command

    return add


def ask(variable: str, what: str) -> str:
    """The token in the environment variable, else what a person types without seeing it.

    Raises UsageError where the variable is empty and there is nobody to ask.
    """
    text = os.environ.get(variable, "").strip()
    if text:
        return text
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"There is no {what}: put it into the environment variable {variable}, or run the"
            " command in a terminal and type it there. It is never an argument."
        )
    prompted: str = click.prompt(
        f"{what[:1].upper()}{what[1:]} (not shown)", hide_input=True, err=True
    )
    return prompted.strip()
