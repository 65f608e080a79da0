"""Listing tokens over real loopback HTTP: whole lists, refusals, limits, links that lead astray."""

from __future__ import annotations

import contextlib
import email.utils
import traceback
import urllib.parse
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.account.service import Service, ServiceError
from diagnostics.account.tokens_api import Item, list_tokens, readable_secret
from diagnostics.errors import InputError
from diagnostics.provider import emulated_account
from diagnostics.provider.emulated import Reply, Request
from diagnostics.provider.emulated_account import Account, Held
from diagnostics.provider.token import encode
from tests.account.serving import (
    PUBLIC,
    SECRET,
    Answering,
    account_of,
    secret_of,
    serving,
    tokens_api,
)

ACCOUNT = account_of(120)
TEXT = secret_of(ACCOUNT)
NOW = 1_800_000_000.0


class Listing:
    """One attempt to list: the items or the error, what was said, and each wait."""

    def __init__(self, answer: Answering, secret: str = TEXT, page: int = 100) -> None:
        self.said: list[str] = []
        self.waits: list[float] = []
        self.items: list[Item] = []
        self.error = ""
        with serving(answer) as served, Service(served.origin) as service:
            self.origin = served.origin
            try:
                self.items = list_tokens(
                    service,
                    readable_secret(secret),
                    self.said.append,
                    page=page,
                    wait=self.waits.append,
                    now=lambda: NOW,
                )
            except ServiceError as error:
                self.error = str(error)
                assert "\n" not in self.error
                shown = "".join(traceback.format_exception(error))
                assert secret.split(".")[1] not in shown
            self.requests = served.requests
        assert secret.split(".")[1] not in "".join(self.said)


@settings(max_examples=12)
@given(page=st.integers(1, 150) | st.sampled_from([1, 59, 60, 61, 119, 120, 121]))
def test_all_of_120_tokens_whatever_the_pages(page: int) -> None:
    listing = Listing(tokens_api(ACCOUNT), page=page)
    assert [item["id"] for item in listing.items] == [held.id for held in ACCOUNT.tokens]
    assert len(listing.requests) == -(-120 // min(page, 100))
    assert len(listing.said) == len(listing.requests)
    for request, said in zip(listing.requests, listing.said, strict=True):
        without = request.url.partition("&access_token=")[0]
        assert said == f"GET {without}&access_token=sk.…(acme/ck0se…)"
        assert "referer" not in request.headers


def test_an_empty_account_name_is_never_sent() -> None:
    for account in ("", "..", "a/b", "a b", "a?b", ".", "ü", "a" * 101, None, 5):
        with pytest.raises(InputError) as raised:
            readable_secret(encode("sk", {"u": account, "a": "x"}))
        assert "sk." not in str(raised.value).replace("(sk.…)", "")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (encode("pk", {"u": "acme", "a": "x"}), "public token"),
        ("", "no secret token"),
        ("nonsense", "does not begin with"),
        (TEXT.rpartition(".")[0], "cut off"),
        ("sk.!!.x", "base64url"),
    ],
)
def test_what_is_no_secret_token(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        readable_secret(text)


def test_a_temporary_token_may_list_as_well() -> None:
    assert readable_secret(encode("tk", {"u": "acme", "exp": 1})).account == "acme"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (tokens_api(Account("acme", ())), "answered 401: the secret token is not valid"),
        (tokens_api(Account("acme", (Held(SECRET.id, "sk"),))), "scope tokens:read"),
        (lambda _: Reply(403), "no allowed URLs of its own"),
        (lambda _: Reply(302, (("Location", "https://evil.example/"),)), "was not followed"),
        (lambda _: Reply(500), "a fault"),
        (lambda _: Reply(418), "does not explain"),
        (lambda _: Reply(200, (), b"<html>captive portal</html>"), "not JSON"),
        (lambda _: Reply(200, (), b"\xff\xfe"), "not JSON"),
        (lambda _: Reply(200, (), b"[" * 100_000), "not JSON"),
        (lambda _: Reply(200, (), b'{"a": 1}'), "no list of tokens"),
        (lambda _: Reply(200, (), b"[5]"), "no list of tokens"),
        (lambda _: Reply(200, (), b'[{"id": 5}]'), "no list of tokens"),
        (lambda _: Reply(200, (), b'[{"id": null}]'), "no list of tokens"),
    ],
)
def test_refusals_say_what_to_do(answer: Answering, says: str) -> None:
    listing = Listing(answer)
    assert says in listing.error
    assert len(listing.requests) == 1


def limited(replies: Sequence[Reply]) -> Answering:
    """These answers first, then the account's."""
    left = list(replies)
    return lambda request: (
        left.pop(0) if left else emulated_account.answer(request, ACCOUNT)
    )  # fmt: skip


DATE = email.utils.formatdate(NOW + 30, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("Retry-After", "7"),), 7),
        ((("Retry-After", "0"),), 1),
        ((("Retry-After", DATE),), 30),
        ((("Retry-After", "soon"),), 10),
        ((("X-Rate-Limit-Reset", f"{int(NOW) + 20}"),), 21),
        ((("X-Rate-Limit-Reset", "5"),), 1),
        ((("Retry-After", "3"), ("X-Rate-Limit-Reset", f"{int(NOW) + 20}")), 3),
        ((), 10),
    ],
)
def test_a_limit_is_waited_for(headers: tuple[tuple[str, str], ...], seconds: float) -> None:
    listing = Listing(limited([Reply(429, headers)]))
    assert len(listing.items) == 120
    assert listing.waits == [seconds]
    assert any(f"waiting {seconds} s" in said for said in listing.said)


