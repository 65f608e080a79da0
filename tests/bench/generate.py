"""Makes large HARs as Chrome DevTools would export them from a map page, byte for byte the same
for the same arguments."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diagnostics.provider.token import encode

TOKEN = encode("pk", {"u": "acme", "a": "ck0benchmark0000000000000"})
PAGE = "https://shop.example.com/map"
_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/156.0.0.0 Safari/537.36"
)
_REQUEST = [
    (":method", "GET"),
    (":scheme", "https"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9"),
    ("cache-control", "no-cache"),
    ("pragma", "no-cache"),
    ("priority", "u=1, i"),
    ("sec-ch-ua", '"Chromium";v="156", "Not=A?Brand";v="24"'),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", '"Windows"'),
    ("sec-fetch-mode", "cors"),
    ("user-agent", _AGENT),
]
_RESPONSE = [
    ("access-control-allow-origin", "*"),
    ("cache-control", "max-age=43200,s-maxage=300"),
    ("content-type", "application/x-protobuf"),
    ("date", "Sun, 22 Nov 2026 10:00:00 GMT"),
    ("etag", 'W/"5f0c2c4b5f0c2c4b5f0c2c4b"'),
    ("via", "1.1 5f0c2c4b5f0c2c4b.cloudfront.net (CloudFront)"),
    ("x-amz-cf-pop", "FRA56-P1"),
    ("x-cache", "Miss from cloudfront"),
]
_STACK = {
    "callFrames": [
        {
            "functionName": name,
            "scriptId": "21",
            "url": "https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js",
            "lineNumber": 1,
            "columnNumber": column,
        }
        for name, column in (("load", 12001), ("_request", 9200), ("send", 411), ("", 17))
    ]
}


def entry(number: int, body: str | None, rng: random.Random) -> dict[str, Any]:
    """One entry: the page, then in turn tiles, refused images and the site's own files."""
    kind = number % 10
    origin = PAGE.rpartition("/")[0]
    if number == 0:
        return _entry(0, PAGE, 200, "document", "text/html", "<!DOCTYPE html><title>Map</title>",
                      [("sec-fetch-dest", "document"), ("sec-fetch-site", "none")])  # fmt: skip
    if kind < 5:
        tile = f"{number % 22}/{number}/{number // 3}"
        url = f"https://api.mapbox.com/v4/mapbox.satellite/{tile}.webp"
        own = [("origin", origin), ("referer", origin + "/"), ("sec-fetch-dest", "empty"),
               ("sec-fetch-site", "cross-site")]  # fmt: skip
        return _entry(number, f"{url}?sku=101{number}&access_token={TOKEN}", 200, "fetch",
                      "image/webp", body, own)  # fmt: skip
    if kind < 7:
        url = f"https://api.mapbox.com/styles/v1/acme/ckstyle/static/{number},50,4/320x240"
        own = [("sec-fetch-dest", "image"), ("sec-fetch-site", "cross-site")]
        if rng.random() < 0.5:
            own.append(("referer", origin + "/"))
        return _entry(number, f"{url}?access_token={TOKEN}", 403, "image", "application/json",
                      '{"message":"Forbidden"}', own)  # fmt: skip
    own = [("referer", PAGE), ("sec-fetch-dest", "script"), ("sec-fetch-site", "same-origin")]
    return _entry(number, f"{origin}/static/{number}.bin", 200, "image", "image/png", body, own)


def _entry(
    number: int,
    url: str,
    status: int,
    kind: str,
    mime: str,
    body: str | None,
    own: list[tuple[str, str]],
) -> dict[str, Any]:
    text = {"text": body} if body is not None else {}
    if body and not mime.startswith(("text", "application/json")):
        text["encoding"] = "base64"
    seconds = number / 50
    return {
        "_connectionId": "771",
        "_initiator": {"type": "script", "stack": _STACK} if number else {"type": "other"},
        "_priority": "High",
        "_resourceType": kind,
        "cache": {},
        "connection": "443",
        "pageref": "page_1",
        "request": {
            "method": "GET",
            "url": url,
            "httpVersion": "http/2.0",
            "headers": _named([(":authority", url.split("/")[2]), *_REQUEST, *own]),
            "queryString": [{"name": "access_token", "value": TOKEN}] if "?" in url else [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "http/2.0",
            "headers": _named(_RESPONSE),
            "cookies": [],
            "content": {"size": len(body or ""), "mimeType": mime, **text},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_transferSize": 812,
            "_error": None,
            "_fetchedViaServiceWorker": False,
        },
        "serverIPAddress": "192.0.2.7",
        "startedDateTime": f"2026-11-22T{10 + int(seconds // 3600):02}:"
        f"{int(seconds // 60) % 60:02}:{seconds % 60:06.3f}Z",
        "time": 12.25,
        "timings": {"blocked": 1.5, "dns": -1, "connect": -1, "send": 0.2, "wait": 9.1},
    }


def _named(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _entries(rng: random.Random, largest_body: int) -> Iterator[str]:
    number = 0
    while True:
        size = rng.randint(0, largest_body) if largest_body else 0
        body = base64.b64encode(rng.randbytes(size)).decode() if size else None
        yield json.dumps(entry(number, body, rng))
        number += 1


def write(path: Path, *, megabytes: float = 0, entries: int = 0, largest_body: int = 30_000) -> int:
    """Write a HAR of about that size or with that many entries; returns the number of entries."""
    rng = random.Random(403)
    size = count = 0
    head = {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"},
            "pages": [{"id": "page_1", "title": PAGE, "startedDateTime": "2026-11-22T10:00:00Z",
                       "pageTimings": {}}]}  # fmt: skip
    with path.open("w") as file:
        file.write('{"log": ' + json.dumps(head)[:-1] + ', "entries": [')
        for text in _entries(rng, largest_body):
            if (entries and count >= entries) or (megabytes and size >= megabytes * 1e6):
                break
            file.write((",\n" if count else "\n") + text)
            size += len(text) + 2
            count += 1
        file.write("\n]}}\n")
    return count
