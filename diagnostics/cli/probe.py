"""`why403 probe`: what a token's list admits, learned by asking. Sends nothing without `--send`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import msgspec

from diagnostics.account.probe import Ask, plan
from diagnostics.account.probe_reading import Answer, State, read
from diagnostics.account.probing import send
from diagnostics.account.service import Service, is_loopback, origin_of
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Capture
from diagnostics.cli import asked_token, given
from diagnostics.cli import probe_view as view
from diagnostics.cli import told as about_token
from diagnostics.errors import InputError
from diagnostics.provider.profile import Profile, profiles
from diagnostics.provider.token import Token, decode
from diagnostics.report.redaction import redact


@click.command("probe")
@click.option("--url", "address", metavar="URL", help="A URL that holds the token.")
@click.option("--page", metavar="URL", help="The page to ask about; its query is never sent.")
@click.option("--allow", metavar="ENTRY", multiple=True, help="An entry to test; may be repeated.")
@click.option("--allow-file", metavar="F", help="Entries to test from a file, one a line.")
@click.option("--send", "really", is_flag=True, help="Send the requests; else they are only shown.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
@asked_token.options("token")
@click.argument("capture", metavar="[CAPTURE]", required=False)
@click.pass_context
def probe(
    ctx: click.Context,
    address: str | None,
    page: str | None,
    allow: tuple[str, ...],
    allow_file: str | None,
    really: bool,
    form: str,
    token_env: str,
    api_url: str,
    capture: str | None,
) -> None:
    """Learn what a token's list admits by a handful of real requests.

    Prints the requests, at most twelve, each with another Referer, and stops. With --send it sends
    exactly those, one at a time, to --api-url and nowhere else, and says which entries fit the
    answers. The requests count and are billed as the account's own.

    The token, a public one, comes from a refused request of CAPTURE, from --url, or from the
    environment variable MAPBOX_ACCESS_TOKEN or the prompt. It is not shown.

    Exit status 0; 1 if the page's own Referer was refused; 2 if there is nothing to ask or no
    answer.

    \b
    Examples:
      why403 probe ticket.har                        what would be sent
      why403 probe ticket.har --send                 send it
      why403 probe --page https://www.example.com/ --allow example.com
    """
    profile = profiles()[0]
    origin = origin_of(api_url)
    if capture is not None and address is not None:
        raise click.UsageError("Give either a CAPTURE or --url.", ctx)
    entries = about_token.entries(allow, allow_file)
    token, known_page = _subject(capture, address, token_env, profile)
    page = known_page if page is None else _address(page)
    asked = plan(profile, page, entries)
    report = view.report(asked, token, page, origin, profile)
    if form == "text":
        click.echo("\n\n".join(view.plan_text(report)))
    if not really:
        if form == "json":
            _print_json(report)
        else:
            click.echo("\nNothing was sent. Add --send to send exactly these requests.")
        return
    answers = tuple(_sent(asked.asks, token, origin, profile, aloud=form == "text"))
    learned = read(answers, profile, entries)
    if form == "json":
        _print_json(msgspec.structs.replace(report, answers=answers, learned=learned))
    else:
        click.echo("\n" + "\n\n".join(view.learned_text(learned, asked, answers)))
    if not any(answer.state is not State.UNCLEAR for answer in answers):
        says = answers[-1].says
        raise InputError(
            f"Nothing was learned: request {len(answers)} of {len(asked.asks)}: {says}"
        )
    refused = {answer.ask.referer for answer in answers if answer.state is State.REFUSED}
    ctx.exit(int(asked.own is not None and asked.own in refused))


def _address(page: str) -> str:
    """A page's URL; without a scheme the one that it most likely has. Raises UsageError where it
    is none."""
    has_scheme = "://" in page or page.startswith(("data:", "about:", "blob:"))
    url = urls.parse(page if has_scheme else f"https://{page}")
    if url is None:
        raise click.UsageError(f"--page: “{page}” is no address of a page.")
    if has_scheme:
        return page
    return f"{'http' if is_loopback(url.host) else 'https'}://{page}"


def _subject(
    capture: str | None, address: str | None, token_env: str, profile: Profile
) -> tuple[Token, str | None]:
    """The token to ask about, and the page that uses it where a capture shows one."""
    if capture is not None:
        return _from_capture(given.captures([capture]))
    if address is not None:
        text = profile.token_in(address.partition("#")[0].partition("?")[2])
        if not text:
            raise InputError(f"--url: the address holds no {profile.token_parameter}.")
    else:
        text = asked_token.ask(token_env, "public token")
    return _public(decode(text)), None


def _public(token: Token) -> Token:
    if token.kind == "sk":
        raise InputError(
            "This is a secret token; a probe is for public ones. A secret token belongs on a server"
            " and in no request with a Referer."
        )
    if token.kind == "tk":
        raise InputError("This is a temporary token, which cannot have allowed URLs.")
    if token.kind != "pk" or token.malformed:
        raise InputError(f"This is no public token: it {(token.malformed or '').rstrip('.')}.")
    return token


def _from_capture(captures: Sequence[Capture]) -> tuple[Token, str | None]:
    """The public token of the first refused request, else of the first request, and its page."""
    from diagnostics.journey.traffic import read_traffic

    traffic, _ = read_traffic(captures)
    seen = [s for part in traffic for s in part.sightings if s.token is not None and s.governed]
    usable = [
        s for s in seen if s.token is not None and s.token.kind == "pk" and not s.token.malformed
    ]
    chosen = next((s for s in usable if s.refused), usable[0] if usable else None)
    if chosen is None or chosen.token is None:
        if seen and seen[0].token is not None:
            _public(seen[0].token)
        raise InputError("The capture holds no request with a public token.")
    document = chosen.issuer.document
    return chosen.token, document.url if document is not None else chosen.request.referer


def _sent(
    asks: Sequence[Ask], token: Token, origin: str, profile: Profile, *, aloud: bool
) -> Iterator[Answer]:
    click.echo(f"\nSending to {origin} …\n", err=not aloud)
    with Service(origin) as service:
        for answer in send(service, asks, token, profile):
            if aloud:
                click.echo(view.answer_line(answer))
            yield answer


def _print_json(report: view.ProbeReport) -> None:
    from diagnostics.report import json

    click.echo(json.render(redact(report)), nl=False)
