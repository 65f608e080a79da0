"""Reads mitmproxy's flow files (`mitmdump -w`) through mitmproxy's own reader, flow by flow.

mitmproxy is imported only when a file is read. A body is kept only where a diagnosis may need
it: markup, JSON, the banner of a script, what came with a refusal, what a map library reported.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import mmap
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from diagnostics.capture.exchange import (
    Capture,
    CaptureError,
    DecodedParts,
    Exchange,
    Headers,
    Outcome,
    Skipped,
)
from diagnostics.capture.fields import (
    lacks_brackets,
    mime_type,
    redirect_url,
    resource_type,
    with_brackets,
)
from diagnostics.capture.oneline import printable
from diagnostics.capture.unpack import decode_content

if TYPE_CHECKING:
    from mitmproxy.flow import Flow
    from mitmproxy.http import HTTPFlow, Message, Request

_LENGTH = re.compile(rb"(\d{1,12}):")
_EVENTS = re.compile(r"https?://(?:events\.|[^/]+/(?:[^?#]*/)?events/)", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)
_WEB_CODEC = re.compile(
    r"utf-?8|utf-16|ascii|iso8859|latin|cp(?:1|8|9)\d+|gb|big5|euc|shift_jis|iso2022_jp|koi8|mac-"
)
_MANY = 100  # unreadable flows in a row: what follows is no flow file
_ASK = ". Ask for the file again, or for a HAR."
_NO_HTTP = (
    "{count} of the flows are not HTTP ({kinds}) and were left out; what was inside such"
    " connections is not known."
)
_REPLAYED = (
    "{count} of the requests were sent again by mitmproxy itself (replay), not by the client."
)


def read_flows(source: str | Path | bytes | mmap.mmap, file: str) -> Capture:
    """Read a flow file. `source` is its path or its content, `file` its name for messages.

    An exchange's `index` is the flow's position among all flows, HTTP or not. A flow that cannot
    be read, and the point where a file breaks off, are in `skipped`. Raises CaptureError with one
    line where nothing can be read; that of a file from a newer mitmproxy is mitmproxy's own.
    """
    if not isinstance(source, str | Path):
        return _read(io.BytesIO(source) if isinstance(source, bytes) else source, file)
    try:
        with Path(source).open("rb") as stream:
            return _read(stream, file)
    except OSError as error:
        raise CaptureError(f"{file}: cannot be read ({error.strerror}).") from None


def _read(stream: BinaryIO | mmap.mmap, file: str) -> Capture:
    from mitmproxy.http import HTTPFlow

    from diagnostics.capture.exporters import exporters

    exchanges: list[Exchange] = []
    skipped: list[Skipped] = []
    others: Counter[str] = Counter()
    replayed = 0
    for index, flow in enumerate(_flows(stream)):
        if isinstance(flow, str):
            skipped.append(Skipped(file, index, flow))
        elif isinstance(flow, HTTPFlow):
            replayed += flow.is_replay == "request"
            try:
                exchanges.append(exchange_of(flow, file, index))
            except Exception as error:  # a flow's own code meets anybody's bytes here
                skipped.append(Skipped(file, index, f"the flow cannot be read ({_line(error)})"))
        else:
            others[flow.type.upper()] += 1
    if skipped and not exchanges and not others:
        reason = skipped[0].reason
        tail = "." if reason.startswith("mitmproxy ") else _ASK  # mitmproxy says what to do
        raise CaptureError(f"{file}: {reason}{tail}")
    spots = next(e.blind_spots for e in exporters() if e.title == "mitmproxy")
    if others:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(others.items()))
        spots += (_NO_HTTP.format(count=others.total(), kinds=kinds),)
    if replayed:
        spots += (_REPLAYED.format(count=replayed),)
    return Capture(
        file=file,
        exporter="mitmproxy",
        exchanges=tuple(exchanges),
        skipped=tuple(skipped),
        blind_spots=spots,
        on_the_wire=True,
    )


def _flows(stream: BinaryIO | mmap.mmap) -> Iterator[Flow | str]:
    """Each flow, or why it cannot be read; after a break in the file nothing follows."""
    from mitmproxy.exceptions import FlowReadException
    from mitmproxy.io import FlowReader

    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    stream.seek(0)
    failed = 0
    while failed < _MANY and stream.tell() < size:
        record = _record(stream, size)
        if isinstance(record, str):
            yield record
            return
        failed += 1
        try:
            for flow in FlowReader(io.BytesIO(record)).stream():
                failed = 0
                yield flow
        except FlowReadException as error:
            said = _line(error)
            yield "this is no flow of mitmproxy" if said == "Invalid data format" else said
        except Exception as error:  # mitmproxy trusts its own files; this may not be one
            yield f"the flow cannot be read ({_line(error)})"


def _record(stream: BinaryIO | mmap.mmap, size: int) -> bytes | str:
    """The bytes of the next flow (a tnetstring: `LENGTH:CONTENT` and a letter for its type), or
    why there is none. Read here first, for FlowReader asks for as much as a length claims."""
    start = stream.tell()
    length = _LENGTH.match(stream.read(16))
    if not length:
        return "the file breaks off: what follows is no flow of mitmproxy"
    end = start + length.end() + int(length[1]) + 1
    if end > size:
        return "the file breaks off within a flow: the recording or the upload was cut off"
    stream.seek(start)
    return stream.read(end - start)


def _line(error: Exception) -> str:
    """What an error says, on one line and in few words."""
    said = " ".join(str(error).split()) or type(error).__name__
    return printable(said.rstrip("."))[:200]


def exchange_of(flow: HTTPFlow, file: str, index: int) -> Exchange:
    request, response = flow.request, flow.response
    sent = _pairs(request)
    authority = clean(request.authority)
    if authority and not any(name.lower() == "host" for name, _ in sent):
        sent.insert(0, ("Host", authority))  # HTTP/2 and 3 carry it as :authority
    request_headers = Headers(sent)
    response_headers = Headers(_pairs(response) if response else ())
    status = response.status_code if response and 100 <= response.status_code <= 999 else None
    reason = clean(flow.error.msg) if flow.error else ""
    if status is not None:
        outcome = Outcome.ANSWERED
    else:
        outcome = Outcome.FAILED if flow.error or response else Outcome.UNKNOWN
    url = url_of(request)
    return Exchange(
        source=file,
        index=index,
        method=clean(request.method),
        url=f"https://{url}/" if request.method == "CONNECT" else url,
        started=request.timestamp_start,
        status=status,
        outcome=outcome,
        reason=reason,
        http_version=clean(response.http_version if response else request.http_version),
        resource_type="websocket" if flow.websocket else resource_type(request_headers),
        mime_type=mime_type(response_headers),
        redirect_url=redirect_url(status, response_headers),
        parts=DecodedParts(
            request_headers=request_headers,
            response_headers=response_headers,
            body=_body(response, response_headers, _response_room(status, response_headers)),
            request_body=_body(request, request_headers, _request_room(request.method, url)),
        ),
    )


def url_of(request: Request) -> str:
    """Where a request went, by the host that it names itself."""
    url = clean(request.pretty_url)
    if not lacks_brackets(url):
        return url
    return with_brackets(url, clean(request.host_header or f"[{request.host}]:{request.port}"))


def _pairs(message: Message) -> list[tuple[str, str]]:
    return [(_decoded(name), _decoded(value)) for name, value in message.headers.fields]


def _decoded(raw: bytes) -> str:
    """UTF-8 where it is that, otherwise byte for byte (RFC 9110, 5.5: opaque bytes)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def clean(text: str) -> str:
    """`text` without the surrogates in which mitmproxy keeps bytes that are no UTF-8."""
    for errors in ("strict", "surrogateescape", "surrogatepass"):
        with contextlib.suppress(UnicodeEncodeError):
            return text.encode("utf-8", errors).decode("utf-8", "replace")
    return text


