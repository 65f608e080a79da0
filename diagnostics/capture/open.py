"""The front door: any file, a zip of several, or standard input, to captures.

What a file is, is told by its content, never by its name. Plain files are mapped into memory and
not read, so that only what is looked at takes room. Everything that cannot be a capture ends in
one line that says what to do.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from diagnostics.capture.exchange import Capture, CaptureError
from diagnostics.capture.oneline import printable
from diagnostics.capture.strangers import HEAD, binary_stranger, strangers, text_stranger
from diagnostics.capture.unpack import Allowance, Data, Limits, hold, inflate

_DEPTH = 3  # a HAR in a gzip file in a zip
_LONGEST_TEXT = 64 << 20
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_BLANK = b" \t\r\n\v\f"
_BOM = b"\xef\xbb\xbf"
#: A tnetstring of a dictionary: its length, and the length of its first key.
_FLOW = re.compile(rb"\d{1,12}:\d{1,4}:[a-z_]")
_CURL = re.compile(
    r"\bcurl\b|\binvoke-(?:webrequest|restmethod)\b|\biwr\b|\bfetch\(|^> ?[a-z]+ \S+ http/",
    re.IGNORECASE | re.MULTILINE,
)
#: One of these is in every text that the pattern finds; looking for them first is far quicker.
_CURL_WORDS = ("curl", "invoke-", "iwr", "fetch(", "http/")
_ANSWER = re.compile(r"(?:< )?HTTP/\d(?:\.\d)? \d{3}\b")


def open_captures(
    paths: Sequence[str],
    stdin: BinaryIO | None = None,
    limits: Limits = Limits(),  # noqa: B008
) -> list[Capture]:
    """The captures in all these files, in order; `-` is `stdin`. Raises CaptureError, see
    `read_capture`."""
    return [capture for path in paths for capture in read_capture(path, stdin, limits)]


def read_capture(
    path: str,
    stdin: BinaryIO | None = None,
    limits: Limits = Limits(),  # noqa: B008 (immutable)
) -> list[Capture]:
    """The captures in one file (several where it is a zip); `-` reads `stdin`.

    HAR, flow files of mitmproxy and curl commands are read, plain or packed (gzip, zlib, zip),
    within `limits`. Raises CaptureError, always one line that names the file and says what to do.
    """
    name = "standard input" if path == "-" else printable(path) or "''"
    data = _read_stream(stdin, name, limits) if path == "-" else map_file(path, name, limits)
    return read_data(data, name, limits)


def read_data(
    data: Data,
    name: str,
    limits: Limits = Limits(),  # noqa: B008
) -> list[Capture]:
    """The same for data that is at hand; `name` is what it is called, fit for one line."""
    return _captures(data, name, Allowance(limits, len(data), name), _DEPTH)


def _read_stream(stream: BinaryIO | None, name: str, limits: Limits) -> Data:
    if stream is None:
        raise CaptureError(f"{name}: is not connected. Give the name of a file.")
    # A stream is as long as it is: only the size counts against the limits.
    return hold(_chunks(stream), Allowance(limits, limits.size, name))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(1 << 20):
        yield chunk


def map_file(
    path: str,
    name: str,
    limits: Limits = Limits(),  # noqa: B008
) -> Data:
    """A file's content, mapped where that is possible. Raises CaptureError."""
    try:
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return _read_stream(file, name, limits)
    except FileNotFoundError:
        reason = "there is no such file. Check the name and the folder."
    except IsADirectoryError:
        reason = "is a folder. Give the files in it, or run `why403 batch` on it."
    except PermissionError:
        reason = "may not be read by you. Change its permissions, or copy it."
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        reason = f"cannot be opened ({said}). Give the name of a file."
    raise CaptureError(f"{name}: {reason}")


def _captures(data: Data, name: str, allowance: Allowance, depth: int) -> list[Capture]:
    head = data[:HEAD]
    says = strangers()
    if not head.strip(_BLANK) and len(head) == len(data):
        raise CaptureError(f"{name}: is empty. Export or upload it again.")
    if head.startswith((_GZIP, *_ZIP)) and depth == 0:
        raise CaptureError(f"{name}: {says.archives['nested']}")
    if head.startswith(_GZIP):
        return _captures(hold(inflate(data, name), allowance), name, allowance, depth - 1)
    if head.startswith(_ZIP):
        from diagnostics.capture.archive import read_archive

        return read_archive(
            data, name, allowance, lambda data, name: _captures(data, name, allowance, depth - 1)
        )
    if _FLOW.match(head):
        from diagnostics.capture.flowfile import read_flows

        return [read_flows(data, name)]
    if head.startswith(_ZLIB) and depth and (unpacked := _inflated(data, name, allowance)):
        return _captures(unpacked, name, allowance, depth - 1)
    if stranger := binary_stranger(head):
        raise CaptureError(f"{name}: {stranger}")
    if utf16 := _utf_16(head):
        text = _decoded(data, name, utf16)
        return _text_captures(text.encode("utf-8", "replace"), name)
    return _text_captures(data, name)


def _inflated(data: Data, name: str, allowance: Allowance) -> Data | None:
    """A zlib stream (mitmproxy's .zhar) unpacked; None where only its first bytes look like one,
    as a text that begins with `x^` does."""
    try:
        next(inflate(data[:HEAD], name, gzip=False), None)
    except CaptureError as error:
        if "damaged" in str(error):
            return None
    return hold(inflate(data, name, gzip=False), allowance)


def _utf_16(head: bytes) -> str | None:
    """The UTF-16 in which Windows tools write text, with a byte order mark or without."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = head[:64]
    if len(start) >= 4 and len(start) % 2 == 0:
        if not any(start[1::2]) and all(start[::2]):
            return "utf-16-le"
        if not any(start[::2]) and all(start[1::2]):
            return "utf-16-be"
    return None


def _decoded(data: Data, name: str, encoding: str) -> str:
    if len(data) > 4 * _LONGEST_TEXT:
        raise CaptureError(f"{name}: is too long a text. Save it as UTF-8, or export a HAR.")
    return data[:].decode(encoding, "replace").removeprefix("\ufeff")


def _text_captures(data: Data, name: str) -> list[Capture]:
    """Captures that are text: JSON is a HAR, all else may hold curl commands."""
    head = data[:HEAD]
    start = head.removeprefix(_BOM).lstrip(_BLANK)
    if start.startswith((b"{", b"[")):
        from diagnostics.capture.har import read_har

        try:
            return [read_har(data, name)]
        except CaptureError:
            if stranger := text_stranger(head, json=True):
                raise CaptureError(f"{name}: {stranger}") from None
            raise
    other = strangers().other
    if b"\0" in head:
        raise CaptureError(f"{name}: {other['binary']}")
    if start.startswith(b"<") and not start.startswith((b"< ", b"<\n", b"<\r")):
        raise CaptureError(f"{name}: {text_stranger(head, json=False) or other['markup']}")
    if len(data) <= _LONGEST_TEXT:
        text = _decoded(data, name, "utf-8")
        lower = text.lower()
        if any(word in lower for word in _CURL_WORDS) and _CURL.search(text):
            from diagnostics.capture.curl import read_curl

            return [read_curl(text, name)]
        if _ANSWER.match(text.lstrip()):
            raise CaptureError(f"{name}: {other['answer']}")
    raise CaptureError(f"{name}: {other['text']}")
