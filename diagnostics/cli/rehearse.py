"""`why403 rehearse`: what a list of allowed URLs would refuse, before it goes live."""

from __future__ import annotations

import click

from diagnostics.cli import given, told
from diagnostics.cli.output import format_for, screen, write
from diagnostics.errors import InputError

_FORMATS = ("text", "json", "markdown")


@click.command("rehearse")
@click.option("--allow", metavar="ENTRY", multiple=True, help="An entry of the list to try.")
@click.option("--allow-file", metavar="F", help="The list from a file, one entry a line.")
@click.option(
    "--tokens", "tokens_file", metavar="F", help="The Tokens API's list: each token by its own."
)
@click.option("--format", "form", type=click.Choice(_FORMATS), help="text, unless -o says more.")
@click.option("-o", "--output", metavar="FILE", help="Write the rehearsal there.")
@click.argument("captures", metavar="CAPTURE...", nargs=-1, required=True)
@click.pass_context
def rehearse(
    ctx: click.Context,
    allow: tuple[str, ...],
    allow_file: str | None,
    tokens_file: str | None,
    form: str | None,
    output: str | None,
    captures: tuple[str, ...],
) -> None:
    """Say what a list would refuse, before it goes live.

    Every request of the recorded traffic is asked as if the token had that list already. Without
    a list, the smallest one that admits the opened pages' own traffic is suggested and rehearsed.
    With the list of `why403 token --api -o tokens.json` every captured token is asked by its own.
    CAPTURE is what `why403 diagnose` reads, recorded while the map still works.

    Exit status 0: nothing would be refused; 1: something would be; 2: the input cannot be used,
    or holds no request to a map provider, so that nothing was rehearsed. What the documentation
    leaves open is counted apart and does not make it 1.

    \b
    Examples:
      why403 rehearse site.har
      why403 rehearse site.har --allow example.com --allow localhost:3000
      why403 rehearse ci.har --allow-file allowed-urls.txt --format markdown
      why403 rehearse ci.har --tokens tokens.json
    """
    known = told.told(allow, allow_file, unrestricted=False, tokens_path=tokens_file)
    by_id = known.by_id if tokens_file is not None else None
    chosen = format_for(form, output)
    given.spare(output, *captures, allow_file, tokens_file)
    if chosen not in _FORMATS:
        raise click.UsageError("A rehearsal is written as text, json or markdown.", ctx)
    from diagnostics.desk.rehearse import rehearse as run

    try:
        rehearsal = run(given.captures(captures), known.everywhere.entries, by_id)
    except ValueError as error:
        raise InputError(f"{tokens_file}: {error}") from None
    if chosen == "json":
        from diagnostics.report import json

        text = json.render(rehearsal)
    else:
        from diagnostics.desk import sheet
        from diagnostics.desk.rehearsal_sheet import sheet as put_together

        blocks = put_together(rehearsal)
        text = (
            sheet.markdown(blocks)
            if chosen == "markdown"
            else sheet.terminal(blocks, **screen(to_terminal=output is None))
        )
    write(text, output)
    if not rehearsal.summary.provider_requests:
        raise InputError(
            f"{', '.join(captures)}: no request to a map provider is in it, so nothing was"
            " rehearsed. Record it anew while a map is shown, with the cache switched off."
        )
    ctx.exit(int(rehearsal.summary.refused > 0))
