"""What a person knows about tokens."""

from __future__ import annotations

import json

import pytest

from diagnostics.journey.told import UNKNOWN, Allowed, Told, read_list, read_tokens
from diagnostics.provider.token import decode, encode

PK = encode("pk", {"u": "acme", "a": "ck0one"})
LISTED = [
    {"id": "ck0one", "usage": "pk", "default": False, "note": "web", "scopes": ["styles:read"],
     "allowedUrls": ["shop.example.com"], "token": PK, "created": "2020", "client": "api"},
    {"id": "ck0def", "usage": "pk", "default": True, "scopes": ["styles:read"]},
    {"id": "ck0sec", "usage": "sk", "allowedUrls": None},
]  # fmt: skip


def test_a_token_list() -> None:
    known = read_tokens(json.dumps(LISTED).encode())
    assert known["ck0one"] == Allowed(
        ("shop.example.com",), "the token list (web)", False, ("styles:read",)
    )
    assert known["ck0def"].is_default
    assert known["ck0def"].unrestricted
    assert known["ck0sec"].unrestricted
    assert known["ck0sec"].scopes is None


def test_a_single_token() -> None:
    assert set(read_tokens(json.dumps(LISTED[0]).encode())) == {"ck0one"}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b'{"message":"Not Found"}', b"\xff", b"[" * 100_000, b"null"]
)
def test_something_else(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^not a list of the Tokens API: [^\n]+$"):
        read_tokens(data)


def test_a_token_of_the_list_comes_before_what_holds_for_all() -> None:
    told = Told(Allowed(("a.example",), "--allow"), read_tokens(json.dumps(LISTED).encode()))
    assert told.about(decode(PK)).entries == ("shop.example.com",)
    assert told.about(decode(encode("pk", {"u": "x", "a": "other"}))).entries == ("a.example",)
    assert told.about(None).entries == ("a.example",)


def test_a_temporary_token_has_no_list() -> None:
    told = Told(Allowed(("a.example",), "--allow"))
    assert told.about(decode(encode("tk", {"u": "x"}))).unrestricted


def test_nothing_is_known() -> None:
    assert Told().about(decode(PK)) is UNKNOWN
    assert not UNKNOWN.known
    assert not UNKNOWN.unrestricted


def test_a_listed_token_is_found_by_the_id_within_its_text() -> None:
    text = encode("pk", {"u": "acme", "a": "ck0inside"})
    with_text, without = read_list(
        json.dumps([{"id": "ck0outside", "token": text}, {"id": "ck0alone"}]).encode()
    )
    assert (with_text.captured_id, without.captured_id) == ("ck0inside", "ck0alone")
    assert without.allowed.unrestricted
    assert without.allowed.told_by == "the token list (ck0alone)"
