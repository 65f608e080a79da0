"""Diagnosis while traffic is still coming: verdicts at once, revised when evidence changes them.

The live addon feeds it exchanges one by one; it keeps the newest ones only, so that its memory
does not grow with the length of a session. Pure: it holds values and touches nothing outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from diagnostics.capture.document import is_document
from diagnostics.capture.exchange import Capture, Exchange
from diagnostics.journey.contrast import Contrast
from diagnostics.journey.diagnose import Verdicts, report_on
from diagnostics.journey.told import Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting, count
from diagnostics.journey.verdict import Verdict
from diagnostics.provider.profile import profiles
from diagnostics.report.model import Report
from diagnostics.report.redaction import redact

#: How many exchanges that bear on a diagnosis are kept where nobody says otherwise.
DEFAULT_LIMIT = 2000

#: Media types of what a page is made of and what can make requests in it.
_BEARING = ("text/html", "application/xhtml", "text/css", "javascript")
_KEPT_PAGES = 100


class LiveDiagnosis:
    """The newest `limit` exchanges that bear on a diagnosis, and the verdicts on the refused ones.

    `blind_spots` are sentences for the report. Exchanges are known by their `index`, which must
    be unique; `add` gives the verdict on a refused one, and `revised` what changed since.
    """

    def __init__(
        self,
        told: Told = Told(),  # noqa: B008 (immutable)
        limit: int = DEFAULT_LIMIT,
        blind_spots: Sequence[str] = (),
        name: str = "live capture",
    ) -> None:
        self.limit = limit
        self._told = told
        self._empty = Capture(
            name, "mitmproxy", (), blind_spots=tuple(blind_spots), on_the_wire=True
        )
        self._verdicts: dict[int, Verdict] = {}
        self._changed = False
        self._start([])

    def _start(self, exchanges: Sequence[Exchange]) -> None:
        """Begin anew with these exchanges, as if they had just come."""
        self._traffic = CaptureTraffic(self._empty)
        self._contrast = Contrast()
        self._judge = Verdicts(self._traffic, self._contrast, self._told, ())
        for exchange in exchanges:
            self._take(exchange)

    def _take(self, exchange: Exchange) -> Sighting | None:
        sighting = self._traffic.add(exchange)
        if sighting is not None:
            count(self._contrast, sighting)
        return sighting

    @property
    def told(self) -> Told:
        return self._told

    def tell(self, told: Told) -> None:
        """Let every verdict be judged by this from now on; `revised` gives those that change."""
        self._told = told
        self._judge = Verdicts(self._traffic, self._contrast, told, ())
        self._changed = True

    def add(self, exchange: Exchange) -> Verdict | None:
        """Take one more exchange; the verdict on it if a provider refused it, redacted."""
        if not bears(exchange):
            return None
        if len(self._traffic.exchanges) >= 2 * self.limit:
            self._forget()
        sighting = self._take(exchange)
        self._changed = True
        if sighting is None or not sighting.refused:
            return None
        # What came since may change what the stages say, so nothing judged before is reused.
        self._judge = Verdicts(self._traffic, self._contrast, self._told, ())
        verdict = self._redacted(self._judge.of(sighting))
        self._verdicts[exchange.index] = verdict
        return verdict

    def _forget(self) -> None:
        """Keep the newest exchanges, and the newest pages besides, which are few and say much."""
        newest = self._traffic.exchanges[-self.limit :]
        older = self._traffic.exchanges[: -self.limit]
        pages = [exchange for exchange in older if is_document(exchange)][-_KEPT_PAGES:]
        self._start([*pages, *newest])
        known = {s.exchange.index for s in self._traffic.sightings}
        self._verdicts = {i: verdict for i, verdict in self._verdicts.items() if i in known}

    def revised(self) -> Iterator[Verdict]:
        """Judge every refusal that is kept again, and give the verdicts that are no longer the
        same as before."""
        if not self._changed:
            return
        self._changed = False
        self._judge = Verdicts(self._traffic, self._contrast, self._told, ())
        for sighting in self._traffic.sightings:
            if sighting.refused:
                verdict = self._redacted(self._judge.of(sighting))
                if self._verdicts.get(sighting.exchange.index) != verdict:
                    self._verdicts[sighting.exchange.index] = verdict
                    yield verdict

    def verdict(self, index: int) -> Verdict | None:
        """The newest verdict on one exchange; None where it was not refused or is forgotten."""
        return self._verdicts.get(index)

    def report(self) -> Report:
        """The report on what is kept, redacted."""
        judge = Verdicts(self._traffic, self._contrast, self._told, ())
        return report_on([self._traffic], self._contrast, self._told, list(judge.all()))

    def _redacted(self, verdict: Verdict) -> Verdict:
        return redact(verdict, {s.token.text for s in self._traffic.sightings[-1:] if s.token})


def bears(exchange: Exchange) -> bool:
    """Whether an exchange can bear on a diagnosis: a provider's, a redirect, or what a page is
    made of. Everything else need not be kept."""
    return (
        any(host in exchange.url for host in _hosts())
        or bool(exchange.redirect_url)
        or any(kind in exchange.mime_type for kind in _BEARING)
    )


def _hosts() -> tuple[str, ...]:
    return tuple(host.lstrip(".") for profile in profiles() for host in profile.hosts)
