"""What holds for the whole tree: every file says what it is for and has its test, every cause has
its ticket, every fix its proof, every command an example that runs."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import fixtures
from diagnostics import ticket as tickets
from diagnostics.capture.open import read_capture
from diagnostics.causes import catalog
from diagnostics.cli import COMMANDS, main
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause, Verdict

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("diagnostics", "addons", "fixtures")
    for path in (ROOT / folder).rglob("*.py")
)
_LONGEST = 400


def source(module: Path) -> str:
    return (ROOT / module).read_text(encoding="utf-8")


def does_something(module: Path) -> bool:
    """Whether a module holds a function; one that only declares types has nothing to test."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(ast.parse(source(module)))
    )


def beside(module: Path) -> Path:
    """Where the test of a module stands."""
    folders = module.parent.parts
    inside = folders[1:] if folders[0] == "diagnostics" else folders
    return Path("tests", *inside, f"test_{module.name}")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_says_what_it_is_for_and_is_short(module: Path) -> None:
    text = source(module)
    assert len(text.splitlines()) <= _LONGEST
    if text:
        said = ast.get_docstring(ast.parse(text))
        assert said
        assert len(said.splitlines()[0]) > 10


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m.name != "__init__.py" and does_something(m)], ids=str
)
def test_a_module_has_a_test_of_its_name(module: Path) -> None:
    assert (ROOT / beside(module)).is_file(), beside(module)


def test_nothing_imports_mitmproxy_when_it_is_imported() -> None:
    for module in MODULES:
        if module.parts[0] != "diagnostics":
            continue
        for node in ast.parse(source(module)).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.partition(".")[0] == "mitmproxy" for name in names), module


# ---- causes and their fixes ----


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    """Of one capture of each ticket."""
    found: list[Verdict] = []
    for name, ticket in tickets.load_all(fixtures.ROOT / "tickets").items():
        captures = sorted((fixtures.ROOT / "captures").glob(f"{name}.*"))
        best = next((c for c in captures if c.name.endswith("mitmproxy.har")), captures[0])
        known = ticket.known_allowed
        told = Told(Allowed(known, "--allow") if known is not None else Allowed())
        found += diagnose(read_capture(str(best)), told).verdicts
    return found


def test_every_cause_has_a_ticket_that_produces_it(verdicts: list[Verdict]) -> None:
    assert {verdict.cause for verdict in verdicts} == set(Cause)


#: What is done elsewhere than on the page, so that the model has no opinion on it.
_BEYOND = {
    Cause.NON_BROWSER_CLIENT, Cause.MOBILE_SDK, Cause.TOKEN_MISSING, Cause.TOKEN_INVALID,
    Cause.TOKEN_SCOPE, Cause.ACCOUNT_OR_RESOURCE, Cause.UNEXPLAINED,
}  # fmt: skip


@pytest.mark.parametrize("cause", sorted(set(Cause) - _BEYOND))
def test_every_fix_has_a_ticket_that_proves_it(cause: Cause, verdicts: list[Verdict]) -> None:
    fixes = [fix for verdict in verdicts if verdict.cause == cause for fix in verdict.fixes]
    assert any(fix.predicted == "allowed" for fix in fixes)
    kinds = {re.split(r"[+-]?=", fix.fix)[0] for fix in fixes}
    proved = {re.split(r"[+-]?=", f.fix)[0] for f in fixes if f.predicted == "allowed"}
    # What another browser, account or visitor has to do can be told, not proved.
    assert kinds - proved <= {"unrestricted-token", "tell-visitors", "own-page"}


def test_every_cause_is_explained_with_a_remedy() -> None:
    for text in catalog.every():
        assert text.fix, text.code
        assert text.links, text.code


# ---- commands ----


def examples(name: str) -> list[list[str]]:
    """The examples in a command's help, as arguments; a pipe's last part counts."""
    help_text = CliRunner().invoke(main, [name, "--help"], terminal_width=200).output
    shown = help_text.partition("Examples:")[2] or help_text.partition("Example:")[2]
    found: list[list[str]] = []
    for line in re.sub(r"\\\n\s*", " ", shown).splitlines():
        if f"why403 {name}" not in line:
            continue
        words = shlex.split(line.strip().partition("   ")[0], comments=True)
        while "|" in words:
            words = words[words.index("|") + 1 :]
        if ">" in words:
            words = words[: words.index(">")]
        if "why403" in words:
            found.append(words[words.index("why403") + 1 :])
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_can_be_typed(name: str, tmp_path: Path) -> None:
    found = examples(name)
    assert found or name in {"addon-path", "demo"}
    for words in found:
        command = main.get_command(click.Context(main), words[0])
        assert command is not None
        command.make_context(name, list(words[1:]), parent=click.Context(main))


#: Commands that open no browser and ask nobody.
_ALONE = ("diagnose", "explain", "lint", "match", "referer", "csp", "token", "rehearse", "sanitize",
          "support", "batch", "probe", "demo", "addon-path")  # fmt: skip
_INPUT = {
    "match": b'{"referer": "https://example.com/", "allow": ["example.com"]}\n',
    "referer": b'{"page": "https://example.com/", "to": "https://api.mapbox.com/",'
    b' "policy": null}\n',
    "csp": b'{"policy": "img-src *", "page": "https://a.example/", "to": "https://b.example/",'
    b' "directive": "img-src"}\n',
}
RUNNABLE = [
    pytest.param(words, id=" ".join(words)[:80])
    for name in _ALONE
    if name in COMMANDS
    for words in examples(name) or [[name]]
    if not {"--api", "--send", "--scheduler"} & {word.partition("=")[0] for word in words}
]


@pytest.mark.parametrize("words", RUNNABLE)
def test_every_example_runs(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With files of the names that it mentions: its captures are one that a browser made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAPBOX_ACCESS_TOKEN", tickets.TokenSpec().text)
    capture = next((fixtures.ROOT / "captures").glob("apex-not-www-chromium.mitmproxy.har"))
    outputs = {after for before, after in itertools.pairwise(words)
               if before in {"-o", "--output", "--html", "--csv", "--jsonl"}}  # fmt: skip
    for word in words[1:]:
        path = Path(word)
        if word in outputs or path.is_absolute():
            continue
        if path.suffix in {".har", ".flow", ".gz"}:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(capture, path)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.write(capture, "a.har")
        elif path.suffix in {".txt", ".yaml", ".json"}:
            listed = f'[{{"id": "{tickets.TokenSpec().id}"}}]'
            content = listed if path.suffix == ".json" else "example.com\n"
            path.write_text(content, encoding="utf-8")
        elif word.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            shutil.copy(capture, path / "a.har")
    stdin = _INPUT.get(words[0], capture.read_bytes())
    result = CliRunner().invoke(main, words, input=stdin, catch_exceptions=False)
    assert result.exit_code in {0, 1}, result.output
    assert result.output or (tmp_path / words[words.index("-o") + 1]).stat().st_size
