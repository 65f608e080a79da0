"""Reads the captures in a zip archive: an upload of several, or Playwright's `recordHar` archive.

Playwright puts `har.har` and beside it the bodies, named in each entry as `_file`; those that a
diagnosis reads are put back into the HAR.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from diagnostics.capture.exchange import Capture, CaptureError, Skipped
from diagnostics.capture.oneline import printable
from diagnostics.capture.strangers import strangers
from diagnostics.capture.unpack import Allowance, Data, TooMuchError, hold

#: Reads one member: its data and name to its captures; raises CaptureError.
Read = Callable[[Data, str], list[Capture]]

#: Endings of names that say that a file is meant to be a capture.
CAPTURES = (".har", ".har.gz", ".zhar", ".flow", ".flows", ".mitm", ".mitmproxy")
_PERHAPS = (".json", ".gz", ".zip", ".txt", ".curl", ".sh", ".bat", ".cmd", ".log", ".dump")
_OWN = "har.har"  # Playwright's name for the capture beside its bodies
_MEMBERS = 10_000
_BODY = 1 << 20
_BANNER = 4096


class _Window(io.RawIOBase):
    """Data as a file; a mapped file is no file to `zipfile` before Python 3.13."""

    def __init__(self, data: Data) -> None:
        self._view = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        piece = self._view[self._at : self._at + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def read_archive(data: Data, file: str, allowance: Allowance, read: Read) -> list[Capture]:
    """The captures in a zip archive, in its order; `read` reads one member.

    A member that should be a capture and cannot be read is a capture without exchanges whose
    `skipped` says why. Raises CaptureError where the archive is damaged or locked, or holds none.
    """
    with open_archive(data, file) as archive:
        return _read_members(archive, file, allowance, read)


def open_archive(data: Data, file: str) -> zipfile.ZipFile:
    """A zip archive, to be closed. Raises CaptureError where it is damaged."""
    with _damage_said(file):
        return zipfile.ZipFile(io.BufferedReader(_Window(data)))


def candidates(archive: zipfile.ZipFile, file: str) -> list[zipfile.ZipInfo]:
    """The members that may be captures; only `har.har` where the others are its bodies. Raises
    CaptureError where the archive is locked, or another program's."""
    says = strangers().archives
    members = [info for info in archive.infolist()[:_MEMBERS] if _is_candidate(info)]
    names = [name.lower() for name in archive.namelist()[:_MEMBERS]]
    if any(name.startswith("raw/") and name.endswith(("_c.txt", "_s.txt")) for name in names):
        raise CaptureError(f"{file}: {says['fiddler']}")
    if any(info.flag_bits & 1 for info in members):
        raise CaptureError(f"{file}: {says['locked']}")
    return [info for info in members if info.filename == _OWN] or members


def unpack(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, allowance: Allowance
) -> Data:
    """One member's content. Raises CaptureError where it is damaged or too much."""
    with _damage_said(name):
        return hold(_pieces(archive, info), allowance)


@contextlib.contextmanager
def _damage_said(file: str) -> Iterator[None]:
    try:
        yield
    except CaptureError:
        raise
    except Exception:  # zipfile, and each decompressor under it, has errors of its own
        raise CaptureError(f"{file}: {strangers().archives['damaged']}") from None


def _read_members(
    archive: zipfile.ZipFile, file: str, allowance: Allowance, read: Read
) -> list[Capture]:
    says = strangers().archives
    captures: list[Capture] = []
    failed: list[tuple[str, str]] = []
    for info in candidates(archive, file):
        name = f"{file}/{printable(info.filename)}"
        try:
            content = unpack(archive, info, file, allowance)
            if info.filename == _OWN:
                content = _with_bodies(content, archive, allowance)
            captures += read(content, name)
        except TooMuchError:
            raise
        except CaptureError as error:
            if info.filename.lower().endswith(CAPTURES):
                failed.append((name, str(error)))
    if not captures:
        if failed:
            raise CaptureError(failed[0][1])
        names = archive.namelist()[:_MEMBERS]
        traced = any(name.lower().endswith((".trace", "trace.network")) for name in names)
        raise CaptureError(f"{file}: {says['trace' if traced else 'empty']}")
    for name, reason in failed:
        reason = reason.removeprefix(f"{name}: ")
        captures.append(Capture(name, "", (), skipped=(Skipped(name, None, reason),)))
    return captures


def _is_candidate(info: zipfile.ZipInfo) -> bool:
    folder, _, name = info.filename.lower().rpartition("/")
    if not name or name.startswith(".") or folder.startswith("__macosx"):
        return False
    return name.endswith(CAPTURES + _PERHAPS) or "." not in name


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as member:
        while piece := member.read(1 << 16):
            yield piece


def _with_bodies(data: Data, archive: zipfile.ZipFile, allowance: Allowance) -> Data:
    """The HAR with the bodies from the archive that a diagnosis may read; as it is where its
    shape is not Playwright's."""
    if data.find(b'"_file"') < 0:
        return data
    try:
        har = msgspec.json.decode(data if isinstance(data, bytes) else memoryview(data))
        entries = har["log"]["entries"]
        for entry in entries:
            _put_back(entry["response"]["content"], entry, archive, allowance)
            if isinstance(post := entry["request"].get("postData"), dict):
                _put_back(post, entry, archive, allowance)
        return msgspec.json.encode(har)
    except (msgspec.MsgspecError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return data


def _put_back(
    part: dict[str, Any], entry: dict[str, Any], archive: zipfile.ZipFile, allowance: Allowance
) -> None:
    name, kind = part.get("_file"), str(part.get("mimeType") or "")
    refused = entry["response"].get("status") in range(400, 500)
    room = _BANNER if "javascript" in kind else _BODY
    if not isinstance(name, str) or not (refused or _is_text(kind)):
        return
    try:
        with archive.open(name) as member:
            body = member.read(room)
    except (KeyError, OSError, ValueError, zipfile.BadZipFile, RuntimeError):
        return
    allowance.spend(len(body))
    part["text"] = body.decode("utf-8", "replace")


def _is_text(kind: str) -> bool:
    return any(word in kind for word in ("html", "json", "javascript", "text/plain"))
