"""Play a ticket: its browser opens its pages, or its program sends its requests, in its world.

What comes out are raw captures, one file an exporter, in a folder of the caller's.
"""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
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
from diagnostics.live.throwaway import Start, start_plainly
from diagnostics.live.world import CONTROL_HOST
from diagnostics.ticket import Ticket

EMULATOR = Path(__file__).parent.parent.parent / "addons" / "emulate.py"
#: Exporters that need the DevTools window.
_DEVTOOLS = {"devtools", "copied", "curl"}
_QUIET_SECONDS = 2.5
#: The same, once all has been seen that the caller waits for, and before: a map library may need
#: long to start where many programs run.
_ENOUGH_SECONDS = 1.2
_NOT_ENOUGH_SECONDS = 10.0
_LONGEST_SECONDS = 45.0

Enough = Callable[[Sequence[Answered]], bool]


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
    *,
    headless: bool = True,
    start: Start = start_plainly,
    enough: Enough | None = None,
) -> Played:
    """Play `ticket` (from `path`) with all it writes in `folder`; `exporters` are those of
    `Ticket.record`. `start` starts all programs; `enough` says of what was answered whether all
    that is waited for was among it. Raises LiveError."""
    options = {"why403_ticket": str(path.resolve()), "why403_libraries": str(libraries)}
    captures: dict[str, Path] = {"har": folder / "mitmproxy.har", "flow": folder / "mitmproxy.flow"}
    options["hardump"] = str(captures["har"])
    arguments = ("-w", str(captures["flow"]))
    with proxies.running(folder, EMULATOR, options, arguments, start) as proxy:
        if ticket.client.browser == "none":
            started = time.time()
            _send_all(ticket, proxy)
            addresses: dict[str, str] = {}
        else:
            addresses = _local_pages(ticket, folder)
            opened = [addresses.get(url, ticket.fill(url)) for url in ticket.opened]
            visits = _Visits(proxy, opened, ticket.captured_from, enough)
            run = _in_chromium if ticket.client.browser == "chromium" else _in_firefox
            captures |= run(ticket, folder, proxy, visits, exporters, headless, start)
            started = visits.started
        answered = proxy.answered()
    renamed = {local: name for name, local in addresses.items()}
    wanted = {e: captures[e] for e in exporters if e != "curl"}
    if "curl" in exporters:
        wanted |= {e: file for e, file in captures.items() if file.suffix == ".curl"}
    return Played(wanted, answered, started, renamed)


class _Visits:
    """Opens the pages one after the other and waits until each has come to rest."""

    def __init__(
        self, proxy: Proxy, opened: list[str], captured_from: int, enough: Enough | None
    ) -> None:
        self._enough = enough
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
            with _client(self._proxy) as client:
                _send(client, httpx.Request("GET", f"http://{CONTROL_HOST}/visit/{number}"))
            go(url)
            last = number == len(self._opened)
            wait_until_quiet(self._proxy, enough=self._enough if last else None)


def wait_until_quiet(
    proxy: Proxy,
    seconds: float = _QUIET_SECONDS,
    longest: float = _LONGEST_SECONDS,
    enough: Enough | None = None,
) -> None:
    """Until nothing more was asked for `seconds` (less where it is `enough`, more where it is not
    yet), at most `longest` seconds."""

    def patience(answered: Sequence[Answered]) -> float:
        if enough is None:
            return seconds
        return _ENOUGH_SECONDS if enough(answered) else _NOT_ENOUGH_SECONDS

    end = time.monotonic() + longest
    answered = proxy.answered()
    since, wait = time.monotonic(), patience(answered)
    while time.monotonic() - since < wait and time.monotonic() < end:
        time.sleep(0.1)
        now = proxy.answered()
        if len(now) != len(answered):
            answered, since, wait = now, time.monotonic(), patience(now)


def _in_chromium(
    ticket: Ticket,
    folder: Path,
    proxy: Proxy,
    visits: _Visits,
    exporters: Collection[str],
    headless: bool,
    start: Start,
) -> dict[str, Path]:
    client = ticket.client
    switches = client.switches
    if client.has_extension:
        switches += extension.write(folder / "extension", client.blocks, client.removes)
    with chromium.running(
        folder,
        proxy,
        headless=headless,
        switches=switches,
        user_agent=client.user_agent,
        start=start,
    ) as running:
        if not {"playwright", *_DEVTOOLS} & set(exporters):
            visits.run(chromium.Tabs(running).go, lambda: None)
            return {}
        private = not client.has_extension
        with chromium_export.recording(running, folder, private=private) as tab:
            visits.run(tab.go, lambda: tab.begin(bool(_DEVTOOLS & set(exporters))))
            tab.save()
        return tab.captures


def _in_firefox(
    ticket: Ticket,
    folder: Path,
    proxy: Proxy,
    visits: _Visits,
    exporters: Collection[str],
    headless: bool,
    start: Start,
) -> dict[str, Path]:
    extra: dict[str, bool | int | str] = dict(ticket.client.preferences)
    if ticket.client.user_agent:
        extra["general.useragent.override"] = ticket.client.user_agent
    captures: dict[str, Path] = {}
    with ExitStack() as stack:
        if headless and ticket.client.library.startswith("mapbox-gl"):
            # Firefox draws no WebGL without a screen.
            headless = False
            if sys.platform not in {"win32", "darwin"}:
                stack.enter_context(display.screen(folder, start))
        running = stack.enter_context(
            firefox.running(folder, proxy, headless=headless, extra=extra, start=start)
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


def _send_all(ticket: Ticket, proxy: Proxy) -> None:
    """The requests of a ticket without a browser, one after the other."""
    with _client(proxy) as client:
        for send in ticket.requests:
            fields = [(name, ticket.fill(value)) for name, value in send.fields]
            body = ticket.fill(send.body).encode()
            request = httpx.Request(send.method, ticket.fill(send.url), headers=fields)
            if body:
                request = httpx.Request(send.method, request.url, headers=fields, content=body)
            _send(client, request)


def _client(proxy: Proxy) -> httpx.Client:
    trust = ssl.create_default_context(cafile=str(proxy.ca))
    return httpx.Client(proxy=f"http://{proxy.address}", verify=trust, trust_env=False)


def _send(client: httpx.Client, request: httpx.Request) -> None:
    """One request with exactly its header fields and Host: `send` adds none of the client's."""
    try:
        response = client.send(request, stream=True)
        for _ in response.iter_raw():  # whatever it says that its encoding is
            pass
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LiveError(f"{request.method} {request.url.host}: {error}") from None
