"""`why403 reproduce`: a customer's refusal on this machine, and then each fix."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from diagnostics.cli import given
from diagnostics.cli import told as about_token
from diagnostics.cli.output import render, screen, write
from diagnostics.desk import folder as folders
from diagnostics.errors import InputError
from diagnostics.journey.told import Told
from diagnostics.live.proxy import LiveError
from diagnostics.live.window import has_display
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain
from diagnostics.reproduce import browser_of, replaying, run, table
from diagnostics.reproduce.derive import derive
from diagnostics.reproduce.outcome import SCHEMA, Outcome, Run
from diagnostics.ticket import load

FORMATS = ("text", "json", "markdown")
_TICKET = re.compile(rb"^(?:title|story|client)[ \t]*:", re.MULTILINE)
_HEAD = 65_536


@click.command("reproduce")
@click.argument("case", metavar="TICKET|CAPTURE")
@about_token.options
@click.option(
    "--browser",
    "browsers",
    type=click.Choice(["chromium", "firefox"]),
    multiple=True,
    help="Play it in this one instead; twice for both.",
)
@click.option("--show", is_flag=True, help="Open a window, to watch it.")
@click.option("--no-fixes", is_flag=True, help="Only reproduce: try no fix.")
@click.option("--offline", is_flag=True, help="Fetch no map library from the npm registry.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", metavar="DIR", help="Keep ticket, captures, report and table.")
@click.pass_context
def reproduce(
    ctx: click.Context,
    case: str,
    allow: tuple[str, ...],
    allow_file: str | None,
    unrestricted: bool,
    tokens_file: str | None,
    browsers: tuple[str, ...],
    show: bool,
    no_fixes: bool,
    offline: bool,
    form: str,
    output: str | None,
) -> None:
    """Play a refusal on this machine, and then each fix.

    From a CAPTURE (HAR, flow file or curl commands; - is stdin) a ticket is derived: the customer's
    pages with their headers, their browser, a fake token of the same kind, and the allowed URLs as
    told with --allow, else inferred. A TICKET (YAML) is played as it is. A real browser with a
    throwaway profile opens the page; only loopback is used. A map library that is not in the
    cache is fetched from the npm registry, which is said before.

    Exit status 0: every refusal was reproduced with the same cause; 1: something differs or was not
    seen; 2: it could not be played.

    \b
    Examples:
      why403 reproduce customer.har --allow shop.example.com
      why403 reproduce customer.har --browser chromium --browser firefox -o reproduced
      why403 reproduce fixtures/tickets/helmet-gl3-chromium.yaml --show
    """
    told = about_token.told(allow, allow_file, unrestricted, tokens_file)
    if show and not has_display():
        raise click.UsageError("There is no display here for --show; leave it out.")
    original, notes = _case(case, told)
    folder = Path(output) if output is not None else None
    if folder is not None:
        folders.check(folder)
    stage = replaying.Stage(not show, _say if sys.stderr.isatty() else _silent, _say, offline)
    try:
        runs: list[Run] = []
        files: dict[str, bytes] = {}
        for name in dict.fromkeys(browsers or (original.ticket.client.browser,)):
            ticket, more = browser_of.played_in(original.ticket, name)
            notes += [note for note in more if note not in notes]
            mine = run.Case(ticket, original.wanted, original.answered, original.verdicts)
            fixes: run.Fixes = "none" if no_fixes else "all"
            played, replay = run.run(mine, stage, fixes=fixes, keep=folder is not None)
            runs.append(played)
            if folder is not None:
                files |= _kept(replay, f"{name}/" if len(set(browsers)) > 1 else "")
    except LiveError as error:
        raise InputError(str(error)) from None
    outcome = Outcome(SCHEMA, original.ticket.title, tuple(notes), tuple(runs))
    if folder is not None:
        files["ticket.yaml"] = replaying.whole(original.ticket).encode()
        files["table.md"] = table.render(outcome, "markdown").encode()
        folders.write(folder, files)
    layout = screen(to_terminal=True)
    write(table.render(outcome, form, layout["width"], unicode=layout["unicode"]), None)
    ctx.exit(int(not outcome.reproduced))


def _case(path: str, told: Told) -> tuple[run.Case, list[str]]:
    """What is to be reproduced, and what is to be said about it. Raises InputError."""
    if _is_ticket(path):
        if told != Told():
            raise click.UsageError("A ticket says itself what is allowed: leave out --allow etc.")
        return run.from_ticket(load(Path(path))), []
    captures = given.captures([path])
    derived = derive(captures, told)
    return run.from_captures(derived.ticket, captures, told), list(derived.notes)


def _is_ticket(path: str) -> bool:
    """Whether a file is a ticket, told by its beginning."""
    if path == "-" or not Path(path).is_file():
        return False
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return not head.lstrip().startswith((b"{", b"[")) and _TICKET.search(head) is not None


def _kept(replay: replaying.Replay, place: str) -> dict[str, bytes]:
    """What a replay leaves, by the names of its files."""
    report = render(replay.report, "html", to_terminal=False)
    files = {**replay.files, "report.html": report.encode("utf-8", "replace")}
    return {place + name: content for name, content in files.items()}


def _say(text: str) -> None:
    click.echo(plain(redact_text(text)), err=True)


def _silent(_: str) -> None:
    pass
