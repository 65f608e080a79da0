"""Small captures in a few words: a page, what it asked for, what was answered.

`Tape` records exchanges as one exporter would have written them: Chrome DevTools knows page,
initiator and type, Firefox the page, Playwright page and type, a proxy headers and times only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from diagnostics.browser import url as urls
from diagnostics.browser.engine import engine
from diagnostics.browser.referrer import Context, Means, Situation, predict
from diagnostics.capture.exchange import (
    Capture,
    DecodedParts,
    Exchange,
    Headers,
    Initiator,
    Outcome,
    Page,
)
from diagnostics.journey.case import Case
from diagnostics.journey.diagnose import Verdicts, diagnose
from diagnostics.journey.library import numbers
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.traffic import read_traffic
from diagnostics.journey.verdict import Fix, Stage, Station, Verdict
from diagnostics.journey.whatif import Change, parse_change
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.token import encode
from diagnostics.report.model import Report

API = "https://api.mapbox.com"
PAGE = "https://shop.example.com/map?x=1"
HOST = "shop.example.com"
ORIGIN = "https://shop.example.com"
TOKEN = encode("pk", {"u": "acme", "a": "ck0exampletoken0000000000"})
FORBIDDEN = '{"message":"Forbidden"}'
NEEDS_SCOPE = '{"message":"This API requires a token with styles:tiles scope."}'
NO_TOKEN = '{"message":"Not Authorized - No Token"}'
INVALID_TOKEN = '{"message":"Not Authorized - Invalid Token"}'

STYLE = "/styles/v1/acme/streets"
TILE = "/v4/acme.tiles/3/4/2.vector.pbf"
IMAGE = "/styles/v1/acme/streets/static/13.4,52.5,9/600x400"
RASTER = "/styles/v1/acme/streets/tiles/512/3/4/2"
GLYPHS = "/fonts/v1/acme/Open%20Sans/0-255.pbf"
SESSION = "/map-sessions/v1?sku=101abc"

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36"  # fmt: skip # noqa: E501
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15"  # fmt: skip # noqa: E501
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/156.0 Mobile Safari/537.36"  # fmt: skip # noqa: E501

PLAIN = "<!doctype html><title>Map</title><div id=map></div>"
DEVTOOLS, FIREFOX_HAR, PLAYWRIGHT, PROXY = "Chrome DevTools", "Firefox", "Playwright", "mitmproxy"
EXPORTERS = (DEVTOOLS, FIREFOX_HAR, PLAYWRIGHT, PROXY)
_AUTO = "auto"
_DESTS = {"fetch": "empty", "xhr": "empty", "stylesheet": "style"}
_MIMES = {"document": "text/html", "iframe": "text/html", "script": "text/javascript",
          "stylesheet": "text/css", "image": "image/png"}  # fmt: skip


def api(path: str, token: str | None = TOKEN, host: str = API) -> str:
    """A URL of the provider with a token."""
    if "://" in path:
        return path
    if token is None:
        return host + path
    return f"{host}{path}{'&' if '?' in path else '?'}access_token={token}"


class Tape:
    """A capture in the making; every method returns the tape."""

    def __init__(self, exporter: str = DEVTOOLS, agent: str | None = None, file: str = "a.har"):
        self.exporter = exporter
        usual = FIREFOX if exporter == FIREFOX_HAR else CHROME
        self.agent = usual if agent is None else agent
        self.file = file
        self.exchanges: list[Exchange] = []
        self.pages: list[Page] = []
        self.clock = 1_800_000_000.0
        self._page = ""
        self._ref = ""

    @property
    def capture(self) -> Capture:
        pages = () if self.exporter == PROXY else tuple(self.pages)
        return Capture(self.file, self.exporter, tuple(self.exchanges), pages)

    @property
    def knows_pages(self) -> bool:
        return self.exporter != PROXY

    def page(
        self,
        url: str = PAGE,
        *,
        policy: str | None = None,
        csp: str | None = None,
        html: str | None = PLAIN,
        headers: Iterable[tuple[str, str]] = (),
        frame: bool = False,
        seen: bool = True,
        status: int = 200,
    ) -> Tape:
        """Load a document; later requests are its own. Unseen, it is only in the list of pages."""
        answer = list(headers)
        if policy is not None:
            answer.append(("Referrer-Policy", policy))
        if csp is not None:
            answer.append(("Content-Security-Policy", csp))
        if not frame:
            self._ref = f"page_{len(self.pages) + 1}"
            self.pages.append(Page(self._ref, url if self.exporter == DEVTOOLS else "Map"))
        kind = "iframe" if frame else "document"
        if seen:
            sent = [("Sec-Fetch-Site", "same-origin" if frame else "none"),
                    ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", kind),
                    ("Accept", "text/html")]  # fmt: skip
            self._add(url, status, html, sent, answer, kind, initiator=self._page)
        self._page = url
        return self

    def back_to(self, url: str, ref: str = "page_1") -> Tape:
        """Further requests come from a page that was loaded before."""
        self._page, self._ref = url, ref
        return self

    def ask(
        self,
        to: str = STYLE,
        *,
        status: int | None = 403,
        body: str | None = FORBIDDEN,
        referer: str | None = _AUTO,
        origin: str | None = _AUTO,
        site: str | None = _AUTO,
        kind: str = "fetch",
        token: str | None = TOKEN,
        host: str = API,
        agent: str | None = None,
        answer: Iterable[tuple[str, str]] = (),
        sent: Iterable[tuple[str, str]] | None = None,
        outcome: Outcome | None = None,
        reason: str = "",
        initiator: str | Sequence[str] | None = None,
        worker: bool = False,
        service_worker: bool = False,
        method: str = "GET",
        times: int = 1,
        mime: str = "",
    ) -> Tape:
        """Ask the provider (a path) or anybody (a URL). By default a fetch of the page, with the
        Referer and Fetch Metadata that a browser sends from it under its default policy, answered
        with 403. `worker` is a worker's request as this exporter shows it."""
        target = api(to, token, host)
        page = urls.parse(self._page)
        has_origin = page is not None and page.scheme in {"http", "https"}
        if referer == _AUTO:
            referer = f"{page.origin}/" if page is not None and has_origin else None
        if site == _AUTO:
            site = _site(self._page, target)
        if origin == _AUTO:
            origin = (page.origin if page and has_origin else "null") if kind in _FETCHED else None
        if sent is None:
            bare = worker and self.exporter == DEVTOOLS
            sent = [("User-Agent", agent or self.agent)]
            if bare:
                sent.append(("Referer", referer or ""))
            else:
                sent += _fields(kind, referer, origin, site)
        if initiator is None and worker:
            initiator = f"blob:{page.origin}/1b2c" if page else None
        for _ in range(times):
            self._add(target, status, body, sent, answer, kind, initiator or self._page, outcome,
                      reason, service_worker, method, worker, mime)  # fmt: skip
        return self

    def _add(
        self,
        url: str,
        status: int | None,
        body: str | None,
        sent: Iterable[tuple[str, str]],
        answer: Iterable[tuple[str, str]],
        kind: str,
        initiator: str | Sequence[str] = "",
        outcome: Outcome | None = None,
        reason: str = "",
        service_worker: bool = False,
        method: str = "GET",
        worker: bool = False,
        mime: str = "",
    ) -> None:
        self.clock += 0.1
        fields = list(sent)
        if not any(name == "User-Agent" for name, _ in fields) and self.agent:
            fields.append(("User-Agent", self.agent))
        answered = list(answer)
        knows_kind = self.exporter in {DEVTOOLS, PLAYWRIGHT}
        shows = self.exporter == DEVTOOLS and initiator
        by = (initiator,) if isinstance(initiator, str) else tuple(initiator)
        if outcome is None:
            outcome = Outcome.ANSWERED if status else Outcome.UNKNOWN
        location = next((v for n, v in answered if n.lower() == "location"), "")
        self.exchanges.append(
            Exchange(
                source=self.file,
                index=len(self.exchanges),
                method=method,
                url=url,
                started=self.clock,
                status=status,
                outcome=outcome,
                reason=reason,
                resource_type=kind if knows_kind else "",
                mime_type=mime or _MIMES.get(kind, "application/json"),
                page_ref=self._ref if self.knows_pages and not (worker and shows) else "",
                redirect_url=location,
                via_service_worker=service_worker,
                parts=DecodedParts(
                    Headers(fields),
                    Headers(answered),
                    body=lambda: body,
                    initiator=Initiator("script", by) if shows else Initiator(),
                ),
            )
        )


