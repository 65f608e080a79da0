"""The places of a HAR entry in which secrets are planted: for `planting`.

`entry_of` has one in every field that any entry has; each of `KINDS_OF_ENTRIES` adds what is in
entries of its kind alone, and is named in the places by its own name.
"""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.planting import Planter

Json = dict[str, Any]


def entry_of(plant: Planter, name: str, page: str, started: str) -> Json:
    """An entry with secrets in every field that any entry has."""

    def p(place: str) -> str:
        return plant.line(f"{name} {place}")

    def pair(key: str, value: str) -> Json:
        return {"name": key, "value": value, "comment": p(f"comment of {key}")}

    return {
        "startedDateTime": started,
        "time": 12,
        "pageref": page,
        "comment": p("comment"),
        "serverIPAddress": p("server address"),
        "connection": p("connection"),
        "_connectionId": p("connection id"),
        "_custom": {"deep": [{"er": p("custom field")}]},
        "_priority": p("priority"),
        "_securityDetails": {"subjectName": p("certificate")},
        "_initiator": {
            "type": "script",
            "url": plant.address(f"{name} initiator"),
            "requestId": p("request id"),
            "stack": {
                "callFrames": [
                    {"url": plant.address(f"{name} stack"), "functionName": p("function")},
                    {"url": f"blob:https://shop.example.com/{plant.quoted(name + ' blob')}"},
                    {"url": f"data:text/javascript,{plant.quoted(name + ' data')}"},
                ],
                "parent": {
                    "description": p("stack description"),
                    "callFrames": [{"url": plant.address(f"{name} parent stack")}],
                },
            },
        },
        "cache": {"comment": p("cache"), "afterRequest": {"eTag": p("cache etag")}},
        "timings": {"send": 0, "wait": 1, "receive": 1, "comment": p("timings")},
        "request": {
            "method": "GET",
            "url": "",
            "httpVersion": "http/2.0",
            "comment": p("request comment"),
            "_custom": p("request field"),
            "headersSize": 100,
            "bodySize": 0,
            "cookies": [pair(p("cookie name"), p("cookie value"))],
            "queryString": [pair(p("query name"), p("query value"))],
            "headers": [
                pair(":path", f"/{plant.quoted(name + ' pseudo path')}"),
                pair(":authority", "shop.example.com"),
                pair("Referer", plant.address(f"{name} referer")),
                pair("Cookie", f"sid={p('cookie')}; theme=dark"),
                pair("Authorization", f"Bearer {p('bearer')}"),
                pair("Proxy-Authorization", f"Basic {p('proxy')}"),
                pair("X-Api-Key", p("api key")),
                pair("X-Forwarded-For", p("forwarded for")),
                pair("Accept", f"text/html;token={p('accept')},*/*;q=0.8"),
                pair("Accept-Encoding", f"gzip, {p('accept encoding')}"),
                pair("Accept-Language", p("accept language")),
                pair("If-None-Match", f'"{p("if none match")}"'),
                pair("Sec-Fetch-Site", "cross-site"),
                pair("Sec-Fetch-Mode", p("sec fetch mode")),
                pair("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0"
                     f".0.0 Safari/537.36 App/{p('product')} ({p('agent comment')})"),
                pair(f"X-{p('header name')}", "1"),
                pair("X-Custom", p("custom header")),
            ],
        },
        "response": {
            "status": 200,
            "statusText": p("status text"),
            "httpVersion": "http/2.0",
            "comment": p("response comment"),
            "_custom": p("response field"),
            "redirectURL": "",
            "headersSize": 100,
            "bodySize": 100,
            "cookies": [pair(p("set cookie name"), p("set cookie value in array"))],
            "headers": [
                pair("Set-Cookie", f"csrftoken={p('set cookie')}; Path=/{p('cookie path')}"),
                pair("ETag", f'W/"{p("etag")}"'),
                pair("Server", f"nginx/{p('server')}"),
                pair("X-Powered-By", f"PHP/{p('powered by')}"),
                pair("X-Request-Id", p("request id header")),
                pair("X-Cache", f"Hit from {p('x cache')}"),
                pair("Age", p("age")),
                pair("Via", f"1.1 Caddy {p('via')}"),
                pair("Link", f"<{plant.address(name + ' link')}>; rel=\"https://api.w.org/\""),
                pair("Strict-Transport-Security", f"max-age=10886400; {p('hsts')}"),
                pair("Referrer-Policy", f"no-referrer, {p('referrer policy')}"),
                pair("Content-Security-Policy",
                     f"default-src 'self' 'nonce-{p('nonce')}' https://cdn.example.com/"
                     f"{plant.quoted(name + ' csp path')}; report-uri https://"
                     f"{p('reporting key')}@o1.ingest.example.com/{p('reporting path')};"
                     f" {p('directive')} 'self'"),
                pair("Location", plant.address(f"{name} location")),
                pair("X-Custom", p("custom answer header")),
            ],
            "content": {
                "size": 10,
                "mimeType": "application/octet-stream",
                "comment": p("content comment"),
                "_custom": p("content field"),
            },
        },
    }  # fmt: skip


