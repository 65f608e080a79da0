"""`why403 token`: what a token says about itself, and what its account says about it.

Without options nobody is asked. `--api` asks the Tokens API with a secret token that is never
shown; `--tokens` takes a list that was saved before.
"""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Sequence
from datetime import UTC, datetime

import click
import msgspec

from diagnostics.cli import asked_token, given, layout
from diagnostics.errors import InputError
from diagnostics.journey.told import ListedToken, read_list
from diagnostics.provider.token import KINDS, PATTERN, Token, decode
from diagnostics.report.terminal import plain

TOKENS_API = "https://docs.mapbox.com/api/accounts/tokens/"
TOKENS_PAGE = "https://console.mapbox.com/account/access-tokens/"
_MEANINGS = {
    "pk": "public: made for pages and apps; may have URL restrictions unless it is the default one",
    "sk": "secret: belongs on a server; whoever reads it can change the account",
    "tk": "temporary: ends after an hour at the latest; cannot have URL restrictions",
}


@click.command("token")
@click.option("--api", is_flag=True, help="Ask the account's Tokens API with a secret token.")
@click.option(
    "--tokens", "tokens_file", metavar="F", help="Read a list that -o has saved, ask nobody."
)
@click.option(
    "--capture",
    "captures",
    metavar="CAPTURE",
    multiple=True,
    help="Look up the tokens of this traffic, audit its use of them, and diagnose it.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Save the list for diagnose --tokens, without the tokens themselves; - is stdout.",
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
@asked_token.options("secret token")
@click.argument("token_", metavar="[TOKEN]", required=False)
@click.pass_context
def token(
    ctx: click.Context,
    api: bool,
    tokens_file: str | None,
    captures: tuple[str, ...],
    output: str | None,
    form: str,
    token_env: str,
    api_url: str,
    token_: str | None,
) -> None:
    """Read a token, or ask its account about it.

    TOKEN is a token or a URL that holds one; - reads it from stdin, which keeps it out of the
    shell's history. The signature is never shown. Without --api, nobody is asked.

    --api lists the account's tokens with their real allowed URLs. It needs a secret token with the
    scope tokens:read, in the environment variable MAPBOX_ACCESS_TOKEN or typed at the prompt. Each
    request is shown on stderr before it is sent, and the secret token goes to --api-url only.

    Exit status 0; 1 if --api or --tokens finds an error to correct, so that it serves in CI; 2 if
    there is no token or the account cannot be asked.

    \b
    Examples:
      why403 token pk.eyJ1IjoiYWNtZSIsImEiOiJjazBleGFtcGxlIn0.c2lnbmF0dXJl
      echo "$TOKEN" | why403 token -
      why403 token --api                              every token, and what is wrong
      why403 token --api --capture page.har           the page's tokens, and why 403
      why403 token --api -o tokens.json               save the list, then
      why403 diagnose page.har --tokens tokens.json   use it without the secret
    """
    account_view = api or tokens_file is not None
    if not account_view:
        if captures or output is not None or form != "text":
            raise click.UsageError(
                "This asks for the account's list: add --api or --tokens F.", ctx
            )
        if token_ is None:
            raise click.UsageError("Give a TOKEN, or --api for the account's tokens.", ctx)
        click.echo(report(_given(token_), time.time()))
        return
    if api and tokens_file is not None:
        raise click.UsageError("Give either --api or --tokens F.", ctx)
    if [tokens_file, token_, *captures].count("-") > 1:
        raise click.UsageError("Only one thing can be read from stdin (-).", ctx)
    given.spare(output, *captures)
    ctx.exit(_account(tokens_file, captures, output, form, token_env, api_url, token_))


def _given(text: str) -> Token:
    return find(given.stdin().read().decode("utf-8", "replace") if text == "-" else text)


def _account(
    tokens_file: str | None,
    captures: Sequence[str],
    output: str | None,
    form: str,
    token_env: str,
    api_url: str,
    token_: str | None,
) -> int:
    """Show the account view; the exit status."""
    from diagnostics.account.look import look
    from diagnostics.cli import account_view
    from diagnostics.cli.output import write
    from diagnostics.report import json

    asked = _given(token_) if token_ is not None else None
    # Files first: nobody is asked, and no secret typed, for a capture that cannot be read.
    read = given.captures(captures)
    if tokens_file is not None:
        account, data = "", given.content(tokens_file)
    else:
        account, data = _from_api(token_env, api_url)
    try:
        listed: list[ListedToken] = read_list(data)
    except ValueError as error:
        raise InputError(f"{tokens_file or api_url}: {error}") from None
    if output is not None:
        write(_without_tokens(data), output)
    view = look(account, listed, read, asked)
    if output != "-":
        selected = bool(read) or asked is not None
        click.echo(
            json.render(view) if form == "json" else account_view.text(view, selected=selected),
            nl=form != "json",
        )
    return int(view.wrong)


def _from_api(token_env: str, api_url: str) -> tuple[str, bytes]:
    """The account's name and its list, as JSON."""
    from diagnostics.account.service import Service, origin_of
    from diagnostics.account.tokens_api import list_tokens, readable_secret

    origin = origin_of(api_url)
    secret = readable_secret(asked_token.ask(token_env, "secret token with the scope tokens:read"))
    with Service(origin) as service:
        items = list_tokens(service, secret, lambda says: click.echo(plain(says, None), err=True))
    return secret.account or "", msgspec.json.encode(items)


def _without_tokens(data: bytes) -> str:
    """The list as it was answered, without the tokens: `diagnose --tokens` needs their ids only."""
    from diagnostics.provider.token import redact

    items = msgspec.json.decode(data)
    for item in items if isinstance(items, list) else [items]:
        text = item.pop("token", None)
        # What is compared with a captured token is the id within it.
        item["id"] = (isinstance(text, str) and decode(text).id) or item["id"]
    return redact(msgspec.json.format(msgspec.json.encode(items)).decode()) + "\n"


def find(text: str) -> Token:
    """The token in `text`, which may be one or hold one. Raises InputError where none is."""
    if not text.strip():
        raise InputError("There is no token: the text is empty.")
    token = decode(text)
    if not token.kind:
        found = PATTERN.search(text)
        if found is None:
            raise InputError(f"This is no Mapbox token: it {token.malformed}")
        token = decode(urllib.parse.unquote(found[0]))
    if token.account is None and token.malformed:
        raise InputError(f"This is no Mapbox token: it {token.malformed}")
    return token


def report(token: Token, now: float) -> str:
    """What can be read from the token, what cannot, and where the rest stands."""
    facts = [
        ("Token", token.shown),
        ("Kind", f"{token.kind}, {_MEANINGS[token.kind]}"),
        ("Account", token.account or "not in the token"),
        ("Token id", token.id or "not in the token"),
    ]
    if token.scopes is not None:
        facts.append(("Scopes", ", ".join(token.scopes) or "none"))
    if token.expires is not None:
        facts.append(("Expires", _moment(token.expires, now)))
    if token.malformed:
        facts.append(("Malformed", f"It {token.malformed}; Mapbox will answer 401."))
    return "\n\n".join(
        [
            "\n".join(_fact(name, plain(says)) for name, says in facts),
            layout.wrap(_unreadable(token)),
            _where(token),
        ]
    )


def _fact(name: str, says: str) -> str:
    return layout.wrap(says, " " * 11, f"{name:10} ")


def _unreadable(token: Token) -> str:
    if token.kind == "tk":
        return "Cannot be read from it: whether it was revoked and whether its signature is right."
    return (
        f"Cannot be read from a {KINDS[token.kind]} token: its scopes, its allowed URLs, its name,"
        " whether it is the account's default token, and whether it is still valid."
        " Mapbox keeps those."
    )


def _where(token: Token) -> str:
    account = plain(token.account or "ACCOUNT")
    lines = [layout.heading("Where its owner finds the rest")]
    if token.kind != "tk":
        lines.append(f"  {TOKENS_PAGE}{plain(token.id or '')}")
        lines.append(f"  GET https://api.mapbox.com/tokens/v2/{account}   (scope tokens:read)")
    else:
        lines.append("  Temporary tokens are listed nowhere; whoever made it knows.")
    lines.append("  GET https://api.mapbox.com/tokens/v2?access_token=…   (is it valid?)")
    lines.append(f"  {TOKENS_API}")
    return "\n".join(lines)


def _moment(seconds: float, now: float) -> str:
    try:
        moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "at no date that can be read"
    return f"{moment} ({'expired' if seconds <= now else 'still to come'})"
