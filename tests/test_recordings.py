"""The committed captures: complete, small, without anything private, and as their tickets say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from diagnostics.browser import url as urls
from diagnostics.journey.verdict import Cause
from diagnostics.live.world import World
from diagnostics.provider import token as tokens
from diagnostics.ticket import load_all
from fixtures import ROOT
from fixtures.check import handmade, problems
from fixtures.record import ENDINGS

CAPTURES = ROOT / "captures"
TICKETS = load_all(ROOT / "tickets")
FILES = sorted(path for path in CAPTURES.rglob("*") if path.is_file())
RECORDED = [path for path in FILES if path.parent == CAPTURES]
LARGEST = 100_000
LARGEST_TOGETHER = 6_000_000


def stored(name: str) -> dict[str, bytes]:
    """A ticket's captures by exporter, its main one first."""
    found = {
        exporter: file.read_bytes()
        for exporter, ending in ENDINGS.items()
        if (file := CAPTURES / f"{name}.{ending}").exists()
    }
    order = [*TICKETS[name].record, *found]
    return {exporter: found[exporter] for exporter in order if exporter in found}


def test_there_are_enough_tickets_for_every_cause() -> None:
    assert len(TICKETS) >= 40
    expected = {rule.cause for ticket in TICKETS.values() for rule in ticket.expect.refusals}
    assert expected == set(Cause)


def test_both_browsers_and_every_library_are_there() -> None:
    clients = {(t.client.browser, t.client.library.partition("@")[0]) for t in TICKETS.values()}
    assert {
        (b, x) for b in ("chromium", "firefox") for x in ("mapbox-gl", "leaflet", "")
    } <= clients
    libraries = {t.client.library for t in TICKETS.values()}
    assert {f"mapbox-gl@{v}" for v in ("0.45.0", "1.13.3", "2.15.0", "3.9.0")} <= libraries


def test_some_tickets_have_nothing_wrong() -> None:
    fine = [t for t in TICKETS.values() if not t.expect.refusals and not t.expect.findings]
    assert len(fine) >= 4


@pytest.mark.parametrize("name", sorted(TICKETS))
def test_a_ticket_has_its_captures_and_they_show_what_it_says(name: str) -> None:
    files = stored(name)
    wanted = [exporter for exporter in TICKETS[name].record if exporter != "curl"]
    assert list(files)[: len(wanted)] == wanted, "run make record"
    assert problems(TICKETS[name], files) == []


def test_no_capture_without_a_ticket() -> None:
    names = {f"{name}.{ending}" for name in TICKETS for ending in ENDINGS.values()}
    assert {path.name for path in RECORDED} <= names


def test_captures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FILES}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    assert sum(sizes.values()) < LARGEST_TOGETHER


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_private_in_a_capture(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    assert not re.search(r"/tmp/|/root/|/home/(?!kim/)|why403-|why403\.invalid", text)
    invented = {ticket.token.text for ticket in TICKETS.values()}
    for found in tokens.PATTERN.findall(text):
        whole = found.replace("%2E", ".").replace("%2e", ".")
        assert any(token.startswith(whole) for token in invented), found


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_only_hosts_of_the_ticket_in_a_capture(path: Path) -> None:
    name = path.name.partition(".")[0]
    world = World(TICKETS[name])
    if path.suffix == ".har":
        entries = json.loads(path.read_text(encoding="utf-8"))["log"]["entries"]
        assert entries
        for entry in entries:
            address = entry["request"]["url"]
            assert world.knows(address) or address.startswith(("blob:", "file:///home/kim/"))
            assert len(entry["response"].get("content", {}).get("text", "")) <= 6000
    elif path.suffix == ".curl":
        found = re.search(r"https?://[^'\"^ ]+", path.read_text(encoding="utf-8"))
        assert found is not None
        assert world.knows(found[0])
    else:
        assert path.suffix == ".flow"
        from mitmproxy import io as mitmproxy_io

        with path.open("rb") as file:
            for flow in mitmproxy_io.FlowReader(file).stream():
                assert world.knows(flow.request.pretty_url)  # type: ignore[attr-defined]


def test_every_handmade_file_has_its_expectation_and_the_other_way_round() -> None:
    folder = CAPTURES / "handmade"
    names = {path.name for path in folder.iterdir()} - {"expect.yaml"}
    assert names == set(handmade(folder))


@pytest.mark.parametrize("name", sorted(TICKETS))
def test_a_ticket_tells_a_story_of_invented_hosts(name: str) -> None:
    ticket = TICKETS[name]
    assert len(ticket.story.split()) >= 10
    for address in ticket.sites:
        url = urls.parse(address.removesuffix("*"))
        assert url is not None
        host = url.host or "localhost"
        assert re.search(
            r"(^|\.)(\w*example\.\w+|\w+\.example|example|localhost|vercel\.app|[\d.]+)$", host
        ), host


def test_the_real_library_understood_the_emulated_tile() -> None:
    """GL JS asks for glyphs only after it has read a label in a vector tile."""
    text = (CAPTURES / "works-gl3-chromium.mitmproxy.har").read_text(encoding="utf-8")
    assert "/fonts/v1/acme/DIN%20Pro%20Regular/0-255.pbf" in text
