"""Firefox's own captures: its Network panel is opened beside the page and asked for its HAR, and
its "Copy as cURL" for the first refused request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diagnostics.live.marionette import Marionette

_TOOLBOX = """
  const { require } = ChromeUtils.importESModule("resource://devtools/shared/loader/Loader.sys.mjs");
  const { gDevTools } = require("devtools/client/framework/devtools");
  const tab = Services.wm.getMostRecentWindow("navigator:browser").gBrowser.selectedTab;
"""
_OPEN = _TOOLBOX + 'await gDevTools.showToolboxForTab(tab, { toolId: "netmonitor" });'
_SAVE = _TOOLBOX + (
    "const log = await gDevTools.getToolboxForTab(tab).getHARFromNetMonitor();"
    "return JSON.stringify(log.log ? log : { log });"
)
_CURL = _TOOLBOX + (
    'const { Curl } = require("devtools/client/shared/curl");'
    "return Curl.generateCommand(arguments[0], arguments[1]);"
)


def begin(control: Marionette) -> None:
    """Open the Network panel; it records what comes after."""
    control.browser(_OPEN)


def save(control: Marionette, folder: Path) -> dict[str, Path]:
    """Write `firefox.har` into `folder` as the panel's "Save All As HAR" would, and the first
    refused request as a command for bash and cmd; the files by exporter."""
    file = folder / "firefox.har"
    text = control.browser(_SAVE)
    file.write_text(text, encoding="utf-8")
    saved = {"firefox": file}
    refused = next(
        (e for e in json.loads(text)["log"]["entries"] if e["response"]["status"] in {401, 403}),
        None,
    )
    for shell, platform in (("bash", "Linux"), ("cmd", "WINNT")):
        if refused is not None:
            file = folder / f"firefox-{shell}.curl"
            command = control.browser(_CURL, _row(refused["request"]), platform)
            file.write_text(command + "\n", encoding="utf-8")
            saved[f"firefox-{shell}"] = file
    return saved


def _row(request: Any) -> dict[str, Any]:
    """A request of the HAR as the panel's rows hold it."""
    return {
        "url": request["url"],
        "method": request["method"],
        "headers": request["headers"],
        "httpVersion": request["httpVersion"],
        "postDataText": request.get("postData", {}).get("text"),
    }
