"""`why403 support`: a folder with what the provider's support asks for, and a reply to send."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from diagnostics.capture.exchange import Capture
from diagnostics.cli import given
from diagnostics.cli import told as about_token
from diagnostics.errors import InputError


@click.command("support")
@about_token.options
@click.option("--what-if", "what_if", metavar="CHANGE", multiple=True, help="Try this change, too.")
@click.option("-o", "--output", metavar="DIR", required=True, help="The folder to write.")
@click.option("--force", is_flag=True, help="Write into DIR although it is not empty.")
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True)
def support(
    allow: tuple[str, ...],
    allow_file: str | None,
    unrestricted: bool,
    tokens_file: str | None,
    what_if: tuple[str, ...],
    output: str,
    force: bool,
    captures: tuple[str, ...],
) -> None:
    """Put together what support asks for, and a reply.

    Writes a folder for the provider's support: account and token id, browsers and versions, the
    failing request in full and as a picture with its Referer header, expected and actual
    behaviour, what was tried, the whole diagnosis, and the sanitized capture; tokens, cookies and
    other secrets are in none of them. reply.md says cause, proof and fix in plain words. Read
    both before you send them: nothing is sent anywhere.

    Exit status 0: the folder was written; 2: the input cannot be used, or nothing was refused.

    \b
    Examples:
      why403 support ticket.har --allow example.com -o handover
      why403 support ticket.har -o handover --force
    """
    from diagnostics.desk import folder, handover, screenshot
    from diagnostics.desk.support import put_together
    from diagnostics.report.terminal import plain

    told = about_token.told(allow, allow_file, unrestricted, tokens_file)
    changes = given.changes(what_if)
    target = Path(output)
    folder.check(target, force=force)
    read = _read(captures)
    found = put_together(read, told, changes)
    if found is None:
        raise InputError("nothing was refused in this capture, so there is nothing to hand over")
    others = _sanitized(read, told.everywhere.entries or ())
    names = dict.fromkeys(
        others,
        "the capture without secrets; accounts, tokens and other names in it have stand-ins",
    )
    png, why = screenshot.png_of(found.picture)
    if png is not None:
        others["request.png"] = png
        names["request.png"] = "the same picture, to attach to a ticket"
    texts = handover.texts(found, names, why and f"There is no request.png: {why}")
    files = {name: text.encode("utf-8", "replace") for name, text in texts.items()} | others
    folder.write(target, files, force=force, ours={*handover.TEXTS, "request.png"})
    described = {**handover.TEXTS, **names}
    for name in sorted(files):
        click.echo(f"{plain(str(target / name))}: {described[name]}")
    if why:
        click.echo(f"No request.png: {why}", err=True)


def _read(paths: Sequence[str]) -> list[Capture]:
    """The captures, called by their files' names alone: where they lie on this machine is nobody
    else's affair. Raises CaptureError."""
    from diagnostics.capture.oneline import printable
    from diagnostics.capture.open import map_file, read_data

    names = [Path(path).name for path in paths]
    captures: list[Capture] = []
    for path, name in zip(paths, names, strict=True):
        if path == "-":
            captures += given.captures([path])
            continue
        data = map_file(path, printable(path))
        captures += read_data(data, printable(name if names.count(name) == 1 else path))
    return captures


def _sanitized(captures: Sequence[Capture], entries: Sequence[str]) -> dict[str, bytes]:
    """Each capture as a file without secrets, by a name that no other one has."""
    from diagnostics.sanitize.output import form_of, pieces
    from diagnostics.sanitize.sanitizer import Sanitizer

    files = {}
    for number, capture in enumerate(captures, 1):
        name = f"capture-{number}" if len(captures) > 1 else "capture"
        data = b"".join(pieces(Sanitizer(capture, entries)))
        files[f"{name}.sanitized.{form_of(capture)}"] = data
    return files
