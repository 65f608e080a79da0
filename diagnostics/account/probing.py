"""Sends a probe's requests, one at a time and spaced, and gives their answers as they come."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence

from diagnostics.account.probe import Ask
from diagnostics.account.probe_reading import Answer, answer
from diagnostics.account.service import Service
from diagnostics.capture.exchange import Pairs
from diagnostics.provider.profile import Profile
from diagnostics.provider.token import Token

#: Seconds between two requests.
PAUSE = 0.5


def fields(ask: Ask) -> Pairs:
    """The header fields of a request beside those that all have."""
    return (("Referer", ask.referer),) if ask.referer is not None else ()


def target(ask: Ask, profile: Profile, token: str) -> str:
    """Path and query of a request."""
    return f"{ask.path}?{profile.token_parameter}={urllib.parse.quote(token, safe='')}"


def send(
    service: Service,
    asks: Sequence[Ask],
    token: Token,
    profile: Profile,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Answer]:
    """Each answer, in order; ends early where further requests make no sense. Raises
    ServiceError."""
    for ask in asks:
        if ask.number > 1:
            wait(PAUSE)
        found = answer(ask, service.get(target(ask, profile, token.text), fields(ask)), profile)
        yield found
        if found.stop:
            return
