"""A rehearsal in words: whole outputs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from diagnostics.capture.exchange import Skipped
from diagnostics.desk import sheet
from diagnostics.desk.rehearsal import Open
from diagnostics.desk.rehearsal_sheet import headline
from diagnostics.desk.rehearsal_sheet import sheet as put_together
from diagnostics.desk.rehearse import rehearse
from tests.desk.recorded import recorded

CASES = {
    "works": ("works-gl3-chromium.devtools.har", ["shop.example.com", "unused.example"]),
    "trimmed": ("works-gl3-chromium.devtools.har", ["shop.example.com/map"]),
    "suggested": ("share-iframe-chromium.mitmproxy.har", None),
    "mixed": ("worker-race-gl3-chromium.mitmproxy.har", ["shop.example.com"]),
    "open": ("works-gl3-chromium.devtools.har", ["Shop.example.com"]),
}


@pytest.mark.parametrize("name", CASES)
def test_whole_output(name: str, golden: Callable[[str, str], None]) -> None:
    capture, entries = CASES[name]
    blocks = put_together(rehearse(recorded(capture), entries))
    golden(f"rehearse-{name}.md", sheet.markdown(blocks))
    golden(f"rehearse-{name}.txt", sheet.terminal(blocks, width=80))


@pytest.mark.parametrize(
    ("capture", "entries", "says"),
    [
        ("works-gl3-chromium.devtools.har", None, "The smallest list admits all 14 requests."),
        ("works-gl3-chromium.devtools.har", ["example.com"], "The list admits all 14 requests."),
        ("works-gl3-chromium.devtools.har", ["a.example"], "would refuse all 14 requests."),
        ("server-with-referer.mitmproxy.har", None, "The smallest list admits the one request."),
        ("file-page-chromium.mitmproxy.har", None, "No list can be suggested: any would refuse"),
        ("csp-img-leaflet-chromium.devtools.har", None, "holds no request on which"),
        (
            "works-gl3-chromium.devtools.har",
            ["Shop.example.com"],
            "would refuse nothing for certain; for 14 the documentation does not say.",
        ),
    ],
)
def test_headline(capture: str, entries: list[str] | None, says: str) -> None:
    assert says in headline(rehearse(recorded(capture), entries))


def test_what_could_not_be_read_is_said() -> None:
    rehearsal = rehearse(recorded("works-gl3-chromium.devtools.har"))
    skipped = (Skipped("a.har", 3, "no request"), Skipped("a.har", 4, "no request"))
    cut = msgspec.structs.replace(
        rehearsal, capture=msgspec.structs.replace(rehearsal.capture, skipped=skipped)
    )
    assert "2 parts of the capture cannot be read and were left out." in sheet.markdown(
        put_together(cut)
    )


def test_a_refusal_beside_an_open_question() -> None:
    rehearsal = rehearse(recorded("works-gl3-chromium.devtools.har"), ["www.example.com"])
    counts = msgspec.structs.replace(rehearsal.summary, refused=3, open=2)
    both = msgspec.structs.replace(
        rehearsal, summary=counts, open=(Open("https://a.example/", "A.example", "Says.", 2),)
    )
    assert headline(both) == (
        "The list would refuse 3 of 14 requests; for 2 the documentation does not say."
    )
    assert "Could not be told" in sheet.markdown(put_together(both))
