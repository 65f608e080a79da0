"""A token from the environment or from a prompt in a real terminal, and from nowhere else."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

import click
import pytest

from diagnostics.cli.asked_token import VARIABLE, ask
from diagnostics.provider.token import encode
from tests.account.serving import account_of, secret_of, serving, tokens_api

SECRET = encode("sk", {"u": "acme", "a": "x"})


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f" {SECRET}\n")
    assert ask(VARIABLE, "secret token") == SECRET


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_a_terminal_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(click.UsageError, match=VARIABLE):
        ask(VARIABLE, "secret token")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_what_is_typed_is_not_shown() -> None:
    """In a real terminal: the prompt, the secret typed, the answer, and no echo."""
    account = account_of(5)
    with serving(tokens_api(account)) as served:
        leader, follower = os.openpty()
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        with subprocess.Popen(
            [
                *(sys.executable, "-c", "from diagnostics.cli import main; main()"),
                *("token", "--api", "--api-url", served.origin),
            ],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment,
            start_new_session=True,
        ) as process:
            os.close(follower)
            shown = read_until(leader, "(not shown)")
            os.write(leader, secret_of(account).encode() + b"\n")
            shown += read_until(leader, "Nothing to correct")
            assert process.wait(30) == 0
        os.close(leader)
    assert "Secret token with the scope tokens:read (not shown)" in shown
    assert "Account acme: 5 tokens" in shown
    for part in secret_of(account).split(".")[1:]:
        assert part not in shown


def read_until(terminal: int, text: str, seconds: float = 60) -> str:
    shown, end = b"", time.monotonic() + seconds
    while text not in shown.decode(errors="replace"):
        left = end - time.monotonic()
        assert left > 0, shown.decode(errors="replace")
        if select.select([terminal], [], [], left)[0]:
            try:
                shown += os.read(terminal, 4096)
            except OSError:  # the program has ended
                break
    return shown.decode(errors="replace")
