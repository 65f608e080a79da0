"""Captures in a few words, for tests of what is derived from them.

Everything is about one page (`PAGE`), a token (`TOKEN`) and a style (`STYLE`) of one customer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diagnostics.capture.exchange import Capture
from diagnostics.capture.har import read_har
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.provider.token import encode
from diagnostics.reproduce import asked as asking
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.derive import Derived, derive
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Site

TOKEN = encode("pk", {"u": "harbour", "a": "ck9customer00000000000000"}, "c2VjcmV0c2lnbmF0dXJl")
API = "https://api.mapbox.com"
STYLE = f"{API}/styles/v1/harbour/ckharbourstyle?access_token={TOKEN}"
TILE = f"{API}/v4/harbour.boats/3/4/2.vector.pbf?access_token={TOKEN}"
PAGE = "https://harbour.example/boats"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Safari/605.1.15"
)
FORBIDDEN = '{"message":"Forbidden"}'


class Recording:
    """A HAR in the making; every method returns the recording."""

    def __init__(self, agent: str = CHROME, creator: str = "test") -> None:
        self._agent = agent
        self._creator = creator
        self._entries: list[dict[str, Any]] = []

    def add(
        self,
        url: str,
        status: int = 200,
        body: str = "",
        kind: str = "fetch",
        sent: Mapping[str, str] | None = None,
        got: Mapping[str, str] | None = None,
        mime: str = "application/json",
        method: str = "GET",
        **more: Any,
    ) -> Recording:
        dest = {"fetch": "empty", "stylesheet": "style"}.get(kind, kind)
        fields = {"User-Agent": self._agent, "Accept": "*/*", "Sec-Fetch-Dest": dest}
        fields |= sent or {}
        self._entries.append(
            {
                "startedDateTime": f"2026-01-01T00:00:{len(self._entries):02}Z",
                "request": {"method": method, "url": url, "headers": _fields(fields)},
                "response": {
                    "status": status,
                    "headers": _fields(got or {}),
                    "content": {"mimeType": mime, "text": body},
                    "redirectURL": (got or {}).get("Location", ""),
                },
                "_resourceType": kind,
                **more,
            }
        )
        return self

    def page(self, body: str, url: str = PAGE, **got: str) -> Recording:
        named = {name.replace("_", "-"): value for name, value in got.items()}
        return self.add(url, body=body, kind="document", got=named, mime="text/html")

    def refused(self, url: str = STYLE, referer: str | None = None, **more: Any) -> Recording:
        sent = {"Sec-Fetch-Site": "cross-site"} | ({"Referer": referer} if referer else {})
        return self.add(url, 403, FORBIDDEN, sent=sent, **more)

    def granted(self, url: str, referer: str | None = None, **more: Any) -> Recording:
        sent = {"Sec-Fetch-Site": "cross-site"} | ({"Referer": referer} if referer else {})
        return self.add(url, 200, "{}", sent=sent, **more)

    def capture(self) -> Capture:
        """The recording as a reader gives it."""
        data: dict[str, Any] = {"log": {"version": "1.2", "creator": {"name": self._creator}}}
        data["log"]["entries"] = self._entries
        return read_har(json.dumps(data).encode(), "customer.har")

    def seen(self, *allow: str) -> asking.Seen:
        """What was asked of the provider; `allow` is the told list."""
        captures, told = [self.capture()], _told(allow)
        return asking.read(captures, told, diagnose(captures, told, show_secrets=True).verdicts)

    def asked(self, *allow: str) -> list[Asked]:
        """The same, the requests alone."""
        return self.seen(*allow).asked

    def derive(self, *allow: str) -> Derived:
        """The ticket of the recording."""
        return derive([self.capture()], _told(allow))


def _told(allow: tuple[str, ...]) -> Told:
    return Told(Allowed(allow, "--allow")) if allow else Told()


def _fields(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields.items()]


def script(url: str) -> str:
    """A page whose script asks for this."""
    return f"<!DOCTYPE html><title>Boats</title><script>fetch('{url}')</script>"


def site(derived: Derived, address: str = PAGE) -> Site:
    """What a derived ticket has at an address."""
    return derived.ticket.sites[address]


def stand_ins(asked: list[Asked]) -> StandIns:
    """Those of a case that is about the first token."""
    tokens = [one.case.token for one in asked if one.case.token is not None]
    return StandIns(tokens[0] if tokens else None, tokens[1:])
