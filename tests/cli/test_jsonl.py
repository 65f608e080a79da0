"""The `--jsonl` mode: order, errors that belong to their line, and answers while input is open."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.cli import jsonl
from diagnostics.errors import InputError


class Question(msgspec.Struct, forbid_unknown_fields=True):
    n: int
    note: str = ""


def double(question: Question) -> dict[str, int]:
    if question.n < 0:
        raise InputError("n is negative")
    if question.n > 1000:
        raise ValueError("n is large")
    return {"twice": 2 * question.n}


def ask(text: str | bytes) -> tuple[int, list[dict[str, object]]]:
    data = text.encode() if isinstance(text, str) else text
    sink = io.BytesIO()
    status = jsonl.run(Question, double, io.BytesIO(data), sink)
    answers = sink.getvalue()
    assert answers == b"" or answers.endswith(b"\n")
    return status, [json.loads(line) for line in answers.splitlines()]


def test_an_answer_a_line_in_order() -> None:
    text = "".join(f'{{"n": {n}}}\n' for n in range(500))
    assert ask(text) == (0, [{"twice": 2 * n} for n in range(500)])


def test_nothing_asked_nothing_said() -> None:
    assert ask("") == (0, [])


def test_the_last_line_needs_no_end() -> None:
    assert ask('{"n": 1}\r\n{"n": 2}') == (0, [{"twice": 2}, {"twice": 4}])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Input data was truncated"),
        ("", "Input data was truncated"),
        ("nonsense", "JSON is malformed"),
        ("[1]", "Expected `object`"),
        ("{}", "missing required field `n`"),
        ('{"n": "1"}', "Expected `int`, got `str`"),
        ('{"n": 1, "m": 2}', "unknown field `m`"),
        ('{"n": 1} {"n": 2}', "JSON is malformed"),
        ('{"n": -1}', "n is negative"),
        ('{"n": 1001}', "n is large"),
        ("[" * 5000, ""),
    ],
)
def test_a_bad_line_is_answered_in_its_place(line: str, says: str) -> None:
    status, answers = ask(f'{{"n": 1}}\n{line}\n{{"n": 3}}\n')
    assert status == 2
    assert answers[0] == {"twice": 2}
    assert answers[2] == {"twice": 6}
    assert list(answers[1]) == ["error"]
    assert str(answers[1]["error"]).startswith("line 2: ")
    assert says in str(answers[1]["error"])


def test_bytes_that_are_no_text() -> None:
    status, answers = ask(b'{"n": 1, "note": "\xff\xfe"}\n\x00\n')
    assert status == 2
    assert [str(a["error"])[:7] for a in answers] == ["line 1:", "line 2:"]


def test_a_line_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAXIMUM_LINE", 100_000)
    endless = b" " * 1_000_000
    status, answers = ask(b'{"n": 1}\n' + endless + b'\n{"n": 2}\n' + endless)
    assert status == 2
    assert answers[0::2] == [{"twice": 2}, {"twice": 4}]
    assert answers[1] == {"error": "line 2: longer than 100000 bytes"}
    assert answers[3] == {"error": "line 4: longer than 100000 bytes"}


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=8))
def test_any_bytes_get_one_answer_a_line(lines: list[bytes]) -> None:
    sink = io.BytesIO()
    data = b"".join(line + b"\n" for line in lines)
    status = jsonl.run(Question, double, io.BytesIO(data), sink)
    answers = [json.loads(answer) for answer in sink.getvalue().splitlines()]
    assert len(answers) == len(lines)
    assert status == (2 if any("error" in answer for answer in answers) else 0)


def test_an_answer_comes_while_the_input_is_open() -> None:
    code = (
        "import sys; sys.argv[1:] = ['match', '--jsonl']\nfrom diagnostics.cli import main\nmain()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for host in (b"a.example", b"b.example"):
            process.stdin.write(b'{"referer": "https://%s/", "allow": ["a.example"]}\n' % host)
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            assert answer["decision"] == ("allowed" if host == b"a.example" else "refused")
        process.stdin.close()
        assert process.wait(timeout=20) == 0
