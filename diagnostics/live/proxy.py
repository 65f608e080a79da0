"""A mitmdump of our own: started on a free loopback port, with a throwaway CA folder, and stopped.

It runs in a process of its own, so that its event loop, its log and a crash stay apart.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from diagnostics.live.throwaway import Start, start_plainly

# Windows knows no SIGINT for another process, and mitmproxy no Ctrl-Break.
_START = """
import signal, sys
from mitmproxy.tools.main import mitmdump
if sys.platform == "win32":
    signal.signal(signal.SIGBREAK, lambda *_: signal.raise_signal(signal.SIGINT))
sys.exit(mitmdump())
"""
_STOP = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT)
_SECONDS_TO_START = 30
_SECONDS_TO_STOP = 15


class LiveError(RuntimeError):
    """Something outside could not be started or driven; the message is one line for a person."""


class Answered(msgspec.Struct, frozen=True):
    """One line of the emulator's log."""

    method: str
    url: str
    status: int
    referer: str | None = None


class Endpoint(msgspec.Struct):
    """Where a proxy of ours listens, and its CA certificate (PEM)."""

    port: int
    ca: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class Proxy(Endpoint):
    """A running mitmdump: its endpoint, and the emulator's log."""

    log: Path
    process: subprocess.Popen[bytes]

    def answered(self) -> list[Answered]:
        """What the emulator has answered so far, in order."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [
            msgspec.json.decode(line, type=Answered)
            for line in lines
            if line.startswith('{"method"') and line.endswith("}")
        ]

    def stop(self) -> None:
        """End it and let it write its files."""
        if self.process.poll() is None:
            try:
                self.process.send_signal(_STOP)
            except (OSError, ValueError):
                self.process.terminate()
            try:
                self.process.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(
    folder: Path,
    script: Path,
    options: dict[str, str],
    arguments: Sequence[str] = (),
    start: Start = start_plainly,
) -> Iterator[Proxy]:
    """A mitmdump with `script` and `options` on a free loopback port; its CA and its log lie in
    `folder`. The script must understand `why403_log` (as `addons/emulate.py` does). Raises
    LiveError with mitmdump's own words where it does not come up."""
    log, output = folder / "answers.jsonl", folder / "mitmdump.txt"
    wanted = {
        "confdir": str(folder / "ca"),
        "listen_host": "127.0.0.1",
        "listen_port": "0",
        "connection_strategy": "lazy",
        "upstream_cert": "false",
        "termlog_verbosity": "warn",
        "why403_log": str(log),
        **options,
    }
    command = [sys.executable, "-c", _START, "-q", "-s", str(script), *arguments]
    for name, value in wanted.items():
        command += ["--set", f"{name}={value}"]
    process = start(command, output, None)
    proxy = Proxy(0, folder / "ca" / "mitmproxy-ca-cert.pem", log, process)
    try:
        proxy.port = _wait_for_port(proxy, output)
        yield proxy
    finally:
        proxy.stop()


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for_port(proxy: Proxy, output: Path) -> int:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and proxy.process.poll() is None:
        first = proxy.log.read_text().partition("\n") if proxy.log.exists() else ("", "", "")
        if first[1] and first[0].startswith('{"listening"'):
            return int(json.loads(first[0])["listening"][0][1])
        time.sleep(0.05)
    proxy.process.kill()
    said = output.read_text(errors="replace").strip().splitlines()
    why = " ".join(said[-2:]) or "it said nothing"
    raise LiveError(f"the proxy did not start: {why}")