_FETCHED = {"fetch", "xhr", "font"}


def _site(page: str, target: str) -> str:
    a, b = urls.parse(page), urls.parse(target)
    if a is None or b is None or a.has_opaque_origin:
        return "cross-site"
    if urls.same_origin(a, b):
        return "same-origin"
    return "same-site" if urls.same_site(a, b) else "cross-site"


def _fields(
    kind: str, referer: str | None, origin: str | None, site: str | None
) -> list[tuple[str, str]]:
    fields = [("Accept", "*/*")]
    if referer is not None:
        fields.append(("Referer", referer))
    if origin is not None:
        fields.append(("Origin", origin))
    if site is not None:
        navigates = kind in {"document", "iframe"}
        mode = "navigate" if navigates else "cors" if kind in _FETCHED else "no-cors"
        fields += [
            ("Sec-Fetch-Site", site),
            ("Sec-Fetch-Mode", mode),
            ("Sec-Fetch-Dest", _DESTS.get(kind, kind)),
        ]
    return fields


def redirected(tape: Tape, via: str, policy: str | None = None, **last: Any) -> Tape:
    """A fetch of `via` that is redirected to the provider (Origin becomes null on the way)."""
    target = api(last.pop("to", STYLE))
    answer = [("Location", target)] + ([("Referrer-Policy", policy)] if policy else [])
    tape.ask(via, status=302, body=None, answer=answer)
    return tape.ask(target, **{"origin": "null", **last})


def listing(*entries: str) -> Told:
    """The token's list is known: `--allow` for each entry."""
    return Told(Allowed(entries, "--allow"))


UNRESTRICTED = Told(Allowed((), "--unrestricted"))
UNKNOWN_LIST = Told()


def report_of(*tapes: Tape, told: Told = UNKNOWN_LIST, what_if: Sequence[str] = ()) -> Report:
    captures = [tape.capture for tape in tapes]
    return diagnose(captures, told, [parse_change(change) for change in what_if])


def verdicts_of(*tapes: Tape, told: Told = UNKNOWN_LIST) -> tuple[Verdict, ...]:
    return report_of(*tapes, told=told).verdicts


def verdict_of(*tapes: Tape, told: Told = UNKNOWN_LIST, what_if: Sequence[str] = ()) -> Verdict:
    """The verdict of a capture with one refusal."""
    (verdict,) = report_of(*tapes, told=told, what_if=what_if).verdicts
    return verdict


def case_of(tape: Tape, told: Told = UNKNOWN_LIST) -> Case:
    """The case of a capture with one refusal, as the stages are asked about it."""
    (part,), contrast = read_traffic([tape.capture])
    (refused,) = [sighting for sighting in part.sightings if sighting.refused]
    return Verdicts(part, contrast, told, ()).case(refused)


def station(verdict: Verdict, stage: Stage | str) -> Station:
    return next(s for s in verdict.journey if s.stage == stage)


def broken_stage(verdict: Verdict) -> str | None:
    return next((s.stage.value for s in verdict.journey if s.state == "broken"), None)


def fix_of(verdict: Verdict, part: str) -> Fix:
    """The first fix whose change has `part`."""
    found = next((fix for fix in verdict.fixes if part in fix.fix), None)
    assert found is not None, (part, [fix.fix for fix in verdict.fixes])
    return found


@pytest.fixture
def tape() -> Tape:
    return Tape()


