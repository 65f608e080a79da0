"""What the provider's support asks for about refused requests, put together from a capture.

Source: token page, "If I cannot resolve my issue, what information should I include in my support
request?": account, token, browsers and versions, the full failing request, a screenshot of it with
its Referer, expected and actual behaviour, what was tried. Pure: values in, texts out.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from diagnostics.capture.exchange import Capture
from diagnostics.desk import request_picture
from diagnostics.desk.browser_names import browser_name
from diagnostics.desk.failing import Failing, failing
from diagnostics.desk.request_picture import Drawing
from diagnostics.desk.tried import Trial, try_all
from diagnostics.errors import InputError
from diagnostics.journey.case import Case, shown
from diagnostics.journey.diagnose import Verdicts, diagnose, report_on
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.traffic import Sighting, read_traffic
from diagnostics.journey.verdict import Fix, Verdict
from diagnostics.journey.whatif import Change
from diagnostics.report.group import by_cause
from diagnostics.report.model import Report
from diagnostics.report.redaction import redact
from diagnostics.sanitize.sanitizer import Sanitizer

_MOST_TOKENS = 10
_MOST_BROWSERS = 10
_MOST_CASES = 8


class TokenFacts(msgspec.Struct, frozen=True):
    """What a token tells of itself. Its id is no secret: the account page's address has it."""

    kind: str
    account: str
    id: str
    requests: int


class BrowserFacts(msgspec.Struct, frozen=True):
    """A browser (or program) that was refused, in words, and its User-Agent."""

    name: str
    user_agent: str
    requests: int


class Example(msgspec.Struct, frozen=True):
    """One refused request that stands for `requests` of one cause and journey: as it was sent,
    what the diagnosis says about it (`shared`: of the sanitized capture), and what was tried."""

    verdict: Verdict
    shared: Verdict
    requests: int
    failing: Failing
    trials: tuple[Trial, ...]


class Handover(msgspec.Struct, frozen=True):
    """Everything that goes to support and customer, without secrets. `shared` is the report on the
    sanitized captures, for others than the customer; `restricted` is whether the tokens are known
    to have allowed URLs; `examples` begin with the most frequent cause."""

    report: Report
    shared: Report
    allowed: Allowed
    restricted: bool | None
    tokens: tuple[TokenFacts, ...]
    browsers: tuple[BrowserFacts, ...]
    examples: tuple[Example, ...]
    picture: Drawing


def put_together(
    captures: Sequence[Capture],
    told: Told = Told(),  # noqa: B008 (immutable)
    what_if: Sequence[Change] = (),
) -> Handover | None:
    """The handover for these captures; None where nothing in them was refused."""
    traffic, contrast = read_traffic(captures)
    refused: list[tuple[Verdicts, Sanitizer, Sighting]] = []
    for part in traffic:
        judge = Verdicts(part, contrast, told, what_if)
        cleaner = Sanitizer(part.capture, told.everywhere.entries or ())
        refused += [(judge, cleaner, s) for s in part.sightings if s.refused]
    if not refused:
        return None
    report = report_on(traffic, contrast, told, [judge.of(s) for judge, _, s in refused])
    tokens = {s.token.text for part in traffic for s in part.sightings if s.token is not None}
    shared = _shared(captures, told, report)
    examples: list[Example] = []
    restricted: bool | None = None
    for group in by_cause(report.verdicts):
        for like in group.cases:
            judge, cleaner, sighting = refused[like.positions[0]]
            case = judge.case(sighting)
            restricted = case.restricted if restricted is None else restricted
            if len(examples) < _MOST_CASES:
                cleaned = cleaner.exchange(case.exchange)
                sent = failing(case.exchange, cleaned, case.exchange.status or 0, tokens)
                trials = redact(_trials(case, like.first, what_if), tokens)
                safe = shared.verdicts[like.positions[0]]
                examples.append(Example(like.first, safe, len(like.positions), sent, trials))
    sightings = [sighting for _, _, sighting in refused]
    page = examples[0].shared.page
    return Handover(
        report=report,
        shared=shared,
        allowed=redact(_list_of(told, sightings), tokens),
        restricted=restricted,
        tokens=_tokens(sightings),
        browsers=redact(_browsers(refused), tokens),
        examples=tuple(examples),
        picture=request_picture.draw(examples[0].failing, shown(page) if page else None),
    )


def _shared(captures: Sequence[Capture], told: Told, report: Report) -> Report:
    """The report on the sanitized captures. Raises InputError where it is about other requests
    than the one on the captures themselves."""
    cleaned: list[Capture] = []
    by_id: dict[str, Allowed] = {}
    for capture in captures:
        cleaner = Sanitizer(capture, told.everywhere.entries or ())
        exchanges = tuple(exchange for exchange in cleaner.exchanges() if exchange is not None)
        cleaned.append(msgspec.structs.replace(capture, exchanges=exchanges, pages=cleaner.pages))
        by_id.update(cleaner.told(told).by_id)
    shared = diagnose(cleaned, Told(told.everywhere, by_id))
    if [v.index for v in shared.verdicts] != [v.index for v in report.verdicts]:
        raise InputError(
            "without its secrets this capture holds other refusals: nothing is written"
        )
    return shared


def _trials(case: Case, verdict: Verdict, what_if: Sequence[Change]) -> tuple[Trial, ...]:
    wished = [Fix(str(change), "Asked for with --what-if", "", "") for change in what_if]
    return try_all(case, [*wished, *verdict.fixes])


def _list_of(told: Told, refused: Sequence[Sighting]) -> Allowed:
    """What is known about the first refused token's list."""
    known = (told.about(sighting.token) for sighting in refused)
    return next((allowed for allowed in known if allowed.known), Allowed())


def _tokens(refused: Sequence[Sighting]) -> tuple[TokenFacts, ...]:
    counts: dict[tuple[str, str, str], int] = {}
    for sighting in refused:
        token = sighting.token
        if token is not None and (token.account or token.id):
            key = (token.kind, token.account or "", token.id or "")
            counts[key] = counts.get(key, 0) + 1
    most = sorted(counts.items(), key=lambda item: -item[1])[:_MOST_TOKENS]
    return tuple(TokenFacts(*key, requests) for key, requests in most)


def _browsers(
    refused: Sequence[tuple[Verdicts, Sanitizer, Sighting]],
) -> tuple[BrowserFacts, ...]:
    counts: dict[str, int] = {}
    first: dict[str, tuple[Sanitizer, Sighting]] = {}
    for _, cleaner, sighting in refused:
        agent = sighting.exchange.request_headers.get("user-agent") or ""
        counts[agent] = counts.get(agent, 0) + 1
        first.setdefault(agent, (cleaner, sighting))
    found = []
    for agent in sorted(counts, key=lambda one: -counts[one])[:_MOST_BROWSERS]:
        cleaner, sighting = first[agent]
        clean = cleaner.exchange(sighting.exchange).request_headers.get("user-agent") or ""
        # Without the header the capture itself may say which browser wrote it.
        name = browser_name(clean) if clean else sighting.request.client.title
        found.append(BrowserFacts(name, clean, counts[agent]))
    return tuple(found)
