"""Plants secrets of many kinds in every place of a HAR, and looks for them in what is made of it.

Each place gets a secret of its own, so that what is found says where it came from. Secrets are
made from their kind and place alone: every run plants the same.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import random
import re
import string
import urllib.parse
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from diagnostics.provider import token as tokens

_ALNUM = string.ascii_letters + string.digits
_URL64 = _ALNUM + "-_"
_HEX = "0123456789abcdef"
_WINDOW = 12
_GRAM = 8
_CODED = re.compile(r"[A-Za-z0-9+/_-]{12,}")

Json = dict[str, Any]


class Secret(NamedTuple):
    """A planted secret; `core` is the part of it that no other text has."""

    kind: str
    place: str
    text: str
    core: str


def _text(rng: random.Random, alphabet: str, length: int) -> str:
    """Random characters with a digit and a capital letter, where the alphabet has them."""
    while True:
        made = "".join(rng.choices(alphabet, k=length))
        if (set(made) & set(string.digits) or not set(alphabet) & set(string.digits)) and (
            any(c.isupper() for c in made) or not any(c.isupper() for c in alphabet)
        ):
            return made


def _shaped(prefix: str, alphabet: str, length: int, suffix: str = "") -> Callable[..., Any]:
    def make(rng: random.Random) -> tuple[str, str]:
        core = _text(rng, alphabet, length)
        return prefix + core + suffix, core

    return make


def _mapbox(kind: str) -> Callable[[random.Random], tuple[str, str]]:
    def make(rng: random.Random) -> tuple[str, str]:
        signature = _text(rng, _URL64, 22)
        payload: dict[str, object] = {"u": "acme", "a": "ck" + _text(rng, _HEX, 22)}
        return tokens.encode(kind, payload, signature), signature

    return make


def _jwt(rng: random.Random) -> tuple[str, str]:
    def part(value: Json) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    core = part({"sub": _text(rng, _ALNUM, 20), "iat": rng.randrange(10**9, 2 * 10**9)})
    return f"{part({'alg': 'HS256'})}.{core}.{_text(rng, _URL64, 43)}", core


def _basic(rng: random.Random) -> tuple[str, str]:
    core = base64.b64encode(f"kim:{_text(rng, _ALNUM, 18)}".encode()).decode()
    return core, core


def _grouped(rng: random.Random, sizes: Sequence[int], between: str, before: str = "") -> Any:
    made = before + between.join("".join(rng.choices("123456789", k=n)) for n in sizes)
    return made, made


def _email(rng: random.Random) -> tuple[str, str]:
    made = f"{_text(rng, string.ascii_lowercase, 9)}.{rng.randrange(1000)}@mail.example.org"
    return made, made.partition("@")[0]


def _address6(rng: random.Random) -> tuple[str, str]:
    made = "2001:db8:" + ":".join(_text(rng, _HEX, 4) for _ in range(6))
    return made, made.removeprefix("2001:db8:")


def _uuid(rng: random.Random) -> tuple[str, str]:
    made = "-".join(_text(rng, _HEX, n) for n in (8, 4, 4, 4, 12))
    return made, made


def _saml(rng: random.Random) -> tuple[str, str]:
    made = base64.b64encode(f"<samlp:Response ID='{_text(rng, _ALNUM, 24)}'>".encode()).decode()
    return made, made[-30:]


KINDS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "Mapbox public token": _mapbox("pk"),
    "Mapbox secret token": _mapbox("sk"),
    "Mapbox temporary token": _mapbox("tk"),
    "JSON Web Token": _jwt,
    "opaque bearer token": _shaped("", _URL64, 40),
    "Basic credentials": _basic,
    "Google API key": _shaped("AIzaSy", _URL64, 33),
    "Google OAuth token": _shaped("ya29.a0", _URL64, 60),
    "MapTiler key": _shaped("", _ALNUM, 20),
    "ArcGIS key": _shaped("AAPK", _URL64, 60),
    "HERE key": _shaped("", _URL64, 43),
    "Stadia key": _uuid,
    "Thunderforest key": _shaped("", _HEX, 32),
    "AWS access key id": _shaped("AKIA", string.ascii_uppercase + string.digits, 16),
    "AWS secret key": _shaped("", _ALNUM + "+/", 40),
    "AWS signature": _shaped("", _HEX, 64),
    "GitHub token": _shaped("ghp_", _ALNUM, 36),
    "GitLab token": _shaped("glpat-", _URL64, 20),
    "Slack token": _shaped("xoxb-", string.digits + string.ascii_letters, 36),
    "Slack webhook": _shaped("T0123/B4567/", _ALNUM, 24),
    "Stripe key": _shaped("sk_live_", _ALNUM, 24),
    "OpenAI key": _shaped("sk-proj-", _URL64, 48),
    "Anthropic key": _shaped("sk-ant-api03-", _URL64, 60),
    "npm token": _shaped("npm_", _ALNUM, 36),
    "PyPI token": _shaped("pypi-AgEIcHlwaS5vcmc", _URL64, 60),
    "SendGrid key": _shaped("SG.", _URL64, 22, ".x"),
    "Twilio id": _shaped("AC", _HEX, 32),
    "Azure signature": _shaped("", _ALNUM + "+/", 43, "="),
    "Sentry key": _shaped("", _HEX, 32),
    "session id": _shaped("", string.ascii_lowercase + string.digits, 26),
    "CSRF token": _shaped("", _ALNUM + "+/", 43, "="),
    "OAuth code": _shaped("4/0A", _URL64, 60),
    "PKCE verifier": _shaped("", _URL64 + ".~", 64),
    "SAML response": _saml,
    "private key": _shaped("-----BEGIN PRIVATE KEY-----\n", _ALNUM + "+/", 64),
    "password": _shaped("Tr0ub4dor&", _ALNUM + "!$%", 12),
    "e-mail address": _email,
    "phone number": lambda rng: _grouped(rng, (3, 4, 4), " ", "+49 "),
    "card number": lambda rng: _grouped(rng, (4, 4, 4, 4), " "),
    "card number without gaps": lambda rng: _grouped(rng, (16,), ""),
    "IBAN": lambda rng: _grouped(rng, (20,), "", "DE"),
    "social security number": lambda rng: _grouped(rng, (3, 2, 4), "-"),
    "IPv4 address": lambda rng: _grouped(rng, (2, 2, 2, 2), "."),
    "IPv6 address": _address6,
    "UUID": _uuid,
    "database password": _shaped("postgres://kim:", _ALNUM, 16, "@db/x"),
    "TOTP secret": _shaped("", string.ascii_uppercase + "234567", 32),
    "coordinates": lambda rng: _grouped(rng, (6, 7), ",13.", "52."),
}


def make(kind: str, place: str) -> Secret:
    """The secret of that kind for that place."""
    text, core = KINDS[kind](random.Random(f"{kind}/{place}"))
    return Secret(kind, place, text, core)


class Planter:
    """Plants the secrets of one kind, and remembers them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.planted: list[Secret] = []

    def __call__(self, place: str) -> str:
        """The secret for a place, as it is."""
        self.planted.append(make(self.kind, place))
        return self.planted[-1].text

    def quoted(self, place: str) -> str:
        """The same percent-encoded, for an address."""
        return urllib.parse.quote(self(place), safe="")

    def escaped(self, place: str) -> str:
        """The same for markup."""
        return html.escape(self(place))

    def line(self, place: str) -> str:
        """The same on one line, for a header."""
        return self(place).replace("\n", " ")

    def address(self, place: str, base: str = "https://shop.example.com/shop") -> str:
        """An address with one in each of its parts."""
        scheme, _, rest = base.partition("://")
        q = self.quoted
        return (
            f"{scheme}://{q(place + ' user')}:{q(place + ' password')}@{rest}/{q(place + ' path')}"
            f"/{q(place + ' name')}.html?id={q(place + ' value')}&{q(place + ' parameter')}=1"
            f"&next=https%3A%2F%2Fa.example%2F%3Ft%3D{q(place + ' inner')}#{q(place + ' fragment')}"
        )


