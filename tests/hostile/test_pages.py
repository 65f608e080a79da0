"""All payloads at once on pages that a real browser shows: nothing runs, nothing is asked for, and
the page is as wide as its window. The other outputs that show a capture's text are parsed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from diagnostics.batch import page as batch_page
from diagnostics.batch.totals import Failure, Row, Totals
from diagnostics.capture.open import read_data
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.live import browsers
from diagnostics.report import html
from diagnostics.report.model import Report
from tests.hostile import judging, placing

WIDTHS = (1280, 390)


def everything() -> list[Report]:
    """Reports that between them hold every payload in every field of a HAR."""
    tree = placing.har("helmet-gl3-chromium.devtools.har")
    found = []
    for kind, payloads in placing.corpus().items():
        entries: list[Any] = []
        for payload in payloads:
            changed = placing.put(tree, lambda old, payload=payload: old + payload)
            kept = json.loads(json.dumps(tree))
            for new, old in zip(changed["log"]["entries"], kept["log"]["entries"], strict=True):
                new["request"]["headers"] = old["request"]["headers"]
                for header in new["request"]["headers"]:
                    header["value"] += payload
            entries += changed["log"]["entries"]
        tree["log"]["entries"], recorded = entries, tree["log"]["entries"]
        captures = read_data(placing.written(tree), f"{kind}.har")
        tree["log"]["entries"] = recorded
        found.append(diagnose(captures, Told(Allowed(payloads, payloads[0]))))
    return found


def totals(text: str) -> Totals:
    """Totals of a batch that say the text wherever they have text of a capture."""
    rows = tuple(Row(text, number, 1) for number in (3, 2, 1))
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(Totals):
        known = {int: 3, str: text}.get(field.type)  # type: ignore[call-overload]
        if known is not None:
            values[field.name] = known
        elif field.name == "causes":
            values[field.name] = (Row("page-not-allowed", 3, 1),)
        elif field.name == "failures":
            values[field.name] = (Failure(text, text),)
        else:
            values[field.name] = rows
    return Totals(**values)


def pages() -> Iterator[str]:
    for report in everything():
        yield html.render(report)
    for payload in placing.payloads():
        yield batch_page.render(totals(payload))


def test_reports_hold_the_payloads_and_nothing_of_them_is_alive() -> None:
    found = [html.render(report) for report in everything()]
    for page in found:
        judging.assert_html(page)
    shown = "".join(found)
    for piece in ("&lt;script&gt;window.pwned=1", "{{ 7*7 }}", "onmouseover", "evil.example"):
        assert piece in shown


@pytest.mark.parametrize("kind", placing.corpus())
def test_the_page_of_a_batch(kind: str) -> None:
    for payload in placing.corpus()[kind]:
        judging.assert_html(batch_page.render(totals(payload)))


@pytest.mark.browser("chromium")
def test_nothing_runs_loads_or_overflows_in_chromium(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    said: list[str] = []
    file = tmp_path / "page.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(browsers.find("chromium")), args=["--no-sandbox", "--disable-gpu"]
        )
        window = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}).new_page()
        window.on("request", lambda request: asked.append(request.url))
        window.on("console", lambda message: said.append(message.text))
        window.on("pageerror", lambda error: said.append(str(error)))
        window.on("dialog", lambda dialog: said.append(dialog.message))
        opened = 0
        for page in pages():
            file.write_text(page, encoding="utf-8")
            window.goto(file.as_uri())
            opened += 1
            window.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
            for width in WIDTHS:
                window.set_viewport_size({"width": width, "height": 900})
                window.mouse.move(width // 2, 300)
                assert window.evaluate("document.documentElement.scrollWidth") <= width
            assert window.evaluate("window.pwned") is None
            assert window.evaluate("document.scripts.length") == 0
        browser.close()
    assert asked == [file.as_uri()] * opened
    assert said == []
