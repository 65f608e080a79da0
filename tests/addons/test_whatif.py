"""Changes on live traffic: flow by flow, and in real browsers that open the pages of tickets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark.structures import ParameterSet
from mitmproxy import exceptions, http
from mitmproxy.test import tflow

from addons.whatif import WhatIf
from diagnostics import ticket as tickets
from diagnostics.live import chromium, firefox
from diagnostics.live import proxy as proxies
from diagnostics.live.play import EMULATOR, wait_until_quiet
from diagnostics.provider.token import encode
from diagnostics.ticket import Ticket

ADDON = EMULATOR.with_name("whatif.py")
TICKETS = EMULATOR.parent.parent / "fixtures" / "tickets"
PAGE = "https://shop.example.com/map"
POLICY = "referrer-policy=strict-origin-when-cross-origin"
MARKUP = "<!DOCTYPE html><meta name=referrer content=never><title>é</title>"
TOKEN = encode("pk", {"u": "acme", "a": "ck0example00000000000000a"})
STYLE = f"https://api.mapbox.com/styles/v1/acme/x?access_token={TOKEN}"
DOCUMENT = {"Sec-Fetch-Dest": "document", "If-None-Match": '"x"', "Accept-Encoding": "gzip, dcb"}
Load = Callable[[object], Any]
Go = Callable[[str], object]


class Changing:
    """The addon with changes; `get` gives a flow that went through all of its hooks."""

    def __init__(self, load: Load, *changes: str) -> None:
        self.addon = WhatIf()
        self.context = load(self.addon)
        self.context.configure(self.addon, why403_what_if=list(changes))

    def get(
        self,
        url: str = PAGE,
        body: bytes | str = MARKUP,
        status: int = 200,
        request: dict[str, str] = DOCUMENT,
        stream: bool = False,
        **headers: str,
    ) -> tuple[http.HTTPFlow, http.Response]:
        flow = tflow.tflow(req=http.Request.make("GET", url, headers=request))
        self.addon.request(flow)
        fields = {"content-type": "text/html; charset=utf-8"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body.encode() if isinstance(body, str) else body
        flow.response = http.Response.make(status, b"", fields)
        flow.response.content = content
        flow.response.stream = stream
        self.addon.responseheaders(flow)
        self.addon.response(flow)
        assert flow.response is not None
        return flow, flow.response


def test_header_and_markup_of_a_document(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    flow, response = changing.get(referrer_policy="no-referrer", etag='"x"')
    assert response.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert b'content="strict-origin-when-cross-origin"' in (response.content or b"")
    assert response.headers["content-length"] == str(len(response.raw_content or b""))
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    assert "if-none-match" not in flow.request.headers
    assert flow.request.headers["accept-encoding"] == "gzip, deflate, br"
    assert [note["where"] for note in changing.addon.before_after["notes"]] == [PAGE, PAGE]


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd"])
def test_packed_documents_stay_packed(in_mitmproxy: Load, encoding: str) -> None:
    _, response = Changing(in_mitmproxy, POLICY).get(content_encoding=encoding)
    assert response.headers["content-encoding"] == encoding
    content = response.get_content(strict=True)
    assert b"strict-origin" in (content or b"")
    assert response.raw_content != content


def test_what_cannot_be_unpacked_is_left_alone(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    flow, _ = changing.get()
    for packed in (b"no gzip", b""):
        flow.response = http.Response.make(200, b"", {"content-type": "text/html"})
        flow.response.headers["content-encoding"] = "gzip"
        flow.response.raw_content = packed
        changing.addon.responseheaders(flow)
        changing.addon.response(flow)
        assert flow.response.raw_content == packed


def test_a_streamed_document_is_changed_when_it_is_whole(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    _, response = changing.get(stream=True, content_encoding="gzip", content_length="9")
    assert callable(response.stream)
    assert "content-length" not in response.headers
    assert "content-encoding" not in response.headers
    assert response.headers["transfer-encoding"] == "chunked"
    packed = http.Response.make(200, MARKUP.encode(), {"content-encoding": "gzip"}).raw_content
    assert packed is not None
    assert response.stream(packed[:20]) == b""
    assert response.stream(packed[20:]) == b""
    assert b'content="strict-origin-when-cross-origin"' in response.stream(b"")


UNCHANGED: list[dict[str, Any]] = [
    {"request": {"Sec-Fetch-Dest": "empty"}},
    {"request": {"Sec-Fetch-Dest": "image"}},
    {"request": {}},
    {"content_type": "application/json"},
    {"status": 206},
    {"url": "http://why403.test/"},
    {"url": "https://api.mapbox.com/styles/v1/acme/x.html"},
]


@pytest.mark.parametrize("case", UNCHANGED)
def test_only_documents_of_the_page_are_changed(in_mitmproxy: Load, case: dict[str, Any]) -> None:
    _, response = Changing(in_mitmproxy, POLICY).get(referrer_policy="no-referrer", **case)
    assert response.content == MARKUP.encode()
    assert response.headers["referrer-policy"] == "no-referrer"


def test_only_documents_of_the_named_hosts_are_changed(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy)
    changing.addon.set([POLICY, "sandbox+=allow-same-origin"], ["maps.example.com"])
    frame = '<iframe sandbox="" src=x></iframe>'
    _, other = changing.get(body=MARKUP + frame)
    assert "referrer-policy" not in other.headers
    # The page around a frame sets its sandbox.
    assert (
        other.content == (MARKUP + '<iframe sandbox="allow-same-origin" src=x></iframe>').encode()
    )
    _, named = changing.get("https://maps.example.com/embed")
    assert "referrer-policy" in named.headers


def test_a_redirect_loses_its_policy(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    request = {"Sec-Fetch-Dest": "image"}
    _, response = changing.get(status=302, request=request, referrer_policy="no-referrer")
    assert "referrer-policy" not in response.headers


def test_without_a_change_nothing_is_touched(in_mitmproxy: Load) -> None:
    flow, response = Changing(in_mitmproxy).get(referrer_policy="no-referrer", etag='"x"')
    assert response.content == MARKUP.encode()
    assert response.headers["etag"] == '"x"'
    assert flow.request.headers["if-none-match"] == '"x"'


FORBIDDEN = {"body": '{"message":"Forbidden"}', "status": 403, "content_type": "application/json"}


def test_a_changed_list_is_answered_by_the_emulated_provider(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy)
    headers = {"Referer": "https://shop.example.com/", "If-None-Match": '"x"'}
    _, before = changing.get(STYLE, request=headers, **FORBIDDEN)
    assert before.status_code == 403
    changing.addon.set(["allow+=shop.example.com"])
    flow, response = changing.get(STYLE, request=headers, **FORBIDDEN)
    assert response.status_code == 200
    assert "emulated" in response.headers["x-why403"]
    assert "if-none-match" not in flow.request.headers
    # The diagnosis takes it for no evidence.
    assert "why403_own" in flow.metadata
    other = {"Referer": "https://other.example/"}
    assert changing.get(STYLE, request=other, **FORBIDDEN)[1].status_code == 403
    assert changing.addon.before_after["before"] == {"answered": 0, "refused": 1}
    assert changing.addon.before_after["since"] == {"answered": 1, "refused": 1, "emulated": 1}
    changing.addon.set([])
    assert changing.get(STYLE, request=headers, **FORBIDDEN)[1].status_code == 403
    assert changing.addon.before_after["before"] == {"answered": 0, "refused": 1}


def test_the_told_list_is_the_one_that_is_changed(in_mitmproxy: Load) -> None:
    from addons.diagnose import Diagnose

    changing = Changing(in_mitmproxy)
    diagnose = Diagnose()
    changing.context.master.addons.add(diagnose)
    diagnose.tell(["shop.example.com"])
    changing.addon.set(["allow-=shop.example.com", "allow+=other.example"])
    headers = {"Referer": "https://shop.example.com/"}
    assert changing.get(STYLE, "{}", request=headers)[1].status_code == 403


def test_what_is_answered_meanwhile_is_not_cached(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    request = {"Sec-Fetch-Dest": "image"}
    _, tile = changing.get(STYLE, "{}", request=request, cache_control="max-age=43200")
    assert tile.headers["cache-control"] == "no-store"
    _, other = changing.get("https://a.example/", "{}", request=request, cache_control="max-age=9")
    assert other.headers["cache-control"] == "max-age=9"


def test_what_is_not_counted(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy)
    changing.get(STYLE, status=404)
    changing.get("https://events.mapbox.com/events/v2?access_token=x", status=204)
    assert changing.addon.before_after["before"] == {"answered": 0, "refused": 0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("gl-js=3", "why403_what_if: gl-js=3: the address of a library has its whole version"),
        ("client=clean", "open the page in a fresh profile"),
        ("nonsense", "is no change that can be tried"),
    ],
)
def test_what_cannot_be_tried_is_said(in_mitmproxy: Load, change: str, says: str) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    with pytest.raises(exceptions.OptionsError, match=re.escape(says)):
        changing.context.configure(changing.addon, why403_what_if=[change])
    with pytest.raises(ValueError, match=re.escape(says.removeprefix("why403_what_if: "))):
        changing.addon.set([change])
    assert [str(c) for c in changing.addon.changes] == [POLICY]


def test_hosts_belong_to_the_changes_that_they_were_named_with(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy)
    changed = lambda: "referrer-policy" in changing.get()[1].headers  # noqa: E731
    changing.addon.set([], ["a.example"])
    changing.context.options.update(why403_what_if=[POLICY])
    assert changed()
    changing.addon.set([POLICY], ["a.example"])  # the same changes elsewhere
    assert not changed()
    with pytest.raises(exceptions.OptionsError):
        changing.context.options.update(why403_what_if=["nonsense"])
    assert not changed()  # nothing is changed in more places than before
    with pytest.raises(ValueError, match="nonsense"):
        changing.addon.set(["nonsense"], ["shop.example.com"])
    assert not changed()
    changing.context.options.update(why403_what_if=["referrer-policy=origin"])
    assert changed()


def test_a_note_on_a_page_of_many_changes_is_short(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy, POLICY)
    many = "".join(f"<meta name=referrer content=x{n}>" for n in range(5000))
    _, response = changing.get(body=many, referrer_policy="x" * 50_000)
    assert (response.content or b"").count(b"strict-origin-when-cross-origin") == 5000
    assert max(len(note["says"]) for note in changing.addon.before_after["notes"]) < 2000


def test_observers_are_told(in_mitmproxy: Load) -> None:
    changing = Changing(in_mitmproxy)
    told: list[int] = []
    changing.addon.observers.append(lambda: told.append(1))
    changing.addon.set([f"{POLICY} allow+=shop.example.com"])
    assert len(told) == 1
    changing.get()
    assert len(told) == 3  # its header and its markup


IMAGE = '<img alt="" src="https://api.mapbox.com/v4/acme.x/1/0/0.png?access_token={{token}}">'
HOP = '<img alt="" src="https://tiles.example.org/streets/1/0/0">'
SHOP, STORE = "https://shop.example.com/map", "https://www.example.com/store/locator"
LIBRARY = "https://api.mapbox.com/mapbox-gl-js/v{}/mapbox-gl.js"
OLD_LIBRARY = LIBRARY.format("0.45.0")
# What the versions of a map library do in a worker: the old one cannot name a referrer.
ASK = "https://api.mapbox.com/v4/acme.x/1/0/0.vector.pbf?access_token={{token}}"
IN_WORKER = """
const code = `{}`;
new Worker(URL.createObjectURL(new Blob([code], {{type: "text/javascript"}})));
"""
BY_XHR = f"const x = new XMLHttpRequest(); x.open('GET', '{ASK}'); x.send();"
BY_FETCH = f"fetch('{ASK}', {{referrer: '${{location.href}}'}});"


def script(code: str) -> dict[str, Any]:
    headers = {"Access-Control-Allow-Origin": "*"}
    return {"html": IN_WORKER.format(code), "type": "text/javascript", "headers": headers}


def markup(body: str) -> dict[str, Any]:
    return {"html": f"<!DOCTYPE html><title>Map</title>{body}"}


#: A ticket's name, the change that its fix proposes, and sites in place of the ticket's, so that
#: no map library is needed. At least one ticket for each cause whose remedy is a change of the
#: page, its policy, its library or the list.
CASES = [
    ("helmet-gl3-chromium", POLICY, {SHOP: markup(IMAGE)}),
    ("srcdoc-policy-chromium", POLICY, {}),
    ("meta-no-referrer-chromium", POLICY,
     {"https://club.example.org/contact": markup(
         f"<meta name=referrer content=no-referrer>{IMAGE}")}),
    ("img-attribute-chromium", "request-policy=strict-origin-when-cross-origin", {}),
    ("redirect-policy-chromium", POLICY, {SHOP: markup(HOP)}),
    ("csp-sandbox-chromium", "csp-=sandbox",
     {"https://wiki.example.com/upload/map.html": markup(IMAGE)}),
    ("iframe-sandbox-chromium", "sandbox+=allow-same-origin",
     {"https://maps.example.com/embed": markup(IMAGE)}),
    ("apex-not-www-chromium", "allow+=example.com", {"https://example.com/map": markup(IMAGE)}),
    ("path-entry-chromium", "allow+=www.example.com", {STORE: markup(IMAGE)}),
    ("path-entry-chromium", "referrer-policy=unsafe-url", {STORE: markup(IMAGE)}),
    ("scheme-downgrade-chromium", "to=https", {SHOP: markup(IMAGE.replace("https", "http"))}),
    ("gl045-worker-chromium", "gl-js=3.9.0",
     {"https://legacy.example.com/fleet": markup(
         f'<script crossorigin integrity="{{digest}}" src="{OLD_LIBRARY}"></script>'),
      OLD_LIBRARY: script(BY_XHR), LIBRARY.format("3.9.0"): script(BY_FETCH)}),
    ("path-entry-firefox-capped", "allow+=www.example.com", {STORE: markup(IMAGE)}),
    ("scheme-downgrade-firefox", "to=https", {SHOP: markup(IMAGE.replace("https", "http"))}),
    ("meta-no-referrer-chromium", POLICY,
     {"https://club.example.org/contact": markup(
         f"<meta name=referrer content=no-referrer>{IMAGE}")}, "firefox"),
    ("helmet-gl3-chromium", POLICY, {SHOP: markup(IMAGE)}, "firefox"),
]  # fmt: skip
SWITCH = """
import json
from mitmproxy import ctx, http

