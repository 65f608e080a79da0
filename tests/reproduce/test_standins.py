"""No secret of a customer survives, and what was equal stays equal."""

from __future__ import annotations

import pytest

from diagnostics.provider.token import decode, encode
from diagnostics.reproduce.standins import WORD, StandIns

SECRET = encode("pk", {"u": "harbour", "a": "ck9secret"}, "Zm9vYmFyYmF6cXV4")
OTHER = encode("sk", {"u": "harbour", "a": "ck9othersecret"}, "YmFyYmF6cXV4Zm9v")
SESSION = "8f14e45fceea167a5a36dedd4bea2543"


def stand_ins(main: str = SECRET, *others: str) -> StandIns:
    return StandIns(decode(main), map(decode, others))


def test_the_token_becomes_the_tickets_own() -> None:
    made = stand_ins()
    assert made.text(f"https://api.mapbox.com/x?access_token={SECRET}&y=1") == (
        "https://api.mapbox.com/x?access_token={{token}}&y=1"
    )
    assert made.spec().account == "harbour"
    assert made.spec().kind == "pk"
    assert SECRET.split(".")[1] not in made.spec().text


def test_another_token_becomes_a_fake_of_its_kind_and_account_everywhere_the_same() -> None:
    made = stand_ins(SECRET, OTHER)
    first, second = made.text(f"a {OTHER} b"), made.text(f'"{OTHER}"')
    fake = first.split(" ")[1]
    assert second == f'"{fake}"'
    assert decode(fake).kind == "sk"
    assert decode(fake).account == "harbour"
    assert decode(fake).id != "ck9othersecret"
    assert made.text(first) == first


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (SECRET.rpartition(".")[0], 2),
        (SECRET + ".more", 4),
    ],
)
def test_a_token_that_was_cut_or_joined_stays_so(text: str, cut: int) -> None:
    made = stand_ins(text).text(text)
    assert made != text
    assert len(made.split(".")) == cut
    assert decode(made).malformed


@pytest.mark.parametrize("text", ["undefined", "null", ""])
def test_a_word_in_place_of_a_token_is_the_mistake_itself(text: str) -> None:
    assert stand_ins(text).text(text) == text


def test_a_text_that_is_no_token_keeps_only_its_shape() -> None:
    made = stand_ins("AIzaSyD-9tSrke72PouQMnMX").text("AIzaSyD-9tSrke72PouQMnMX")
    assert made == "xxxxxxx-0xxxxx00xxxxxxxx"


@pytest.mark.parametrize(
    "text",
    [
        f"https://shop.example.com/map?session={SESSION}&x=1",
        f"https://shop.example.com/#auth_token={SESSION}",
        f"Authorization: Bearer {SESSION}",
        f'<script>window.config = {{"apiKey": "{SESSION}"}}</script>',
        f"<script>const csrfToken = '{SESSION}';</script>",
        f'<meta name="csrf-token" content="{SESSION}">',
        f'<input type="hidden" name="csrf_token" value="{SESSION}">',
        f"eyJhbGciOiJIUzI1NiJ9.{SESSION}.{SESSION}",
        f"https://kim:{SESSION}@shop.example.com/",
    ],
)
def test_other_secrets_become_a_word(text: str) -> None:
    made = stand_ins().markup(text)
    assert SESSION not in made
    assert WORD in made or "//shop" in made


def test_what_is_no_secret_stays() -> None:
    text = '<img src="https://unpkg.com/leaflet@1.9.4/x.png"> key: "value" zoom=4 "title": "Map us"'
    assert stand_ins().markup(text) == text


def test_halves_of_a_surrogate_pair_can_be_written() -> None:
    assert stand_ins().text("a\ud83d b").encode() == b"a? b"
