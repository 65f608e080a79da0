"""mitmproxy's test context for addons, with its event loop closed after the test.

mitmproxy's master imports libraries that warn of their own age (ldap3, passlib); that is no
failure of ours, so they are imported here, before warnings count as errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mitmproxy.test import taddons

Context = Callable[[object], taddons.context]


@pytest.fixture
def in_mitmproxy() -> Iterator[Context]:
    """A function that loads an addon into a new mitmproxy context."""
    made = []

    def load(addon: object) -> taddons.context:
        made.append(taddons.context(addon))  # type: ignore[no-untyped-call]
        return made[-1]

    yield load
    for context in made:
        context.master.event_loop.close()
