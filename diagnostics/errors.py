"""The error for bad input that is not a capture: one line for a person, no traceback."""

from __future__ import annotations


class InputError(Exception):
    """What a user gave cannot be used; the message is one line that says why and what to do."""
