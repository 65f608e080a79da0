"""The program `why403`: which commands there are, and what becomes of errors.

A command's module is imported when the command runs, so that help and errors cost no more than
importing click. Every way out is decided here: exit status, what is printed, what is redacted.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from diagnostics import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

#: Command -> the module that holds a click command of the same name, and one line of help.
COMMANDS: dict[str, tuple[str, str]] = {
    "diagnose": ("diagnostics.cli.diagnose", "Say why the requests of a capture were refused"),
    "capture": (
        "diagnostics.cli.capture",
        "Open a page and say live why its requests are refused",
    ),
    "reproduce": (
        "diagnostics.cli.reproduce",
        "Play a refusal on this machine, and then each fix",
    ),
    "rehearse": ("diagnostics.cli.rehearse", "Say what a list would refuse, before it goes live"),
    "sanitize": (
        "diagnostics.cli.sanitize",
        "Make a capture fit to share: no secrets, the same diagnosis",
    ),
    "support": ("diagnostics.cli.support", "Put together what support asks for, and a reply"),
    "batch": ("diagnostics.cli.batch", "Diagnose many captures and count their causes"),
    "explain": ("diagnostics.cli.explain", "Explain a cause and how to fix it"),
    "lint": ("diagnostics.cli.lint", "Check allowed-URL entries for mistakes"),
    "match": ("diagnostics.cli.match", "Would a list of allowed URLs admit this Referer?"),
    "referer": ("diagnostics.cli.referer", "Predict the Referer that a browser sends"),
    "csp": (
        "diagnostics.cli.csp",
        "Would a page's Content-Security-Policy let this request leave?",
    ),
    "token": ("diagnostics.cli.token", "Read a token, or ask its account about it"),
    "probe": (
        "diagnostics.cli.probe",
        "Learn what a token's list admits by a handful of real requests",
    ),
    "addon-path": ("diagnostics.cli.addon_path", "Print the path of the addon for mitmproxy"),
    "demo": ("diagnostics.cli.demo", "Diagnose a bundled capture of a real browser"),
}

FAILURE = 2
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
PIPE_CLOSED = 141  # 128 + SIGPIPE
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})


class _PipeClosedError(Exception):
    """Whoever read our output went away. (click would leave with status 1 for a BrokenPipeError,
    which the commands use for an answer.)"""


class Commands(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            args = ["--help"]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise _PipeClosedError from error
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(
            importlib.import_module(COMMANDS[cmd_name][0]), cmd_name.replace("-", "_")
        )
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's, but from the table of commands: a press of the tab key imports none."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=says)
            for name, (_, says) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(unknown("command", args[0], list(COMMANDS)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "why403",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program and leave it: 0, 1 or 2 as the command says, 2 for any error, with one
        line on stderr; 130 when interrupted, 143 when terminated, 141 when
        the reader of the output went away. Without `standalone_mode` it returns or raises instead,
        as click's groups do."""
        try:
            if standalone_mode:
                _end_in_order()
                _tolerate_narrow_encodings()
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except BaseException as error:
            if not standalone_mode:
                raise
            _leave_on(error)
        if not standalone_mode:
            return status
        sys.exit(status if isinstance(status, int) else 0)


def _leave_on(error: BaseException) -> NoReturn:
    if isinstance(error, _PipeClosedError):
        _leave_closed_pipe()
    if isinstance(error, click.Abort | KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    if isinstance(error, click.ClickException):
        _leave(error.format_message(), _usage(error))
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        _discard_output()
        _leave(f"{error.filename or 'the output'}: cannot be written: {error.strerror}")
    if isinstance(error, Exception):
        _leave(*_describe(error))
    raise error


def unknown(what: str, name: str, known: list[str]) -> str:
    """The message for a name that does not exist, with the nearest one that does."""
    import difflib

    near = difflib.get_close_matches(name, known, 1)
    return f"Unknown {what} “{name}”." + (f" Did you mean “{near[0]}”?" if near else "")


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    if not isinstance(error, click.UsageError) or context is None:
        return ""
    return f"Try “{context.command_path} --help”."


def _describe(error: Exception) -> tuple[str, str]:
    """What an exception means to the user: a message, and what to do next."""
    from diagnostics.capture.exchange import CaptureError
    from diagnostics.errors import InputError

    if isinstance(error, CaptureError | InputError):
        return str(error), ""
    said = f"why403 failed: {type(error).__name__}: {error}".rstrip(": ")
    if os.environ.get("WHY403_TRACEBACK") == "1":
        import traceback

        return said, "".join(traceback.format_exception(error))
    return said, (
        "This is a fault of why403. Please report it with the command that you ran;"
        " WHY403_TRACEBACK=1 shows where it happened."
    )


def _leave(message: str, advice: str = "") -> NoReturn:
    """Print one line that says what is wrong, then what to do, without secrets and without
    terminal escapes, and leave."""
    from diagnostics.report.redaction import redact_text
    from diagnostics.report.terminal import plain, plain_lines

    with contextlib.suppress(OSError):
        sys.stdout.flush()
    click.echo(f"Error: {plain(redact_text(message))}", err=True)
    if advice:
        click.echo(plain_lines(redact_text(advice)).rstrip(), err=True)
    sys.exit(FAILURE)


def _leave_closed_pipe() -> NoReturn:
    _discard_output()
    sys.exit(PIPE_CLOSED)


def _discard_output() -> None:
    # The interpreter flushes stdout once more at its end; give it a place to write to.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_in_order() -> None:
    """Let a signal that asks for the end be an exception, as Ctrl-C is, so that half-written files
    and whatever was started are put away; where nobody decided otherwise."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)  # as a shell reports it


def _tolerate_narrow_encodings() -> None:
    """On a terminal that cannot show a character, show a question mark and go on."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


@click.command(
    "why403",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="why403", message="%(prog)s %(version)s")
def main() -> None:
    """Say why a map API answered 403, prove it, and hand over a checked fix.

    \b
    Examples:
      why403 diagnose page.har --allow example.com
      why403 explain referrer-policy-blocks

    `why403 COMMAND --help` has examples for each command. why403 itself sends nothing to a
    provider, but by `token --api` and `probe --send`.
    """
