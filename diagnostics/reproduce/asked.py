"""What was asked of the provider, by whom and how: the requests that a ticket has to make again.

The reading of each request (who in the page made it, by what means, under which policy) is the
diagnosis's own; what the capture leaves open is filled with what the verdict took for the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.browser.client import Client
from diagnostics.browser.referrer import Context, Means, Situation
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Capture, Exchange, Outcome
from diagnostics.capture.request import Request
from diagnostics.journey.case import Case
from diagnostics.journey.contrast import resource_of, stored_by_cdn
from diagnostics.journey.diagnose import Verdicts
from diagnostics.journey.hypothesis import destination
from diagnostics.journey.told import Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting, read_traffic
from diagnostics.journey.verdict import Cause, Verdict

#: Requests of one kind that are made again; more of them show nothing new.
_OF_ONE_KIND = 3
_MOST = 90
#: Requests of one kind that are looked at: a capture holds thousands that are alike.
_SAMPLES = 16
_MOST_ASKED = 1500


class Asked(msgspec.Struct, frozen=True, eq=False):
    """One request to the provider: its case, how it was read, and its verdict if refused."""

    part: CaptureTraffic
    case: Case
    situation: Situation | None
    verdict: Verdict | None

    @property
    def exchange(self) -> Exchange:
        return self.case.exchange

    @property
    def request(self) -> Request:
        return self.case.request

    @property
    def client(self) -> Client:
        return self.case.request.client

    @property
    def document(self) -> Document | None:
        return self.case.document

    @property
    def cause(self) -> Cause | None:
        """Why it was refused; None where it was not."""
        return self.verdict.cause if self.verdict is not None else None

    @property
    def path(self) -> str:
        """Its URL's path."""
        return self.case.url.path

    @property
    def dest(self) -> str:
        """What the answer is for, in Fetch's words."""
        return destination(self.exchange, self.request)

    @property
    def by_browser(self) -> bool:
        """Whether a page in a browser asked, or something that looks just like one."""
        return client_key(self.request)[0]

    @property
    def was_sent(self) -> bool:
        """Whether it left the browser: nothing in it stopped the request."""
        return self.exchange.outcome is not Outcome.BLOCKED

    @property
    def stored(self) -> bool:
        """Whether the answer came from a store of the browser's or of the page's worker."""
        exchange = self.exchange
        if exchange.outcome is Outcome.CACHED:
            return True
        return exchange.via_service_worker and self.cause is Cause.CACHED_403

    @property
    def stored_by_cdn(self) -> bool:
        """Whether the answer came from a store between browser and provider."""
        return stored_by_cdn(self.exchange.response_headers) is not None

    @property
    def kind(self) -> str:
        """What it asks for, in a word."""
        return self.case.what

    @property
    def key(self) -> tuple[object, ...]:
        """What makes a request different from others of its page."""
        situation = self.situation
        return (
            self.kind,
            resource_of(self.path),
            self.dest,
            situation
            and (situation.context, situation.means, situation.request_policy, situation.source),
            self.exchange.status,
            self.request.referer is None,
            self.stored,
            self.cause,
        )


class Seen(msgspec.Struct, frozen=True):
    """What the captures show of the provider: their traffic, the requests that count (of each
    kind as many as tell something), how many requests each client sent and which of them were
    refused (by file and index), and by token text the origins that its answers admitted."""

    traffic: list[CaptureTraffic]
    asked: list[Asked]
    sent: dict[object, int]
    refused: dict[object, set[tuple[str, int]]]
    admitted: dict[str, tuple[str, ...]]


def read(captures: Sequence[Capture], told: Told, verdicts: Iterable[Verdict]) -> Seen:
    """Every request to the provider; `verdicts` are those of the same captures."""
    traffic, contrast = read_traffic(captures)
    judged = {(v.file, v.index): v for v in verdicts}
    seen = Seen(traffic, [], {}, {}, {})
    counts: Counter[tuple[object, ...]] = Counter()
    texts = set()
    for part in traffic:
        cases = Verdicts(part, contrast, told, ())
        for sighting in part.sightings:
            if not _counts(sighting):
                continue
            place = (sighting.exchange.source, sighting.exchange.index)
            verdict = judged.get(place)
            client = client_key(sighting.request)
            seen.sent[client] = seen.sent.get(client, 0) + 1
            if verdict is not None:
                seen.refused.setdefault(client, set()).add(place)
            if sighting.token is not None:
                texts.add(sighting.token.text)
            key = _sample_key(sighting, verdict)
            counts[key] += 1
            if counts[key] > _SAMPLES or len(seen.asked) >= _MOST_ASKED:
                continue
            case = cases.case(sighting)
            best = case.reading.best
            seen.asked.append(Asked(part, case, best.situation if best else None, verdict))
    seen.admitted.update({text: tuple(contrast.of(text).admitted) for text in texts})
    return seen


