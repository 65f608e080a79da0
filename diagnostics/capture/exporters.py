"""Which program wrote a HAR file, and what follows from that? Asked by the HAR reader.

What is known of each stands in `exporters.yaml`.
"""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

_LONGEST_NAME = 60
_BROWSERS = {
    "chromium": ("chromium", "chrome", "msedge", "edge", "opera", "brave"),
    "firefox": ("firefox",),
    "webkit": ("webkit", "safari"),
}


class Exporter(msgspec.Struct, frozen=True):
    """A program that writes HAR files: part of its creator name, its title, its blind spots; the
    rest is explained in `exporters.yaml`."""

    creator: str
    title: str
    blind_spots: tuple[str, ...]
    engine: str = ""
    on_the_wire: bool = False


@functools.lru_cache(maxsize=1)
def exporters() -> tuple[Exporter, ...]:
    """The known exporters, in order of matching."""
    data = resources.files(__package__).joinpath("exporters.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=tuple[Exporter, ...])


def exporter_of(name: str) -> Exporter:
    """The exporter that calls itself by that name; one without blind spots for an unknown one."""
    for exporter in exporters():
        if exporter.creator in name.lower():
            return exporter
    return Exporter("", name[:_LONGEST_NAME] or "unknown exporter", ())


def engine_of(browser: str) -> str:
    """The engine of the browser that a file names as its own (HAR 1.2, `browser`); "" where it is
    not known."""
    name = browser.lower()
    return next((e for e, names in _BROWSERS.items() if any(n in name for n in names)), "")
