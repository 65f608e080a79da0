"""Which connections may the proxy look into? The page's and the provider's; all else passes unread.

mitmproxy's `allow_hosts` searches each pattern in every `host:port` that it knows of a connection,
so a pattern here is anchored at both ends and escaped.
"""

from __future__ import annotations

import re

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.errors import InputError
from diagnostics.live import own_site
from diagnostics.provider.profile import profile_for, profiles

#: How many hosts may be learnt from pages and requests, so that no page can open everything.
MOST_LEARNT = 50

_LOOPBACK = (
    r"^([^:]+\.)?localhost\.?:\d+$",
    r"^127\.\d+\.\d+\.\d+:\d+$",
    r"^\[?::1\]?:\d+$",
)


class Scope:
    """The hosts that are read. `page` is the page's URL, None where nobody said; `also` are hosts
    that a person named; with `everything` there is no limit."""

    def __init__(
        self, page: Url | None = None, also: tuple[str, ...] = (), everything: bool = False
    ) -> None:
        self.everything = everything
        self._page = page
        self._also = also
        self._learnt: dict[str, None] = {}
        self._patterns = [*(host_pattern(host) for host in own_site.HOSTS), *_of_providers()]
        if page is None or is_loopback(page.host):
            # A page on this machine reaches its own servers under several names.
            self._patterns += _LOOPBACK
        elif page.host:
            self._patterns.append(host_pattern(urls.registrable_domain(page.host), below=True))
        self._patterns += [also_pattern(host) for host in also]
        self._compiled = _compiled(self._patterns)

    @property
    def patterns(self) -> list[str]:
        """For `allow_hosts`; empty where everything is read."""
        return [] if self.everything else list(self._patterns)

    @property
    def learnt(self) -> tuple[str, ...]:
        """Hosts that were added on the way."""
        return tuple(self._learnt)

    def covers(self, host: str, port: int) -> bool:
        """Whether a connection to this host is read."""
        return self.everything or self.names(host, port)

    def names(self, host: str, port: int) -> bool:
        """Whether this is the page's, the provider's, a named or a learnt host."""
        return self._compiled.search(f"{host}:{port}") is not None

    def reads(self, address: str, name: str | None, port: int) -> bool:
        """Whether a connection to `address` is read on which the client names the host `name` (by
        SNI or in its Host field; None: it names none). Neither of two names makes the other one
        read; a client that has looked the name up itself connects to an IP address."""
        if name is None or name == address:
            return self.covers(address, port)
        is_covered = self.covers(address, port) or urls.is_ip_address(address)
        return is_covered and self.covers(name, port)

    def learn(self, url: str | None) -> str | None:
        """Read the host of this URL, too: its host if that is new, None where it is read already,
        is no web address, or where too many were learnt."""
        found = urls.parse(url or "")
        if found is None or found.scheme not in {"http", "https"} or found.port is None:
            return None
        if self.covers(found.host, found.port) or len(self._learnt) >= MOST_LEARNT:
            return None
        self._learnt[found.host] = None
        self._patterns.append(host_pattern(found.host))
        self._compiled = _compiled(self._patterns)
        return found.host

    def describe(self) -> str:
        """What is read, as a phrase."""
        if self.everything:
            return "every host"
        names = [profile.title for profile in profiles()]
        page = self._page
        if page is None or is_loopback(page.host):
            parts = ["pages on this machine"]
        else:
            parts = [urls.registrable_domain(page.host)] if page.host else []
        parts += [*self._also, *(f"{name}’s hosts" for name in names)]
        return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def host_pattern(host: str, *, below: bool = False) -> str:
    """The pattern of one host with any port, and of every host below it where `below` is set."""
    bare = host.strip("[]")
    start = r"^([^:]+\.)?" if below and not urls.is_ip_address(host) else "^"
    if ":" in bare:
        return rf"^\[?{re.escape(bare)}\]?:\d+$"
    return rf"{start}{re.escape(bare)}\.?:\d+$"


def also_pattern(text: str) -> str:
    """The pattern of a host as a person names it: `example.com` covers what is below it, too; a
    URL or a port is read as well. Raises InputError."""
    text = text.strip()
    bare = text.removeprefix("*.").removeprefix(".")
    url = urls.parse(bare if "://" in bare else f"http://{bare}")
    wide = url is not None and "." in url.host and urls.is_public_suffix(url.host)
    if url is None or not url.host or "*" in bare or wide:
        raise InputError(f"“{text}” is no host. Give one such as maps.example.com.")
    pattern = host_pattern(url.host, below="." in url.host)
    port = re.search(r":(\d+)(?:/|$)", bare.partition("://")[2] or bare)
    return pattern.replace(r":\d+$", f":{port[1]}$") if port else pattern


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: localhost, what is below it, a loopback address."""
    return any(re.search(pattern, f"{host}:1", re.IGNORECASE) for pattern in _LOOPBACK)


def is_provider(host: str) -> bool:
    """Whether a host answers for a provider that is known."""
    return profile_for(host) is not None


def _of_providers() -> list[str]:
    return [
        rf"^[^:]+{re.escape(host)}\.?:\d+$" if host.startswith(".") else host_pattern(host)
        for profile in profiles()
        for host in profile.hosts
    ]


def _compiled(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)
