"""The self-test in real browsers, through a real mitmdump that has only this addon."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import connection, http
from mitmproxy.proxy import server_hooks
from mitmproxy.test import tflow

from addons.selftest import SelfTest
from diagnostics.live import chromium, extension, firefox
from diagnostics.live import proxy as proxies
from diagnostics.live.play import EMULATOR, wait_until_quiet
from diagnostics.live.proxy import Proxy

ADDON = EMULATOR.with_name("selftest.py")
PAGE = "http://why403.test/selftest"
_PATIENCE = 40


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """The emulator has no ticket, so it answers nothing; it only says where mitmdump listens."""
    with proxies.running(tmp_path, EMULATOR, {}, ["-s", str(ADDON)]) as running:
        yield running


def result(proxy: Proxy) -> dict[str, Any]:
    """The JSON of a run, when there is one."""
    handler = urllib.request.ProxyHandler({"http": f"http://{proxy.address}"})
    opener = urllib.request.build_opener(handler)
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with opener.open(f"{PAGE}.json", timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        if found["outcome"] is not None and not any("Did not" in n for n in found["notes"]):
            return found
        time.sleep(0.2)
    pytest.fail(f"no result after {_PATIENCE} s: {found}")


def in_firefox(folder: Path, proxy: Proxy, extra: dict[str, bool | int | str]) -> dict[str, Any]:
    with firefox.running(folder, proxy, extra=extra) as running:
        running.control.go(PAGE)
        return result(proxy)


def in_chromium(
    folder: Path, proxy: Proxy, url: str = PAGE, switches: tuple[str, ...] = ()
) -> tuple[dict[str, Any], list[str]]:
    """The result, and what the browser's console said."""
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    with (
        chromium.running(folder, proxy, switches=switches) as running,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.connect_over_cdp(running.endpoint)
        page = browser.contexts[0].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(url)
        page.wait_for_selector("html[data-outcome]", timeout=1000 * _PATIENCE)
        found = result(proxy)
        assert page.inner_text("h1") == found["says"]
        shown = page.locator("#differing-rows tr").count()
        assert shown == sum(1 for row in found["rows"] if row["state"] != "same")
        page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    return found, said


@pytest.mark.browser("chromium")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_clean_chromium(tmp_path: Path, proxy: Proxy, scheme: str) -> None:
    found, said = in_chromium(tmp_path, proxy, PAGE.replace("http", scheme))
    assert found["says"] == "Nothing removes or rewrites the Referer in this browser."
    assert {row["state"] for row in found["rows"]} == {"same"}
    # Only a secure page has a service worker.
    assert any(row["kind"] == "sw-passthrough" for row in found["rows"]) == (scheme == "https")
    assert said == []


@pytest.mark.browser("chromium")
def test_an_extension_that_removes_it(tmp_path: Path, proxy: Proxy) -> None:
    switches = extension.write(tmp_path / "extension", (), ("referer",))
    found, _ = in_chromium(tmp_path, proxy, switches=switches)
    assert found["self_test"] == "strips"
    # Its rules are for what pages ask for, not for the addresses of frames.
    says = "Referer is removed from all requests but the addresses of frames: "
    assert found["says"].startswith(says)


@pytest.mark.browser("firefox")
@pytest.mark.parametrize(
    ("preference", "value", "self_test", "says"),
    [
        ("network.http.sendRefererHeader", 2, "", "Nothing removes or rewrites the Referer"),
        ("network.http.sendRefererHeader", 0, "strips", "Referer is removed from all requests"),
        (
            "network.http.referer.spoofSource",
            True,
            "rewrites",
            "Referer is replaced by the target's URL on all requests: a browser setting"
            " (network.http.referer.spoofSource in Firefox), a privacy extension or Brave",
        ),
        (
            "network.http.referer.XOriginPolicy",
            1,
            "strips",
            "Referer is removed from all cross-site requests: ",
        ),
        (
            "network.http.referer.defaultPolicy",
            0,
            "",
            "Referer is removed from all requests without a policy of their own: ",
        ),
    ],
)
def test_firefox(
    tmp_path: Path, proxy: Proxy, preference: str, value: int, self_test: str, says: str
) -> None:
    found = in_firefox(tmp_path, proxy, {preference: value})
    assert found["says"].startswith(says)
    assert found["self_test"] == self_test


TICKET = """
title: t
story: s
client: {browser: firefox}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    html: >
      <title>Map</title>
      <img alt="" src="https://api.mapbox.com/v4/a.x/1/0/0.png?access_token={{token}}">
token: {allowed: [shop.example.com]}
"""


@pytest.mark.browser("firefox")
@pytest.mark.parametrize(
    ("preference", "value", "cause"),
    [
        ("network.http.sendRefererHeader", 0, "client-strips-referer"),
        ("network.http.referer.spoofSource", True, "client-rewrites-referer"),
    ],
)
def test_the_verdicts_of_the_capture_get_certain(
    tmp_path: Path, preference: str, value: int, cause: str
) -> None:
    ticket = tmp_path / "ticket.yaml"
    ticket.write_text(TICKET, encoding="utf-8")
    options = {"why403_ticket": str(ticket), "why403_allow": "shop.example.com"}
    entry = EMULATOR.with_name("why403.py")

    def confidence() -> list[tuple[str, str]]:
        handler = urllib.request.ProxyHandler({"http": f"http://{proxy.address}"})
        opener = urllib.request.build_opener(handler)
        with opener.open("http://why403.test/state.json", timeout=20) as answer:
            causes = json.load(answer)["causes"]
        return [(found["code"], found["cases"][0]["confidence"]) for found in causes]

    with (
        proxies.running(tmp_path, entry, options, ["-s", str(EMULATOR)]) as proxy,
        firefox.running(tmp_path, proxy, extra={preference: value}) as running,
    ):
        running.control.go("https://shop.example.com/map")
        wait_until_quiet(proxy, seconds=1)
        [(before, sure)] = confidence()
        assert before == cause
        if cause == "client-strips-referer":  # Fetch Metadata gives a forged Referer away already
            assert sure == "likely"
        running.control.go(PAGE)
        result(proxy)
        end = time.monotonic() + 10
        while confidence() != [(cause, "certain")]:
            assert time.monotonic() < end, confidence()
            time.sleep(0.2)


Load = Callable[[object], Any]


def test_the_diagnosis_is_told(in_mitmproxy: Load) -> None:
    class Diagnosis:
        name = "why403"
        self_test = "before"

    addon, diagnosis = SelfTest(), Diagnosis()
    context = in_mitmproxy(addon)
    context.master.addons.add(diagnosis)

    def ask(url: str, method: str = "GET", **headers: str) -> bytes:
        flow = tflow.tflow(req=http.Request.make(method, url, headers=headers))
        addon.request(flow)
        assert flow.response is not None
        return flow.response.content or b""

    agent = {"User-Agent": "Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"}
    page = ask(PAGE, **agent).decode()
    plan = json.loads(page.partition('id="plan"')[2].partition(">")[2].partition("</script>")[0])
    assert addon.result is None
    for target in plan["targets"].values():
        ask(target)
    ask(f"{PAGE}/done/{plan['run']}", "POST", Origin="http://why403.test", **{"X-Why403": "1"})
    assert diagnosis.self_test == "strips"
    assert addon.result is not None


def test_other_hosts_and_answered_flows_are_left_alone(in_mitmproxy: Load) -> None:
    addon = SelfTest()
    in_mitmproxy(addon)
    other = tflow.tflow(req=http.Request.make("GET", "http://shop.example.com/selftest"))
    addon.request(other)
    assert other.response is None
    answered = tflow.tflow(req=http.Request.make("GET", PAGE))
    answered.response = http.Response.make(418)
    addon.request(answered)
    assert answered.response.status_code == 418


def test_nothing_is_connected_to(in_mitmproxy: Load) -> None:
    addon = SelfTest()
    in_mitmproxy(addon)
    for host, refused in (("why403-provider.test", True), ("api.mapbox.com", False)):
        server = connection.Server(address=(host, 443))
        client = tflow.tclient_conn()
        data = server_hooks.ServerConnectionHookData(server, client)
        addon.server_connect(data)
        assert bool(server.error) is refused
