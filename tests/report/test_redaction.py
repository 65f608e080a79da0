"""Secrets leave no report, normal text stays, and it costs little."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.provider.token import encode
from diagnostics.report.redaction import redact, redact_text

SIGNATURE = "c2lnbmF0dXJlLW9mLWEtdGVzdA"
TOKEN = encode("pk", {"u": "acme", "a": "ck0example000000000000000a"}, SIGNATURE)
SHOWN = "pk.…(acme/ck0ex…)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://api.mapbox.com/x?access_token={TOKEN}", f"https://api.mapbox.com/x?access_token={SHOWN}"),
        ("?access_token=abcdef", "?access_token=(6 characters)"),
        ("?x=1&key=AIzaSyA-1234", "?x=1&key=(12 characters)"),
        ("?api_key=12345&y", "?api_key=(5 characters)&y"),
        ("?apikey=12345", "?apikey=(5 characters)"),
        ("?apiKey=12345", "?apiKey=(5 characters)"),
        ("?token=12345#map", "?token=(5 characters)#map"),
        ("?id_token=12345", "?id_token=(5 characters)"),
        ("#refresh_token=12345", "#refresh_token=(5 characters)"),
        ("?authToken=12345", "?authToken=(5 characters)"),
        ("?client_secret=12345", "?client_secret=(5 characters)"),
        ("?sig=12345", "?sig=(5 characters)"),
        ("?X-Amz-Signature=12345", "?X-Amz-Signature=(5 characters)"),
        ("?X-Amz-Security-Token=12345", "?X-Amz-Security-Token=(5 characters)"),
        ("?password=hunter2", "?password=(7 characters)"),
        ("?PASSWORD=hunter2", "?PASSWORD=(7 characters)"),
        ("/cb?code=4/0AX4&state=xyzzy9", "/cb?code=(6 characters)&state=(6 characters)"),
        ("?PHPSESSID=q1w2e3r4&postal_code=10115", "?PHPSESSID=(8 characters)&postal_code=10115"),
        ("a=b; sessionid=12345; c=d", "a=b; sessionid=(6 characters) c=d"),
        ("?jwt=12345", "?jwt=(5 characters)"),
        ("?u=https%3A%2F%2Fa%2F%3Fkey%3D12345", "?u=https%3A%2F%2Fa%2F%3Fkey%3D(5 characters)"),
        ("?u=%253Fkey%253D12345", "?u=%253Fkey%253D(5 characters)"),
        ("https://kim:hunter2@a.example/x", "https://…@a.example/x"),
        ("https://kim@a.example/x", "https://…@a.example/x"),
        ("https://kim:p@ss@a.example/x", "https://…@a.example/x"),
        (f"https://{'u' * 400}:p@a.example/", "https://…@a.example/"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer …"),
        ("authorization: bearer " + "a" * 24, "authorization: bearer …"),
        ("Basic a2ltOmh1bnRlcjI=", "Basic …"),
        ("Token 9944b09199c62bcf9418ad846dd0e4bb", "Token …"),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW0ifQ.abc-_123 y", "x eyJ… y"),
    ],
)  # fmt: skip
def test_secrets(text: str, shown: str) -> None:
    assert redact_text(text) == shown
    assert redact_text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key: value",
        "The request has no token=.",
        "?token=",
        "?access_token",
        "?key=&token=",
        "?access_token=undefined",
        "?access_token=null",
        "?access_token=YOUR_TOKEN",
        "?access_token={accessToken}",
        "?access_token=${TOKEN}",
        "?access_token=<token>",
        "?access_token=…",
        f"?access_token={SHOWN}",
        "?key=abc",
        "monkey=banana&keyboard=qwerty&turkey=istanbul",
        "?token_type=bearer&sort_by=name",
        "the token management page",
        "Token restrictions apply to this token.",
        "A token restricted by URL, a bearer of bad news, basic information.",
        "allow+=https://example.com referrer-policy=no-referrer gl-js=3.9.0",
        '<meta name="referrer" content="no-referrer">',
        "default-src 'self'; connect-src https://api.mapbox.com",
        "https://unpkg.com/mapbox-gl@3.9.0/dist/mapbox-gl.js",
        "https://sk.example.com/?sku=101abc&secure&page=1",
        "kim@example.com",
        "git@example.com:acme/map",
        "https://a.example/ and kim@b.example",
        "“https://example.com” can never match: wildcard characters are not supported.",
        "https://a.example/fonts/DIN%20Pro%20Regular,Arial%20Unicode/0-255.pbf",
    ],
)
def test_normal_text_stays(text: str) -> None:
    assert redact_text(text) == text


class Inner(msgspec.Struct, frozen=True):
    says: str
    number: int = 5


class Outer(msgspec.Struct, frozen=True):
    inner: tuple[Inner, ...]
    by_name: dict[str, str]
    text: str | None = None


def test_every_field_at_any_depth() -> None:
    shared = Inner(f"a {TOKEN}")
    value = Outer((shared, Inner("plain"), shared), {TOKEN: f"{TOKEN}"}, f"?key={'x' * 9}")
    found = redact(value)
    assert found.inner[0].says == f"a {SHOWN}"
    assert found.inner[0] is found.inner[2]
    assert found.inner[1] is value.inner[1]
    assert found.by_name == {SHOWN: SHOWN}
    assert found.text == "?key=(9 characters)"
    assert TOKEN in value.inner[0].says  # the original stays


def test_what_holds_nothing_is_not_rebuilt() -> None:
    value = Outer((Inner("plain"),), {}, None)
    assert redact(value).inner[0] is value.inner[0]


@pytest.mark.parametrize(
    ("token", "text", "shown"),
    [
        ("Abcdef0123456789XYZ", "x Abcdef0123456789XYZ y", "x (not a Mapbox token) y"),
        ("a/b+c=Abcdef0123456789", "?t=a%2Fb%2Bc%3DAbcdef0123456789", "?t=(not a Mapbox token)"),
        (TOKEN, f"“{TOKEN}”", f"“{SHOWN}”"),
        # What may be a part of normal text is left to the parameter's name.
        ("undefined", "an undefined variable", "an undefined variable"),
        ("https://", "https://a.example/", "https://a.example/"),
        ("referrer-policy-blocks", "referrer-policy-blocks", "referrer-policy-blocks"),
    ],
)
def test_tokens_of_the_capture(token: str, text: str, shown: str) -> None:
    assert redact(Inner(text), [token]).says == shown


TOKENS = st.builds(
    lambda kind, account, token_id, end: encode(kind, {"u": account, "a": token_id}, f"Sig-{end}"),
    st.sampled_from(["pk", "sk", "tk"]),
    st.text("abc09-_", min_size=1, max_size=20),
    st.text("abc09", min_size=1, max_size=30),
    st.text("ABCxyz019-_", min_size=8, max_size=30),
)


@settings(max_examples=200, deadline=None)
@given(TOKENS, st.text(max_size=30), st.text(max_size=30))
def test_no_token_survives(token: str, before: str, after: str) -> None:
    text = f"{before} {token} {after}"
    for one in (text, json.dumps(text), text.replace(".", "%2E"), text.replace(".", "%252e")):
        for shown in (redact_text(one), redact(Inner(one), [token]).says):
            _, payload, signature = token.split(".")
            assert payload not in shown
            assert signature not in shown


@settings(deadline=None)
@given(st.text())
def test_any_text_can_be_redacted_twice(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


class Verdict(msgspec.Struct, frozen=True):
    url: str
    index: int
    because: str = "no-referrer (set by the page) sends none at all."


def test_twenty_thousand_verdicts_take_little_time() -> None:
    url = "https://api.mapbox.com/v4/mapbox.mapbox-streets-v8/17/{}/3.pbf?sku=101&access_token="
    verdicts = tuple(Verdict(url.format(n) + TOKEN, n) for n in range(20_000))

    def cost() -> float:
        start = time.process_time()
        redact(verdicts, [TOKEN])
        return time.process_time() - start

    assert min(cost() for _ in range(4)) < 5  # a cost for each verdict, not for each pair
    assert redact(verdicts, [TOKEN])[-1].url.endswith(f"access_token={SHOWN}")


@pytest.mark.parametrize(
    "hostile",
    ["?", "key=", "?key=x", "//", "//@", "@", "Bearer ", "Bearer\n", "Basic  ", "a", "a.", "&a",
     "%3Fkey%3D", "-", "%", "Token  "],
)  # fmt: skip
def test_cost_is_linear(hostile: str) -> None:
    text = hostile * (500_000 // len(hostile))
    start = time.process_time()
    redact_text(text)
    redact_text("//" + text + " =@")
    assert time.process_time() - start < 4
