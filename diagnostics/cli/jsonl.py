"""The shared `--jsonl` mode: a question a line on stdin, an answer a line on stdout, in order.

Answers are written as soon as the lines that are waiting have been answered, so a program can
keep the command open and ask one question at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import msgspec

from diagnostics.cli import given
from diagnostics.errors import InputError

Question = TypeVar("Question")

#: A longer line is not read into memory as a whole; its answer is an error.
MAXIMUM_LINE = 16 * 1024 * 1024
_CHUNK = 1 << 16


def run(
    question_type: type[Question],
    answer: Callable[[Question], Any],
    source: BinaryIO | None = None,
    sink: BinaryIO | None = None,
) -> int:
    """Answer every line of `source` (stdin) into `sink` (stdout).

    A line that is no JSON, misses a field or has a wrong or unknown one is answered with
    `{"error": "line 3: ..."}`, and so is a question for which `answer` raises ValueError or
    InputError. Returns the exit status: 0, or 2 if there was any such line.
    """
    source = source or given.stdin()
    sink = sink or sys.stdout.buffer
    decoder = msgspec.json.Decoder(question_type, strict=True)
    encoder = msgspec.json.Encoder()
    status, number = 0, 0
    for batch in _batches(source):
        for line in batch:
            number += 1
            try:
                if line is None:
                    raise InputError(f"longer than {MAXIMUM_LINE} bytes")
                result = answer(decoder.decode(line))
            except (
                msgspec.MsgspecError,
                UnicodeError,
                ValueError,
                InputError,
                RecursionError,
            ) as e:
                result = {"error": _message(number, e)}
                status = 2
            sink.write(encoder.encode(result) + b"\n")
        sink.flush()
    return status


def _message(number: int, error: Exception) -> str:
    from diagnostics.report.redaction import redact_text
    from diagnostics.report.terminal import plain

    return f"line {number}: {plain(redact_text(str(error)))}"


def _batches(source: BinaryIO) -> Iterator[list[bytes | None]]:
    """The complete lines of each read, without their ends; None for one that is too long."""
    read = getattr(source, "read1", source.read)
    parts: list[bytes] = []
    size, too_long = 0, False
    while chunk := read(_CHUNK):
        batch: list[bytes | None] = []
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            batch.append(None if too_long else b"".join([*parts, end]))
            parts, size, too_long = [], 0, False
        size += len(rest)
        if size > MAXIMUM_LINE:
            parts, too_long = [], True
        elif rest:
            parts.append(rest)
        if batch:
            yield batch
    if parts or too_long:
        yield [None if too_long else b"".join(parts)]
