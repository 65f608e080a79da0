"""What does an account's token list say about some tokens, and about the traffic that uses them?

Pure: the list and captures in, one value out, which the formats of `why403 token` show. Strings
of the list and the captures are redacted here; a token's text is in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from diagnostics.account.audit import AuditFinding, audit
from diagnostics.account.use import Use, uses
from diagnostics.capture.exchange import Capture
from diagnostics.journey.diagnose import Verdicts, report_on
from diagnostics.journey.told import ListedToken, Told
from diagnostics.journey.traffic import read_traffic
from diagnostics.provider.profile import profiles
from diagnostics.provider.token import Token, decode
from diagnostics.report.model import Report
from diagnostics.report.redaction import redact

SCHEMA = "why403/account/1"


class Row(msgspec.Struct, frozen=True):
    """One token of the list. `allowed` is empty for a token that restricts nothing; `requests` and
    `refused` are counts of the captures."""

    id: str
    usage: str
    default: bool
    note: str | None
    scopes: tuple[str, ...] | None
    allowed: tuple[str, ...]
    requests: int = 0
    refused: int = 0


class AccountReport(msgspec.Struct, frozen=True):
    """The account view. `tokens` are all of the list, or those that were asked about; `listed` is
    how many the list holds. `diagnosis` is that of the captures with the real lists."""

    schema: str
    account: str
    listed: int
    tokens: tuple[Row, ...]
    findings: tuple[AuditFinding, ...]
    diagnosis: Report | None = None

    @property
    def wrong(self) -> bool:
        """Whether anything has to be corrected."""
        return any(finding.severity == "error" for finding in self.findings)


def look(
    account: str,
    listed: Sequence[ListedToken],
    captures: Sequence[Capture] = (),
    asked: Token | None = None,
) -> AccountReport:
    """The account view of the whole list, of one token, or of the captures' tokens."""
    rules = profiles()[0].rules
    account = account or _account_of(listed)
    diagnosis, used = None, None
    if captures:
        traffic, contrast = read_traffic(captures)
        told = Told(by_id={item.captured_id: item.allowed for item in listed})
        verdicts = [v for part in traffic for v in Verdicts(part, contrast, told, ()).all()]
        diagnosis = report_on(traffic, contrast, told, verdicts)
        used = uses(traffic)
        if asked is not None:
            used = [use for use in used if use.token.id == asked.id]
    if asked is not None and not used:
        used = [Use(asked, "")]
    found = audit(account, listed, rules, used, diagnosis.findings if diagnosis else ())
    counts = {use.token.id: use for use in used or ()}
    rows = [
        _row(item, counts.get(item.captured_id))
        for item in listed
        if used is None or item.captured_id in counts
    ]
    view = AccountReport(SCHEMA, account, len(listed), tuple(rows), found)
    return msgspec.structs.replace(redact(view), diagnosis=diagnosis)


def _row(item: ListedToken, use: Use | None) -> Row:
    return Row(
        item.captured_id,
        item.usage,
        item.default,
        item.note,
        tuple(item.scopes) if item.scopes is not None else None,
        tuple(item.allowed_urls or ()),
        use.requests if use else 0,
        use.refused if use else 0,
    )


def _account_of(listed: Sequence[ListedToken]) -> str:
    """The account that the listed tokens name themselves."""
    named = (decode(item.token).account for item in listed if item.token)
    return next((name for name in named if name), "")
