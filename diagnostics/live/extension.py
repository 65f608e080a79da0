"""A browser extension as privacy tools are, for tickets whose browser has one: it blocks addresses
and removes request headers.

Source: https://developer.chrome.com/docs/extensions/reference/api/declarativeNetRequest
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_MANIFEST = {
    "manifest_version": 3,
    "name": "Privacy",
    "version": "1.0",
    "permissions": ["declarativeNetRequest"],
    "host_permissions": ["<all_urls>"],
    "declarative_net_request": {
        "rule_resources": [{"id": "rules", "enabled": True, "path": "rules.json"}]
    },
}


def write(folder: Path, blocks: Sequence[str], removes: Sequence[str]) -> tuple[str, ...]:
    """Write an unpacked extension into `folder` that blocks the URL filters `blocks`
    (`||events.mapbox.com^`) and removes the request headers `removes`; the command-line switches
    that load it into Chromium."""
    rules: list[dict[str, object]] = [
        {"action": {"type": "block"}, "condition": {"urlFilter": pattern}} for pattern in blocks
    ]
    changes = [{"header": name, "operation": "remove"} for name in removes]
    if changes:
        rules.append(
            {
                "action": {"type": "modifyHeaders", "requestHeaders": changes},
                "condition": {"resourceTypes": ["xmlhttprequest", "image", "other"]},
            }
        )
    numbered = [{"id": number, "priority": 1, **rule} for number, rule in enumerate(rules, 1)]
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(_MANIFEST), encoding="utf-8")
    (folder / "rules.json").write_text(json.dumps(numbered), encoding="utf-8")
    return (
        f"--load-extension={folder}",
        "--disable-features=DisableLoadExtensionCommandLineSwitch,HttpsUpgrades",
    )
