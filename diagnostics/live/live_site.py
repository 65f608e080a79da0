"""The live page's addresses: the page, its state as JSON, and what its buttons send.

Requests in, replies out. What is to be done with a valid request is said as a `Command`; whoever
serves the page does it.
"""

from __future__ import annotations

import re
import urllib.parse

import msgspec

from diagnostics.browser import url as urls
from diagnostics.live import own_site
from diagnostics.provider.emulated import Reply, Request

_MOST_BYTES = 64 * 1024
_MOST_ENTRIES = 500
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; connect-src 'self';"
    " img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"))
_SEPARATOR = re.compile(r"[\s,]+")


class Allow(msgspec.Struct, frozen=True):
    """Let this be the token's list; None: nobody knows."""

    entries: tuple[str, ...] | None


class Try(msgspec.Struct, frozen=True):
    """Try these changes on documents of these hosts; no changes end it."""

    changes: tuple[str, ...]
    hosts: tuple[str, ...] = ()


class Wait(msgspec.Struct, frozen=True):
    """Answer with the state when its version is another than this; None at once."""

    version: int | None


Command = Allow | Try | Wait


class _AllowBody(msgspec.Struct):
    entries: str


class _TryBody(msgspec.Struct):
    changes: list[str]
    hosts: list[str] = []


def route(request: Request, body: bytes) -> Reply | Command | None:
    """The reply, what to do first, or None for what belongs to somebody else."""
    url = urls.parse(request.url)
    if url is None or url.host != own_site.HOST:
        return None
    match url.path:
        case "/":
            return own_site.page("live.html.j2", _POLICY, _HEADERS)
        case "/live.js" | "/style.css" | "/icon.svg":
            return own_site.asset(url.path[1:])
        case "/state.json":
            return Wait(_version(url.query))
        case "/allow" | "/try":
            return _command(url.path, request, body)
    return None


def not_found() -> Reply:
    """For an address of the page's host that nobody has."""
    return own_site.refusal(404, f"Not found. The live page is http://{own_site.HOST}/")


def _version(query: str) -> int | None:
    known = urllib.parse.parse_qs(query).get("since", [""])[0]
    return int(known) if known.isascii() and known.isdigit() and len(known) < 16 else None


def _command(path: str, request: Request, body: bytes) -> Reply | Command:
    if not own_site.may_change(request):
        return own_site.refusal(403, "Only the live page itself may ask this.")
    if len(body) > _MOST_BYTES:
        return own_site.refusal(413, "That is too long.")
    try:
        if path == "/allow":
            text = msgspec.json.decode(body, type=_AllowBody).entries
            entries = tuple(filter(None, _SEPARATOR.split(text)))[:_MOST_ENTRIES]
            return Allow(entries or None)
        wanted = msgspec.json.decode(body, type=_TryBody)
        return Try(tuple(wanted.changes), tuple(wanted.hosts))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return own_site.refusal(400, "That is not what the live page sends.")