def client_key(request: Request) -> tuple[bool, str]:
    """Which client sent a request: whether it is a browser, and which engine or program."""
    by_browser = request.client.renders_pages or bool(request.mode)
    return by_browser, request.client.engine if by_browser else request.client.title


def _sample_key(sighting: Sighting, verdict: Verdict | None) -> tuple[object, ...]:
    """Requests with the same key are alike in all that a ticket asks about."""
    exchange = sighting.exchange
    return (
        id(sighting.issuer.document),
        sighting.endpoint and sighting.endpoint.name,
        resource_of(sighting.url.path),
        sighting.token and sighting.token.text,
        sighting.request.referer,
        sighting.request.dest,
        exchange.status,
        exchange.outcome,
        verdict and verdict.cause,
    )


def _counts(sighting: Sighting) -> bool:
    """Whether a request bears on the case: the library's files, preflights and icons do not."""
    if sighting.exchange.method == "OPTIONS" or sighting.url.path == "/favicon.ico":
        return False
    return sighting.endpoint is None or sighting.endpoint.token


def few(asked: Iterable[Asked]) -> list[Asked]:
    """The same requests with at most a few of each kind, in their order."""
    seen: dict[tuple[object, ...], set[str]] = {}
    kept = []
    for one in asked:
        urls = seen.setdefault((id(one.document), *one.key), set())
        if one.exchange.url in urls or len(urls) >= _OF_ONE_KIND:
            continue
        urls.add(one.exchange.url)
        kept.append(one)
    return kept[:_MOST]


def is_element(asked: Asked) -> bool:
    """Whether an element of the page asked, as far as the capture shows."""
    if asked.situation is not None and asked.situation.means is Means.ELEMENT:
        return True
    return asked.dest in {"image", "style", "script"}


def context(asked: Asked) -> Context:
    """What in the page asked. Where no reading could tell, the cause does."""
    situation, document = asked.situation, asked.document
    read_as = situation.context if situation is not None else Context.DOCUMENT
    if worker_source(asked):
        return Context.NETWORK_WORKER
    if asked.cause is Cause.WORKER_DROPS_REFERER and read_as is Context.DOCUMENT:
        return Context.BLOB_WORKER_XHR
    if asked.cause is Cause.OPAQUE_ORIGIN and read_as is Context.DOCUMENT:
        return Context.SANDBOXED
    if asked.cause is Cause.STYLESHEET_REFERER:
        return Context.STYLESHEET
    if read_as is Context.SANDBOXED and document is not None and document.origin_is_opaque:
        return Context.DOCUMENT  # the document itself is the sandboxed one
    return read_as


def worker_source(asked: Asked) -> str:
    """The script of the network worker that asked, "" for none: as the reading has it, or as the
    exporter says (Chrome's export gives a worker's requests no page)."""
    situation, exchange, document = asked.situation, asked.exchange, asked.document
    if situation is not None and situation.context is Context.NETWORK_WORKER:
        return situation.source
    if document is None or document.exchange is None or not document.exchange.page_ref:
        return ""
    if exchange.page_ref or not exchange.initiator.urls or asked.dest not in {"", "empty"}:
        return ""
    page, markup = urls.parse(document.url), document.markup
    named = {script.url for script in markup.scripts} if markup is not None else set()
    for script in asked.case.issuer.worker_scripts:
        url = urls.parse(script.url)
        if page and url and urls.same_origin(page, url) and script.url not in named:
            return script.url  # workers are of their page's origin (HTML, "new Worker")
    return ""


def policy_is_unread(asked: Asked) -> bool:
    """Whether a policy is the reason that the capture does not show."""
    if asked.cause is not Cause.REFERRER_POLICY_BLOCKS:
        return False
    best = asked.case.reading.best
    return best is None or best.prediction.referer is not None
