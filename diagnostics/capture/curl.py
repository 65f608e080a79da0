"""Reads curl commands, as browsers copy them and as people type them, with or without the output.

A command shows one request and nothing else; what that hides is in the capture's blind spots.
Shell quoting is in `shell`, curl's options in `curl_options`, its output in `curl_output`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from diagnostics.browser import url as urls
from diagnostics.capture.curl_options import CurlRequest, knowledge, read_requests
from diagnostics.capture.curl_output import Hop, read_output
from diagnostics.capture.exchange import (
    Capture,
    CaptureError,
    DecodedParts,
    Exchange,
    Headers,
    Outcome,
    Skipped,
)
from diagnostics.capture.fields import mime_type, redirect_url, resource_type
from diagnostics.capture.shell import Command, find_commands

_TYPED = "curl command"
_HOW_TO = (
    "choose Copy > Copy as cURL on the request in the Network panel of the browser's developer"
    " tools, and paste that"
)
_POWERSHELL = re.compile(r"\b(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)\b", re.IGNORECASE)
_FETCH = re.compile(r"\bfetch\(\s*[\"'`]https?:")


def read_curl(text: str, file: str) -> Capture:
    """Every request in a paste of curl commands, with its answer where curl's output follows it.

    `file` is the name for messages. An exchange's `index` counts the requests of the paste from
    0; a command that cannot be read is in `skipped`. Raises CaptureError with one line where the
    text has no readable command at all.
    """
    text = text.replace("\r\n", "\n")
    paste = _Paste(file)
    commands = list(find_commands(text))
    if not commands or commands[0].start > 0:
        paste.add_output(text[: commands[0].start] if commands else text)
    stops = [command.start for command in commands[1:]] + [len(text)]
    for command, stop in zip(commands, stops, strict=False):
        paste.add(command, text[command.end : stop])
    if not paste.exchanges:
        raise CaptureError(f"{file}: {_why_nothing(text, paste.skipped)}")
    return paste.capture()


def _why_nothing(text: str, skipped: list[Skipped]) -> str:
    if skipped:
        return f"{skipped[0].reason}; {_HOW_TO}."
    if _POWERSHELL.search(text):
        return f"is a PowerShell command, which is not read; {_HOW_TO} (bash or cmd)."
    if _FETCH.search(text):
        return f"is a fetch() call, which does not hold all headers; {_HOW_TO}."
    return f"has no curl command with a URL; {_HOW_TO}."


class _Paste:
    """What was read of one paste so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.exchanges: list[Exchange] = []
        self.skipped: list[Skipped] = []
        self._requests: list[CurlRequest] = []
        self._unknowns: dict[str, None] = {}
        self._cut = False
        self._index = 0

    def add(self, command: Command, output: str) -> None:
        if not command.closed:
            self._skip("a quotation mark of the curl command is not closed: it was cut off")
            return
        requests = read_requests(command.words)
        readable = [request for request in requests if urls.parse(request.url)]
        if len(readable) < len(requests):
            self._skip("the curl command's URL is not valid")
        elif not requests and any(word.startswith("-") for word in command.words):
            self._skip("the curl command has no URL")
        self._requests += readable
        self._unknowns.update(dict.fromkeys(command.unknowns))
        self._cut = self._cut or command.cut_by_ampersand
        hops = read_output(output, readable[-1].write_out if readable else "")
        for request, hop in _combine(readable, hops):
            self._exchange(request, hop)

    def add_output(self, output: str) -> None:
        """Output of `curl -v` whose command was not pasted: the requests are in it."""
        for hop in read_output(output):
            if hop.method and (request := _sent(hop, [])):
                self._exchange(request, hop)

    def _skip(self, reason: str) -> None:
        self.skipped.append(Skipped(self.file, self._index, reason))
        self._index += 1

    def _exchange(self, request: CurlRequest, hop: Hop | None) -> None:
        sent = Headers(request.headers)
        received = Headers(hop.headers if hop else ())
        status = hop.status if hop else None
        body = (hop.body or None) if hop else None
        self.exchanges.append(
            Exchange(
                source=self.file,
                index=self._index,
                method=request.method,
                url=request.url,
                status=status,
                outcome=Outcome.UNKNOWN if status is None else Outcome.ANSWERED,
                http_version=(hop.version if hop else "") or request.http_version,
                resource_type=resource_type(sent),
                mime_type=mime_type(received),
                redirect_url=redirect_url(status, received),
                parts=DecodedParts(
                    request_headers=sent,
                    response_headers=received,
                    body=lambda: body,
                    request_body=lambda: request.body,
                ),
            )
        )
        self._index += 1

    def capture(self) -> Capture:
        browsers = {request.browser for request in self._requests}
        return Capture(
            file=self.file,
            exporter=(browsers.pop() if len(browsers) == 1 else "") or _TYPED,
            exchanges=tuple(self.exchanges),
            skipped=tuple(self.skipped),
            blind_spots=tuple(self._blind_spots()),
        )

    def _blind_spots(self) -> Iterator[str]:
        says = knowledge().blind_spots
        if any(exchange.status is None for exchange in self.exchanges):
            yield says["no_answer"]
        yield says["no_page"]
        copied = [request for request in self._requests if request.browser]
        if copied:
            yield says["copied"]
        if any(not _has_full_headers(request) for request in copied):
            yield says["provisional"]
        if any(not _has_browser_agent(exchange) for exchange in self.exchanges):
            yield says["typed"]
        if self._unknowns:
            yield says["variables"].format(names=", ".join(list(self._unknowns)[:5]))
        if any(request.reads_files for request in self._requests):
            yield says["files"]
        if self._cut:
            yield says["ampersand"]


