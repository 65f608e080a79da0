"""`why403 referer`: the prediction for a person, and the contract of `--jsonl`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from diagnostics.browser.referrer import CONTEXTS, ENGINES
from diagnostics.cli import main

PAGE, TO = "https://shop.example.com/map?x=1", "https://api.mapbox.com/styles/v1/a/b"


def run(*args: str, stdin: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["referer", *args], input=stdin)


@pytest.mark.parametrize(
    ("args", "sent"),
    [
        ([], "Referer: https://shop.example.com/"),
        (["--policy", "no-referrer"], "No Referer."),
        (["--policy", "unsafe-url"], "Referer: https://shop.example.com/map?x=1"),
        (["--policy", "unsafe-url", "--engine", "firefox"], "Referer: https://shop.example.com/"),
        (["--context", "sandboxed"], "No Referer."),
        (["--context", "blob-worker-xhr", "--engine", "chromium"], "No Referer."),
        (["--context", "blob-worker-xhr", "--engine", "firefox"],
         "Referer: https://shop.example.com/"),
        (["--via", "http://redirect.example.org/"], "No Referer."),
        (["--via", "https://a.example/", "--via", "https://b.example/"],
         "Referer: https://shop.example.com/"),
    ],
)  # fmt: skip
def test_what_is_sent(args: list[str], sent: str) -> None:
    result = run("--page", PAGE, "--to", TO, *args)
    assert result.exit_code == 0
    first, *reason = result.stdout.splitlines()
    assert first == sent
    assert reason


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--page", PAGE], "Give both"),
        (["--to", TO], "Give both"),
        ([], "Give both"),
        (["--page", "nope", "--to", TO], "not a URL"),
        (["--page", PAGE, "--to", "//"], "not a URL"),
        (["--page", PAGE, "--to", TO, "--via", "x y"], "not a URL"),
        (["--page", PAGE, "--to", TO, "--context", "moon"], "'moon' is not one of"),
        (["--page", PAGE, "--to", TO, "--engine", "lynx"], "'lynx' is not one of"),
        (["--jsonl", "--page", PAGE], "stdin only"),
        (["--jsonl", "--engine", "spec"], "stdin only"),
    ],
)
def test_what_cannot_be_asked(args: list[str], says: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("context", CONTEXTS)
def test_command_and_jsonl_say_the_same(context: str, engine: str) -> None:
    question = {"page": PAGE, "to": TO, "policy": "origin", "context": context, "engine": engine}
    answer = json.loads(run("--jsonl", stdin=json.dumps(question)).stdout)
    out = run(
        *("--page", PAGE, "--to", TO, "--policy", "origin"),
        *("--context", context, "--engine", engine),
    ).stdout
    assert list(answer) == ["referer", "says"]
    assert out.splitlines()[0] == (
        f"Referer: {answer['referer']}" if answer["referer"] else "No Referer."
    )
    assert " ".join(out.split()[-3:]) in answer["says"]


def test_jsonl_fills_in_what_is_left_out() -> None:
    lines = [
        {"page": PAGE, "to": TO, "policy": None},
        {"page": PAGE, "to": TO, "policy": "same-origin", "via": []},
        {"page": "nope", "to": TO, "policy": None},
        {"page": PAGE, "to": TO, "policy": None, "context": "moon"},
        {"page": PAGE, "to": TO, "policy": None, "engine": "lynx"},
        {"page": PAGE, "to": TO, "policy": None, "via": "x"},
        {"page": PAGE, "policy": None},
    ]
    result = run("--jsonl", stdin="\n".join(map(json.dumps, lines)))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 2
    assert [answer.get("referer", "?") for answer in answers[:2]] == [
        "https://shop.example.com/",
        None,
    ]
    assert [answer["error"][:7] for answer in answers[2:]] == [f"line {n}:" for n in range(3, 8)]


def test_hostile_values_stay_text() -> None:
    result = run("--page", "nope\x1b[2J", "--to", TO)
    assert result.exit_code == 2
    assert "\x1b" not in result.output
