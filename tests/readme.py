"""Writes the parts of README.md that come from the program: `python -m tests.readme`."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from diagnostics.causes import catalog
from diagnostics.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_PART = re.compile(r"(<!-- (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_CONSOLE = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)


def commands() -> str:
    rows = [f"| `why403 {name}` | {says} |" for name, (_, says) in COMMANDS.items()]
    return "\n".join(["| command | answers |", "|---|---|", *rows])


def causes() -> str:
    rows = [
        f"| {text.stage or 'none'} | `{text.code}` | {text.summary} |" for text in catalog.every()
    ]
    return "\n".join(["| stage | cause | what happened |", "|---|---|---|", *rows])


PARTS = {"commands": commands, "causes": causes}


def run(command: str) -> str:
    """The output of a command of the README, in the repository, as a reader would see it."""
    program, *arguments = shlex.split(command)
    path = Path(sys.executable).parent / program
    done = subprocess.run(
        [str(path), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def written(text: str) -> str:
    """The README with its generated parts anew."""
    text = _PART.sub(lambda part: part[1] + PARTS[part["name"]]() + "\n" + part[3], text)
    return _CONSOLE.sub(
        lambda block: f"```console\n$ {block['command']}\n{run(block['command'])}```", text
    )


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), "utf-8")