def request(flow):
    if flow.request.pretty_host == "switch.test":
        addon = ctx.master.addons.get("why403_whatif")
        if flow.request.method == "POST":
            addon.set(json.loads(flow.request.content))
        flow.response = http.Response.make(200, json.dumps(addon.before_after))
"""


def prepared(folder: Path, name: str, sites: dict[str, dict[str, Any]]) -> Path:
    """The ticket with other answers at these addresses; what else the address sends stays."""
    data = yaml.safe_load((TICKETS / f"{name}.yaml").read_text(encoding="utf-8"))
    for address, site in sites.items():
        known = data["sites"].setdefault(address, {})
        known.pop("body", None)
        known.update(site)
    file = folder / f"{name}.yaml"
    text = yaml.safe_dump(data)
    if OLD_LIBRARY in sites:
        ticket = tickets.load(TICKETS / f"{name}.yaml")
        code = ticket.fill(data["sites"][OLD_LIBRARY]["html"]).encode()
        digest = base64.b64encode(hashlib.sha384(code).digest()).decode()
        text = text.replace("{digest}", f"sha384-{digest}")
    file.write_text(text, encoding="utf-8")
    return file


@contextmanager
def opened(browser: str, folder: Path, proxy: proxies.Proxy, ticket: Ticket) -> Iterator[Go]:
    """The browser of a ticket, and how to open a page in it."""
    client = ticket.client
    if browser == "firefox":
        extra = dict(client.preferences)
        with firefox.running(folder, proxy, headless=True, extra=extra) as running:
            yield running.control.go
        return
    from playwright.sync_api import sync_playwright

    with (
        chromium.running(folder, proxy, switches=client.switches) as running,
        sync_playwright() as playwright,
    ):
        page = playwright.chromium.connect_over_cdp(running.endpoint).contexts[0].new_page()
        yield page.goto


def cases() -> list[ParameterSet]:
    found = []
    for name, change, sites, *other in CASES:
        browser = other[0] if other else tickets.load(TICKETS / f"{name}.yaml").client.browser
        mark = pytest.mark.browser(browser)
        found.append(
            pytest.param(name, change, sites, browser, marks=mark, id=f"{name}-{change}-{browser}")
        )
    return found


@pytest.mark.parametrize(("name", "change", "sites", "browser"), cases())
def test_a_refused_page_is_answered_after_the_change(
    tmp_path: Path, name: str, change: str, sites: dict[str, dict[str, Any]], browser: str
) -> None:
    ticket = tickets.load(prepared(tmp_path, name, sites))
    switch = tmp_path / "switch.py"
    switch.write_text(SWITCH, encoding="utf-8")
    options = {"why403_ticket": str(tmp_path / f"{name}.yaml")}
    scripts = ["-s", str(ADDON), "-s", str(switch)]
    with (
        proxies.running(tmp_path, EMULATOR, options, scripts) as proxy,
        opened(browser, tmp_path, proxy, ticket) as go,
    ):
        handler = urllib.request.ProxyHandler({"http": f"http://{proxy.address}"})
        opener = urllib.request.build_opener(handler)

        def state(changes: list[str] | None = None) -> dict[str, Any]:
            data = None if changes is None else json.dumps(changes).encode()
            with opener.open("http://switch.test/", data, timeout=20) as answer:
                found: dict[str, Any] = json.load(answer)
            return found

        def visit(is_done: Callable[[dict[str, Any]], bool]) -> None:
            """A map may take long to begin, and is quiet meanwhile."""
            go(ticket.page)
            end = time.monotonic() + 30
            wait_until_quiet(proxy, seconds=1)
            while not is_done(state()) and time.monotonic() < end:
                wait_until_quiet(proxy, seconds=1)

        visit(lambda now: now["before"]["refused"] > 0)
        before = state([change])["before"]
        visit(lambda now: now["since"]["answered"] >= before["refused"])
        after = state()
    assert before["refused"] > 0
    assert after["since"]["refused"] == 0
    # What was answered before may come from the browser's cache now.
    assert after["since"]["answered"] >= before["refused"]
    assert bool(after["since"]["emulated"]) is change.startswith("allow")
    assert bool(after["notes"]) is not change.startswith("allow")
