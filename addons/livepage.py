"""mitmproxy addon: http://why403.test/ in the proxied browser shows causes as they appear.

What the page shows stands in `diagnostics.live.state`, its addresses in
`diagnostics.live.live_site`; its buttons talk to the diagnosis and to the what-if addon. The page
asks for its state and is answered when there is news, so that a quiet session costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

import msgspec
from mitmproxy import ctx, exceptions, http

from addons.hosted import host_of, is_own, put, request_of
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Verdict
from diagnostics.live import live_site, own_site
from diagnostics.live.live_site import Allow, Try, Wait
from diagnostics.live.state import state
from diagnostics.provider.emulated import Reply

#: How long a question for news may wait, and how much time lies between two answers at least.
_LONGEST = 20.0
_PAUSE = 0.7
_FORGET = 2.0
_OTHERS = ("why403", "why403_whatif", "why403_selftest")
#: Addresses of this host that are the self-test's.
_NOT_OURS = ("/selftest", "/probe/")


class LivePage:
    """Serves the live page, and takes what its buttons ask for to the other addons."""

    name = "why403_livepage"

    def __init__(self) -> None:
        self._version = 1
        self._news = asyncio.Event()
        self._made: tuple[int, bytes] = (0, b"")
        self._made_at = 0.0
        self._connected: set[str] = set()
        self._ends = False

    def configure(self, updated: set[str]) -> None:
        if any(name.startswith("why403") for name in updated):
            self._bump()

    def running(self) -> None:
        self._connect()

    def done(self) -> None:
        """Let go of everybody who waits: the proxy ends when the last answer is given."""
        self._ends = True
        self._news.set()

    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Only what is for this page has to be waited for: waiting costs every request."""
        if not is_own(flow) or host_of(flow) != own_site.HOST:
            return None
        if flow.request.scheme != "http" or flow.request.path.startswith(_NOT_OURS):
            return None
        return self._reply_to(flow)

    async def _reply_to(self, flow: http.HTTPFlow) -> None:
        found = live_site.route(request_of(flow), flow.request.content or b"")
        match found:
            case Wait(version):
                reply = await self._state(version)
            case Allow(entries):
                reply = self._allow(entries)
            case Try(changes, hosts):
                reply = self._try(changes, hosts)
            case None:
                reply = live_site.not_found()
            case _:
                reply = found
        if flow.response is None:
            put(flow, reply)
        if isinstance(found, Wait):  # questions for news would fill the list of flows
            asyncio.get_running_loop().call_later(_FORGET, _forget, flow)

    def _connect(self) -> None:
        """Listen to the other addons, in whatever order they were loaded."""
        for name in _OTHERS:
            addon = _addon(name)
            if addon is not None and name not in self._connected:
                self._connected.add(name)
                addon.observers.append(self._bump)

    def _bump(self, verdict: Verdict | None = None) -> None:
        self._version += 1
        self._news.set()

    async def _state(self, known: int | None) -> Reply:
        self._connect()
        end = time.monotonic() + _LONGEST
        while known == self._version and not self._ends:
            left = end - time.monotonic()
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                break
        if known is not None:
            await asyncio.sleep(max(self._made_at + _PAUSE - time.monotonic(), 0))
        if self._made[0] != self._version:
            self._made = (self._version, self._now())
            self._made_at = time.monotonic()
        return own_site.json(self._made[1])

    def _now(self) -> bytes:
        diagnose, what_if, self_test = map(_addon, _OTHERS)
        found: dict[str, Any] = state(
            diagnose.live.verdicts() if diagnose else (),
            diagnose.counts if diagnose else {"provider_requests": 0, "refused": 0},
            diagnose.live.told if diagnose else Told(),
            what_if.before_after if what_if else {},
            self_test.result if self_test else None,
        )
        found |= {"version": self._version, "diagnoses": diagnose is not None}
        return msgspec.json.encode(found)

    def _allow(self, entries: tuple[str, ...] | None) -> Reply:
        diagnose = _addon("why403")
        if diagnose is None:
            return own_site.refusal(409, "The diagnosis addon is not loaded.")
        try:
            diagnose.tell(entries)
        except exceptions.OptionsError as error:
            return own_site.refusal(400, str(error))
        self._bump()
        return own_site.json(b"{}")

    def _try(self, changes: tuple[str, ...], hosts: tuple[str, ...]) -> Reply:
        what_if = _addon("why403_whatif")
        if what_if is None:
            return own_site.refusal(409, "The what-if addon is not loaded.")
        try:
            what_if.set(changes, hosts)
        except ValueError as error:
            return own_site.refusal(400, str(error))
        return own_site.json(b"{}")


def _addon(name: str) -> Any:
    return ctx.master.addons.get(name)  # type: ignore[no-untyped-call]


def _forget(flow: http.HTTPFlow) -> None:
    view = _addon("view")
    if view is not None and not flow.live:
        view.remove([flow])


addons = [LivePage()]
