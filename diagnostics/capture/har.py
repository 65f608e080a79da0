"""Reads HAR files of every exporter into exchanges, in time and memory near those of a scan.

HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) is followed loosely, as exporters do:
every part may be missing, null or of another type, headers may be objects or pairs, and an entry
that cannot be read is skipped with its reason while the rest is read. Bodies, headers and
initiators stay as undecoded views into the file until something asks for them; few strings are
kept, and equal ones once.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import mmap
import re
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from diagnostics.capture import har_values as values
from diagnostics.capture.exchange import (
    Capture,
    CaptureError,
    Exchange,
    Headers,
    Initiator,
    Outcome,
    Page,
    Skipped,
)
from diagnostics.capture.exporters import engine_of, exporter_of
from diagnostics.capture.fields import lacks_brackets, with_brackets
from diagnostics.capture.mend import (
    UNREADABLE,
    loose,
    loose_or_raise,
    stumbled_over_no_number,
    without_depths,
    without_lone_surrogates,
    without_no_numbers,
)

_BOM = b"\xef\xbb\xbf"
_NULL = msgspec.Raw(b"null")

# What no browser comes near, and somebody's file may hold so that memory runs out: a long day's
# recording has some 100,000 entries, and servers end a connection after a few hundred fields.
_MOST_ENTRIES = 1_000_000
_MOST_SKIPPED = 1_000
_MOST_FIELDS = 10_000
_LONG_FIELDS = 1 << 18  # shorter lists of fields need not be counted
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)


class _Log(msgspec.Struct):
    creator: msgspec.Raw = _NULL
    browser: msgspec.Raw = _NULL
    pages: msgspec.Raw = _NULL
    entries: list[msgspec.Raw] | None = None


class _File(_Log):
    """The usual `{"log": {...}}`, and the bare log that some tools write."""

    log: _Log | None = None


class _Content(msgspec.Struct, rename="camel"):
    size: float | None = None
    mime_type: str | None = None
    encoding: str | None = None
    text: msgspec.Raw = _NULL


class _Request(msgspec.Struct, rename="camel"):
    url: str
    method: str | None = None
    http_version: str | None = None
    headers: msgspec.Raw = _NULL
    post_data: msgspec.Raw = _NULL


class _Response(msgspec.Struct):
    status: float | None = None
    http_version: str | None = msgspec.field(default=None, name="httpVersion")
    headers: msgspec.Raw = _NULL
    content: _Content | None = None
    redirect_url: str | None = msgspec.field(default=None, name="redirectURL")
    body_size: float | None = msgspec.field(default=None, name="bodySize")
    transfer_size: float | None = msgspec.field(default=None, name="_transferSize")
    error: str | None = msgspec.field(default=None, name="_error")
    failure: str | None = msgspec.field(default=None, name="_failureText")
    via_service_worker: bool | None = msgspec.field(default=None, name="_fetchedViaServiceWorker")


class _Entry(msgspec.Struct):
    request: _Request
    response: _Response | None = None
    started: str | None = msgspec.field(default=None, name="startedDateTime")
    page_ref: str | None = msgspec.field(default=None, name="pageref")
    frame_ref: str | None = msgspec.field(default=None, name="_frameref")
    initiator: msgspec.Raw = msgspec.field(default=_NULL, name="_initiator")
    resource_type: str | None = msgspec.field(default=None, name="_resourceType")
    from_cache: str | None = msgspec.field(default=None, name="_fromCache")
    fetch_type: str | None = msgspec.field(default=None, name="_fetchType")


_FILE = msgspec.json.Decoder(_File)
_ENTRY = msgspec.json.Decoder(_Entry, strict=False)


def read_har(data: bytes | bytearray | memoryview | mmap.mmap, file: str) -> Capture:
    """Read a HAR. `data` is the whole file, `file` its name for messages.

    Raises CaptureError with one line where the whole is not a HAR; an entry that cannot be read
    is in the capture's `skipped`, up to a thousand of them one by one.
    """
    log = _read_log(data, file)
    if len(log.entries or ()) > _MOST_ENTRIES:
        raise CaptureError(
            f"{file}: holds more than {_MOST_ENTRIES:,} entries, which is not read."
            " Export fewer requests, for example of one page load."
        )
    creator, browser = _name(log.creator), _name(log.browser)
    exporter = exporter_of(creator or browser)
    exchanges: list[Exchange] = []
    skipped: list[Skipped] = []
    more = 0
    for index, raw in enumerate(log.entries or ()):
        entry = _read_entry(raw)
        if not isinstance(entry, str):
            exchanges.append(_exchange(entry, raw, file, index))
        elif len(skipped) < _MOST_SKIPPED:
            skipped.append(Skipped(file, index, entry))
        else:
            more += 1
    if more:
        skipped.append(Skipped(file, None, f"{more:,} more entries cannot be read"))
    return Capture(
        file=file,
        exporter=exporter.title,
        exchanges=tuple(exchanges),
        pages=tuple(_pages(log.pages)),
        skipped=tuple(skipped),
        blind_spots=exporter.blind_spots,
        engine=exporter.engine or ("" if exporter.on_the_wire else engine_of(browser)),
        on_the_wire=exporter.on_the_wire,
    )


def _read_log(data: bytes | bytearray | memoryview | mmap.mmap, file: str) -> _Log:
    view = memoryview(data)
    if view[:3] == _BOM:
        view = view[3:]
    outer = _decode_file(view, file)
    log = outer.log if outer.log is not None else outer
    if log.entries is None:
        raise CaptureError(f"{file}: is JSON but not a HAR: it has no log.entries.")
    return log


def _decode_file(view: memoryview, file: str) -> _File:
    try:
        return _FILE.decode(view)
    except RecursionError:
        view = memoryview(without_depths(view))
    except msgspec.ValidationError as error:
        raise CaptureError(f"{file}: is JSON but not a HAR ({error}).") from None
    except msgspec.DecodeError as error:
        # Half a surrogate pair in the file's last bytes is “truncated” to the decoder, too.
        at_the_end = "truncated" in str(error) and b"\\u" in bytes(view[-16:])
        if at_the_end or "surrogate" in str(error) or "escape" in str(error):
            # For nothing less is a file copied that may be a gigabyte of anything.
            view = memoryview(without_lone_surrogates(view))
        elif stumbled_over_no_number(view, error):
            view = memoryview(without_no_numbers(view))
    try:  # Once more: mended, or to say what is wrong.
        return _FILE.decode(view)
    except RecursionError:
        raise CaptureError(f"{file}: is nested too deeply to be a HAR.") from None
    except msgspec.ValidationError as error:
        raise CaptureError(f"{file}: is JSON but not a HAR ({error}).") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if "truncated" in str(error):
            raise CaptureError(
                f"{file}: the JSON ends too early, after {len(view):,} bytes:"
                " the export or upload was cut off. Ask for the file again."
            ) from None
        raise CaptureError(f"{file}: is not valid JSON ({error}).") from None


def _pages(raw: msgspec.Raw) -> Iterable[Page]:
    pages = loose(raw)
    for page in pages if isinstance(pages, list) else ():
        if isinstance(page, dict):
            started = page.get("startedDateTime")
            yield Page(
                id=str(page.get("id") or ""),
                title=str(page.get("title") or ""),
                started=values.time(started if isinstance(started, str) else None),
            )


def _read_entry(raw: msgspec.Raw) -> _Entry | str:
    """The entry, or a short reason why it cannot be read."""
    if memoryview(raw)[0] != 0x7B:  # {
        return "the entry is no object"
    try:
        entry = _ENTRY.decode(raw)
    except UNREADABLE:
        pass
    else:
        return _TOO_MANY if _has_too_many_fields(entry) else entry
    try:  # Broken UTF-8, lone surrogates or a wrong type: read it the slow and patient way.
        found = loose_or_raise(raw)
    except UNREADABLE:
        return "the entry cannot be read"
    request = found.get("request")
    if not isinstance(request, dict):
        return "the entry has no request"
    if not isinstance(request.get("url"), str):
        return "the entry's request has no URL"
    entry = _salvaged(found, _Entry)
    return _TOO_MANY if _has_too_many_fields(entry) else entry


_TOO_MANY = f"the entry has more than {_MOST_FIELDS:,} header fields"


def _has_too_many_fields(entry: _Entry) -> bool:
    """Whether its header fields are too many to be looked at, in whatever shape they are written:
    as objects each has four strings, as pairs two."""
    for message in (entry.request, entry.response):
        if message is None:
            continue
        view = memoryview(message.headers)
        if len(view) > _LONG_FIELDS:
            strings = itertools.islice(_STRING.finditer(view), 4 * _MOST_FIELDS, None)
            if next(strings, None) is not None:
                return True
    return False


_NESTED: dict[str, type[msgspec.Struct]] = {
    "request": _Request,
    "response": _Response,
    "content": _Content,
}
S = TypeVar("S", bound=msgspec.Struct)


def _salvaged(value: dict[str, Any], kind: type[S]) -> S:
    """All of `kind` that can be read; a part of a wrong type is as good as missing."""
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        part = value.get(field.encode_name)
        if field.name in _NESTED:
            if isinstance(part, dict):
                known[field.name] = _salvaged(part, _NESTED[field.name])
        elif field.type is msgspec.Raw:
            known[field.name] = msgspec.Raw(msgspec.json.encode(part))
        else:
            with contextlib.suppress(msgspec.ValidationError):
                known[field.name] = msgspec.convert(part, field.type, strict=False)
    return kind(**known)


class _HarParts:
    """An entry's costly parts, decoded from its undecoded bytes at each call. Headers and
    initiator, which every request to a provider is asked for, are found without reading the
    entry again."""

    __slots__ = ("_headers", "_initiator", "raw")

    def __init__(self, raw: msgspec.Raw, entry: _Entry) -> None:
        self.raw = raw
        self._headers = entry.request.headers
        self._initiator = entry.initiator

    def request_headers(self) -> Headers:
        return Headers(values.headers(self._headers))

    def response_headers(self) -> Headers:
        response = _entry_of(self).response
        return Headers(values.headers(response.headers) if response else ())

    def body(self) -> str | None:
        response = _entry_of(self).response
        if response is None or response.content is None:
            return None
        return values.body(response.content.text, response.content.encoding)

    def request_body(self) -> str | None:
        return values.post_text(_entry_of(self).request.post_data)

    def initiator(self) -> Initiator:
        return values.initiator(bytes(memoryview(self._initiator)))


@functools.lru_cache(maxsize=4)
def _entry_of(parts: _HarParts) -> _Entry:
    """The entry behind some parts; the last few are kept, since one exchange is asked for several
    parts in a row."""
    entry = _read_entry(parts.raw)
    # It was read before, when the exchange was made; but a deep call stack leaves less room.
    return entry if isinstance(entry, _Entry) else _Entry(_Request(""))


def _exchange(entry: _Entry, raw: msgspec.Raw, file: str, index: int) -> Exchange:
    request, response = entry.request, entry.response or _Response()
    content = response.content or _Content()
    known = response.status is not None and 100 <= response.status <= 999  # else 0, -1, infinite
    status = int(response.status) if known and response.status is not None else None
    reason = response.error or response.failure or ""
    url, parts = request.url, _HarParts(raw, entry)
    if lacks_brackets(url):
        url = with_brackets(url, parts.request_headers().get("host"))
    return Exchange(
        source=file,
        index=index,
        method=sys.intern(request.method or "GET"),
        url=url,
        started=values.time(entry.started),
        status=status,
        outcome=_outcome(entry, response, content, status, reason),
        reason=reason,
        http_version=sys.intern(response.http_version or request.http_version or ""),
        resource_type=sys.intern(entry.resource_type or ""),
        mime_type=sys.intern(content.mime_type or ""),
        page_ref=sys.intern(entry.page_ref or ""),
        frame_ref=sys.intern(entry.frame_ref or ""),
        redirect_url=response.redirect_url or "",
        via_service_worker=bool(response.via_service_worker)
        or entry.fetch_type == "Service Worker",
        parts=parts,
    )


#: Chromium's words for a request that it refused (CDP, `Network.BlockedReason`).
_NEVER_SENT = frozenset({"csp", "mixed-content", "origin", "inspector", "subresource-filter"})
#: Errors that speak of blocking and mean the answer: it came, and was not handed on.
_ANSWER_WITHHELD = ("blocked_by_orb", "blocked_by_response")


def _was_never_sent(reason: str) -> bool:
    if any(word in reason for word in _ANSWER_WITHHELD):
        return False
    return reason in _NEVER_SENT or "blocked" in reason


_CACHE_FETCHES = frozenset({"Memory Cache", "Disk Cache"})  # Safari's words


def _outcome(
    entry: _Entry, response: _Response, content: _Content, status: int | None, reason: str
) -> Outcome:
    if status is None:
        if _was_never_sent(reason.lower()):
            return Outcome.BLOCKED
        return Outcome.FAILED if reason else Outcome.UNKNOWN
    if entry.from_cache or entry.fetch_type in _CACHE_FETCHES:
        return Outcome.CACHED
    # Without a mark of its own: nothing was transferred and yet there is a body. A response that
    # the browser refused to hand on (ORB, CORS) has no body either and is told apart by its error.
    nothing_transferred = response.transfer_size == 0 or (
        response.transfer_size is None and response.body_size == 0
    )
    has_body = content.size is not None and content.size > 0  # Playwright writes -1 for redirects
    if nothing_transferred and has_body and not reason and not response.via_service_worker:
        return Outcome.CACHED
    return Outcome.ANSWERED


def _name(raw: msgspec.Raw) -> str:
    program = loose(raw)
    name = program.get("name") if isinstance(program, dict) else None
    return name if isinstance(name, str) else ""
