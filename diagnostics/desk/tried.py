"""What was tried: each fix, and each usual change, run through the model on a refused request."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources

import msgspec

from diagnostics.journey.case import Case
from diagnostics.journey.proposal import entry_for
from diagnostics.journey.verdict import Fix
from diagnostics.journey.whatif import parse_change, try_changes


class Trial(msgspec.Struct, frozen=True):
    """One change: how it is written, what it means, what the model predicts (allowed, refused or
    unknown), and what would arrive and why."""

    change: str
    says: str
    predicted: str
    effect: str


class _Usual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    change: str
    says: str


@functools.lru_cache(maxsize=1)
def _usual() -> tuple[_Usual, ...]:
    data = resources.files(__package__).joinpath("tried.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=tuple[_Usual, ...])


def try_all(case: Case, fixes: Sequence[Fix]) -> tuple[Trial, ...]:
    """The fixes that a diagnosis proposes for this request, then the usual changes; each once."""
    trials: dict[str, Trial] = {}
    for fix in fixes:
        if fix.fix not in trials and _is_change(fix.fix):
            trials[fix.fix] = _tried(case, fix.fix, fix.says)
    values = {
        "HOST": entry_for(case),
        "API": case.profile.api_hosts[0],
        "MINIMUM": case.profile.library.documented_minimum,
    }
    for usual in _usual():
        name, _, placeholder = usual.change.partition("=")
        value = values.get(placeholder, placeholder)
        change = f"{name}={value}"
        if value is not None and change not in trials and _changes_something(case, name, value):
            trials[change] = _tried(case, change, usual.says)
    return tuple(trials.values())


def _changes_something(case: Case, name: str, value: str) -> bool:
    """Whether there is anything that a usual change would change."""
    document = case.document
    match name:
        case "allow+":
            return value not in (case.allowed.entries or ()) and case.restricted is not False
        case "gl-js":
            return case.library is None or case.library.before(value)
        case "csp-":
            return document is not None and document.sandbox is not None
        case "sandbox+":
            return document is not None and document.frame_sandboxed
        case "to":
            return case.url.scheme == "http"
        case _:
            return True


def _is_change(text: str) -> bool:
    try:
        for part in text.split():
            parse_change(part)
    except ValueError:
        return False
    return bool(text.strip())


def _tried(case: Case, change: str, says: str) -> Trial:
    effect = try_changes(case, [parse_change(part) for part in change.split()])
    return Trial(change, says, effect.predicted, effect.says)
