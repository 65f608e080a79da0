"""How Firefox is prepared and started: its preferences and commands as values."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from diagnostics.live import browsers, firefox
from diagnostics.live.proxy import Endpoint, LiveError

PAGE = "http://a.example/"
QUIT = "import sys; sys.exit(1)"


def written(profile: Path) -> dict[str, object]:
    """The preferences of a profile, as Firefox reads them."""
    text = (profile / "user.js").read_text(encoding="utf-8")
    rows = re.findall(r'^user_pref\("(.+?)", (.+)\);$', text, re.MULTILINE)
    assert len(rows) == len(text.splitlines())
    return {name: json.loads(value) for name, value in rows}


def test_everything_goes_through_the_proxy(endpoint: Endpoint) -> None:
    found = firefox.preferences(endpoint, {"network.http.sendRefererHeader": 0})
    assert found["network.proxy.type"] == 1
    for kind in ("http", "ssl"):
        assert found[f"network.proxy.{kind}"] == "127.0.0.1"
        assert found[f"network.proxy.{kind}_port"] == 8123
    assert found["network.proxy.no_proxies_on"] == ""
    assert found["network.proxy.allow_hijacking_localhost"] is True
    assert found["network.http.sendRefererHeader"] == 0


def test_nothing_that_a_page_s_requests_carry_is_changed(endpoint: Endpoint) -> None:
    found = firefox.preferences(endpoint, {})
    for name in found:
        assert not re.search(r"referer|referrer|origin|cookie|privacy\.|trackingprotection", name)
    assert found["toolkit.telemetry.enabled"] is False
    assert found["services.settings.server"] == "data:,"


def test_preferences_are_written_as_firefox_reads_them(tmp_path: Path) -> None:
    wanted: dict[str, firefox.Preference] = {"a.b": 'q"\n\\', "c": True, "d": -1}
    profile = tmp_path / "profile"
    firefox.write_preferences(profile, {"old": 1})
    firefox.write_preferences(profile, wanted)
    assert written(profile) == wanted


@pytest.mark.parametrize(
    ("url", "headless", "end"),
    [
        (PAGE, False, ["--new-instance", PAGE]),
        (PAGE, True, ["--headless", PAGE]),
        ("", True, ["--new-instance", "--headless"]),
    ],
)
def test_a_person_s_browser(tmp_path: Path, url: str, headless: bool, end: list[str]) -> None:
    command = firefox.command(Path("/usr/bin/firefox"), tmp_path, url, headless=headless)
    assert command[:3] == ["/usr/bin/firefox", "--profile", str(tmp_path)]
    assert command[-2:] == end
    # Nobody can drive it from outside, and pages see no `navigator.webdriver`.
    assert not [word for word in command if "marionette" in word or "remote-" in word]


def test_a_missing_one_is_said_with_the_way_to_get_it(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find", lambda name: None)
    with pytest.raises(LiveError, match="apt-get install"), firefox.running(tmp_path, endpoint):
        pass


def test_one_that_quits_at_once_is_said(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find", lambda name: Path("/usr/bin/firefox"))
    seen: list[tuple[list[str], dict[str, str]]] = []

    def start(
        command: list[str], output: Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        seen.append((command, environment or {}))
        return subprocess.Popen([sys.executable, "-c", QUIT])

    extra: dict[str, firefox.Preference] = {"general.useragent.override": "Mine/1"}
    with (
        pytest.raises(LiveError, match="Firefox did not start"),
        firefox.running(tmp_path, endpoint, headless=False, extra=extra, start=start),
    ):
        pass
    ((command, environment),) = seen
    assert "--marionette" in command
    assert "--headless" not in command
    assert environment["HOME"] == str(tmp_path)  # nothing of the user's is read or written
    assert written(tmp_path / "firefox")["general.useragent.override"] == "Mine/1"
    assert written(tmp_path / "firefox")["marionette.port"] == 0
    # Measured: without it Firefox asks for its settings past a proxy that has none.
    assert written(tmp_path / "firefox")["network.proxy.allow_bypass"] is False


class Control:
    """Firefox's remote control, which notes what it is asked."""

    asked: list[tuple[object, ...]]

    def __init__(self, port: int) -> None:
        self.asked.append(("port", port))

    def browser(self, script: str, *arguments: object) -> object:
        self.asked.append((re.findall(r"addCertFromBase64.*", script)[0], *arguments))
        return True

    def quit(self) -> None:
        self.asked.append(("quit",))

    def close(self) -> None:
        self.asked.append(("close",))


@contextmanager
def preparing(tmp_path: Path, endpoint: Endpoint, code: str) -> Iterator[Callable[[], None]]:
    """What makes a profile with a Firefox that is this code; the caller ends it, as always."""
    profile = tmp_path / "profile"
    started: list[subprocess.Popen[bytes]] = []

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        assert written(profile)["marionette.port"] == 0
        assert command[-2:] == ["--marionette", "--remote-allow-system-access"]
        (profile / "MarionetteActivePort").write_text("4711\n")
        started.append(subprocess.Popen([sys.executable, "-c", code]))
        return started[0]

    try:
        yield lambda: firefox.prepare(Path("/usr/bin/firefox"), profile, endpoint, start)
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_profile_trusts_our_authority_and_has_no_port_afterwards(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Control.asked = []
    monkeypatch.setattr(firefox, "Marionette", Control)
    with preparing(tmp_path, endpoint, "import time; time.sleep(0.5)") as prepare:
        prepare()
    certificate = "".join(endpoint.ca.read_text().splitlines()[1:-1])
    assert Control.asked == [
        ("port", 4711),
        ('addCertFromBase64(arguments[0], "C,,");', certificate),
        ("quit",),
        ("close",),
    ]
    assert written(tmp_path / "profile") == firefox.preferences(endpoint, {})


def test_one_that_does_not_end_is_said(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    Control.asked = []
    monkeypatch.setattr(firefox, "Marionette", Control)
    monkeypatch.setattr(firefox, "_SECONDS_TO_QUIT", 0.2)
    with (
        preparing(tmp_path, endpoint, "import time; time.sleep(60)") as prepare,
        pytest.raises(LiveError, match="did not end after its profile was made"),
    ):
        prepare()
    assert Control.asked[-1] == ("close",)
