"""The entry script in real processes: mitmdump and mitmweb of the installed line, driven through
the proxy by a plain client, with the provider emulated out of a ticket."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import termios
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from mitmproxy.http import HTTPFlow
from mitmproxy.io import FlowReader

from diagnostics.cli.addon_path import find
from diagnostics.live.play import EMULATOR
from diagnostics.live.proxy import Proxy

ROOT = Path(__file__).parents[2]
TICKET = ROOT / "fixtures" / "tickets" / "helmet-gl3-chromium.yaml"
RECORDED = ROOT / "fixtures" / "captures" / "helmet-gl3-chromium.mitmproxy.flow"
ALLOWED = "shop.example.com"
SIGNATURE = re.compile(r"[ps]k\.eyJ[\w-]+\.[\w-]{8,}")
_SECONDS = 30


def send(proxy: Proxy, method: str, url: str, headers: Sequence[tuple[str, str]]) -> int:
    """One request through the proxy with exactly these header fields; the answer's status."""
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname is not None
    context = ssl.create_default_context(cafile=str(proxy.ca))
    connection = http.client.HTTPSConnection(
        "127.0.0.1", proxy.port, context=context, timeout=_SECONDS
    )
    connection.set_tunnel(parts.hostname, parts.port or 443)
    try:
        connection.putrequest(
            method, parts.path + (f"?{parts.query}" if parts.query else ""),
            skip_host=True, skip_accept_encoding=True,
        )  # fmt: skip
        connection.putheader("Host", parts.netloc)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def requests() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What Chromium asked for in the recording of the ticket."""
    with RECORDED.open("rb") as file:
        flows = [flow for flow in FlowReader(file).stream() if isinstance(flow, HTTPFlow)]
    skipped = {"host", "accept-encoding", "connection", "content-length"}
    return [
        (
            flow.request.method,
            flow.request.pretty_url,
            [(n, v) for n, v in flow.request.headers.items() if n.lower() not in skipped],
        )
        for flow in flows
    ]


def replay(proxy: Proxy) -> list[int]:
    return [send(proxy, *request) for request in requests()]


def style() -> tuple[str, str, list[tuple[str, str]]]:
    """The recorded request that was refused."""
    return next(request for request in requests() if "/styles/v1/" in request[1])


_PASSWORD = "for-this-test-alone"
_XSRF = "5f" * 16


def _program(name: str) -> list[str]:
    return [sys.executable, "-c", f"from mitmproxy.tools.main import {name}; {name}()"]


@contextmanager
def started(
    program: str,
    folder: Path,
    arguments: Sequence[str] = (),
    entry: Path | None = None,
    emulator: Path = EMULATOR,
    **more: str,
) -> Iterator[Proxy]:
    """mitmdump or mitmweb with the emulator and the entry script, stopped afterwards; what it
    prints goes to `folder`/out.txt."""
    log, output = folder / "answers.jsonl", folder / "out.txt"
    command = [*_program(program), "-s", str(emulator), "-s", str(entry or find()), *arguments]
    options = {
        "confdir": str(folder / "ca"),
        "listen_host": "127.0.0.1",
        "listen_port": "0",
        "connection_strategy": "lazy",
        "upstream_cert": "false",
        "why403_ticket": str(TICKET),
        "why403_log": str(log),
        **more,
    }
    for name, value in options.items():
        command += ["--set", f"{name}={value}"]
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _SECONDS
        while not log.exists() or "\n" not in log.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, f"{program} does not come up"
            time.sleep(0.05)
        listening = json.loads(log.read_text().partition("\n")[0])["listening"]
        yield Proxy(listening[0][1], folder / "ca" / "mitmproxy-ca-cert.pem", log, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    assert process.returncode == 0, output.read_text()
    assert "Traceback" not in output.read_text()


def test_mitmdump_writes_verdicts_into_log_flow_file_and_report(tmp_path: Path) -> None:
    saved, report = tmp_path / "saved.flow", tmp_path / "report.json"
    options = {"why403_allow": ALLOWED, "why403_report": str(report), "why403_alow": "typo"}
    with started("mitmdump", tmp_path, ["-w", str(saved)], **options) as proxy:
        statuses = replay(proxy)
        assert statuses.count(403) == 1
    log = (tmp_path / "out.txt").read_text()
    assert f"why403: allowed URLs: {ALLOWED} (why403_allow)" in log
    assert "no option why403_alow; why403_allow is meant?" in log
    (line,) = [line for line in log.splitlines() if " 403, Referer none: " in line]
    assert "referrer-policy-blocks (certain)" in line

    with saved.open("rb") as file:
        flows = [flow for flow in FlowReader(file).stream() if isinstance(flow, HTTPFlow)]
    assert len(flows) == len(statuses)
    (refused,) = [flow for flow in flows if "why403" in flow.metadata]
    assert refused.comment.startswith("why403: referrer-policy-blocks (certain): ")
    assert refused.marked == ":no_entry:"
    assert refused.metadata["why403"]["page"] == "https://shop.example.com/map"
    said = json.loads(report.read_text())
    assert said["summary"]["by_cause"] == {"referrer-policy-blocks": 1}
    token = SIGNATURE.search(style()[1])
    assert token is not None
    for text in (log, refused.comment, repr(refused.metadata), report.read_text()):
        assert token[0] not in text


def test_a_wrong_option_ends_the_program_with_its_value(tmp_path: Path) -> None:
    command = [
        *_program("mitmdump"), "-s", str(find()), "-n", "--set", f"confdir={tmp_path}",
        "--set", "why403_keep=1",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    assert done.returncode == 1
    assert "why403_keep: 1: at least 10 are needed" in done.stdout + done.stderr


def test_a_flow_file_is_diagnosed_anew(tmp_path: Path) -> None:
    saved = tmp_path / "saved.flow"
    command = [
        *_program("mitmdump"), "-n", "-q", "-s", str(find()), "-r", str(RECORDED),
        "-w", str(saved), "--set", f"confdir={tmp_path}", "--set", f"why403_allow={ALLOWED}",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=_SECONDS)
    with saved.open("rb") as file:
        marked = [flow.comment for flow in FlowReader(file).stream() if flow.marked]
    assert len(marked) == 1


class Web(msgspec.Struct):
    """A running mitmweb: its proxy, and its own pages as a script may ask for them."""

    proxy: Proxy
    port: int

    def ask(self, path: str, body: object = None) -> Any:
        """GET, or POST with a JSON body; the decoded answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        headers = {
            "Authorization": f"Bearer {_PASSWORD}",
            # A token in a header that is the cookie's shows that no other site sent the form.
            "Cookie": f"_xsrf={_XSRF}; _mitmproxy_xsrf={_XSRF}",
            "X-XSRFToken": _XSRF,
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body)
        try:
            connection.request("GET" if data is None else "POST", path, data, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, (path, answer.status, said[:300])
        kind = answer.headers.get("Content-Type") or ""
        return json.loads(said) if "json" in kind else said.decode()

    def flow(self, part: str) -> Any:
        """The newest flow whose path has `part`."""
        flows = [flow for flow in self.ask("/flows") if part in flow["request"]["path"]]
        return flows[-1]

    def log(self) -> str:
        return "\n".join(entry["message"] for entry in self.ask("/events"))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def mitmweb(folder: Path, **options: str) -> Iterator[Web]:
    port = _free_port()
    options |= {"web_host": "127.0.0.1", "web_port": str(port), "web_password": _PASSWORD}
    with started("mitmweb", folder, ["--no-web-open-browser"], **options) as proxy:
        web = Web(proxy, port)
        web.ask("/")
        yield web


def eventually(what: Any, seconds: float = 10.0) -> Any:
    """The first result of `what` that holds."""
    end = time.monotonic() + seconds
    while True:
        result = what()
        if result or time.monotonic() > end:
            assert result
            return result
        time.sleep(0.1)


def test_mitmweb_shows_the_verdict_and_revises_it(tmp_path: Path) -> None:
    with mitmweb(tmp_path) as web:
        replay(web.proxy)
        flow = web.flow("/styles/v1/")
        assert flow["comment"].startswith("why403: referrer-policy-blocks (likely): ")
        assert flow["marked"]
        assert "allowed URLs: not told" in web.log()

        shown = web.ask(f"/flows/{flow['id']}/response/content/auto.json")
        assert "  ✗ policy" in _text(shown)
        body = web.ask(f"/flows/{flow['id']}/response/content/raw.json")
        assert "✗" not in _text(body)
        explained = web.ask("/commands/why.explain", {"arguments": ["~u styles/v1"]})
        assert "referrer-policy-blocks · likely" in explained["value"]

        told = web.ask("/commands/why.allow", {"arguments": [f"{ALLOWED},localhost:3000"]})
        assert "error" not in told
        eventually(lambda: "(certain)" in web.flow("/styles/v1/")["comment"])
        assert f"allowed URLs: {ALLOWED}, localhost:3000" in web.log()
        assert "why403: on 1 requests" not in web.log()  # its cause stays the same

        report = tmp_path / "report.html"
        assert "error" not in web.ask("/commands/why.report", {"arguments": [str(report)]})
        assert "referrer-policy-blocks" in report.read_text()
        wrong = web.ask("/commands/why.report", {"arguments": [str(tmp_path / "x.pdf")]})
        assert "ending must be one of" in wrong["error"]

        assert web.ask("/options")["why403_allow"]["value"] == [ALLOWED, "localhost:3000"]
        assert "Traceback" not in web.log()


def _text(shown: Any) -> str:
    """The text of a content view's answer in either line of mitmproxy."""
    if "text" in shown:
        return str(shown["text"])
    return "\n".join("".join(part for _, part in line) for line in shown["lines"])


def test_mitmweb_sends_again_and_the_verdict_follows(tmp_path: Path) -> None:
    with mitmweb(tmp_path, why403_allow=ALLOWED) as web:
        assert replay(web.proxy).count(403) == 1
        flow = web.flow("/styles/v1/")
        first = flow["comment"]
        assert first
        web.ask(f"/flows/{flow['id']}/replay", {})
        again = eventually(lambda: _answered_again(web.flow("/styles/v1/")))
        assert again["id"] == flow["id"]
        assert again["comment"].count("why403: ") == 1


def _answered_again(flow: Any) -> Any:
    answer = flow.get("response") or {}
    return flow if flow["is_replay"] == "request" and answer.get("status_code") == 403 else None


def test_the_script_can_be_loaded_again(tmp_path: Path) -> None:
    """Touching the script makes mitmproxy load it once more."""
    entry, output = tmp_path / "why403_copy.py", tmp_path / "out.txt"
    entry.write_text(find().read_text())
    with started("mitmdump", tmp_path, entry=entry) as proxy:
        time.sleep(1.1)  # mitmproxy looks at times of change
        entry.touch()
        eventually(lambda: output.read_text().count("why403: allowed URLs") == 2)
        assert replay(proxy).count(403) == 1
    assert output.read_text().count(" 403, Referer none: ") == 1


class Screen:
    """mitmproxy's console on a terminal that nobody looks at."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        command = [*_program("mitmproxy"), "-n", "-s", str(find()), *arguments]
        self.process = subprocess.Popen(
            [*command, "--set", f"confdir={folder}"], stdin=inner, stdout=inner, stderr=inner,
            env={**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
            start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        self._raw = b""

    def type(self, text: str) -> None:
        self._raw = b""
        os.write(self._terminal, text.encode())

    def shows(self, part: str) -> bool:
        """Whether it has shown this since the last key; colours and moves left out."""
        while select.select([self._terminal], [], [], 0.05)[0]:
            self._raw += os.read(self._terminal, 65536)
        plain = re.sub(r"\x1b[\[(][0-9;?]*[A-Za-z]", "", self._raw.decode("utf-8", "replace"))
        return part in re.sub(r"\s+", " ", plain)

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + _SECONDS
        with contextlib.suppress(OSError):  # the terminal is gone with the program
            while self.process.poll() is None and time.monotonic() < end:
                self.shows("")  # who does not read stops it from writing
        try:
            return self.process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            os.close(self._terminal)


def test_mitmproxy_shows_marker_explanation_and_alert(tmp_path: Path) -> None:
    screen = Screen(tmp_path, "-r", str(RECORDED), "--set", f"why403_allow={ALLOWED}")
    try:
        eventually(lambda: screen.shows("⛔"), _SECONDS)
        screen.type(":why403.explain '~c 403'\r")
        eventually(lambda: screen.shows("More: why403 explain referrer-policy-blocks"))
        screen.type("q")
        eventually(lambda: screen.shows("⛔"))
        screen.type(":why403.allow other.example.com\r")
        eventually(lambda: screen.shows("allowed URLs: other.example.com"))
    finally:
        status = screen.end()
    assert status == 0
