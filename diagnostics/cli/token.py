"""`why403 token`: what a token says about itself, without asking anybody and without showing it."""

from __future__ import annotations

import sys
import time
import urllib.parse
from datetime import UTC, datetime

import click

from diagnostics.cli import layout
from diagnostics.errors import InputError
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
@click.argument("token_", metavar="TOKEN")
def token(token_: str) -> None:
    """Read a token without asking anybody.

    TOKEN is a token or a URL that holds one; - reads it from stdin, which keeps it out of the
    shell's history. The signature is never shown. Exit status 2 if there is no token.

    \b
    Examples:
      why403 token pk.eyJ1IjoiYWNtZSIsImEiOiJjazBleGFtcGxlIn0.c2lnbmF0dXJl
      echo "$MAPBOX_TOKEN" | why403 token -
    """
    text = sys.stdin.read() if token_ == "-" else token_
    click.echo(report(find(text), time.time()))


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
