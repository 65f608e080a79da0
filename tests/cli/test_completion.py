"""What a shell offers at the tab key: bash, zsh and fish, as click sets them up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.cli import COMMANDS
from diagnostics.journey.verdict import Cause

PROGRAM = Path(sys.executable).with_name("why403")
SHELLS = ("bash", "zsh", "fish")


def asked(shell: str, line: str) -> str:
    """What the program answers where `line` stands before the cursor."""
    words = line.split(" ")
    place = words[-1] if shell == "fish" else str(len(words) - 1)
    completing = {
        "_WHY403_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": place,
    }  # fmt: skip
    done = subprocess.run(
        [PROGRAM], env=os.environ | completing, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_and_causes(shell: str) -> None:
    commands = asked(shell, "why403 ")
    assert all(name in commands for name in COMMANDS)
    assert "diagnose" in asked(shell, "why403 dia")
    assert "explain" not in asked(shell, "why403 dia")
    assert "--allow-file" in asked(shell, "why403 diagnose --al")
    causes = asked(shell, "why403 explain ")
    assert all(cause.value in causes for cause in Cause)
    assert "token-scope" in asked(shell, "why403 explain token-s")
    assert "markdown" in asked(shell, "why403 diagnose --format ")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_commands_come_with_what_they_answer(shell: str) -> None:
    assert COMMANDS["lint"][1] in asked(shell, "why403 li")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_reads(shell: str) -> None:
    done = subprocess.run(
        [PROGRAM], env=os.environ | {"_WHY403_COMPLETE": f"{shell}_source"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "why403" in done.stdout
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True)


def test_the_tab_key_imports_no_command() -> None:
    code = (
        "import sys\nfrom diagnostics.cli import main\n"
        "try:\n    main(prog_name='why403')\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.startswith('diagnostics.cli.')])"
    )
    completing = {"_WHY403_COMPLETE": "bash_complete", "COMP_WORDS": "why403 ", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | completing,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.endswith("[]\n")
