"""`why403 match`: the decision, each entry's reason, and the contract of `--jsonl`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from diagnostics.cli import main


def run(*args: str, stdin: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["match", *args], input=stdin)


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (["--referer", "https://www.example.com/", "--allow", "example.com"], 0, "Admitted: "),
        (["--referer", "https://example.com/", "--allow", "www.example.com"], 1, "Refused: "),
        (
            ["--referer", "https://example.com/pathology", "--allow", "example.com/path"],
            1,
            "Open: ",
        ),
        (["--referer", "", "--allow", "example.com"], 1, "Refused: no entry covers a request"),
        (["--no-referer", "--allow", "example.com"], 1, "Refused: no entry covers a request"),
        (["--no-referrer", "--allow", "example.com"], 1, "Refused: no entry covers a request"),
    ],
)
def test_the_decision_and_the_status(args: list[str], status: int, says: str) -> None:
    result = run(*args)
    assert result.exit_code == status
    assert result.stdout.startswith(says)


def test_every_entry_has_its_reason() -> None:
    out = run(
        "--referer", "https://shop.example.com/", "--allow", "www.example.com", "--allow", "*.x"
    ).stdout
    assert "\nrefuses  www.example.com (host)\n" in out
    assert "\nrefuses  *.x (wildcard)\n" in out
    assert "another subdomain" in out


def test_entries_may_follow_one_another() -> None:
    result = run("--referer", "https://b.example/", "--allow", "a.example", "b.example")
    assert result.exit_code == 0
    assert "Admitted: “b.example” covers the Referer https://b.example/." in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["--allow", "a"],
        ["--referer", "https://a.example/"],
        ["--referer", "https://a.example/", "b"],
        ["--referer", "https://a.example/", "--no-referer", "--allow", "a"],
        ["--jsonl", "--allow", "a"],
        ["--jsonl", "--referer", "a"],
        ["--jsonl", "--no-referer"],
        ["--jsonl", "a"],
    ],
)
def test_half_a_question_is_wrong_usage(args: list[str]) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")


def test_hostile_values_stay_text() -> None:
    out = run("--referer", "https://a.example/\x1b]0;x\x07", "--allow", "b\x1b[2J.example").stdout
    assert "\x1b" not in out
    assert "\x07" not in out


def test_jsonl_answers_as_the_contract_says() -> None:
    questions = [
        {"referer": "https://www.example.com/map", "allow": ["example.org", "example.com"]},
        {"referer": None, "allow": ["example.com"]},
        {"referer": "https://example.com/pathology", "allow": ["example.com/path"]},
        {"referer": "https://anywhere.example/", "allow": []},
    ]
    result = run("--jsonl", stdin="".join(json.dumps(q) + "\n" for q in questions))
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(a["decision"], a["entry"]) for a in answers] == [
        ("allowed", "example.com"),
        ("refused", None),
        ("undocumented", "example.com/path"),
        ("allowed", None),
    ]
    assert list(answers[0]) == ["decision", "entry", "reasons"]
    assert [list(reason) for reason in answers[0]["reasons"]] == [["entry", "result", "says"]] * 2
    assert answers[0]["reasons"][0]["entry"] == "example.org"
    assert answers[0]["reasons"][1]["result"] == "match"
    assert answers[3]["reasons"] == []


@pytest.mark.parametrize(
    "line",
    [
        '{"referer": "https://a.example/"}',
        '{"allow": ["a"]}',
        '{"referer": 1, "allow": ["a"]}',
        '{"referer": null, "allow": "a"}',
        '{"referer": null, "allow": ["a"], "more": 1}',
    ],
)
def test_jsonl_refuses_wrong_fields(line: str) -> None:
    result = run("--jsonl", stdin=line + "\n")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"].startswith("line 1: ")
