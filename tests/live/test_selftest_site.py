"""The self-test's addresses: one run a page, and nothing from elsewhere counts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from diagnostics.capture.exchange import Headers
from diagnostics.live import selftest
from diagnostics.live.selftest import Result
from diagnostics.live.selftest_site import SelfTestSite
from diagnostics.provider.emulated import Reply, Request

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
OWN = {"Origin": "http://why403.test", "X-Why403": "1"}


class Site:
    def __init__(self) -> None:
        self.found: list[Result] = []
        self.site = SelfTestSite(self.found.append)

    def ask(self, url: str, method: str = "GET", **headers: str) -> Reply:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.site.answer(Request(method, url, Headers(fields.items())))
        assert reply is not None
        return reply

    def open(self, scheme: str = "http") -> dict[str, Any]:
        """What the page was told to do."""
        reply = self.ask(f"{scheme}://why403.test/selftest", user_agent=AGENT)
        found = re.search(rb'<script type="application/json"[^>]*>(.*?)</script>', reply.body)
        assert found is not None
        plan: dict[str, Any] = json.loads(found[1])
        return plan

    def send(self, plan: dict[str, Any]) -> None:
        """Every request of a run, as Firefox sends them."""
        from diagnostics.browser import url as urls
        from diagnostics.browser.engine import engine
        from diagnostics.live.selftest_site import _addresses

        page = urls.parse("http://why403.test/selftest")
        assert page is not None
        at = _addresses(page, plan["run"])
        for name, target in plan["targets"].items():
            referer = selftest.expected(name, at, engine("firefox")).referer
            assert self.ask(target, **({"referer": referer} if referer else {})).status == 200

    def done(self, plan: dict[str, Any], **headers: str) -> Reply:
        url = f"http://why403.test/selftest/done/{plan['run']}"
        return self.ask(url, "POST", **(headers or OWN))


@pytest.fixture
def site() -> Site:
    return Site()


def test_a_run(site: Site) -> None:
    assert json.loads(site.ask("http://why403.test/selftest.json").body)["outcome"] is None
    plan = site.open()
    site.send(plan)
    answer = json.loads(site.done(plan).body)
    assert answer["missing"] == []
    assert answer["result"]["outcome"] == "clean"
    state = json.loads(site.ask("http://why403.test/selftest.json").body)
    assert (state["outcome"], state["self_test"]) == ("clean", "")
    assert state["says"] == answer["result"]["says"]
    site.done(plan)
    assert [result.outcome for result in site.found] == ["clean"]  # told once


def test_what_is_missing_is_named(site: Site) -> None:
    plan = site.open()
    answer = json.loads(site.done(plan).body)
    assert answer["result"]["outcome"] == "incomplete"
    assert "img" in answer["missing"]
    assert "sw-own-fetch" not in answer["missing"]


def test_the_result_is_given_to_our_own_page_only(site: Site) -> None:
    plan = site.open()
    assert site.done(plan, Origin="https://evil.example", X_Why403="1").status == 403
    assert site.done(plan, Origin="http://why403.test").status == 403
    assert site.found == []


def test_nobody_else_can_add_to_a_run(site: Site) -> None:
    plan = site.open()
    other = plan["targets"]["img"].replace(plan["run"], "guessed")
    assert site.ask(other, referer="http://evil.example/").status == 404
    elsewhere = plan["targets"]["img"].replace("why403-provider.test", "why403.test")
    site.ask(elsewhere, referer="http://evil.example/")
    assert "img" in json.loads(site.done(plan).body)["missing"]


def test_a_preflight_is_no_arrival(site: Site) -> None:
    plan = site.open()
    assert site.ask(plan["targets"]["main-fetch"], "OPTIONS").status == 204
    assert "main-fetch" in json.loads(site.done(plan).body)["missing"]


def test_the_newest_runs_are_kept(site: Site) -> None:
    first = site.open()
    for _ in range(8):
        last = site.open()
    assert site.ask(first["targets"]["img"]).status == 404
    assert site.ask(last["targets"]["img"]).status == 200


def test_the_redirect_and_the_stylesheet_lead_to_the_provider(site: Site) -> None:
    plan = site.open()
    hop = site.ask(plan["hop"])
    assert hop.status == 302
    assert Headers(hop.headers).get("location") == plan["targets"]["main-redirected"]
    style = site.ask(f"http://why403-styles.test/style/{plan['run']}.css")
    assert plan["targets"]["css-external"].encode() in style.body


def test_a_frame_sets_no_policy_for_its_requests(site: Site) -> None:
    plan = site.open()
    for address in (plan["frame"], plan["frame"].replace("/frame", "/sandboxed")):
        headers = Headers(site.ask(address).headers)
        assert headers.get("referrer-policy") is None
        assert headers.all("content-security-policy") == ["frame-ancestors 'self'"]


def test_a_secure_page_asks_for_a_service_worker(site: Site) -> None:
    plan = site.open("https")
    assert plan["targets"]["img"].startswith("https://why403-provider.test/")
    assert "sw-own-fetch" in json.loads(site.done(plan).body)["missing"]


@pytest.mark.parametrize(
    "url",
    [
        "http://why403.test/selftest/none/frame",
        "http://why403.test/selftest/done/none",
        "http://why403-hop.test/hop/none/img",
        "http://why403-styles.test/style/none.css",
        "http://why403-provider.test/",
        "http://why403-provider.test/probe/none/img",
        "http://maps.why403.test/selftest",
    ],
)
def test_what_is_not_there(site: Site, url: str) -> None:
    assert site.ask(url).status == 404


@pytest.mark.parametrize("url", ["http://why403.test/", "https://shop.example.com/", "nonsense"])
def test_addresses_of_others_are_left_to_them(site: Site, url: str) -> None:
    assert site.site.answer(Request("GET", url)) is None
