"""What it costs the diagnosis of a capture that another tool took values out of it."""

from __future__ import annotations

from collections.abc import Iterable

from diagnostics.capture.redacted import cost, is_redacted
from diagnostics.journey.traffic import CaptureTraffic
from diagnostics.report.wording import counted


def costs(part: CaptureTraffic) -> Iterable[str]:
    """A sentence for each kind of value that requests to providers, their answers and the pages
    lack because a tool has put its own word there."""
    sightings, documents = part.sightings, part.issuers.documents
    referers = sum(is_redacted(s.exchange.request_headers.get("referer")) for s in sightings)
    if referers:
        yield cost("referer", requests=counted(referers, "request"))
    tokens = sum(s.token is not None and is_redacted(s.token.text) for s in sightings)
    if tokens:
        yield cost("token", requests=counted(tokens, "request"))
    bodies = sum(s.refused and is_redacted(s.exchange.body) for s in sightings)
    if bodies:
        yield cost("body", answers=counted(bodies, "refusal"))
    pages = sum(d.exchange is not None and is_redacted(d.exchange.body) for d in documents)
    if pages:
        yield cost("document", documents=counted(pages, "document"))
    policies = sum(is_redacted(d.headers.get("referrer-policy")) for d in documents)
    if policies:
        yield cost("policy", documents=counted(policies, "document"))
