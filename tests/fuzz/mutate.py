"""Changes inputs as their language allows: bytes alone would never get past a first bracket.

Each mutator takes data, a largest size, random numbers, words of the language, and the fuzzer's
own way to change bytes; it gives changed data.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

Bytes = Callable[[bytes], bytes]
Mutator = Callable[[bytes, int, random.Random, Sequence[bytes], Bytes], bytes]

_ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 5, 403, 1e300, 2**70, "", "x", [], {}, [[]], {"a": {}}),
    *("\ud800", "\x1b[2J", "\u202e", ["x", "y"], {"name": "x", "value": "y"}, "a" * 5000),
)


def text(
    data: bytes, size: int, chance: random.Random, words: Sequence[bytes], other: Bytes
) -> bytes:
    """Any text: a word put in, a piece repeated (which shows what is not linear), moved, or left
    out."""
    way = chance.random()
    if way < 0.4 or not data:
        return other(data)
    start, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
    if way < 0.65 and words:
        return data[:start] + chance.choice(words) + data[start:]
    piece = data[start:end][: chance.choice((4, 16, 64, 10_000))]
    if way < 0.75:
        times = chance.choice((2, 3, 10, 1000, 100_000))
        room = max(0, size - len(data))
        return data[:start] + (piece * min(times, room // max(len(piece), 1))) + data[start:]
    if way < 0.85:
        at = chance.randrange(len(data) + 1)
        return data[:at] + piece + data[at:]
    return data[:start] + data[start + len(piece) :]


def structure(
    data: bytes, size: int, chance: random.Random, words: Sequence[bytes], other: Bytes
) -> bytes:
    """JSON: one value replaced, changed, repeated, moved or left out; sometimes the text itself."""
    if chance.random() < 0.25:
        return text(data, size, chance, words, other)
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return text(data, size, chance, words, other)
    box = [whole]
    try:
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            _change_one(box, chance, words, other)
        return json.dumps(box[0]).encode()
    except (ValueError, RecursionError):  # nested too deep to be walked through
        return text(data, size, chance, words, other)


def _change_one(
    box: list[Any], chance: random.Random, words: Sequence[bytes], other: Bytes
) -> None:
    places = list(_places(box))
    parent, key = chance.choice(places)
    value = parent[key]
    way = chance.random()
    if way < 0.2:
        parent[key] = chance.choice(_ODD)
    elif way < 0.45 and isinstance(value, str):
        parent[key] = text(value.encode("utf-8", "replace"), 10_000, chance, words, other).decode(
            "utf-8", chance.choice(("replace", "surrogateescape"))
        )
    elif way < 0.6 and words:
        parent[key] = chance.choice(words).decode("utf-8", "replace")
    elif way < 0.7:
        other_parent, other_key = chance.choice(places)
        parent[key] = json.loads(json.dumps(other_parent[other_key]))
    elif way < 0.8 and isinstance(parent, list) and parent is not box:
        parent[key:key] = [json.loads(json.dumps(value))] * chance.choice((1, 2, 30))
    elif way < 0.9 and parent is not box:
        del parent[key]
    elif isinstance(parent, dict) and words:
        parent[chance.choice(words).decode("utf-8", "replace")] = value


def _places(value: Any) -> Any:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def flow(
    data: bytes, size: int, chance: random.Random, words: Sequence[bytes], other: Bytes
) -> bytes:
    """A flow file: a value of one flow replaced, with every length put right again; sometimes a
    flow repeated, sometimes bytes."""
    from mitmproxy.io import tnetstring

    if chance.random() < 0.3:
        return text(data, size, chance, words, other)
    flows, rest = [], memoryview(data)
    try:
        while rest:
            one, rest = tnetstring.pop(rest)
            flows.append(one)
    except Exception:  # it is broken there already
        pass
    if not flows:
        return other(data)
    box = list(flows)
    for _ in range(chance.choice((1, 1, 2, 5))):
        places = list(_places(box))
        if not places:
            break
        parent, key = chance.choice(places)
        value, way = parent[key], chance.random()
        if isinstance(value, bytes) and way < 0.4:
            parent[key] = other(value)[:5000]
        elif isinstance(value, str) and way < 0.4:
            parent[key] = other(value.encode())[:5000].decode("utf-8", "replace")
        elif way < 0.8 or parent is box:
            parent[key] = chance.choice((None, True, -1, 0, 10**30, 1.5, b"\xff", "ü", [], {}, ()))
        elif isinstance(parent, list):
            parent[key:key] = [value] * 3
        else:
            del parent[key]
    try:
        return b"".join(map(tnetstring.dumps, box)) + bytes(rest)
    except (TypeError, ValueError, RecursionError):
        return data


MUTATORS: dict[str, Mutator] = {"text": text, "json": structure, "flow": flow}
