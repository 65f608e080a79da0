"""Flows to our own hosts: which those are, what of them the pure code sees, and their answers."""

from __future__ import annotations

import pytest
from mitmproxy import flow, http
from mitmproxy.proxy import mode_specs
from mitmproxy.test import tflow

from addons import hosted
from diagnostics.provider.emulated import Reply, Request

LIVE = "http://why403.test/"


def flow_to(url: str, host: str = "") -> http.HTTPFlow:
    """A flow that still waits; `host` is what its Host field says instead of the URL's."""
    made = tflow.tflow(req=http.Request.make("GET", url))
    if host:
        made.request.headers["Host"] = host
    made.live = True
    return made


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        (LIVE, True),
        ("http://WHY403.test/", True),
        ("http://maps.why403.test/x", True),
        ("https://why403-provider.test/probe", True),
        # A browser that asks the proxy itself, as if it were the server, names its port.
        ("http://why403.test:8080/", False),
        ("https://why403.test:8443/", False),
        ("http://x.why403.test/", False),
        ("http://why403.test.example.com/", False),
        ("http://127.0.0.1/", False),
    ],
)
def test_which_are_ours(url: str, is_own: bool) -> None:
    assert hosted.is_own(flow_to(url)) is is_own


def test_the_name_in_the_host_field_does_not_make_it_ours() -> None:
    assert not hosted.is_own(flow_to("http://evil.example/", host="why403.test"))


def test_who_has_an_answer_or_is_gone_gets_none() -> None:
    answered, failed, replayed = (flow_to(LIVE) for _ in range(3))
    answered.response = http.Response.make(204)
    failed.error = flow.Error("gone")
    replayed.live = False
    assert not [one for one in (answered, failed, replayed) if hosted.is_own(one)]


@pytest.mark.parametrize(
    ("mode", "host"),
    [
        ("regular", "a.example"),
        ("upstream:http://p.example:8080", "a.example"),
        ("socks5", "a.example"),
        ("transparent", "why403.test"),
        ("reverse:http://a.example", "why403.test"),
    ],
)
def test_the_host_is_what_the_browser_told_the_proxy_where_it_did(mode: str, host: str) -> None:
    made = flow_to("http://a.example/", host="why403.test")
    made.client_conn.proxy_mode = mode_specs.ProxyMode.parse(mode)
    assert hosted.host_of(made) == host


def test_the_request_keeps_every_field_and_odd_bytes() -> None:
    made = flow_to("http://why403.test/x?y")
    fields = [(b"A", b"1"), (b"a", b"2"), (b"B", b"\xff")]
    made.request.headers = http.Headers(fields)
    request = hosted.request_of(made)
    assert (request.method, request.url) == ("GET", "http://why403.test/x?y")
    assert list(request.headers) == [("A", "1"), ("a", "2"), ("B", "\udcff")]


def test_an_answer_is_put_as_it_is() -> None:
    made = flow_to(LIVE)
    hosted.put(made, Reply(201, (("X-A", "1"), ("x-a", "2")), b"body"))
    assert made.response is not None
    assert (made.response.status_code, made.response.content) == (201, b"body")
    assert made.response.headers.get_all("x-a") == ["1", "2"]


def test_only_flows_of_ours_are_offered() -> None:
    asked: list[str] = []

    def answer(request: Request) -> Reply | None:
        asked.append(request.url)
        return None if request.url.endswith("/other") else Reply(204)

    flows = [flow_to(url) for url in (LIVE, f"{LIVE}other", "http://a.example/")]
    for one in flows:
        hosted.reply_to(one, answer)
    assert asked == [LIVE, f"{LIVE}other"]
    assert [one.response is not None for one in flows] == [True, False, False]
