"""Unpacks compressed data within bounds: files (gzip, zlib) and HTTP bodies (Content-Encoding).

A few kilobytes can stand for gigabytes, so nothing here asks a decompressor for all it has.
"""

from __future__ import annotations

import importlib
import io
import mmap
import tempfile
import zlib
from collections.abc import Iterable, Iterator

import msgspec

from diagnostics.capture.exchange import CaptureError

Data = bytes | mmap.mmap

_CHUNK = 1 << 16
_IN_MEMORY = 64 << 20


class Limits(msgspec.Struct, frozen=True):
    """How far packed data may grow: to `size` bytes, and beyond `free` bytes only `ratio`-fold."""

    size: int = 2 << 30
    ratio: int = 200
    free: int = 64 << 20


class TooMuchError(CaptureError):
    """Packed data that unpacks to more than its limits."""


class Allowance:
    """What is left of the limits for one file and all that is packed in it."""

    def __init__(self, limits: Limits, packed: int, file: str) -> None:
        self._limits = limits
        self._packed = max(packed, 1)
        self._file = file
        self._unpacked = 0

    def spend(self, size: int) -> None:
        """Take `size` bytes; raises TooMuchError where that is past the limits."""
        self._unpacked += size
        if self._unpacked > self._limits.size:
            raise TooMuchError(
                f"{self._file}: unpacks to more than {_in_words(self._limits.size)}, which is not"
                " read. Export fewer requests, for example of one page load."
            )
        grown = self._unpacked > self._packed * self._limits.ratio
        if grown and self._unpacked > self._limits.free:
            raise TooMuchError(
                f"{self._file}: unpacks to over {self._limits.ratio} times its size, as no capture"
                " does. It was made to exhaust memory, or is damaged; ask for the plain file."
            )


def _in_words(size: int) -> str:
    for unit, word in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {word}"
    return f"{size} bytes"


def hold(chunks: Iterable[bytes], allowance: Allowance) -> Data:
    """The chunks as one piece of data; a large one lies in an unnamed temporary file, mapped."""
    size = 0
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for chunk in chunks:
            size += len(chunk)
            allowance.spend(len(chunk))
            file.write(chunk)
        if size > _IN_MEMORY:
            file.flush()
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        file.seek(0)
        return file.read()


def inflate(data: Data, file: str, gzip: bool = True) -> Iterator[bytes]:
    """What a gzip file (all its members) or a zlib stream holds, piece by piece.

    Raises CaptureError where it is damaged or cut off.
    """
    kind = "gzip" if gzip else "compressed"
    engine = zlib.decompressobj(31 if gzip else 15)
    at = 0
    started = False
    try:
        while at < len(data) or engine.unconsumed_tail:
            packed = engine.unconsumed_tail
            if not packed:
                packed = data[at : at + _CHUNK]
                at += len(packed)
            if engine.eof:  # one member ended: another one, or padding
                if not packed.startswith(b"\x1f\x8b"):
                    return
                engine = zlib.decompressobj(31)
            started = True
            if piece := engine.decompress(packed, 1 << 20):
                yield piece
            if engine.eof:
                at -= len(engine.unused_data)
                if not gzip:
                    return
    except zlib.error as error:
        raise CaptureError(
            f"{file}: the {kind} data is damaged ({error}). Ask for the file again."
        ) from None
    if started and not engine.eof:
        raise CaptureError(
            f"{file}: the {kind} data ends too early: the upload was cut off."
            " Ask for the file again."
        )


def decode_content(raw: bytes, encodings: str, limit: int) -> bytes | None:
    """An HTTP body without its Content-Encoding, at most `limit` bytes of it; None where the
    encoding is unknown or the body is damaged. A body that breaks off gives what it holds."""
    for name in reversed([part.strip().lower() for part in encodings.split(",")]):
        decode = {
            "": _identity,
            "identity": _identity,
            "gzip": _gzip,
            "x-gzip": _gzip,
            "deflate": _deflate,
            "br": _brotli,
            "zstd": _zstandard,
        }.get(name)
        if decode is None:
            return None
        try:
            raw = decode(raw, limit)
        except Exception:  # each library has errors of its own, and the bytes are anybody's
            return None
    return raw[:limit]


def _identity(raw: bytes, limit: int) -> bytes:
    return raw[:limit]


def _gzip(raw: bytes, limit: int) -> bytes:
    return zlib.decompressobj(31).decompress(raw, limit)


def _deflate(raw: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj(15).decompress(raw, limit)
    except zlib.error:  # many servers leave the zlib wrapper out
        return zlib.decompressobj(-15).decompress(raw, limit)


def _brotli(raw: bytes, limit: int) -> bytes:
    engine = importlib.import_module("brotli").Decompressor()
    said = bytearray()
    # Fed in crumbs, for older versions cannot bound what one call gives back.
    for at in range(0, len(raw), 64):
        said += engine.process(raw[at : at + 64])
        if len(said) >= limit:
            break
    return bytes(said[:limit])


def _zstandard(raw: bytes, limit: int) -> bytes:
    # RFC 9659: a zstd body's window is at most 8 MB.
    engine = importlib.import_module("zstandard").ZstdDecompressor(max_window_size=8 << 20)
    with engine.stream_reader(io.BytesIO(raw), read_across_frames=True) as reader:
        said: bytes = reader.read(limit)
    return said
