"""From captures to a report: the program's one question, answered. Pure: values in, values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.capture.exchange import Capture
from diagnostics.capture.issuer import Issuer
from diagnostics.journey import checklist, findings, fixes, hypothesis, redactions, rivals
from diagnostics.journey.case import Case, Reading
from diagnostics.journey.contrast import Contrast, resource_of, stored_by_cdn
from diagnostics.journey.hypothesis import is_bare
from diagnostics.journey.page import page_url
from diagnostics.journey.told import Told
from diagnostics.journey.traffic import CaptureTraffic, Sighting, read_traffic
from diagnostics.journey.verdict import Cause, Evidence, Verdict
from diagnostics.journey.walk import walk
from diagnostics.journey.whatif import Change
from diagnostics.report.model import SCHEMA, CaptureSummary, Report, Summary
from diagnostics.report.redaction import redact


def diagnose(
    captures: Sequence[Capture],
    told: Told = Told(),  # noqa: B008 (immutable)
    what_if: Sequence[Change] = (),
    *,
    show_secrets: bool = False,
) -> Report:
    """Why each refused request of these captures was refused.

    `told` is what the user knows about the tokens; `what_if` are changes to try on every refused
    request, whose effect is the first of its fixes. Secrets are redacted unless asked for.
    """
    traffic, contrast = read_traffic(captures)
    verdicts: list[Verdict] = []
    for part in traffic:
        verdicts += Verdicts(part, contrast, told, what_if).all()
    return report_on(traffic, contrast, told, verdicts, show_secrets=show_secrets)


def report_on(
    traffic: Sequence[CaptureTraffic],
    contrast: Contrast,
    told: Told,
    verdicts: Sequence[Verdict],
    *,
    show_secrets: bool = False,
) -> Report:
    """The report on traffic whose verdicts are known: with counts, checklist and findings."""
    found = findings.find(traffic, contrast, told, verdicts)
    causes = Counter(verdict.cause for verdict in verdicts)
    report = Report(
        schema=SCHEMA,
        capture=_summary(traffic),
        summary=Summary(
            provider_requests=sum(len(part.sightings) for part in traffic),
            refused=len(verdicts),
            explained=len(verdicts) - causes[Cause.UNEXPLAINED],
            by_cause=dict(causes.most_common()),
        ),
        verdicts=tuple(verdicts),
        checklist=checklist.check(traffic, told, verdicts, found),
        findings=found,
    )
    return report if show_secrets else redact(report, _tokens(traffic))


def _tokens(traffic: Sequence[CaptureTraffic]) -> set[str]:
    return {s.token.text for part in traffic for s in part.sightings if s.token is not None}


def _summary(traffic: Sequence[CaptureTraffic]) -> CaptureSummary:
    captures = [part.capture for part in traffic]
    spots: dict[str, None] = {}
    for part in traffic:
        for spot in (*part.capture.blind_spots, *redactions.costs(part), *_missing(part)):
            spots.setdefault(spot)
    return CaptureSummary(
        files=tuple(capture.file for capture in captures),
        exporter=", ".join(dict.fromkeys(capture.exporter for capture in captures)),
        exchanges=sum(len(part.exchanges) for part in traffic),
        skipped=tuple(skip for capture in captures for skip in capture.skipped),
        blind_spots=tuple(spots),
    )


def _missing(part: CaptureTraffic) -> Iterable[str]:
    """What this very capture lacks, besides what its exporter never shows."""
    browsers = [s for s in part.sightings if s.request.client.renders_pages]
    if not browsers:
        return
    if not part.issuers.documents:
        yield (
            f"{part.capture.file} holds no HTML document, so the page's Referrer-Policy and"
            " Content-Security-Policy could not be read: record from the page's load, without a"
            " filter."
        )
    elif any(d.markup is None for d in part.issuers.documents if d.parent is None):
        yield (
            f"{part.capture.file} holds a document without its markup: a <meta name=referrer>"
            " could not be read."
        )
    engines = {s.request.client.title for s in browsers if not s.request.client.is_measured}
    for title in sorted(engines):
        yield f"The Referer of {title} was not measured; the specification is assumed."


class Verdicts:
    """Verdicts of one capture. Requests that differ in nothing that a stage looks at share one
    walk, so that cost grows with the kinds of refusal and not with their number."""

    def __init__(
        self,
        part: CaptureTraffic,
        contrast: Contrast,
        told: Told,
        what_if: Sequence[Change],
        self_test: str = "",
    ) -> None:
        self._part = part
        self._contrast = contrast
        self._told = told
        self._what_if = what_if
        self._self_test = self_test
        self._known: dict[tuple[object, ...], tuple[str, Verdict]] = {}

    def all(self) -> Iterable[Verdict]:
        for sighting in self._part.sightings:
            if sighting.refused:
                yield self.of(sighting)

    def of(self, sighting: Sighting) -> Verdict:
        """The verdict on one refused request."""
        exchange = sighting.exchange
        key = self._key(sighting)
        like = self._known.get(key)
        if like is None:
            verdict = self._judge(sighting)
            self._known[key] = (exchange.where, verdict)
            return verdict
        where, verdict = like
        return msgspec.structs.replace(
            verdict,
            index=exchange.index,
            method=exchange.method,
            url=exchange.url,
            evidence=_moved(verdict.evidence, where, exchange.where),
        )

    def case(self, sighting: Sighting) -> Case:
        """One request with all that bears on it, as the stages are asked about it."""
        exchange, token = sighting.exchange, sighting.token
        issuer, reading, sure = self._issuer(sighting)
        return Case(
            exchange=exchange,
            url=sighting.url,
            request=sighting.request,
            issuer=issuer,
            profile=sighting.profile,
            endpoint=sighting.endpoint,
            token=token,
            allowed=self._told.about(token),
            answers=self._contrast.of(token.text if token else None),
            reading=reading,
            library=self._part.library(exchange),
            page_sends=self._part.page_sends(issuer.document),
            page_is_sure=sure,
            self_test=self._self_test,
        )

    def _judge(self, sighting: Sighting) -> Verdict:
        exchange, case = sighting.exchange, self.case(sighting)
        outcome = walk(case)
        proposed = fixes.propose(case, outcome.cause)
        if self._what_if:
            proposed = (fixes.user_fix(case, self._what_if), *proposed)
        return Verdict(
            file=exchange.source,
            index=exchange.index,
            method=exchange.method,
            url=exchange.url,
            status=exchange.status or 0,
            provider=sighting.profile.name,
            page=page_url(case),
            referer=sighting.request.referer,
            cause=outcome.cause,
            confidence=outcome.confidence,
            because=outcome.because,
            evidence=outcome.evidence,
            alternatives=outcome.alternatives,
            journey=outcome.journey,
            fixes=proposed,
        )

    def _issuer(self, sighting: Sighting) -> tuple[Issuer, Reading, bool]:
        """Who issued the request and how, and whether that is sure: where the document that the
        capture names would have sent another Referer, one beside it that would have sent just
        this is the likelier one."""
        others = self._rivals(sighting)
        reading = self._read(sighting, sighting.issuer)
        if reading.agreement == "none":
            for document in others.near:
                issuer = msgspec.structs.replace(
                    sighting.issuer, document=document, known_by="what it would have sent"
                )
                other = self._read(sighting, issuer)
                if other.agreement == "exact":
                    return issuer, other, False
        return sighting.issuer, reading, others.sure

    def _rivals(self, sighting: Sighting) -> rivals.Rivals:
        documents = self._part.issuers.documents
        return rivals.find(sighting.exchange, sighting.request, sighting.issuer, documents)

    def _read(self, sighting: Sighting, issuer: Issuer) -> Reading:
        return hypothesis.read(
            sighting.exchange,
            sighting.request,
            issuer,
            sighting.profile,
            sighting.endpoint,
            self._part.scripts(issuer.document, sighting.exchange),
            self._part.page_sends(issuer.document),
        )

    def _key(self, sighting: Sighting) -> tuple[object, ...]:
        """All that the stages look at in one request."""
        exchange, url, issuer = sighting.exchange, sighting.url, sighting.issuer
        headers = exchange.response_headers
        document, token = issuer.document, sighting.token
        markup = document.markup if document else None
        named = markup is not None and any(
            attribute.url in (exchange.url, issuer.first_url)
            for attribute in markup.referrer_attributes
        )
        expires = token.expires if token is not None else None
        return (
            id(issuer),
            self._rivals(sighting).key,
            sighting.request,
            exchange.request_headers.get("user-agent"),
            is_bare(exchange, sighting.request),
            exchange.initiator,
            exchange.page_ref,
            exchange.resource_type,
            exchange.status,
            exchange.outcome,
            exchange.via_service_worker,
            token and token.text,
            expires is not None and exchange.started is not None and expires < exchange.started,
            sighting.endpoint and sighting.endpoint.name,
            sighting.profile.owner(url.path),
            resource_of(url.path),
            url.scheme,
            url.host,
            exchange.body,
            stored_by_cdn(headers),
            headers.get("content-length"),
            exchange.url if named or sighting.request.referer == exchange.url else "",
        )


def _moved(evidence: tuple[Evidence, ...], old: str, new: str) -> tuple[Evidence, ...]:
    """The same evidence at another entry of the capture."""
    return tuple(
        Evidence(item.says, new + item.where[len(old) :])
        if item.where == old or item.where.startswith(old + ",")
        else item
        for item in evidence
    )
