"""The emulated provider beside real servers of this machine: who answers; nothing leaves it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import connection, http
from mitmproxy.proxy import server_hooks
from mitmproxy.test import tflow

from addons.beside import Beside

Load = Callable[[object], Any]
TICKET = """
title: t
story: s
client: {browser: chromium}
page: https://shop.example.com/map
sites: {https://shop.example.com/map: {html: hello}}
token: {allowed: [shop.example.com]}
"""


@pytest.fixture
def beside(in_mitmproxy: Load, tmp_path: Path) -> Beside:
    file = tmp_path / "t.yaml"
    file.write_text(TICKET)
    addon = Beside()
    in_mitmproxy(addon).configure(addon, why403_ticket=str(file))
    return addon


def asked(addon: Beside, url: str) -> http.HTTPFlow:
    flow = tflow.tflow(req=http.Request.make("GET", url))
    addon.request(flow)
    return flow


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://shop.example.com/map", 200),
        ("https://shop.example.com/other", 404),
        ("https://api.mapbox.com/v4/x/1/0/0.png", 401),
        # Its own server answers, or nobody.
        ("http://localhost:3000/", None),
        ("https://www.example.net/", None),
        ("http://why403.test/", None),
    ],
)
def test_who_answers(beside: Beside, url: str, status: int | None) -> None:
    response = asked(beside, url).response
    assert (response.status_code if response else None) == status


@pytest.mark.parametrize(
    ("host", "may"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("app.localhost", True),
        ("example.com", False),
        ("192.168.1.1", False),
        ("127.0.0.1.example.com", False),
        ("localhost.example.com", False),
    ],
)
def test_what_may_be_connected_to(beside: Beside, host: str, may: bool) -> None:
    server = connection.Server(address=(host, 443))
    data = server_hooks.ServerConnectionHookData(server, tflow.tclient_conn())
    beside.server_connect(data)
    assert (server.error is None) is may
    assert may or "no network" in (server.error or "")


def test_an_error_that_is_there_stays(beside: Beside) -> None:
    server = connection.Server(address=("example.com", 443))
    server.error = "this host exists only inside the proxy"
    beside.server_connect(server_hooks.ServerConnectionHookData(server, tflow.tclient_conn()))
    assert server.error == "this host exists only inside the proxy"


def test_without_a_ticket_it_answers_nothing(in_mitmproxy: Load) -> None:
    addon = Beside()
    in_mitmproxy(addon)
    assert asked(addon, "https://api.mapbox.com/v4/x/1/0/0.png").response is None