def planted_har(kinds: Iterable[str] = KINDS) -> tuple[Json, list[Secret]]:
    """A HAR with a page, its map's refused requests and an API call for each kind, all full of
    secrets of that kind; and the secrets."""
    pages, entries, secrets = [], [], []
    for number, kind in enumerate(kinds):
        plant = Planter(kind)
        page_id = f"page_{number}_{plant('page id')}"
        pages.append(
            {
                "id": page_id,
                "title": plant.address("page title"),
                "startedDateTime": _time(number, 0),
                "comment": plant("page comment"),
                "pageTimings": {"comment": plant("page timings")},
                "_custom": plant("page field"),
            }
        )
        pages.append({"id": f"other_{number}", "title": f"Map of {plant('page title in words')}"})
        makers = (_document, _refused, _script, _style, _api, _redirect, _socket, _worker)
        for place, maker in enumerate(makers):
            entry = _entry(plant, maker.__name__.strip("_"), page_id, _time(number, place))
            maker(plant, entry)
            entry["request"]["url"] = entry["request"]["url"] or plant.address("url")
            entries.append(entry)
        secrets += plant.planted
    log = Planter("opaque bearer token")
    har = {
        "log": {
            "version": "1.2",
            "creator": {"name": "WebInspector", "version": log("creator"), "comment": log("cc")},
            "browser": {"name": log("browser"), "version": log("browser version")},
            "comment": log("log comment"),
            "_custom": {"nested": [log("log field")]},
            "pages": pages,
            "entries": entries,
        }
    }
    return har, secrets + log.planted


