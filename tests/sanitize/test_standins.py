from __future__ import annotations

import pytest

from diagnostics.provider import token as tokens
from diagnostics.sanitize.standins import StandIns, Tally


def standins() -> StandIns:
    return StandIns(Tally())


def test_a_token_keeps_kind_account_scopes_and_end() -> None:
    made = standins()
    payload: dict[str, object] = {"u": "acme", "a": "ck1", "exp": 1.0, "scopes": ["styles:read"]}
    text = tokens.encode("tk", payload)
    token = tokens.decode(made.token(text))
    assert (token.kind, token.account, token.id) == ("tk", "account-1", "tok01removed")
    assert (token.expires, token.scopes, token.malformed) == (1.0, ("styles:read",), None)
    assert made.token(made.token(text)) == made.token(text)


def test_equal_accounts_stay_equal_and_tokens_apart() -> None:
    made = standins()
    one, two = (made.token(tokens.encode("pk", {"u": "acme", "a": a})) for a in ("a1", "a2"))
    assert one != two
    assert tokens.decode(one).account == tokens.decode(two).account == made.account("acme")
    rotated = made.token(tokens.encode("pk", {"u": "acme", "a": "a1"}, "othersignature"))
    assert rotated not in {one, two}


@pytest.mark.parametrize(
    "text",
    ["pk", "pk.", "pk.eyJ1IjoiYWNtZSJ9", "pk.eyJ1IjoiYWNtZSJ9.", "pk.abc", "pk.ab!c.def", "pk.W10.x",  # noqa: E501
     "sk.eyJ1IjoiYWNtZSJ9.sig.more", "YOUR_TOKEN", "AIzaSyA1b2C3d4", "pk..x", "tk.e30.sig"],
)  # fmt: skip
def test_a_faulty_token_keeps_its_fault(text: str) -> None:
    before, after = tokens.decode(text), tokens.decode(standins().token(text))
    assert (after.kind, after.malformed) == (before.kind, before.malformed)
    assert (after.account is None) == (before.account is None)


@pytest.mark.parametrize("text", ["", "undefined", "null", "[redacted]"])
def test_what_hides_nothing_stays(text: str) -> None:
    assert standins().token(text) == text


def test_numbers_tell_nothing_and_stand_ins_stand_for_themselves() -> None:
    made = standins()
    assert [made.hidden(text) for text in ("a", "b", "a", "hidden-1")] == [
        "hidden-1", "hidden-2", "hidden-1", "hidden-1"
    ]  # fmt: skip


def test_names_and_ids_stay_where_they_look_like_such() -> None:
    named = StandIns(Tally(), named=True)
    assert [named.account(name) for name in ("acme", "AKIAIOSFODNN7EXAMPLE")] == [
        "acme",
        "account-1",
    ]
    token_id = "ck0example00000000000000a"
    assert named.token_id(token_id) == token_id
    assert named.token_id("Zq8fV2mK1pL9xW") != "Zq8fV2mK1pL9xW"
    assert named.stays(token_id)
    assert not StandIns(Tally()).stays(token_id)
    text = tokens.encode("pk", {"u": "acme", "a": token_id})
    assert tokens.decode(named.token(text)).account == "acme"
    assert named.token(text) != text
