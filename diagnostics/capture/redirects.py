"""Which redirects led to a request? Captures list each hop as an entry of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Hop
from diagnostics.browser.referrer_policy import parse_header
from diagnostics.capture.exchange import Exchange

#: Fetch, "HTTP-redirect fetch": after this many a browser gives up.
_MOST = 20


def is_redirect(exchange: Exchange) -> bool:
    """Whether the answer sent the browser elsewhere. Exporters copy every Location, also that of
    a 201, which names what was made (RFC 9110, 10.2.2)."""
    status = exchange.status
    return bool(exchange.redirect_url) and (status is None or 300 <= status <= 399)


class Redirects:
    """The redirects of one capture, each with the request that followed it."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._before: dict[int, Exchange] = {}
        exchanges = tuple(exchanges)
        if not any(map(is_redirect, exchanges)):
            return
        waiting: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in sorted(exchanges, key=_order):
            if redirects := waiting.get(_address(exchange.url)):
                self._before[exchange.index] = redirects.pop()
            if is_redirect(exchange):
                target = urls.join(exchange.url, exchange.redirect_url)
                waiting[_address(target or exchange.redirect_url)].append(exchange)

    def hops(self, exchange: Exchange) -> tuple[tuple[Hop, ...], str]:
        """The redirects before an exchange, in order, and the URL that was asked for first."""
        hops: list[Hop] = []
        while len(hops) < _MOST and (before := self._before.get(exchange.index)):
            policy = parse_header(before.response_headers.all("referrer-policy")).policy
            hops.append(Hop(before.url, policy))
            exchange = before
        return tuple(reversed(hops)), exchange.url


def _order(exchange: Exchange) -> tuple[float, int]:
    """By time, and by place in the file where times are equal; without a time by place alone."""
    return (exchange.started or 0.0, exchange.index)


def _address(url: str) -> str:
    return url.partition("#")[0]
