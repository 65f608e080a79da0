"""Runs `why403 capture` as a person would, with servers of this machine to open pages from.

The provider is emulated (WHY403_EMULATE), and what the command leaves behind is looked for in a
folder for temporary files and a home of its own.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from diagnostics.ticket import TokenSpec

TOKEN = TokenSpec().text
TILE = f"https://api.mapbox.com/v4/acme.streets/1/0/0.png?access_token={TOKEN}"
TICKET = f"""
title: t
story: s
client: {{browser: chromium}}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    html: <!DOCTYPE html><title>Shop</title><iframe src="https://maps.example.net/map"></iframe>
  https://maps.example.net/map:
    headers: {{Referrer-Policy: no-referrer}}
    html: <!DOCTYPE html><title>Map</title><img alt="" src="{TILE.replace(TOKEN, "{{token}}")}">
token: {{allowed: [shop.example.com]}}
"""
PROGRAM = Path(sys.executable).parent / "why403"
_SECONDS = 40.0

Pages = Mapping[str, tuple[dict[str, str], str]]


def map_page(source: str = TILE) -> str:
    """A page with one image."""
    return f'<!DOCTYPE html><html lang="en"><title>Map</title><img alt="" src="{source}"></html>'


class Capture:
    """A running `why403 capture`; what it says comes line by line."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder = folder
        # Short, because sockets of browsers have paths of at most 108 bytes.
        self.temporary = Path(tempfile.mkdtemp(prefix="w4t"))
        self.home = folder / "home"
        self.home.mkdir()
        ticket = folder / "ticket.yaml"
        ticket.write_text(TICKET)
        self.output = folder / "out"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"}
        }
        self.process = subprocess.Popen(
            [str(PROGRAM), "capture", *arguments, "-o", str(self.output)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            start_new_session=True,
            env={
                **inherited,
                "TMPDIR": str(self.temporary),
                "HOME": str(self.home),
                "WHY403_EMULATE": str(ticket),
                "WHY403_TRACEBACK": "1",
                **environment,
            },
        )
        self.said: list[str] = []
        self._changed = threading.Condition()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=[stream], daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            with self._changed:
                self.said.append(line)
                self._changed.notify_all()

    @property
    def text(self) -> str:
        """Everything that it said, on both streams."""
        return "".join(self.said)

    def until(self, words: str) -> str:
        """The line that has these words in it, as soon as it is there."""
        end = time.monotonic() + _SECONDS
        with self._changed:
            while True:
                found = next((line for line in self.said if words in line), None)
                if found is not None:
                    return found
                over = self.process.poll() is not None and not any(
                    reader.is_alive() for reader in self._readers
                )
                if over or not self._changed.wait(min(0.2, end - time.monotonic() + 0.001)):
                    assert not over, f"it ended without “{words}”:\n{self.text}"
                    assert time.monotonic() < end, f"no “{words}” in:\n{self.text}"

    def end(self, number: int = signal.SIGINT) -> int:
        """End it with a signal, and wait for it: its exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Its exit status, when it ends by itself."""
        status = self.process.wait(_SECONDS)
        for reader in self._readers:
            reader.join(10)
        return status

    def listening(self) -> dict[str, list[str]]:
        """The addresses on which it and its processes listen (TCP), by the network's version."""
        inodes = set()
        for number in self.processes():
            with contextlib.suppress(OSError):
                for link in Path(f"/proc/{number}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        inodes.add(str(link.readlink()).removeprefix("socket:[").rstrip("]"))
        found: dict[str, list[str]] = {}
        for table in ("tcp", "tcp6"):
            rows = [row.split() for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
            # Columns: number, local address, remote address, state (0A is LISTEN), ..., inode.
            found[table] = [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]
        return found

    def processes(self) -> list[int]:
        """Every process that comes from it and still runs."""
        found = []
        marker = f"TMPDIR={self.temporary}".encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    # A process that is only waiting to be reaped has no environment left.
                    if marker in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
        return sorted(found)

    def leavings(self, seconds: float = 10.0) -> list[str]:
        """What there still is of it after its end: processes, files outside of its output."""
        end = time.monotonic() + seconds
        while True:
            left = [f"process {number}" for number in self.processes()]
            left += [str(path) for path in self.temporary.iterdir()]
            left += [str(path) for path in self.home.iterdir()]
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.1)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        end = time.monotonic() + 10
        while self.processes() and time.monotonic() < end:
            time.sleep(0.1)
        shutil.rmtree(self.temporary, ignore_errors=True)


@contextmanager
def capturing(folder: Path, *arguments: str, **environment: str) -> Iterator[Capture]:
    """A running capture that is ended, whatever happens."""
    capture = Capture(folder, *arguments, **environment)
    try:
        yield capture
    finally:
        capture.close()


@contextmanager
def dev_server(pages: Pages, *, folder: Path | None = None) -> Iterator[int]:
    """The port of a server on this machine for these pages (path -> headers and HTML); over TLS,
    with a certificate that it signed itself in `folder`, where that is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers, html = pages.get(self.path, ({}, ""))
            self.send_response(200 if html else 404)
            for name, value in {"Content-Type": "text/html", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(html.encode())))
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *about: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # a client that has seen enough
                super().handle_error(*about)

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if folder is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(folder))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
