"""Several addons that mitmproxy sees as one, so that a flow passes through them faster.

For each event of each flow mitmproxy walks over all addons, asks each for the hook by its name,
and unpacks the event anew for each that has it. That costs more than our hooks do. Here it finds
one addon whose hooks are those of its parts, called in their order; each part is still known to
mitmproxy by its own name, with its options and commands.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mitmproxy import ctx, hooks
from mitmproxy.addonmanager import Loader

_Hook = Callable[..., Awaitable[None] | None]


class Together:
    """An addon with all hooks of its `parts`, in their order."""

    name = "why403_together"

    def __init__(self, *parts: object) -> None:
        self._parts = parts
        #: By mitmproxy's names, which are attributes of this addon too.
        self.hooks: dict[str, _Hook] = {"load": self._load, "done": self._done}
        for name in hooks.all_hooks.keys() - self.hooks.keys():
            found = [getattr(part, name) for part in parts if hasattr(part, name)]
            if found:
                self.hooks[name] = found[0] if len(found) == 1 else _in_turn(found)
        for name, hook in self.hooks.items():
            setattr(self, name, hook)

    def _load(self, loader: Loader) -> None:
        addons: Any = ctx.master.addons
        for part in self._parts:
            addons.register(part)

    def _done(self) -> None:
        addons: Any = ctx.master.addons
        for part in self._parts:
            addons.remove(part)


def _in_turn(found: Sequence[_Hook]) -> _Hook:
    """One hook that calls others; it has to be waited for only where one of them has."""

    def call(*args: object) -> Awaitable[None] | None:
        for place, hook in enumerate(found):
            waiting = hook(*args)
            if waiting is not None and inspect.isawaitable(waiting):
                return _go_on(waiting, found[place + 1 :], args)
        return None

    return call


async def _go_on(waiting: Awaitable[None], rest: Sequence[_Hook], args: Sequence[object]) -> None:
    await waiting
    for hook in rest:
        result = hook(*args)
        if result is not None and inspect.isawaitable(result):
            await result
