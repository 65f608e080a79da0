"""`why403 csp`: the answers, the exit status, and what happens to bad questions."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.cli import main

PAGE = "https://shop.example.com/map"
TILE = "https://api.mapbox.com/v4/1/1/1.png?access_token=pk.secret"


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["csp", *arguments], input=given)


def asked(policy: str, to: str, directive: str, *more: str) -> Result:
    return run("--policy", policy, "--page", PAGE, "--to", to, "--directive", directive, *more)


def test_an_allowed_request() -> None:
    result = asked("default-src 'self'; connect-src https://*.mapbox.com", TILE, "connect-src")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "Allowed by connect-src https://*.mapbox.com"
    assert "secret" not in result.output


def test_a_refused_request() -> None:
    result = asked("default-src 'self'", TILE, "Connect-Src")
    assert result.exit_code == 1
    assert result.output.splitlines()[0] == "Refused by default-src"
    assert "There is no connect-src, so default-src" in result.output
    assert "secret" not in result.output


def test_a_request_that_no_directive_limits() -> None:
    result = asked("img-src 'none'", TILE, "connect-src")
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "Allowed"


def test_an_uncertain_answer_says_so() -> None:
    result = asked("script-src 'nonce-abc'", TILE, "script-src-elem")
    assert result.exit_code == 1
    assert "(uncertain)" in result.output


def test_several_policies_all_have_to_agree() -> None:
    assert asked("connect-src https:", TILE, "connect-src").exit_code == 0
    result = asked("connect-src https:", TILE, "connect-src", "--policy", "connect-src 'self'")
    assert result.exit_code == 1


def test_a_redirect_leaves_paths_out() -> None:
    policy = "connect-src https://api.mapbox.com/styles/"
    assert asked(policy, TILE, "connect-src").exit_code == 1
    assert asked(policy, TILE, "connect-src", "--redirected").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give --policy P"),
        (["--policy", "x"], "Give --policy P"),
        (["--jsonl", "--page", PAGE], "stdin only"),
        (["--policy", "", "--page", "nowhere", "--to", TILE, "--directive", "img-src"], "page"),
        (["--policy", "", "--page", PAGE, "--to", "/v4/", "--directive", "img-src"], "no URL"),
        (["--policy", "", "--page", PAGE, "--to", TILE, "--directive", "image-src"], "img-src"),
        (["--policy", "", "--page", PAGE, "--to", "\x1b[31m", "--directive", "img-src"], "no URL"),
        (["--made-up"], "--made-up"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_status_2(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output


def test_help_has_an_example() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "why403 csp --policy" in result.output


def test_escapes_of_a_policy_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in asked("img-src \x1b[31mred \x07", TILE, "img-src").output


def question(policy: str | None = "connect-src https:", **changes: object) -> dict[str, object]:
    return {"policy": policy, "page": PAGE, "to": TILE, "directive": "connect-src", **changes}


def test_jsonl_answers_line_by_line_in_order() -> None:
    questions = [
        question(),
        question("connect-src 'self'"),
        question("img-src 'none'"),
        question("connect-src https://api.mapbox.com/styles/", redirected=True),
    ]
    result = run("--jsonl", given="".join(json.dumps(q) + "\n" for q in questions))
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert [set(answer) for answer in answers] == [{"allowed", "directive", "source", "says"}] * 4
    assert [(a["allowed"], a["directive"], a["source"]) for a in answers] == [
        (True, "connect-src", "https:"),
        (False, "connect-src", None),
        (True, None, None),
        (True, "connect-src", "https://api.mapbox.com/styles/"),
    ]


def test_jsonl_answers_a_bad_line_with_an_error_and_goes_on() -> None:
    bad = [
        "{",
        "[]",
        "null",
        json.dumps({"policy": "x"}),
        json.dumps(question(policy=None)),
        json.dumps(question(redirected="yes")),
        json.dumps(question(to="nowhere")),
        json.dumps(question(page="")),
        json.dumps(question(directive="image-src")),
        "",
    ]
    good = json.dumps(question())
    result = run("--jsonl", given="\n".join([good, *bad, good]) + "\n")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 2
    assert len(answers) == len(bad) + 2
    assert answers[0] == answers[-1]
    assert all(set(answer) == {"error"} for answer in answers[1:-1])


def test_jsonl_without_a_line_has_no_answer() -> None:
    result = run("--jsonl", given="")
    assert (result.exit_code, result.stdout) == (0, "")


@settings(max_examples=50)
@given(st.binary())
def test_jsonl_answers_any_bytes_with_json(data: bytes) -> None:
    result = run("--jsonl", given=data)
    assert result.exit_code in {0, 2}
    assert all(isinstance(json.loads(line), dict) for line in result.stdout.splitlines())
