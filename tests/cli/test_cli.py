"""The frame of the program: what it costs, what its help says, and every way out."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner, Result

from diagnostics import __version__
from diagnostics.capture.exchange import CaptureError
from diagnostics.cli import COMMANDS, main
from diagnostics.errors import InputError
from diagnostics.provider.token import encode

TOKEN = encode("pk", {"u": "acme", "a": "ck0example"})
every_command = pytest.mark.parametrize("name", COMMANDS)


def run(*args: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, args, input=stdin)


def command(name: str) -> click.Command:
    context = click.Context(main)
    found = main.get_command(context, name)
    assert found is not None
    return found


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Result:
    """The program with a command that raises `error`."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(command("explain"), "callback", fail)
    return run("explain")


def python(code: str, *args: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-c", code, *args], capture_output=True, text=True, **options
    )


def test_help_lists_the_commands_and_two_examples() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name, (_, says) in COMMANDS.items():
        assert f"  {name}" in result.stdout
        assert says in result.stdout
    assert result.stdout.count("    why403 ") == 2
    assert run("-h").stdout == result.stdout


def test_help_fits_eighty_columns() -> None:
    assert max(map(len, run("--help").stdout.splitlines())) <= 80


def test_version() -> None:
    assert run("--version").stdout == f"why403 {__version__}\n"


@every_command
def test_every_command_has_its_module(name: str) -> None:
    module = importlib.import_module(COMMANDS[name][0])
    assert isinstance(getattr(module, name.replace("-", "_")), click.Command)


@every_command
def test_the_line_of_help_is_the_command_s_own(name: str) -> None:
    said = command(name).get_short_help_str(limit=200).removesuffix(".")
    assert said == COMMANDS[name][1].removesuffix(".")
    assert not COMMANDS[name][1].endswith(".")


@every_command
def test_every_command_shows_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"    why403 {name}" in result.stdout or f"| why403 {name}" in result.stdout


def test_help_imports_neither_readers_nor_commands() -> None:
    code = (
        "import sys; from diagnostics.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
    )
    loaded = set(python(code, check=True).stderr.split())
    assert "diagnostics.cli" in loaded
    ours = {name for name in loaded if name.startswith("diagnostics")}
    assert ours == {"diagnostics", "diagnostics.cli"}
    heavy = {"mitmproxy", "msgspec", "ada_url", "selectolax", "yaml", "jinja2", "tabulate"}
    assert not heavy & loaded


def test_without_arguments_it_says_what_it_can_do() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["expain"], "Error: Unknown command “expain”. Did you mean “explain”?"),
        (["zzz"], "Error: Unknown command “zzz”.\nTry “why403 --help”."),
        (["explain", "--nothing"], "Error: No such option"),
        (["explain", "a", "b"], "Error: Got unexpected extra argument (b)"),
        (["--nothing"], "Error: No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_two(args: list[str], says: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(says)
    assert "--help”." in result.stderr


@pytest.mark.parametrize("error", [InputError("no such thing"), CaptureError("no such thing")])
def test_errors_of_the_input_are_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    result = failing(monkeypatch, error)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: no such thing\n"


def test_a_fault_of_the_program_says_how_to_report_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHY403_TRACEBACK", raising=False)
    result = failing(monkeypatch, ZeroDivisionError("by zero"))
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first == "Error: why403 failed: ZeroDivisionError: by zero"
    assert "report" in second
    assert "WHY403_TRACEBACK=1" in second


def test_a_fault_shows_its_traceback_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHY403_TRACEBACK", "1")
    result = failing(monkeypatch, ZeroDivisionError(f"by {TOKEN}"))
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.stderr
    assert "in fail" in result.stderr
    assert TOKEN not in result.stderr


@pytest.mark.parametrize(
    "error", [InputError(f"bad {TOKEN}"), ValueError(f"bad {TOKEN}"), click.UsageError(TOKEN)]
)
def test_no_error_shows_a_token(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    result = failing(monkeypatch, error)
    assert TOKEN not in result.output
    assert "pk.…(acme/ck0ex…)" in result.stderr


def test_a_token_in_the_wrong_place_is_not_repeated() -> None:
    for args in (["explain", TOKEN], ["explain", "a", TOKEN], [TOKEN], ["lint", f"--{TOKEN}"]):
        result = run(*args)
        assert result.exit_code == 2
        assert TOKEN.split(".")[1] not in result.output


def test_errors_carry_no_terminal_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    result = failing(monkeypatch, InputError("a\x1b[2Jb\r\nc\u202e"))
    assert result.stderr == "Error: ab  c\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    result = failing(monkeypatch, error)
    assert result.exit_code == 130
    assert result.output.strip() == ""


def test_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import sys; sys.argv = ['why403', 'explain', 'referrer-policy-blocks']\n"
        "from diagnostics.cli import main\nmain()"
    )
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=gone, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 141
    assert done.stderr == ""


def test_a_narrow_encoding_does_not_stop_it() -> None:
    code = "import sys; sys.argv = ['why403', 'explain']\nfrom diagnostics.cli import main\nmain()"
    done = python(code, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "referrer-policy-blocks" in done.stdout


def test_a_command_s_status_is_the_program_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command("explain"), "callback", lambda **_: 1)
    assert run("explain").exit_code == 1


def test_embedding_returns_instead_of_leaving() -> None:
    assert main(["explain", "token-scope"], standalone_mode=False) is None
