from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from diagnostics.capture.open import read_capture
from diagnostics.cli import main
from fixtures import ROOT
from tests import planting

CAPTURES = ROOT / "captures"
HAR = CAPTURES / "helmet-gl3-chromium.devtools.har"
FLOW = CAPTURES / "capacitor-ios.mitmproxy.flow"
CURL = CAPTURES / "handmade" / "safari.curl"


def run(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["sanitize", *arguments], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def test_it_says_what_it_took_out_and_that_the_diagnosis_is_the_same(tmp_path: Path) -> None:
    output = tmp_path / "shared.har"
    status, said, _ = run(str(HAR), "-o", str(output), "--allow", "shop.example.com")
    assert status == 0
    assert "Same verdicts before and after: yes, checked (1 refused request, 0 findings)." in said
    rows = dict(line.strip().rsplit(None, 1) for line in said.splitlines() if line[:2] == "  ")
    assert rows["account names"] == "3"
    assert int(rows["other header fields"]) > 10
    assert "Chrome's own sanitized export" in said
    assert json.loads(output.read_bytes())["log"]["entries"]


@pytest.mark.parametrize("path", [HAR, FLOW, CURL], ids=lambda path: path.suffix)
def test_the_new_file_is_of_the_same_kind(path: Path, tmp_path: Path) -> None:
    output = tmp_path / f"shared{path.suffix}"
    assert run(str(path), "-o", str(output))[0] == 0
    old, new = read_capture(str(path)), read_capture(str(output))
    assert [c.exporter for c in new] == [c.exporter for c in old]
    assert b"ck0ex" not in output.read_bytes()


def test_packed_files(tmp_path: Path) -> None:
    packed, unpacked = tmp_path / "a.har.gz", tmp_path / "a.har"
    for output in (packed, unpacked):
        assert run(str(HAR), "-o", str(output))[0] == 0
    assert gzip.decompress(packed.read_bytes()) == unpacked.read_bytes()
    again = tmp_path / "b.har"
    assert run(str(packed), "-o", str(again))[0] == 0
    assert again.read_bytes() == unpacked.read_bytes()


def test_an_archive_of_several(tmp_path: Path) -> None:
    archive, output = tmp_path / "all.zip", tmp_path / "shared.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(HAR, "one.har")
        file.write(FLOW, "two.flow")
    status, _, said = run(str(archive), "-o", str(tmp_path / "x.har"))
    assert status == 2
    assert "holds 2 captures: give -o a name that ends in .zip" in said
    assert run(str(archive), "-o", str(output))[0] == 0
    with zipfile.ZipFile(output) as file:
        assert file.namelist() == ["1.har", "2.flow"]
    first = output.read_bytes()
    assert run(str(archive), "-o", str(output))[0] == 0
    assert output.read_bytes() == first


def test_standard_input_and_output() -> None:
    status, made, said = run("-", "-o", "-", stdin=CURL.read_bytes())
    assert status == 0
    assert made.startswith("curl 'https://api.mapbox.com/styles/v1/account-1/")
    assert "Same verdicts before and after: yes" in said


def test_no_secret_is_written_or_printed(tmp_path: Path) -> None:
    har, secrets = planting.planted_har(list(planting.KINDS)[::6])
    (tmp_path / "in.har").write_text(json.dumps(har))
    for name in ("out.har", "out.har.gz", "out.zip"):
        output = tmp_path / name
        status, said, warned = run(str(tmp_path / "in.har"), "-o", str(output))
        assert status in {0, 1}  # a policy made of secrets says something else without them
        assert planting.leaks(output.read_bytes(), secrets) == []
        assert planting.leaks((said + warned).encode(), secrets) == []


def test_an_entry_with_a_path_that_is_no_word_is_met_where_it_is_told(tmp_path: Path) -> None:
    har = json.loads((CAPTURES / "apex-not-www-chromium.devtools.har").read_bytes())
    page = "https://example.com/9f8e7d6c5b4a3f2e1d/map"
    for entry in har["log"]["entries"]:
        for header in entry["request"]["headers"]:
            if header["name"].lower() == "referer":
                header["value"] = page
    (tmp_path / "in.har").write_text(json.dumps(har))
    output = tmp_path / "out.har"
    entry = page.removeprefix("https://")
    status, said, warned = run(str(tmp_path / "in.har"), "-o", str(output), "--allow", entry)
    assert status == 0, said + warned
    assert page in output.read_text()
    assert run(str(tmp_path / "in.har"), "-o", str(output))[0] == 0
    assert page not in output.read_text()


def test_verdicts_that_differ_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diagnostics.cli import sanitize

    monkeypatch.setattr(sanitize, "differences", lambda *_: iter([f"entry {n}" for n in range(12)]))
    status, said, warned = run(str(HAR), "-o", str(tmp_path / "out.har"))
    assert status == 1
    assert "THE DIAGNOSIS IS NOT THE SAME" in warned
    assert "and 2 more" in warned
    assert "Same verdicts" not in said


def test_what_another_tool_redacted_and_what_that_costs(tmp_path: Path) -> None:
    har = json.loads(HAR.read_bytes())
    for entry in har["log"]["entries"]:
        entry["request"]["headers"].append({"name": "Referer", "value": "[REDACTED]"})
        entry["request"]["headers"].append({"name": "Cookie", "value": "a=b"})
    (tmp_path / "in.har").write_text(json.dumps(har))
    status, said, _ = run(str(tmp_path / "in.har"), "-o", str(tmp_path / "out.har"))
    assert status == 0
    assert "Another tool has redacted the Referer of " in said
    assert "Chrome's own" not in said


def test_errors_are_one_line(tmp_path: Path) -> None:
    status, _, said = run(str(tmp_path / "none.har"), "-o", str(tmp_path / "x.har"))
    assert (status, said.count("\n")) == (2, 1)
    status, _, said = run(str(HAR), "-o", str(tmp_path / "no" / "x.har"))
    assert status == 2
    assert "cannot be written" in said
    assert run(str(HAR))[0] == 2
