"""`why403 referer`: which Referer a browser sends from a page to a URL, and why that one."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from diagnostics.browser.referrer import CONTEXTS, ENGINES, predict_referer
from diagnostics.cli import jsonl as lines
from diagnostics.cli import layout
from diagnostics.errors import InputError
from diagnostics.report.terminal import plain

_CONTEXT, _ENGINE = "document", "spec"


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """A line of `--jsonl`; the fields are the command's options."""

    page: str
    to: str
    policy: str | None = None
    via: list[str] = []
    context: str = _CONTEXT
    engine: str = _ENGINE


@click.command("referer")
@click.option("--page", metavar="URL", help="The page that makes the request.")
@click.option("--to", metavar="URL", help="Where the request goes.")
@click.option("--policy", metavar="P", help="The page's Referrer-Policy; none if left out.")
@click.option("--via", metavar="URL", multiple=True, help="A redirect on the way; in order.")
@click.option(
    "--context",
    metavar="C",
    type=click.Choice(CONTEXTS),
    default=_CONTEXT,
    help=f"What makes the request: {', '.join(CONTEXTS)}.",
)
@click.option(
    "--engine", type=click.Choice(ENGINES), default=_ENGINE, help="Whose behaviour to follow."
)
@click.option("--jsonl", is_flag=True, help="Questions on stdin, a JSON object a line.")
@click.pass_context
def referer(
    ctx: click.Context,
    page: str | None,
    to: str | None,
    policy: str | None,
    via: tuple[str, ...],
    context: str,
    engine: str,
    jsonl: bool,
) -> None:
    """Predict the Referer that a browser sends.

    `spec` follows the W3C specification; `chromium` and `firefox` what these browsers were
    measured to do. In the context `stylesheet` the page is the stylesheet's URL.

    \b
    Examples:
      why403 referer --page https://shop.example.com/map --to https://api.mapbox.com/ \\
          --policy same-origin
      why403 referer --page https://shop.example.com/map --to https://api.mapbox.com/ \\
          --context blob-worker-xhr --engine chromium
      echo '{"page": "https://a.example/x", "to": "https://b.example/", "policy": null}' \\
          | why403 referer --jsonl
    """
    if jsonl:
        if any(_given(ctx, name) for name in ("page", "to", "policy", "via", "context", "engine")):
            raise click.UsageError("--jsonl takes its questions from stdin only.", ctx)
        ctx.exit(lines.run(Question, answer))
    if page is None or to is None:
        raise click.UsageError("Give both --page URL and --to URL.", ctx)
    try:
        found = predict_referer(page, to, policy, via, context, engine)
    except ValueError as error:
        raise InputError(str(error)) from error
    sent = f"Referer: {plain(found.referer)}" if found.referer else "No Referer."
    click.echo(f"{layout.heading(sent)}\n{layout.wrap(plain(found.says))}")


def answer(question: Question) -> dict[str, Any]:
    """The contract's answer to one question. Raises ValueError for what is no URL or name."""
    found = predict_referer(
        question.page,
        question.to,
        question.policy,
        question.via,
        question.context,
        question.engine,
    )
    return {"referer": found.referer, "says": found.says}


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
