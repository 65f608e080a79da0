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
from tests.planting_places import KINDS_OF_ENTRIES, Json, entry_of

_ALNUM = string.ascii_letters + string.digits
_URL64 = _ALNUM + "-_"
_HEX = "0123456789abcdef"
_WINDOW = 12
_GRAM = 8
_CODED = re.compile(r"[A-Za-z0-9+/_-]{12,}")


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
        for place, maker in enumerate(KINDS_OF_ENTRIES):
            entry = entry_of(plant, maker.__name__.strip("_"), page_id, _time(number, place))
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
