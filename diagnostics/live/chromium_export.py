"""Chromium's captures: Playwright's HAR, and the one that Chrome DevTools itself would save.

For the latter the browser's own DevTools window is opened on the page and its HAR writer called,
with the choice of rows and the sanitizing of the menu item "Save all as HAR (sanitized)"
(`NetworkLogView.getHarRequests`, `HAR.Log.Log.build` of the DevTools front end).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from diagnostics.live.chromium import Chromium
from diagnostics.live.proxy import LiveError

_READY = """async () => {
  try {
    const { TargetManager } = await import("./core/sdk/sdk.js");
    if (!TargetManager.TargetManager.instance().primaryPageTarget()) return false;
    const { NetworkLog } = await import("./models/logs/logs.js");
    return Boolean(NetworkLog.NetworkLog.instance());
  } catch {
    return false;  // the front end is not set up yet
  }
}"""
_ROWS = """
  const { NetworkLog } = await import("./models/logs/logs.js");
  const rows = NetworkLog.NetworkLog.instance().requests().filter(
    r => r.finished && ["http", "https", "ws", "wss"].includes(r.scheme));
"""
_SAVE = f"""async () => {{
  const {{ Log }} = await import("./models/har/har.js");
  {_ROWS}
  return JSON.stringify({{ log: await Log.Log.build(rows, {{ sanitize: true }}) }});
}}"""
_CURL = f"""async (platform) => {{
  const {{ NetworkLogView }} = await import("./panels/network/network.js");
  {_ROWS}
  const refused = rows.find(r => r.statusCode === 403 || r.statusCode === 401);
  return refused
    ? await NetworkLogView.NetworkLogView.generateCurlCommand(refused, platform) : null;
}}"""


class Page(msgspec.Struct):
    """The tab that is recorded. Call `go` for each visit, `begin` before the first that counts,
    `save` after the last; the files are complete when the `with` block ends."""

    _page: Any
    _attach: Callable[[bool], None]
    _folder: Path
    captures: dict[str, Path] = {}

    def go(self, url: str) -> None:
        from playwright.sync_api import Error

        # A visit may end in an error page; that is a case, not a fault of the recorder.
        with suppress(Error):
            self._page.goto(url, wait_until="commit", timeout=30_000)

    def begin(self) -> None:
        self._call(True)

    def save(self) -> None:
        self._call(False)

    def _call(self, begin: bool) -> None:
        from playwright.sync_api import Error

        try:
            self._attach(begin)
        except Error as error:
            raise LiveError(f"Chromium: DevTools: {error.message.splitlines()[0]}") from None


@contextmanager
def recording(
    running: Chromium, folder: Path, *, devtools: bool, private: bool = True
) -> Iterator[Page]:
    """A new tab, recorded by Playwright, and by DevTools where `devtools` is set; in a private
    window where `private` is set, which has no extensions. Raises LiveError where Playwright is
    not installed or cannot connect."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise LiveError("recording Chromium needs playwright (pip install playwright)") from None

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.connect_over_cdp(running.endpoint)
            har = folder / "playwright.har"
            if private:
                context = browser.new_context(record_har_path=har)
            else:
                context = browser.contexts[0]
                context.route_from_har(har, update=True, update_content="embed", update_mode="full")
            tab = context.new_page()
        except Error as error:
            raise LiveError(f"Chromium: {error.message.splitlines()[0]}") from None
        fronts = []

        def attach(begin: bool) -> None:
            if not devtools:
                return
            if begin:
                target = context.new_cdp_session(tab).send("Target.getTargetInfo")
                host = running.endpoint.removeprefix("http://")
                front = browser.contexts[0].new_page()
                address = f"{host}/devtools/page/{target['targetInfo']['targetId']}"
                front.goto(f"devtools://devtools/bundled/devtools_app.html?ws={address}")
                for _ in range(100):
                    if front.evaluate(_READY):
                        break
                    front.wait_for_timeout(100)
                else:
                    raise LiveError("Chromium: DevTools did not attach")
                front.wait_for_timeout(1000)  # its network agent is enabled right after
                fronts.append(front)
                return
            file = folder / "devtools.har"
            file.write_text(fronts[0].evaluate(_SAVE), encoding="utf-8")
            page.captures["devtools"] = file
            for shell, platform in (("bash", "unix"), ("cmd", "win")):
                command = fronts[0].evaluate(_CURL, platform)
                if command:
                    file = folder / f"chrome-{shell}.curl"
                    file.write_text(command + "\n", encoding="utf-8")
                    page.captures[f"chrome-{shell}"] = file

        page = Page(tab, attach, folder, {"playwright": har})
        yield page
        context.close()
        browser.close()
