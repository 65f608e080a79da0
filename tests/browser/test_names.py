"""Browsers and versions in words, and in short, from real User-Agents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.browser.client import recognise
from diagnostics.browser.names import browser_name, name_and_version

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"
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
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
            "Edge 18.17763 on Windows",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer 11.0 on Windows",
        ),
        ("curl/8.14.1", "curl"),
        ("PostmanRuntime/7.43", "Postman"),
        ("Mozilla/5.0 (odd)", "a browser"),
        (None, "a client without a User-Agent"),
    ],
)  # fmt: skip
def test_words(agent: str | None, name: str) -> None:
    assert browser_name(agent) == name


@given(st.text(max_size=2000))
def test_any_text(agent: str) -> None:
    assert browser_name(agent)


def test_a_hostile_text_takes_no_time() -> None:
    assert browser_name("Mozilla/5.0 " + "Version/1 " * 5000)


@pytest.mark.parametrize(
    ("agent", "name", "version"),
    [
        (f"{_WINDOWS} Chrome/156.0.0.0 Safari/537.36", "Chromium browser", "156"),
        (f"{_WINDOWS} Chrome/155.0.0.0 Safari/537.36 Edg/155.0.2.1", "Edge", "155"),
        (f"{_WINDOWS} Chrome/154.0.0.0 Safari/537.36 OPR/118.0.0.0", "Opera", "118"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "Firefox",
         "153"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like"
         " Gecko) Version/18.2 Safari/605.1.15", "Safari", "18"),
        (f"{_PHONE} like Gecko) CriOS/141.0.1 Mobile/15E148 Safari/604.1",
         "browser on iOS (WebKit)", "141"),
        (f"{_PHONE} like Gecko) Mobile/15E148", "iOS WebView", ""),
        ("curl/8.14.1", "curl", "8.14"),
        ("python-requests/2.32.3", "Python program", "2.32"),
        ("PostmanRuntime/7.43.0", "Postman", "7.43"),
        ("something odd", "program that is no browser", ""),
        (None, "client without a User-Agent", ""),
        ("Mozilla/5.0 " + "Chrome/" * 5000, "Chromium browser", ""),
    ],
)  # fmt: skip
def test_short_names_and_versions(agent: str | None, name: str, version: str) -> None:
    assert name_and_version(recognise(agent), agent) == (name, version)
