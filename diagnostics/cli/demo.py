"""`why403 demo`: the main job on a bundled capture of a real browser."""

from __future__ import annotations

from importlib import resources

import click

from diagnostics.capture.har import read_har
from diagnostics.cli.output import render, write
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told

CAPTURE = "mixed-outcome-gl1-chromium.mitmproxy.har"
ALLOWED = ("intranet.example.com",)


@click.command("demo")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="why403-demo.html",
    show_default=True,
    help="Where the HTML report goes.",
)
def demo(output: str) -> None:
    """Diagnose a bundled capture of a real browser.

    A map page in Chromium, whose requests to the provider are partly refused. Prints the report
    and writes it as a web page; nothing is sent anywhere.

    \b
    Examples:
      why403 demo
      why403 demo -o /tmp/report.html
    """
    data = resources.files("fixtures").joinpath("captures", CAPTURE).read_bytes()
    report = diagnose([read_har(data, CAPTURE)], Told(Allowed(ALLOWED, "the list that was told")))
    write(render(report, "text", to_terminal=True), None)
    write(render(report, "html", to_terminal=False), output)
    click.echo(f"\nThe same as a web page: {output}")
