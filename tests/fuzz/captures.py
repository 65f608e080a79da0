"""Targets: the readers of captures, and what stands before them."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import zipfile
import zlib
from typing import Any

from diagnostics.capture import unpack
from diagnostics.capture.curl import read_curl
from diagnostics.capture.exchange import Capture, CaptureError
from diagnostics.capture.flowfile import read_flows
from diagnostics.capture.har import read_har
from diagnostics.capture.mend import (
    MAXIMUM_DEPTH,
    UNREADABLE,
    loose_or_raise,
    without_depths,
    without_lone_surrogates,
)
from diagnostics.capture.open import read_data
from tests.fuzz.target import as_text, is_one_line, look_at_everything

_LIMITS = unpack.Limits(size=8 << 20, ratio=200, free=1 << 20)
_CONTAINERS = (b"\x1f\x8b", b"PK", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")


def har(data: bytes) -> None:
    expected = _entries(data)
    try:
        capture = read_har(data, "x.har")
    except CaptureError as error:
        is_one_line(error, "x.har: ")
        if expected is not None:
            raise AssertionError(f"a HAR of {len(expected)} entries was refused") from error
        return
    look_at_everything(capture)
    if expected is None:
        return
    assert len(capture.exchanges) + len(capture.skipped) == len(expected)
    for exchange in capture.exchanges:
        url = expected[exchange.index]["request"]["url"]
        if url.isascii():
            assert exchange.url == url


def _entries(data: bytes) -> list[Any] | None:
    """The entries as a strict parser reads them; None where it cannot, or finds none."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        whole = json.loads(data.decode("utf-8-sig"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(whole, dict):
        return None
    log = whole.get("log")
    if not isinstance(whole.get("entries", []), list | None):
        return None  # beside a log, too, this is no HAR but something else
    log = whole if log is None else log
    entries = log.get("entries") if isinstance(log, dict) else None
    return entries if isinstance(entries, list) else None


def mended(data: bytes) -> None:
    whole = bytes(without_lone_surrogates(memoryview(data)))
    assert len(whole) == len(data)
    shallow = bytes(without_depths(memoryview(data)))
    assert len(shallow) == len(data)
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = None
    else:
        assert _depth(json.loads(shallow, parse_constant=lambda _: None)) <= MAXIMUM_DEPTH + 1
        json.dumps(json.loads(whole), ensure_ascii=False).encode()
    try:
        read = loose_or_raise(memoryview(data))  # type: ignore[arg-type]
    except UNREADABLE:
        assert value is None, "what any JSON parser reads was not read"
        return
    json.dumps(read, ensure_ascii=False).encode()


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = (
            [
                item
                for one in level
                for item in (one.values() if isinstance(one, dict) else one)
                if isinstance(one, dict | list)
                if isinstance(item, dict | list)
            ]
            if any(isinstance(one, dict | list) for one in level)
            else []
        )
    return deepest


def upload(data: bytes) -> None:
    captures = _read(data)
    if isinstance(captures, str):
        return
    assert captures
    for capture in captures:
        look_at_everything(capture)


def _read(data: bytes) -> list[Capture] | str:
    try:
        return read_data(data, "x", _LIMITS)
    except CaptureError as error:
        is_one_line(error, "x")
        return str(error)


def packed(data: bytes) -> None:
    if data.startswith(_CONTAINERS):
        return
    plain = _told(_read(data))
    assert _told(_read(gzip.compress(data, 1))) == plain
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.har", data)
    assert _told(_read(box.getvalue())) == plain
    if not isinstance(plain, str):
        assert _told(_read(zlib.compress(data))) == plain


def _told(read: list[Capture] | str) -> object:
    if isinstance(read, str):
        return read.removeprefix("x").removeprefix("/x.har")
    return [
        (capture.exporter, len(capture.skipped), one.index, one.url, one.status, one.body)
        for capture in read
        for one in capture.exchanges
    ]


def flows(data: bytes) -> None:
    try:
        capture = read_flows(data, "x.flow")
    except CaptureError as error:
        is_one_line(error)
        return
    look_at_everything(capture)


def curl(data: bytes) -> None:
    from diagnostics.browser.url import parse

    try:
        capture = read_curl(as_text(data), "x.txt")
    except CaptureError as error:
        is_one_line(error)
        return
    look_at_everything(capture)
    assert capture.exchanges
    for exchange in capture.exchanges:
        assert parse(exchange.url) is not None, f"{exchange.url!r} is no URL"


_LIMIT = 50_000


def content(data: bytes) -> None:
    """The first line is a Content-Encoding, the rest a body."""
    named, _, body = data.partition(b"\n")
    said = unpack.decode_content(body, as_text(named), _LIMIT)
    assert said is None or len(said) <= _LIMIT
    for name, pack in _packers().items():
        assert unpack.decode_content(pack(body), name, _LIMIT) == body[:_LIMIT], name
        twice = unpack.decode_content(gzip.compress(pack(body), 1), f"{name}, GZIP", _LIMIT)
        assert twice == body[:_LIMIT], name


def _packers() -> dict[str, Any]:
    brotli, zstandard = (importlib.import_module(name) for name in ("brotli", "zstandard"))

    def raw_deflate(body: bytes) -> bytes:
        engine = zlib.compressobj(1, zlib.DEFLATED, -15)
        return engine.compress(body) + engine.flush()

    return {
        "gzip": lambda body: gzip.compress(body, 1),
        "deflate": lambda body: zlib.compress(body, 1),
        "Deflate": raw_deflate,
        "br": lambda body: brotli.compress(body, quality=1),
        "zstd": lambda body: zstandard.ZstdCompressor(level=1).compress(body),
        "identity": lambda body: body,
    }
