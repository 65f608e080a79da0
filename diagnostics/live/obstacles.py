"""What stands in the way of a live capture, and what to do: facts in, sentences out, once each.

The texts are in `obstacles.yaml`. An `Obstacles` is told what the proxy's hooks saw and gives a
sentence where that is worth one; it touches nothing outside.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from importlib import resources
from typing import Any

import msgspec

from diagnostics.live.scope import Scope, is_provider
from diagnostics.provider.profile import profiles

#: How many failed handshakes in a row say that it is no accident (a browser closes idle ones).
_DOUBTFUL = 3
_PATIENCE = 1.5  # seconds
_MOST_HOSTS = 500
_SHOWN_HOSTS = 5
_DISTRUST = re.compile(r"does not trust|unknown ca|bad certificate|certificate unknown")
_UNCHECKED = re.compile(
    r"certificate verify failed|certificate verification|unable to get local", re.IGNORECASE
)

Advice = tuple[tuple[str, str], ...]


class _Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    says: dict[str, str]
    silence: dict[str, str]
    unreachable: Advice
    quit: Advice


def say(code: str, **values: object) -> str:
    """The sentence of one obstacle. Raises KeyError for an unknown code."""
    return _texts().says[code].format_map(values)


def advice_on(kind: str, said: str) -> tuple[str, str]:
    """What to do about what a program or connection said, and the line that tells it (the last
    one, where none does); `kind` is `unreachable` or `quit`."""
    known: Advice = getattr(_texts(), kind)
    lines = said.strip().splitlines() or [""]
    for pattern, does in known:
        for line in reversed(lines):
            if re.search(pattern, line, re.IGNORECASE):
                return does, line.strip()
    raise LookupError(kind)  # the last pattern of each kind is found in any line


class Obstacles:
    """What was seen so far. Each method takes one fact and gives the sentence that it is worth."""

    def __init__(self, scope: Scope) -> None:
        self.page_failed = False
        self._scope = scope
        self._said: set[tuple[str, str]] = set()
        self._broken_off: Counter[str] = Counter()
        self._distrusted: dict[str, float] = {}
        self._unread: dict[str, None] = {}
        self._connections = 0
        self._provider_requests = 0
        self._page_answers = 0

    @property
    def silent(self) -> bool:
        """Whether no request to a provider was seen yet."""
        return not self._provider_requests

    @property
    def unread(self) -> tuple[str, ...]:
        """The hosts whose connections passed unread."""
        return tuple(self._unread)

    @property
    def connected(self) -> bool:
        """Whether any client has come to the proxy."""
        return self._connections > 0

    @property
    def page_answered(self) -> bool:
        """Whether any server but a provider's answered."""
        return self._page_answers > 0

    @property
    def provider_requests(self) -> int:
        """How many requests to a provider were answered."""
        return self._provider_requests

    def client_connected(self) -> None:
        """A client has come to the proxy."""
        self._connections += 1

    def tunnel(self, host: str, port: int) -> None:
        """A client wants a tunnel (CONNECT) to a host."""
        if not self._scope.covers(host, port):
            self.passed_unread(host)

    def passed_unread(self, host: str) -> None:
        """A connection to a host was passed on as it is."""
        if len(self._unread) < _MOST_HOSTS:
            self._unread[host] = None

    def trusted(self, host: str) -> None:
        """A client has accepted our certificate for a host."""
        self._broken_off.pop(host, None)
        self._distrusted.pop(host, None)

    def handshake_failed(self, host: str, error: str, now: float) -> str | None:
        """A client's TLS handshake with the proxy failed; `now` is in seconds."""
        if len(self._broken_off) >= _MOST_HOSTS or len(self._distrusted) >= _MOST_HOSTS:
            return None
        if _DISTRUST.search(error):
            self._distrusted.setdefault(host, now)
            return None
        self._broken_off[host] += 1
        if self._broken_off[host] == _DOUBTFUL:
            return self._once("ca-doubted", host, host=host)
        return None

    def due(self, now: float) -> list[str]:
        """What has been so for long enough to be told: a certificate that was refused, and not
        accepted on a second try, as a browser makes that is still starting."""
        settled = [host for host, since in self._distrusted.items() if now - since >= _PATIENCE]
        sentences = [self._once("ca-refused", host, host=host) for host in settled]
        for host in settled:
            del self._distrusted[host]
        return [sentence for sentence in sentences if sentence is not None]

    def server_failed(self, host: str, port: int, error: str) -> str | None:
        """The proxy could not connect to a server; only the page's and the provider's matter."""
        if not self._scope.names(host, port):
            return None
        where = host if port in {80, 443} else f"{host}:{port}"
        error = re.sub(r"^\[Errno -?\d+\] ", "", error)
        if _UNCHECKED.search(error):
            sentence = self._once("server-not-trusted", where, host=where, error=error)
        else:
            advice, _ = advice_on("unreachable", error)
            sentence = self._once("unreachable", where, host=where, error=error, advice=advice)
        if not is_provider(host):
            self.page_failed = True
        return sentence

    def unchecked(self, host: str) -> str | None:
        """The proxy does not check the certificate of a server on this machine."""
        return self._once("local-certificate", host, host=host)

    def answered(self, host: str) -> None:
        """A server has answered a request."""
        if is_provider(host):
            self._provider_requests += 1
        else:
            self._page_answers += 1

    def learnt(self, host: str) -> str | None:
        """A request to a provider came from a page that was not read."""
        return self._once("learnt", host, provider=_provider(), host=host)

    def silence(self, seconds: float, address: str) -> str:
        """Why no request to a provider may have been seen for so long."""
        if any(code in {"ca-refused", "ca-doubted"} for code, _ in self._said):
            code = "pinned"
        elif self._page_answers:
            code = "page-only"
        elif self._unread:
            code = "unread"
        else:
            code = "page-only" if self._connections else "nothing"
        hosts = list(self._unread)[:_SHOWN_HOSTS]
        more = len(self._unread) - len(hosts)
        values: dict[str, Any] = {
            "provider": _provider(),
            "seconds": round(seconds),
            "address": address,
            "hosts": ", ".join(hosts) + (f" and {more} more" if more else ""),
        }
        return _texts().silence[code].format_map(values)

    def blind_spots(self) -> tuple[str, ...]:
        """What the capture cannot show, as sentences for its report."""
        found = []
        if self._unread:
            hosts = list(self._unread)[:_SHOWN_HOSTS]
            count = len(self._unread)
            more = ", …" if count > _SHOWN_HOSTS else ""
            noun = "one other host" if count == 1 else f"{count} other hosts"
            found.append(
                f"Connections to {noun} passed unread ({', '.join(hosts)}{more});"
                " --also HOST reads one of them, --all every one."
            )
        refused = [host for code, host in sorted(self._said) if code.startswith("ca-")]
        if refused:
            found.append(
                "The client did not trust the proxy’s certificate for"
                f" {', '.join(refused[:_SHOWN_HOSTS])}: such requests are missing."
            )
        return tuple(found)

    def _once(self, code: str, about: str, **values: object) -> str | None:
        if (code, about) in self._said or len(self._said) >= _MOST_HOSTS:
            return None
        self._said.add((code, about))
        return say(code, **values)


def _provider() -> str:
    return " or ".join(profile.title for profile in profiles())


@functools.lru_cache(maxsize=1)
def _texts() -> _Texts:
    data = resources.files(__package__).joinpath("obstacles.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=_Texts)
