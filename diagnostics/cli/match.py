"""`why403 match`: would a list of allowed URLs admit a Referer, by which entry, or why by none?"""

from __future__ import annotations

import click
import msgspec

from diagnostics.cli import jsonl as lines
from diagnostics.cli import layout
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Admission, Decision, EntryResult, decide
from diagnostics.report.terminal import plain

_MARKS = {EntryResult.MATCH: "admits", EntryResult.UNDOCUMENTED: "open"}
_COLOURS = {"admits": "green", "open": "yellow", "refuses": "red"}


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """A line of `--jsonl`: the Referer (null or "" for none) and the token's allowed URLs."""

    referer: str | None
    allow: list[str]


@click.command("match")
@click.option("--referer", metavar="URL", help="The Referer that was sent; '' for none.")
@click.option("--no-referer", "--no-referrer", "none", is_flag=True, help="No Referer was sent.")
@click.option("--allow", metavar="ENTRY...", multiple=True, help="An allowed URL; may be repeated.")
@click.option("--jsonl", is_flag=True, help="Questions on stdin, a JSON object a line.")
@click.argument("more", metavar="", nargs=-1)
@click.pass_context
def match(
    ctx: click.Context,
    referer: str | None,
    none: bool,
    allow: tuple[str, ...],
    jsonl: bool,
    more: tuple[str, ...],
) -> None:
    """Would a list of allowed URLs admit this Referer?

    Exit status 0 if it is admitted; 1 if it is refused, or if the documentation leaves it open.

    \b
    Examples:
      why403 match --referer https://shop.example.com/ --allow example.com
      why403 match --no-referer --allow example.com localhost:3000
      echo '{"referer": "https://a.example/", "allow": ["a.example"]}' | why403 match --jsonl
    """
    if jsonl:
        if referer is not None or none or allow or more:
            raise click.UsageError("--jsonl takes its questions from stdin only.", ctx)
        ctx.exit(lines.run(Question, lambda q: decide(mapbox, q.referer, q.allow)))
    if (referer is None) != none:
        raise click.UsageError("Give either --referer URL or --no-referer.", ctx)
    entries = [*allow, *more]
    if not entries or not allow:
        raise click.UsageError("Give the token's allowed URLs: --allow ENTRY.", ctx)
    admission = decide(mapbox, referer, entries)
    click.echo(report(referer, admission))
    ctx.exit(int(admission.decision is not Decision.ALLOWED))


def report(referer: str | None, admission: Admission) -> str:
    """The decision, then each entry's reason."""
    shown = f"the Referer {plain(referer)}" if referer else "a request without a Referer"
    if admission.decision is Decision.ALLOWED:
        says = f"Admitted: “{plain(admission.entry or '')}” covers {shown}."
    elif admission.decision is Decision.UNDOCUMENTED:
        says = (
            f"Open: no entry is documented to cover {shown}, and for one the documentation does"
            " not say. Write an entry that leaves no doubt."
        )
    else:
        says = f"Refused: no entry covers {shown}."
    parts = [layout.wrap(says)]
    for reason in admission.reasons:
        word = _MARKS.get(reason.result, "refuses")
        label = click.style(f"{word:8}", fg=_COLOURS[word])
        kind = "" if word != "refuses" else f" ({reason.result})"
        parts.append(
            f"{label} {plain(reason.entry) or '(empty)'}{kind}\n"
            + layout.wrap(plain(reason.says), " " * 9)
        )
    return "\n\n".join(parts)
