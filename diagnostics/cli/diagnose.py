"""`why403 diagnose`: from captures to a report, in the format that the reader wants."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from diagnostics.capture.exchange import Capture, CaptureError, Skipped
from diagnostics.cli import given
from diagnostics.cli import told as about_token
from diagnostics.cli.output import FORMATS, format_for, render, write
from diagnostics.errors import InputError
from diagnostics.journey.diagnose import diagnose as run
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain


@click.command("diagnose")
@about_token.options
@click.option(
    "--what-if",
    "what_if",
    metavar="CHANGE",
    multiple=True,
    help="Try a change: referrer-policy=…, allow+=…, allow-=…, gl-js=…, csp-=sandbox.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="text, unless -o says more.")
@click.option("-o", "--output", metavar="FILE", help="Write the report there.")
@click.option("--show-secrets", is_flag=True, help="Show tokens and other secrets in full.")
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True)
@click.pass_context
def diagnose(
    ctx: click.Context,
    allow: tuple[str, ...],
    allow_file: str | None,
    unrestricted: bool,
    tokens_file: str | None,
    what_if: tuple[str, ...],
    form: str | None,
    output: str | None,
    show_secrets: bool,
    captures: tuple[str, ...],
) -> None:
    """Say why the requests of a capture were refused.

    CAPTURE is a HAR (plain, .gz or .zip), a mitmproxy flow file, or a file of curl commands
    copied from DevTools; - is stdin. Nothing is sent anywhere.

    Exit status 0: nothing was refused; 1: refusals were found; 2: the input cannot be used.

    \b
    Examples:
      why403 diagnose ticket.har --allow example.com --allow localhost:3000
      why403 diagnose ticket.har --what-if referrer-policy=origin
      why403 diagnose ticket.har -o report.html
      pbpaste | why403 diagnose - --format markdown
    """
    told = about_token.told(allow, allow_file, unrestricted, tokens_file)
    changes = given.changes(what_if)
    chosen = format_for(form, output)
    given.spare(output, *captures, allow_file, tokens_file)
    read, failed = _read(captures)
    report = run(read, told, changes, show_secrets=show_secrets)
    if failed:
        capture = msgspec.structs.replace(
            report.capture, skipped=(*report.capture.skipped, *failed)
        )
        report = msgspec.structs.replace(report, capture=capture)
    write(render(report, chosen, to_terminal=output is None), output)
    ctx.exit(2 if failed else int(report.summary.refused > 0))


def _read(paths: Sequence[str]) -> tuple[list[Capture], list[Skipped]]:
    """Every capture that can be read, and why the others cannot; with a single one, or none that
    can be read, the reason is the command's error."""
    read: list[Capture] = []
    failed: list[Skipped] = []
    for path in paths:
        given.announce("Reading", path)
        try:
            read += given.captures([path])
        except CaptureError as error:
            if len(paths) == 1:
                raise
            reason = redact_text(str(error))
            failed.append(Skipped(redact_text(path), None, reason))
            click.echo(f"Error: {plain(reason)}", err=True)
    if not read:
        raise InputError("none of the captures can be read")
    return read, failed
