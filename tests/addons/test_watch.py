"""What the watching addon learns from flows, and what it tells."""

from __future__ import annotations

from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tflow

from addons.watch import Watch
from diagnostics.browser import url as urls
from diagnostics.live.embedded import UNREAD
from diagnostics.live.obstacles import Obstacles
from diagnostics.live.scope import Scope

PAGE = "https://shop.example.com/map"
TILE = "https://api.mapbox.com/v4/x/1/0/0.png"


class Watching:
    """The addon in mitmproxy, with what it said."""

    def __init__(self, in_mitmproxy: Any, *, everything: bool = False) -> None:
        self.scope = Scope(urls.parse(PAGE), (), everything)
        self.obstacles = Obstacles(self.scope)
        self.said: list[str] = []
        self.addon = Watch(self.scope, self.obstacles, self.said.append)
        self.context = in_mitmproxy(self.addon)
        self.context.options.update(allow_hosts=self.scope.patterns)

    def see(
        self,
        url: str,
        body: str = "",
        *,
        status: int = 200,
        sent: dict[str, str] | None = None,
        **fields: str,
    ) -> http.HTTPFlow:
        flow = tflow.tflow(resp=True)
        flow.request.url = url
        for name, value in (sent or {}).items():
            flow.request.headers[name] = value
        assert flow.response is not None
        flow.response = http.Response.make(
            status, body, {name.replace("_", "-"): value for name, value in fields.items()}
        )
        self.addon.requestheaders(flow)
        self.addon.response(flow)
        return flow

    @property
    def reads(self) -> list[str]:
        return list(self.context.options.allow_hosts)


@pytest.fixture
def watching(in_mitmproxy: Any) -> Watching:
    return Watching(in_mitmproxy)


def test_the_hosts_of_a_page_s_frames(watching: Watching) -> None:
    html = '<iframe src="https://maps.example.net/a"></iframe><iframe src="/b"></iframe>'
    watching.see(PAGE, html, content_type="text/html; charset=utf-8")
    assert watching.scope.learnt == ("maps.example.net",)
    assert r"^maps\.example\.net\.?:\d+$" in watching.reads
    assert watching.said == []


def test_only_pages_that_are_read_teach(watching: Watching) -> None:
    html = '<iframe src="https://evil.example.net/a"></iframe>'
    flow = watching.see("http://other.example.org/", html, content_type="text/html")
    assert flow.metadata[UNREAD]
    watching.see(PAGE, html, content_type="text/plain")
    watching.see(PAGE, html + "x" * 3_000_000, content_type="text/html")
    watching.see("http://why403.test/", html, content_type="text/html")
    assert watching.scope.learnt == ()
    assert UNREAD not in watching.see(PAGE).metadata


def test_the_first_page_s_redirects_lead_to_it(watching: Watching) -> None:
    watching.see(PAGE, status=302, location="https://www.example.net/map")
    assert watching.scope.learnt == ("www.example.net",)
    watching.see(PAGE, "<p>here it is", content_type="text/html")
    watching.see(PAGE, status=302, location="https://login.example.org/")
    assert watching.scope.learnt == ("www.example.net",)


def test_the_page_that_a_provider_is_asked_from(watching: Watching) -> None:
    watching.see(TILE, sent={"Referer": "https://maps.example.net/"})
    watching.see(TILE, sent={"Referer": "https://maps.example.net/"})
    watching.see(TILE, sent={"Referer": "http://plain.example.net/"})
    watching.see(TILE, sent={"Referer": PAGE})
    watching.see(TILE, sent={"Referer": "no URL"})
    watching.see(TILE)
    assert watching.scope.learnt == ("maps.example.net", "plain.example.net")
    (sentence,) = watching.said
    assert "maps.example.net" in sentence
    assert "reload" in sentence
    assert watching.obstacles.provider_requests == 6
    assert not watching.obstacles.page_answered


@pytest.mark.parametrize(
    ("url", "host", "saved"),
    [
        ("http://shop.example.com/", "", True),
        ("http://shop.example.com/", "api.mapbox.com", True),
        ("http://203.0.113.7/", "shop.example.com", True),
        ("http://other.example.org/", "shop.example.com", False),
        ("http://shop.example.com/", "other.example.org", False),
        ("http://203.0.113.7/", "", False),
    ],
)
def test_one_name_alone_does_not_have_it_saved(
    watching: Watching, url: str, host: str, saved: bool
) -> None:
    flow = watching.see(url, sent={"Host": host} if host else {})
    assert (UNREAD not in flow.metadata) is saved


def test_where_everything_is_read_nothing_is_learnt(in_mitmproxy: Any) -> None:
    watching = Watching(in_mitmproxy, everything=True)
    html = '<iframe src="https://maps.example.net/a"></iframe>'
    flow = watching.see("http://other.example.org/", html, content_type="text/html")
    assert UNREAD not in flow.metadata
    assert watching.reads == []


def test_odd_bytes_are_no_obstacle(watching: Watching) -> None:
    flow = watching.see(PAGE, content_type="text/html; charset=\xff", content_encoding="gzip")
    assert flow.response is not None
    flow.response.raw_content = b"\x1f\x8bno gzip"
    watching.addon.response(flow)
    flow.response.raw_content = None
    watching.addon.response(flow)
    flow.response.headers["location"] = "http://[::"
    flow.response.status_code = 301
    watching.addon.response(flow)
    assert watching.scope.learnt == ()