def test_a_limit_of_the_emulated_account() -> None:
    sent = 0

    def answer(request: Request) -> Reply:
        nonlocal sent
        sent += 1
        before = emulated_account.LIMIT if sent == 2 else 0
        return emulated_account.answer(request, ACCOUNT, sent=before, resets_at=int(NOW) + 40)

    listing = Listing(answer)
    assert (len(listing.items), listing.waits) == (120, [41])


def test_a_limit_is_not_waited_for_without_end() -> None:
    assert (
        "asks to wait 900 seconds" in Listing(lambda _: Reply(429, (("Retry-After", "900"),))).error
    )
    endless = Listing(lambda _: Reply(429, (("Retry-After", "1"),)))
    assert "still answers 429" in endless.error
    assert len(endless.requests) == 5


def item(place: object) -> bytes:
    return f'[{{"id": "ck{place}"}}]'.encode()


def linked(target: str, parameters: str = '; rel="next"') -> Answering:
    """A first page that names this next one; anything after it is an empty last page."""

    def answer(request: Request) -> Reply:
        if "start=" in request.url:
            return Reply(200, (), item(2))
        origin = request.url.partition("/tokens/")[0]
        link = f"<{target.replace('ORIGIN', origin)}>{parameters}"
        return Reply(200, (("Link", link),), item(1))

    return answer


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/tokens/v2/acme?start=1",
        "//evil.example/tokens/v2/acme?start=1",
        "http://localhost/tokens/v2/acme?start=1",
        "ORIGIN/tokens/v2/other?start=1",
        "ORIGIN/elsewhere?start=1",
        "file:///tokens/v2/acme?start=1",
        "https://[",
    ],
)
def test_a_next_page_elsewhere_is_not_asked(target: str) -> None:
    listing = Listing(linked(target))
    assert "next page at another address" in listing.error
    assert len(listing.requests) == 1


@pytest.mark.parametrize(
    ("target", "parameters", "pages"),
    [
        ("ORIGIN/tokens/v2/acme?start=1", '; rel="next"', 2),
        ("/tokens/v2/acme?start=1", "; rel=next", 2),
        ("?start=1", '; title="x"; REL = "prev next"', 2),
        ("ORIGIN/tokens/v2/acme?start=1&access_token=sk.stolen", ';rel="next"', 2),
        ("ORIGIN/tokens/v2/acme?start=1", '; rel="prev"', 1),
        ("ORIGIN/tokens/v2/acme?start=1", '; rel="nextish"', 1),
        ("ORIGIN/tokens/v2/acme?start=1", "", 1),
        ("ORIGIN/x>; rel=first, <ORIGIN/tokens/v2/acme?start=1", '; rel="next"', 2),
    ],
)
def test_forms_of_a_link(target: str, parameters: str, pages: int) -> None:
    listing = Listing(linked(target, parameters))
    assert listing.error == ""
    assert len(listing.requests) == pages
    assert len(listing.items) == pages
    for request in listing.requests:
        assert request.url.count("access_token=") == 1
        assert f"access_token={TEXT}" in request.url


def test_paging_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A next page that is the same, that repeats its items, and that always has new ones."""
    same = Listing(lambda _: Reply(200, (("Link", '<?limit=100>; rel="next"'),), item(1)))
    assert "without end" in same.error
    assert len(same.requests) == 1
    count = 0

    def repeating(_: Request) -> Reply:
        nonlocal count
        count += 1
        return Reply(200, (("Link", f'<?start={count}>; rel="next"'),), item(1))

    listing = Listing(repeating)
    assert "repeats a page" in listing.error
    assert len(listing.requests) == 2

    def growing(_: Request) -> Reply:
        nonlocal count
        count += 1
        return Reply(200, (("Link", f'<?start={count}>; rel="next"'),), item(count))

    monkeypatch.setattr("diagnostics.account.tokens_api._MOST_PAGES", 20)
    listing = Listing(growing)
    assert "without end" in listing.error
    assert len(listing.requests) == 20


@given(st.text(max_size=80))
@settings(max_examples=100)
def test_any_link_header_gives_a_query_or_an_error(text: str) -> None:
    from diagnostics.account.tokens_api import _next_query
    from diagnostics.capture.exchange import Headers

    for value in (text, f"<{text}>; rel=next", f"<?start=1>; {text}"):
        with contextlib.suppress(ServiceError):
            found = _next_query(
                Headers([("Link", value)]), "https://api.mapbox.com", "/tokens/v2/a", "x=1"
            )
            assert found is None or "access_token" not in dict(urllib.parse.parse_qsl(found))


def test_the_lists_are_the_account_s() -> None:
    listing = Listing(tokens_api(ACCOUNT))
    found = {item["id"]: item for item in listing.items}
    assert found["ck0site003"]["allowedUrls"] == ["site3.example.com"]
    assert tuple(found["ck0site003"]["scopes"]) == PUBLIC
