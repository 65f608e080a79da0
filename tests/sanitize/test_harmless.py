from __future__ import annotations

import random
import string

import pytest

from diagnostics.sanitize.harmless import is_phrase, is_word, secret_kinds


@pytest.mark.parametrize(
    "text",
    ["map", "index.html", "store-locator", "mapbox-gl.js", "mapbox-gl@3.9.0", "@mapbox", "v3.9.0",
     "_next", "static", "userProfile", "streets-v12", "sprite@2x.png", "2024", "mapbox.satellite",
     "geocode", "wp-content", "jquery.min.js", "hidden-12", "account-3", "API",
     "com.chrome.devtools.json", "mapbox-gl-csp-worker.js", "html5-css3.html", "mbtiles-map",
     "streets-v12-utm32.json", "sprite-v2@3x.png", "EPSG3-map"],
)  # fmt: skip
def test_words_stay(text: str) -> None:
    assert is_word(text)


@pytest.mark.parametrize(
    "text",
    ["", "kim@example.com", "4111111111111111", "078-05-1120", "10.20.30.40", "+49 151 2345",
     "9f8e7d6c5b4a", "eyJhbGciOiJIUzI1NiJ9", "QzRkTmVwXyz", "a8Kd92jQ", "5f3e-11aa-22bb-33cc",
     "müller", "a" * 41, "password=x", "ghp_abcdefghijklmnopqrst", "main.8f3a2b1c.js",
     "qzxkvjwb-hgtrplmn-xcvbqwrt-zxdfghjk", "xkq-vzbw-pjm", "qzxk1-vbgh2", "AAA000.AAAAAA000",
     "AAA000.AAAAAAAA0", "ABC12-DEF3",
     "abc12-def34-ghi56", "aaab-bbba", "reset-xkqv-pjmw.html"],
)  # fmt: skip
def test_what_may_be_a_secret_goes(text: str) -> None:
    assert not is_word(text)


def test_random_text_is_hardly_ever_a_word() -> None:
    rng = random.Random(7)
    for alphabet in (string.ascii_lowercase, string.ascii_letters, string.hexdigits.lower()):
        made = ["".join(rng.choices(alphabet, k=18)) for _ in range(2000)]
        assert sum(map(is_word, made)) <= 20, alphabet


@pytest.mark.parametrize(
    ("lengths", "most"), [((8, 8, 8, 8), 0.03), ((6, 6, 6), 0.2), ((4, 4, 4, 4), 0.15)]
)
def test_random_groups_are_hardly_ever_words(lengths: tuple[int, ...], most: float) -> None:
    """Codes are handed out in short groups, each of which alone could be a word."""
    rng = random.Random(11)
    for joint in "-_.~":
        made = [
            joint.join("".join(rng.choices(string.ascii_lowercase, k=k)) for k in lengths)
            for _ in range(1000)
        ]
        assert sum(map(is_word, made)) <= most * len(made)


def test_fonts_are_phrases() -> None:
    assert is_phrase("DIN Pro Regular,Arial Unicode MS Regular")
    assert is_phrase("HK Grotesk Bold,Noto Sans CJK JP,Whitney HTF Book")
    assert not is_phrase("qzxkvjwb hgtrplmn xcvbqwrt zxdfghjk")
    assert not is_phrase("DIN 4111 1111 1111 1111")


def test_kinds_are_told_apart() -> None:
    kinds = [one.kind for one in secret_kinds()]
    assert len(kinds) == len(set(kinds)) >= 15
