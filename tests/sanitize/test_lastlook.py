"""What has the shape of a secret becomes a stand-in wherever it stands; all else stays."""

from __future__ import annotations

import pytest

from diagnostics.provider import token as tokens
from diagnostics.sanitize.lastlook import LastLook
from diagnostics.sanitize.standins import StandIns, Tally

TOKEN = tokens.encode("pk", {"u": "harbour", "a": "ck9"}, "c2VjcmV0c2lnbmF0dXJl")
UUID = "8f14e45f-ceea-467a-9a36-dedd4bea2543"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"


def looked(text: str, *keep: str) -> tuple[str, dict[str, int]]:
    tally = Tally()
    made = LastLook(StandIns(tally), keep).at(text)
    return made, dict(tally.replaced)


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (UUID, "a UUID"),
        (JWT, "a JSON Web Token"),
        ("kim@mail.example.org", "an e-mail address"),
        ("8f14e45fceea167a5a36dedd4bea2543", "a long hexadecimal number"),
        ("4111 1111 1111 1111", "a card or account number"),
        ("ghp_" + "a1" * 18, "a GitHub token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
    ],
)
def test_each_kind_is_counted_by_its_name(secret: str, kind: str) -> None:
    assert looked(f"a={secret}") == ("a=hidden-1", {kind: 1})
    assert looked(f"{secret} {secret}") == ("hidden-1 hidden-1", {kind: 2})


@pytest.mark.parametrize(
    "text", ["", "a@b.io", "https://shop.example.com/store-locator", "hidden-12 account-3 page_1"]
)
def test_what_is_none_stays(text: str) -> None:
    assert looked(text) == (text, {})


def test_a_token_becomes_one_of_its_kind_and_that_stays() -> None:
    made, counts = looked(f"a {TOKEN}")
    assert made.startswith("a pk.")
    assert tokens.decode(made[2:]).account == "account-1"
    assert "harbour" not in made
    assert counts == {"access tokens": 1, "account names": 1}
    assert looked(made) == (made, {})


@pytest.mark.parametrize("kind", ["pk", "sk", "tk"])
@pytest.mark.parametrize(
    "secret", [UUID, "ghp_" + "a1" * 18, "4111111111111111", "sk-" + "a1" * 10, "kim@example.org"]
)
def test_what_stands_behind_a_tokens_kind_is_looked_at(kind: str, secret: str) -> None:
    for text in (f"{kind}.{secret}", f"https://{kind}.{secret}.example.com/ {secret}"):
        made, _ = looked(text)
        assert secret not in made
        assert looked(made) == (made, {})


def test_a_token_stays_beside_a_secret() -> None:
    made, counts = looked(f"{TOKEN}?a={UUID}&b={TOKEN} {JWT}")
    token, _, rest = made.partition("?")
    assert tokens.decode(token).account == "account-1"
    assert rest == f"a=hidden-1&b={token} hidden-2"
    assert counts == {
        "access tokens": 2, "account names": 1, "a UUID": 1, "a JSON Web Token": 1
    }  # fmt: skip


@pytest.mark.parametrize("behind", [".", "..", ".!", "@", "-", "%2E"])
def test_a_token_ends_where_it_ends(behind: str) -> None:
    made, _ = looked(f"a {TOKEN}{behind}")
    assert tokens.decode(made[2 : -len(behind)]).account == "account-1"
    assert looked(made) == (made, {})


def test_what_runs_on_behind_a_token_is_looked_at() -> None:
    made, _ = looked(f"{TOKEN}@{UUID}")
    assert UUID not in made
    assert "harbour" not in made
    made, _ = looked(f"{TOKEN}@example.org {TOKEN} kim@example.org")
    assert made.endswith(" hidden-1")
    assert tokens.decode(made.split("@")[0]).account == "account-1"


def test_nothing_is_left_of_a_token_that_begins_as_a_shorter_one() -> None:
    cut = TOKEN[:-8]
    made, _ = looked(f"{cut} {TOKEN}")
    assert [tokens.decode(one).account for one in made.split()] == ["account-1"] * 2
    assert TOKEN[-8:] not in made
    assert len(set(made.split())) == 2


def test_what_the_user_told_stays_and_no_more() -> None:
    entry = f" shop.example.com/{UUID} "
    assert looked(f"https://shop.example.com/{UUID}/x", entry)[0].count(UUID) == 1
    other = UUID.replace("8f14", "8f15")
    assert looked(f"https://shop.example.com/{other}", entry)[0].endswith("/hidden-1")
