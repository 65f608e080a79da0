"""The HTML file in a real browser: it loads nothing, runs nothing and fits every window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from diagnostics.report import html
from diagnostics.report.model import Report

pytestmark = pytest.mark.browser("chromium")

OVERFLOWING = """() => [...document.querySelectorAll('g.tag')].flatMap(tag => {
    const box = tag.querySelector('rect').getBoundingClientRect();
    if (!box.width) return [];
    return [...tag.querySelectorAll('text')].filter(text => {
        const inner = text.getBoundingClientRect();
        return inner.right > box.right || inner.bottom > box.bottom || inner.left < box.left;
    }).map(text => text.textContent);
})"""


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


class Opened:
    """A page and what happened on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.messages: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("dialog", lambda dialog: self.messages.append(dialog.message))


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[str, int, str], Opened]]:
    contexts = []

    def opened(content: str, width: int, scheme: str) -> Opened:
        file = tmp_path / "report.html"
        file.write_text(content, encoding="utf-8")
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.goto(file.as_uri())
        assert found.requests == [file.as_uri()]
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (390, "dark"), (1280, "light")])
def test_every_report_fits(
    show: Callable[[str, int, str], Opened],
    named_report: tuple[str, Report],
    width: int,
    scheme: str,
) -> None:
    _, report = named_report
    found = show(html.render(report), width, scheme)
    found.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.page.evaluate(OVERFLOWING) == []
    assert found.messages == []
    shown = "across" if width > 860 else "down"
    for shape in ("across", "down"):
        pictures = found.page.locator(f"svg.{shape}")
        assert all(p.is_visible() == (shape == shown) for p in pictures.all())


@pytest.mark.parametrize("width", [360, 1280])
def test_a_large_report_with_awkward_strings_fits(
    show: Callable[[str, int, str], Opened], large: Report, width: int
) -> None:
    found = show(html.render(large), width, "light")
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.page.evaluate(OVERFLOWING) == []
    found.page.eval_on_selector("details.requests", "one => one.open = true")
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_hostile_runs_or_loads(
    show: Callable[[str, int, str], Opened],
    payloads: tuple[str, ...],
    poison: Callable[[str], Report],
) -> None:
    for payload in payloads:
        found = show(html.render(poison(payload)), 360, "dark")
        found.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
        found.page.mouse.move(180, 300)
        found.page.wait_for_timeout(20)
        assert found.page.evaluate("window.pwned") is None
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert len(found.requests) == 1
        assert found.messages == []
        assert found.page.evaluate("document.scripts.length") == 0


def test_dark_text_is_never_printed_light(
    show: Callable[[str, int, str], Opened], reports: dict[str, Report]
) -> None:
    found = show(html.render(reports["helmet"]), 1000, "dark")
    found.page.emulate_media(media="print", color_scheme="dark")
    ink = found.page.evaluate("getComputedStyle(document.body).color")
    assert max(int(part) for part in ink.strip("rgb()").split(",")) < 80
    # Paper is narrower than a desk, but wide enough for the line across.
    found.page.set_viewport_size({"width": 718, "height": 800})
    assert found.page.locator("svg.across").first.is_visible()
