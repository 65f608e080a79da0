"""What the addon costs a proxied request: throughput beside bare mitmdump, and memory over time.

Two mitmdumps run side by side, one bare and one with the addon, and are used in turn, in short
slices, so that whatever else the machine does hits both alike; then another two. The server and
the client are small and raw: neither may be the bottleneck. Everything stays on loopback.

The wall clock of a shared machine is noisy; the processor time that each mitmdump used for the
same requests is not, and is printed beside it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from tabulate import tabulate

from diagnostics.cli.addon_path import find

PAIRS, SLICES, SLICE = 5, 16, 250  # 20,000 requests through each of the two
WARM_UP = 1_000
CONNECTIONS = 8
FEW, MANY = 5_000, 50_000  # flows, for memory
REFUSED = 10  # of the flows for memory, one in so many is a refusal by a provider
KEPT = 200  # so that the bound is reached before the first look
LONGEST = 300.0  # seconds for all; what is not done by then is left out, and is told
BOUND_THROUGHPUT, BOUND_MEMORY = 0.97, 1.05

_ANSWER = (
    b"HTTP/1.1 %s\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: %s\r\n"
    b'Cache-Control: max-age=3600\r\nETag: "5f1"\r\nContent-Length: %d\r\n\r\n%s'
)
_PIXELS = b"\x89PNG" + bytes(196)
_OK = _ANSWER % (b"200 OK", b"image/png", len(_PIXELS), _PIXELS)
_FORBIDDEN = b'{"message":"Forbidden"}'
_REFUSAL = _ANSWER % (b"403 Forbidden", b"application/json", len(_FORBIDDEN), _FORBIDDEN)
_FIELDS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/156.0 Safari/537.36\r\nAccept: image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\nSec-Fetch-Dest: image\r\n"
    "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: cross-site\r\n"
)
_API = "api.mapbox.com"
_BARE, _LOADED = "bare mitmdump", "with the addon"


class _Server(asyncio.Protocol):
    """Answers each request with the same few bytes, or refuses it where it is a provider's."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            self._transport.write(_REFUSAL if _API.encode() in request else _OK)


