"""Plays a ticket once and diagnoses what was recorded, as the desk would.

The edge of `reproduce`: sites and provider come from the emulator, a real browser opens the page in
a throwaway profile, and the proxy records. Nothing listens on or asks for anything but loopback
(but for map libraries, which are announced), and nothing is left: `live.throwaway` sees to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from diagnostics.capture.exchange import Capture, CaptureError
from diagnostics.capture.har import read_har
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.live import browsers, libraries
from diagnostics.live.play import Enough, Played, play
from diagnostics.live.proxy import LiveError
from diagnostics.live.throwaway import throwaway
from diagnostics.live.world import World
from diagnostics.report.model import Report
from diagnostics.reproduce import compare
from diagnostics.reproduce.compare import Seen
from diagnostics.reproduce.derive import to_yaml
from diagnostics.ticket import Ticket

_HAR, _FLOWS = "capture.har", "capture.flow"
#: Which request of a map comes from a worker is a race; a case is played again before it is said
#: to differ.
_ATTEMPTS = 3


class Stage(msgspec.Struct, frozen=True):
    """How it is played: without a window or with one, what is told of its progress, what is told
    before anything leaves this machine, whether map libraries may be fetched at all, and how often
    it is tried."""

    headless: bool = True
    say: Callable[[str], None] = lambda _: None
    announce: Callable[[str], None] = lambda _: None
    offline: bool = False
    attempts: int = _ATTEMPTS


class Replay(msgspec.Struct, frozen=True):
    """One play as one recorder saw it, the report on it, and the proxy's record as files, where
    they were asked for."""

    seen: Seen
    report: Report
    files: Mapping[str, bytes] = {}


def client_of(ticket: Ticket) -> str:
    """Who plays a ticket, with its version. Raises LiveError where that browser is missing."""
    name = ticket.client.browser
    if name == "none":
        import httpx

        return f"httpx {httpx.__version__}"
    if browsers.find(name) is None:
        title = browsers.named(name).title
        raise LiveError(
            f"this case needs {title}, which is not here, so that what the browser itself does"
            f" (referrer policy, workers, frames) cannot be shown: {browsers.how_to_get(name)};"
            " or play it in another browser with --browser"
        )
    # The rest of the line names the system's packages.
    return browsers.version(name).partition(" built on ")[0] or browsers.named(name).title


def provide(ticket: Ticket, stage: Stage) -> list[str]:
    """Fetch the libraries that a ticket needs; notes on those that cannot be had."""
    notes = []
    for library in libraries.missing(libraries.needed(ticket)):
        name, _, version = library.partition("@")
        if stage.offline:
            notes.append(
                f"{name} {version} is not in {libraries.folder()} and was not fetched (--offline):"
                " the page is played without it."
            )
            continue
        stage.announce(f"Fetching {name} {version} from the npm registry")
        try:
            libraries.fetch(library)
        except LiveError as error:
            notes.append(f"{error}: the page is played without it.")
    return notes


def replays(
    ticket: Ticket, stage: Stage, enough: Enough | None, keep: bool = False
) -> list[Replay]:
    """Play a ticket once; what each recorder saw, the browser's own first. Raises LiveError."""
    program = browsers.find(ticket.client.browser)
    with throwaway(browsers.folder_for(program) if program else None) as session:
        path = session.path / "ticket.yaml"
        path.write_text(whole(ticket), encoding="utf-8")
        try:
            played = play(
                ticket,
                path,
                session.path,
                libraries.folder(),
                _exporters(ticket),
                headless=stage.headless,
                start=session.start,
                enough=enough if len(ticket.opened) < 2 else None,
            )
        except OSError as error:
            raise LiveError(f"{error.filename or 'play'}: {error.strerror or error}") from None
        captures = [
            _read(ticket, played, played.captures[name])
            for name in ("playwright", "firefox", "har")
            if name in played.captures
        ]
        files = _files(ticket, played, session.path) if keep else {}
    known = ticket.known_allowed
    told = Told(Allowed(known, "the ticket's list")) if known is not None else Told()
    found = []
    for capture in captures:
        report = diagnose([capture], told)
        found.append(Replay(compare.seen([capture], report.verdicts), report, files))
    return found


def _exporters(ticket: Ticket) -> tuple[str, ...]:
    """The proxy's record, and the browser's own where its cache may answer or its page is a file,
    for a proxy sees none of that. (A browser's own in turn may lack what its workers ask.)"""
    is_local = any(url.startswith("file:") for url in ticket.opened)
    if (ticket.captured_from == 1 and not is_local) or ticket.client.browser == "none":
        return ("har", "flow")
    if ticket.client.browser == "firefox":
        return ("har", "flow", "firefox")
    try:
        import playwright  # noqa: F401
    except ImportError:
        return ("har", "flow")
    return ("har", "flow", "playwright")


def _read(ticket: Ticket, played: Played, file: Path) -> Capture:
    """What was recorded of the case itself, not of the browser's own traffic."""
    text = file.read_text(encoding="utf-8")
    for local, name in played.renamed.items():
        text = text.replace(local, name)
    try:
        capture = read_har(text.encode(), _HAR)
    except CaptureError as error:
        raise LiveError(f"the record of the browser cannot be read: {error}") from None
    world = World(ticket)
    mine = [
        exchange
        for exchange in capture.exchanges
        if (world.knows(exchange.url) or exchange.url.startswith(("blob:", "file:")))
        and (exchange.started is None or exchange.started >= played.started)
    ]
    return msgspec.structs.replace(capture, exchanges=tuple(mine))


def _files(ticket: Ticket, played: Played, folder: Path) -> dict[str, bytes]:
    """The proxy's record of the case, as flow file and HAR, made in a throwaway folder."""
    from mitmproxy import http
    from mitmproxy import io as mitmproxy_io

    from diagnostics.live import embedded

    world = World(ticket)
    kept, har = folder / _FLOWS, folder / _HAR
    with played.captures["flow"].open("rb") as source, kept.open("wb") as target:
        writer = mitmproxy_io.FlowWriter(target)  # type: ignore[no-untyped-call]
        for flow in mitmproxy_io.FlowReader(source).stream():
            if (
                isinstance(flow, http.HTTPFlow)
                and world.knows(flow.request.pretty_url)
                and flow.request.timestamp_start >= played.started
            ):
                writer.add(flow)
    embedded.write_har(kept, har)
    return {file.name: file.read_bytes() for file in (kept, har)}


def whole(ticket: Ticket) -> str:
    """The ticket as a file that `diagnostics.ticket.load` reads without any other file."""
    sites = {a: msgspec.structs.replace(site, body="") for a, site in ticket.sites.items()}
    return to_yaml(msgspec.structs.replace(ticket, sites=sites))
