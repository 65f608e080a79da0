"""`why403 support`: the folder, what is said about it, and what stands in its way."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import fixtures
from diagnostics.capture.open import read_capture
from diagnostics.cli import main
from diagnostics.desk import screenshot
from diagnostics.journey.diagnose import diagnose
from diagnostics.ticket import TokenSpec

CAPTURES = fixtures.ROOT / "captures"
HELMET = str(CAPTURES / "helmet-gl3-chromium.devtools.har")
PNG = b"\x89PNG\r\n\x1a\n"
TEXTS = {"README.md", "reply.md", "report.html", "request.svg", "what-was-tried.md"}


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser: that one draws is the business of another test."""
    monkeypatch.setattr(screenshot, "png_of", lambda drawing: (PNG, ""))


def run(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["support", *args], input=stdin)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_folder_and_its_list(tmp_path: Path) -> None:
    target = tmp_path / "handover"
    result = run(HELMET, "--allow", "shop.example.com", "-o", str(target))
    assert result.exit_code == 0, result.output
    assert names(target) == TEXTS | {"request.png", "capture.sanitized.har"}
    said = [line.partition(": ")[0] for line in result.stdout.splitlines()]
    assert said == sorted(str(target / name) for name in names(target))
    readme = (target / "README.md").read_text(encoding="utf-8")
    for name in names(target):
        assert f"`{name}`" in readme
    assert [path.name for path in tmp_path.iterdir()] == ["handover"]


def test_no_token_and_no_place_of_this_machine_in_any_file(tmp_path: Path) -> None:
    assert run(HELMET, "-o", str(tmp_path / "h")).exit_code == 0
    for path in (tmp_path / "h").iterdir():
        data = path.read_bytes()
        assert TokenSpec().text.encode() not in data, path.name
        assert str(CAPTURES).encode() not in data, path.name


@pytest.mark.parametrize(
    "capture",
    ["helmet-gl3-chromium.devtools.har", "curl-without-referer.mitmproxy.flow",
     "meta-no-referrer-chromium.chrome-bash.curl"],
)  # fmt: skip
def test_the_sanitized_capture_says_the_same(tmp_path: Path, capture: str) -> None:
    assert run(str(CAPTURES / capture), "-o", str(tmp_path / "h")).exit_code == 0
    [clean] = (tmp_path / "h").glob("capture.sanitized.*")
    before = diagnose(read_capture(str(CAPTURES / capture)))
    after = diagnose(read_capture(str(clean)))
    assert [(v.index, v.cause) for v in after.verdicts] == [
        (v.index, v.cause) for v in before.verdicts
    ]


def test_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = run(HELMET, "-o", str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not empty" in result.stderr
    assert run(HELMET, "-o", str(tmp_path), "--force").exit_code == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert names(tmp_path) > TEXTS


def test_without_a_browser_only_the_svg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshot, "png_of", lambda drawing: (None, "No browser was found."))
    result = run(HELMET, "-o", str(tmp_path / "h"))
    assert result.exit_code == 0
    assert "No request.png: No browser was found." in result.stderr
    assert names(tmp_path / "h") == TEXTS | {"capture.sanitized.har"}
    assert "No browser was found." in (tmp_path / "h" / "README.md").read_text(encoding="utf-8")


def test_standard_input_and_several_captures(tmp_path: Path) -> None:
    result = run("-", "-o", str(tmp_path / "a"), stdin=Path(HELMET).read_bytes())
    assert result.exit_code == 0
    assert "standard input entry 3" in (tmp_path / "a" / "reply.md").read_text(encoding="utf-8")
    other = str(CAPTURES / "helmet-leaflet-firefox.firefox.har")
    assert run(HELMET, other, "-o", str(tmp_path / "b")).exit_code == 0
    assert {"capture-1.sanitized.har", "capture-2.sanitized.har"} < names(tmp_path / "b")


def test_a_wished_change_is_among_what_was_tried(tmp_path: Path) -> None:
    assert run(HELMET, "--what-if", "gl-js=3.1.0", "-o", str(tmp_path / "h")).exit_code == 0
    assert "`gl-js=3.1.0`" in (tmp_path / "h" / "what-was-tried.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([HELMET], "Missing option '-o'"),
        (["-o", "x"], "Missing argument"),
        ([str(CAPTURES / "works-gl3-chromium.devtools.har"), "-o", "x"], "nothing was refused"),
        (["/nowhere.har", "-o", "x"], "/nowhere.har"),
        ([HELMET, "--what-if", "nonsense", "-o", "x"], "is no change that can be tried"),
        ([HELMET, "-o", HELMET], "is no folder"),
    ],
)
def test_wrong_input(
    args: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
