"""The emulated Tokens API: pages, filters, and every refusal that the documentation names."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.capture.exchange import Headers
from diagnostics.journey.told import read_list
from diagnostics.provider.emulated import Reply, Request
from diagnostics.provider.emulated_account import LIMIT, Account, Held, answer
from diagnostics.provider.token import decode

READER = Held("ck0reader", "sk", scopes=("tokens:read",), created="2020-01-02")
DEFAULT = Held("ck0default", default=True, scopes=("styles:read",), created="2020-01-01")
SHOP = Held("ck0shop", note="Shop", scopes=("styles:read",), allowed=("example.com",), created="2")
ACME = Account("acme", (DEFAULT, READER, SHOP))
BASE = "https://api.mapbox.com/tokens/v2/acme"


def ask(
    account: Account = ACME, url: str = BASE, secret: Held | None = READER, **query: Any
) -> Reply:
    if secret is not None:
        query["access_token"] = secret.text(account.name)
    return answer(Request("GET", f"{url}?{urllib.parse.urlencode(query)}"), account)


def items(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200
    found: list[dict[str, Any]] = msgspec.json.decode(reply.body)
    return found


def following(reply: Reply) -> dict[str, Any] | None:
    link = dict(reply.headers).get("link")
    if link is None:
        return None
    found = re.fullmatch(r'<https://api\.mapbox\.com/tokens/v2/acme\?([^>]*)>; rel="next"', link)
    assert found is not None
    return dict(urllib.parse.parse_qsl(found[1]))


def test_items_are_as_documented() -> None:
    default, reader, shop = items(ask())
    assert list(shop) == [
        "id", "usage", "client", "default", "scopes", "note", "created", "modified", "allowedUrls",
        "token",
    ]  # fmt: skip
    assert shop["allowedUrls"] == ["example.com"]
    assert decode(shop["token"]).id == shop["id"] == "ck0shop"
    assert "token" not in reader
    assert "allowedUrls" not in default
    assert [item.captured_id for item in read_list(ask().body)] == [
        "ck0default", "ck0reader", "ck0shop",
    ]  # fmt: skip


@given(number=st.integers(0, 130), size=st.integers(1, 140))
def test_pages_together_are_the_list(number: int, size: int) -> None:
    account = Account("acme", [READER, *(Held(f"ck{place}") for place in range(number))])
    query: dict[str, Any] | None = {"limit": str(size)}
    seen: list[str] = []
    pages = 0
    while query is not None:
        reply = ask(account, **query)
        page = items(reply)
        assert 0 < len(page) <= min(size, 100)
        seen += [item["id"] for item in page]
        query = following(reply)
        pages += 1
    assert seen == [held.id for held in account.tokens]
    assert pages == -(-len(seen) // min(size, 100))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"default": "true"}, ["ck0default"]),
        ({"default": "false"}, ["ck0reader", "ck0shop"]),
        ({"usage": "sk"}, ["ck0reader"]),
        ({"usage": "pk", "limit": "1"}, ["ck0default"]),
        ({"sortby": "created"}, ["ck0shop", "ck0default", "ck0reader"]),
        ({"start": "ck0reader"}, ["ck0shop"]),
        ({"start": "ck0shop"}, []),
        ({"limit": "0"}, ["ck0default"]),
        ({"limit": "x"}, ["ck0default", "ck0reader", "ck0shop"]),
    ],
)
def test_parameters(query: dict[str, Any], ids: list[str]) -> None:
    assert [item["id"] for item in items(ask(**query))] == ids


def test_a_next_page_keeps_the_filters() -> None:
    assert following(ask(usage="pk", limit="1")) == {
        "usage": "pk", "limit": "1", "start": "ck0default",
    }  # fmt: skip


RESTRICTED = Held("ck0sk2", "sk", scopes=("tokens:read",), allowed=("example.com",))
REFUSED = Account("acme", (*ACME.tokens, RESTRICTED))


@pytest.mark.parametrize(
    ("reply", "status", "message"),
    [
        (ask(secret=None), 422, "access token is required"),
        (ask(secret=None, access_token="sk.e30.x"), 401, "Unauthorized"),
        (ask(secret=DEFAULT), 404, "Not found"),
        (ask(url="https://api.mapbox.com/tokens/v2/other"), 404, "No such user"),
        (ask(url="https://api.mapbox.com/tokens/v2/acme/ck0shop"), 404, "Not found"),
        (ask(usage="tk"), 422, "usage must be pk or sk"),
        (ask(start="nobody"), 500, "Internal Server Error"),
        (ask(REFUSED, secret=RESTRICTED), 403, "Forbidden"),
        (answer(Request("POST", BASE), ACME), 404, "Not found"),
        (answer(Request("GET", "http://["), ACME), 404, "Not found"),
    ],
)
def test_refusals(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, msgspec.json.decode(reply.body)) == (status, {"message": message})


def test_a_restricted_secret_token_works_from_its_page() -> None:
    url = f"{BASE}?access_token={RESTRICTED.text('acme')}"
    headers = Headers([("Referer", "https://example.com/")])
    assert answer(Request("GET", url, headers), REFUSED).status == 200


def test_the_rate_limit_says_when_it_ends() -> None:
    request = Request("GET", f"{BASE}?access_token={READER.text('acme')}")
    assert answer(request, ACME, sent=LIMIT - 1, resets_at=50).status == 200
    reply = answer(request, ACME, sent=LIMIT, resets_at=50)
    assert reply.status == 429
    assert dict(reply.headers)["x-rate-limit-reset"] == "50"
