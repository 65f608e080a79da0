"""How a capture begins and ends: what it listens on, what it saves, and what is left of it."""

from __future__ import annotations

import io
import os
import signal
import time
import warnings
from pathlib import Path

import pytest

from diagnostics.live import session
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.scope import Scope
from diagnostics.live.screen import Screen
from tests.capturing import Capture, capturing, dev_server, map_page

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # libraries of mitmproxy's warn of their own age
    import mitmproxy.addons  # noqa: F401

LOOPBACK = {
    "tcp": ("0100007F:",),  # 127.0.0.1, as Linux prints it
    "tcp6": ("00000000000000000000000001000000:", "0000000000000000FFFF00000100007F:"),
}
linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")


@linux
@pytest.mark.browser("chromium")
def test_only_loopback_is_listened_on(tmp_path: Path) -> None:
    with dev_server({"/": ({}, map_page())}) as port:
        arguments = (f"http://localhost:{port}/", "--browser", "chromium", "--headless", "--web")
        with capturing(tmp_path, *arguments) as capture:
            capture.until("403: ")
            listening = capture.listening()
            assert len(listening["tcp"]) >= 2  # the proxy and mitmweb
            for table, addresses in listening.items():
                for address in addresses:
                    assert address.startswith(LOOPBACK[table]), address


def left_after(capture: Capture, number: int, *, group: bool = False) -> list[str]:
    pid = capture.process.pid
    (os.killpg if group else os.kill)(pid, number)
    capture.wait()
    return capture.leavings()


@linux
@pytest.mark.browser("chromium")
@pytest.mark.parametrize("group", [False, True], ids=["alone", "with its process group"])
def test_killed_it_leaves_nothing(tmp_path: Path, group: bool) -> None:
    with dev_server({"/": ({}, map_page())}) as port:
        arguments = (f"http://localhost:{port}/", "--browser", "chromium", "--headless")
        with capturing(tmp_path, *arguments) as capture:
            capture.until("403: ")
            assert len(capture.processes()) > 3
            assert left_after(capture, signal.SIGKILL, group=group) == []


@linux
@pytest.mark.browser("firefox")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["SIGINT", "SIGKILL"])
def test_ended_while_the_browser_is_prepared(tmp_path: Path, number: int) -> None:
    arguments = ("http://localhost:9/", "--browser", "firefox", "--headless")
    with capturing(tmp_path, *arguments) as capture:
        capture.until("hold secrets")
        end = time.monotonic() + 20
        while len(capture.processes()) < 3 and time.monotonic() < end:
            time.sleep(0.05)  # itself, the guard, and then Firefox
        assert left_after(capture, number) == []
        assert "Traceback" not in capture.text


@linux
def test_a_closed_terminal_ends_it_in_order(tmp_path: Path) -> None:
    with capturing(tmp_path, "--no-browser") as capture:
        capture.until("hold secrets")
        assert left_after(capture, signal.SIGHUP, group=True) == []
        assert capture.process.returncode == 0
        assert (capture.output / "report.html").exists()


@linux
def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with capturing(tmp_path, "--no-browser") as capture:
        capture.until("hold secrets")
        capture.process.send_signal(signal.SIGINT)
        time.sleep(0.1)  # it waits a moment for the last answers
        assert left_after(capture, signal.SIGINT) == []
        assert capture.process.returncode in {0, 130}
        assert "Traceback" not in capture.text


def test_silence_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "SILENCE", 0.3)
    said = io.StringIO()
    plan = session.Plan(url="http://localhost/", scope=Scope(), files=tmp_path, seconds=1.2)
    proxies: list[Endpoint] = []
    report = session.capture(plan, Screen(said), proxies.append)
    assert report.summary.refused == 0
    assert said.getvalue().count("Nothing has come through the proxy in 0 s.") == 1
    assert f"http://{proxies[0].address}" in said.getvalue()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    plan = session.Plan(url="http://localhost/", scope=Scope(), files=tmp_path / "gone")
    with pytest.raises(LiveError, match=r"gone/capture\.flow: No such file"):
        session.capture(plan, Screen(io.StringIO()), lambda _: None)
