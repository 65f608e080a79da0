"""Where a command gets a token from that must not stand among its arguments: environment, prompt.

An argument would stay in the shell's history and be seen by every user who lists processes.
"""

from __future__ import annotations

import os
import sys

import click

#: The name that the field's own tools read (Mapbox's command lines and SDKs).
VARIABLE = "MAPBOX_ACCESS_TOKEN"


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
