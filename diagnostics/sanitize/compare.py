"""Does a diagnosis say the same of a sanitized capture as of the original?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from diagnostics.journey.verdict import Verdict
from diagnostics.report.model import Report


def differences(before: Report, after: Report) -> Iterator[str]:
    """What is not the same, a sentence each: the verdict on each entry with its confidence and
    its alternatives, the findings, the checklist."""
    if len(before.verdicts) != len(after.verdicts):
        yield f"{len(before.verdicts)} refusals before, {len(after.verdicts)} after"
    for old, new in zip(before.verdicts, after.verdicts, strict=False):
        if _essence(old) != _essence(new):
            yield (
                f"entry {old.index}: {old.cause} ({old.confidence}) before,"
                f" {new.cause} ({new.confidence}) after{_where(old, new)}"
            )
    for findings in zip_longest(_findings(before), _findings(after)):
        if findings[0] != findings[1]:
            yield f"findings: {_shown(findings[0])} before, {_shown(findings[1])} after"
            break
    for was, now in zip(before.checklist, after.checklist, strict=False):
        if (was.check, was.status) != (now.check, now.status):
            yield f"check {was.check}: {was.status} before, {now.status} after"


def _essence(verdict: Verdict) -> tuple[Any, ...]:
    return (
        verdict.index,
        verdict.status,
        verdict.cause,
        verdict.confidence,
        tuple((other.cause, other.confidence) for other in verdict.alternatives),
    )


def _where(old: Verdict, new: Verdict) -> str:
    if old.index != new.index:
        return f" (entry {new.index})"
    same = (old.cause, old.confidence) == (new.cause, new.confidence)
    return " with other alternatives" if same else ""


def _findings(report: Report) -> list[tuple[str, str]]:
    return sorted((finding.finding, finding.severity) for finding in report.findings)


def _shown(finding: tuple[str, str] | None) -> str:
    return finding[0] if finding else "none"
