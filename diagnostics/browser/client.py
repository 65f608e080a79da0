"""Who sent a request: a browser and which engine, a WebView, a native SDK, or another program."""

from __future__ import annotations

import functools
import re
from importlib import resources

import msgspec

from diagnostics.browser import engine as engine_data
from diagnostics.browser.engine import Engine


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of client: `kind` is browser, webview, sdk, program or unknown; `engine` is
    chromium, firefox, webkit or unknown for what renders pages, "" for the rest."""

    pattern: str
    kind: str
    title: str
    engine: str = ""

    @property
    def renders_pages(self) -> bool:
        return self.kind in {"browser", "webview"}

    @property
    def model(self) -> Engine:
        """The engine model to predict with: the measured one, else the specification's."""
        measured = engine_data.engines()
        return measured.get(self.engine, measured["spec"])

    @property
    def is_measured(self) -> bool:
        return self.engine in engine_data.engines()


NO_USER_AGENT = Client("", "unknown", "a client without a User-Agent")
UNKNOWN = Client("", "program", "a program that is no browser")


@functools.lru_cache(maxsize=1)
def _known() -> tuple[tuple[re.Pattern[str], Client], ...]:
    data = resources.files(__package__).joinpath("clients.yaml").read_bytes()
    clients = msgspec.yaml.decode(data, type=tuple[Client, ...])
    return tuple((re.compile(client.pattern, re.IGNORECASE), client) for client in clients)


#: The client that stands for an engine.
_OF_ENGINE = {"chromium": "a Chromium browser", "firefox": "Firefox", "webkit": "Safari"}


def of_engine(name: str) -> Client:
    """The browser of an engine where nothing but the engine is known ("": not even that)."""
    title = _OF_ENGINE.get(name)
    return next((c for _, c in _known() if c.title == title), NO_USER_AGENT)


@functools.lru_cache(maxsize=512)
def recognise(user_agent: str | None) -> Client:
    """The client that a User-Agent names. A name that is not known and does not begin as every
    browser's does (`Mozilla/`) is a program."""
    if not user_agent:
        return NO_USER_AGENT
    text = user_agent[:1024]
    return next((client for pattern, client in _known() if pattern.search(text)), UNKNOWN)
