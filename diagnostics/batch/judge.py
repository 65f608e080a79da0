"""What a worker does: places to rows. One function, the same in a process and on a cluster.

Nothing is shared with whoever asks: places, what is told about the tokens and the checksums that
are known go in, rows come out, free of secrets. A capture that cannot be judged is a result too.
"""

from __future__ import annotations

import contextlib
import hashlib
import zipfile
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics import __version__
from diagnostics.batch.place import LARGEST, GoneError, Place, read
from diagnostics.browser.names import name_and_version
from diagnostics.capture import archive as archives
from diagnostics.capture.exchange import Capture, CaptureError, Exchange
from diagnostics.capture.oneline import printable
from diagnostics.capture.open import read_data
from diagnostics.capture.request import read_request
from diagnostics.capture.unpack import Allowance, Data, Limits
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Finding, Verdict
from diagnostics.report import wording
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain

#: How much of one string is kept; a URL of a capture may be megabytes long.
_LONGEST = 2000

Value = str | int | None


class Task(msgspec.Struct, frozen=True):
    """A place to judge. `known` are checksums of contents that need not be judged again. `data`
    is the file's content where the worker cannot reach the file itself."""

    place: Place
    known: frozenset[str] = frozenset()
    data: bytes | None = None


class Judged(msgspec.Struct, frozen=True):
    """A capture's rows: its own values, and those of its verdicts and findings, in the order of
    `CAPTURE`, `VERDICT` and `FINDING`."""

    place: Place
    size: int
    sha256: str
    capture: tuple[Value, ...]
    verdicts: tuple[tuple[Value, ...], ...]
    findings: tuple[tuple[Value, ...], ...]


class Known(msgspec.Struct, frozen=True):
    """A content that was judged before."""

    place: Place
    size: int
    sha256: str


class Failed(msgspec.Struct, frozen=True):
    """A capture that cannot be judged, and why; without a checksum it could not even be read."""

    place: Place
    reason: str
    size: int | None = None
    sha256: str = ""


class NoCapture(msgspec.Struct, frozen=True):
    """A file that lies among captures and is none."""

    place: Place
    reason: str


class Members(msgspec.Struct, frozen=True):
    """An archive of several captures: each is a place of its own."""

    place: Place
    members: tuple[Place, ...]


class Unreachable(msgspec.Struct, frozen=True):
    """A file that is not there, seen from this worker."""

    place: Place
    reason: str


Outcome = Judged | Known | Failed | NoCapture | Members | Unreachable

CAPTURE = ("exporter", "exchanges", "provider_requests", "refused", "explained", "unreadable")
VERDICT = (
    "member", "entry", "method", "url", "status", "provider", "page", "referer", "cause",
    "confidence", "because", "stage", "browser", "browser_version", "fix", "predicted",
)  # fmt: skip
FINDING = ("finding", "severity", "says", "found_at")


def version() -> str:
    """This worker's version of the program."""
    return __version__


def judge(
    tasks: Sequence[Task],
    told: Told,
    base: str = "",
    limits: Limits = Limits(),  # noqa: B008 (immutable)
) -> list[Outcome]:
    """Judge a few places, in order; names of files are relative to the folder `base`. Never
    raises for what is in a file."""
    outcomes: list[Outcome] = []
    files = _Files(base, limits)
    with contextlib.closing(files):
        for task in tasks:
            try:
                outcomes.append(_judge(task, files, told, limits))
            except GoneError as error:
                outcomes.append(Unreachable(task.place, why_not(error, task.place)))
            except CaptureError as error:
                outcomes.append(Failed(task.place, why_not(error, task.place)))
            except (MemoryError, RecursionError) as error:
                reason = f"takes too much memory ({type(error).__name__})"
                outcomes.append(Failed(task.place, reason))
            except Exception as error:  # a fault of ours may not cost the other captures
                said = plain(redact_text(f"{type(error).__name__}: {error}"), 300)
                reason = f"why403 failed on it: {said}"
                outcomes.append(Failed(task.place, reason))
    return outcomes


class _Files:
    """The file that was read last, and its archive, so that its members need no new start."""

    def __init__(self, base: str, limits: Limits) -> None:
        self._base = base
        self._limits = limits
        self._file = ""
        self._data: Data = b""
        self._archive: zipfile.ZipFile | None = None

    def data(self, task: Task) -> Data:
        if task.place.file != self._file:
            self.close()
            if task.data is not None:
                self._data = task.data
            else:
                self._data = read(task.place, self._base, self._limits)
            self._file = task.place.file
        return self._data

    def archive(self, task: Task) -> zipfile.ZipFile:
        data = self.data(task)
        if self._archive is None:
            self._archive = archives.open_archive(data, task.place.shown)
        return self._archive

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
        self._file, self._data, self._archive = "", b"", None


