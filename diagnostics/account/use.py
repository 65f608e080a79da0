"""What did the traffic of a capture ask of each token? Pages, endpoints, scopes. Pure.

The scope of an endpoint is what its documentation names (`provider/mapbox.yaml`); where it names
none or is silent, and for requests that write, that is said and not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from diagnostics.journey.findings import is_public
from diagnostics.journey.traffic import CaptureTraffic, Sighting
from diagnostics.provider.token import Token

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Use(msgspec.Struct):
    """One token as the traffic shows it. `needs` are documented scopes with an endpoint that asks
    for each; `granted` those of which a request succeeded; `unknown` the kinds of request whose
    scope no documentation names; `pages` are public pages, `where` the first request."""

    token: Token
    where: str
    requests: int = 0
    refused: int = 0
    needs: dict[str, str] = {}
    granted: set[str] = msgspec.field(default_factory=set)
    unknown: set[str] = msgspec.field(default_factory=set)
    pages: dict[str, str] = {}

    @property
    def in_production(self) -> bool:
        """Whether a page that others can open uses it."""
        return bool(self.pages)


def uses(traffic: Iterable[CaptureTraffic]) -> list[Use]:
    """Every token of the traffic, once, in the order of its first request."""
    found: dict[str, Use] = {}
    for part in traffic:
        for sighting in part.sightings:
            token = sighting.token
            if token is None or not token.kind:
                continue
            use = found.setdefault(token.id or token.text, Use(token, sighting.exchange.where))
            _count(use, sighting)
    return list(found.values())


def _count(use: Use, sighting: Sighting) -> None:
    use.requests += 1
    use.refused += sighting.refused
    document = sighting.issuer.document
    if document is not None and sighting.request.client.renders_pages and is_public(document):
        use.pages.setdefault(document.url, sighting.exchange.where)
    endpoint = sighting.endpoint
    if endpoint is None:
        use.unknown.add("requests of an unknown kind")
    elif not endpoint.scope_documented:
        use.unknown.add(endpoint.name)
    elif endpoint.scope is not None and sighting.exchange.method.upper() not in _READING:
        use.unknown.add(f"{endpoint.name} ({sighting.exchange.method.upper()})")
    elif endpoint.scope is not None:
        use.needs.setdefault(endpoint.scope, endpoint.name)
        if sighting.exchange.status is not None and 200 <= sighting.exchange.status < 400:
            use.granted.add(endpoint.scope)
