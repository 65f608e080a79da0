"""A ticket: the one description of a case, which tests, recorder, demo and emulator all read.

A ticket is a YAML file. It says which page a person opens in which browser, what every site but
the provider answers, what the provider knows about the token, what the person who diagnoses
knows, and what the diagnosis must say. `load` reads and checks one; the result is a value that
needs no other file.

Text in a ticket may hold `{{token}}` (the token, encoded), `{{library}}` and `{{library.css}}`
(URLs of the map library on its public CDN), and, in a site whose address ends in `*`, `{{rest}}`
(what stood in place of the `*`, with the query).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Pairs
from diagnostics.capture.oneline import printable
from diagnostics.errors import InputError
from diagnostics.journey.verdict import Cause
from diagnostics.provider import token as tokens

#: What a new public token may do: the public scopes of https://docs.mapbox.com/api/overview/#scopes
PUBLIC_SCOPES = ("styles:tiles", "styles:read", "fonts:read", "datasets:read", "vision:read")

Browser = Literal["chromium", "firefox", "none"]
#: What a ticket may set in a browser: others start programs (`--renderer-cmd-prefix`) or lead past
#: the proxy, and a ticket may come from a stranger.
_SWITCH = re.compile(
    r"--(?:enable|disable)-features=[A-Za-z0-9,]{1,500}|--allow-running-insecure-content"
)
_PREFERENCE = re.compile(
    r"(?:network\.http|privacy|security\.mixed_content)\.[A-Za-z0-9_.-]{1,100}"
)
#: A library and a file of it, which become parts of a path.
_LIBRARY = re.compile(r"[a-z][a-z-]{0,40}@\d[0-9a-z-]{0,20}(?:\.[0-9a-z-]{1,20}){0,4}")
_LIBRARY_FILE = re.compile(r"[a-z][a-z-]{0,40}(?:\.[a-z]{1,10}){0,2}\.(?:js|css)")
#: A page, script or stylesheet, and nothing hidden.
_BODY = re.compile(r"(?:[\w-][\w.-]*/){0,5}[\w-][\w.-]*\.(?:html?|js|css)")
#: A page of this machine's own, which `live.play` writes under the last part of its address: a
#: plain name in any system.
_LOCAL_PAGE = re.compile(
    r"file:///(?:[^/?#*\\\x00-\x1f]{1,200}/){0,20}[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.html?"
)
#: har and flow are mitmproxy's; devtools is Chrome DevTools' own export, copied its "Copy all as
#: HAR", which has no bodies; firefox is that of Firefox.
Exporter = Literal["har", "flow", "playwright", "devtools", "copied", "firefox", "curl"]
HeaderFields = dict[str, str] | list[tuple[str, str]]


class TicketError(InputError):
    """A ticket that cannot be used; the message is one line that names file and field, fit to be
    shown whatever the ticket holds."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Client(_Strict, frozen=True):
    """Who asks. `library` is an npm package with its version (`mapbox-gl@3.9.0`); `preferences`
    are Firefox's and `switches` Chromium's, of those that change what is sent; `strip` are request
    headers that a middlebox between browser and provider takes away. `blocks` (URL filters such as
    `||events.mapbox.com^`) and `removes` (request headers) are what an extension does."""

    browser: Browser = "none"
    library: str = ""
    preferences: dict[str, bool | int | str] = {}
    switches: tuple[str, ...] = ()
    user_agent: str = ""
    strip: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()

    @property
    def has_extension(self) -> bool:
        return bool(self.blocks or self.removes)


class Site(_Strict, frozen=True):
    """What one address answers. `body` names a file in the ticket's folder or below it, or
    below the folder above; `load` reads it into `html`. `type` is the media type, found from the
    address where not given. `library` is a file of the client's library (`mapbox-gl.js`) that it
    answers with instead, as a site's own copy does."""

    status: int = 200
    headers: HeaderFields = {}
    body: str = ""
    html: str = ""
    type: str = ""
    library: str = ""

    @property
    def fields(self) -> Pairs:
        return pairs(self.headers)


class Send(_Strict, frozen=True):
    """A request that a program sends itself. `body` is text."""

    url: str
    method: str = "GET"
    headers: HeaderFields = {}
    body: str = ""

    @property
    def fields(self) -> Pairs:
        return pairs(self.headers)


