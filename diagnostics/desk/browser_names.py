"""Which browser and version is this, in words for a support request?"""

from __future__ import annotations

import functools
import re
from importlib import resources

import msgspec

from diagnostics.browser.client import recognise

_LONGEST = 1024


class _Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    pattern: str


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    browsers: tuple[_Name, ...]
    systems: tuple[_Name, ...]


@functools.lru_cache(maxsize=1)
def _names() -> _Names:
    data = resources.files(__package__).joinpath("browser_names.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=_Names)


def browser_name(user_agent: str | None) -> str:
    """`Firefox 153.0 on Linux`; for what is no browser, what the client tables say."""
    client = recognise(user_agent)
    if user_agent is None or not client.renders_pages:
        return client.title
    text = user_agent[:_LONGEST]
    for known in _names().browsers:
        found = re.search(known.pattern, text)
        if found:
            system = next((s.name for s in _names().systems if re.search(s.pattern, text)), "")
            return f"{known.name} {found[1]}" + (f" on {system}" if system else "")
    return client.title
