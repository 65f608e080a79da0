"""Which browser is chosen, and what is said where that cannot be."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from diagnostics.live import browsers, chromium, firefox, trust, window
from diagnostics.live.proxy import Endpoint, LiveError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mitmproxy.certs import CertStore


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ca")
    CertStore.from_store(folder, "mitmproxy", 2048)
    return folder / "mitmproxy-ca-cert.pem"


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


def test_a_person_s_browser_has_no_control_port(tmp_path: Path, ca: Path) -> None:
    program, profile = Path("/usr/bin/x"), tmp_path / "profile"
    proxy = Endpoint(8123, ca)
    started = chromium.command(program, profile, proxy, "http://a.example/", headless=True)
    assert started[0] == "/usr/bin/x"
    assert started[-1] == "http://a.example/"
    assert "--proxy-bypass-list=<-loopback>" in started
    assert f"--ignore-certificate-errors-spki-list={trust.key_hash(ca)}" in started
    started += firefox.command(program, profile, "http://a.example/")
    assert not [word for word in started if "remote-debugging" in word or "marionette" in word]
    assert not [word for word in started if word == "--ignore-certificate-errors"]


@pytest.mark.parametrize("root", [True, False])
def test_the_sandbox_is_off_for_root_alone(
    root: bool, tmp_path: Path, ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "needs_no_sandbox", lambda: root)
    for headless in (True, False):
        started = chromium.command(
            Path("x"), tmp_path, Endpoint(1, ca), "http://a.example/", headless=headless
        )
        assert ("--no-sandbox" in started) is root
