"""Which allowed URLs explain what was admitted and refused, where nobody has told the list?

The answers are the only proof: origins that were admitted are on the list, those that were refused
are not. A page whose requests carried no Referer is taken to be on it, because then the missing
Referer is the whole reason. Every inferred list is named as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.provider.allowed_urls import Decision, Dialect, decide

#: Entries that stand for a list of which nothing is known, but that it admits none of the pages.
_ELSEWHERE = ("www.example.com", "www.example.org", "www.example.net", "listed.invalid")


class Contrast(msgspec.Struct, frozen=True):
    """What the answers show: origins that were admitted and refused, whether requests without a
    Referer were admitted, and the pages that sent none."""

    admitted: Sequence[str] = ()
    refused: Sequence[str] = ()
    admitted_without: bool = False
    silent_pages: Sequence[str] = ()


def infer(contrast: Contrast, rules: Dialect) -> tuple[tuple[str, ...], str]:
    """Allowed URLs that decide as the provider did, and a sentence that says how they came about;
    no entries for a token that was seen to be unrestricted."""
    if contrast.admitted_without:
        return (), (
            "The list is not known; a request without a Referer was admitted, so the token has"
            " none here."
        )
    refused = [origin + "/" for origin in contrast.refused if origin not in contrast.admitted]
    entries: list[str] = []
    for origin in (*contrast.admitted, *contrast.silent_pages):
        if origin + "/" in refused:
            continue
        if entries and decide(rules, origin + "/", entries).decision is Decision.ALLOWED:
            continue
        entry = _entry(origin, refused, rules)
        if entry is not None:
            entries.append(entry)
    if contrast.admitted:
        return tuple(entries), (
            "The list is not known; these entries are inferred from which pages were admitted and"
            f" which refused: {', '.join(entries)}."
        )
    if entries:
        return tuple(entries), (
            "The list is not known; it is inferred that it has the page itself, whose requests"
            f" carried no Referer: {', '.join(entries)}."
        )
    return (_elsewhere(refused, rules),), (
        "The list is not known; an invented entry stands for one that does not admit the page."
    )


def _entry(origin: str, refused: Iterable[str], rules: Dialect) -> str | None:
    """The entry for an origin, as people write it, which admits no refused Referer."""
    url = urls.parse(origin)
    if url is None:
        return None
    bare = origin.partition("//")[2]
    for entry in (bare, origin):
        admits = rules.match(origin + "/", entry).result.value == "match"
        if admits and not any(rules.match(r, entry).result.value == "match" for r in refused):
            return entry
    return None


def _elsewhere(refused: Sequence[str], rules: Dialect) -> str:
    return next(
        entry
        for entry in _ELSEWHERE
        if entry == _ELSEWHERE[-1]
        or not any(decide(rules, r, [entry]).decision is Decision.ALLOWED for r in refused)
    )
