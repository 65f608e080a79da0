"""The page of totals: a whole output, nothing hostile, and a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import sync_playwright

from diagnostics.batch.page import render
from diagnostics.batch.totals import Failure, Row, Totals
from diagnostics.live import browsers
from tests.batch.test_totals import EXAMPLE

TITLES = {
    "referrer-policy-blocks": "The page's referrer policy leaves no Referer",
    "page-not-allowed": "The page's host is not among the allowed URLs",
    "unexplained": "The capture does not show why",
}
PAYLOADS = (
    "<script>document.title='pwned'</script>", "\"><img src=x onerror=document.title='pwned'>",
    "</style><style>*{display:none}", "javascript:alert(1)", "{{ 7 * 7 }}", "x" * 3000,
)  # fmt: skip


def hostile() -> Totals:
    """Every string that may come from a capture or a file's name is a payload."""
    return msgspec.structs.replace(
        EXAMPLE,
        browsers=tuple(Row(payload, 1, 1) for payload in PAYLOADS),
        folders=tuple(Row(payload, 1, 1) for payload in PAYLOADS),
        failures=tuple(Failure(payload, payload) for payload in PAYLOADS),
        told=PAYLOADS[0],
    )


def test_whole_output(golden: Callable[[str, str], None]) -> None:
    page = re.sub(r"<style>.*?</style>", "<style>…</style>", render(EXAMPLE, titles=TITLES),
                  flags=re.DOTALL)  # fmt: skip
    page = re.sub(r"'sha256-[^']+'", "'sha256-…'", page)
    golden("totals.html", page)


def test_titles_come_from_the_catalog() -> None:
    assert "The Referrer-Policy removes the Referer" in render(EXAMPLE)


def test_nothing_of_a_capture_is_markup() -> None:
    page = render(hostile(), titles=TITLES)
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("<style>") == page.count("</style>") == 1
    assert "{{ 7 * 7 }}" in page


@pytest.mark.browser("chromium")
def test_it_fits_every_window_and_asks_for_nothing(tmp_path: Path) -> None:
    files = {"example": render(EXAMPLE, titles=TITLES), "hostile": render(hostile())}
    for name, page in files.items():
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(browsers.find("chromium")), args=["--no-sandbox", "--disable-gpu"]
        )
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "dark"), (390, "light")):
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            window = context.new_page()
            asked: list[str] = []
            said: list[str] = []
            window.on("request", lambda request, asked=asked: asked.append(request.url))
            window.on("console", lambda message, said=said: said.append(message.text))
            for name in files:
                asked.clear()
                address = (tmp_path / f"{name}.html").as_uri()
                window.goto(address)
                assert asked == [address]
                assert window.evaluate("document.documentElement.scrollWidth") <= width
                assert "pwned" not in window.title()
            window.goto((tmp_path / "example.html").as_uri())
            wide = [box["width"] for bar in window.locator("section:first-of-type .bar").all()
                    if (box := bar.bounding_box())]  # fmt: skip
            assert wide == sorted(wide, reverse=True)
            assert len(wide) == 3
            assert said == []
            context.close()
        browser.close()
