"""Several addons as one: each part stays what it is, and the order holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import command, ctx, exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.test import tflow

from addons.together import Together

Load = Callable[[object], Any]
said: list[str] = []


class First:
    name = "first"

    def load(self, loader: Loader) -> None:
        loader.add_option("first_option", str, "", "An option.")

    def configure(self, updated: set[str]) -> None:
        if ctx.options.first_option == "wrong":
            raise exceptions.OptionsError("first_option: wrong")
        said.append("first configure")

    def request(self, flow: object) -> None:
        said.append("first request")

    def response(self, flow: object) -> None:
        said.append("first response")

    def done(self) -> None:
        said.append("first done")

    @command.command("first.say")
    def say(self) -> str:
        return "first"


class Second:
    name = "second"

    async def request(self, flow: object) -> None:
        said.append("second request begins")
        await asyncio.sleep(0)
        said.append("second request ends")

    def running(self) -> None:
        said.append("second running")

    def done(self) -> None:
        said.append("second done")


class Third:
    name = "third"

    def request(self, flow: object) -> None:
        said.append("third request")

    async def response(self, flow: object) -> None:
        said.append("third response")


@pytest.fixture(autouse=True)
def _silence() -> None:
    said.clear()


def test_each_part_is_known_with_its_options_and_commands(in_mitmproxy: Load) -> None:
    context = in_mitmproxy(Together(first := First(), second := Second()))
    assert context.master.addons.get("first") is first
    assert context.master.addons.get("second") is second
    assert context.options.first_option == ""
    assert context.master.commands.execute("first.say") == "first"


def test_hooks_are_called_in_order_and_waited_for() -> None:
    together = Together(First(), Second(), Third())

    async def events() -> None:
        flow = tflow.tflow()
        for hook in (together.request, together.response):  # type: ignore[attr-defined]
            waiting = hook(flow)
            if waiting is not None:
                await waiting

    asyncio.run(events())
    assert said == ["first request", "second request begins", "second request ends",
                    "third request", "first response", "third response"]  # fmt: skip


def test_a_hook_that_nobody_has_is_not_there() -> None:
    together = Together(First(), Second())
    assert not hasattr(together, "error")
    assert together.response.__self__.name == "first"  # type: ignore[attr-defined]


def test_options_are_checked_by_their_part(in_mitmproxy: Load) -> None:
    together = Together(First(), Second())
    context = in_mitmproxy(together)
    context.configure(together, first_option="x")
    assert said == ["first configure"]
    with pytest.raises(exceptions.OptionsError, match="first_option: wrong"):
        context.configure(together, first_option="wrong")


def test_with_it_its_parts_go(in_mitmproxy: Load) -> None:
    together = Together(First(), Second())
    context = in_mitmproxy(together)
    context.master.addons.remove(together)
    assert said == ["first done", "second done"]
    assert context.master.addons.get("first") is None
    context.master.addons.add(together)
    assert context.master.addons.get("first") is not None
