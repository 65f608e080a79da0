"""Browsers and versions in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.desk.browser_names import browser_name

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} Chrome/156.0.0.0 Safari/537.36",
            "Chrome or Chromium 156.0.0.0 on Linux",
        ),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/156.0.0.0 Safari/537.36"
            " Edg/156.0.1.2",
            "Edge 156.0.1.2 on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
         "Firefox 153.0 on Linux"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like"
            " Gecko) Version/17.4 Safari/605.1.15",
            "Safari 17.4 on macOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel; wv) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Version/4.0 Chrome/156.0 Mobile Safari/537.36",
            "Android WebView 156.0 on Android",
        ),
        ("curl/8.14.1", "curl"),
        ("PostmanRuntime/7.43", "Postman"),
        ("Mozilla/5.0 (odd)", "a browser"),
        (None, "a client without a User-Agent"),
    ],
)  # fmt: skip
def test_table(agent: str | None, name: str) -> None:
    assert browser_name(agent) == name


@given(st.text(max_size=2000))
def test_any_text(agent: str) -> None:
    assert browser_name(agent)


def test_a_hostile_text_takes_no_time() -> None:
    assert browser_name("Mozilla/5.0 " + "Version/1 " * 5000)
