"""What is a file that is no capture, and what to ask for instead? For the readers of files and
archives, which say it as their error; the words are data (`strangers.yaml`)."""

from __future__ import annotations

import functools
from importlib import resources

import msgspec

#: How much of a file is looked at.
HEAD = 65536


class Binary(msgspec.Struct, frozen=True):
    bytes: str
    says: str
    offset: int = 0


class Text(msgspec.Struct, frozen=True):
    contains: str
    says: str


class Strangers(msgspec.Struct, frozen=True):
    binary: tuple[Binary, ...]
    text: tuple[Text, ...]
    archives: dict[str, str]
    other: dict[str, str]


@functools.lru_cache(maxsize=1)
def strangers() -> Strangers:
    data = resources.files(__package__).joinpath("strangers.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=Strangers)


def binary_stranger(head: bytes) -> str | None:
    """What the first bytes of a file give away; None where they say nothing."""
    for kind in strangers().binary:
        if head.startswith(bytes.fromhex(kind.bytes), kind.offset):
            return kind.says
    return None


def text_stranger(head: bytes, json: bool) -> str | None:
    """What a word in the first part of a text gives away; None where there is no such word. In
    JSON only keys count, for a HAR may hold pages of any kind."""
    low = head[:HEAD].decode("utf-8", "replace").lower()
    for kind in strangers().text:
        if kind.contains in low and json == kind.contains.startswith(('"', "{")):
            return kind.says
    return None
