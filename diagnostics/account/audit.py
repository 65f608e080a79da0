"""What is wrong with an account's tokens, and with the use that some traffic makes of them? Pure.

Codes that a diagnosis has already (`secret-token-exposed`, `default-token-restricted`,
`unrestricted-token`) come from its findings; those of this module speak about what only the
account's list can show. Sources: token page (https://docs.mapbox.com/accounts/guides/tokens/,
"Default public access token", "Scopes", "Requirements and limitations").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.account.use import Use
from diagnostics.journey.case import shown
from diagnostics.journey.told import ListedToken
from diagnostics.journey.verdict import Finding
from diagnostics.provider.allowed_urls import Dialect

#: Findings of a diagnosis that speak about tokens.
OF_THE_DIAGNOSIS = frozenset(
    {"secret-token-exposed", "default-token-restricted", "unrestricted-token"}
)
_ORDER = {"error": 0, "warning": 1, "info": 2}
_MOST_NAMED = 5


class AuditFinding(msgspec.Struct, frozen=True):
    """One thing to correct: its code, severity (error, warning or info), the id of the token it is
    about (empty where that is not sure), what to know and do, and where a capture shows it."""

    finding: str
    severity: str
    token: str
    says: str
    where: str = ""


def audit(
    account: str,
    listed: Sequence[ListedToken],
    rules: Dialect,
    used: Sequence[Use] | None = None,
    diagnosed: Iterable[Finding] = (),
) -> tuple[AuditFinding, ...]:
    """Every finding, errors first.

    `listed` are the account's tokens. With `used`, the tokens of some traffic, only those are
    spoken about; `diagnosed` are the findings of that traffic's diagnosis.
    """
    by_id = {item.captured_id: item for item in listed}
    found: list[AuditFinding] = []
    if used is None:
        for item in listed:
            found += _entries(item, rules)
    for use in used or ():
        known = by_id.get(use.token.id or "")
        if known is None:
            found += _not_listed(account, use)
        else:
            found += [*_entries(known, rules), *_default_in_production(known, use)]
            found += _scopes(known, use)
    for finding in diagnosed:
        if finding.finding in OF_THE_DIAGNOSIS:
            token = _token_of(finding, used or ())
            found.append(
                AuditFinding(finding.finding, finding.severity, token, finding.says, finding.where)
            )
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))


def name_of(item: ListedToken) -> str:
    """How an item is called in sentences: by its name on the tokens page, else by its id."""
    if item.default:
        return "the default token"
    return f"“{item.note}”" if item.note else f"the token {item.captured_id}"


def _entries(item: ListedToken, rules: Dialect) -> Iterable[AuditFinding]:
    codes = {"too-many": "too-many-entries"}
    for problem in rules.lint(item.allowed_urls or ()):
        if problem.severity == "info":
            continue
        never = problem.severity == "error"
        code = codes.get(problem.problem, "entry-never-matches" if never else "entry-doubtful")
        says = problem.says
        if problem.entry and not says.startswith(f"“{problem.entry}”"):
            says = f"“{problem.entry}”: {says}"
        if problem.suggestion:
            says += f" Write {problem.suggestion} instead."
        yield AuditFinding(code, problem.severity, item.captured_id, f"{_of(item)}: {says}")


def _of(item: ListedToken) -> str:
    name = name_of(item)
    return name[:1].upper() + name[1:]


def _default_in_production(item: ListedToken, use: Use) -> Iterable[AuditFinding]:
    """The default token on a page that others can open. It can have no allowed URLs, and its
    scopes are all public ones."""
    if item.default and use.in_production:
        page, where = next(iter(use.pages.items()))
        yield AuditFinding(
            "default-token-in-production",
            "warning",
            item.captured_id,
            f"{shown(page)} uses the account's default token, which cannot have allowed URLs and"
            " has every public scope. Make the page a token of its own, with allowed URLs.",
            where,
        )


def _scopes(item: ListedToken, use: Use) -> Iterable[AuditFinding]:
    if item.scopes is None or not use.requests:
        return
    missing = [s for s in use.needs if s not in item.scopes and s not in use.granted]
    if missing:
        kinds = ", ".join(f"{scope} ({use.needs[scope]})" for scope in missing)
        yield AuditFinding(
            "scope-missing",
            "error",
            item.captured_id,
            f"{_of(item)} lacks a scope that the traffic needs: {kinds}. Add it, or make a token"
            " that has it.",
            use.where,
        )
    beyond = [scope for scope in item.scopes if scope not in use.needs]
    if not beyond or item.default:  # nobody can take scopes from a default token
        return
    needs = ", ".join(use.needs) or "no scope"
    doubt = ""
    if use.refused:
        doubt = " Requests were refused, so what would have followed them is not in it."
    if use.unknown:
        doubt += (
            f" No documentation names the scope of {', '.join(sorted(use.unknown)[:_MOST_NAMED])},"
            " so one of these may be needed."
        )
    yield AuditFinding(
        "scopes-beyond-traffic",
        "info" if doubt else "warning",
        item.captured_id,
        f"{_of(item)} has {', '.join(beyond)} beyond what this traffic needs ({needs}).{doubt} If"
        " no other page or app uses them, take them away.",
        use.where,
    )


def _not_listed(account: str, use: Use) -> Iterable[AuditFinding]:
    token = use.token
    if token.kind == "tk":
        return  # temporary tokens are listed nowhere
    if account and token.account is not None and token.account != account:
        says = (
            f"{token.shown} belongs to the account {token.account}, not to {account}; only that"
            " account's secret token can show its list."
        )
        yield AuditFinding("token-of-another-account", "info", token.id or "", says, use.where)
        return
    if not account:
        says = (
            f"{token.shown} is not in this list, which does not say whose it is: the token belongs"
            " to another account, was made after the list was saved, or was deleted."
        )
        yield AuditFinding("token-not-listed", "warning", token.id or "", says, use.where)
        return
    says = (
        f"{token.shown} is not among the tokens of {account}: it was deleted, or was never one. A"
        " request with it is answered 401."
    )
    yield AuditFinding("token-not-listed", "error", token.id or "", says, use.where)


def _token_of(finding: Finding, used: Sequence[Use]) -> str:
    named = [use for use in used if use.token.shown in finding.says]
    return (named[0].token.id or "") if len(named) == 1 else ""
