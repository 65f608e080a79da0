"""What the same token was answered elsewhere in the capture.

Without the list of allowed URLs this is the only proof there is: the same token answered 200 to
these Referers and 403 to those; a token with any 200 for a request without a Referer is not
restricted, unless that 200 came from a cache.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from diagnostics.capture.exchange import Exchange, Headers, Outcome
from diagnostics.capture.request import Request, referer_origin
from diagnostics.provider.profile import Profile
from diagnostics.provider.token import Token


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

    def admit(self, resource: str) -> bool:
        """Whether this very resource was answered 200 to some Referer."""
        return any(admitted == resource for _, admitted in self.admitted_resources)

    @property
    def shows_no_restriction(self) -> bool:
        return bool(self.admitted_without)


def resource_of(path: str) -> str:
    """What a path stands for without the tile: `/styles/v1/acme/style`, `/v4/tileset`."""
    parts = path.split("/")
    return "/".join(parts[:3] if parts[1:2] == ["v4"] else parts[:5])


def foreign_owner(profile: Profile, token: Token | None, path: str) -> str | None:
    """The account whose resource a path names, where it is another one than the token's and not
    the provider's own."""
    owner, account = profile.owner(path), token.account if token is not None else None
    if owner and account and owner != account and owner not in profile.public_owners:
        return owner
    return None


def stored_by_cdn(headers: Headers) -> str | None:
    """The response header that shows an answer which a CDN had stored for an earlier request
    (RFC 9111, 5.1: Age; CloudFront: X-Cache), None for none."""
    hit = next((v for v in headers.all("x-cache") if v.lower().startswith("hit")), None)
    if hit:
        return f"X-Cache: {hit}"
    age = headers.get("age") or ""
    return f"Age: {age[:12]}" if age.isascii() and age.isdigit() and age.strip("0") else None


class Contrast:
    """Every token's answers in one or several captures."""

    def __init__(self) -> None:
        self._by_token: dict[str, Answers] = defaultdict(Answers)

    def add(
        self, exchange: Exchange, request: Request, token: Token, path: str, profile: Profile
    ) -> None:
        """Count one answer of an endpoint that allowed URLs govern. Left out is what says nothing
        about the list: answers from a store, refusals for another reason."""
        if exchange.outcome is not Outcome.ANSWERED or exchange.via_service_worker:
            return
        if exchange.status is None or exchange.status not in {200, 204, 403}:
            return
        answers = self._by_token[token.text]
        origin = referer_origin(request.referer)
        if exchange.status == 403:
            if origin in answers.refused or (origin is None and answers.refused_without):
                return
            if foreign_owner(profile, token, path) or _says_why(exchange, profile):
                return
            if origin is not None:
                answers.refused[origin] = exchange.where
            elif request.referer is None and request.headers_final:
                answers.refused_without = exchange.where
        elif origin is not None:
            resource = (origin, resource_of(path))
            if resource not in answers.admitted_resources and not _stored(exchange):
                answers.admitted.setdefault(origin, exchange.where)
                answers.admitted_resources.add(resource)
        elif (
            request.referer is None
            and request.headers_final
            and not answers.admitted_without
            and not _stored(exchange)
        ):
            answers.admitted_without = exchange.where

    def of(self, token: str | None) -> Answers:
        return self._by_token.get(token or "", Answers())


def _stored(exchange: Exchange) -> bool:
    return stored_by_cdn(exchange.response_headers) is not None


def _says_why(exchange: Exchange, profile: Profile) -> bool:
    """Whether the body of a refusal names a reason that has nothing to do with the list."""
    known = profile.error(403, exchange.body or "")
    return known is not None and known[0].settles is not None
