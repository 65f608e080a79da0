"""Chromium and its kin, started for one case: throwaway profile, our proxy, and trust in our CA's
key only (see `trust.key_hash`); recorded through the DevTools protocol, or open for a person.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from diagnostics.live import browsers
from diagnostics.live.proxy import Endpoint, LiveError, free_port
from diagnostics.live.throwaway import Start, start_plainly
from diagnostics.live.trust import key_hash

_SECONDS_TO_START = 30
_NO_SANDBOX = "No usable sandbox!"
SWITCHES = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    # HttpsUpgrades would turn a page on http: into one on https:.
    "--disable-features=OptimizationHints,MediaRouter,Translate,HttpsUpgrades,"
    "NetworkTimeServiceQuerying",
    "--password-store=basic",
    "--use-mock-keychain",
)
#: A ticket's page may come from a stranger; WebRTC's UDP would go past the proxy, and so would the
#: look-up of a TURN server's name. Every other name is looked up by the proxy.
ON_THIS_MACHINE = (
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
#: WebGL without a graphics card.
HEADLESS = (
    "--headless=new",
    "--mute-audio",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--window-size=800,600",
)


class Chromium(msgspec.Struct):
    """A running Chromium; `endpoint` is where it speaks the DevTools protocol."""

    process: subprocess.Popen[bytes]
    endpoint: str


class Tabs:
    """Opens each page in a new tab and closes the one before, as a person who types an address.
    Source: https://chromedevtools.github.io/devtools-protocol/#endpoints"""

    def __init__(self, running: Chromium) -> None:
        self._endpoint = running.endpoint
        self._open = ""

    def go(self, url: str) -> None:
        """Open `url`. Raises LiveError."""
        before = self._open
        answer = self._ask("PUT", f"new?{urllib.parse.quote(url, safe='')}")
        self._open = json.loads(answer)["id"]
        if before:
            self._ask("GET", f"close/{before}")

    def _ask(self, method: str, path: str) -> bytes:
        import httpx  # costs 100 ms, which other ways to open a page must not pay

        try:
            address = f"{self._endpoint}/json/{path}"
            answer = httpx.request(method, address, timeout=30, trust_env=False)
            return answer.raise_for_status().content
        except httpx.HTTPError as error:
            says = str(error).partition("\n")[0]
            raise LiveError(f"Chromium: {says}") from None


def needs_no_sandbox() -> bool:
    """Whether the sandbox must be off: Chromium refuses to run as root with it."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def switches_for(
    profile: Path, proxy: Endpoint, *, direct: str = "", sandbox: bool = True
) -> list[str]:
    """What makes any of its kin send every host, loopback too, through `proxy` and trust its key;
    `direct` is a host and port that alone is not sent there."""
    return [
        *SWITCHES,
        *(() if sandbox else ("--no-sandbox",)),
        f"--user-data-dir={profile}",
        f"--proxy-server=http://{proxy.address}",
        # Without `<-loopback>` pages on localhost would not go through the proxy.
        f"--proxy-bypass-list=<-loopback>{direct and f';{direct}'}",
        f"--ignore-certificate-errors-spki-list={key_hash(proxy.ca)}",
    ]


def command(
    program: Path, profile: Path, proxy: Endpoint, url: str, *, headless: bool = False
) -> list[str]:
    """The command that opens `url` in a window for a person (or in none). No control port is
    open, and no page sees that the browser was started by a program."""
    switches = switches_for(profile, proxy, sandbox=not needs_no_sandbox())
    if headless:
        switches += HEADLESS
    return [str(program), *switches, url]


@contextmanager
def running(
    folder: Path,
    proxy: Endpoint,
    *,
    headless: bool = True,
    switches: Sequence[str] = (),
    user_agent: str = "",
    start: Start = start_plainly,
) -> Iterator[Chromium]:
    """Chromium with a new profile in `folder`, all that a page sends through `proxy`. Raises
    LiveError."""
    program = browsers.find("chromium")
    if program is None:
        raise LiveError(f"Chromium is not there: {browsers.how_to_get('chromium')}")
    profile = folder / "chromium"
    profile.mkdir()
    port = free_port()

    def command(sandbox: bool) -> list[str]:
        return [
            str(program),
            *switches_for(profile, proxy, direct=f"127.0.0.1:{port}", sandbox=sandbox),
            *(HEADLESS if headless else ()),
            f"--remote-debugging-port={port}",
            "--remote-allow-origins=devtools://devtools",
            *ON_THIS_MACHINE,
            *_user_agent(user_agent, headless),
            *switches,
            "about:blank",
        ]

    output = folder / "chromium.txt"
    sandbox = not needs_no_sandbox()
    process = start(command(sandbox), output, None)
    try:
        try:
            _wait_for_port(port, process)
        except LiveError:
            # In a container the sandbox may find no namespaces.
            said = output.read_text(errors="replace") if output.exists() else ""
            if not sandbox or _NO_SANDBOX not in said:
                raise
            _end(process)
            process = start(command(False), output, None)
            _wait_for_port(port, process)
        yield Chromium(process, f"http://127.0.0.1:{port}")
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _user_agent(wanted: str, headless: bool) -> tuple[str, ...]:
    # Without a window Chromium calls itself HeadlessChrome, which nobody's recording says.
    major = re.search(r"\d+", browsers.version("chromium"))
    if not wanted and headless and major:
        wanted = (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
            f" Chrome/{major[0]}.0.0.0 Safari/537.36"
        )
    return (f"--user-agent={wanted}",) if wanted else ()


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise LiveError("Chromium did not start")
