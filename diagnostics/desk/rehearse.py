"""Which requests of this traffic would a list of allowed URLs refuse, and why?

For the day before a restriction goes live: every request that allowed URLs govern is asked as if
the provider had refused it under the list, with the Referer that it carried, and a would-be
refusal walks the same seven stages as a real one. Pure: values in, values out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from diagnostics.capture.exchange import (
    Capture,
    Exchange,
    Headers,
    Initiator,
    Outcome,
    Parts,
)
from diagnostics.desk import suggest, warn
from diagnostics.desk.rehearsal import (
    SCHEMA,
    Counts,
    EntryUse,
    Open,
    Rehearsal,
    cannot_see,
)
from diagnostics.journey.contrast import Contrast
from diagnostics.journey.diagnose import Verdicts, report_on
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting, read_traffic
from diagnostics.journey.verdict import Finding, Verdict
from diagnostics.provider.allowed_urls import Admission, Decision, EntryResult, decide
from diagnostics.provider.profile import profiles
from diagnostics.report.redaction import redact

#: Stands for a list that has none of the traffic's hosts; one without entries restricts nothing.
_NOWHERE = ("your-own-site.example",)
#: A list and a Referer.
_Question = tuple[tuple[str, ...], str | None]
_FORBIDDEN = '{"message":"Forbidden"}'


def rehearse(
    captures: Sequence[Capture],
    entries: Sequence[str] | None = None,
    by_id: Mapping[str, Allowed] | None = None,
) -> Rehearsal:
    """What the list `entries` would do to this traffic; None rehearses the smallest list that
    admits its own pages. A captured token whose id is in `by_id` is asked by its own list there,
    and is left out where it has none. Secrets are redacted. Raises ValueError for a list without
    entries, and where `by_id` knows no captured token and there are no `entries` either."""
    if entries is not None and not entries:
        raise ValueError("a list without entries restricts nothing")
    traffic, _ = read_traffic(captures)
    own = _own_lists(traffic, by_id or {})
    if by_id is not None and not own and entries is None:
        raise ValueError("none of the captured tokens is in the token list")
    free = {known for known, allowed in own.items() if allowed.unrestricted}
    ruled = [
        [s for s in part.sightings if is_ruled(s) and not (s.token and s.token.id in free)]
        for part in traffic
    ]
    suggestion = suggest.suggest(traffic, ruled)
    everywhere = tuple(entries if entries is not None else (e.entry for e in suggestion.entries))
    told = Told(Allowed(everywhere or _NOWHERE, "the list that is rehearsed"), own)
    chosen = tuple(dict.fromkeys(e for a in own.values() for e in a.entries or ()))
    if entries is not None or not own:
        chosen = tuple(dict.fromkeys((*chosen, *everywhere)))
    outcome = _Outcome()
    for part, sightings in zip(traffic, ruled, strict=True):
        outcome.ask(part, sightings, told)
    summary = report_on(traffic, Contrast(), Told(), ()).capture
    counts = Counts(
        provider_requests=sum(len(part.sightings) for part in traffic),
        governed=sum(map(len, ruled)),
        admitted=outcome.admitted,
        refused=len(outcome.verdicts),
        open=sum(item.requests for item in outcome.open()),
        by_cause=dict(Counter(v.cause for v in outcome.verdicts).most_common()),
    )
    rehearsal = Rehearsal(
        schema=SCHEMA,
        capture=summary,
        allowed=chosen,
        suggested=entries is None and not own,
        summary=counts,
        verdicts=tuple(outcome.verdicts),
        open=outcome.open(),
        entries=outcome.uses(chosen),
        smallest=suggestion,
        warnings=_warnings(traffic, ruled, chosen),
        cannot_see=(*cannot_see(), *summary.blind_spots),
    )
    tokens = {s.token.text for part in traffic for s in part.sightings if s.token is not None}
    return redact(rehearsal, tokens)


def _own_lists(
    traffic: Sequence[CaptureTraffic], by_id: Mapping[str, Allowed]
) -> dict[str, Allowed]:
    """The lists that the account holds for the captured tokens, by token id."""
    ids = {s.token.id for part in traffic for s in part.sightings if s.token and s.token.id}
    return {known: allowed for known, allowed in by_id.items() if known in ids}


def is_ruled(sighting: Sighting) -> bool:
    """Whether a token's list decides on this request: it was answered, by a service that allowed
    URLs govern, with a token that can have some (temporary ones cannot).

    Of a share page that was opened by hand the documentation does not say whether it is served
    without a Referer; what it loads is asked, and `warn.share_links` speaks of it.
    """
    token, endpoint, exchange = sighting.token, sighting.endpoint, sighting.exchange
    by_hand = (
        endpoint is not None and endpoint.maker == "navigation" and sighting.request.referer is None
    )
    return (
        sighting.governed
        and (endpoint is None or endpoint.token)
        and token is not None
        and token.text != ""
        and token.kind != "tk"
        and exchange.status is not None
        and exchange.outcome is not Outcome.BLOCKED
        and not by_hand
    )


_CHECKS = (
    warn.trimmed_paths,
    warn.bad_entries,
    warn.silent_pages,
    warn.share_links,
    warn.several_tokens,
    warn.refused_already,
)


def _warnings(
    traffic: Sequence[CaptureTraffic], ruled: Sequence[Sequence[Sighting]], entries: Sequence[str]
) -> tuple[Finding, ...]:
    """What all checks found; what a trimmed path says of an entry, lint need not say again."""
    found = [finding for check in _CHECKS for finding in check(traffic, ruled, entries)]
    if any(finding.finding == "path-entry-trimmed" for finding in found):
        found = [finding for finding in found if finding.finding != "entry-path"]
    return tuple(sorted(found, key=lambda f: ("error", "warning", "info").index(f.severity)))


class _Outcome:
    """What the lists said so far; each is asked once about each Referer."""

    def __init__(self) -> None:
        self.admitted = 0
        self.verdicts: list[Verdict] = []
        self._rules = profiles()[0].rules
        self._known: dict[_Question, Admission] = {}
        self._asked: Counter[_Question] = Counter()

    def ask(self, part: CaptureTraffic, sightings: Sequence[Sighting], told: Told) -> None:
        judge = Verdicts(part, Contrast(), told, ())
        for sighting in map(_refused, sightings):
            referer = sighting.request.referer
            if referer is None and not sighting.request.headers_final:
                referer = judge.case(sighting).referer
            question = (told.about(sighting.token).entries or _NOWHERE, referer)
            self._asked[question] += 1
            match self._decide(question).decision:
                case Decision.ALLOWED:
                    self.admitted += 1
                case Decision.REFUSED:
                    self.verdicts.append(judge.of(sighting))

    def _decide(self, question: _Question) -> Admission:
        if question not in self._known:
            entries, referer = question
            self._known[question] = decide(self._rules, referer, entries)
        return self._known[question]

    def open(self) -> tuple[Open, ...]:
        """The Referers of which the documentation does not say whether the list admits them."""
        found = []
        for question, requests in self._asked.items():
            admission, referer = self._known[question], question[1]
            if admission.decision is Decision.UNDOCUMENTED and admission.entry is not None:
                says = next(r.says for r in admission.reasons if r.entry == admission.entry)
                found.append(Open(referer or "", admission.entry, says, requests))
        return tuple(found)

    def uses(self, entries: Sequence[str]) -> tuple[EntryUse, ...]:
        """How many requests each entry admits, alone or beside another one."""
        uses: Counter[str] = Counter()
        for question, requests in self._asked.items():
            matching = {
                r.entry for r in self._known[question].reasons if r.result is EntryResult.MATCH
            }
            for entry in matching:
                uses[entry] += requests
        return tuple(EntryUse(entry, uses[entry]) for entry in dict.fromkeys(entries))


def _refused(sighting: Sighting) -> Sighting:
    """The same request with the answer that a restricted token gets where its list admits not."""
    exchange = msgspec.structs.replace(
        sighting.exchange,
        status=403,
        outcome=Outcome.ANSWERED,
        reason="",
        via_service_worker=False,
        parts=_WithForbidden(sighting.exchange),
    )
    return msgspec.structs.replace(sighting, exchange=exchange)


class _WithForbidden(Parts):
    """An exchange's own parts, decoded when they are asked for, with another answer."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def request_headers(self) -> Headers:
        return self._exchange.request_headers

    def response_headers(self) -> Headers:
        return Headers()

    def body(self) -> str | None:
        return _FORBIDDEN

    def request_body(self) -> str | None:
        return self._exchange.request_body

    def initiator(self) -> Initiator:
        return self._exchange.initiator
