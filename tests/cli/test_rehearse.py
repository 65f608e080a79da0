"""`why403 rehearse`: exit status for CI, formats, wrong usage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import fixtures
from diagnostics.cli import main
from diagnostics.cli.asked_token import VARIABLE
from diagnostics.provider.emulated_account import Held
from diagnostics.ticket import TokenSpec
from tests.account.serving import PUBLIC, account_of, secret_of, serving, tokens_api

CAPTURES = fixtures.ROOT / "captures"
WORKS = str(CAPTURES / "works-gl3-chromium.devtools.har")


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["rehearse", *args], input=stdin)


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        ([WORKS], 0, "The smallest list admits all 14 requests."),
        ([WORKS, "--allow", "example.com"], 0, "The list admits all 14 requests."),
        ([WORKS, "--allow", "www.example.com"], 1, "The list would refuse all 14 requests."),
        ([WORKS, "--allow", "Shop.example.com"], 0, "would refuse nothing for certain; for 14"),
        ([WORKS, "--allow", "a.example", "--allow", "shop.example.com"], 0, "admits all 14"),
        ([str(CAPTURES / "helmet-gl3-chromium.mitmproxy.flow")], 1, "would refuse the one"),
    ],
)
def test_the_answer_and_the_status(args: list[str], status: int, says: str) -> None:
    result = run(*args)
    assert result.exit_code == status
    assert says in result.stdout


def test_json_is_data_whose_numbers_agree() -> None:
    result = run(WORKS, "--allow", "shop.example.com/map", "--format", "json")
    data = json.loads(result.stdout)
    assert (result.exit_code, data["schema"]) == (1, "why403/rehearsal/1")
    assert list(data) == [
        "schema", "capture", "allowed", "suggested", "summary", "verdicts", "open", "entries",
        "smallest", "warnings", "cannot_see",
    ]  # fmt: skip
    assert data["summary"]["refused"] == len(data["verdicts"]) == 14
    assert [e["entry"] for e in data["smallest"]["entries"]] == ["shop.example.com"]
    assert data["verdicts"][0]["fixes"][0]["predicted"] == "allowed"


def test_the_file_s_ending_chooses_the_format(tmp_path: Path) -> None:
    for name, begins in (("r.md", "## The smallest"), ("r.json", "{"), ("r.txt", "The smallest")):
        result = run(WORKS, "-o", str(tmp_path / name))
        assert (result.exit_code, result.stdout) == (0, "")
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_a_list_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# ours\nwww.example.com\n")
    assert run(WORKS, "--allow-file", str(tmp_path / "list.txt")).exit_code == 1
    (tmp_path / "list.txt").write_text("# nothing\n")
    result = run(WORKS, "--allow-file", str(tmp_path / "list.txt"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds no allowed URL" in result.stderr


def test_standard_input_and_several_captures() -> None:
    result = run("-", "--allow", "example.com", stdin=Path(WORKS).read_bytes())
    assert result.exit_code == 0
    other = str(CAPTURES / "works-gl2-firefox.firefox.har")
    assert run(WORKS, other, "--allow", "example.com").exit_code == 0


@pytest.mark.parametrize(
    ("allowed", "status", "says"),
    [
        (("shop.example.com",), 0, "The list admits all 14 requests."),
        (("www.example.com",), 1, "The list would refuse all 14 requests."),
        ((), 0, "under a list"),  # the token has no restriction: nothing is asked
        (None, 2, "none of the captured tokens is in the token list"),
    ],
)
def test_the_lists_of_an_account_of_120_tokens(
    tmp_path: Path, allowed: tuple[str, ...] | None, status: int, says: str
) -> None:
    ours = [] if allowed is None else [Held(TokenSpec().id, scopes=PUBLIC, allowed=allowed)]
    account = account_of(120, "acme", *ours)
    listed = str(tmp_path / "tokens.json")
    with serving(tokens_api(account)) as served:
        asked = CliRunner(env={VARIABLE: secret_of(account)}).invoke(
            main, ["token", "--api", "--api-url", served.origin, "-o", listed]
        )
        assert len(served.requests) > 1  # more than one page
    assert asked.exit_code in {0, 1}
    assert len(json.loads(Path(listed).read_bytes())) == 120
    result = run(WORKS, "--tokens", listed)
    assert result.exit_code == status
    assert says in result.output


def test_a_recording_without_a_map_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "no-map.har").write_text('{"log": {"version": "1.2", "entries": []}}')
    result = run(str(tmp_path / "no-map.har"), "--allow", "example.com")
    assert result.exit_code == 2
    assert "no-map.har: no request to a map provider is in it" in result.stderr


def test_a_list_beside_the_account_s_is_for_tokens_that_are_not_in_it(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("[]")
    result = run(WORKS, "--tokens", str(tmp_path / "tokens.json"), "--allow", "example.com")
    assert (result.exit_code, "admits all 14" in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Missing argument"),
        (["/nowhere.har"], "/nowhere.har"),
        ([WORKS, "-o", "r.html"], "text, json or markdown"),
        ([WORKS, "--format", "html"], "Invalid value"),
    ],
)
def test_wrong_usage(args: list[str], says: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr
