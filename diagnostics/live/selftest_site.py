"""The self-test's hosts: its page, frame, workers and stylesheet, and what collects the requests.

Requests in, replies out; nothing leaves the machine. Each page that is opened is one run with a
name that nobody can guess, so that no other page can add to it. Only the newest runs are kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.live import own_site, selftest
from diagnostics.live.own_site import HOP, HOST, PROVIDER, SAME_SITE, STYLES
from diagnostics.live.selftest import Addresses, Result
from diagnostics.provider.emulated import Reply, Request

_RUNS = 8
_ANY = ("Access-Control-Allow-Origin", "*")
_FRESH = ("Cache-Control", "no-store")
#: A transparent picture of one pixel.
_PICTURE = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{{nonce}}'; style-src 'self' 'nonce-{{nonce}}'"
    " {scheme}://{styles}; img-src {scheme}://{provider} {scheme}://{site} 'self'; connect-src"
    " 'self' {scheme}://{provider} {scheme}://{hop} {scheme}://{site}; worker-src 'self' blob:"
    " data:; child-src 'self' blob: data: {scheme}://{provider}; frame-src 'self'"
    " {scheme}://{provider}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_FRAME_HEADERS = (_FRESH, ("Content-Security-Policy", "frame-ancestors 'self'"))


class _Run(msgspec.Struct):
    addresses: Addresses
    secure: bool
    user_agent: str | None
    arrived: dict[str, str | None] = {}


class SelfTestSite:
    """Answers for the self-test's addresses. `found` is called with each new result."""

    def __init__(self, found: Callable[[Result], None] = lambda result: None) -> None:
        self.result: Result | None = None
        self._found = found
        self._runs: dict[str, _Run] = {}

    def answer(self, request: Request) -> Reply | None:
        """The reply; None for addresses of our hosts that belong to somebody else."""
        url = urls.parse(request.url)
        if url is None or not own_site.is_own(url.host):
            return None
        parts = url.path.strip("/").split("/")
        if parts[0] == "probe" and len(parts) == 3:
            return self._probe(request, parts[1], parts[2])
        if url.host == HOP and parts[0] == "hop" and len(parts) == 3:
            return self._hop(parts[1], parts[2])
        if url.host == STYLES and parts[0] == "style" and len(parts) == 2:
            return self._stylesheet(parts[1].removesuffix(".css"))
        if url.host != HOST:
            return own_site.refusal(404, "Not found")
        return self._own(request, url, parts)

    def _own(self, request: Request, url: Url, parts: list[str]) -> Reply | None:
        match parts:
            case ["selftest.json"]:
                return own_site.json(self._state())
            case ["selftest.js" | "style.css" | "icon.svg"]:
                return own_site.asset(parts[0])
            case ["selftest"]:
                return self._page(request, url)
            case ["selftest", "done", run] if run in self._runs:
                if not own_site.may_change(request):
                    return own_site.refusal(403, "Only the self-test's own page may ask this.")
                return self._done(self._runs[run])
            case ["selftest", "worker.js"]:
                return _script("worker.js")
            case ["selftest", run, "frame"] if run in self._runs:
                return self._frame("selftest-frame.html.j2", run)
            case ["selftest", run, "sandboxed"] if run in self._runs:
                return self._frame("selftest-frame.html.j2", run, "-sbx")
            case ["selftest", run, "worker-frame"] if run in self._runs:
                return self._frame("selftest-worker-frame.html.j2", run)
            case ["selftest", run, "service-worker.js"] if run in self._runs:
                return _script("service-worker.js")
            case ["selftest", *_]:
                return own_site.refusal(404, "Not found: open /selftest again.")
        return None

    def _page(self, request: Request, url: Url) -> Reply:
        name = secrets.token_urlsafe(12)
        self._runs[name] = run = _Run(
            _addresses(url, name),
            urls.is_potentially_trustworthy(url),
            request.headers.get("user-agent"),
        )
        while len(self._runs) > _RUNS:
            del self._runs[next(iter(self._runs))]
        policy = _PAGE_POLICY.format(
            scheme=url.scheme, styles=STYLES, provider=PROVIDER, site=SAME_SITE, hop=HOP
        )
        return own_site.page(
            "selftest.html.j2",
            policy,
            (("X-Frame-Options", "DENY"),),
            run=name,
            addresses=run.addresses,
            targets=run.addresses.targets,
        )

    def _frame(self, template: str, name: str, suffix: str = "") -> Reply:
        targets = self._runs[name].addresses.targets
        reply = own_site.page(template, "", targets=targets, suffix=suffix)
        # A frame without a policy of its own for anything but who may embed it.
        kind = tuple(pair for pair in reply.headers if pair[0] == "Content-Type")
        return Reply(200, (*kind, *_FRAME_HEADERS), reply.body)

    def _stylesheet(self, name: str) -> Reply:
        run = self._runs.get(name)
        if run is None:
            return own_site.refusal(404, "Not found")
        target = run.addresses.targets["css-external"]
        text = f".external {{ background-image: url({target}) }}"
        return Reply(200, (_FRESH, ("Content-Type", "text/css")), text.encode())

    def _hop(self, name: str, kind: str) -> Reply:
        run = self._runs.get(name)
        if run is None or kind not in run.addresses.targets:
            return own_site.refusal(404, "Not found")
        return Reply(302, (_ANY, _FRESH, ("Location", run.addresses.targets[kind])))

    def _probe(self, request: Request, name: str, kind: str) -> Reply:
        run = self._runs.get(name)
        if run is None or kind not in run.addresses.targets:
            return own_site.refusal(404, "Not found")
        if request.method == "OPTIONS":
            return Reply(204, (_ANY, ("Access-Control-Allow-Headers", "*")))
        if request.url.partition("#")[0] == run.addresses.targets[kind]:
            run.arrived[kind] = request.headers.get("referer")
        if selftest.kinds()[kind].navigation:
            html = b"<!DOCTYPE html><meta charset=utf-8><title>frame</title>"
            return Reply(200, (_FRESH, ("Content-Type", "text/html")), html)
        return Reply(200, (_ANY, _FRESH, ("Content-Type", "image/gif")), _PICTURE)

    def _done(self, run: _Run) -> Reply:
        known = selftest.kinds()
        wanted = {name for name, kind in known.items() if run.secure or not kind.secure}
        result = selftest.examine(run.arrived, run.user_agent, run.addresses, secure=run.secure)
        if result != self.result:
            self.result = result
            self._found(result)
        missing = sorted(wanted - run.arrived.keys())
        return own_site.json(msgspec.json.encode({"missing": missing, "result": result}))

    def _state(self) -> bytes:
        if self.result is None:
            says = f"The self-test has not run yet: open http://{HOST}/selftest in the browser."
            return msgspec.json.encode({"outcome": None, "says": says, "self_test": ""})
        return msgspec.json.encode(
            msgspec.structs.asdict(self.result) | {"self_test": self.result.self_test}
        )


def _script(name: str) -> Reply:
    reply = own_site.asset(name)
    kind = tuple(pair for pair in reply.headers if pair[0] == "Content-Type")
    return Reply(200, (_FRESH, *kind), reply.body)


def _addresses(url: Url, run: str) -> Addresses:
    hosts = {"provider": PROVIDER, "same-site": SAME_SITE, "same-origin": HOST}
    port = "" if url.port in {80, 443} else f":{url.port}"
    base = f"{url.scheme}://{HOST}{port}"
    return Addresses(
        page=url.href.partition("#")[0],
        frame=f"{base}/selftest/{run}/frame",
        worker=f"{base}/selftest/worker.js",
        worker_frame=f"{base}/selftest/{run}/worker-frame",
        stylesheet=f"{url.scheme}://{STYLES}/style/{run}.css",
        hop=f"{url.scheme}://{HOP}/hop/{run}/main-redirected",
        targets={
            name: f"{url.scheme}://{hosts[kind.to]}"
            f"{port if kind.to == 'same-origin' else ''}/probe/{run}/{name}"
            for name, kind in selftest.kinds().items()
        },
    )
