"""Chromium's captures: Playwright's HAR, and the one that Chrome DevTools itself would save.

For the latter the browser's own DevTools window is opened on the page and its HAR writer called,
with the choice of rows and the sanitizing of the export button ("Export HAR (sanitized)", with
bodies: `HAR.Writer.Writer`) and of "Copy all as HAR (sanitized)" (without: `HAR.Log.Log.build`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from diagnostics.live.chromium import Chromium
from diagnostics.live.proxy import LiveError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

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
_SAVE = f"""async (withContent) => {{
  const {{ Log, Writer }} = await import("./models/har/har.js");
  {_ROWS}
  const options = {{ sanitize: true }};
  if (!withContent) return JSON.stringify({{ log: await Log.Log.build(rows, options) }});
  const progress = {{ createSubProgress: () => ({{ canceled: false }}) }};
  return await Writer.Writer.harStringForRequests(rows, options, progress);
}}"""
_CURL = f"""async (platform) => {{
  const {{ NetworkLogView }} = await import("./panels/network/network.js");
  {_ROWS}
  const refused = rows.find(r => r.statusCode === 403 || r.statusCode === 401);
  return refused
    ? await NetworkLogView.NetworkLogView.generateCurlCommand(refused, platform) : null;
}}"""


class DevTools:
    """The DevTools window of one tab, in a tab of its own. Raises LiveError where it does not come
    up."""

    def __init__(self, browser: Browser, endpoint: str, inspected: Page) -> None:
        session = inspected.context.new_cdp_session(inspected)
        target = session.send("Target.getTargetInfo")["targetInfo"]["targetId"]
        address = f"{endpoint.removeprefix('http://')}/devtools/page/{target}"
        self._window = browser.contexts[0].new_page()
        self._window.goto(f"devtools://devtools/bundled/devtools_app.html?ws={address}")
        for _ in range(100):
            if self._window.evaluate(_READY):
                break
            self._window.wait_for_timeout(100)
        else:
            raise LiveError("Chromium: DevTools did not attach")
        self._window.wait_for_timeout(1000)  # its network agent is enabled right after

    def save(self, folder: Path) -> dict[str, Path]:
        """Write its HAR, and the first refused request as a command for bash and cmd, into
        `folder`; the files by exporter."""
        texts = {
            "devtools.har": self._window.evaluate(_SAVE, True),
            "copied.har": self._window.evaluate(_SAVE, False),
        }
        for shell, platform in (("bash", "unix"), ("cmd", "win")):
            command = self._window.evaluate(_CURL, platform)
            if command:
                texts[f"chrome-{shell}.curl"] = command + "\n"
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return {name.partition(".")[0]: folder / name for name in texts}


class Recording:
    """A recorded tab. Call `go` for each visit, `begin` before the first that counts, `save` after
    the last; the files of `captures` are complete when the `with` block has ended."""

    def __init__(self, browser: Browser, endpoint: str, folder: Path, private: bool) -> None:
        self._browser = browser
        self._endpoint = endpoint
        self._folder = folder
        self._devtools: DevTools | None = None
        har = folder / "playwright.har"
        self.captures = {"playwright": har}
        self.context: BrowserContext
        if private:
            self.context = browser.new_context(record_har_path=har)
        else:
            self.context = browser.contexts[0]
            self.context.route_from_har(
                har, update=True, update_content="embed", update_mode="full"
            )
        self._tab = self.context.new_page()

    def go(self, url: str) -> None:
        """Open `url` in the tab."""
        from playwright.sync_api import Error

        # A visit may end in an error page; that is a case, not a fault of the recorder.
        with suppress(Error):
            self._tab.goto(url, wait_until="commit", timeout=30_000)

    def begin(self, devtools: bool) -> None:
        """Let what comes now count; with the DevTools window, if `devtools` is set."""
        if devtools:
            self._devtools = DevTools(self._browser, self._endpoint, self._tab)

    def save(self) -> None:
        """Write what the DevTools window shows."""
        if self._devtools is not None:
            self.captures |= self._devtools.save(self._folder)


@contextmanager
def recording(running: Chromium, folder: Path, *, private: bool = True) -> Iterator[Recording]:
    """A new tab, recorded by Playwright into `folder`; in a private window where `private` is set,
    which has no extensions. Raises LiveError where Playwright is not installed or fails."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise LiveError("recording Chromium needs playwright (pip install playwright)") from None

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.connect_over_cdp(running.endpoint)
            tab = Recording(browser, running.endpoint, folder, private)
            yield tab
            tab.context.close()
            browser.close()
        except Error as error:
            raise LiveError(f"Chromium: {error.message.splitlines()[0]}") from None
