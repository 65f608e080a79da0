"""A ticket played for real: by a program, in Chromium, in Firefox."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from diagnostics.live.play import Played, play, wait_until_quiet
from diagnostics.live.proxy import Answered
from diagnostics.ticket import load

PAGE = """
title: t
story: s
client: {browser: %s}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    headers: {Referrer-Policy: no-referrer}
    html: |
      <!DOCTYPE html><title>Map</title>
      <img alt="" src="https://api.mapbox.com/v4/x/1/0/0.png?access_token={{token}}">
token: {allowed: [shop.example.com]}
"""
PROGRAM = """
title: t
story: s
client: {browser: none}
requests:
  - url: https://api.mapbox.com/styles/v1/acme/x?access_token={{token}}
    headers: [[User-Agent, curl/8], [X-Twice, a], [X-Twice, b]]
  - {url: "http://api.mapbox.com/v4/x.json", method: POST, body: "q={{token}}"}
token: {allowed: [shop.example.com]}
"""


def played(folder: Path, text: str, exporters: list[str]) -> Played:
    file = folder / "ticket.yaml"
    file.write_text(text)
    return play(load(file), file, folder, folder, exporters)


def entries(result: Played, exporter: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(result.captures[exporter].read_text())["log"][
        "entries"
    ]
    return found


def statuses(result: Played, exporter: str) -> dict[str, int]:
    return {
        entry["request"]["url"].partition("?")[0]: entry["response"]["status"]  # type: ignore[index]
        for entry in entries(result, exporter)
    }


def test_a_program_sends_exactly_its_fields(tmp_path: Path) -> None:
    result = played(tmp_path, PROGRAM, ["har", "flow"])
    assert [(a.method, a.status) for a in result.answered] == [("GET", 403), ("POST", 401)]
    first = entries(result, "har")[0]["request"]
    fields = [(f["name"], f["value"]) for f in first["headers"]]  # type: ignore[index]
    assert fields == [
        ("Host", "api.mapbox.com"),
        ("User-Agent", "curl/8"),
        ("X-Twice", "a"),
        ("X-Twice", "b"),
    ]
    assert result.captures["flow"].stat().st_size > 0


@pytest.mark.browser("chromium")
def test_chromium(tmp_path: Path) -> None:
    result = played(tmp_path, PAGE % "chromium", ["har", "playwright", "devtools", "curl"])
    tile = "https://api.mapbox.com/v4/x/1/0/0.png"
    assert [(a.url.partition("?")[0], a.referer) for a in result.answered if "v4" in a.url] == [
        (tile, None)
    ]
    assert statuses(result, "har")[tile] == 403
    assert statuses(result, "devtools")[tile] == 403
    assert tile in statuses(result, "playwright")
    assert result.captures["chrome-bash"].read_text().startswith("curl ")
    assert entries(result, "devtools")[0]["_resourceType"] == "document"


@pytest.mark.browser("firefox")
def test_firefox(tmp_path: Path) -> None:
    result = played(tmp_path, PAGE % "firefox", ["har", "firefox", "curl"])
    tile = "https://api.mapbox.com/v4/x/1/0/0.png"
    assert statuses(result, "har")[tile] == 403
    assert statuses(result, "firefox")[tile] == 403
    assert result.captures["firefox-cmd"].read_text().startswith("curl")


class _Asked:
    """Stands in for a proxy whose log grows for a while."""

    def __init__(self) -> None:
        self.lines: list[Answered] = []

    def answered(self) -> list[Answered]:
        return list(self.lines)


def test_waiting_ends_when_nothing_more_is_asked_for() -> None:
    asked = _Asked()

    def ask() -> None:
        for _ in range(3):
            time.sleep(0.2)
            asked.lines.append(Answered("GET", "https://a.example/", 200))

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until_quiet(asked, seconds=0.5, longest=10)  # type: ignore[arg-type]
    assert len(asked.lines) == 3
    thread.join()


def test_waiting_has_an_end() -> None:
    began = time.monotonic()
    wait_until_quiet(_Asked(), seconds=60, longest=0.3)  # type: ignore[arg-type]
    assert time.monotonic() - began < 5
