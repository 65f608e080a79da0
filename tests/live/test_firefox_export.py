"""What is asked of Firefox's Network panel, and which files come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from diagnostics.live import firefox_export
from diagnostics.live.marionette import Marionette


def entry(url: str, status: int, **request: object) -> dict[str, Any]:
    asked = {"url": url, "method": "GET", "headers": [], "httpVersion": "HTTP/2", **request}
    return {"request": asked, "response": {"status": status}}


class Panel:
    """Firefox, as far as an export asks it."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.har = json.dumps({"log": {"entries": entries}})
        self.asked: list[tuple[object, ...]] = []

    def browser(self, script: str, *arguments: object) -> object:
        self.asked.append(arguments)
        if "generateCommand" in script:
            return f"curl for {arguments[1]}"
        return self.har if "getHARFromNetMonitor" in script else None

    @property
    def control(self) -> Marionette:
        return cast(Marionette, self)


def test_the_panel_is_opened_before_what_counts() -> None:
    panel = Panel()
    firefox_export.begin(panel.control)
    assert panel.asked == [()]


@pytest.mark.parametrize("status", [401, 403])
def test_the_first_refused_request_is_copied_for_each_shell(tmp_path: Path, status: int) -> None:
    posted = {"method": "POST", "headers": [{"name": "A", "value": "b"}],
              "postData": {"text": "x=1"}}  # fmt: skip
    panel = Panel(
        entry("https://a.example/", 200),
        entry("https://b.example/", status, **posted),
        entry("https://c.example/", 403),
    )
    saved = firefox_export.save(panel.control, tmp_path)
    assert {name: file.name for name, file in saved.items()} == {
        "firefox": "firefox.har",
        "firefox-bash": "firefox-bash.curl",
        "firefox-cmd": "firefox-cmd.curl",
    }
    assert saved["firefox"].read_text() == panel.har
    assert saved["firefox-bash"].read_text() == "curl for Linux\n"
    assert saved["firefox-cmd"].read_text() == "curl for WINNT\n"
    assert panel.asked[1][0] == {
        "url": "https://b.example/",
        "method": "POST",
        "headers": [{"name": "A", "value": "b"}],
        "httpVersion": "HTTP/2",
        "postDataText": "x=1",
    }


def test_where_nothing_was_refused_there_is_no_command(tmp_path: Path) -> None:
    panel = Panel(entry("https://a.example/", 200), entry("https://b.example/", 404))
    assert list(firefox_export.save(panel.control, tmp_path)) == ["firefox"]
    assert [file.name for file in tmp_path.iterdir()] == ["firefox.har"]
