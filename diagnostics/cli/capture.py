"""`why403 capture`: from nothing to causes, live: a proxy, a browser, and verdicts as they come."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.cli import told as about_token
from diagnostics.cli.output import render, write
from diagnostics.errors import InputError
from diagnostics.journey.told import Told
from diagnostics.live import browsers, own_site, progress, scope, trust, window
from diagnostics.live.obstacles import say
from diagnostics.live.proxy import Endpoint, LiveError
from diagnostics.live.screen import Screen
from diagnostics.live.session import Plan
from diagnostics.live.session import capture as run

_NAMES = [browser.name for browser in browsers.every()]
_SOME_PAGE = "https://YOUR.PAGE/"
_START = f"http://{own_site.HOST}/"
_WIDTH = 100


@click.command("capture")
@click.argument("url", metavar="[URL]", required=False)
@about_token.options
@click.option("--browser", type=click.Choice(_NAMES), help="Which one; else the first found.")
@click.option("--headless", is_flag=True, help="Open no window (for CI; see --for).")
@click.option("--no-browser", is_flag=True, help="Bring your own client; say how to set it up.")
@click.option(
    "--profile",
    type=click.Choice(["throwaway", "none"]),
    default="throwaway",
    show_default=True,
    help="none: the browser's own profile, with its extensions.",
)
@click.option("--also", metavar="HOST", multiple=True, help="Read this host's traffic, too.")
@click.option("--all", "everything", is_flag=True, help="Read every host's traffic.")
@click.option(
    "--for",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="End by itself after so long.",
)
@click.option("--web", is_flag=True, help="mitmweb beside it: look at every request.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="The proxy's port; else a free one.",
)
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    help="Where the files go; else a new folder why403-capture-….",
)
@click.pass_context
def capture(
    ctx: click.Context,
    url: str | None,
    allow: tuple[str, ...],
    allow_file: str | None,
    unrestricted: bool,
    tokens_file: str | None,
    browser: str | None,
    headless: bool,
    no_browser: bool,
    profile: str,
    also: tuple[str, ...],
    everything: bool,
    seconds: float | None,
    web: bool,
    port: int | None,
    output: str | None,
) -> None:
    """Open a page and say live why its requests are refused.

    Starts a proxy on this machine alone and a browser with a throwaway profile that trusts it.
    Only the hosts of the page (URL) and of the provider are read, all else passes unread. The
    capture ends when the browser is closed, on Ctrl-C, or after --for SECONDS; then its folder
    has the flow file, a HAR and the report.

    Exit status 0: nothing was refused; 1: refusals were found; 2: it could not be done.

    \b
    Examples:
      why403 capture http://localhost:3000/ --allow example.com
      why403 capture https://shop.example.com/map --browser firefox
      why403 capture https://shop.example.com/map --headless --for 20 -o capture
      why403 capture --no-browser --port 8080
    """
    if no_browser and (browser or headless or profile == "none"):
        raise click.UsageError("--no-browser opens none: leave out what says how to open it.")
    ticket = os.environ.get("WHY403_EMULATE", "")
    told = about_token.told(allow, allow_file, unrestricted, tokens_file)
    page = page_of(url) if url else None
    covered = scope.Scope(page, also, everything)
    screen = Screen(sys.stderr)
    try:
        opened = (
            None
            if no_browser
            else window.choose(browser or "", headless=headless, own_profile=profile == "none")
        )
        folder, is_new = _folder(output)
        plan = Plan(
            url=page.href if page else _START,
            scope=covered,
            files=folder,
            window=opened,
            seconds=seconds,
            port=port or 0,
            web=web,
            settings=_settings(told, tokens_file),
            ticket=ticket,
        )
        try:
            report = run(plan, screen, lambda proxy: _introduce(screen, plan, page, proxy))
        except BaseException:
            _remove_if_empty(folder, (plan.flow_file, plan.har_file), is_new)
            raise
    except LiveError as error:
        screen.end()
        raise InputError(str(error)) from None
    screen.end()
    files = {
        "Report": folder / "report.html",
        "Traffic": plan.flow_file,
        "HAR": plan.har_file,
    }
    html = render(report, "html", to_terminal=False)
    with contextlib.suppress(OSError):  # `write` says it better
        files["Report"].touch(mode=0o600, exist_ok=False)
    write(html, str(files["Report"]))
    named = {what: str(file) for what, file in files.items()}
    again = ["why403", "diagnose", str(plan.flow_file)]
    again += [part for entry in told.everywhere.entries or () for part in ("--allow", entry)]
    named["In full"] = shlex.join(again)
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    lines = progress.summary(report, named, _width(), unicode=encoding == "utf8")
    click.echo("\n".join(lines))
    ctx.exit(int(report.summary.refused > 0))


def page_of(text: str) -> Url:
    """The page that a person means: a URL, the same without its scheme, or a file. Raises
    InputError."""
    file = Path(text)
    if "://" not in text:
        if file.is_file():
            text = file.resolve().as_uri()
        else:
            bare = urls.parse(f"http://{text}")
            local = bare is not None and scope.is_loopback(bare.host)
            text = f"{'http' if local else 'https'}://{text}"
    url = urls.parse(text)
    if url is None or url.scheme not in {"http", "https", "file"}:
        raise InputError(f"“{text}” is no page. Give a URL such as http://localhost:3000/.")
    return url


def _settings(told: Told, tokens_file: str | None) -> dict[str, Any]:
    """The options of the diagnosing addon."""
    settings: dict[str, Any] = {}
    if told.everywhere.unrestricted:
        settings["why403_unrestricted"] = True
    elif told.everywhere.entries is not None:
        settings["why403_allow"] = list(told.everywhere.entries)
    if tokens_file == "-":
        raise click.UsageError("--tokens needs a file here, for it is read more than once.")
    if tokens_file is not None:
        settings["why403_tokens"] = str(Path(tokens_file).resolve())
    return settings


def _folder(output: str | None) -> tuple[Path, bool]:
    """The folder for the results, and whether it was made; only this user may look into a new
    one. Raises InputError."""
    folder = Path(output or time.strftime("why403-capture-%Y%m%d-%H%M%S"))
    if any(os.path.lexists(folder / name) for name in ("capture.flow", "capture.har")):
        raise InputError(f"{folder}: holds a capture already. Name another folder.")
    is_new = not folder.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise InputError(f"{folder}: cannot be written to")
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror or error}") from None
    return folder, is_new


def _remove_if_empty(folder: Path, files: tuple[Path, ...], is_new: bool) -> None:
    """Leave nothing empty where a capture could not begin."""
    for file in files:
        with contextlib.suppress(OSError):
            if file.stat().st_size == 0:
                file.unlink()
    with contextlib.suppress(OSError):
        if is_new:
            folder.rmdir()


def _introduce(screen: Screen, plan: Plan, page: Url | None, proxy: Endpoint) -> None:
    """Say what is about to happen, and what a person should know."""
    read = plan.scope.describe()
    if plan.window is None:
        click.echo(trust.instructions(proxy, page.href if page else _SOME_PAGE))
        screen.note(f"Reading {read}. Ctrl-C ends the capture.")
    else:
        title = plan.window.browser.title
        end = "Close the browser or press Ctrl-C to end."
        if plan.window.headless:
            end = "Ctrl-C ends the capture."
        if plan.seconds is not None:
            end = f"It ends after {plan.seconds:g} s."
        screen.note(f"Opening {plan.url} in {title}, reading {read}. {end}")
        for warning in plan.window.warnings():
            screen.note(warning)
    if page is None and not plan.scope.everything:
        screen.note(say("no-url", scope=read))
    screen.note(say("live-page", url=_START))
    if plan.ticket:
        screen.note(say("emulated", ticket=plan.ticket))
    screen.note(say("secrets", folder=f"{plan.files}{os.sep}"))


def _width() -> int:
    if not sys.stdout.isatty():
        return _WIDTH
    return shutil.get_terminal_size((_WIDTH, 24)).columns
