"""Writes exchanges as a HAR that DevTools, mitmproxy and why403 read.

HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) asks for more fields than are known; those
have the values that it names for “not available”.
"""

from __future__ import annotations

import datetime
import http
import urllib.parse
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from diagnostics import __version__
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Capture, Exchange, Headers, Outcome, Page
from diagnostics.capture.exporters import exporters
from diagnostics.report.json import inactive
from diagnostics.sanitize.harmless import is_phrase

_NOTE = (
    "Sanitized by why403: tokens, accounts and whatever was no word have stand-ins, and what no"
    " diagnosis reads is gone."
)
_EPOCH = "1970-01-01T00:00:00+00:00"


def har_pieces(
    capture: Capture, pages: Iterable[Page], exchanges: Iterable[Exchange | None]
) -> Iterator[str]:
    """A HAR of these exchanges piece by piece, an entry a line; None is a place that could not be
    read and stays so. `capture` says who wrote the original."""
    head = {
        "version": "1.2",
        "creator": {"name": _creator(capture), "version": ""},
        **({"browser": {"name": capture.engine, "version": ""}} if capture.engine else {}),
        "comment": _NOTE,
        "_why403": __version__,
        "pages": [_page(page) for page in pages],
    }
    if not head["pages"]:
        del head["pages"]
    yield '{"log": ' + _encoded(head)[:-1] + ', "entries": ['
    comma = "\n"
    for exchange in exchanges:
        yield comma + _encoded({} if exchange is None else _entry(exchange))
        comma = ",\n"
    yield "\n]}}\n"


def _creator(capture: Capture) -> str:
    """A name by which the exporter is recognised again."""
    for exporter in exporters():
        if exporter.title == capture.exporter:
            return exporter.creator
    name = capture.exporter
    return name if name and is_phrase(name) else "unknown exporter"


def _page(page: Page) -> dict[str, Any]:
    return {
        "startedDateTime": _time(page.started) or _EPOCH,
        "id": page.id,
        "title": page.title,
        "pageTimings": {},
    }


def _entry(exchange: Exchange) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if started := _time(exchange.started):
        entry["startedDateTime"] = started
    entry["time"] = 0
    if exchange.page_ref:
        entry["pageref"] = exchange.page_ref
    if exchange.frame_ref:
        entry["_frameref"] = exchange.frame_ref
    if exchange.resource_type:
        entry["_resourceType"] = exchange.resource_type
    if exchange.outcome is Outcome.CACHED:
        entry["_fromCache"] = "disk"
    if initiator := _initiator(exchange):
        entry["_initiator"] = initiator
    entry["request"] = _request(exchange)
    entry["response"] = _response(exchange)
    entry["cache"] = {}
    entry["timings"] = {"send": 0, "wait": 0, "receive": 0}
    return entry


def _initiator(exchange: Exchange) -> dict[str, Any]:
    initiator = exchange.initiator
    if not initiator.kind and not initiator.urls:
        return {}
    frames = [
        {"functionName": "", "scriptId": "", "url": url, "lineNumber": 0, "columnNumber": 0}
        for url in initiator.urls
    ]
    found: dict[str, Any] = {"type": initiator.kind} if initiator.kind else {}
    return found | ({"stack": {"callFrames": frames}} if frames else {})


def _request(exchange: Exchange) -> dict[str, Any]:
    url = urls.parse(exchange.url)
    query = urllib.parse.parse_qsl(url.query if url else "", keep_blank_values=True)
    request = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": exchange.http_version,
        "cookies": [],
        "headers": _headers(exchange.request_headers),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": -1,
        "bodySize": -1,
    }
    if exchange.request_body is not None:
        request["postData"] = {"mimeType": "application/json", "text": exchange.request_body}
    return request


def _response(exchange: Exchange) -> dict[str, Any]:
    body = exchange.body
    content: dict[str, Any] = {"size": len((body or "").encode("utf-8", "replace"))}
    content["mimeType"] = exchange.mime_type
    if body is not None:
        content["text"] = body
    response = {
        "status": exchange.status or 0,
        "statusText": _phrase(exchange.status),
        "httpVersion": exchange.http_version,
        "cookies": [],
        "headers": _headers(exchange.response_headers),
        "content": content,
        "redirectURL": exchange.redirect_url,
        "headersSize": -1,
        "bodySize": -1,
    }
    if exchange.reason:
        response["_error"] = exchange.reason
    if exchange.via_service_worker:
        response["_fetchedViaServiceWorker"] = True
    return response


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _phrase(status: int | None) -> str:
    try:
        return http.HTTPStatus(status or 0).phrase
    except ValueError:
        return ""


def _time(started: float | None) -> str | None:
    if started is None:
        return None
    try:
        return datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _encoded(value: dict[str, Any]) -> str:
    return inactive(msgspec.json.encode(value).decode())
