"""What a reproduction came to, as every format renders it: schema `why403/reproduce/1`."""

from __future__ import annotations

import enum

import msgspec

from diagnostics.journey.verdict import Cause
from diagnostics.reproduce.compare import Result, Row

SCHEMA = "why403/reproduce/1"


class Proof(enum.StrEnum):
    """What became of a fix that was to be tried."""

    PROVED = "proved"
    FAILED = "not proved"
    UNPLAYABLE = "not tried"


class Trial(msgspec.Struct, frozen=True):
    """One fix: what it is, what the model predicted, how many requests it is about were refused
    before, and how many of these kinds were refused and answered after. `why` says why it was not
    tried, or what was seen instead."""

    cause: Cause
    fix: str
    says: str
    predicted: str
    proof: Proof
    before: int
    refused: int = 0
    answered: int = 0
    why: str = ""


class Run(msgspec.Struct, frozen=True):
    """One browser: its name and version, what was compared, and the fixes that were tried."""

    client: str
    rows: tuple[Row, ...]
    trials: tuple[Trial, ...] = ()
    notes: tuple[str, ...] = ()
    refused: int = 0
    answered: int = 0

    @property
    def reproduced(self) -> bool:
        """Whether all was as it was to be."""
        return all(row.result is Result.REPRODUCED for row in self.rows)


class Outcome(msgspec.Struct, frozen=True):
    """The whole: the case, what to know about it, and each browser that played it."""

    schema: str
    title: str
    notes: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def reproduced(self) -> bool:
        return bool(self.runs) and all(run.reproduced for run in self.runs)
