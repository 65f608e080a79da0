"""What a rehearsal found, as values: schema `why403/rehearsal/1`."""

from __future__ import annotations

import functools
import re
from importlib import resources

import msgspec

from diagnostics.journey.verdict import Cause, Finding, Verdict
from diagnostics.report.model import CaptureSummary

SCHEMA = "why403/rehearsal/1"


class Counts(msgspec.Struct, frozen=True):
    """Requests: to the provider, under the token's list, and of these admitted, refused, and open
    where the documentation does not say; the refused by cause."""

    provider_requests: int
    governed: int
    admitted: int
    refused: int
    open: int
    by_cause: dict[Cause, int]


class Open(msgspec.Struct, frozen=True):
    """A Referer that only `entry` may admit, of which the documentation does not say."""

    referer: str
    entry: str
    says: str
    requests: int


class EntryUse(msgspec.Struct, frozen=True):
    """How many requests of the traffic an entry of the list admits."""

    entry: str
    requests: int


class Suggested(msgspec.Struct, frozen=True):
    """An entry of the smallest list. `kind` is site, development, preview or staging; `says` is
    what to think of before it goes onto the list, "" for nothing."""

    entry: str
    requests: int
    kind: str
    says: str


class Apart(msgspec.Struct, frozen=True):
    """Referers that the smallest list does not admit, and why: `kind` is api-host, frame, other
    or impossible; `where` is the first request with one."""

    referer: str
    requests: int
    kind: str
    says: str
    where: str


class Suggestion(msgspec.Struct, frozen=True):
    """The smallest list that admits the traffic of the pages that were opened; what is left out
    of it; and how many requests carry no Referer, which no list admits."""

    entries: tuple[Suggested, ...]
    apart: tuple[Apart, ...]
    without_referer: int


class Rehearsal(msgspec.Struct, frozen=True):
    """Everything that a rehearsal found. `allowed` is the list that was rehearsed, `suggested`
    whether it is the smallest one; `verdicts` are on the requests that it would refuse."""

    schema: str
    capture: CaptureSummary
    allowed: tuple[str, ...]
    suggested: bool
    summary: Counts
    verdicts: tuple[Verdict, ...]
    open: tuple[Open, ...]
    entries: tuple[EntryUse, ...]
    smallest: Suggestion
    warnings: tuple[Finding, ...]
    cannot_see: tuple[str, ...]


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of host in `rehearsal.yaml`."""

    kind: str
    host: str
    says: str


class _Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kinds: tuple[Kind, ...]
    cannot_see: tuple[str, ...]


SITE = Kind("site", "", "")


@functools.lru_cache(maxsize=1)
def _texts() -> _Texts:
    data = resources.files(__package__).joinpath("rehearsal.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=_Texts)


def cannot_see() -> tuple[str, ...]:
    """What no recording shows, as sentences."""
    return _texts().cannot_see


def kind_of(host: str) -> Kind:
    """What kind of site a host name (lower case, at most 253 characters) seems to be."""
    return next((k for k in _texts().kinds if re.fullmatch(k.host, host[:253])), SITE)
