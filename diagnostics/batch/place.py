"""Where one capture of a batch lies, what it is called in the results, and how it is read.

A place goes to a worker, which may be another process or another machine; whoever reads there
gets data and never an exception of a file system's own.
"""

from __future__ import annotations

import hashlib
import importlib
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from diagnostics.capture.exchange import CaptureError
from diagnostics.capture.oneline import printable
from diagnostics.capture.open import map_file
from diagnostics.capture.unpack import Allowance, Data, Limits, hold
from diagnostics.report.redaction import redact_text

#: No file is larger, whatever an archive or a file system claims; SQLite holds no more than twice
#: as much (https://www.sqlite.org/datatype3.html).
LARGEST = 1 << 61


class Place(msgspec.Struct, frozen=True, gc=False):
    """One file, or one member of a zip archive.

    `path` is a file's name; with a `root`, an fsspec URL, it is the path in that URL's file
    system. `member` is a name within the archive and `entry` its position there. `size` is what
    the file system or the archive claims, None where it is not known. `named` is whether the user
    named this very file.
    """

    path: str
    root: str = ""
    member: str = ""
    entry: int = -1
    size: int | None = None
    named: bool = False

    @property
    def key(self) -> str:
        """What tells this place from every other one."""
        file = _address(self.root, self.path) if self.root else self.path
        return f"{file}/{self.member}" if self.member else file

    @property
    def shown(self) -> str:
        """The place's name in the results: without secrets and what cannot be shown, in whose
        stead a few digits of a checksum tell it from others."""
        key = self.key
        shown = printable(redact_text(key))
        if shown == key:
            return key
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        return f"{shown} #{digest[:8]}"

    @property
    def folder(self) -> str:
        """The folder, or archive, that it lies in, as it is shown."""
        return printable(redact_text(posixpath.dirname(self.key))) or "."

    @property
    def file(self) -> str:
        """The file in which it lies, to tell whether two members are in one."""
        return f"{self.root}\0{self.path}"


def _address(root: str, path: str) -> str:
    """A path of a file system as a URL. A chained one (`zip://*.har::s3://bucket/a.zip`) keeps
    the rest of its chain."""
    first, chained, rest = root.partition("::")
    scheme = first.partition("://")[0]
    address = path if "://" in path else f"{scheme}://{path}"
    return address + chained + rest


class GoneError(CaptureError):
    """There is no such file, seen from here."""


def read(
    place: Place,
    base: str = "",
    limits: Limits = Limits(),  # noqa: B008 (immutable)
) -> Data:
    """The content of a place's file; names of files are relative to the folder `base`. Raises
    GoneError where it is not there and CaptureError where it cannot be read."""
    shown = place.shown
    if not place.root:
        path = Path(base, place.path)
        try:
            return map_file(str(path), shown, limits)
        except CaptureError as error:
            if not path.exists():
                raise GoneError(str(error)) from None
            raise
    try:
        with open_remote(place) as stream:
            return hold(_chunks(stream), Allowance(limits, limits.size, shown))
    except CaptureError:
        raise
    except FileNotFoundError:
        raise GoneError(f"{shown}: there is no such file.") from None
    except Exception as error:  # each file system has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise CaptureError(f"{shown}: cannot be read ({printable(redact_text(said))}).") from None


def open_remote(place: Place) -> BinaryIO:
    """A place with a root, opened."""
    file_system, _ = file_system_of(place.root)
    stream: BinaryIO = file_system.open(place.path, "rb")
    return stream


def file_system_of(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path in it; raises whatever that one does."""
    fsspec: Any = importlib.import_module("fsspec")  # costs 50 ms, which local files need not pay
    file_system, path = fsspec.core.url_to_fs(url)
    return file_system, path


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(1 << 20):
        yield chunk
