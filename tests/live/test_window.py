"""Which browser is chosen, and what is said where that cannot be."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from diagnostics.live import browsers, chromium, firefox, guard, window
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.throwaway import throwaway

with warnings.catch_warnings():
    warnings.simplefilter("ignore")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a display and without browsers; a program put there is on the path."""
    for browser in browsers.every():
        monkeypatch.delenv(f"WHY403_{browser.name.upper()}", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(browsers, "_places", lambda browser: [])
    return tmp_path


def test_none(machine: Path) -> None:
    with pytest.raises(LiveError, match=r"No browser .*Chrome, .*Firefox.* --no-browser"):
        window.choose()
    with pytest.raises(LiveError, match=r"Brave was not found here: .*brave.com.* \(none\)"):
        window.choose("brave")


def test_the_first_that_is_installed(machine: Path) -> None:
    (machine / "firefox").touch(mode=0o755)
    assert window.choose().browser.name == "firefox"
    (machine / "brave-browser").touch(mode=0o755)
    assert window.choose().browser.name == "brave"
    (machine / "google-chrome").touch(mode=0o755)
    chosen = window.choose()
    assert (chosen.browser.title, chosen.program) == ("Google Chrome", machine / "google-chrome")
    assert window.choose("firefox").browser.name == "firefox"
    with pytest.raises(LiveError, match=r"\(chrome, brave, firefox\)"):
        window.choose("edge")


def test_the_environment_goes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "google-chrome").touch(mode=0o755)
    mine = machine / "mine"
    mine.touch(mode=0o755)
    monkeypatch.setenv("WHY403_FIREFOX", str(mine))
    chosen = window.choose()
    assert (chosen.browser.name, chosen.program) == ("firefox", mine)
    assert window.choose("chrome").program == machine / "google-chrome"


def test_no_display(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "chromium").touch(mode=0o755)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(LiveError, match="no display"):
        window.choose()
    assert window.choose(headless=True).headless


def test_one_s_own_profile(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "firefox").touch(mode=0o755)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(LiveError, match="No browser"):
        window.choose(own_profile=True)
    with pytest.raises(LiveError, match="does not work with Firefox"):
        window.choose("firefox", own_profile=True)
    (machine / "brave").touch(mode=0o755)
    chosen = window.choose(own_profile=True)
    assert chosen.browser.name == "brave"
    assert any("Your own profile of Brave" in says for says in chosen.warnings())


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are POSIX's")
def test_the_firefox_that_prepared_the_profile_is_forgotten(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process group may be another program's some time after its end."""
    ended: list[int] = []
    killed: list[int] = []
    kill = guard.kill

    def prepare(program: Path, profile: Path, proxy: object, start: Any) -> None:
        process = start(["/bin/sh", "-c", "exit 0"])
        assert process.wait(20) == 0
        ended.append(process.pid)

    def noted(group: int) -> None:
        killed.append(group)
        kill(group)

    monkeypatch.setattr(firefox, "prepare", prepare)
    monkeypatch.setattr(firefox, "command", lambda *_, **__: ["/bin/sh", "-c", "sleep 60"])
    chosen = window.Window(browsers.named("firefox"), Path("/bin/sh"), headless=True)
    with throwaway(tmp_path) as session:
        told: list[str] = []
        monkeypatch.setattr(session, "_tell", told.append)
        opened = window.Opened(chosen, session, endpoint, "about:blank")
        assert opened.status is None
        assert told == [f"-{ended[0]}\n"]  # the guard forgets it too
        monkeypatch.setattr(guard, "kill", noted)
        session.end_all()
    assert len(killed) == 1
    assert ended[0] not in killed


def test_root_is_warned(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("chromium", "firefox"):
        (machine / name).touch(mode=0o755)
    monkeypatch.setattr(chromium, "needs_no_sandbox", lambda: True)
    assert [says[:16] for says in window.choose("chromium").warnings()] == ["Running as root:"]
    assert window.choose("firefox").warnings() == []
    monkeypatch.setattr(chromium, "needs_no_sandbox", lambda: False)
    assert window.choose("chromium").warnings() == []


def test_a_snap_has_its_folder_where_it_can_read(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    script = machine / "firefox"
    script.write_text('#!/bin/sh\nexec /snap/bin/firefox "$@"\n')
    script.chmod(0o755)
    assert window.choose().folder == Path("/home/ada/snap/firefox/common")
    assert browsers.snap_of(Path("/snap/bin/chromium")) == "chromium"
    script.write_text("#!/bin/sh\nexec /usr/lib/firefox/firefox\n")
    assert window.choose().folder is None
    script.write_bytes(b"\x7fELF /snap/bin/firefox")
    assert window.choose().folder is None


def test_every_browser_of_the_table_can_be_used() -> None:
    for browser in browsers.every():
        assert browser.family in {"chromium", "firefox"}
        assert browser.commands
        assert f"WHY403_{browser.name.upper()}" in browser.get
        assert set(browser.places) <= {"darwin", "win32"}
        assert browsers.named(browser.name) is browser
