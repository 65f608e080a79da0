"""Everything that a ticket's browser can reach: its sites, the map libraries, the provider.

`World.answer` is a function of the request, of how many visits have begun and of how often a
limited answer was given; it reads nothing but the folder of unpacked libraries.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from diagnostics.browser import url as urls
from diagnostics.provider import emulated
from diagnostics.provider.emulated import Grant, Reply, Request
from diagnostics.ticket import Answer, Site, Ticket

#: The recorder's own address. A request to `/visit/2` begins the second visit; never recorded.
CONTROL_HOST = "why403.invalid"
#: Where libraries come from, by address: groups are version and file.
CDN = (
    (re.compile(r"https://api\.mapbox\.com/mapbox-gl-js/v([\d.]+)/([\w.-]+)"), "mapbox-gl"),
    (re.compile(r"https://unpkg\.com/leaflet@([\d.]+)/dist/([\w./-]+)"), "leaflet"),
)


class World:
    """A ticket's world. Raises nothing; an address that nobody describes gets no answer."""

    def __init__(self, ticket: Ticket, libraries: Path | None = None) -> None:
        self.ticket = ticket
        self.visit = 1
        self._libraries = libraries
        self._exact = {a: s for a, s in ticket.sites.items() if not a.endswith("*")}
        self._prefixes = {a[:-1]: s for a, s in ticket.sites.items() if a.endswith("*")}
        self._hosts = {u.host for u in map(urls.parse, ticket.sites) if u}
        self._given: dict[int, int] = {}

    def knows(self, address: str) -> bool:
        """Whether the ticket, a library's CDN or the provider answers for this URL's host."""
        url = urls.parse(address)
        return url is not None and (
            url.host in self._hosts
            or emulated.is_provider(url.host)
            or any(pattern.match(address) for pattern, _ in CDN)
        )

    def answer(self, request: Request) -> Reply | None:
        """The answer; None for a host that the ticket does not describe."""
        url = urls.parse(request.url)
        if url is None:
            return None
        if url.host == CONTROL_HOST:
            if url.path.startswith("/visit/") and url.path[7:].isdigit():
                self.visit = int(url.path[7:])
            return Reply(204)
        bare = url.href.partition("#")[0]
        site = self._exact.get(bare) or self._exact.get(bare.partition("?")[0])
        if site is not None:
            return self._site(site, url.path)
        for prefix, site in self._prefixes.items():
            if bare.startswith(prefix):
                return self._site(site, url.path, bare[len(prefix) :])
        for pattern, package in CDN:
            if found := pattern.fullmatch(bare.partition("?")[0]):
                return self._library(package, found[1], found[2])
        if emulated.is_provider(url.host):
            return self._provider(request)
        if url.host in self._hosts:
            return Reply(404, (("content-type", "text/plain"),), b"Not Found")
        return None

    def _site(self, site: Site, path: str, rest: str = "") -> Reply:
        if site.library:
            package, _, version = self.ticket.client.library.rpartition("@")
            return self._library(package, version, site.library)
        fields = [(name, self.ticket.fill(value, rest)) for name, value in site.fields]
        if not any(name.lower() == "content-type" for name, _ in fields):
            fields.append(("Content-Type", content_type(site, path)))
        return Reply(site.status, tuple(fields), self.ticket.fill(site.html, rest).encode())

    def _library(self, package: str, version: str, name: str) -> Reply:
        folder = (self._libraries or Path("/nowhere")) / f"{package}-{version}" / "dist"
        file = folder / name
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = (
            ("content-type", kind),
            ("access-control-allow-origin", "*"),
            ("cache-control", "max-age=31536000"),
        )
        try:
            if not file.resolve().is_relative_to(folder.resolve()):
                raise FileNotFoundError
            return Reply(200, headers, file.read_bytes())
        except (OSError, ValueError):
            return Reply(404, (("content-type", "text/plain"),), b"Not Found")

    def _provider(self, request: Request) -> Reply:
        token = self.ticket.token
        first = token.first if self.visit == 1 else None
        allowed = token.allowed if first is None else first
        grant = Grant(token.account, allowed, token.scopes, token.revoked)
        reply = emulated.answer(request, {token.text: grant})
        for number, answer in enumerate(self.ticket.answers):
            if self._applies(answer, request):
                given = self._given.get(number, 0)
                if answer.times is None or given < answer.times:
                    self._given[number] = given + 1
                    return _changed(reply, answer)
        return reply

    def _applies(self, answer: Answer, request: Request) -> bool:
        return (
            answer.path in request.url
            and answer.visit in (None, self.visit)
            and all(value in (request.headers.get(n) or "") for n, value in answer.when.items())
        )


def content_type(site: Site, path: str) -> str:
    """The Content-Type with which a site is answered whose URL has this path."""
    given = next((v for name, v in site.fields if name.lower() == "content-type"), None)
    if given is not None:
        return given
    kind = site.type or mimetypes.guess_type(path)[0] or "text/html"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def _changed(reply: Reply, answer: Answer) -> Reply:
    """`reply` with what the ticket says instead: its fields replace those of the same name."""
    if answer.status is not None and answer.status != reply.status:
        reply = emulated.refusal(answer.status, "Forbidden")
        if answer.status < 400:
            reply = Reply(answer.status, (("access-control-allow-origin", "*"),))
    named = {name.lower() for name, _ in answer.fields}
    headers = tuple(p for p in reply.headers if p[0].lower() not in named) + answer.fields
    body = reply.body if answer.body is None else answer.body.encode()
    return Reply(reply.status, headers, body)
