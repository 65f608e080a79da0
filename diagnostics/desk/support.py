"""What the provider's support asks for about refused requests, put together from a capture.

Source: token page, "If I cannot resolve my issue, what information should I include in my support
request?": account, token, browsers and versions, the full failing request, a screenshot of it with
its Referer, expected and actual behaviour, what was tried. Pure: values in, texts out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from diagnostics.browser.names import browser_name
from diagnostics.capture.exchange import Capture, Exchange
from diagnostics.desk import request_picture
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
    """Everything that goes to support and customer, without secrets. `report` is on captures that
    keep the names of accounts and the ids of tokens and styles, which both need; `shared` is on
    the sanitized captures that go with it; `restricted` is whether the tokens are known
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
    named, known = _cleaned(captures, told, named=True)
    traffic, contrast = read_traffic(named)
    refused: list[tuple[Verdicts, Sighting]] = []
    for part in traffic:
        judge = Verdicts(part, contrast, known, what_if)
        refused += [(judge, s) for s in part.sightings if s.refused]
    report = report_on(traffic, contrast, known, [judge.of(s) for judge, s in refused])
    shared = diagnose(*_cleaned(captures, told))
    sent = {(e.source, e.index): e for e in _refused(captures)}
    if not sent:
        return None
    if not len(sent) == len(refused) == len(shared.verdicts):
        raise InputError(
            "without its secrets this capture holds other refusals: nothing is written"
        )
    tokens = {s.token.text for part in traffic for s in part.sightings if s.token is not None}
    examples: list[Example] = []
    restricted: bool | None = None
    for group in by_cause(report.verdicts):
        for like in group.cases:
            judge, sighting = refused[like.positions[0]]
            case, exchange = judge.case(sighting), sighting.exchange
            restricted = case.restricted if restricted is None else restricted
            if len(examples) < _MOST_CASES:
                original = sent[exchange.source, exchange.index]
                request = failing(original, exchange, exchange.status or 0, tokens)
                trials = redact(_trials(case, like.first, what_if), tokens)
                safe = shared.verdicts[like.positions[0]]
                examples.append(Example(like.first, safe, len(like.positions), request, trials))
    sightings = [sighting for _, sighting in refused]
    page = examples[0].shared.page
    return Handover(
        report=report,
        shared=shared,
        allowed=redact(_list_of(known, sightings), tokens),
        restricted=restricted,
        tokens=_tokens(sightings),
        browsers=redact(_browsers(sightings), tokens),
        examples=tuple(examples),
        picture=request_picture.draw(examples[0].failing, shown(page) if page else None),
    )


def _cleaned(
    captures: Sequence[Capture], told: Told, *, named: bool = False
) -> tuple[list[Capture], Told]:
    """The captures without secrets, and what was told about their tokens."""
    cleaned: list[Capture] = []
    by_id: dict[str, Allowed] = {}
    for capture in captures:
        cleaner = Sanitizer(capture, told.everywhere.entries or (), named=named)
        exchanges = tuple(exchange for exchange in cleaner.exchanges() if exchange is not None)
        cleaned.append(msgspec.structs.replace(capture, exchanges=exchanges, pages=cleaner.pages))
        by_id.update(cleaner.told(told).by_id)
    return cleaned, Told(told.everywhere, by_id)


def _refused(captures: Sequence[Capture]) -> Iterator[Exchange]:
    traffic, _ = read_traffic(captures)
    yield from (s.exchange for part in traffic for s in part.sightings if s.refused)


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


def _browsers(refused: Sequence[Sighting]) -> tuple[BrowserFacts, ...]:
    counts: dict[str, int] = {}
    first: dict[str, Sighting] = {}
    for sighting in refused:
        agent = sighting.exchange.request_headers.get("user-agent") or ""
        counts[agent] = counts.get(agent, 0) + 1
        first.setdefault(agent, sighting)
    found = []
    for agent in sorted(counts, key=lambda one: -counts[one])[:_MOST_BROWSERS]:
        # Without the header the capture itself may say which browser wrote it.
        name = browser_name(agent) if agent else first[agent].request.client.title
        found.append(BrowserFacts(name, agent, counts[agent]))
    return tuple(found)
