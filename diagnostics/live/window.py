"""Opens one browser for a person: chosen, prepared, started, and judged where it ends at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from diagnostics.live import browsers, chromium, firefox
from diagnostics.live.browsers import Browser
from diagnostics.live.obstacles import advice_on, say
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.throwaway import Throwaway

_SAID = "browser.txt"
_LAST, _LINE = 10_000, 200  # characters of what it said that are read, and shown


class Window(msgspec.Struct, frozen=True):
    """Which browser is to be opened and how. `own_profile`: with the user's own profile."""

    browser: Browser
    program: Path
    headless: bool = False
    own_profile: bool = False

    @property
    def folder(self) -> Path | None:
        """Where its throwaway folder must lie; None: anywhere."""
        return browsers.folder_for(self.program)

    def warnings(self) -> list[str]:
        """What a person should know before it opens."""
        found = []
        if self.browser.family == "chromium" and chromium.needs_no_sandbox():
            found.append(say("root", title=self.browser.title))
        if self.own_profile:
            found.append(say("own-profile", title=self.browser.title))
        return found


def choose(name: str = "", *, headless: bool = False, own_profile: bool = False) -> Window:
    """The browser of that name, or the first that is installed. Raises LiveError, with what to do,
    where there is none, or no display for it."""
    installed = list(browsers.installed())
    if name:
        found = [(browser, program) for browser, program in installed if browser.name == name]
        if not found:
            browser = browsers.named(name)
            others = ", ".join(browser.name for browser, _ in installed) or "none"
            says = say(
                "this-browser-missing", title=browser.title, get=browser.get, installed=others
            )
            raise LiveError(says)
    elif own_profile:
        found = [pair for pair in installed if pair[0].own_profile() is not None]
    else:
        found = installed
    if not found:
        looked = ", ".join(browser.title for browser in browsers.every())
        raise LiveError(say("no-browser", looked=looked))
    browser, program = found[0]
    if own_profile and browser.own_profile() is None:
        raise LiveError(
            f"--profile none does not work with {browser.title}, whose profile would have to be"
            " changed for good. Set its proxy yourself with --no-browser."
        )
    if not headless and not has_display():
        raise LiveError(say("no-display"))
    return Window(browser, program, headless, own_profile)


def has_display() -> bool:
    """Whether a window can be shown."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class Opened:
    """A window that was opened. Raises LiveError where that fails; blocks while it is prepared."""

    def __init__(self, window: Window, session: Throwaway, proxy: Endpoint, url: str) -> None:
        self.window = window
        self._said = session.path / _SAID
        environment = _environment(session.path, window)
        try:
            if window.browser.family == "firefox":
                profile = session.path / "firefox"
                self._prepare(profile, session, proxy, environment)
                command = firefox.command(window.program, profile, url, headless=window.headless)
            else:
                profile = session.path / "chromium"
                if window.own_profile:
                    profile = window.browser.own_profile() or profile
                command = chromium.command(
                    window.program, profile, proxy, url, headless=window.headless
                )
            self._process = session.start(command, self._said, environment)
        except OSError as error:
            why = error.strerror or str(error)
            raise LiveError(f"{window.browser.title} cannot be started: {why}") from None
        except LiveError:
            raise LiveError(self.why_it_ended()) from None

    def _prepare(
        self, profile: Path, session: Throwaway, proxy: Endpoint, environment: dict[str, str]
    ) -> None:
        """Make Firefox's profile, and forget the process that did: when the session ends, its
        number may be another program's."""
        started: list[subprocess.Popen[bytes]] = []

        def start(command: list[str]) -> subprocess.Popen[bytes]:
            started.append(session.start(command, self._said, environment))
            return started[-1]

        try:
            firefox.prepare(self.window.program, profile, proxy, start)
        finally:
            for process in started:
                session.end(process)

    @property
    def status(self) -> int | None:
        """The browser's exit status once it was closed (negative: killed); None while it runs."""
        return self._process.poll()

    def why_it_ended(self) -> str:
        """What to say of a browser that ended by itself before it did anything."""
        try:
            said = self._said.read_text(errors="replace")[-_LAST:]
        except OSError:
            said = ""
        advice, line = advice_on("quit", said)
        quoted = f" (“{line[-_LINE:]}”)" if line else ""
        return say("quit-at-once", title=self.window.browser.title, said=quoted, advice=advice)


def _environment(folder: Path, window: Window) -> dict[str, str]:
    """The browser's environment: what it keeps outside of its profile goes into the folder, too."""
    environment = {**os.environ, **firefox.ENVIRONMENT}
    if sys.platform == "linux" and not window.own_profile and window.folder is None:
        authority = Path.home() / ".Xauthority"
        if "XAUTHORITY" not in environment and authority.exists():
            environment["XAUTHORITY"] = str(authority)
        environment["HOME"] = str(folder)
        temporary = folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment["TMPDIR"] = str(temporary)
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            environment.pop(name, None)
    return environment
