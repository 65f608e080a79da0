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


class Window:
    """One window; `show` opens a report in it and keeps what happened."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.file = file
        self.requests: list[str] = []
        self.messages: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("dialog", lambda dialog: self.messages.append(dialog.message))

    def show(self, content: str) -> None:
        self.file.write_text(content, encoding="utf-8")
        self.requests.clear()
        self.page.goto(self.file.as_uri())
        assert self.requests == [self.file.as_uri()]

    def open_all(self) -> None:
        self.page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")

    @property
    def content_width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))


@pytest.fixture
def window(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[int, str], Window]]:
    contexts = []

    def opened(width: int, scheme: str) -> Window:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        return Window(context.new_page(), tmp_path / "report.html")

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (390, "dark"), (1280, "light")])
def test_every_report_fits(
    window: Callable[[int, str], Window], reports: dict[str, Report], width: int, scheme: str
) -> None:
    found = window(width, scheme)
    for report in reports.values():
        found.show(html.render(report))
        found.open_all()
        assert found.content_width <= width
        assert found.page.evaluate(OVERFLOWING) == []
        shown = "across" if width > 860 else "down"
        for shape in ("across", "down"):
            pictures = found.page.locator(f"svg.{shape}")
            assert all(p.is_visible() == (shape == shown) for p in pictures.all())
    assert found.messages == []


@pytest.mark.parametrize("width", [360, 1280])
def test_a_large_report_with_awkward_strings_fits(
    window: Callable[[int, str], Window], large: Report, width: int
) -> None:
    found = window(width, "light")
    found.show(html.render(large))
    assert found.content_width <= width
    assert found.page.evaluate(OVERFLOWING) == []
    found.page.eval_on_selector("details.requests", "one => one.open = true")
    assert found.content_width <= width


def test_nothing_hostile_runs_or_loads(
    window: Callable[[int, str], Window],
    payloads: tuple[str, ...],
    poison: Callable[[str], Report],
) -> None:
    found = window(360, "dark")
    for payload in payloads:
        found.show(html.render(poison(payload)))
        found.open_all()
        found.page.mouse.move(180, 300)
        assert found.page.evaluate("window.pwned") is None
        assert found.page.evaluate("document.scripts.length") == 0
        assert found.content_width <= 360
        assert found.requests == [found.file.as_uri()]
    assert found.messages == []


def test_dark_text_is_never_printed_light(
    window: Callable[[int, str], Window], reports: dict[str, Report]
) -> None:
    found = window(1000, "dark")
    found.show(html.render(reports["helmet"]))
    found.page.emulate_media(media="print", color_scheme="dark")
    ink = found.page.evaluate("getComputedStyle(document.body).color")
    assert max(int(part) for part in ink.strip("rgb()").split(",")) < 80
    # Paper is narrower than a desk, but wide enough for the line across.
    found.page.set_viewport_size({"width": 718, "height": 800})
    assert found.page.locator("svg.across").first.is_visible()
