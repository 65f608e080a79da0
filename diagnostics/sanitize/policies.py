"""Policies of a document without what identifies its site's accounts elsewhere.

Directives, keywords and hosts decide; nonces, hashes and reporting addresses (which hold keys of
monitoring services) do not.
"""

from __future__ import annotations

import re

from diagnostics.browser import csp_source
from diagnostics.browser import referrer_policy as rp
from diagnostics.browser.csp_source import Kind
from diagnostics.capture.redacted import is_redacted
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.harmless import is_word
from diagnostics.sanitize.standins import StandIns

_REPORTING = frozenset(
    {"report-uri", "report-to", "require-sri-for", "trusted-types", "plugin-types"}
)
_NAME = re.compile(r"[a-z-]{2,40}")
_SPACES = re.compile(r"[\t\n\f\r ]+")


def clean_policy(value: str, standins: StandIns) -> str:
    """A Referrer-Policy header or the content of a `<meta name=referrer>`."""
    if is_redacted(value):
        return "[redacted]"
    return ",".join(_token(token, standins) for token in value.split(","))


def _token(token: str, standins: StandIns) -> str:
    bare = token.strip()
    if not bare or bare.lower() in rp.POLICIES or bare.lower() in rp.LEGACY_META or is_word(bare):
        return token if len(token) - len(bare) <= 2 else bare
    standins.tally.replaced["words in policies"] += 1
    return standins.hidden(bare)


def clean_csp(value: str, addresses: Addresses, standins: StandIns, *, meta: bool = False) -> str:
    """A Content-Security-Policy header's value, or a meta element's content (in which a comma
    separates nothing)."""
    if is_redacted(value):
        return "[redacted]"
    policies = [value] if meta else value.split(",")
    return ",".join(_one_policy(policy, addresses, standins) for policy in policies)


def _one_policy(text: str, addresses: Addresses, standins: StandIns) -> str:
    directives = []
    for part in text.split(";"):
        blank = " " if part[:1] in {" ", "\t", "\n"} else ""
        words = [word for word in _SPACES.split(part) if word]
        if not words or not part.isascii():
            continue
        name = words[0].lower()
        if name in _REPORTING or not _NAME.fullmatch(name) or not is_word(name):
            standins.tally.removed["reporting addresses and unknown directives"] += 1
            continue
        sources = [_source(word, addresses, standins) for word in words[1:]]
        directives.append(blank + " ".join([words[0], *sources]))
    return ";".join(directives)


def _source(text: str, addresses: Addresses, standins: StandIns) -> str:
    source = csp_source.parse(text)
    if source.kind in {Kind.NONE, Kind.SELF, Kind.STAR, Kind.KEYWORD}:
        return text
    if source.kind in {Kind.NONCE, Kind.HASH}:
        kind, _, secret = text[1:-1].partition("-")
        standins.tally.replaced["nonces and hashes"] += 1
        return f"'{kind.lower()}-{standins.hidden(secret)}'"
    if source.kind is Kind.SCHEME and is_word(source.scheme):
        return text
    if source.kind is Kind.HOST:
        wildcard = source.host.startswith("*.")
        bare = source.host.removeprefix("*.")
        host = bare if bare == "*" else addresses.host(bare)
        scheme = f"{source.scheme}://" if source.scheme else ""
        port = f":{source.port}" if source.port else ""
        path = addresses.segments(bare, source.path) if source.path else ""
        return f"{scheme}{'*.' if wildcard else ''}{host}{port}{path}"
    return text if is_word(text) else standins.hidden(text)
