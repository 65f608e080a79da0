"""Which tokens does an account hold? Asks the Tokens API, page by page, with a secret token.

Source: Tokens API documentation (https://docs.mapbox.com/api/accounts/tokens/): list call, its
errors (404 for a missing scope) and limit; https://docs.mapbox.com/api/guides/#pagination for the
`Link` header and #rate-limit-headers for `X-Rate-Limit-Reset`, a Unix time. RFC 9110, 10.2.3
(Retry-After), RFC 8288 (Link).
"""

from __future__ import annotations

import email.utils
import re
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import msgspec

from diagnostics.account.service import Response, Service, ServiceError
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Headers
from diagnostics.errors import InputError
from diagnostics.provider.token import Token, decode

PAGE = 100
_MOST_PAGES = 1_000
_MOST_WAITS = 5
_LONGEST_WAIT = 120.0
_WAIT_WITHOUT_A_WORD = 10.0
_ACCOUNT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_LINK = re.compile(r"<([^<>]*)>\s*((?:;[^,<]*)?)")
_NEXT = re.compile(
    r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=\s|;|$))', re.IGNORECASE
)

#: One item of the list, as the service wrote it.
Item = dict[str, Any]


def readable_secret(text: str) -> Token:
    """The secret token, decoded. Raises InputError, without the token, for one that cannot list
    tokens or names no account."""
    token = decode(text)
    if token.kind == "pk":
        raise InputError(
            "This is a public token, which cannot have the scope tokens:read. Listing tokens takes"
            " a secret token (sk.…) with that scope."
        )
    if not token.kind or token.malformed or token.account is None:
        raise InputError(
            f"This is no secret token: it {(token.malformed or 'names no account').rstrip('.')}."
        )
    if not _ACCOUNT.fullmatch(token.account):
        raise InputError("This is no secret token of Mapbox: its account name is no name.")
    return token


def list_tokens(
    service: Service,
    secret: Token,
    says: Callable[[str], None],
    *,
    page: int = PAGE,
    wait: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> list[Item]:
    """Every token of the secret token's account, as the service lists them, each once.

    `says` is told each request before it is sent and each wait, without the secret. Raises
    ServiceError, whose message says what to do, for anything but complete pages.
    """
    path = f"/tokens/v2/{urllib.parse.quote(secret.account or '', safe='')}"
    items: dict[str, Item] = {}
    query = urllib.parse.urlencode({"limit": page})
    asked: set[str] = set()
    while query not in asked and len(asked) < _MOST_PAGES:
        asked.add(query)
        response = _ask(service, f"{path}?{query}", secret, says, wait, now)
        found = _items(response, service)
        before = len(items)
        for item in found:
            items.setdefault(item["id"], item)
        following = _next_query(response.headers, service.origin, path, query)
        if following is None:
            return list(items.values())
        if len(items) == before:
            raise ServiceError(
                f"{service.origin} repeats a page of the list; it was not read whole."
            )
        query = following
    raise ServiceError(f"{service.origin} lists pages without end; the list was not read whole.")


def _ask(
    service: Service,
    target: str,
    secret: Token,
    says: Callable[[str], None],
    wait: Callable[[float], None],
    now: Callable[[], float],
) -> Response:
    for _ in range(_MOST_WAITS):
        says(f"GET {service.origin}{target}&access_token={secret.shown}")
        response = service.get(f"{target}&access_token={urllib.parse.quote(secret.text, safe='')}")
        if response.status != 429:
            return response
        seconds = _wait_for(response.headers, now())
        if seconds > _LONGEST_WAIT:
            raise ServiceError(
                f"{service.origin} answered 429 (too many requests) and asks to wait {seconds:.0f}"
                " seconds; run the command again then."
            )
        says(f"Too many requests; waiting {seconds:.0f} s as {service.origin} asks.")
        wait(seconds)
    raise ServiceError(f"{service.origin} still answers 429 (too many requests); try again later.")


def _wait_for(headers: Headers, now: float) -> float:
    """The seconds to wait: what Retry-After says (seconds or a date), else until the interval of
    the rate limit ends, with a second for clocks that differ; never less than one."""
    text = (headers.get("retry-after") or "").strip()
    if _is_number(text):
        return max(1.0, float(text))
    if text:
        try:
            return max(1.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
        except (ValueError, OverflowError, OSError):
            pass
    reset = (headers.get("x-rate-limit-reset") or "").strip()
    if _is_number(reset):
        return max(1.0, float(reset) - now + 1)
    return _WAIT_WITHOUT_A_WORD


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _items(response: Response, service: Service) -> list[Item]:
    if response.status != 200:
        raise ServiceError(_why(response, service))
    try:
        found = msgspec.json.decode(response.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ServiceError(
            f"{service.origin} answered 200 with something that is not JSON: this is not the Tokens"
            " API, or something between here and there answers in its place."
        ) from None
    if not isinstance(found, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in found
    ):
        raise ServiceError(f"{service.origin} answered 200 with JSON that is no list of tokens.")
    return found


def _why(response: Response, service: Service) -> str:
    """What a status means and what to do about it."""
    status, said = response.status, f"{service.origin} answered {response.status}"
    if 300 <= status < 400:
        return f"{said}, a redirect. It was not followed: the secret token goes to no other host."
    if status == 401:
        return f"{said}: the secret token is not valid. It was mistyped, deleted or has expired."
    if status == 403:
        return (
            f"{said}: the secret token may not list tokens. It needs the scope tokens:read and no"
            " allowed URLs of its own."
        )
    if status == 404:
        return (
            f"{said}: the secret token lacks the scope tokens:read (the Tokens API answers 404"
            " then), or its account is gone. Make one with that scope on the account's tokens page."
        )
    if status >= 500:
        return f"{said}: the service has a fault; try again later."
    return f"{said}, which the Tokens API's documentation does not explain."


def _next_query(headers: Headers, origin: str, path: str, query: str) -> str | None:
    """The query of the next page, without a token; None on the last page.

    Raises ServiceError where the link leads anywhere but to the same list.
    """
    for value in headers.all("link"):
        for target, parameters in _LINK.findall(value):
            if _NEXT.search(parameters):
                return _query_of(target, origin, path, query)
    return None


def _query_of(target: str, origin: str, path: str, query: str) -> str:
    address = urls.join(f"{origin}{path}?{query}", target)
    url = urls.parse(address) if address else None
    if url is None or url.origin != origin or url.path != path:
        raise ServiceError(
            f"{origin} names a next page at another address; it was not asked, because the secret"
            " token goes to no other."
        )
    fields = urllib.parse.parse_qsl(url.query, keep_blank_values=True)
    return urllib.parse.urlencode([(name, text) for name, text in fields if name != "access_token"])