class World(msgspec.Struct, frozen=True):
    """A page, its browser and its token's list, played by the browser's and the provider's rules:
    what really would happen, against which predictions are held."""

    entries: tuple[str, ...] = (HOST,)
    page_url: str = PAGE
    policy: str = ""
    request_policy: str = ""
    sandbox: str = ""  # csp or frame
    library: str = ""
    worker: bool = False
    http: bool = False
    stripped: bool = False
    forged: bool = False
    cached: bool = False
    sheet: str = ""
    to: str = STYLE
    kind: str = "fetch"
    exporter: str = DEVTOOLS

    @property
    def target(self) -> str:
        return api(self.to, host="http://api.mapbox.com" if self.http else API)

    @property
    def situation(self) -> Situation:
        old = bool(self.library) and numbers(self.library) < (0, 51)
        context = Context.DOCUMENT
        if self.sandbox:
            context = Context.SANDBOXED
        elif self.worker:
            context = Context.BLOB_WORKER_XHR if old else Context.BLOB_WORKER_FETCH
        elif self.sheet:
            context = Context.STYLESHEET
        return Situation(
            page=self.sheet or self.page_url,
            to=self.target,
            policy="" if self.sheet else self.policy,
            request_policy=self.request_policy,
            context=context,
            means=Means.ELEMENT if self.kind == "image" else Means.FETCH,
            names_referrer=self.worker and not old,
        )

    @property
    def referer(self) -> str | None:
        if self.stripped:
            return None
        if self.forged:
            return f"{API}/"
        name = "firefox" if self.exporter == FIREFOX_HAR else "chromium"
        return predict(self.situation, engine(name)).referer

    @property
    def decision(self) -> Decision:
        return decide(mapbox, self.referer, self.entries).decision

    @property
    def tape(self) -> Tape:
        html = PLAIN
        if self.request_policy:
            html += f'<img src="{self.target}" referrerpolicy="{self.request_policy}">'
        tape = Tape(self.exporter)
        csp = "sandbox allow-scripts" if self.sandbox == "csp" else None
        if self.sandbox == "frame":
            frame = f'<iframe src="{self.page_url}" sandbox="allow-scripts"></iframe>'
            tape.page("https://shop.example.com/outer", html=frame)
        framed = self.sandbox == "frame"
        tape.page(self.page_url, policy=self.policy or None, csp=csp, html=html, frame=framed)
        if self.library:
            script = f"https://api.mapbox.com/mapbox-gl-js/v{self.library}/mapbox-gl.js"
            tape.ask(script, status=200, body="", kind="script", referer=None)
        if self.sheet:
            tape.ask(self.sheet, status=200, body="", kind="stylesheet")
        return tape.ask(
            self.target,
            kind=self.kind,
            referer=self.referer,
            origin="null" if self.sandbox and self.kind == "fetch" else _AUTO,
            site="cross-site",
            worker=self.worker,
            initiator=self.sheet or None,
            outcome=Outcome.CACHED if self.cached else None,
        )

    @property
    def report(self) -> Report:
        return report_of(self.tape, told=listing(*self.entries))

    @property
    def verdict(self) -> Verdict:
        (verdict,) = self.report.verdicts
        return verdict

    def changed(self, changes: str) -> World:
        """The world after changes as they are written for --what-if."""
        world = self
        for text in changes.split():
            world = world._after(parse_change(text))
        return world

    def _after(self, change: Change) -> World:
        new = msgspec.structs.replace
        match change.name, change.operator:
            case "referrer-policy", _:
                return new(self, policy=change.value)
            case "request-policy", _:
                return new(self, request_policy=change.value)
            case "allow", "+=":
                return new(self, entries=(*self.entries, change.value))
            case "allow", "-=":
                return new(self, entries=tuple(e for e in self.entries if e != change.value))
            case "gl-js", _:
                return new(self, library=change.value)
            case "csp", _:
                return new(self, sandbox="" if self.sandbox == "csp" else self.sandbox)
            case "sandbox", _:
                return new(self, sandbox="" if self.sandbox == "frame" else self.sandbox)
            case "page", _:
                return new(self, page_url=change.value, sheet="")
            case "to", _:
                return new(self, http=False)
            case "client", _:
                return new(self, stripped=False, forged=False)
            case "cache", _:
                return new(self, cached=False)
        raise AssertionError(change)
