"""Play a ticket: its browser opens its pages, or its program sends its requests, in its world.

What comes out are raw captures, one file an exporter, in a folder of the caller's.
"""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.parse
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import msgspec

from diagnostics.live import (
    chromium,
    chromium_export,
    display,
    extension,
    firefox,
    firefox_export,
)
from diagnostics.live import proxy as proxies
from diagnostics.live.proxy import Answered, LiveError, Proxy
from diagnostics.live.world import CONTROL_HOST
from diagnostics.ticket import Ticket

EMULATOR = Path(__file__).parent.parent.parent / "addons" / "emulate.py"
#: Exporters that need the DevTools window.
_DEVTOOLS = {"devtools", "copied", "curl"}
_QUIET_SECONDS = 2.5
_LONGEST_SECONDS = 45.0


class Played(msgspec.Struct):
    """What a play left: the raw captures, what the emulator answered, when the first visit that
    counts began (seconds since the epoch), and local addresses with the ticket's names for them."""

    captures: dict[str, Path]
    answered: list[Answered]
    started: float
    renamed: dict[str, str]


def play(
    ticket: Ticket,
    path: Path,
    folder: Path,
    libraries: Path,
    exporters: Collection[str],
) -> Played:
    """Play `ticket` (from `path`) with all it writes in `folder`; `exporters` are those of
    `Ticket.record`. Raises LiveError."""
    options = {"why403_ticket": str(path.resolve()), "why403_libraries": str(libraries)}
    captures: dict[str, Path] = {"har": folder / "mitmproxy.har", "flow": folder / "mitmproxy.flow"}
    options["hardump"] = str(captures["har"])
    arguments = ("-w", str(captures["flow"]))
    with proxies.running(folder, EMULATOR, options, arguments) as proxy:
        if ticket.client.browser == "none":
            started = time.time()
            for send in ticket.requests:
                _send(
                    proxy,
                    send.method,
                    ticket.fill(send.url),
                    [(name, ticket.fill(value)) for name, value in send.fields],
                    ticket.fill(send.body).encode(),
                )
            addresses: dict[str, str] = {}
        else:
            addresses = _local_pages(ticket, folder)
            opened = [addresses.get(url, ticket.fill(url)) for url in ticket.opened]
            visits = _Visits(proxy, opened, ticket.captured_from)
            run = _in_chromium if ticket.client.browser == "chromium" else _in_firefox
            captures |= run(ticket, folder, proxy, visits, exporters)
            started = visits.started
        answered = proxy.answered()
    renamed = {local: name for name, local in addresses.items()}
    wanted = {e: captures[e] for e in exporters if e != "curl"}
    if "curl" in exporters:
        wanted |= {e: file for e, file in captures.items() if file.suffix == ".curl"}
    return Played(wanted, answered, started, renamed)


class _Visits:
    """Opens the pages one after the other and waits until each has come to rest."""

    def __init__(self, proxy: Proxy, opened: list[str], captured_from: int) -> None:
        self._proxy = proxy
        self._opened = opened
        self._captured_from = captured_from
        self.started = 0.0

    def run(self, go: Callable[[str], None], begin: Callable[[], None]) -> None:
        """`go` opens a URL; `begin` is called before the first visit that counts."""
        for number, url in enumerate(self._opened, 1):
            if number == self._captured_from:
                begin()
                self.started = time.time()
            _send(self._proxy, "GET", f"http://{CONTROL_HOST}/visit/{number}", [], b"")
            go(url)
            wait_until_quiet(self._proxy)


def wait_until_quiet(
    proxy: Proxy, seconds: float = _QUIET_SECONDS, longest: float = _LONGEST_SECONDS
) -> None:
    """Until nothing more was asked for `seconds`, at most `longest` seconds."""
    end = time.monotonic() + longest
    count, since = len(proxy.answered()), time.monotonic()
    while time.monotonic() - since < seconds and time.monotonic() < end:
        time.sleep(0.1)
        now = len(proxy.answered())
        if now != count:
            count, since = now, time.monotonic()


def _in_chromium(
    ticket: Ticket, folder: Path, proxy: Proxy, visits: _Visits, exporters: Collection[str]
) -> dict[str, Path]:
    client = ticket.client
    switches = client.switches
    if client.has_extension:
        switches += extension.write(folder / "extension", client.blocks, client.removes)
    with (
        chromium.running(folder, proxy, switches=switches, user_agent=client.user_agent) as running,
        chromium_export.recording(running, folder, private=not client.has_extension) as tab,
    ):
        visits.run(tab.go, lambda: tab.begin(bool(_DEVTOOLS & set(exporters))))
        tab.save()
    return tab.captures


def _in_firefox(
    ticket: Ticket, folder: Path, proxy: Proxy, visits: _Visits, exporters: Collection[str]
) -> dict[str, Path]:
    extra: dict[str, bool | int | str] = dict(ticket.client.preferences)
    if ticket.client.user_agent:
        extra["general.useragent.override"] = ticket.client.user_agent
    captures: dict[str, Path] = {}
    with ExitStack() as stack:
        screen: AbstractContextManager[str] | None = None
        if ticket.client.library.startswith("mapbox-gl"):
            # Firefox draws no WebGL without a screen.
            screen = display.screen()
            stack.enter_context(screen)
        running = stack.enter_context(
            firefox.running(folder, proxy, headless=screen is None, extra=extra)
        )

        def begin() -> None:
            if "firefox" in exporters:
                firefox_export.begin(running.control)

        visits.run(running.control.go, begin)
        if "firefox" in exporters:
            captures |= firefox_export.save(running.control, folder)
    return captures


def _local_pages(ticket: Ticket, folder: Path) -> dict[str, str]:
    """The ticket's file: pages, written into `folder`: their addresses there."""
    found = {}
    for address, site in ticket.sites.items():
        if address.startswith("file:"):
            file = folder / "page" / address.rpartition("/")[2]
            file.parent.mkdir(exist_ok=True)
            file.write_text(ticket.fill(site.html), encoding="utf-8")
            found[address] = file.resolve().as_uri()
    return found


def _send(proxy: Proxy, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """One request through the proxy with exactly these header fields (and Host)."""
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=str(proxy.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=context)
        connection.set_tunnel(host, port or 443)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port)
        target = url
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", parts.netloc)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise LiveError(f"{method} {parts.netloc}: {error}") from None
    finally:
        connection.close()
