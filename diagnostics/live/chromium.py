"""Chromium, started for one case: throwaway profile, our proxy, and trust in our CA's key only.

`--ignore-certificate-errors-spki-list` names the hash of a public key. mitmproxy signs its CA and
every certificate with one key, so that only what this proxy made is trusted, and a page counts
as secure (service workers register), unlike with a general "ignore certificate errors".
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from diagnostics.live import browsers
from diagnostics.live.proxy import LiveError, Proxy

_SECONDS_TO_START = 30
SWITCHES = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    # HttpsUpgrades would turn a page on http: into one on https:.
    "--disable-features=OptimizationHints,MediaRouter,Translate,HttpsUpgrades",
    "--password-store=basic",
    "--use-mock-keychain",
)
#: WebGL without a graphics card.
HEADLESS = (
    "--headless=new",
    "--no-sandbox",
    "--mute-audio",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--window-size=800,600",
)


class Chromium(msgspec.Struct):
    """A running Chromium; `endpoint` is where it speaks the DevTools protocol."""

    process: subprocess.Popen[bytes]
    endpoint: str


def key_hash(ca: Path) -> str:
    """The base64 SHA-256 of the certificate's public key, as the switch wants it."""
    certificate = x509.load_pem_x509_certificate(ca.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@contextmanager
def running(
    folder: Path,
    proxy: Proxy,
    *,
    headless: bool = True,
    switches: Sequence[str] = (),
    user_agent: str = "",
) -> Iterator[Chromium]:
    """Chromium with a new profile in `folder`, every host through `proxy`. Raises LiveError."""
    program = browsers.find("chromium")
    if program is None:
        raise LiveError(f"Chromium is not there: {browsers.how_to_get('chromium')}")
    profile = folder / "chromium"
    profile.mkdir()
    port = _free_port()
    command = [
        str(program),
        *SWITCHES,
        *(HEADLESS if headless else ()),
        f"--user-data-dir={profile}",
        f"--proxy-server=http://{proxy.address}",
        # Loopback pages go through the proxy as well; only the DevTools port itself does not.
        f"--proxy-bypass-list=<-loopback>;127.0.0.1:{port}",
        f"--ignore-certificate-errors-spki-list={key_hash(proxy.ca)}",
        f"--remote-debugging-port={port}",
        "--remote-allow-origins=devtools://devtools",
        *_user_agent(user_agent, headless),
        *switches,
        "about:blank",
    ]
    with (folder / "chromium.txt").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _wait_for_port(port, process)
        yield Chromium(process, f"http://127.0.0.1:{port}")
    finally:
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


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
