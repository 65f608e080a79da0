"""The account view of `why403 token` as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import click

from diagnostics.account.audit import AuditFinding
from diagnostics.account.look import AccountReport, Row
from diagnostics.cli import layout
from diagnostics.cli.output import render as render_diagnosis
from diagnostics.provider.token import KINDS
from diagnostics.report.terminal import plain
from diagnostics.report.wording import counted

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
_LONGEST_LIST = 100
_LONGEST_NAME = 32


def text(view: AccountReport, *, selected: bool) -> str:
    """The view for a terminal. `selected`: it speaks about some tokens, shown in full."""
    parts = [_headline(view)]
    if selected:
        parts += [_details(row) for row in view.tokens]
    elif view.tokens:
        parts.append(layout.table(map(_cells, view.tokens), _HEADERS))
    parts.append("\n\n".join(_findings(view)))
    if view.diagnosis is not None:
        parts.append(layout.heading("Diagnosis with these lists"))
        parts.append(render_diagnosis(view.diagnosis, "text", to_terminal=True).rstrip())
    return "\n\n".join(parts)


def _headline(view: AccountReport) -> str:
    whose = f"Account {plain(view.account)}" if view.account else "The list"
    says = f"{whose}: {counted(view.listed, 'token')}"
    if len(view.tokens) != view.listed:
        return layout.wrap(f"{says}; {len(view.tokens) or 'none'} of them shown here.")
    kinds = Counter(KINDS.get(row.usage, "other") for row in view.tokens)
    if kinds:
        says += f" ({', '.join(f'{number} {kind}' for kind, number in kinds.items())})"
    unrestricted = sum(row.usage == "pk" and not row.allowed for row in view.tokens)
    if unrestricted:
        says += f", {counted(unrestricted, 'public token')} without allowed URLs"
    return layout.wrap(f"{says}.")


_HEADERS = ("name", "token id", "kind", "allowed URLs")


def _cells(row: Row) -> tuple[str, str, str, str]:
    return _name(row), plain(row.id, 40), _kind(row), _entries(row)


def _name(row: Row) -> str:
    return plain(row.note, _LONGEST_NAME) if row.note else "–"


def _kind(row: Row) -> str:
    kind = KINDS.get(row.usage, plain(row.usage, 12))
    return f"{kind}, default" if row.default else kind


def _entries(row: Row) -> str:
    if not row.allowed:
        return "any"
    more = len(row.allowed) - 3
    shown = ", ".join(plain(entry, 60) or "(empty)" for entry in row.allowed[:3])
    return shown + (f" and {more} more" if more > 0 else "")


def _details(row: Row) -> str:
    lines = [layout.heading(_name(row) if row.note else "Token without a name")]
    facts = [("Token id", plain(row.id)), ("Kind", _kind(row))]
    if row.scopes is not None:
        facts.append(("Scopes", ", ".join(map(plain, row.scopes)) or "none"))
    if row.requests:
        refused = f", {row.refused} refused" if row.refused else ""
        facts.append(("Traffic", counted(row.requests, "request") + refused))
    lines += [layout.wrap(says, " " * 15, f"  {name:12} ") for name, says in facts]
    entries = [plain(entry) or "(empty)" for entry in row.allowed[:_LONGEST_LIST]] or [
        "none: it works from any page"
    ]
    lines += [
        f"  {'Allowed URLs' if place == 0 else '':12} {entry}"
        for place, entry in enumerate(entries)
    ]
    if len(row.allowed) > _LONGEST_LIST:
        lines.append(f"{'':15}and {len(row.allowed) - _LONGEST_LIST} more")
    return "\n".join(lines)


def _findings(view: AccountReport) -> Iterator[str]:
    if not view.findings:
        yield "Nothing to correct was found in them."
        return
    yield layout.heading("To correct")
    for finding in view.findings:
        yield _finding(finding)


def _finding(finding: AuditFinding) -> str:
    mark = click.style(f"{finding.severity:8}", fg=_COLOURS[finding.severity])
    lines = [f"  {mark} {finding.finding}"]
    lines.append(layout.wrap(plain(finding.says), " " * 11))
    if finding.where:
        lines.append(layout.wrap(plain(finding.where), " " * 11))
    return "\n".join(lines)
