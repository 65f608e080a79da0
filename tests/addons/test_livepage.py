"""The live page: served by the addon, and driven by clicks in real browsers."""

from __future__ import annotations

import asyncio
import html
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from mitmproxy import http
from mitmproxy.addons.view import View
from mitmproxy.test import tflow

from addons import livepage
from addons.livepage import LivePage
from addons.selftest import SelfTest
from addons.whatif import WhatIf
from diagnostics.live import chromium, firefox
from diagnostics.live import proxy as proxies
from diagnostics.live.play import EMULATOR, wait_until_quiet
from diagnostics.live.proxy import LiveError, Proxy
from tests.hostile.placing import corpus

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ENTRY = EMULATOR.with_name("why403.py")
LIVE = "http://why403.test/"
SHOP = "https://shop.example.com/map"
POLICY = "referrer-policy=strict-origin-when-cross-origin"
OWN = {"Origin": "http://why403.test", "X-Why403": "1"}
Load = Callable[[object], Any]


# ---- without a browser ----


class Served:
    """The page beside a diagnosis of a few lines."""

    def __init__(self, load: Load) -> None:
        self.addon = LivePage()
        self.context = load(self.addon)

    async def ask(
        self, path: str = "/", method: str = "GET", body: object = None, url: str = ""
    ) -> http.HTTPFlow:
        content = b"" if body is None else json.dumps(body).encode()
        request = http.Request.make(method, url or f"http://why403.test{path}", content, OWN)
        flow = tflow.tflow(req=request)
        waiting = self.addon.request(flow)
        if waiting is not None:
            await waiting
        return flow

    async def state(self, query: str = "") -> dict[str, Any]:
        flow = await self.ask(f"/state.json{query}")
        found: dict[str, Any] = json.loads(answered(flow).content or b"")
        return found


def answered(flow: http.HTTPFlow) -> http.Response:
    assert flow.response is not None
    return flow.response


@pytest.fixture
def served(in_mitmproxy: Load) -> Served:
    return Served(in_mitmproxy)


def in_loop(served: Served, work: Callable[[], Any]) -> Any:
    return served.context.master.event_loop.run_until_complete(work())


def test_addresses(served: Served) -> None:
    async def work() -> None:
        assert answered(await served.ask()).status_code == 200
        assert answered(await served.ask("/nothing")).status_code == 404
        assert (await served.ask("/selftest")).response is None
        assert (await served.ask(url="http://why403-provider.test/")).response is None
        assert (await served.ask(url="https://shop.example.com/")).response is None

    in_loop(served, work)


def test_alone_it_says_what_is_missing(served: Served) -> None:
    async def work() -> None:
        state = await served.state()
        assert (state["diagnoses"], state["what_if"], state["causes"]) == (False, None, [])
        for path, body in (("/allow", {"entries": "a"}), ("/try", {"changes": [POLICY]})):
            assert answered(await served.ask(path, "POST", body)).status_code == 409

    in_loop(served, work)


