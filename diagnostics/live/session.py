"""One capture, from nothing to causes: proxy in this process, browser beside it, and their end.

`capture` brings both up, lets the caller's screen see verdicts and obstacles as they come, and
leaves a flow file, a HAR and a report. mitmproxy is imported when a capture starts.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from diagnostics.live import embedded, own_site
from diagnostics.live.obstacles import Obstacles, say
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.scope import Scope
from diagnostics.live.screen import Screen
from diagnostics.live.throwaway import Throwaway, throwaway
from diagnostics.live.window import Opened, Window
from diagnostics.report.model import Report

if TYPE_CHECKING:
    from mitmproxy.master import Master

_TICK = 0.2
#: Seconds without a request to a provider after which that is worth a word.
SILENCE = 20.0
_AT_ONCE = 5.0
_SECONDS_TO_START = 30.0
_SECONDS_TO_SETTLE = 0.3


class Plan(msgspec.Struct, frozen=True):
    """What to do. `url` is what the browser opens; `window` None opens none; `files` is the folder
    for the results; `seconds` None lasts until it is ended; `settings` are the options of the
    diagnosing addon; `ticket` makes the answers emulated ones."""

    url: str
    scope: Scope
    files: Path
    window: Window | None = None
    seconds: float | None = None
    port: int = 0
    web: bool = False
    settings: dict[str, Any] = {}
    ticket: str = ""

    @property
    def expects_page(self) -> bool:
        """Whether a page must have come through the proxy in the end."""
        own = self.url.startswith(f"http://{own_site.HOST}/")
        return self.window is not None and self.url.startswith("http") and not own

    @property
    def flow_file(self) -> Path:
        return self.files / "capture.flow"

    @property
    def har_file(self) -> Path:
        return self.files / "capture.har"


def capture(plan: Plan, screen: Screen, announce: Callable[[Endpoint], None]) -> Report:
    """Run one capture to its end: until the browser is closed, the time is over, or a signal says
    so. `announce` is told where the proxy listens. What is returned is redacted.

    Raises LiveError, with one line that says what to do, where it cannot go on.
    """
    embedded.check_port(plan.port)
    try:
        for file in (plan.flow_file, plan.har_file):
            file.touch(mode=0o600)
        with throwaway(plan.window.folder if plan.window else None) as folder:
            return asyncio.run(_Session(plan, screen, folder).run(announce))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise LiveError(f"{error.filename or 'capture'}: {error.strerror or error}") from None


class _Session:
    def __init__(self, plan: Plan, screen: Screen, folder: Throwaway) -> None:
        self._plan = plan
        self._screen = screen
        self._folder = folder
        self._obstacles = Obstacles(plan.scope)
        self._opened: Opened | None = None

    async def run(self, announce: Callable[[Endpoint], None]) -> Report:
        stop = asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(_on_loop_error)
        hearing = embedded.complaints(self._screen.note, verbose=self._plan.web)
        with _signals(stop.set), hearing as said:
            master, ready = self._master()
            diagnosis = embedded.addon(master, "why403")  # it is gone from there at the end
            diagnosis.observers.append(self._screen.verdict)
            proxy = asyncio.create_task(master.run())
            try:
                endpoint = await self._started(master, proxy, ready, said)
                announce(endpoint)
                await self._serve(endpoint, proxy, stop)
            finally:
                await asyncio.to_thread(self._folder.end_all)
                await embedded.addon(master, "proxyserver").servers.update([])
                await asyncio.sleep(_SECONDS_TO_SETTLE)  # the last answers find their way
                master.shutdown()  # type: ignore[no-untyped-call]
                with suppress(SystemExit):
                    await proxy
        self._tell(float("inf"))
        embedded.write_har(self._plan.flow_file, self._plan.har_file)
        report: Report = diagnosis.live.report()
        self._check_that_something_came()
        return _with_blind_spots(report, self._obstacles.blind_spots())

    def _tell(self, now: float) -> None:
        for sentence in self._obstacles.due(now):
            self._screen.note(sentence)
        self._screen.refresh(self._obstacles.provider_requests)

    def _check_that_something_came(self) -> None:
        """Raises LiveError where nothing did: "nothing was refused" would be no answer then."""
        obstacles = self._obstacles
        if obstacles.page_answered or obstacles.provider_requests:
            return
        if self._plan.expects_page:
            code = "page-failed" if obstacles.page_failed else "no-page"
            raise LiveError(say(code, url=self._plan.url))

    def _master(self) -> tuple[Master, asyncio.Event]:
        """A mitmproxy with our addons, not started yet, and what is set when it is."""
        from addons.watch import Watch

        plan = self._plan
        watch = Watch(plan.scope, self._obstacles, self._screen.note)
        master = embedded.make(
            self._folder.path,
            plan.port,
            plan.flow_file,
            watch,
            {"allow_hosts": plan.scope.patterns, **plan.settings},
            web=plan.web,
            ticket=plan.ticket,
        )
        return master, watch.ready

    async def _started(
        self, master: Master, proxy: asyncio.Task[None], ready: asyncio.Event, said: list[str]
    ) -> Endpoint:
        """Where the proxy listens, as soon as it does."""
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait(
            {waiting, proxy}, timeout=_SECONDS_TO_START, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        addresses = embedded.addon(master, "proxyserver").listen_addrs()
        if not ready.is_set() or not addresses:
            why = "; ".join(said) or "it does not say why"
            raise LiveError(f"the proxy did not start: {why}")
        if self._plan.web:
            default = f"http://127.0.0.1:{master.options.web_port}/"
            # The token in it is for the person at this terminal.
            self._screen.note(f"mitmweb: {getattr(master, 'web_url', default)}", secret=True)
        return Endpoint(addresses[0][1], self._folder.path / "ca" / "mitmproxy-ca-cert.pem")

    async def _serve(
        self, endpoint: Endpoint, proxy: asyncio.Task[None], stop: asyncio.Event
    ) -> None:
        """Until the browser is closed, the time is over, or somebody wants it to stop."""
        loop, plan = asyncio.get_running_loop(), self._plan
        if plan.window is not None:
            opening = asyncio.create_task(
                asyncio.to_thread(Opened, plan.window, self._folder, endpoint, plan.url)
            )
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if stop.is_set():
                await asyncio.to_thread(self._folder.end_all)
                await asyncio.wait({opening})
                opening.exception()  # it was ended half-way; that is no news
                return
            self._opened = opening.result()
        began = loop.time()
        silence_at = began + SILENCE
        while not stop.is_set() and not proxy.done():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _TICK)
            now = loop.time()
            self._tell(now)
            if self._opened is not None and (status := self._opened.status) is not None:
                failed = status > 0 and now - began < _AT_ONCE
                if failed or not self._obstacles.connected:
                    raise LiveError(self._opened.why_it_ended())
                return
            if plan.seconds is not None and now - began >= plan.seconds:
                return
            if now >= silence_at and self._obstacles.silent:
                silence_at = float("inf")
                self._screen.note(self._obstacles.silence(now - began, endpoint.address))
        if proxy.done() and not stop.is_set():
            raise LiveError("the proxy ended by itself")


def _on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Python 3.11 tells of each connection's task that is cancelled at the end.
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


def _with_blind_spots(report: Report, more: tuple[str, ...]) -> Report:
    spots = (*report.capture.blind_spots, *more)
    summary = msgspec.structs.replace(report.capture, blind_spots=spots)
    return msgspec.structs.replace(report, capture=summary)


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """The first signal asks for an end in order; a second one for an end at once."""
    loop = asyncio.get_running_loop()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [signal.Signals[name] for name in names]
    if signal.getsignal(numbers[-1]) is signal.SIG_IGN:
        numbers.pop()  # under nohup, a closed terminal is no reason to end
    asked = False

    def end() -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop()

    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        try:
            loop.add_signal_handler(number, end)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))
    try:
        yield
    finally:
        for number in numbers:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, before[number])
