"""A sanitized capture has the form that the original had."""

from __future__ import annotations

import gzip
import json

import pytest

from diagnostics.capture.open import read_capture, read_data
from diagnostics.sanitize.output import CURL, FLOWS, HAR, form_of, gzipped, pieces
from diagnostics.sanitize.sanitizer import Sanitizer
from fixtures import ROOT

CAPTURES = ROOT / "captures"
EMPTY = b'{"log": {"entries": []}}'


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("helmet-gl3-chromium.devtools.har", HAR),
        ("capacitor-ios.mitmproxy.har", HAR),
        ("capacitor-ios.mitmproxy.flow", FLOWS),
        ("handmade/safari.curl", CURL),
    ],
)
def test_the_form_is_that_of_the_file(name: str, form: str) -> None:
    (capture,) = read_capture(str(CAPTURES / name))
    assert form_of(capture) == form
    made = b"".join(pieces(Sanitizer(capture)))
    (again,) = read_data(made, name)
    assert form_of(again) == form
    assert made.startswith(b"curl ") is (form == CURL)
    assert made.startswith(b'{"log": ') is (form == HAR)


def test_a_capture_of_nothing_is_a_har() -> None:
    (capture,) = read_data(EMPTY, "x.har")
    assert form_of(capture) == HAR
    assert json.loads(b"".join(pieces(Sanitizer(capture))))["log"]["entries"] == []


@pytest.mark.parametrize(("typed", "option"), [(True, b" -A "), (False, b" -H 'User-Agent: ")])
def test_what_was_typed_and_what_a_browser_copied_stay_apart(typed: bool, option: bytes) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36"
    given = f"-A '{agent}'" if typed else f"-H 'User-Agent: {agent}' -H 'sec-fetch-mode: cors'"
    text = f"curl 'https://api.mapbox.com/v4/a.b/1/0/0.png' {given}"
    (capture,) = read_data(text.encode(), "x")
    made = b"".join(pieces(Sanitizer(capture)))
    assert option in made
    assert read_data(made, "x")[0].exporter == capture.exporter


def test_flows_of_other_protocols_keep_their_places() -> None:
    from diagnostics.sanitize.write_flows import flow_pieces

    (capture,) = read_capture(str(CAPTURES / "capacitor-ios.mitmproxy.flow"))
    one = capture.exchanges[0]
    data = b"".join(flow_pieces([None, one, None, None, one], frozenset({0, 3})))
    (before,) = read_data(data, "x.flow")
    made = b"".join(pieces(Sanitizer(before)))
    (after,) = read_data(made, "x.flow")
    assert [e.index for e in after.exchanges] == [e.index for e in before.exchanges] == [1, 4]
    assert [s.index for s in after.skipped] == [s.index for s in before.skipped] == [2]
    assert made == b"".join(pieces(Sanitizer(after)))


def test_a_packed_file_is_the_same_each_time() -> None:
    made = [b"".join(gzipped([b"abc", b"", b"def" * 1000])) for _ in range(2)]
    assert made[0] == made[1]
    assert gzip.decompress(made[0]) == b"abc" + b"def" * 1000
    assert made[0][4:8] == b"\0" * 4  # no time (RFC 1952, 2.3.1)
    assert gzip.decompress(b"".join(gzipped([]))) == b""
