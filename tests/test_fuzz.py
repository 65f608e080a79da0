"""What every fuzz target says of any bytes is true of its seeds and of whatever was ever found."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from diagnostics.browser import csp
from diagnostics.browser import referrer_policy as rp
from diagnostics.capture import unpack
from diagnostics.capture.exchange import Capture
from diagnostics.errors import InputError
from diagnostics.provider import mapbox
from diagnostics.report import terminal
from tests.fuzz import captures, entries, questions, quoting, reports
from tests.fuzz.mutate import MUTATORS
from tests.fuzz.target import HERE, MOST_SECONDS, Target, TooSlowError
from tests.fuzz.targets import BY_NAME, TARGETS

INPUTS = [
    pytest.param(target, path, id=f"{target.name}-{path.name}")
    for target in TARGETS
    for path in [*target.seeds[:12], *target.found]
]


@pytest.mark.parametrize(("target", "path"), INPUTS)
def test_the_invariant_holds(target: Target, path: Path) -> None:
    target.check(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_it_holds_of_next_to_nothing(target: Target) -> None:
    for data in (b"", b"\0", b"\n", b"\xff\xfe", b"{", b"[]", b"\n" * 100, b"<!--"):
        target.check(data)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_it_holds_of_a_few_changes(target: Target) -> None:
    """The same few in each run; `make fuzz` tries more."""
    chance = random.Random(target.name)
    words = [word.encode() for word in target.tokens]
    for path in target.seeds[:3]:
        data = path.read_bytes()
        for _ in range(8):
            data = MUTATORS[target.mutator](data, 10_000, chance, words, lambda same: same)[:10_000]
            target.check(data)


def test_every_target_has_seeds_and_every_folder_a_target() -> None:
    assert [target.name for target in TARGETS if not target.seeds] == []
    for folder in ("seeds", "found"):
        names = {path.name for path in (HERE / folder).iterdir() if path.is_dir()}
        assert names <= set(BY_NAME)
    size = sum(path.stat().st_size for path in HERE.rglob("seeds/*/*"))
    assert size < 300_000


def test_an_invariant_is_a_sentence_and_names_are_unique() -> None:
    assert len(BY_NAME) == len(TARGETS)
    for target in TARGETS:
        assert target.invariant.endswith("."), target.name


#: A way to break what a target watches over: module, name, and what stands in its place.
BROKEN: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "har": (captures, "read_har", lambda read: lambda data, file: _without_last(read(data, file))),
    "packed": (captures, "_told", lambda told: lambda read: (told(read), time.monotonic_ns())),
    "content": (unpack, "decode_content", lambda _: lambda raw, named, limit: raw),
    "curl": (captures, "read_curl", lambda read: lambda text, file: 1 / 0),
    "words": (quoting, "find_commands", lambda find: lambda text: find(text.replace("\\", ""))),
    "referrer-header": (rp, "parse_header", lambda parse: lambda v: parse(v[:1])),
    "referrer-meta": (rp, "parse_meta", lambda parse: lambda text: parse(text.strip())),
    "referer": (rp, "strip", lambda _: lambda url, origin_only: url.href),
    "csp": (csp, "parse", lambda parse: lambda text: parse(text[:-1])),
    "allowed-urls": (mapbox, "match", lambda match: lambda r, e: match(r, "*" if "/" in e else e)),
    "token": (entries, "encode", lambda encode: lambda kind, fields: encode("pk", fields)),
    "redaction": (entries, "redact_text", lambda _: lambda text: text),
    "rewrite": (rp, "parse_header", lambda _: lambda values: rp.parse_meta("")),
    "ticket": (questions, "to_yaml", lambda write: lambda t: write(t).replace("title", "story")),
    "shown": (terminal, "plain", lambda _: lambda text, limit=None: text),
    "report": (reports, "render", lambda render: lambda *a, **k: _with_script(render(*a, **k))),
    "sanitize": (reports, "Sanitizer", lambda _: _Untouched),
}


def _with_script(page: str) -> str:
    return page.replace("</body>", "<script></script></body>")


def _without_last(capture: Capture) -> Capture:
    return msgspec.structs.replace(capture, exchanges=capture.exchanges[:-1])


class _Untouched:
    """A sanitizer that leaves everything as it is."""

    def __init__(self, capture: Capture) -> None:
        self.pages = capture.pages
        self.exchanges = lambda: capture.exchanges


@pytest.mark.parametrize("name", BROKEN)
def test_an_invariant_notices_what_is_broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, broken = BROKEN[name]
    monkeypatch.setattr(module, attribute, broken(getattr(module, attribute)))

    def check_all() -> None:
        for path in BY_NAME[name].seeds:
            BY_NAME[name].check(path.read_bytes())

    with pytest.raises((AssertionError, ArithmeticError, InputError)):
        check_all()


def test_what_takes_too_long_is_a_finding() -> None:
    def dawdle(data: bytes) -> None:
        end = time.thread_time() + MOST_SECONDS + 0.05
        while time.thread_time() < end:
            pass

    slow = Target("slow", "Takes its time.", dawdle)
    with pytest.raises(TooSlowError, match="1 bytes took 2"):
        slow.run(b"x")
