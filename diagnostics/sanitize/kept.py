"""What stays of a capture (`kept.yaml`), as a value."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header field that stays: how its value is treated, and what reads it."""

    how: str
    why: str


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `kept.yaml`, which explains each part."""

    request_headers: dict[str, Field]
    response_headers: dict[str, Field]
    words: dict[str, frozenset[str]]
    accept: tuple[str, ...]
    codings: frozenset[str]
    products: frozenset[str]
    agent_words: frozenset[str]
    methods: frozenset[str]
    resource_types: frozenset[str]
    failures: str
    media_types: frozenset[str]
    script_words: tuple[str, ...]
    library_names: tuple[str, ...]
    message_words: frozenset[str]
    endings: frozenset[str]
    private_endpoints: frozenset[str]
    no_secrets: frozenset[str]


@functools.lru_cache(maxsize=1)
def kept() -> Kept:
    """The allow-list."""
    data = resources.files(__package__).joinpath("kept.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=Kept)
