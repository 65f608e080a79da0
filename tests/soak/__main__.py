"""Does the addon hold for a day of work? `python -m tests.soak [FLOWS]` (`make soak`).

A mitmdump with `addons/why403.py` under test stands between clients and a second mitmdump that
plays sites and provider out of a ticket. Many flows go through: HTTP/1.1 and HTTP/2 over TLS,
answers without a body, WebSockets, connections that either side loses, and a real Chromium that is
started anew again and again. At the end every refusal in the emulator's own log must have its
verdict, memory must be flat, and nobody may have logged an error. Leaves with 1 where not.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import msgspec
import yaml
from tabulate import tabulate

from diagnostics.live import chromium
from diagnostics.live import proxy as proxies
from diagnostics.live.play import EMULATOR
from diagnostics.provider.token import encode
from tests.bench.proxy import Mitmdump
from tests.soak import websockets

FLOWS = 100_000
CLIENTS = 8
KEPT = 300  # requests that the addon keeps
GROWTH = 1.05
RESTARTS = 5  # of the real browser
FEW = 0.15  # of the flows; memory is looked at then, and at the end
HERE = Path(__file__).parent
ENTRY = EMULATOR.with_name("why403.py")
PAGE = "https://shop.example.com/map"
TOKEN = encode("pk", {"u": "acme", "a": "ck0example00000000000000a"})
TILE = f"https://api.mapbox.com/v4/acme.x/1/0/0.png?access_token={TOKEN}"
TICKET = {
    "title": "A long day",
    "story": "The same page all day long, in many windows.",
    "client": {"browser": "chromium"},
    "page": PAGE,
    "sites": {
        PAGE: {"html": f"<!DOCTYPE html><title>Map</title><img alt='' src='{TILE}&n=0'>"},
        "https://shop.example.com/empty": {"status": 204},
        "https://shop.example.com/same": {"status": 304},
        "https://shop.example.com/large": {"html": "x" * 200_000, "type": "text/plain"},
        "https://shop.example.com/strict": {
            "html": "<!DOCTYPE html><title>Map</title>",
            "headers": {"Referrer-Policy": "no-referrer"},
        },
    },
    "token": {"allowed": ["shop.example.com"]},
}
FIELDS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/156.0.0.0 Safari/537.36",
    "Accept": "*/*",
}
IMAGE = {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"}
DOCUMENT = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
#: What a client asks for, in turn: method, address, fields. `{n}` is the number of the request.
ROUND: list[tuple[str, str, dict[str, str]]] = [
    ("GET", PAGE, DOCUMENT),
    ("GET", f"{TILE}&n={{n}}", IMAGE | {"Referer": "https://shop.example.com/"}),
    ("GET", f"{TILE}&n={{n}}", IMAGE | {"Referer": "https://preview.example.net/"}),
    ("HEAD", f"{TILE}&n={{n}}", IMAGE),
    ("GET", "https://shop.example.com/empty?n={n}", {}),
    ("GET", "https://shop.example.com/same?n={n}", {"If-None-Match": '"x"'}),
    ("GET", "https://shop.example.com/strict", DOCUMENT),
    ("GET", f"{TILE}&n={{n}}", IMAGE),
    ("GET", "https://cdn.example.org/nothing?n={n}", {}),
    ("GET", "https://shop.example.com/large?n={n}", {}),
    ("POST", "https://events.mapbox.com/events/v2?n={n}", {}),
    ("GET", f"https://api.mapbox.com/styles/v1/acme/ck?access_token={TOKEN}&n={{n}}",
     {"Referer": "https://other.example/", "Sec-Fetch-Dest": "empty"}),
]  # fmt: skip
#: Every so many requests something goes wrong.
CUT_BY_SERVER, CUT_BY_CLIENT, NEW_CONNECTION, SOCKET = 97, 89, 500, 211


class _BrowserLike(ssl.SSLContext):
    """Offers HTTP/2 first, as browsers do; httpx would name it last, and mitmproxy would take the
    other one."""

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        super().set_alpn_protocols(sorted(alpn_protocols))


class Soak(msgspec.Struct):
    """What the clients did."""

    port: int
    sockets: int
    ca: Path
    numbers: Iterator[int]
    flows: int
    done: int = 0
    said: Counter[str] = msgspec.field(default_factory=Counter)
    #: Requests that a client gave up or that the far end cut: nobody owes them a verdict.
    lost: set[int] = msgspec.field(default_factory=set)

    async def client(self, http2: bool) -> None:
        """One person's browser: its connections are closed and opened anew now and then."""
        while self.done < self.flows:
            context = _BrowserLike(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.ca)
            async with httpx.AsyncClient(
                proxy=f"http://127.0.0.1:{self.port}", verify=context, http2=http2,
                headers=FIELDS, timeout=60,
            ) as session:  # fmt: skip
                for _ in range(NEW_CONNECTION):
                    if self.done >= self.flows:
                        break
                    await self._ask(session, next(self.numbers))

    async def _ask(self, session: httpx.AsyncClient, number: int) -> None:
        self.done += 1
        if number % SOCKET == 0:
            hang_up = number % 2 == 0
            heard = await websockets.talk(self.port, self.sockets, 5, hang_up=hang_up)
            self.said["WebSockets, 5 messages each"] += heard == 5
            return
        method, address, fields = ROUND[number % len(ROUND)]
        address = address.format(n=number)
        if number % CUT_BY_SERVER == 0:
            self.lost.add(number)
            address += f"{'&' if '?' in address else '?'}cut=server"
        if number % CUT_BY_CLIENT == 0:
            self.lost.add(number)
            with suppress(TimeoutError, httpx.HTTPError):
                await asyncio.wait_for(session.request(method, address, headers=fields), 0.002)
            self.said["given up by the client"] += 1
            return
        try:
            answer = await session.request(method, address, headers=fields)
        except httpx.HTTPError as error:
            self.lost.add(number)
            self.said[f"lost: {type(error).__name__}"] += 1
        else:
            self.said[answer.http_version] += 1
            self.said["without a body"] += not answer.content


