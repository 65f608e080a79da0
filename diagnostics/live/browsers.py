"""Which browsers are on this machine, and how to get one that is missing."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import msgspec

_VARIABLE = re.compile(r"\{([^}]+)\}")


class Browser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `browsers.yaml`."""

    name: str
    title: str
    family: str
    commands: tuple[str, ...]
    places: dict[str, tuple[str, ...]]
    profile: dict[str, str]
    get: str

    def find(self) -> Path | None:
        """Its program: what the environment variable WHY403_NAME says, else the first known name
        on the path, else the first known place; None where there is none."""
        named = os.environ.get(f"WHY403_{self.name.upper()}")
        if named:
            return Path(named) if Path(named).is_file() else None
        for command in self.commands:
            if found := shutil.which(command):
                return Path(found)
        return next((place for place in _places(self) if place.is_file()), None)

    def own_profile(self) -> Path | None:
        """The folder of the user's own profiles; None where it is not known."""
        text = self.profile.get(sys.platform)
        return None if text is None else _expanded(text)


@functools.lru_cache(maxsize=1)
def every() -> tuple[Browser, ...]:
    """All browsers that are known, in the order in which they are looked for."""
    data = resources.files(__package__).joinpath("browsers.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=tuple[Browser, ...])


def named(name: str) -> Browser:
    """The browser of that name. Raises KeyError."""
    for browser in every():
        if browser.name == name:
            return browser
    raise KeyError(name)


def installed() -> Iterator[tuple[Browser, Path]]:
    """The browsers that are on this machine; one that the environment names comes first."""
    known = sorted(every(), key=lambda b: not os.environ.get(f"WHY403_{b.name.upper()}"))
    for browser in known:
        if program := browser.find():
            yield browser, program


@functools.lru_cache
def find(family: str) -> Path | None:
    """The program of `chromium` or `firefox`: the browser of that name, else the first that is
    driven in the same way; None where there is none, or the environment names a missing one."""
    if os.environ.get(f"WHY403_{family.upper()}"):
        return named(family).find()
    members = [browser for browser in every() if browser.family == family]
    members.sort(key=lambda browser: browser.name != family)
    return next(filter(None, (browser.find() for browser in members)), None)


def how_to_get(browser: str) -> str:
    """What to do where `find` gives None."""
    return named(browser).get


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


def snap_of(program: Path) -> str:
    """The name of the snap package that a program starts, empty where it is none.

    A snap sees neither /tmp nor hidden folders; what it shall read must lie in
    `~/snap/NAME/common` (https://snapcraft.io/docs/home-interface). Ubuntu's `firefox` and
    `chromium-browser` are scripts that start one.
    """
    if "/snap/bin/" in f"{program}":
        return program.name
    try:
        with program.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return ""
    found = re.search(rb"/snap/bin/([\w.-]+)", start) if start.startswith(b"#!") else None
    return found[1].decode() if found else ""


def folder_for(program: Path) -> Path | None:
    """Where a throwaway folder must lie that a browser is to read; None: anywhere."""
    snap = snap_of(program)
    return Path.home() / "snap" / snap / "common" if snap else None


def _places(browser: Browser) -> list[Path]:
    return [_expanded(text) for text in browser.places.get(sys.platform, ())]


def _expanded(text: str) -> Path:
    text = _VARIABLE.sub(lambda found: os.environ.get(found[1], found[0]), text)
    return Path(text).expanduser()
