"""How Chromium is started, and how its tabs are opened: its switches and requests as values."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from diagnostics.live import browsers, chromium, trust
from diagnostics.live.chromium import Chromium, Tabs
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.throwaway import start_plainly

PAGE = "http://a.example/"


def test_all_goes_through_the_proxy_and_its_key_alone_is_trusted(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    switches = chromium.switches_for(tmp_path, endpoint)
    assert "--proxy-server=http://127.0.0.1:8123" in switches
    assert "--proxy-bypass-list=<-loopback>" in switches
    assert f"--user-data-dir={tmp_path}" in switches
    assert f"--ignore-certificate-errors-spki-list={trust.key_hash(endpoint.ca)}" in switches
    assert "--ignore-certificate-errors" not in switches
    assert "--disable-quic" in switches  # UDP passes by a proxy
    direct = chromium.switches_for(tmp_path, endpoint, direct="127.0.0.1:9222")
    assert "--proxy-bypass-list=<-loopback>;127.0.0.1:9222" in direct


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("headless", [True, False])
def test_a_person_s_browser(
    root: bool,
    headless: bool,
    tmp_path: Path,
    endpoint: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chromium, "needs_no_sandbox", lambda: root)
    program = Path("/usr/bin/x")
    command = chromium.command(program, tmp_path, endpoint, PAGE, headless=headless)
    assert (command[0], command[-1]) == ("/usr/bin/x", PAGE)
    assert ("--no-sandbox" in command) is root
    assert ("--headless=new" in command) is headless
    # Nobody can drive it from outside, and no page sees that a program started it.
    assert not [word for word in command if "remote-" in word or "automation" in word]


@pytest.mark.parametrize(
    ("wanted", "headless", "version", "switch"),
    [
        ("Mine/1", True, "Chromium 156.0.7000.1", "--user-agent=Mine/1"),
        ("Mine/1", False, "", "--user-agent=Mine/1"),
        ("", True, "Chromium 156.0.7000.1 built on Debian", " Chrome/156.0.0.0 Safari"),
        ("", False, "Chromium 156.0.7000.1", None),
        ("", True, "", None),
    ],
)
def test_the_user_agent_says_nothing_of_a_missing_window(
    wanted: str,
    headless: bool,
    version: str,
    switch: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browsers, "version", lambda name: version)
    found = chromium._user_agent(wanted, headless)
    assert len(found) == (switch is not None)
    assert switch is None or switch in found[0]
    assert "Headless" not in "".join(found)


def test_a_missing_one_is_said_with_the_way_to_get_it(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find", lambda name: None)
    with pytest.raises(LiveError, match="apt-get install"), chromium.running(tmp_path, endpoint):
        pass


def test_one_that_quits_at_once_is_no_running_one(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsers, "find", lambda name: Path(sys.executable))
    monkeypatch.setattr(browsers, "version", lambda name: "")
    started: list[list[str]] = []

    def start(
        command: list[str], output: Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        started.append(command)
        return subprocess.Popen([sys.executable, "-c", ""])

    with (
        pytest.raises(LiveError, match="Chromium did not start"),
        chromium.running(tmp_path, endpoint, switches=["--mine"], start=start),
    ):
        pass
    (command,) = started
    assert command[-2:] == ["--mine", "about:blank"]
    (port,) = (word.partition("=")[2] for word in command if "debugging-port" in word)
    # Its control port alone does not go through the proxy.
    assert f"--proxy-bypass-list=<-loopback>;127.0.0.1:{port}" in command
    assert "--remote-allow-origins=devtools://devtools" in command
    # Measured: without it the name of a page's TURN server is looked up past the proxy.
    assert "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" in command


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("usable", [True, False])
def test_a_page_is_in_a_sandbox_wherever_there_can_be_one(
    root: bool, usable: bool, tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured: without namespaces Chromium ends at once, and says so."""
    monkeypatch.setattr(chromium, "needs_no_sandbox", lambda: root)
    monkeypatch.setattr(browsers, "find", lambda name: Path(sys.executable))
    monkeypatch.setattr(browsers, "version", lambda name: "")
    started: list[bool] = []

    def start(
        command: list[str], output: Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        sandbox = "--no-sandbox" not in command
        started.append(sandbox)
        (port,) = (word.partition("=")[2] for word in command if "debugging-port" in word)
        code = f"import http.server as h; h.HTTPServer(('127.0.0.1', {port}), None).serve_forever()"
        if sandbox and not usable:
            code = "import sys; sys.exit('[1:1:ERROR:zygote] No usable sandbox! If this is')"
        return start_plainly([sys.executable, "-c", code], output)

    with chromium.running(tmp_path, endpoint, start=start) as running:
        assert running.process.poll() is None
    assert running.process.poll() is not None
    assert started == ([False] if root else [True] if usable else [True, False])


# ---- tabs ----


class DevTools(BaseHTTPRequestHandler):
    """Chromium's HTTP endpoints for tabs."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        body = json.dumps({"id": f"tab{len(self.asked)}"}).encode()
        self.send_response(500 if "broken" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint_of_tabs() -> Iterator[str]:
    DevTools.asked = []
    with HTTPServer(("127.0.0.1", 0), DevTools) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def tabs(address: str) -> Tabs:
    return Tabs(Chromium(None, address))  # type: ignore[arg-type]


def test_a_new_tab_comes_before_the_old_one_goes(endpoint_of_tabs: str) -> None:
    opened = tabs(endpoint_of_tabs)
    opened.go("https://a.example/?a=b&c#d")
    opened.go(PAGE)
    assert DevTools.asked == [
        "PUT /json/new?https%3A%2F%2Fa.example%2F%3Fa%3Db%26c%23d",
        "PUT /json/new?http%3A%2F%2Fa.example%2F",
        "GET /json/close/tab1",
    ]


def test_a_tab_that_cannot_be_opened_is_one_line(endpoint_of_tabs: str) -> None:
    with pytest.raises(LiveError, match=r"Chromium: .*500") as error:
        tabs(endpoint_of_tabs).go("broken")
    assert "\n" not in str(error.value)
    with pytest.raises(LiveError, match="Chromium: "):
        tabs("http://127.0.0.1:9").go(PAGE)
