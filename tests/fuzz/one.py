"""Fuzzes one target in this process, which atheris ends: `python -m tests.fuzz.one NAME SECONDS`.

What breaks the invariant is written to the folder for findings, once for each place that raised;
the run goes on. Called by `python -m tests.fuzz`.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import traceback
import warnings
from pathlib import Path

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["diagnostics"]):
    from tests.fuzz import targets  # and with it whatever is under test

from tests.fuzz.mutate import MUTATORS
from tests.fuzz.target import TooSlowError

OUT = Path("build/fuzz")
#: A single input that takes longer than this ends the run.
_HANGS = 60
_SHORT = 2_000


def main(name: str, seconds: str) -> None:
    target = targets.BY_NAME[name]
    corpus, findings = OUT / "corpus" / name, OUT / "findings" / name
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = target.seeds + target.found
    for path in seeds[:20]:  # what is imported late is imported before anything is timed
        target.check(path.read_bytes())
    known: set[str] = set()

    def test(data: bytes) -> None:
        try:
            target.run(data)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            raised = f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}"
            if raised in known or (isinstance(error, TooSlowError) and _was_only_once(data)):
                return
            known.add(raised)
            digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]
            (findings / digest).write_bytes(data)
            said = "".join(traceback.format_exception(error))
            (findings / f"{digest}.txt").write_text(said, "utf-8", "replace")

    def _was_only_once(data: bytes) -> bool:
        """A machine that is busy with something else makes anything slow now and then."""
        try:
            target.run(data)
        except TooSlowError:
            return False
        return True

    words = [word.encode() for word in target.tokens]
    change = MUTATORS[target.mutator]

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        def other(piece: bytes) -> bytes:
            return bytes(atheris.Mutate(piece, max(len(piece) + 64, 64)))

        chance = random.Random(seed)
        # Short inputs are quick; a long one now and then shows what takes more time than it should.
        room = size if chance.random() < 0.02 else min(size, _SHORT)
        return change(data, max(room, len(data)), chance, words, other)[:size]

    first = OUT / "seeds" / name
    first.mkdir(parents=True, exist_ok=True)
    for path in seeds:
        (first / path.name).write_bytes(path.read_bytes())
    options = [
        *(f"-max_total_time={seconds}", f"-max_len={target.longest}", "-len_control=0"),
        *(f"-timeout={_HANGS}", "-rss_limit_mb=2048", "-print_final_stats=1", "-reload=0"),
        *(f"-artifact_prefix={findings}/", "-use_value_profile=0"),
    ]
    warnings.simplefilter("ignore")
    atheris.Setup([sys.argv[0], *options, str(corpus), str(first)], test, custom_mutator=mutate)
    print(json.dumps({"seeds": len(seeds)}), file=sys.stderr)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
