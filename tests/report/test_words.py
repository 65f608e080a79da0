"""Values in a sentence are found, and what could be markup is always a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.words import Piece, pieces


def shown(sentence: str) -> str:
    """The sentence with its values in square brackets."""
    return " ".join(
        f"{p.before}[{p.text}]{p.after}" if p.is_value else p.text for p in pieces(sentence)
    )


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The Referer is missing.", "The Referer is missing."),
        ("GL JS 2.14.0 and 0.53.1, 100% of 1,200", "GL JS 2.14.0 and 0.53.1, 100% of 1,200"),
        ("the browser's own and/or e.g. default", "the browser's own and/or e.g. default"),
        ("Referrer-Policy: no-referrer.", "Referrer-Policy: no-referrer."),
        ("see https://a.example/ now", "see [https://a.example/] now"),
        ("“http://localhost:*” never matches", "[http://localhost:*] never matches"),
        ("(see “a_b”).", "(see [a_b])."),
        ("token pk.…(acme/ck0ex…).", "token [pk.…(acme/ck0ex…)]."),
        ("use --allow, then", "use [--allow], then"),
        ("a b@c d#e f", "a [b@c d#e] f"),
        ("www.evil.example!", "[www.evil.example]!"),
        ("commit 0123abcd done", "commit [0123abcd] done"),
        ("GH-12 and ABC-3", "[GH-12] and [ABC-3]"),
        ("1. one", "[1]. one"),
        ("12 of 31", "12 of 31"),
        ("- item", "[-] item"),
        ("a – b … c", "a – b … c"),
        ("()", "[()]"),
        ("", ""),
    ],
)
def test_values_are_set_apart(sentence: str, expected: str) -> None:
    assert shown(sentence) == expected


@given(st.text("ab1.,:;!?()[]{}<>“”\"'`*_~#@|\\&$=^+-/ ", max_size=80))
def test_plain_words_hold_nothing_active(sentence: str) -> None:
    for piece in pieces(sentence):
        outside = piece.before + piece.after if piece.is_value else piece.text
        assert not set(outside) & set("[]{}<>`*_~#@|\\&$=^+")


@given(st.text(max_size=80))
def test_every_value_has_text(sentence: str) -> None:
    found = list(pieces(sentence))
    assert all(piece.text for piece in found)
    assert all(isinstance(piece, Piece) for piece in found)


def test_time_is_linear_in_a_long_word() -> None:
    assert len(list(pieces("." * 200_000 + "a" + ")" * 200_000 + "(" * 200_000))) == 1
