"""The addon: flows in, the world's answers out, in both lines of mitmproxy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions, http
from mitmproxy.test import tflow, tutils

from addons.emulate import Emulate
from diagnostics.live.world import CONTROL_HOST

Load = Callable[[object], Any]
TICKET = """
title: t
story: s
client: {browser: chromium%s}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map: {headers: [[X-A, '1'], [X-A, '2']], html: "hello"}
token: {allowed: [shop.example.com]}
"""


def flow_to(url: str, **headers: str) -> http.HTTPFlow:
    flow = tflow.tflow(req=tutils.treq(content=b"", headers=http.Headers()))
    flow.request.url = url
    for name, value in headers.items():
        flow.request.headers[name] = value
    return flow


class Emulated:
    """The addon configured for a ticket; `get` gives an answered flow."""

    def __init__(self, load: Load, folder: Path, client: str = "", **options: str) -> None:
        file = folder / "t.yaml"
        file.write_text(TICKET % client)
        self.addon = Emulate()
        load(self.addon).configure(self.addon, why403_ticket=str(file), **options)

    def get(self, url: str, **headers: str) -> http.HTTPFlow:
        flow = flow_to(url, **headers)
        self.addon.request(flow)
        return flow


def answered(flow: http.HTTPFlow) -> http.Response:
    assert flow.response is not None
    return flow.response


def test_an_answer_to_head_has_no_body(in_mitmproxy: Load, tmp_path: Path) -> None:
    emulated = Emulated(in_mitmproxy, tmp_path)
    flow = flow_to("https://shop.example.com/map")
    flow.request.method = "HEAD"
    emulated.addon.request(flow)
    assert answered(flow).raw_content == b""
    assert answered(flow).headers["content-length"] == "5"


def test_a_site_keeps_repeated_header_fields(in_mitmproxy: Load, tmp_path: Path) -> None:
    response = answered(Emulated(in_mitmproxy, tmp_path).get("https://shop.example.com/map"))
    assert response.status_code == 200
    assert response.headers.get_all("x-a") == ["1", "2"]
    assert response.content == b"hello"


def test_the_provider_reads_the_referer(in_mitmproxy: Load, tmp_path: Path) -> None:
    world = Emulated(in_mitmproxy, tmp_path)
    assert world.addon.world is not None
    token = world.addon.world.ticket.token.text
    style = f"https://api.mapbox.com/styles/v1/a/b?access_token={token}"
    assert answered(world.get(style)).status_code == 403
    assert answered(world.get(style, referer="https://shop.example.com/")).status_code == 200


def test_a_middlebox_takes_headers_from_the_recorded_request(
    in_mitmproxy: Load, tmp_path: Path
) -> None:
    world = Emulated(in_mitmproxy, tmp_path, ", strip: [referer]")
    flow = world.get("https://api.mapbox.com/v4/x.json", referer="https://shop.example.com/")
    assert "referer" not in flow.request.headers
    page = world.get("https://shop.example.com/map", referer="https://other.example/")
    assert "referer" in page.request.headers


def test_hosts_that_nobody_describes_get_nothing_and_are_not_logged(
    in_mitmproxy: Load, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    world = Emulated(in_mitmproxy, tmp_path, why403_log=str(log))
    assert answered(world.get("https://telemetry.example/x")).status_code == 204
    assert answered(world.get(f"http://{CONTROL_HOST}/visit/2")).status_code == 204
    world.get("https://shop.example.com/map", referer="https://a.example/")
    world.addon.done()
    assert [json.loads(line) for line in log.read_text().splitlines()] == [
        {
            "method": "GET",
            "url": "https://shop.example.com/map",
            "status": 200,
            "referer": "https://a.example/",
        }
    ]
    assert world.addon.world is not None
    assert world.addon.world.visit == 2


def test_an_answered_flow_is_left_alone(in_mitmproxy: Load, tmp_path: Path) -> None:
    world = Emulated(in_mitmproxy, tmp_path)
    flow = flow_to("https://shop.example.com/map")
    flow.response = http.Response.make(418)
    world.addon.request(flow)
    assert flow.response.status_code == 418


def test_without_a_ticket_nothing_is_answered(in_mitmproxy: Load) -> None:
    addon = Emulate()
    in_mitmproxy(addon)
    flow = flow_to("https://shop.example.com/map")
    addon.request(flow)
    assert flow.response is None


def test_a_wrong_option_is_said_in_one_line(in_mitmproxy: Load, tmp_path: Path) -> None:
    addon = Emulate()
    context = in_mitmproxy(addon)
    with pytest.raises(exceptions.OptionsError, match=r"none\.yaml: cannot be read"):
        context.configure(addon, why403_ticket=str(tmp_path / "none.yaml"))
    with pytest.raises(exceptions.OptionsError, match="why403_log"):
        context.configure(addon, why403_log=str(tmp_path / "no" / "folder"))
