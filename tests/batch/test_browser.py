"""Short names and versions of clients, from real User-Agents."""

from __future__ import annotations

import pytest

from diagnostics.batch.browser import name_and_version
from diagnostics.browser.client import recognise

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML,"


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
def test_names_and_versions(agent: str | None, name: str, version: str) -> None:
    assert name_and_version(recognise(agent), agent) == (name, version)
