"""Which is the smallest list of allowed URLs that admits these Referers?

One entry a host, with its port where that is neither 80 nor 443; none where the entry of a domain
above it, which was seen itself, covers it already. No scheme, so that the list stays right where
a page moves to https; no path, because browsers send other sites only the origin; no wildcard and
no domain that was not seen, which would admit more than the traffic needs.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from diagnostics.browser import url as urls
from diagnostics.journey.proposal import host_entry
from diagnostics.provider.allowed_urls import Dialect, EntryResult


class SmallestList(msgspec.Struct, frozen=True):
    """`entries` admit every Referer but those of `impossible`, which no entry is documented to
    admit: IP addresses, and what is no web address. Without any of them the list admits less."""

    entries: tuple[str, ...]
    impossible: tuple[str, ...]


def smallest_list(rules: Dialect, referers: Iterable[str]) -> SmallestList:
    """The list for these Referers, its entries in the order in which they were first needed.

    Takes time linear in the Referers; each is asked against the provider's own rules.
    """
    needed: dict[str, list[str]] = {}
    impossible: dict[str, None] = {}
    for referer in dict.fromkeys(referers):
        entry = host_entry(referer)
        if entry is not None and rules.match(referer, entry).result is EntryResult.MATCH:
            needed.setdefault(entry, []).append(referer)
        else:
            impossible[referer] = None
    kept = [
        entry
        for entry, own in needed.items()
        if not any(_admits_all(rules, above, own) for above in _above(entry) if above in needed)
    ]
    return SmallestList(tuple(kept), tuple(impossible))


def entry_of(referer: str, entries: Iterable[str], rules: Dialect) -> str | None:
    """The first entry that admits a Referer; None where none is documented to."""
    return next((e for e in entries if rules.match(referer, e).result is EntryResult.MATCH), None)


def _above(entry: str) -> Iterable[str]:
    """The entries of all domains above an entry's, with the same port."""
    host, colon, port = entry.partition(":")
    if urls.is_ip_address(host):
        return
    _, dot, above = host.partition(".")
    while dot:
        yield above + colon + port
        _, dot, above = above.partition(".")


def _admits_all(rules: Dialect, entry: str, referers: Iterable[str]) -> bool:
    return all(rules.match(referer, entry).result is EntryResult.MATCH for referer in referers)
