"""Words of strangers on one line of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.capture.oneline import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.har", "a.har"),
        ("Käse 地図.har", "Käse 地図.har"),
        ("\x1b[2J\x07", "?[2J?"),
        ("a\nb\r\tc", "a?b??c"),
        ("\u202egnp.rah", "?gnp.rah"),
        ("\ud800\x9b\u2028", "???"),
        ("", ""),
    ],
)
def test_what_cannot_be_shown_is_marked(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_the_rest_stays_in_its_place(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown.isprintable()
    assert all(a in {b, "?"} for a, b in zip(shown, text, strict=True))
