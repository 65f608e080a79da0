"""A real mitmdump on a free loopback port, answering out of a ticket."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from typing import ClassVar

import pytest

from diagnostics.live import proxy as proxies
from diagnostics.live.play import EMULATOR
from diagnostics.live.proxy import LiveError, Proxy

TICKET = """
title: t
story: s
client: {browser: chromium}
page: https://shop.example.com/map
sites: {https://shop.example.com/map: {html: hello}}
"""


def test_it_answers_and_stops(tmp_path: Path) -> None:
    ticket = tmp_path / "t.yaml"
    ticket.write_text(TICKET)
    har = tmp_path / "out.har"
    options = {"why403_ticket": str(ticket), "hardump": str(har)}
    with proxies.running(tmp_path, EMULATOR, options) as proxy:
        context = ssl.create_default_context(cafile=str(proxy.ca))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": f"http://{proxy.address}"}),
            urllib.request.HTTPSHandler(context=context),
        )
        with opener.open("https://shop.example.com/map", timeout=20) as answer:
            assert answer.read() == b"hello"
        [seen] = proxy.answered()
        assert (seen.method, seen.url, seen.status) == ("GET", "https://shop.example.com/map", 200)
        process = proxy.process
    assert process.poll() is not None
    assert "https://shop.example.com/map" in har.read_text()


def test_where_a_signal_cannot_be_sent_it_is_ended_all_the_same(tmp_path: Path) -> None:
    class Process:
        """A program of a system that knows no such signal."""

        asked: ClassVar[list[str]] = []

        def poll(self) -> None:
            return None

        def send_signal(self, signal: int) -> None:
            raise ValueError("Unsupported signal")

        def terminate(self) -> None:
            self.asked.append("terminate")

        def wait(self, seconds: float) -> int:
            self.asked.append("wait")
            return 1

    Proxy(0, tmp_path, tmp_path, Process()).stop()  # type: ignore[arg-type]
    assert Process.asked == ["terminate", "wait"]


def test_a_bad_ticket_is_said_in_one_line(tmp_path: Path) -> None:
    ticket = tmp_path / "t.yaml"
    ticket.write_text("title: t")
    with (
        pytest.raises(LiveError, match=r"did not start: .*missing required field") as error,
        proxies.running(tmp_path, EMULATOR, {"why403_ticket": str(ticket)}),
    ):
        pass
    assert "\n" not in str(error.value)