class TokenSpec(_Strict, frozen=True):
    """What the provider knows about the token. An empty `allowed` restricts nothing;
    `first` was in force during the first visit only, where the list was changed later."""

    kind: Literal["pk", "sk", "tk"] = "pk"
    account: str = "acme"
    id: str = "ck0example00000000000000a"
    allowed: tuple[str, ...] = ()
    first: tuple[str, ...] | None = None
    scopes: tuple[str, ...] = PUBLIC_SCOPES
    revoked: bool = False

    @property
    def text(self) -> str:
        return tokens.encode(self.kind, {"u": self.account, "a": self.id})


class Answer(_Strict, frozen=True):
    """An answer of the provider that its model would not give. It answers what `path` (a piece
    of the URL) is part of, only during the visit `visit` (from 1), only to requests whose header
    that `when` names has that text in it, and where given only to the first `times` of them.
    Without a status the model's answer stays, and only its headers are changed."""

    path: str
    visit: int | None = None
    times: int | None = None
    when: dict[str, str] = {}
    status: int | None = None
    headers: HeaderFields = {}
    body: str | None = None

    @property
    def fields(self) -> Pairs:
        return pairs(self.headers)


class Desk(_Strict, frozen=True):
    """What the person who diagnoses knows: the allowed URLs, `unknown`, or that there are none."""

    allow: tuple[str, ...] | Literal["unknown"] | None = None
    unrestricted: bool = False


class Refusal(_Strict, frozen=True):
    """Which refused requests get which cause: those whose URL has `url` in it and, where given,
    whose Referer is `referer` (an empty text: none)."""

    cause: Cause
    url: str = ""
    referer: str | None = None

    def covers(self, url: str, referer: str | None) -> bool:
        """Whether a refused request with this URL and Referer is meant."""
        return self.url in url and (self.referer is None or self.referer == (referer or ""))


class Expect(_Strict, frozen=True):
    """What the capture must show and the diagnosis must say. Each refusal meets the first rule
    that covers it; `answered` are pieces of URLs of which some request must have succeeded."""

    refusals: tuple[Refusal, ...] = ()
    findings: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()


class Ticket(_Strict, frozen=True):
    """One case. `name` is the file's name without its ending. `visits` are opened one after the
    other, the page alone by default; what happened before visit `captured_from` is left out of
    the captures, as in a case where the person pressed record late."""

    title: str
    story: str
    client: Client
    name: str = ""
    page: str = ""
    visits: tuple[str, ...] = ()
    captured_from: Annotated[int, msgspec.Meta(le=1_000)] = 1
    sites: dict[str, Site] = {}
    requests: tuple[Send, ...] = ()
    token: TokenSpec = TokenSpec()
    answers: tuple[Answer, ...] = ()
    record: tuple[Exporter, ...] = ("har", "flow")
    desk: Desk = Desk()
    expect: Expect = Expect()

    @property
    def opened(self) -> tuple[str, ...]:
        """The URLs that the browser is sent to, in order."""
        return self.visits or ((self.page,) if self.page else ())

    @property
    def known_allowed(self) -> tuple[str, ...] | None:
        """The allowed URLs as the desk knows them: None where it does not, () where it knows
        that the token is not restricted."""
        if self.desk.unrestricted:
            return ()
        if self.desk.allow == "unknown":
            return None
        return self.token.allowed if self.desk.allow is None else self.desk.allow

    def fill(self, text: str, rest: str = "") -> str:
        """`text` with its placeholders replaced."""
        if "{{" not in text:
            return text
        script, sheet = library_urls(self.client.library)
        for name, value in (
            ("token", self.token.text),
            ("library", script),
            ("library.css", sheet),
            ("rest", rest),
        ):
            text = text.replace("{{" + name + "}}", value)
        return text


def pairs(headers: HeaderFields) -> Pairs:
    """Header fields of a ticket as ordered pairs."""
    return tuple(headers.items()) if isinstance(headers, dict) else tuple(headers)


def library_urls(library: str) -> tuple[str, str]:
    """Script and stylesheet of a library on the CDN that its documentation names."""
    name, _, version = library.rpartition("@")
    if name == "mapbox-gl":
        base = f"https://api.mapbox.com/mapbox-gl-js/v{version}/mapbox-gl"
    elif name == "leaflet":
        base = f"https://unpkg.com/leaflet@{version}/dist/leaflet"
    else:
        return "", ""
    return base + ".js", base + ".css"


