"""What is asked of Chromium's DevTools, and which files come of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

import pytest

from diagnostics.live.chromium import Chromium
from diagnostics.live.chromium_export import DevTools, Recording, recording
from diagnostics.live.proxy import LiveError

ENDPOINT = "http://127.0.0.1:9222"


class Tab:
    """A tab of Playwright's, as far as an export asks it; DevTools is ready at the n-th look."""

    def __init__(self, context: Any, *, ready_at: int = 1, refused: bool = True) -> None:
        self.context, self.refused = context, refused
        self.looks, self.ready_at = 0, ready_at
        self.opened: list[str] = []

    def goto(self, url: str, **_: object) -> None:
        self.opened.append(url)
        if "unreachable" in url:
            from playwright.sync_api import Error

            raise Error("net::ERR_CONNECTION_REFUSED")

    def wait_for_timeout(self, _: float) -> None:
        pass

    def evaluate(self, script: str, argument: object = None) -> object:
        if "generateCurlCommand" in script:
            return f"curl for {argument}" if self.refused else None
        if "har.js" in script:
            return "with bodies" if argument else "without bodies"
        self.looks += 1
        return self.looks >= self.ready_at


class Browser:
    """A browser of Playwright's, with one context that is its profile's own."""

    def __init__(self, **tab: Any) -> None:
        self.contexts = [self]
        self.made: list[tuple[str, object]] = []
        self._tab = tab

    def new_page(self) -> Tab:
        return Tab(self, **self._tab)

    def new_cdp_session(self, _: object) -> Browser:
        return self

    def send(self, method: str) -> dict[str, Any]:
        assert method == "Target.getTargetInfo"
        return {"targetInfo": {"targetId": "T1"}}

    def new_context(self, **options: object) -> Browser:
        self.made.append(("private", options["record_har_path"]))
        return self

    def route_from_har(self, har: Path, **options: object) -> None:
        assert options["update"] is True
        self.made.append(("own", har))


def made(browser: Browser, folder: Path, *, private: bool = True) -> Recording:
    return Recording(cast(Any, browser), ENDPOINT, folder, private)


@pytest.mark.parametrize(("private", "kind"), [(True, "private"), (False, "own")])
def test_playwright_records_from_the_start(tmp_path: Path, private: bool, kind: str) -> None:
    """Only the profile's own windows have its extensions."""
    browser = Browser()
    recorded = made(browser, tmp_path, private=private)
    assert browser.made == [(kind, tmp_path / "playwright.har")]
    assert recorded.captures == {"playwright": tmp_path / "playwright.har"}
    recorded.begin(devtools=False)
    recorded.save()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("refused", [True, False])
def test_devtools_saves_what_its_buttons_would(tmp_path: Path, refused: bool) -> None:
    recorded = made(Browser(ready_at=3, refused=refused), tmp_path)
    recorded.begin(devtools=True)
    recorded.save()
    texts = {file.name: file.read_text() for file in tmp_path.iterdir()}
    commands = {
        "chrome-bash.curl": "curl for unix\n",
        "chrome-cmd.curl": "curl for win\n",
    }
    assert texts == {
        "devtools.har": "with bodies",
        "copied.har": "without bodies",
        **(commands if refused else {}),
    }
    assert {name: file.name for name, file in recorded.captures.items()} == {
        "playwright": "playwright.har",
        **{name.partition(".")[0]: name for name in texts},
    }


def test_devtools_looks_at_the_recorded_tab() -> None:
    browser = Browser()
    window = DevTools(cast(Any, browser), ENDPOINT, cast(Any, browser.new_page()))._window
    assert cast(Any, window).opened == [
        "devtools://devtools/bundled/devtools_app.html?ws=127.0.0.1:9222/devtools/page/T1"
    ]


def test_devtools_that_does_not_attach_is_said() -> None:
    browser = Browser(ready_at=10**6)
    with pytest.raises(LiveError, match="did not attach"):
        DevTools(cast(Any, browser), ENDPOINT, cast(Any, browser.new_page()))


def test_a_visit_that_fails_is_a_case_and_no_fault(tmp_path: Path) -> None:
    made(Browser(), tmp_path).go("http://unreachable.example/")


def test_without_playwright_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    running = Chromium(cast(Any, None), ENDPOINT)
    with pytest.raises(LiveError, match="pip install playwright"), recording(running, tmp_path):
        pass
