"""Which client does a ticket need: which browser, with what in its way, or which program?

Only Chromium and Firefox can be played. Another browser becomes the nearest of them, and a note
says so; what removes or forges the Referer becomes a setting, an extension or a middlebox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Exchange, Outcome
from diagnostics.capture.request import read_request
from diagnostics.journey.traffic import CaptureTraffic
from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import asked as asking
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Client, Exporter, Send

#: What a program's HTTP library sets by itself, and what may be secret.
_NOT_SENT = frozenset(
    {"host", "content-length", "connection", "cookie", "authorization", "proxy-authorization"}
    | {"proxy-connection", "transfer-encoding", "te", "upgrade", "expect"}
)
_EXPORTERS: tuple[tuple[str, Exporter], ...] = (
    ("Chrome DevTools", "devtools"),
    ("Playwright", "playwright"),
    ("Firefox", "firefox"),
)
_LONGEST_BODY = 4000
_HIDDEN_SECRETS = ("token", "key", "secret", "session", "csrf", "xsrf")


class Played(msgspec.Struct):
    """The client of a ticket and what is to be said about it."""

    client: Client
    record: tuple[Exporter, ...]
    notes: list[str] = []


def programs(asked: Sequence[Asked], stand_ins: StandIns) -> tuple[Send, ...]:
    """The requests of a client that is no browser, a few of each kind."""
    return tuple(_send(one, stand_ins) for one in asking.few(asked))


def _send(one: Asked, stand_ins: StandIns) -> Send:
    exchange = one.exchange
    fields = [
        (stand_ins.text(name), stand_ins.text(value))
        for name, value in exchange.request_headers
        if name.lower() not in _NOT_SENT
        and not name.startswith(":")
        and not any(word in name.lower() for word in _HIDDEN_SECRETS)
    ]
    unique = len({name.lower() for name, _ in fields}) == len(fields)
    body = exchange.request_body or ""
    return Send(
        url=stand_ins.text(exchange.url),
        method=stand_ins.text(exchange.method),
        headers=dict(fields) if unique else fields,
        body=stand_ins.markup(body)[:_LONGEST_BODY],
    )


def browser(
    traffic: Sequence[CaptureTraffic], asked: Sequence[Asked], library: str, *, local: bool
) -> Played:
    """The browser of a ticket. `local` is whether its page is a file."""
    causes = {one.cause for one in asked}
    engine, notes = _engine(traffic, asked)
    preferences: dict[str, bool | int | str] = {}
    switches: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    blocks = _blocked(traffic)
    if Cause.CLIENT_REWRITES_REFERER in causes:
        engine, notes = "firefox", []  # whatever the capture's own is: only Firefox has the setting
        preferences["network.http.referer.spoofSource"] = True
        notes.append(
            "What forged the Referer is played as the Firefox setting that puts the target's own"
            " address there (network.http.referer.spoofSource)."
        )
        if not all(_is_own(one) for one in asked if one.cause is Cause.CLIENT_REWRITES_REFERER):
            notes.append("The forged Referer of the capture is another one, which cannot be shown.")
    if Cause.CLIENT_STRIPS_REFERER in causes:
        if engine == "firefox":
            everywhere = not _own_site_has_referer(traffic)
            name = "sendRefererHeader" if everywhere else "referer.XOriginPolicy"
            preferences[f"network.http.{name}"] = 0 if everywhere else 2
            notes.append(
                "What removed the Referer is played as a Firefox setting"
                f" (network.http.{name}); an extension or a middlebox would do the same."
            )
        elif _by_proxy(traffic):
            strip = ("referer",)
            notes.append("What removed the Referer is played as a middlebox on the way.")
        else:
            removes = ("referer",)
            notes.append("What removed the Referer is played as a browser extension.")
    if _goes_to_http(asked):
        if engine == "firefox":
            preferences["security.mixed_content.upgrade_display_content"] = False
            preferences["security.mixed_content.block_active_content"] = False
        else:
            switches = ("--disable-features=AutoupgradeMixedContent,HttpsUpgrades",)
            if any(not asking.is_element(one) for one in asked if _is_downgrade(one)):
                switches += ("--allow-running-insecure-content",)
    if blocks and engine == "firefox":
        notes.append("A content blocker's work cannot be shown in Firefox.")
        blocks = ()
    record = _record(traffic, engine, asked, local=local)
    if strip and engine == "chromium":
        record = ("har", "flow")
    client = Client(
        browser="firefox" if engine == "firefox" else "chromium",
        library=library,
        preferences=preferences,
        switches=switches,
        strip=strip,
        blocks=blocks,
        removes=removes,
    )
    return Played(client, record, notes)


def _engine(traffic: Sequence[CaptureTraffic], asked: Sequence[Asked]) -> tuple[str, list[str]]:
    """The engine to play with, and a note where it is not the one of the capture."""
    counts = Counter(one.client for one in asked)
    if not counts:
        requests = (read_request(e, p.capture) for p in traffic for e in p.exchanges[:200])
        counts = Counter(r.client for r in requests if r.client.renders_pages)
    if not counts:
        return "chromium", ["The browser is not known; Chromium stands for it."]
    client = counts.most_common(1)[0][0]
    engine = client.engine if client.engine in {"chromium", "firefox"} else "chromium"
    notes = []
    if not client.is_measured:
        notes.append(
            f"Played in Chromium instead of {client.title}, which cannot be driven here and may"
            " treat the Referer otherwise."
        )
    elif client.title not in {"a Chromium browser", "Firefox"}:
        notes.append(f"Played in Chromium, the engine of {client.title}.")
    return engine, notes


def _record(
    traffic: Sequence[CaptureTraffic], engine: str, asked: Sequence[Asked], *, local: bool
) -> tuple[Exporter, ...]:
    """The exporters that show what the capture showed."""
    names = [part.capture.exporter for part in traffic]
    own: tuple[Exporter, ...] = ("firefox",) if engine == "firefox" else ("devtools", "playwright")
    found = [short for name, short in _EXPORTERS if any(name in n for n in names)]
    if engine == "firefox":
        found = [short for short in found if short == "firefox"]
    else:
        found = [short for short in found if short != "firefox"]
    hidden = any(one.stored or not one.was_sent for one in asked) or _blocked(traffic)
    if not found and (hidden or local):
        found = [own[-1]]
    if any(name.startswith("mitmproxy") for name in names):
        found += ["har", "flow"]
    return tuple(dict.fromkeys([*found, "har"]))


def _by_proxy(traffic: Sequence[CaptureTraffic]) -> bool:
    """Whether a proxy recorded, and other hosts got a Referer."""
    for part in traffic:
        if not part.capture.on_the_wire:
            return False
        own = {id(sighting.exchange) for sighting in part.sightings}
        if not any("referer" in e.request_headers for e in part.exchanges if id(e) not in own):
            return False
    return True


def _own_site_has_referer(traffic: Sequence[CaptureTraffic]) -> bool:
    """Whether a request to the page's own host carried a Referer."""
    return any(_is_within_site(e) for part in traffic for e in part.exchanges)


def _is_within_site(exchange: Exchange) -> bool:
    referer = urls.parse(exchange.request_headers.get("referer") or "")
    target = urls.parse(exchange.url)
    return referer is not None and target is not None and urls.same_origin(referer, target)


def _is_own(one: Asked) -> bool:
    referer = urls.parse(one.request.referer or "")
    return referer is not None and referer.origin == one.case.url.origin


def _is_downgrade(one: Asked) -> bool:
    page = one.document.url if one.document is not None else ""
    plain = one.case.url.scheme == "http" or any(
        hop.url.startswith("http:") for hop in one.case.issuer.hops
    )
    return plain and page.startswith("https:") and one.was_sent


def _goes_to_http(asked: Sequence[Asked]) -> bool:
    return any(one.exchange.status and _is_downgrade(one) for one in asked)


def _blocked(traffic: Sequence[CaptureTraffic]) -> tuple[str, ...]:
    """URL filters for the hosts that something in the browser blocked."""
    hosts: dict[str, None] = {}
    for part in traffic:
        for sighting in part.sightings:
            exchange = sighting.exchange
            if exchange.outcome is Outcome.BLOCKED and "client" in exchange.reason.lower():
                hosts[f"||{sighting.url.host}^"] = None
    return tuple(hosts)
