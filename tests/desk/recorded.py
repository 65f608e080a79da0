"""Captures of the fixtures, called by their files' names alone."""

from __future__ import annotations

import fixtures
from diagnostics.capture.exchange import Capture
from diagnostics.capture.open import map_file, read_data


def recorded(name: str) -> list[Capture]:
    """The capture in a file of the fixtures."""
    path = fixtures.ROOT / "captures" / name
    return read_data(map_file(str(path), name), name)
