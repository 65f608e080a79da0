"""Tokens: what can be read from one, and that none survives redaction, however it is written."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.provider.token import PATTERN, Token, decode, encode, redact

SIGNATURE = "c2lnbmF0dXJlLW9mLWEtdGVzdA"
PAYLOAD = {"u": "acme", "a": "ck0example000000000000000a"}
TOKEN = encode("pk", PAYLOAD, SIGNATURE)
SHOWN = "pk.…(acme/ck0ex…)"


def raw(kind: str, payload: bytes, signature: str = SIGNATURE) -> str:
    return f"{kind}.{base64.urlsafe_b64encode(payload).decode()}.{signature}"


@pytest.mark.parametrize("kind", ["pk", "sk", "tk"])
def test_a_whole_token(kind: str) -> None:
    token = decode(encode(kind, PAYLOAD))
    assert (token.kind, token.account, token.id) == (kind, "acme", PAYLOAD["a"])
    assert token.malformed is None
    assert token.scopes is token.expires is None
    assert token.shown == f"{kind}.…(acme/ck0ex…)"


def test_a_temporary_token_carries_its_own_facts() -> None:
    payload: dict[str, object] = {
        "u": "acme",
        "exp": 1795341600,
        "iat": 1795338000,
        "scopes": ["styles:read"],
        "client": "api",
    }
    token = decode(encode("tk", payload))
    assert token.expires == 1795341600.0
    assert token.scopes == ("styles:read",)
    assert token.id is None
    assert token.shown == "tk.…(acme)"


def test_the_sample_of_the_documentation() -> None:
    token = decode("pk.eyJ1Ijoic2NvdGhpcyIsImEiOiJjaWp1Y2ltYmUwMDBicmJrdDQ4ZDBkaGN4In0.sbihZCZJ56")
    assert (token.account, token.id) == ("scothis", "cijucimbe000brbkt48d0dhcx")


@pytest.mark.parametrize(
    ("text", "kind", "malformed"),
    [
        ("", "", "does not begin with"),
        ("undefined", "", "does not begin with"),
        ("YOUR_TOKEN", "", "does not begin with"),
        ("PK.abc.def", "", "does not begin with"),
        ("pk", "", None),
        (TOKEN.rpartition(".")[0], "pk", "cut off"),
        (TOKEN.rpartition(".")[0] + ".", "pk", "cut off"),
        (TOKEN + ".x", "pk", "more than three"),
        ("pk.", "pk", "not base64url JSON"),
        ("pk..", "pk", "not base64url JSON"),
        ("pk.!!!.x", "pk", "not base64url JSON"),
        ("pk.a.x", "pk", "not base64url JSON"),
        ("pk.äöü.x", "pk", "not base64url JSON"),
        (TOKEN[:-40], "pk", None),
        (raw("pk", b"not json"), "pk", "not base64url JSON"),
        (raw("pk", b"\xff\xfe"), "pk", "not base64url JSON"),
        (raw("pk", b"[1, 2]"), "pk", "not a JSON object"),
        (raw("pk", b"5"), "pk", "not a JSON object"),
        (raw("pk", b"null"), "pk", "not a JSON object"),
        (raw("pk", b'"x"'), "pk", "not a JSON object"),
        (raw("pk", b"[" * 100_000), "pk", "not base64url JSON"),
        ("pk." + "A" * 1_000_000 + ".x", "pk", "not base64url JSON"),
    ],
)
def test_what_is_wrong_is_said(text: str, kind: str, malformed: str | None) -> None:
    token = decode(text)
    if malformed:
        assert token.kind == kind
        assert malformed in (token.malformed or "")
    assert SIGNATURE not in token.shown


@pytest.mark.parametrize(
    ("payload", "account", "token_id", "shown"),
    [
        ({}, None, None, "pk.…(?)"),
        ({"u": 5, "a": []}, None, None, "pk.…(?)"),
        ({"u": "acme"}, "acme", None, "pk.…(acme)"),
        ({"a": "ck0"}, None, "ck0", "pk.…(?/ck0)"),
        ({"u": "a" * 500}, "a" * 500, None, f"pk.…({'a' * 40})"),
        ({"u": "\x1b[31mred"}, "\x1b[31mred", None, "pk.…(?)"),
        ({"u": "a<b>", "a": "<script>"}, "a<b>", "<script>", "pk.…(a/…)"),
        ({"u": TOKEN}, TOKEN, None, "pk.…(pk)"),
        ({"u": "acme", "exp": True, "scopes": "x"}, "acme", None, "pk.…(acme)"),
        ({"u": "acme", "scopes": [1, None]}, "acme", None, "pk.…(acme)"),
    ],
)
def test_odd_payloads(
    payload: dict[str, object], account: str | None, token_id: str | None, shown: str
) -> None:
    token = decode(encode("pk", payload))
    assert (token.account, token.id, token.shown) == (account, token_id, shown)
    assert token.expires is None


def test_padding_and_white_space() -> None:
    padded = raw("pk", json.dumps(PAYLOAD).encode())
    assert decode(padded).account == "acme"
    assert decode(f"  {TOKEN}\n") == decode(TOKEN)


def test_what_is_shown_of_no_token() -> None:
    assert decode("").shown == "(empty token)"
    assert decode("undefined").shown == "(not a Mapbox token)"


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_decoded(text: str) -> None:
    for one in (text, "pk." + text, "pk." + text + "." + text):
        assert isinstance(decode(one), Token)
        assert isinstance(decode(one).shown, str)


# Redaction.


def everywhere(token: str) -> dict[str, str]:
    once = urllib.parse.quote(token).replace(".", "%2E")
    twice = once.replace("%", "%25")
    return {
        "alone": token,
        "query": f"https://api.mapbox.com/v4/x.json?secure&access_token={token}&x=1",
        "fragment": f"https://a.example/#access_token={token}",
        "userinfo": f"https://kim:{token}@a.example/",
        "user name": f"https://{token}@a.example/",
        "path": f"https://a.example/{token}/x",
        "file name": f"/home/kim/{token}.har",
        "JSON": json.dumps({"token": token}),
        "JSON, dots escaped": json.dumps({"token": token}).replace(".", "\\u002e"),
        "JSON in JSON": json.dumps(json.dumps({"url": f"https:\\/\\/a\\/?t\\u003d{token}"})),
        "JavaScript": f"mapboxgl.accessToken='{token}';",
        "after an escape": f"\\n{token}\\n",
        "after a unicode escape": f"\\u003d{token}\\u0026",
        "template": f"${{x}}{token}`",
        "header": f"Authorization: Bearer {token}",
        "cookie": f"a=b;token={token};c=d",
        "HTML": f'<a href="?access_token={token}">',
        "HTML, dots as references": token.replace(".", "&#46;"),
        "HTML, hexadecimal": token.replace(".", "&#x2e;"),
        "percent-encoded": once,
        "percent-encoded twice": twice,
        "three times": twice.replace("%", "%25"),
        "encoded after a sign": f"?url=https%3A%2F%2Fa%2F%3Faccess_token%3D{once}%26x",
        "encoded twice after a sign": f"?u=%253Faccess_token%253D{twice}",
        "after an encoded quote": f"%22{token}%22",
        "every character encoded": "".join(f"%{ord(c):02X}" for c in token),
        "every character, lower case": "".join(f"%{ord(c):02x}" for c in token),
        "after a letter": f"x{token}",
        "after an underscore": f"_{token}",
        "after a digit": f"7{token}",
        "two in a row": f"{token},{token}",
        "end of a sentence": f"The token {token}. It is public.",
        "multi-line": f"a\n{token}\nb",
    }


@pytest.mark.parametrize("place", everywhere("x"))
@pytest.mark.parametrize("kind", ["pk", "sk", "tk"])
def test_no_place_hides_a_token(place: str, kind: str) -> None:
    token = encode(kind, PAYLOAD, SIGNATURE)
    text = redact(everywhere(token)[place])
    payload = token.split(".")[1]
    assert payload not in text
    assert SIGNATURE not in text
    assert f"{kind}.…(acme/ck0ex…)" in text


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=30)
TOKENS = st.builds(
    encode,
    st.sampled_from(["pk", "sk", "tk"]),
    st.fixed_dictionaries({"u": NAMES, "a": NAMES}, optional={"exp": st.integers()}),
    st.text(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", min_size=8, max_size=40
    ).map("Sig-{}".format),
)


@settings(max_examples=300, deadline=None)
@given(TOKENS, st.sampled_from(sorted(everywhere("x"))), st.text(max_size=20), st.text(max_size=20))
def test_no_text_around_hides_a_token(token: str, place: str, before: str, after: str) -> None:
    # What follows directly and could belong to the token would make it another one.
    text = f"{before} {everywhere(token)[place]} {after}"
    shown = redact(text)
    _, payload, signature = token.split(".")
    assert payload not in shown
    assert signature not in shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://sk.example.com/map",
        "https://sk.wikipedia.org/wiki/Mapa",
        "https://pk.some-longer-name.example.com/",
        "https://tk.preview-1234567890.vercel.app/",
        "https://example.tk/path",
        "desk.MapComponent.js and disk.UsageStatistics",
        "The token begins with pk. or sk. and has three parts.",
        "pk.…(acme/ck0ex…)",
        "pk.…(ew0example/ck0ex…)",
        "pk.…(my_ew0example)",
        "pk.YOUR_TOKEN",
        "https://a.example/fonts/DIN%20Pro%20Regular/0-255.pbf?x=%7B%7D",
        "100 % of it",
        "they key the money",
        "Hey. Eyes.",
    ],
)
def test_normal_text_stays(text: str) -> None:
    assert redact(text) == text


def test_a_json_web_token_of_somebody_else() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(b'{"sub":"kim"}').decode().rstrip("=")
    assert redact(f"x={header}.{body}.abcdefghijk-_") == "x=eyJ…"


@pytest.mark.parametrize(
    "before", ["eyJhbGciOiJIUzI1NiJ9.", "pk.eyJ1IjoiYSJ9.", "pk.Abcdefghijklm.", "eyJhbGciOitk.Jx"]
)
@pytest.mark.parametrize("kind", ["pk", "sk"])
def test_two_tokens_that_run_into_one_another(before: str, kind: str) -> None:
    """The first has room for two more parts; the second's must not be taken for them, or its
    signature would be left."""
    second = kind + TOKEN[2:]
    for text in (before + second, (before + second).replace(".", "%2E")):
        assert SIGNATURE not in redact(text)
        assert TOKEN.split(".")[1] not in redact(text)


@pytest.mark.parametrize("cut", range(4, len(TOKEN)))
def test_a_token_that_is_cut_shows_no_long_part(cut: int) -> None:
    shown = redact(f"?access_token={TOKEN[:cut]}")
    assert TOKEN[3:20] not in shown
    assert SIGNATURE[:8] not in shown


def test_the_pattern_finds_the_whole_token() -> None:
    found = PATTERN.search(f"mapboxgl.accessToken = '{TOKEN}';")
    assert found is not None
    assert found[0] == TOKEN


@pytest.mark.parametrize(
    "hostile",
    ["pk.", "pk.a", "pk", "eyJ", "ey", "%", "%25", "%2E", "pk%2E", "\\u002e", "\\", "a", "A.", "=",
     "%3D", "pk.aaaaaaaaaaaa", "&#46;"],
)  # fmt: skip
def test_cost_is_linear(hostile: str) -> None:
    text = hostile * (1_000_000 // len(hostile))
    start = time.process_time()
    redact(text)
    redact("pk." + text)
    assert time.process_time() - start < 4


def test_a_host_name_is_no_web_token() -> None:
    host = "shop-git-newmap-acme.vercel.app"
    assert redact(f"allow+={host}") == f"allow+={host}"


@pytest.mark.parametrize("expires", ["9" * 400, "-" + "9" * 400, "1e400", "true", '"soon"', "null"])
def test_an_odd_time_of_expiry_is_none(expires: str) -> None:
    payload = base64.urlsafe_b64encode(f'{{"u": "a", "exp": {expires}}}'.encode()).decode()
    assert decode(f"tk.{payload.rstrip('=')}.signature").expires is None
