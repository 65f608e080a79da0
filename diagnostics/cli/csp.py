"""`why403 csp`: would a page's Content Security Policy let a request leave, and what decides?"""

from __future__ import annotations

from typing import Any

import click
import msgspec

from diagnostics.browser import url
from diagnostics.browser.csp import FALLBACKS, Answer, allows, parse_headers
from diagnostics.cli import jsonl as lines
from diagnostics.cli import layout, unknown
from diagnostics.errors import InputError
from diagnostics.report.terminal import plain


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """A line of `--jsonl`; the fields are the command's options."""

    policy: str
    page: str
    to: str
    directive: str
    redirected: bool = False


@click.command("csp")
@click.option(
    "--policy",
    metavar="P",
    multiple=True,
    help="A Content-Security-Policy header's value; may be repeated, all have to agree.",
)
@click.option("--page", metavar="URL", help="The page that the policy came with.")
@click.option("--to", metavar="URL", help="What the page wants to fetch.")
@click.option(
    "--directive",
    metavar="D",
    help="What it fetches it as: connect-src for fetch() and tiles, img-src, worker-src, ...",
)
@click.option("--redirected", is_flag=True, help="A redirect led there, so paths do not count.")
@click.option("--jsonl", is_flag=True, help="Questions on stdin, a JSON object a line.")
@click.pass_context
def csp(
    ctx: click.Context,
    policy: tuple[str, ...],
    page: str | None,
    to: str | None,
    directive: str | None,
    redirected: bool,
    jsonl: bool,
) -> None:
    """Would a page's Content-Security-Policy let this request leave?

    Exit status 0 if it would, 1 if not. What the policy does not name falls back as in the
    browser: worker-src on child-src, script-src and default-src, for example.

    \b
    Examples:
      why403 csp --policy "default-src 'self'; connect-src https://*.mapbox.com" \\
          --page https://shop.example.com/ --to https://api.mapbox.com/v4/ --directive connect-src
      why403 csp --policy "worker-src 'self'" --page https://shop.example.com/ \\
          --to blob:https://shop.example.com/1 --directive worker-src
      echo '{"policy":"img-src *","page":"https://a.test/","to":"data:,","directive":"img-src"}' \\
          | why403 csp --jsonl
    """
    if jsonl:
        if policy or page or to or directive or redirected:
            raise click.UsageError("--jsonl takes its questions from stdin only.", ctx)
        ctx.exit(lines.run(Question, answer))
    if not policy or page is None or to is None or directive is None:
        raise click.UsageError("Give --policy P, --page URL, --to URL and --directive D.", ctx)
    found = ask(policy, page, to, directive, redirected)
    click.echo(report(found))
    ctx.exit(int(not found.allowed))


def ask(policies: tuple[str, ...], page: str, to: str, directive: str, redirected: bool) -> Answer:
    """The model's answer. Raises InputError for what is no URL or no directive of requests."""
    for option, text in (("page", page), ("to", to)):
        if url.parse(text) is None:
            raise InputError(f"{option}: “{text}” is no URL")
    if directive.lower() not in FALLBACKS:
        raise InputError(unknown("directive", directive, list(FALLBACKS)))
    return allows(parse_headers(policies), page, to, directive, redirected)


def answer(question: Question) -> dict[str, Any]:
    """The contract's answer to one question. Raises InputError as `ask` does."""
    found = ask(
        (question.policy,), question.page, question.to, question.directive, question.redirected
    )
    return {
        "allowed": found.allowed,
        "directive": found.directive,
        "source": found.source,
        "says": found.says,
    }


def report(found: Answer) -> str:
    """The decision, what decided, and why."""
    decision = "Allowed" if found.allowed else "Refused"
    if found.directive is not None:
        decision += f" by {found.directive}"
    if found.source is not None:
        decision += f" {plain(found.source)}"
    if not found.certain:
        decision += " (uncertain)"
    return f"{layout.heading(decision)}\n{layout.wrap(plain(found.says))}"
