"""What a fuzz target is, and what the targets share.

A target takes any bytes and holds one sentence to be true of them. It knows nothing of the fuzzer,
so that `make test` can run each over its seeds and over everything that was ever found.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import fixtures
from diagnostics.capture.exchange import Capture
from diagnostics.provider.token import encode

HERE = Path(__file__).parent

#: Computing time that an input of less than 100 kB may take.
MOST_SECONDS = 2.0

SIGNATURE = "U2lnbmF0dXJlT2ZBVGVzdA"
#: A token for hostile inputs, and what of it must be in no output.
TOKEN = encode("pk", {"u": "acme", "a": "ck0hostile00000000000000a"}, SIGNATURE)
SECRET_PARTS = (TOKEN.split(".")[1], SIGNATURE)


#: So many of the recorded captures are seeds, the smallest.
_RECORDED = 20


class TooSlowError(AssertionError):
    """An input that takes longer than any of its size should."""


class Target(NamedTuple):
    """One parser under test. `mutator` names how inputs are changed (see `mutate`), `fixtures` is
    a pattern of recorded captures that are seeds beside those of the target's folder, `tokens`
    are words of the input's language."""

    name: str
    invariant: str
    check: Callable[[bytes], None]
    mutator: str = "text"
    fixtures: str = ""
    tokens: tuple[str, ...] = ()
    longest: int = 20_000

    @property
    def seeds(self) -> list[Path]:
        """The files to begin with, the smallest first."""
        own = (HERE / "seeds" / self.name).glob("*")
        recorded = (fixtures.ROOT / "captures").glob(self.fixtures) if self.fixtures else ()
        small = sorted(filter(Path.is_file, recorded), key=_size)[:_RECORDED]
        return sorted([*own, *small], key=_size)

    @property
    def found(self) -> list[Path]:
        """What broke the invariant once."""
        return sorted((HERE / "found" / self.name).glob("*"))

    def run(self, data: bytes) -> None:
        """Holds the invariant against one input. Raises AssertionError, or whatever the parser
        raised that it should not."""
        start = time.thread_time()
        self.check(data)
        spent = time.thread_time() - start
        if spent > MOST_SECONDS and len(data) < 100_000:
            raise TooSlowError(f"{len(data)} bytes took {spent:.1f} s")


def _size(path: Path) -> tuple[int, str]:
    return path.stat().st_size, path.name


def no_secret(said: str, given: str, what: str) -> None:
    """Nothing of a token is in what is said. Where changes of the input have torn a token apart,
    nobody can know the pieces for one, and they are not looked for."""
    for part in SECRET_PARTS:
        if given.count(part) == given.count(TOKEN):
            assert part not in said, f"{what} shows {part}"


def as_text(data: bytes) -> str:
    """Any bytes as text that can be encoded again."""
    return data.decode("utf-8", "replace")


def is_one_line(error: BaseException, begins: str = "") -> None:
    """An error for a person: a single line that can be shown, and names what it is about."""
    said = str(error)
    assert said.startswith(begins), f"the error does not begin with {begins!r}: {said!r}"
    assert said.strip(), "the error says nothing"
    assert said.isprintable(), f"the error is not one printable line: {said!r}"


def look_at_everything(capture: Capture) -> None:
    """Asks a capture for all that it holds; every text has to be one that can be written."""
    indices = [exchange.index for exchange in capture.exchanges]
    assert indices == sorted(set(indices)), "the exchanges' places are not in order"
    texts = [capture.exporter, *capture.blind_spots, *(skip.reason for skip in capture.skipped)]
    texts += [text for page in capture.pages for text in (page.id, page.title)]
    for one in capture.exchanges:
        texts += [one.method, one.url, one.reason, one.http_version, one.resource_type]
        texts += [one.mime_type, one.page_ref, one.frame_ref, one.redirect_url, one.where]
        texts += [text for pair in one.request_headers for text in pair]
        texts += [text for pair in one.response_headers for text in pair]
        texts += [one.body or "", one.request_body or ""]
        texts += [one.initiator.kind, *one.initiator.urls]
        assert one.status is None or 0 < one.status <= 999, f"status {one.status}"
    for text in texts:
        text.encode("utf-8")
