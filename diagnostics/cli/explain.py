"""`why403 explain`: the table of causes, or all that is said about one."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from diagnostics.causes import catalog
from diagnostics.causes.catalog import CauseText
from diagnostics.cli import layout, unknown
from diagnostics.errors import InputError
from diagnostics.journey.verdict import Cause


def _causes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(text.code.value, help=text.title)
        for text in catalog.every()
        if text.code.value.startswith(incomplete)
    ]


@click.command("explain")
@click.argument("cause", required=False, shell_complete=_causes)
def explain(cause: str | None) -> None:
    """Explain a cause and how to fix it.

    Without an argument: the table of all causes, in the order of a request's journey.

    \b
    Examples:
      why403 explain
      why403 explain referrer-policy-blocks
    """
    if cause is None:
        click.echo(overview())
        return
    code = cause.strip().lower()
    if code not in set(Cause):
        raise InputError(
            unknown("cause", cause, [c.value for c in Cause])
            + " “why403 explain” lists all of them."
        )
    click.echo(page(catalog.text(Cause(code))))


def overview() -> str:
    """The causes by stage, a line each."""
    rows, last = [], ""
    for text in catalog.every():
        stage = text.stage.value if text.stage else "(none)"
        rows.append(["" if stage == last else stage, text.code.value, text.title])
        last = stage
    return (
        layout.table(rows, ["stage", "cause", "what it means"])
        + "\n\n"
        + layout.wrap("“why403 explain CAUSE” tells why, how it shows, and what to do.")
    )


def page(text: CauseText) -> str:
    """One cause as text for a terminal."""
    stage = (
        f"the request's journey breaks at the stage “{text.stage}”"
        if text.stage
        else ("no stage of the request's journey is known to break")
    )
    parts = [
        layout.heading(layout.wrap(text.title)),
        layout.wrap(f"{text.code}: {stage}"),
    ]
    for name, content in (
        ("Why", text.why),
        ("How it shows", text.how_it_shows),
        ("Fix", text.fix),
        ("What does not help", text.what_does_not_help),
        ("Cost", text.cost),
    ):
        if content:
            parts += [layout.heading(name.upper()), layout.markdown(content)]
    parts.append(layout.heading("LINKS"))
    parts.append(
        "\n".join(f"{layout.wrap(link.title, '  ')}\n    {link.url}" for link in text.links)
    )
    return "\n\n".join(parts)