def _judge(task: Task, files: _Files, told: Told, limits: Limits) -> Outcome:
    place, shown = task.place, task.place.shown
    if place.entry >= 0:
        archive = files.archive(task)
        info = _member(archive, place)
        allowance = Allowance(limits, info.compress_size, shown)
        data = archives.unpack(archive, info, shown, allowance)
    else:
        data = files.data(task)
        if data[:4] in {b"PK\x03\x04", b"PK\x05\x06"} and (members := _members(files, task)):
            return Members(place, members)
    size, digest = len(data), hashlib.sha256(data).hexdigest()
    if digest in task.known:
        return Known(place, size, digest)
    try:
        captures = read_data(data, shown, limits)
    except CaptureError as error:
        reason = why_not(error, place)
        if place.named or _is_meant(place, data):
            return Failed(place, reason, size, digest)
        return NoCapture(place, reason)
    return _rows(place, size, digest, captures, told)


def _member(archive: zipfile.ZipFile, place: Place) -> zipfile.ZipInfo:
    infos = archive.infolist()
    if place.entry >= len(infos):
        raise CaptureError("the archive was changed while it was read. Run the command again.")
    return infos[place.entry]


def _members(files: _Files, task: Task) -> tuple[Place, ...]:
    """The captures of an archive where they are several; none where it is to be read as one."""
    archive = files.archive(task)
    found = archives.candidates(archive, task.place.shown)
    if len(found) < 2:
        return ()
    position = {id(info): number for number, info in enumerate(archive.infolist())}
    numbers: dict[str, int] = {}
    taken: set[str] = set()
    places = []
    for info in found:
        name = own = printable(info.filename)
        while name in taken:  # another member may really be called `a.har (2)`
            numbers[own] = numbers.get(own, 1) + 1
            name = f"{own} ({numbers[own]})"
        taken.add(name)
        size = info.file_size if info.file_size <= LARGEST else None
        place = msgspec.structs.replace(
            task.place, member=name, entry=position[id(info)], size=size, named=False
        )
        places.append(place)
    return tuple(places)


def _is_meant(place: Place, data: Data) -> bool:
    """Whether a file that cannot be read is a damaged capture rather than something else: by its
    name, or because it begins as a HAR does."""
    name = (place.member or place.path).lower()
    return name.endswith(archives.CAPTURES) or b'"log"' in data[:1024]


def why_not(error: CaptureError, place: Place) -> str:
    """An error's message without the name that it begins with, which stands beside it."""
    said = str(error).removeprefix(f"{place.shown}: ")
    return plain(redact_text(said), _LONGEST)


def _rows(place: Place, size: int, digest: str, captures: Sequence[Capture], told: Told) -> Judged:
    report = diagnose(captures, told)
    exchanges = _Exchanges(captures)
    summary = report.summary
    return Judged(
        place,
        size,
        digest,
        (
            plain(report.capture.exporter, 200),
            report.capture.exchanges,
            summary.provider_requests,
            summary.refused,
            summary.explained,
            len(report.capture.skipped),
        ),
        tuple(_verdict(place, found, exchanges) for found in report.verdicts),
        tuple(map(_finding, report.findings)),
    )


class _Exchanges:
    """The exchanges of captures, by file and position."""

    def __init__(self, captures: Iterable[Capture]) -> None:
        self._captures = {redact_text(capture.file): capture for capture in captures}
        self._only = next(iter(self._captures.values())) if len(self._captures) == 1 else None
        self._by_index: dict[str, dict[int, Exchange]] = {}

    def browser(self, verdict: Verdict) -> tuple[str, str]:
        capture = self._captures.get(verdict.file, self._only)
        if capture is None:
            return "", ""
        known = self._by_index.get(verdict.file)
        if known is None:
            known = {exchange.index: exchange for exchange in capture.exchanges}
            self._by_index[verdict.file] = known
        exchange = known.get(verdict.index)
        if exchange is None:
            return "", ""
        agent = exchange.request_headers.get("user-agent")
        return name_and_version(read_request(exchange, capture).client, agent)


def _verdict(place: Place, verdict: Verdict, exchanges: _Exchanges) -> tuple[Value, ...]:
    station = wording.broken(verdict.journey)
    fix = wording.best_fix(verdict.fixes)
    browser, browser_version = exchanges.browser(verdict)
    return (
        plain(verdict.file.removeprefix(place.shown).lstrip("/"), _LONGEST),
        verdict.index,
        plain(verdict.method, 40),
        plain(verdict.url, _LONGEST),
        verdict.status,
        verdict.provider,
        _text(verdict.page),
        _text(verdict.referer),
        verdict.cause.value,
        verdict.confidence.value,
        plain(verdict.because, _LONGEST),
        station.stage.value if station is not None else None,
        browser,
        browser_version,
        plain(fix.says, _LONGEST) if fix is not None else None,
        fix.predicted if fix is not None else None,
    )


def _finding(found: Finding) -> tuple[Value, ...]:
    return (
        found.finding,
        found.severity,
        plain(found.says, _LONGEST),
        plain(found.where, _LONGEST),
    )


def _text(value: str | None) -> str | None:
    return plain(value, _LONGEST) if value is not None else None