def _serve(ready: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


class _Client(asyncio.Protocol):
    """One keep-alive connection that sends its requests one after the other."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._done = done
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(None)
        else:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._head += data
            head, separator, body = self._head.partition(b"\r\n\r\n")
            if not separator:
                return
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._missing, self._head, data = int(length), b"", body
        self._missing -= len(data)
        if not self._missing:
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(f"the proxy hung up: {error}"))


def send(port: int, requests: Iterator[bytes]) -> float:
    """Send all requests over a few connections at once; the seconds that it took."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        finished = [loop.create_future() for _ in range(CONNECTIONS)]
        started = time.perf_counter()
        for done in finished:
            await loop.create_connection(lambda d=done: _Client(requests, d), "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*finished)
        return time.perf_counter() - started

    return asyncio.run(run())


def small(server: int, count: int, start: int = 0) -> Iterator[bytes]:
    """Requests for images on the loopback server, as a browser sends them to a proxy."""
    for number in range(start, start + count):
        host = f"127.0.0.1:{server}"
        yield f"GET http://{host}/{number}.png HTTP/1.1\r\nHost: {host}\r\n{_FIELDS}\r\n".encode()


def mixed(server: int, count: int, start: int = 0) -> Iterator[bytes]:
    """The same, and among them tiles that a provider refuses, to a reverse proxy."""
    ordinary = small(server, count, start)
    for number, request in enumerate(ordinary, start):
        if number % REFUSED:
            yield request.replace(b"GET http://127.0.0.1:%d" % server, b"GET ", 1)
        else:
            path = f"/v4/acme.tiles/14/{number}/5373.png?access_token=pk.eyJ1IjoiYWNtZSJ9.c2ln"
            fields = f"Host: {_API}\r\nReferer: https://www.example.com/\r\n{_FIELDS}"
            yield f"GET {path} HTTP/1.1\r\n{fields}\r\n".encode()


class Mitmdump(msgspec.Struct):
    """A running mitmdump."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def megabytes(self) -> float:
        """Its resident memory."""
        return _status(self.process.pid, "VmRSS") / 1024

    @property
    def seconds(self) -> float:
        """The processor time that its main thread, where the proxy runs, has used."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9


def _status(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


@contextmanager
def mitmdump(folder: Path, mode: str, *arguments: str) -> Iterator[Mitmdump]:
    """A quiet mitmdump on a free loopback port."""
    port = _free_port()
    start = "import sys; from mitmproxy.tools.main import mitmdump; sys.exit(mitmdump())"
    command = [sys.executable, "-c", start, "-q", "--mode", mode, "--listen-host", "127.0.0.1",
               "--listen-port", str(port), "--set", f"confdir={folder}", *arguments]  # fmt: skip
    process = subprocess.Popen(command)
    try:
        _wait_for(port, process)
        yield Mitmdump(port, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("mitmdump does not come up")


@contextmanager
def server() -> Iterator[int]:
    """The loopback server in a process of its own; its port."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _addon(*options: str) -> list[str]:
    return ["-s", str(find()), *(part for option in options for part in ("--set", option))]


def throughput(folder: Path, port: int, over: Callable[[], bool]) -> None:
    """Bare and with the addon, in turn, through several pairs of processes: the same program
    started twice differs by some per cent for as long as it runs."""
    taken = Taken()
    for number in range(PAIRS):
        _pair(folder / str(number), port, taken)
        if over():
            break
    bare, loaded = taken.seconds.values()
    sent = len(bare) * SLICE
    rows = [
        (name, f"{sent:,}", f"{sent / sum(seconds):,.0f}", f"{SLICE / min(seconds):,.0f}",
         f"{sum(taken.processor[name]) / sent * 1e6:.0f}")
        for name, seconds in taken.seconds.items()
    ]  # fmt: skip
    print(tabulate(rows, ("", "requests", "a second", "best slice", "CPU µs each"),
                   disable_numparse=True, colalign=("left", *["right"] * 4)))  # fmt: skip
    by_processor = _median_ratio(*taken.processor.values())
    print(
        f"\nThroughput with the addon, of bare: {_median_ratio(bare, loaded):.3f} (median of"
        f" {len(bare)} pairs of slices through {number + 1} pairs of processes),"
        f" {sum(bare) / sum(loaded):.3f} (all together), {by_processor:.3f} (by processor time,"
        f" median); bound {BOUND_THROUGHPUT}"
    )


class Taken:
    """What each slice of requests took: seconds of the clock, and of the processor in mitmdump."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {name: [] for name in (_BARE, _LOADED)}
        self.processor: dict[str, list[float]] = {name: [] for name in (_BARE, _LOADED)}


def _pair(folder: Path, port: int, taken: Taken) -> None:
    with (
        mitmdump(folder / "a", "regular") as bare,
        mitmdump(folder / "b", "regular", *_addon("why403_allow=shop.example.com")) as loaded,
    ):
        runs = {_BARE: bare, _LOADED: loaded}
        for proxy in runs.values():
            send(proxy.port, small(port, WARM_UP))
        for number in range(SLICES):
            for name in list(runs) if number % 2 else reversed(runs):
                before = runs[name].seconds
                took = send(runs[name].port, small(port, SLICE, number * SLICE))
                taken.seconds[name].append(took)
                taken.processor[name].append(runs[name].seconds - before)


def _median_ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def memory(folder: Path, port: int, over: Callable[[], bool]) -> None:
    """Resident memory after few and after many flows, with and without refusals among them."""
    keep = f"why403_keep={KEPT}"
    reverse = f"reverse:http://127.0.0.1:{port}"
    with (
        mitmdump(folder / "c", "regular", *_addon(keep)) as quiet,
        mitmdump(folder / "d", reverse, *_addon(keep, "keep_host_header=true")) as busy,
    ):
        runs = {"small requests": (quiet, small), f"1 in {REFUSED} refused": (busy, mixed)}
        early: dict[str, float] = {}
        sent = 0
        while sent < MANY and not (over() and sent > FEW):
            _together([(proxy.port, kind(port, FEW, sent)) for proxy, kind in runs.values()])
            sent += FEW
            if sent == FEW:
                early = {name: proxy.megabytes for name, (proxy, _) in runs.items()}
        late = {name: proxy.megabytes for name, (proxy, _) in runs.items()}
    rows = [
        (name, f"{early[name]:.0f}", f"{late[name]:.0f}", f"{late[name] / early[name]:.3f}")
        for name in runs
    ]
    print(tabulate(rows, ("", f"MiB at {FEW:,}", f"MiB at {sent:,}", "growth"),
                   disable_numparse=True, colalign=("left", *["right"] * 3)))  # fmt: skip
    print(f"\nBound of growth: {BOUND_MEMORY}")


def _together(work: list[tuple[int, Iterator[bytes]]]) -> None:
    """Send to several proxies at once."""
    threads = [threading.Thread(target=send, args=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(folder: Path) -> None:
    """Print both, in bounded time."""
    print("\nThrough the proxy, in turn:\n")
    with ExitStack() as stack:
        port = stack.enter_context(server())
        end = time.monotonic() + LONGEST
        throughput(folder, port, lambda: time.monotonic() > end - LONGEST * 2 / 3)
        print(f"\nResident memory of mitmdump with the addon, {KEPT} requests kept:\n")
        memory(folder, port, lambda: time.monotonic() > end)