async def browse(endpoint: proxies.Endpoint, folder: Path, soak: Soak) -> int:
    """Start a real Chromium again and again, evenly over the flows; how often it ran."""
    if not shutil.which("chromium"):
        return 0
    for number in range(RESTARTS):
        while soak.done < soak.flows * (number + 0.5) / RESTARTS:
            await asyncio.sleep(0.5)
        await asyncio.to_thread(_visit, endpoint, folder / f"browser-{number}")
    return RESTARTS


def _visit(endpoint: proxies.Endpoint, folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    folder.mkdir()
    with chromium.running(folder, endpoint) as running, sync_playwright() as playwright:
        page = playwright.chromium.connect_over_cdp(running.endpoint).contexts[0].new_page()
        page.goto(PAGE, timeout=120_000)
        page.wait_for_load_state("load", timeout=120_000)


async def run(
    endpoint: proxies.Endpoint, dump: Mitmdump, folder: Path, flows: int
) -> tuple[Soak, int, list[float]]:
    """Everything at once; what was done, how often the browser ran, and memory early and late."""
    async with websockets.server() as sockets:
        soak = Soak(endpoint.port, sockets, endpoint.ca, itertools.count(1), flows)
        work = [asyncio.create_task(soak.client(bool(n % 2))) for n in range(CLIENTS)]
        browser = asyncio.create_task(browse(endpoint, folder, soak))
        memory: list[float] = []
        while not all(task.done() for task in work):
            await asyncio.sleep(1)
            if not memory and soak.done >= flows * FEW:
                memory.append(dump.megabytes)
            if sys.stderr.isatty():
                print(f"\r{soak.done:,} of {flows:,}", end="", file=sys.stderr)
        await asyncio.gather(*work)
        memory.append(dump.megabytes)
        return soak, await browser, memory


def main(flows: int) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="why403-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        for part in ("far", "near", "browsers"):
            (folder / part).mkdir()
        ticket, witness = folder / "ticket.yaml", folder / "witness.jsonl"
        ticket.write_text(yaml.safe_dump(TICKET), encoding="utf-8")
        far = stack.enter_context(
            proxies.running(folder / "far", HERE / "upstream.py", {"why403_ticket": str(ticket)})
        )
        options = {
            "mode": f"upstream:http://{far.address}",
            "ssl_verify_upstream_trusted_ca": str(far.ca),
            "why403_keep": str(KEPT),
            "why403_allow": "shop.example.com",
            "witness_log": str(witness),
        }
        scripts = ["-s", str(ENTRY), "-s", str(HERE / "witness.py")]
        near = stack.enter_context(proxies.running(folder / "near", EMULATOR, options, scripts))
        dump = Mitmdump(near.port, near.process)
        soak, visits, memory = asyncio.run(run(near, dump, folder / "browsers", flows))
        near.stop()
        far.stop()
        refused = {number(a.url) for a in far.answered() if a.status in {401, 403}} - {None}
        lines = [json.loads(line) for line in witness.read_text("utf-8").splitlines()]
    judged = {line["n"] for line in lines if "n" in line}
    errors = [line for line in lines if "error" in line]
    unjudged = {n for n in refused if n not in soak.lost} - judged
    unfounded = judged - refused
    growth = memory[-1] / memory[0]
    rows = [
        ("flows sent", f"{soak.done:,} in {time.monotonic() - started:,.0f} s"),
        ("flows that the addon saw", f"{next((x['flows'] for x in lines if 'flows' in x), 0):,}"),
        *((what, f"{count:,}") for what, count in soak.said.most_common()),
        ("visits of a restarted Chromium", visits),
        ("refused, by the emulator's log", f"{len(refused):,}"),
        ("of these lost on the way", f"{len(refused & soak.lost):,}"),
        ("with a verdict", f"{len(judged):,}"),
        ("verdicts by cause", ", ".join(f"{c} {n:,}" for c, n in
                                        Counter(x["cause"] for x in lines if "n" in x).items())),
        ("refused without a verdict", len(unjudged)),
        ("verdicts without a refusal", len(unfounded)),
        ("memory", f"{memory[0]:.0f} MiB early, {memory[-1]:.0f} MiB at the end: {growth:.3f}"),
        ("errors in the log", len(errors)),
    ]  # fmt: skip
    print(tabulate(rows, disable_numparse=True))
    for line in errors[:5]:
        print(line, file=sys.stderr)
    good = not (unjudged or unfounded or errors) and growth <= GROWTH
    return 0 if good else 1


def number(url: str) -> int | None:
    """The number that the soak gave a request."""
    found = httpx.URL(url).params.get("n")
    return int(found) if found else None


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else FLOWS))