#: Bytes of a body that are kept, by what stands in its Content-Type.
_ROOM = (("html", 1 << 20), ("json", 1 << 18), ("javascript", 4096), ("ecmascript", 4096))
_ROOM_OF_A_REFUSAL = 1 << 16
_ROOM_OF_EVENTS = 1 << 16


def _response_room(status: int | None, headers: Headers) -> int:
    if status is not None and 400 <= status <= 499:
        return _ROOM_OF_A_REFUSAL
    kind = mime_type(headers).lower()
    return next((room for word, room in _ROOM if word in kind), 0)


def _request_room(method: str, url: str) -> int:
    """What a map library reports (version, map loads) goes to its provider's events endpoint."""
    return _ROOM_OF_EVENTS if method == "POST" and _EVENTS.match(url) else 0


def _body(message: Message | None, headers: Headers, room: int) -> Callable[[], str | None]:
    raw = message.raw_content if message and room else None
    if raw is None:
        return _no_body
    kept = raw[:room]
    encodings, kind = headers.get("content-encoding") or "", mime_type(headers)

    def read() -> str | None:
        content = decode_content(kept, encodings, room)
        return _text(kept if content is None else content, kind)

    return read


def _no_body() -> str | None:
    return None


def _text(content: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    try:
        codec = codecs.lookup(named[1]).name if named else "utf-8"
    except (LookupError, ValueError):
        codec = "utf-8"
    # Python has codecs that are no character sets of the web, and slow ones among them.
    return clean(content.decode(codec if _WEB_CODEC.match(codec) else "utf-8", "replace"))