def _has_full_headers(request: CurlRequest) -> bool:
    names = {name.lower() for name, _ in request.headers}
    return "accept" in names or any(name.startswith("sec-fetch-") for name in names)


def _has_browser_agent(exchange: Exchange) -> bool:
    return (exchange.request_headers.get("user-agent") or "").startswith("Mozilla/")


def _combine(
    requests: list[CurlRequest], hops: list[Hop]
) -> Iterator[tuple[CurlRequest, Hop | None]]:
    """Each request with its answer; a redirect that was followed is a request of its own."""
    if any(hop.method for hop in hops):
        for hop in hops:
            sent = _sent(hop, requests) if hop.method else None
            if sent:
                yield sent, hop
        return
    waiting = iter(requests)
    request = next(waiting, None)
    for hop in hops:
        if request is None:
            return
        yield request, hop
        redirected = _redirected(request, hop) if request.follows_redirects else None
        request = redirected or next(waiting, None)
    while request is not None:
        yield request, None
        request = next(waiting, None)


def _sent(hop: Hop, requests: Iterable[CurlRequest]) -> CurlRequest | None:
    """The request that `-v` printed; scheme and URL from the command where it names that host."""
    headers = Headers(hop.request_headers)
    host = headers.get("host") or ""
    scheme = "https" if hop.secure else "http"
    like: CurlRequest | None = None
    for request in requests:
        url = urls.parse(request.url)
        if url and url.href.split("/", 3)[2].rpartition("@")[2] == host.lower():
            like, scheme = request, url.scheme
            break
    url = urls.parse(hop.target if "://" in hop.target[:8] else f"{scheme}://{host}{hop.target}")
    if url is None or not url.host:
        return None
    return CurlRequest(
        url=url.href,
        method=hop.method,
        headers=tuple(hop.request_headers),
        body=like.body if like and like.method == hop.method else None,
        http_version=hop.request_version,
        browser=like.browser if like else "",
    )


_PRIVATE = frozenset({"host", "authorization", "cookie"})


def _redirected(request: CurlRequest, hop: Hop) -> CurlRequest | None:
    """The request that curl sends after this answer, None where it is no redirect."""
    location = redirect_url(hop.status, Headers(hop.headers))
    target = urls.join(request.url, location) if location else None
    before, after = urls.parse(request.url), urls.parse(target or "")
    if target is None or before is None or after is None:
        return None
    moved = not urls.same_origin(before, after)
    headers = [
        (name, value)
        for name, value in request.headers
        if not (moved and name.lower() in _PRIVATE)
        and not (request.referer_follows and name.lower() == "referer")
    ]
    if request.referer_follows:
        headers.append(("Referer", request.url.partition("#")[0]))
    keeps = request.method in ("GET", "HEAD") or hop.status in (307, 308)
    return CurlRequest(
        url=target,
        method=request.method if keeps else "GET",
        headers=tuple(headers),
        body=request.body if keeps else None,
        http_version=request.http_version,
        browser=request.browser,
        follows_redirects=True,
        referer_follows=request.referer_follows,
        write_out=request.write_out,
        reads_files=request.reads_files,
    )
