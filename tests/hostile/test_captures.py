"""Every payload in every text field of a capture: it is text in every format, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from diagnostics.capture.exchange import CaptureError
from diagnostics.capture.open import read_data
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.report import html, json, markdown, text
from tests.hostile import judging, placing

#: Recordings whose reports say much about their captures, each in another way.
RECORDED = (
    "helmet-gl3-chromium.devtools.har",
    "cdn-stylesheet-firefox.firefox.har",
    "cached-403-chromium.playwright.har",
    "csp-sandbox-chromium.mitmproxy.har",
)
FLOWS = ("helmet-gl3-chromium.mitmproxy.flow", "file-page-firefox.mitmproxy.flow")

#: What each field is given for itself: one payload of the kinds that do the most, or with
#: WHY403_HOSTILE=all every one, which takes minutes.
SHARP = (
    placing.payloads()
    if os.environ.get("WHY403_HOSTILE") == "all"
    else tuple(
        placing.corpus()[kind][0]
        for kind in ("markup", "attribute", "markdown", "terminal", "invisible")
    )
)


def appended(payload: str) -> Callable[[str], str]:
    return lambda old: old + payload


def alone(payload: str) -> Callable[[str], str]:
    return lambda old: payload


def assert_harmless(data: bytes, payload: str = "", *, is_readable: bool = False) -> bool:
    """All four formats of the report on a capture, and the line where it cannot be read. Whether
    there was a report that found something."""
    name = "".join(char if char.isprintable() else "?" for char in payload[:80]) or "-"
    complaint = ""
    try:
        captures = read_data(data, name)
    except CaptureError as error:
        complaint = str(error)
    if complaint:
        assert not is_readable, complaint
        judging.assert_plain(complaint)
        assert "\n" not in complaint
        return False
    told = Told(Allowed(("shop.example.com/private", payload), "the list that was told"))
    report = diagnose(captures, told)
    judging.assert_json(json.render(report))
    judging.assert_plain(text.render(report, colour=False, width=100))
    judging.assert_plain_with_colours(text.render(report, colour=True, width=60, unicode=False))
    judging.assert_markdown(markdown.render(report))
    judging.assert_html(html.render(report))
    return bool(report.verdicts or report.findings)


def har_versions(tree: Any, payload: str) -> Iterator[bytes]:
    """The payload in all fields at once: behind what they say, in its place, and as a name."""
    yield placing.written(placing.put(tree, appended(payload)))
    yield placing.written(placing.in_keys(placing.put(tree, alone(payload)), payload))
    kept = placing.put(tree, alone(payload))
    for new, old in zip(kept["log"]["entries"], tree["log"]["entries"], strict=True):
        new["request"]["url"] = old["request"]["url"] + payload
        for message in ("request", "response"):
            for changed, was in zip(new[message]["headers"], old[message]["headers"], strict=True):
                changed["name"] = was["name"]
    yield placing.written(kept)


@pytest.mark.parametrize("name", RECORDED)
def test_every_payload_in_every_field_of_a_har_at_once(name: str) -> None:
    tree = placing.har(name)
    diagnosed = 0
    for payload in placing.payloads():
        for data in har_versions(tree, payload):
            diagnosed += assert_harmless(data, payload, is_readable=True)
    assert diagnosed > len(placing.payloads())


@pytest.mark.parametrize(("name", "how"), [(RECORDED[0], appended), (RECORDED[1], alone)])
def test_each_field_of_a_har_for_itself(
    name: str, how: Callable[[str], Callable[[str], str]]
) -> None:
    tree = placing.har(name)
    places = placing.places(tree)
    assert len(places) > 60
    diagnosed = sum(
        assert_harmless(placing.written(placing.put(tree, how(payload), place)), payload)
        for place in places
        for payload in SHARP
    )
    assert diagnosed > len(places) * len(SHARP) * 0.7


@pytest.mark.parametrize("name", FLOWS)
def test_every_payload_in_every_field_of_a_flow_file(name: str) -> None:
    states = placing.flow_states(name)
    assert_harmless(placing.written_flows(states), is_readable=True)
    read = 0
    for payload in placing.payloads():
        for how in (appended, alone):
            changed = [placing.put_in_flow(state, how(payload)) for state in states]
            read += assert_harmless(placing.written_flows(changed), payload)
            mixed = [*states[:-1], placing.put_in_flow(states[-1], how(payload))]
            read += assert_harmless(placing.written_flows(mixed), payload, is_readable=True)
    assert read > len(placing.payloads())


def test_every_payload_in_a_curl_command() -> None:
    for payload in placing.payloads():
        quoted = payload.replace("'", "'\\''")
        command = (
            f"curl 'https://api.mapbox.com/v4/x?{quoted}' -H 'Referer: {quoted}' -A '{quoted}'"
        )
        assert_harmless(command.encode("utf-8", "surrogatepass"), payload)
        assert_harmless((command + f"\n< HTTP/1.1 403 {payload}\n< X: {payload}\n").encode())
