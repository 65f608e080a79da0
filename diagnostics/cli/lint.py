"""`why403 lint`: what is wrong or doubtful with a token's allowed URLs."""

from __future__ import annotations

import click

from diagnostics.cli import allow_file, layout
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import EntryProblem
from diagnostics.report.terminal import plain

_ORDER = {"error": 0, "warning": 1, "info": 2}
_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}


@click.command("lint")
@click.argument("entries", metavar="[ENTRY]...", nargs=-1)
@click.option(
    "--allow-file",
    "path",
    metavar="F",
    help="Take entries from a file: one a line, or the JSON list of the Tokens API; - is stdin.",
)
@click.pass_context
def lint(ctx: click.Context, entries: tuple[str, ...], path: str | None) -> None:
    """Check allowed-URL entries for mistakes.

    Exit status 1 if an entry can never match, else 0.

    \b
    Examples:
      why403 lint 'https://*.example.com/*' localhost www.example.com
      why403 lint --allow-file allowed.txt
    """
    listed = [*entries, *(allow_file.read(path) if path else ())]
    if not listed:
        raise click.UsageError("Give at least one entry, or --allow-file.", ctx)
    problems = mapbox.lint(listed)
    click.echo(report(listed, problems))
    ctx.exit(int(any(problem.severity == "error" for problem in problems)))


def report(entries: list[str], problems: list[EntryProblem]) -> str:
    """The problems by entry, worst first within one, and a last line with the counts."""
    parts = []
    of_list = [p for p in problems if p.entry not in entries]
    for entry in dict.fromkeys(entries):
        own = [p for p in problems if p.entry == entry]
        parts.append(_entry(plain(entry) or "(empty)", own))
    if of_list:
        parts.append(_entry("The list", of_list))
    counts = {severity: sum(p.severity == severity for p in problems) for severity in _ORDER}
    found = ", ".join(_counted(count, severity) for severity, count in counts.items() if count)
    checked = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
    parts.append(f"{checked}: {found or 'nothing to object to'}.")
    return "\n\n".join(parts)


def _entry(title: str, problems: list[EntryProblem]) -> str:
    lines = [layout.heading(title)]
    for problem in sorted(problems, key=lambda p: _ORDER.get(p.severity, len(_ORDER))):
        label = click.style(f"{problem.severity:9}", fg=_COLOURS.get(problem.severity))
        lines.append(f"  {label}" + layout.wrap(plain(problem.says), " " * 11).lstrip())
        if problem.suggestion is not None:
            lines.append(f"           Write: {plain(problem.suggestion)}")
    if not problems:
        lines.append("  ok")
    return "\n".join(lines)


def _counted(count: int, severity: str) -> str:
    if severity == "info":
        return "1 remark" if count == 1 else f"{count} remarks"
    return f"{count} {severity}" + ("" if count == 1 else "s")
