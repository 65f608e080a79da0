"""A sanitized capture in the form that the original had: HAR, flow file or curl commands."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from diagnostics.capture.exchange import Capture, DecodedParts
from diagnostics.sanitize.sanitizer import Sanitizer
from diagnostics.sanitize.write_curl import curl_pieces
from diagnostics.sanitize.write_flows import flow_pieces
from diagnostics.sanitize.write_har import har_pieces

HAR, FLOWS, CURL = "har", "flow", "curl"
_GZIP = 16 + zlib.MAX_WBITS
_TYPED = "curl command"


def form_of(capture: Capture) -> str:
    """What the file was that a capture was read from."""
    if not any(isinstance(exchange.parts, DecodedParts) for exchange in capture.exchanges):
        return HAR
    return FLOWS if capture.on_the_wire else CURL


def pieces(sanitizer: Sanitizer) -> Iterator[bytes]:
    """The sanitized capture as the bytes of a file, piece by piece."""
    capture = sanitizer.capture
    form = form_of(capture)
    if form == FLOWS:
        yield from flow_pieces(sanitizer.exchanges(), _others(capture))
    elif form == CURL:
        typed = capture.exporter == _TYPED
        yield from (piece.encode() for piece in curl_pieces(sanitizer.exchanges(), typed=typed))
    else:
        texts = har_pieces(capture, sanitizer.pages, sanitizer.exchanges())
        yield from (piece.encode("utf-8", "replace") for piece in texts)


def _others(capture: Capture) -> frozenset[int]:
    """The places of what was read and is no HTTP."""
    known = {exchange.index for exchange in capture.exchanges}
    known |= {skip.index for skip in capture.skipped if skip.index is not None}
    return frozenset(set(range(max(known, default=0))) - known)


def gzipped(data: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes as a gzip file without a time or a name in it."""
    packer = zlib.compressobj(wbits=_GZIP)
    for piece in data:
        yield packer.compress(piece)
    yield packer.flush()
