"""Which browsers are on this machine, and how to get one that is missing."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

NAMES = {
    "chromium": (
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "microsoft-edge",
    ),
    "firefox": ("firefox-esr", "firefox"),
}
_PLACES = {
    "chromium": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "firefox": ("/Applications/Firefox.app/Contents/MacOS/firefox",),
}
_HOW = {
    "chromium": "install Chromium (Debian: apt-get install chromium) or set WHY403_CHROMIUM",
    "firefox": "install Firefox (Debian: apt-get install firefox-esr) or set WHY403_FIREFOX",
}


@functools.lru_cache
def find(browser: str) -> Path | None:
    """The program of `chromium` or `firefox`: the environment variable WHY403_CHROMIUM or
    WHY403_FIREFOX, else the first known name on the path; None where there is none."""
    named = os.environ.get(f"WHY403_{browser.upper()}")
    if named:
        return Path(named) if Path(named).is_file() else None
    for name in NAMES[browser]:
        if found := shutil.which(name):
            return Path(found)
    return next((Path(place) for place in _PLACES[browser] if Path(place).is_file()), None)


def how_to_get(browser: str) -> str:
    """What to do where `find` gives None."""
    return _HOW[browser]


@functools.lru_cache
def version(browser: str) -> str:
    """The first line that the program says to `--version`; empty where it says nothing."""
    program = find(browser)
    if program is None:
        return ""
    said = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    return said.stdout.strip().partition("\n")[0]
