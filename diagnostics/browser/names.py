"""Which browser, and which version of it, sent a request? In words for a support request, and in
short for counting."""

from __future__ import annotations

import functools
import re
from importlib import resources

import msgspec

from diagnostics.browser.client import Client, recognise

_LONGEST = 1024
_PRODUCT = re.compile(r"[^\s/]{1,60}/v?([0-9]{1,4}(?:\.[0-9]{1,4})?)")


class _Name(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    pattern: str


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    browsers: tuple[_Name, ...]
    systems: tuple[_Name, ...]


@functools.lru_cache(maxsize=1)
def _names() -> _Names:
    data = resources.files(__package__).joinpath("names.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=_Names)


def browser_name(user_agent: str | None) -> str:
    """`Firefox 153.0 on Linux`; for what is no browser, what the client tables say."""
    client = recognise(user_agent)
    if user_agent is None or not client.renders_pages:
        return client.title
    text = user_agent[:_LONGEST]
    name, version = _product(text)
    if not name:
        return client.title
    system = next((s.name for s in _names().systems if re.search(s.pattern, text)), "")
    return f"{name} {version}" + (f" on {system}" if system else "")


@functools.lru_cache(maxsize=512)
def name_and_version(client: Client, user_agent: str | None) -> tuple[str, str]:
    """The client's short name, and its version as far as the User-Agent gives it ("" if not): of
    a browser the number that counts, of another program the two of its product token (RFC 9110,
    10.1.5)."""
    name = re.sub(r"^(?:an?|the) ", "", client.title)
    text = (user_agent or "")[:_LONGEST]
    if client.renders_pages:
        return name, _product(text)[1].partition(".")[0]
    product = _PRODUCT.match(text)
    return name, product[1] if product else ""


def _product(text: str) -> tuple[str, str]:
    """The product's own name and version, where several are named: Edge and Opera name Chrome as
    well, and Chrome names Safari."""
    for known in _names().browsers:
        if found := re.search(known.pattern, text):
            return known.name, found[1]
    return "", ""
