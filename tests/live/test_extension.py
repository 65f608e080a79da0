"""The extension of a ticket: what Chromium is told to load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diagnostics.live import extension


def test_the_extension(tmp_path: Path) -> None:
    folder = tmp_path / "extension"
    switches = extension.write(folder, ["||events.mapbox.com^"], ["referer"])
    assert switches[0] == f"--load-extension={folder}"
    block, remove = json.loads((folder / "rules.json").read_text())
    assert (block["id"], block["condition"]["urlFilter"]) == (1, "||events.mapbox.com^")
    assert remove["action"]["requestHeaders"] == [{"header": "referer", "operation": "remove"}]
    assert json.loads((folder / "manifest.json").read_text())["manifest_version"] == 3


@pytest.mark.parametrize(
    ("blocks", "removes", "actions"),
    [
        ([], [], []),
        (["||a^", "||b^"], [], ["block", "block"]),
        ([], ["referer", "origin"], ["modifyHeaders"]),
        (["||a^"], ["referer"], ["block", "modifyHeaders"]),
    ],
)
def test_its_rules(
    tmp_path: Path, blocks: list[str], removes: list[str], actions: list[str]
) -> None:
    extension.write(tmp_path / "e", blocks, removes)
    rules = json.loads((tmp_path / "e" / "rules.json").read_text())
    assert [rule["action"]["type"] for rule in rules] == actions
    assert [rule["id"] for rule in rules] == list(range(1, len(rules) + 1))
    manifest = json.loads((tmp_path / "e" / "manifest.json").read_text())
    (resource,) = manifest["declarative_net_request"]["rule_resources"]
    assert resource["path"] == "rules.json"
    assert "declarativeNetRequest" in manifest["permissions"]


def test_only_requests_of_pages_are_changed(tmp_path: Path) -> None:
    """A document's own Referer stays, as privacy tools leave it."""
    extension.write(tmp_path / "e", [], ["referer"])
    (rule,) = json.loads((tmp_path / "e" / "rules.json").read_text())
    assert not {"main_frame", "sub_frame"} & set(rule["condition"]["resourceTypes"])
