"""What single values of a HAR entry say, in whatever shape an exporter writes them: for `har`.

Each function takes undecoded JSON and never raises: what cannot be read is as good as missing.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import functools
from collections.abc import Iterable

import msgspec

from diagnostics.capture.exchange import Initiator
from diagnostics.capture.mend import UNREADABLE, loose


class _Pair(msgspec.Struct):
    name: str
    value: str


_PAIRS = msgspec.json.Decoder(list[_Pair])
_TEXT = msgspec.json.Decoder(str)


_MOST_URLS = 64


def headers(raw: msgspec.Raw) -> list[tuple[str, str]]:
    """A header list, of objects or of pairs, without HTTP/2's pseudo headers; `:authority`
    stands in for a Host that is absent (RFC 9113, 8.3.1)."""
    try:
        pairs = [(pair.name, pair.value) for pair in _PAIRS.decode(raw)]
    except UNREADABLE:
        pairs = list(_loose_pairs(loose(raw)))
    real = [pair for pair in pairs if pair[0][:1] != ":"]
    if len(real) == len(pairs):
        return pairs
    authority = next((value for name, value in pairs if name == ":authority"), None)
    if authority and "host" not in [name.lower() for name, _ in real]:
        real.insert(0, ("Host", authority))
    return real


def _loose_pairs(headers: object) -> Iterable[tuple[str, str]]:
    if isinstance(headers, dict):
        headers = list(headers.items())
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict):
            name, value = header.get("name"), header.get("value")
        elif isinstance(header, list | tuple) and len(header) == 2:
            name, value = header
        else:
            continue
        if isinstance(name, str) and name and isinstance(value, str | int | float | None):
            yield name, "" if value is None else str(value)


def body(raw: msgspec.Raw, encoding: str | None) -> str | None:
    """The text of a response's content, base64 undone; None for none."""
    text = _loose_text(raw)
    if text is None or (encoding or "").lower() != "base64":
        return text
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return None


def post_text(raw: msgspec.Raw) -> str | None:
    """The text of a request's postData, None for none."""
    post = loose(raw)
    text = post.get("text") if isinstance(post, dict) else None
    return text if isinstance(text, str) else None


@functools.lru_cache(maxsize=64)
def initiator(raw: bytes) -> Initiator:
    """Chrome's `_initiator`: its own URL, then those of the stack and of asynchronous parents.
    Most requests of a page share one of a few stacks."""
    value = loose(msgspec.Raw(raw))
    if not isinstance(value, dict):
        return Initiator(kind=value) if isinstance(value, str) else Initiator()
    urls: list[str] = []
    stack = value.get("stack")
    while isinstance(stack, dict) and len(urls) < _MOST_URLS:
        frames = stack.get("callFrames")
        for frame in frames[:_MOST_URLS] if isinstance(frames, list) else ():
            url = frame.get("url") if isinstance(frame, dict) else None
            if isinstance(url, str) and url:
                urls.append(url)
        stack = stack.get("parent")
    own = value.get("url")
    if isinstance(own, str) and own:
        urls.insert(0, own)
    kind = value.get("type")
    return Initiator(kind if isinstance(kind, str) else "", tuple(dict.fromkeys(urls)))


def time(text: str | None) -> float | None:
    """An ISO 8601 time as seconds since the epoch, None for none."""
    if not text:
        return None
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _loose_text(raw: msgspec.Raw) -> str | None:
    try:
        return _TEXT.decode(raw)
    except UNREADABLE:
        value = loose(raw)
        return value if isinstance(value, str) else None