def load(path: Path) -> Ticket:
    """Read and check a ticket. Raises TicketError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TicketError(f"{path}: cannot be read: {reason}") from None

    ticket = parse(text, str(path))
    sites = {}
    for address, site in ticket.sites.items():
        if site.body:
            html = _read_body(path, site.body, f"{path}: sites: {address}")
            site = msgspec.structs.replace(site, html=html)
        sites[address] = site
    return msgspec.structs.replace(ticket, name=path.stem, sites=sites)


def _read_body(ticket: Path, name: str, place: str) -> str:
    """The content of a body's file, which lies beside the ticket or in the folder above it. Whoever
    wrote the ticket may be a stranger, so no other file of this machine is read for it."""
    if _BODY.fullmatch(name):
        for folder in (ticket.parent, ticket.parent.parent):
            file = folder / name
            if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
                continue
            try:
                return file.read_text(encoding="utf-8")
            except OSError as error:
                raise TicketError(f"{place}: {name}: {error.strerror or error}") from None
            except UnicodeDecodeError:
                raise TicketError(f"{place}: {name}: it is not UTF-8 text") from None
    raise TicketError(
        f"{place}: there is no file {name} with the ticket (a page, script or stylesheet in its"
        " folder or the one above)"
    )


def parse(text: str, source: str) -> Ticket:
    """A ticket from YAML text; bodies in other files stay unread. Raises TicketError."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f"line {where.line + 1}: " if where else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise TicketError(f"{source}: {line}not YAML: {problem}") from None
    except RecursionError:
        raise TicketError(f"{source}: not YAML: it is nested too deep") from None
    except ValueError as error:  # such as a date that does not exist
        says = str(error).partition("\n")[0]
        raise TicketError(f"{source}: not YAML: {says}") from None
    except (AttributeError, LookupError, TypeError):  # PyYAML trusts a tag to fit its value
        raise TicketError(f"{source}: not YAML: a tag (!!…) does not fit its value") from None
    try:
        ticket = msgspec.convert(data, Ticket)
    except msgspec.ValidationError as error:
        says, _, place = str(error).partition(" - at `$")
        field = place.rstrip("`").lstrip(".") or "the whole file"
        raise TicketError(f"{source}: {field}: {says[:1].lower()}{says[1:]}") from None
    problem = _problem(ticket)
    if problem:
        raise TicketError(f"{source}: {problem}")
    return ticket


def _problem(ticket: Ticket) -> str | None:
    """What no type can say about a ticket, or None."""
    for address in (*ticket.opened, *ticket.sites):
        url = urls.parse(address.removesuffix("*"))
        if url is None:
            return f"{address!r} is not a URL"
        if url.scheme == "file":
            if not _LOCAL_PAGE.fullmatch(address):
                return f"{address!r} is no address of a file such as file:///home/kim/map.html"
            if address not in ticket.sites:
                return f"page: there is no site {address}, and no other file is opened"
    if ticket.client.browser == "none":
        if not ticket.requests:
            return "requests: a client without a browser needs requests to send"
        if ticket.opened:
            return "page: a client without a browser opens no page"
    elif not ticket.opened:
        return "page: a browser needs a page to open"
    if not 1 <= ticket.captured_from <= max(1, len(ticket.opened)):
        return f"captured_from: there is no visit {ticket.captured_from}"
    for field, values, harmless in (
        ("switches", ticket.client.switches, _SWITCH),
        ("preferences", ticket.client.preferences, _PREFERENCE),
    ):
        for value in values:
            if not harmless.fullmatch(value):
                return f"client: {field}: {value} is not one that a ticket may set"
    if ticket.client.library and not _LIBRARY.fullmatch(ticket.client.library):
        return f"client: library: {ticket.client.library} is no library such as mapbox-gl@3.9.0"
    if ticket.client.has_extension and ticket.client.browser != "chromium":
        return "client: only Chromium can play an extension (blocks, removes)"
    wrong = {"chromium": {"firefox"}, "firefox": {"devtools", "copied", "playwright"}}.get(
        ticket.client.browser, {"devtools", "copied", "playwright", "firefox", "curl"}
    )
    for exporter in ticket.record:
        if exporter in wrong:
            return f"record: {exporter} does not exist for the client {ticket.client.browser}"
    for address, site in ticket.sites.items():
        if site.library and not _LIBRARY_FILE.fullmatch(site.library):
            return f"sites: {address}: library: {site.library} is no file such as mapbox-gl.js"
        if site.body and site.html:
            return f"sites: {address}: give body or html, not both"
    return None


def load_all(folder: Path) -> Mapping[str, Ticket]:
    """Every ticket of a folder, by name, in the order of names. Raises TicketError."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.yaml"))}
