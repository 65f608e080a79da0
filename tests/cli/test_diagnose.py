"""`why403 diagnose`: exit status, several captures, formats, and what goes to which stream."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import fixtures
from diagnostics.cli import main
from diagnostics.ticket import TokenSpec

REFUSED = fixtures.ROOT / "captures" / "apex-not-www-chromium.mitmproxy.har"
TOKEN = TokenSpec().text
CURL = f"curl 'https://api.mapbox.com/v4/acme.x/1/0/0.png?access_token={TOKEN}'"
FINE = '{"log": {"creator": {"name": "x"}, "entries": []}}'


def run(*words: str | Path, stdin: bytes | str = b"") -> Result:
    return CliRunner().invoke(main, ["diagnose", *map(str, words)], input=stdin)


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    file = tmp_path / "fine.har"
    file.write_text(FINE)
    return file


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "broken.har"
    file.write_text('{"log": ')
    return file


def test_the_exit_status(fine: Path, broken: Path, tmp_path: Path) -> None:
    assert run(fine).exit_code == 0
    assert run(REFUSED).exit_code == 1
    assert run(broken).exit_code == 2
    assert run(tmp_path / "gone.har").exit_code == 2
    assert run().exit_code == 2
    assert run(fine, REFUSED).exit_code == 1
    assert run(REFUSED, broken).exit_code == 2  # not all was seen


def test_one_that_cannot_be_read_is_its_error(broken: Path) -> None:
    result = run(broken)
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert "broken.har" in result.stderr


def test_of_several_the_others_are_judged(broken: Path, tmp_path: Path) -> None:
    result = run(REFUSED, broken, "--format", "json")
    assert result.stderr.count("Error: ") == 1
    capture = json.loads(result.stdout)["capture"]
    assert capture["files"] == [str(REFUSED)]
    (skipped,) = [one for one in capture["skipped"] if "broken.har" in str(one)]
    assert skipped["reason"]
    result = run(broken, tmp_path / "gone.har")
    assert result.exit_code == 2
    assert "none of the captures can be read" in result.stderr


def test_standard_input_by_content() -> None:
    for data in (REFUSED.read_bytes(), gzip.compress(REFUSED.read_bytes())):
        result = run("-", "--format", "json", stdin=data)
        assert result.exit_code == 1
        assert json.loads(result.stdout)["summary"]["refused"] > 0
    result = run("-", stdin=CURL)
    assert result.exit_code == 1  # whoever gives a command asks why it is refused
    assert "standard input (curl command, 1 exchange)" in result.stdout


def test_what_is_told_changes_the_verdict() -> None:
    def causes(*words: str) -> set[str]:
        result = run(REFUSED, *words, "--format", "json")
        return set(json.loads(result.stdout)["summary"]["by_cause"])

    assert causes("--allow", "www.example.com") == {"page-not-allowed"}
    assert causes("--unrestricted") != {"page-not-allowed"}


def test_a_change_is_tried(tmp_path: Path) -> None:
    change = ("--allow", "www.example.com", "--what-if")
    result = run(REFUSED, *change, "allow+=example.com")
    assert result.exit_code == 1
    assert "What if: Referer: https://example.com/. “example.com” admits it." in result.stdout
    assert "What if" not in run(REFUSED, *change[:2]).stdout
    result = run(REFUSED, *change, "no-such-change=1")
    assert result.exit_code == 2
    assert "no-such-change" in result.stderr


@pytest.mark.parametrize(
    ("name", "begins"), [("r.html", "<!doctype html>"), ("r.json", "{"), ("r.md", "#")]
)
def test_the_report_goes_to_the_file_in_its_format(tmp_path: Path, name: str, begins: str) -> None:
    result = run(REFUSED, "-o", tmp_path / name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(begins)


def test_secrets_are_shown_only_when_asked_for() -> None:
    secret = TOKEN.split(".")[1]
    assert secret in REFUSED.read_text(encoding="utf-8")
    for form in ("text", "json", "markdown", "html"):
        assert secret not in run(REFUSED, "--format", form).stdout
    assert secret in run(REFUSED, "--show-secrets", "--format", "json").stdout


def test_a_capture_s_name_carries_no_escapes_and_no_secret(tmp_path: Path) -> None:
    name = f"\x1b[2J{TOKEN}.har"
    (tmp_path / name).write_text("nothing")
    result = run(tmp_path / name, tmp_path / "gone.har")
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert TOKEN.split(".")[1] not in result.output