def planted_flow_secrets() -> tuple[list[Json], list[Secret]]:
    """The same requests as plain values, for captures of other kinds: dicts of `url`, `method`,
    `headers`, `status`, `answer` (headers), `body` and `sent` (a body)."""
    har, secrets = planted_har()
    made = [
        {
            "url": entry["request"]["url"],
            "method": entry["request"]["method"],
            "headers": _sendable(entry["request"]["headers"]),
            "status": entry["response"]["status"],
            "answer": _sendable(entry["response"]["headers"]),
            "body": entry["response"]["content"].get("text", ""),
            "sent": entry["request"].get("postData", {}).get("text", ""),
        }
        for entry in har["log"]["entries"]
    ]
    return made, secrets


def _sendable(headers: list[Json]) -> list[tuple[str, str]]:
    """Those that HTTP can carry."""
    return [
        (h["name"], h["value"])
        for h in headers
        if h["name"].replace("-", "").isalnum() and h["name"].isascii()
    ]


def _time(minute: int, second: int) -> str:
    return f"2026-03-01T10:{minute % 60:02d}:{second:02d}.000Z"


def _entry(plant: Planter, name: str, page: str, started: str) -> Json:
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


def leaks(data: bytes, secrets: Iterable[Secret]) -> list[str]:
    """Which secrets are in `data`, a file or an archive of files, whole or in a piece: as they
    are, percent-encoded, escaped, in base64 or hexadecimal. Each as `kind: place`."""
    found: dict[str, None] = {}
    for content in _unpacked(data):
        text = content.decode("utf-8", "replace")
        texts = {text, urllib.parse.unquote(text), html.unescape(text), *_decoded(text)}
        grams = {t[i : i + _GRAM] for t in texts for i in range(len(t) - _GRAM + 1)}
        found |= {
            f"{secret.kind}: {secret.place}": None
            for secret in secrets
            if _is_in(secret.core, texts, grams)
        }
    return list(found)


def _is_in(core: str, texts: Iterable[str], grams: set[str]) -> bool:
    # Whatever is as long as a window holds one of these.
    steps = range(0, len(core) - _GRAM + 1, _WINDOW - _GRAM)
    if not any(core[i : i + _GRAM] in grams for i in steps):
        return False
    size = min(_WINDOW, len(core))
    windows = {core[i : i + size] for i in range(len(core) - size + 1)}
    return any(window in text for window in windows for text in texts)


def _decoded(text: str) -> Iterator[str]:
    """What all that looks like base64 or hexadecimal stands for."""
    coded = {run for run in _CODED.findall(text) if len(run) >= _GRAM}
    plain = []
    for run in coded:
        for start in range(4):
            piece = run[start:].replace("-", "+").replace("_", "/")
            plain.append(base64.b64decode(piece[: len(piece) // 4 * 4]))
        if not set(run) - set(_HEX):
            plain.append(bytes.fromhex(run[: len(run) // 2 * 2]))
    yield b"\n".join(plain).decode("latin-1")


def _unpacked(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"\x1f\x8b"):
        yield from _unpacked(gzip.decompress(data))
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from _unpacked(archive.read(name))
    else:
        yield data