def test_a_question_is_answered_when_there_is_news(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(livepage, "_PAUSE", 0.05)
    what_if, self_test = WhatIf(), SelfTest()
    served.context.master.addons.add(what_if, self_test)

    async def work() -> None:
        served.addon.running()
        served.addon.running()  # nobody is listened to twice
        assert [len(addon.observers) for addon in (what_if, self_test)] == [1, 1]
        first = await served.state()
        waiting = asyncio.ensure_future(served.state(f"?since={first['version']}"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        answer = answered(await served.ask("/try", "POST", {"changes": [POLICY]}))
        assert answer.status_code == 200
        state = await asyncio.wait_for(waiting, 2)
        assert state["what_if"]["changes"] == POLICY
        assert state["version"] > first["version"]
        wrong = answered(await served.ask("/try", "POST", {"changes": ["client=clean"]}))
        assert wrong.status_code == 400
        assert "cannot be cleaned" in (wrong.text or "")

    in_loop(served, work)


def test_without_news_a_question_ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livepage, "_LONGEST", 0.1)

    async def work() -> None:
        first = await served.state()
        again = await asyncio.wait_for(served.state(f"?since={first['version']}"), 2)
        assert again == first

    in_loop(served, work)


def test_the_end_lets_go_of_who_waits(served: Served) -> None:
    async def work() -> None:
        first = await served.state()
        waiting = asyncio.ensure_future(served.state(f"?since={first['version']}"))
        await asyncio.sleep(0.1)
        served.addon.done()
        await asyncio.wait_for(waiting, 2)

    in_loop(served, work)


def test_the_list_is_told_to_the_diagnosis(served: Served) -> None:
    from addons.diagnose import Diagnose

    diagnose = Diagnose()
    served.context.master.addons.add(diagnose)

    async def work() -> None:
        await served.ask("/allow", "POST", {"entries": "shop.example.com\nexample.org"})
        assert diagnose.live.told.everywhere.entries == ("shop.example.com", "example.org")
        assert (await served.state())["allow"]["entries"] == ["shop.example.com", "example.org"]
        await served.ask("/allow", "POST", {"entries": ""})
        assert not diagnose.live.told.everywhere.known
        served.context.options.update(why403_unrestricted=True)
        state = await served.state()
        assert state["allow"]["unrestricted"]

    in_loop(served, work)


def test_questions_do_not_fill_the_list_of_flows(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(livepage, "_FORGET", 0.05)
    view = View()
    served.context.master.addons.add(view)

    async def work() -> None:
        flows = [await served.ask(path) for path in ("/state.json", "/")]
        for flow in flows:
            view.add([flow])
            flow.live = False
        await asyncio.sleep(0.2)
        assert [flow.request.path for flow in view] == ["/"]

    in_loop(served, work)


# ---- in a real browser ----

TILE = "https://api.mapbox.com/v4/acme.x/2/%d/1.png?access_token={{token}}"
IMAGES = "".join(f'<img alt="" src="{TILE % n}">' for n in range(4))
ATTACK = """
<script>
const target = "http://why403.test/try", body = '{"changes": ["referrer-policy=unsafe-url"]}';
const own = {"X-Why403": "1", "Content-Type": "application/json"};
const tries = [
  fetch(target, {method: "POST", body}),
  fetch(target, {method: "POST", body, mode: "no-cors"}),
  fetch(target, {method: "POST", body, headers: own}),
  fetch("http://why403.test/allow", {method: "POST", headers: own, body: '{"entries": "evil.example"}'}),
  fetch("http://why403.test/state.json").then(answer => answer.text()).then(text => { window.stolen = text; }),
];
const form = document.createElement("form");
form.method = "POST"; form.action = target; form.target = "frame"; form.enctype = "text/plain";
form.innerHTML = `<input name='{"changes": ["csp-=sandbox"], "x": "' value='"}'>`;
document.body.append(form);
form.submit();
Promise.allSettled(tries).then(() => { document.title = "attacked"; });
</script>
<iframe name="frame"></iframe><iframe src="http://why403.test/"></iframe>
"""  # noqa: E501
HOSTILE = "https://shop.example.com/<img src=x onerror=pwned=1>/map"
#: One payload of each kind that can stand in a header, each on a page of its own.
HOSTILE_PAGES = {
    f"https://shop.example.com/{kind}/": payloads[0]
    for kind, payloads in corpus().items()
    if payloads[0].isascii() and payloads[0].isprintable() and 0 < len(payloads[0]) < 500
}
TICKET = {
    "title": "t",
    "story": "s",
    "client": {"browser": "chromium"},
    "page": SHOP,
    "sites": {
        SHOP: {
            "headers": {"Referrer-Policy": "no-referrer"},
            "html": f"<title>Map</title>{IMAGES}",
        },
        "https://shop.example.com/*": {
            "headers": {"Referrer-Policy": "<script>pwned=1</script>, no-referrer"},
            "html": f"<title>Map</title>{IMAGES}",
        },
        **{
            f"{address}*": {
                "headers": {"Referrer-Policy": f"{payload}, no-referrer", "Server": payload},
                "html": f"<title>{html.escape(payload)}</title>{IMAGES}",
            }
            for address, payload in HOSTILE_PAGES.items()
        },
        "https://preview.example.net/": {"html": f"<title>Map</title>{IMAGES}"},
        "http://evil.example/": {"html": f"<!DOCTYPE html><title>x</title><body>{ATTACK}"},
    },
    "token": {"allowed": ["shop.example.com"]},
}


class Window:
    """The browser with the live page in one tab."""

    def __init__(self, proxy: Proxy, browser: Browser) -> None:
        self.proxy, self.browser = proxy, browser
        self.messages: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(viewport={"width": 1280, "height": 900})
        self.live = self.context.new_page()
        self.live.on("console", lambda message: self.messages.append(message.text))
        self.live.on("pageerror", lambda error: self.messages.append(str(error)))
        self.live.on("request", lambda request: self.asked.append(request.url))
        self.live.goto(LIVE)
        self.live.wait_for_selector("html[data-version]")

    def visit(self, url: str) -> Page:
        page = self.context.new_page()
        page.goto(url)
        self.settle()
        return page

    def settle(self) -> None:
        wait_until_quiet(self.proxy, seconds=1)
        self.live.bring_to_front()

    def wait(self, script: str) -> None:
        """Until the script is true. Playwright's own wait needs eval, which the page forbids."""
        end = time.monotonic() + 15
        while not self.live.evaluate(script):
            assert time.monotonic() < end, script
            time.sleep(0.1)

    def chips(self, cause: str) -> list[str]:
        return self.live.locator(f"#{cause} > header .chip").all_inner_texts()


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    from playwright.sync_api import sync_playwright

    ticket = tmp_path / "ticket.yaml"
    ticket.write_text(yaml.safe_dump(TICKET), encoding="utf-8")
    options = {"why403_ticket": str(ticket)}
    with (
        proxies.running(tmp_path, ENTRY, options, ["-s", str(EMULATOR)]) as proxy,
        chromium.running(tmp_path, proxy) as running,
        sync_playwright() as playwright,
    ):
        yield Window(proxy, playwright.chromium.connect_over_cdp(running.endpoint))


@pytest.mark.browser("chromium")
def test_from_an_empty_page_to_a_tried_fix(window: Window) -> None:
    live = window.live
    assert live.inner_text("h1") == "No request to a map provider yet"
    assert live.is_visible("#causes .empty")
    shop = window.visit(SHOP)
    live.wait_for_selector("#referrer-policy-blocks")
    assert live.inner_text("h1") == "4 of 4 requests were refused, for one cause"
    assert window.chips("referrer-policy-blocks") == ["4 requests", "likely"]
    assert live.is_visible("#referrer-policy-blocks svg.across .station.broken")

    # The list is typed in, and the verdict is certain at once.
    live.click("#referrer-policy-blocks details.stations summary")
    live.fill("#entries", "shop.example.com")
    live.click("#allow button[type=submit]")
    header = "document.querySelector('#referrer-policy-blocks > header')"
    window.wait(f"{header}.innerText.includes('certain')")
    # What was open stays open.
    assert live.get_attribute("#referrer-policy-blocks details.stations", "open") == ""

    # A fix is tried, and what was refused is answered.
    live.click("#referrer-policy-blocks .fix button")
    live.wait_for_selector("#trying:not([hidden])")
    assert live.inner_text("#trying-change") == POLICY
    assert live.inner_text("#before-refused") == "4 refused"
    assert "reload the page" in live.inner_text("#trying-says")
    shop.reload()
    window.settle()
    window.wait("document.getElementById('since-answered').innerText === '4 answered'")
    assert live.inner_text("#since-refused") == "0 refused"
    assert live.inner_text("#referrer-policy-blocks .fix button") == "Stop trying"
    live.click("#trying summary")
    assert "was no-referrer" in live.inner_text("#notes")

    # And switched off again: the page is as it was.
    live.click("#stop")
    live.wait_for_selector("#trying", state="hidden")
    shop.reload()
    window.settle()
    window.wait("document.querySelector('h1').innerText.startsWith('8 of 12')")
    assert window.messages == []
    assert {url.partition("?")[0] for url in window.asked} == {
        LIVE + name
        for name in ("", "style.css", "live.js", "icon.svg", "state.json", "allow", "try")
    }


@pytest.mark.browser("chromium")
def test_a_changed_list_is_tried_with_the_emulated_provider(window: Window) -> None:
    live = window.live
    live.fill("#entries", "shop.example.com")
    live.click("#allow button[type=submit]")
    preview = window.visit("https://preview.example.net/")
    live.click("#page-not-allowed .fix button")
    live.wait_for_selector("#trying:not([hidden])")
    assert "an emulated provider answers in its place" in live.inner_text("#caveats")
    preview.reload()
    window.settle()
    window.wait("document.getElementById('since-answered').innerText.startsWith('4 answered')")
    assert "4 answers by the emulated provider" in live.inner_text("#since-answered")
    # The newest cause stands first, and an emulated answer is no evidence against it.
    window.visit(SHOP)
    live.wait_for_selector("#referrer-policy-blocks")
    codes = [card.get_attribute("id") for card in live.locator("main article").all()]
    assert codes == ["referrer-policy-blocks", "page-not-allowed"]
    assert window.chips("page-not-allowed") == ["4 requests", "certain"]


@pytest.mark.browser("chromium")
def test_a_hostile_page_cannot_drive_it(window: Window) -> None:
    evil = window.context.new_page()
    evil.goto("http://evil.example/")
    evil.wait_for_function("document.title === 'attacked'", timeout=15_000)
    time.sleep(1)  # the form's answer comes into a frame
    assert evil.evaluate("window.stolen") is None
    live = window.live
    live.bring_to_front()
    live.reload()
    live.wait_for_selector("html[data-version]")
    assert live.is_hidden("#trying")
    assert live.inner_text("#allow-says").startswith("Not known")
    # It is shown in no frame of another page.
    assert all("why403.test" not in frame.url for frame in evil.frames)


@pytest.mark.browser("chromium")
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (390, "dark"), (1280, "dark")])
def test_hostile_text_stays_text_and_every_window_fits(
    window: Window, width: int, scheme: str
) -> None:
    window.visit(HOSTILE)
    for address, payload in HOSTILE_PAGES.items():
        window.context.new_page().goto(address + payload)
    window.visit("https://preview.example.net/")
    context = window.browser.new_context(
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(LIVE)
    page.wait_for_selector("main article")
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.pwned") is None
    assert page.locator("main img, main script").count() == 0
    assert said == []
    assert {url for url in asked if not url.startswith(LIVE)} == set()
    shown = "across" if width > 1180 else "down"
    for shape in ("across", "down"):
        pictures = page.locator(f"svg.{shape}").all()
        assert pictures
        assert all(picture.is_visible() == (shape == shown) for picture in pictures)


@pytest.mark.browser("chromium")
def test_the_self_test_is_one_click_away(window: Window) -> None:
    live = window.live
    live.click("text=Run the self-test")
    live.wait_for_selector("html[data-outcome=clean]", timeout=30_000)
    live.click("text=live")
    live.wait_for_selector("html[data-version]")
    assert live.inner_text("#self-test").startswith("Nothing removes or rewrites the Referer")


@pytest.mark.browser("firefox")
def test_a_fix_is_tried_in_firefox(tmp_path: Path) -> None:
    ticket = tmp_path / "ticket.yaml"
    ticket.write_text(yaml.safe_dump(TICKET), encoding="utf-8")
    options = {"why403_ticket": str(ticket)}
    with (
        proxies.running(tmp_path, ENTRY, options, ["-s", str(EMULATOR)]) as proxy,
        firefox.running(tmp_path, proxy, headless=True) as running,
    ):
        control = running.control

        def until(address: str, condition: str) -> None:
            """Until the page at the address is there and the condition holds in it."""
            script = f"return location.href === arguments[0] && Boolean({condition});"
            end = time.monotonic() + 30
            holds = False
            while not holds:
                assert time.monotonic() < end, condition
                time.sleep(0.2)
                with suppress(LiveError):  # a page that is left, or not there yet
                    holds = control.page(script, address)

        def visit_shop() -> None:
            control.go(SHOP)
            until(SHOP, "document.readyState === 'complete'")
            wait_until_quiet(proxy, seconds=1)
            control.go(LIVE)

        visit_shop()
        until(LIVE, "document.querySelector('#referrer-policy-blocks .fix button')")
        control.page("document.querySelector('#referrer-policy-blocks .fix button').click();")
        until(LIVE, "!document.getElementById('trying').hidden")
        visit_shop()
        until(LIVE, "document.getElementById('since-answered').innerText === '4 answered'")
        until(LIVE, "document.getElementById('since-refused').innerText === '0 refused'")
