"""The measured differences between browsers, as values. The data is in `engines.yaml`."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec


class Engine(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One browser engine's ways with the Referer; the fields are explained in `engines.yaml`."""

    title: str
    blob_worker: str
    blob_worker_referrer: bool
    network_worker: str
    network_worker_xhr: str
    inline_style: str
    opaque_elements: bool
    downgrade_by_scheme: bool
    cross_site_cap: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def engines() -> dict[str, Engine]:
    """Every engine by its name: spec, chromium, firefox."""
    data = resources.files(__package__).joinpath("engines.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=dict[str, Engine])


def engine(name: str) -> Engine:
    """The engine of that name; ValueError names the known ones."""
    try:
        return engines()[name]
    except KeyError:
        known = ", ".join(engines())
        raise ValueError(f"unknown engine “{name}”; known are {known}") from None
