"""The whole report, as every format renders it: schema `why403/report/1`."""

from __future__ import annotations

import msgspec

from diagnostics.capture.exchange import Skipped
from diagnostics.journey.verdict import Cause, Check, Finding, Verdict

SCHEMA = "why403/report/1"


class CaptureSummary(msgspec.Struct, frozen=True):
    """What was read. `exporter` joins several with commas; `exchanges` counts all of them."""

    files: tuple[str, ...]
    exporter: str
    exchanges: int
    skipped: tuple[Skipped, ...]
    blind_spots: tuple[str, ...]


class Summary(msgspec.Struct, frozen=True):
    """Counts: requests to a provider's hosts, refusals among them, refusals with a cause other
    than `unexplained`, and refusals by cause."""

    provider_requests: int
    refused: int
    explained: int
    by_cause: dict[Cause, int]


class Report(msgspec.Struct, frozen=True):
    """Everything that a diagnosis found, ready for any format. Secrets are already redacted
    unless the user asked for them; nothing in it is escaped for any format yet."""

    schema: str
    capture: CaptureSummary
    summary: Summary
    verdicts: tuple[Verdict, ...]
    checklist: tuple[Check, ...]
    findings: tuple[Finding, ...]
