import gzip
import mmap
import zlib

import pytest

from diagnostics.capture.exchange import CaptureError
from diagnostics.capture.unpack import (
    Allowance,
    Limits,
    TooMuchError,
    decode_content,
    hold,
    inflate,
)


def unpacked(data: bytes, gzip: bool = True) -> bytes:
    return b"".join(inflate(data, "f", gzip))


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
def test_what_was_packed_is_unpacked(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert unpacked(gzip.compress(body)) == body
    assert unpacked(zlib.compress(body), gzip=False) == body


def test_several_members_and_padding() -> None:
    data = gzip.compress(b"one") + gzip.compress(b"") + gzip.compress(b"two" * 100_000) + b"\0" * 9
    assert unpacked(data) == b"one" + b"two" * 100_000


@pytest.mark.parametrize("cut", [1, 8, 12])
def test_cut_off(cut: int) -> None:
    with pytest.raises(CaptureError, match="ends too early"):
        unpacked(gzip.compress(b"some text" * 9)[:-cut])


def test_damaged() -> None:
    data = bytearray(gzip.compress(b"some text" * 999))
    data[12:16] = b"\xff" * 4
    with pytest.raises(CaptureError, match="damaged"):
        unpacked(bytes(data))


def test_limits() -> None:
    limits = Limits(size=1000, ratio=10, free=100)
    Allowance(limits, 100, "f").spend(1000)
    with pytest.raises(TooMuchError, match="more than 1000 bytes"):
        Allowance(limits, 200, "f").spend(1001)
    Allowance(limits, 1, "f").spend(100)
    with pytest.raises(TooMuchError, match="over 10 times"):
        Allowance(limits, 1, "f").spend(101)
    spent = Allowance(limits, 200, "f")
    spent.spend(600)
    with pytest.raises(TooMuchError):
        spent.spend(600)


def test_large_data_is_mapped_and_small_data_is_not() -> None:
    allowance = Allowance(Limits(), 1 << 30, "f")
    small = hold([b"a", b"", b"b"], allowance)
    assert small == b"ab"
    large = hold([b"x" * (1 << 20)] * 65, allowance)
    assert isinstance(large, mmap.mmap)
    assert len(large) == 65 << 20
    assert large[:3] == b"xxx"


def test_an_encoding_that_is_not_known_or_does_not_fit() -> None:
    assert decode_content(b"abc", "sdch", 10) is None
    assert decode_content(b"abc", "gzip", 10) is None
    assert decode_content(b"abc", "", 2) == b"ab"
    assert decode_content(gzip.compress(b"abcdef")[:-9], "gzip", 10) is not None