def _document(plant: Planter, entry: Json) -> None:
    def e(place: str) -> str:
        return plant.escaped(f"markup {place}")

    def a(place: str) -> str:
        return html.escape(plant.address(f"markup {place}"))

    entry["_resourceType"] = "document"
    entry["request"]["url"] = "https://shop.example.com/map"
    text = f"""<!DOCTYPE html><html data-user="{e("html attribute")}"><head>
<title>{e("title")}</title><base href="{a("base")}">
<meta name="csrf-token" content="{e("meta")}">
<meta name="referrer" content="{e("meta referrer")}">
<meta http-equiv="Content-Security-Policy" content="img-src {a("meta csp")} 'self'">
<!-- build {e("comment")} -->
<script src="{a("script")}" referrerpolicy="{e("policy attribute")}" nonce="{e("nonce")}"></script>
<link rel="stylesheet" href="{a("style sheet")}" integrity="{e("integrity")}">
<script>window.config = {{user: "{plant("inline script")}", referrerPolicy: "origin",
  style: "mapbox://styles/acme/{plant("style name")}"}}; mapboxgl.accessToken = "x";
  fetch("/x", {{referrerPolicy: "{plant("policy option")}"}});</script>
<script type="application/json">{{"jwt": "{plant("data block")}"}}</script></head>
<body id="{e("id")}" class="{e("class")}">{e("text")}<!--{e("body comment")}-->
<input type="hidden" name="{e("input name")}" value="{e("hidden input")}">
<img src="{a("image")}" referrerpolicy="no-referrer" alt="{e("alt")}">
<a href="{a("anchor")}" rel="noreferrer {e("rel")}" ping="{a("ping")}">x</a>
<form action="{a("form")}" rel="noreferrer"></form>
<iframe src="{a("frame")}" sandbox="allow-scripts {e("sandbox")}" name="{e("frame name")}"
  srcdoc="&lt;p&gt;{e("srcdoc")}" allow="{e("allow")}"></iframe>
<svg><text>{e("svg")}</text></svg><template>{e("template")}</template>
<noscript>{e("noscript")}</noscript><style>.x {{ content: "{e("style")}" }}</style></body></html>"""
    entry["response"]["content"] |= {"mimeType": "text/html; charset=utf-8", "text": text}


def _refused(plant: Planter, entry: Json) -> None:
    q = plant.quoted
    entry["_resourceType"] = "fetch"
    entry["response"]["status"] = 403
    entry["request"]["url"] = (
        f"https://api.mapbox.com/styles/v1/{q('account')}/{q('style id')}?access_token="
        f"{q('access token')}&sku={q('sku')}&sdk=js-3.9.0{q('sdk')}"
    )
    message = f"account of {plant('message')} is suspended; see https://x/?k={q('message link')}"
    text = json.dumps({"message": message, "detail": plant("error detail")})
    entry["response"]["content"] |= {
        "mimeType": f"application/json; v={plant.line('media type')}", "text": text
    }  # fmt: skip


def _worker(plant: Planter, entry: Json) -> None:
    q = plant.quoted
    entry["pageref"] = ""
    entry["response"]["status"] = 403
    entry["_frameref"] = plant("frame reference")
    entry["_resourceType"] = plant("resource type")
    entry["request"]["method"] = plant("method")
    entry["response"]["_error"] = plant("error")
    entry["request"]["httpVersion"] = plant("http version")
    entry["request"]["url"] = (
        f"https://api.mapbox.com/v4/{q('tileset owner')}.{q('tileset')}/3/4/2{q('behind tile')}.png"
        f"?access_token=pk.{q('payload')}.{q('signature')}"
    )
    scope = plant("scope").replace(" ", "")
    text = json.dumps({"message": f"This endpoint requires a token with {scope} scope"})
    entry["response"]["content"] |= {"mimeType": "application/json", "text": text}


def _script(plant: Planter, entry: Json) -> None:
    entry["_resourceType"] = "script"
    text = (
        f"/* Mapbox GL JS {plant('banner')} v3.9.0 */ const key = '{plant('script')}';"
        f" fetch(u, {{referrerPolicy: 'origin', body: '{plant('script body')}'}})"
    )
    entry["response"]["content"] |= {"mimeType": "text/javascript", "text": text}


def _style(plant: Planter, entry: Json) -> None:
    entry["_resourceType"] = "stylesheet"
    text = f".a {{ background: url({plant.address('css')}) }} /* {plant('css comment')} */"
    entry["response"]["content"] |= {"mimeType": "text/css", "text": text}


def _api(plant: Planter, entry: Json) -> None:
    entry["_resourceType"] = "xhr"
    entry["request"]["method"] = "POST"
    form = urllib.parse.urlencode({"password": plant("form"), plant("form name"): "1"})
    entry["request"]["postData"] = {
        "mimeType": f"multipart/form-data; boundary={plant.line('boundary')}",
        "text": json.dumps({"user": plant("sent JSON"), "form": form}),
        "params": [
            {"name": plant("param name"), "value": plant("param"), "fileName": plant("file name")}
        ],
        "comment": plant("sent comment"),
    }
    body = json.dumps({"a": {"b": [plant("JSON"), {plant("JSON key"): 1}]}, "t": plant("JSON 2")})
    entry["response"]["content"] |= {
        "mimeType": "application/json",
        "encoding": "base64",
        "text": base64.b64encode(body.encode()).decode(),
    }


def _redirect(plant: Planter, entry: Json) -> None:
    entry["response"]["status"] = 302
    entry["response"]["redirectURL"] = plant.address("redirect")


def _socket(plant: Planter, entry: Json) -> None:
    entry["_resourceType"] = "websocket"
    entry["request"]["url"] = plant.address("socket", "wss://shop.example.com/live")
    entry["_webSocketMessages"] = [{"type": "send", "data": plant("socket message")}]
    entry["_eventSourceMessages"] = [{"data": plant("event")}]


KINDS_OF_ENTRIES = (_document, _refused, _script, _style, _api, _redirect, _socket, _worker)
