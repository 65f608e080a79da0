"""Diagnosis while traffic is still coming: verdicts at once, revised when evidence changes them.

The live addon feeds it exchanges one by one; it keeps the newest ones only, so that its memory
does not grow with the length of a session. Pure: it holds values and touches nothing outside.
What it says in the end is what `diagnose` says of the same exchanges in a file.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence, Sized

import msgspec

from diagnostics.capture.document import is_document
from diagnostics.capture.exchange import Capture, DecodedParts, Exchange
from diagnostics.journey.bearing import bears
from diagnostics.journey.contrast import Answers, Contrast
from diagnostics.journey.diagnose import Verdicts, report_on
from diagnostics.journey.library import LibraryVersion, library_versions, shows_version
from diagnostics.journey.told import Told
from diagnostics.journey.traffic import REFUSALS, CaptureTraffic, Sighting, count
from diagnostics.journey.verdict import Verdict
from diagnostics.provider.profile import profiles
from diagnostics.report.model import Report
from diagnostics.report.redaction import redact, redact_text

#: How many requests to a provider are kept where nobody says otherwise.
DEFAULT_LIMIT = 2000
#: Of pages a tenth is kept: each stands for many requests.
_REQUESTS_A_PAGE = 10
_FEWEST_PAGES = 10
#: Bytes of bodies that are kept at most, whatever the limit.
MOST_BYTES = 32 << 20
_MOST_ODD_TOKENS = 50


class LiveDiagnosis:
    """The newest `limit` requests to providers, as much of what else bears on a diagnosis, a
    tenth as many pages, and the verdicts on the refused requests.

    `blind_spots` are sentences for the report, `self_test` is what the browser's self-test
    found (`strips`, `rewrites` or ""). Exchanges are known by their `index`, which must be
    unique and grow; `add` gives the verdict on a refused one, `revised` what changed since.
    """

    def __init__(
        self,
        told: Told = Told(),  # noqa: B008 (immutable)
        limit: int = DEFAULT_LIMIT,
        blind_spots: Sequence[str] = (),
        name: str = "live capture",
        self_test: str = "",
    ) -> None:
        self.limit = limit
        #: Requests to providers, refused ones among them, and exchanges that were forgotten.
        self.requests = self.refused = self.forgotten = 0
        self._told = told
        self._self_test = self_test
        self._empty = Capture(name, "mitmproxy", (), blind_spots=tuple(blind_spots))
        self._verdicts: dict[int, Verdict] = {}
        self._changed = False
        self._due: Iterator[Sighting] | None = None
        self._start(())

    def _start(self, exchanges: Iterable[Exchange]) -> None:
        """Begin anew with these exchanges, as if they were a capture's."""
        capture = msgspec.structs.replace(self._empty, exchanges=tuple(exchanges))
        self._traffic = CaptureTraffic(capture)
        self._contrast = Contrast()
        self._pages = self._bytes = 0
        self._senders: set[tuple[object, bool]] = set()
        self._odd_tokens: set[str] = set()  # that only their place gives away
        self._versions: set[str] = set()
        self._newest = 0.0
        for exchange in capture.exchanges:
            self._weigh(exchange)
            self._versions |= _versions(exchange).keys()
        for sighting in self._traffic.sightings:
            self._count(sighting)
        self._rearranged = False
        self._judge = self._new_judge()
        self._due = None

    def _new_judge(self) -> Verdicts:
        return Verdicts(self._traffic, self._contrast, self._told, (), self._self_test)

    @property
    def told(self) -> Told:
        return self._told

    def tell(self, told: Told) -> None:
        """Let every verdict be judged by this from now on; `revised` gives those that change."""
        self._told = told
        self._reconsider()

    @property
    def self_test(self) -> str:
        return self._self_test

    @self_test.setter
    def self_test(self, found: str) -> None:
        self._self_test = found
        self._reconsider()

    @property
    def kept(self) -> int:
        """How many verdicts are kept."""
        return len(self._verdicts)

    def _reconsider(self) -> None:
        self._judge = self._new_judge()
        self._changed = True

    def add(self, exchange: Exchange) -> Verdict | None:
        """Take one more exchange; the verdict on it if a provider refused it, redacted."""
        if not bears(exchange):
            return None
        if self._is_full():
            self._forget()
        exchange = _slim(exchange)
        rearranges = self._rearranges(exchange)
        sighting = self._traffic.add(exchange)
        self._weigh(exchange)
        told_more = sighting is not None and self._count(sighting)
        tells_of_script = self._tells_of_script(exchange)
        if rearranges or told_more or tells_of_script:
            self._rearranged |= rearranges
            self._reconsider()
        if sighting is None:
            return None
        self.requests += 1
        if not sighting.refused:
            return None
        self.refused += 1
        verdict = self._verdict_on(sighting)
        self._verdicts[exchange.index] = verdict
        return verdict

    def _weigh(self, exchange: Exchange) -> None:
        self._pages += is_document(exchange)
        self._bytes += _weight(exchange)
        self._newest = max(self._newest, exchange.started or 0.0)

    def _count(self, sighting: Sighting) -> bool:
        """Let a request bear on the others; whether it tells anything that was not known."""
        token, document = sighting.token, sighting.issuer.document
        page = document if document is None or document.seen else document.url
        sender = (page, sighting.request.referer is not None)
        news = sender not in self._senders
        self._senders.add(sender)
        if token is not None:
            if len(self._odd_tokens) < _MOST_ODD_TOKENS and _looks_odd(token.text):
                self._odd_tokens.add(token.text)
            before = _size(self._contrast.of(token.text))
            count(self._contrast, sighting)
            news = news or _size(self._contrast.of(token.text)) != before
        return news

    def _tells_of_script(self, exchange: Exchange) -> bool:
        """Whether it shows a version of the map library that was not known, or a script with a
        referrer policy of its own."""
        unknown = _versions(exchange).keys() - self._versions
        self._versions |= unknown
        return bool(unknown) or _speaks_of_policy(exchange)

    def _rearranges(self, exchange: Exchange) -> bool:
        """Whether an exchange may change who issued requests that came before it."""
        if exchange.resource_type in {"worker", "serviceworker"}:
            return True
        if is_document(exchange):
            # A page that streams ends after its first requests.
            return not self._pages or (exchange.started or 0.0) <= self._newest
        if exchange.redirect_url:
            return (exchange.started or 0.0) <= self._newest
        is_script = "javascript" in exchange.mime_type or exchange.resource_type == "script"
        return "text/css" in exchange.mime_type or (is_script and not self._pages)

    def _is_full(self) -> bool:
        exchanges, requests = len(self._traffic.exchanges), len(self._traffic.sightings)
        return (
            requests >= _half_more(self.limit)
            or exchanges - requests - self._pages >= _half_more(self.limit)
            or self._pages >= _half_more(self._page_limit)
            or self._bytes >= MOST_BYTES
        )

    @property
    def _page_limit(self) -> int:
        return max(self.limit // _REQUESTS_A_PAGE, _FEWEST_PAGES)

    def _forget(self) -> None:
        """Keep the newest of each kind, and of bodies half of what may be kept."""
        room = {"request": self.limit, "part": self.limit, "page": self._page_limit}
        known = {sighting.exchange.index for sighting in self._traffic.sightings}
        kept: list[Exchange] = []
        room_for_bytes = MOST_BYTES // 2
        for exchange in reversed(self._traffic.exchanges):
            if exchange.index in known:
                kind = "request"
            else:
                kind = "page" if is_document(exchange) else "part"
            weight = _weight(exchange)
            if room[kind] > 0 and weight <= room_for_bytes:
                room[kind] -= 1
                room_for_bytes -= weight
                kept.append(exchange)
        self.forgotten += len(self._traffic.exchanges) - len(kept)
        self._start(reversed(kept))
        known = {sighting.exchange.index for sighting in self._traffic.sightings}
        self._verdicts = {i: verdict for i, verdict in self._verdicts.items() if i in known}
        self._changed = True

    @property
    def is_due(self) -> bool:
        """Whether `revised` may have something to say."""
        return bool(self._verdicts) and (self._changed or self._due is not None)

    def revised(self, most: int | None = None) -> Iterator[Verdict]:
        """Judge the refusals that are kept again, if anything came since that may change a
        verdict, and give those that are no longer the same as before.

        At most `most` are judged in one call; the next goes on from there.
        """
        if not self.is_due:
            return
        if self._due is None:
            self._changed = False
            if self._rearranged:
                self._start(self._traffic.exchanges)
            self._due = iter([s for s in self._traffic.sightings if s.refused])
        judged = 0
        while most is None or judged < most:
            # Something may have been forgotten, and all begun anew, while the caller worked.
            sighting = next(self._due, None) if self._due is not None else None
            if sighting is None:
                self._due = None
                return
            judged += 1
            verdict = self._verdict_on(sighting)
            if self._verdicts.get(verdict.index) != verdict:
                self._verdicts[verdict.index] = verdict
                yield verdict

    def verdict(self, index: int) -> Verdict | None:
        """The newest verdict on one exchange; None where it was not refused or is forgotten."""
        return self._verdicts.get(index)

    def verdicts(self) -> Iterable[Verdict]:
        """The newest verdicts, oldest exchange first."""
        return self._verdicts.values()

    def report(self) -> Report:
        """The report on what is kept, redacted."""
        if self._rearranged:
            self._start(self._traffic.exchanges)
        judge = self._new_judge()
        report = report_on([self._traffic], self._contrast, self._told, list(judge.all()))
        if not self.forgotten:
            return report
        capture = report.capture
        spot = (
            f"{self.forgotten:,} earlier exchanges were forgotten: of requests to providers the"
            f" newest {self.limit:,} are kept."
        )
        capture = msgspec.structs.replace(capture, blind_spots=(*capture.blind_spots, spot))
        return msgspec.structs.replace(report, capture=capture)

    def _verdict_on(self, sighting: Sighting) -> Verdict:
        return redact(self._judge.of(sighting), self._odd_tokens)


def _half_more(limit: int) -> int:
    """So many may come before the oldest are forgotten: forgetting costs a pass over the rest."""
    return limit + limit // 2 + 1


def _size(answers: Answers) -> tuple[int, ...]:
    """How much is known of a token's answers; whatever is learnt makes one of these larger."""
    return tuple(
        len(value) if isinstance(value, Sized) else int(value)
        for value in msgspec.structs.astuple(answers)
    )


@functools.lru_cache(maxsize=1024)
def _looks_odd(token: str) -> bool:
    """Whether nothing but its place shows that a text is a token."""
    return redact_text(token) == token


def _slim(exchange: Exchange) -> Exchange:
    """The exchange without bodies that no stage reads."""
    body = exchange.body if _reads_body(exchange) else None
    parts = exchange.parts
    slim = DecodedParts(
        parts.request_headers(),
        parts.response_headers(),
        lambda: body,
        parts.request_body if shows_version(exchange.url) else lambda: None,
        parts.initiator(),
    )
    return msgspec.structs.replace(exchange, parts=slim)


def _reads_body(exchange: Exchange) -> bool:
    if "javascript" in exchange.mime_type:
        return _speaks_of_policy(exchange) or bool(_versions(exchange))
    return exchange.status in REFUSALS or is_document(exchange)


def _speaks_of_policy(exchange: Exchange) -> bool:
    return "javascript" in exchange.mime_type and "referrerPolicy" in (exchange.body or "")


def _versions(exchange: Exchange) -> dict[str, LibraryVersion]:
    """The version of the map library that an exchange shows, by page reference."""
    found: dict[str, LibraryVersion] = {}
    for profile in profiles():
        found |= library_versions([exchange], profile)
    return found


def _weight(exchange: Exchange) -> int:
    """Bytes of the body that an exchange holds."""
    return len(exchange.body or "")
