"""What an emulated Tokens API answers: an account and a request in, a response out.

Source: Tokens API documentation (https://docs.mapbox.com/api/accounts/tokens/): the list call with
its parameters `default`, `limit`, `sortby`, `start` and `usage`, paging by a `Link` header with
rel="next", 401 `Unauthorized`, 404 `Not found` for a missing scope, 404 `No such user`, 422 without
a token, 500 for a bad `start`, secret items without `token`, unrestricted ones without
`allowedUrls`. Rate limit headers: https://docs.mapbox.com/api/guides/#rate-limit-headers. Not
documented, and chosen here: how many items a page has where no `limit` is given, that a limit
beyond 100 counts as 100, and that a secret token with allowed URLs is refused with the 403 that
other services give.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Pairs
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.emulated import Reply, Request, refusal
from diagnostics.provider.token import encode

LARGEST_PAGE = 100
#: Requests a minute and account.
LIMIT = 100
_LIST = re.compile(r"/tokens/v2/([^/]+)")


class Held(msgspec.Struct, frozen=True):
    """A token as the account holds it."""

    id: str
    usage: str = "pk"
    default: bool = False
    note: str | None = None
    scopes: Sequence[str] = ()
    allowed: Sequence[str] = ()
    created: str = "2024-01-01T00:00:00.000Z"
    modified: str = "2024-01-01T00:00:00.000Z"

    def text(self, account: str) -> str:
        return encode(self.usage, {"u": account, "a": self.id})


class Account(msgspec.Struct, frozen=True):
    """An account with its tokens, in the order of their creation."""

    name: str
    tokens: Sequence[Held]

    def holding(self, text: str) -> Held | None:
        """The token with this text."""
        return next((held for held in self.tokens if held.text(self.name) == text), None)


def answer(request: Request, account: Account, *, sent: int = 0, resets_at: int = 0) -> Reply:
    """The Tokens API's answer. `sent` is how many requests came before within this minute, which
    ends at `resets_at` (seconds since the epoch)."""
    url = urls.parse(request.url)
    found = _LIST.fullmatch(url.path) if url else None
    if url is None or found is None or request.method != "GET":
        return refusal(404, "Not found")
    query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    text = query.get("access_token", "")
    if not text:
        return refusal(422, "access token is required")
    held = account.holding(text)
    if held is None:
        return refusal(401, "Unauthorized")
    if sent >= LIMIT:
        reply = refusal(429, "Too Many Requests")
        return Reply(429, (*reply.headers, *_limit_headers(resets_at)), reply.body)
    referer = request.headers.get("referer")
    if decide(mapbox, referer, held.allowed).decision is not Decision.ALLOWED:
        return refusal(403, "Forbidden")
    if "tokens:read" not in held.scopes:
        return refusal(404, "Not found")
    if urllib.parse.unquote(found[1]) != account.name:
        return refusal(404, "No such user")
    return _listing(account, f"{url.origin}{url.path}", query, resets_at)


def _listing(account: Account, address: str, query: Mapping[str, str], resets_at: int) -> Reply:
    tokens = list(account.tokens)
    if query.get("sortby") in {"created", "modified"}:
        tokens.sort(key=lambda held: str(getattr(held, query["sortby"])))
    usage, default = query.get("usage"), query.get("default")
    if usage is not None and usage not in {"pk", "sk"}:
        return refusal(422, "usage must be pk or sk")
    tokens = [held for held in tokens if usage in {None, held.usage}]
    if default in {"true", "false"}:
        tokens = [held for held in tokens if held.default is (default == "true")]
    if "start" in query:
        places = [place for place, held in enumerate(tokens) if held.id == query["start"]]
        if not places:
            return refusal(500, "Internal Server Error")
        tokens = tokens[places[0] + 1 :]
    asked = query.get("limit", "")
    limit = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else LARGEST_PAGE
    page = tokens[: max(1, min(limit, LARGEST_PAGE))]
    headers: Pairs = (
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "no-cache"),
        *_limit_headers(resets_at),
    )
    if len(tokens) > len(page):
        kept = {name: query[name] for name in ("default", "limit", "sortby", "usage")
                if name in query}  # fmt: skip
        more = urllib.parse.urlencode({**kept, "start": page[-1].id})
        headers = (*headers, ("link", f'<{address}?{more}>; rel="next"'))
    return Reply(200, headers, msgspec.json.encode([_item(account, held) for held in page]))


def _item(account: Account, held: Held) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": held.id,
        "usage": held.usage,
        "client": "api",
        "default": held.default,
        "scopes": list(held.scopes),
        "note": held.note,
        "created": held.created,
        "modified": held.modified,
    }
    if held.allowed:
        item["allowedUrls"] = list(held.allowed)
    if held.usage != "sk":
        item["token"] = held.text(account.name)
    return item


def _limit_headers(resets_at: int) -> Pairs:
    return (
        ("x-rate-limit-interval", "60"),
        ("x-rate-limit-limit", str(LIMIT)),
        ("x-rate-limit-reset", str(resets_at)),
    )
