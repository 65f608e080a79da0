"""The drawing as a PNG, by a real browser; and what is said where there is none."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from diagnostics.desk.failing import Failing
from diagnostics.desk.request_picture import draw
from diagnostics.desk.screenshot import png_of
from diagnostics.live import browsers

DRAWING = draw(Failing("GET", "https://a.example/", (), 403, (), None, "a.har entry 1"), None)


@pytest.mark.browser("chromium")
def test_the_whole_drawing_is_in_the_picture() -> None:
    png, why = png_of(DRAWING)
    assert png is not None, why
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (2 * DRAWING.width, 2 * DRAWING.height)


def test_without_a_browser_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "installed", lambda: iter(()))
    assert png_of(DRAWING) == (None, "No browser was found that could turn it into a PNG.")


def test_a_browser_that_draws_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = (browsers.named("chrome"), Path("/bin/true"))
    monkeypatch.setattr(browsers, "installed", lambda: iter([pair]))
    assert png_of(DRAWING) == (None, "Google Chrome made no picture of it.")
    gone = (browsers.named("chrome"), Path("/nowhere/chrome"))
    monkeypatch.setattr(browsers, "installed", lambda: iter([gone]))
    png, why = png_of(DRAWING)
    assert png is None
    assert "Google Chrome" in why
