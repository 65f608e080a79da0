"""Which redirects led to a request? Captures list each hop as an entry of its own."""

from __future__ import annotations

import bisect
from collections import defaultdict

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Hop
from diagnostics.browser.referrer_policy import parse_header
from diagnostics.capture.exchange import Exchange

#: Fetch, "HTTP-redirect fetch": after this many a browser gives up.
_MOST = 20
#: A request for the same address later than this (in seconds) is another one.
_LATEST = 60.0


def is_redirect(exchange: Exchange) -> bool:
    """Whether the answer sent the browser elsewhere. Exporters copy every Location, also that of
    a 201, which names what was made (RFC 9110, 10.2.2)."""
    status = exchange.status
    return bool(exchange.redirect_url) and (status is None or 300 <= status <= 399)


def with_policy(exchange: Exchange) -> Hop:
    """An exchange's URL with the Referrer-Policy of its answer."""
    policy = parse_header(exchange.response_headers.all("referrer-policy")).policy
    return Hop(exchange.url, policy)


class Redirects:
    """The redirects of one capture by where they lead, in order of time."""

    def __init__(self) -> None:
        self._to: dict[str, list[Exchange]] = defaultdict(list)

    def add(self, redirect: Exchange) -> None:
        target = urls.join(redirect.url, redirect.redirect_url) or redirect.redirect_url
        bisect.insort(self._to[_address(target)], redirect, key=_order)

    def led_to(self, url: str) -> bool:
        """Whether any redirect leads to this address."""
        return _address(url) in self._to

    def hops(self, exchange: Exchange) -> tuple[tuple[Hop, ...], str]:
        """The redirects before an exchange, in order, and the URL that was asked for first."""
        hops: list[Hop] = []
        while len(hops) < _MOST and (before := self._before(exchange)) is not None:
            hops.append(with_policy(before))
            exchange = before
        return tuple(reversed(hops)), exchange.url

    def _before(self, exchange: Exchange) -> Exchange | None:
        """The last redirect to an exchange's address before it."""
        redirects = self._to.get(_address(exchange.url))
        if not redirects:
            return None
        place = bisect.bisect_left(redirects, _order(exchange), key=_order)
        if place == 0:
            return None
        last = redirects[place - 1]
        if last.page_ref and exchange.page_ref and last.page_ref != exchange.page_ref:
            return None
        too_late = (
            last.started is not None
            and exchange.started is not None
            and exchange.started - last.started > _LATEST
        )
        return None if too_late else last


def _order(exchange: Exchange) -> tuple[float, int]:
    """By time, and by place in the file where times are equal; without a time by place alone."""
    return (exchange.started or 0.0, exchange.index)


def _address(url: str) -> str:
    return url.partition("#")[0]
