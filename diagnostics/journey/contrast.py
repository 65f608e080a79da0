"""What the same token was answered elsewhere in the capture.

Without the list of allowed URLs this is the only proof there is: the same token answered 200 to
these Referers and 403 to those; a token with any 200 for a request without a Referer is not
restricted, unless that 200 came from a cache.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from diagnostics.capture.exchange import Exchange, Outcome
from diagnostics.capture.request import Request, referer_origin


class Answers(msgspec.Struct):
    """One token's answers: the place of the first of each kind. Keys of the dicts are Referer
    origins; answers from a cache are left out, and so are endpoints that no list governs.
    `admitted_resources` are pairs of Referer origin and resource (`resource_of`)."""

    admitted: dict[str, str] = {}
    admitted_without: str = ""
    refused: dict[str, str] = {}
    refused_without: str = ""
    admitted_resources: set[tuple[str, str]] = msgspec.field(default_factory=set)

    @property
    def shows_restriction(self) -> bool:
        """Whether the token was admitted from somewhere and refused from elsewhere or nowhere."""
        elsewhere = set(self.refused) - set(self.admitted)
        return bool(self.admitted) and bool(self.refused_without or elsewhere)

    @property
    def shows_no_restriction(self) -> bool:
        return bool(self.admitted_without)


def resource_of(path: str) -> str:
    """What a path stands for without the tile: `/styles/v1/acme/style`, `/v4/tileset`."""
    parts = path.split("/")
    return "/".join(parts[:3] if parts[1:2] == ["v4"] else parts[:5])


class Contrast:
    """Every token's answers in one or several captures."""

    def __init__(self) -> None:
        self._by_token: dict[str, Answers] = defaultdict(Answers)

    def add(self, exchange: Exchange, request: Request, token: str, resource: str) -> None:
        """Count one answer of an endpoint that allowed URLs govern."""
        if exchange.outcome is not Outcome.ANSWERED or exchange.via_service_worker:
            return
        if exchange.status is None or exchange.status not in {200, 204, 403}:
            return
        answers = self._by_token[token]
        origin = referer_origin(request.referer)
        admitted = exchange.status != 403
        if origin is not None:
            side = answers.admitted if admitted else answers.refused
            side.setdefault(origin, exchange.where)
            if admitted:
                answers.admitted_resources.add((origin, resource))
        elif request.referer is None and request.headers_final:
            if admitted:
                answers.admitted_without = answers.admitted_without or exchange.where
            else:
                answers.refused_without = answers.refused_without or exchange.where

    def of(self, token: str | None) -> Answers:
        return self._by_token.get(token or "", Answers())
