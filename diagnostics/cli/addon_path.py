"""`why403 addon-path`: where the script lies that mitmproxy is to load."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from diagnostics.errors import InputError

_SCRIPT = "why403.py"


@click.command("addon-path")
def addon_path() -> None:
    """Print the path of the addon for mitmproxy.

    Give it to the option -s of mitmproxy, mitmweb or mitmdump, 11 or 12, where they run in the
    same Python environment as why403. The stand-alone programs from mitmproxy.org bring a Python
    of their own, which has no why403: install mitmproxy with pip, pipx or uv instead.

    \b
    Examples:
      why403 addon-path
      mitmweb -s "$(why403 addon-path)" --set why403_allow=shop.example.com
      mitmdump -s "$(why403 addon-path)" --set why403_report=report.html
    """
    click.echo(find())


def find() -> Path:
    """The path of the script in this installation; InputError where it is not there."""
    spec = importlib.util.find_spec("addons")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder).resolve() / _SCRIPT
        if path.is_file():
            return path
    raise InputError(f"{_SCRIPT} is not in this installation; pip install --force-reinstall why403")
