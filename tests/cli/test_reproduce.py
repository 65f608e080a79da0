"""`why403 reproduce` as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from diagnostics.cli import main
from diagnostics.provider import token as tokens
from fixtures import ROOT
from tests.capturing import PROGRAM

POSTMAN = ROOT / "captures" / "postman.mitmproxy.har"
TICKET = ROOT / "tickets" / "postman.yaml"
PAGE = """
title: t
story: s
client: {browser: chromium}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    html: <!DOCTYPE html><img src="https://api.mapbox.com/v4/x/1/0/0.png?access_token={{token}}">
token: {allowed: [www.example.com]}
"""


def why403(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def test_a_capture_its_fix_and_what_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    # A process of its own: mitmproxy's HAR writer imports modules that warn.
    done = subprocess.run(
        [str(PROGRAM), "reproduce", str(POSTMAN), "--allow", "shop.example.com", "-o", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Reproduced in httpx ")
    assert "unrestricted-token" in done.stdout
    assert "1 refused  0 refused, 1 answered  proved" in done.stdout
    assert done.stderr == ""  # no terminal, no progress
    assert sorted(path.name for path in folder.iterdir()) == [
        "capture.flow", "capture.har", "report.html", "table.md", "ticket.yaml",
    ]  # fmt: skip
    assert "| `non-browser-client` | `unrestricted-token` |" in (folder / "table.md").read_text()
    kept = json.loads((folder / "capture.har").read_text())["log"]["entries"]
    assert [entry["response"]["status"] for entry in kept] == [403]
    again = why403(folder / "ticket.yaml", "--no-fixes")
    assert again.exit_code == 0, again.output
    full = why403(POSTMAN, "-o", folder)
    assert full.exit_code == 2
    assert "is not empty. Name another folder." in full.output


def test_a_ticket_as_data_without_fixes() -> None:
    done = why403(TICKET, "--no-fixes", "--format", "json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["schema"] == "why403/reproduce/1"
    (run,) = data["runs"]
    assert [row["result"] for row in run["rows"]] == ["reproduced"]
    assert run["trials"] == []
    assert not tokens.PATTERN.search(done.stdout)


def test_a_difference_is_exit_status_1(tmp_path: Path) -> None:
    ticket = tmp_path / "ticket.yaml"
    ticket.write_text(TICKET.read_text().replace("non-browser-client", "token-invalid"))
    done = why403(ticket, "--no-fixes", "--format", "markdown")
    assert done.exit_code == 1, done.output
    assert "differs" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no-such-file.har"], "no-such-file.har"),
        ([TICKET, "--allow", "a.example"], "A ticket says itself what is allowed"),
        ([TICKET, "--browser", "firefox"], "no browser takes part"),
        ([POSTMAN, "--browser", "lynx"], "lynx"),
        ([], "TICKET|CAPTURE"),
        ([ROOT / "tickets" / "expect.yaml"], "expect.yaml"),
    ],
)
def test_what_cannot_be_played_is_one_line(arguments: list[str | Path], says: str) -> None:
    done = why403(*arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output


def test_a_broken_ticket_is_told_as_one(tmp_path: Path) -> None:
    ticket = tmp_path / "t.txt"
    ticket.write_text("title: t\nstory: s\nclient: {browser: netscape}\n")
    done = why403(ticket)
    assert done.exit_code == 2
    assert "client.browser" in done.output


def test_without_a_display_nothing_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform == "linux":
        done = why403(TICKET, "--show")
        assert done.exit_code == 2
        assert "no display" in done.output


def test_without_its_browser_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diagnostics.live import browsers

    monkeypatch.setattr(browsers, "find", lambda _: None)
    ticket = tmp_path / "ticket.yaml"
    ticket.write_text(PAGE)
    done = why403(ticket)
    assert done.exit_code == 2
    assert "needs Chromium" in done.output
    assert "cannot be shown" in done.output


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Short, because sockets of browsers have paths of at most 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="w4r") as folder:
        yield Path(folder)


@pytest.mark.browser("chromium")
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_nothing(
    number: signal.Signals, tmp_path: Path, temporary: Path
) -> None:
    ticket = tmp_path / "ticket.yaml"
    ticket.write_text(PAGE)
    process = subprocess.Popen(
        [str(PROGRAM), "reproduce", str(ticket)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        until(lambda: list(temporary.glob("why403-session-*/chromium/*")))
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == (130 if number is signal.SIGINT else -number), said
        assert b"Traceback" not in said
        until(lambda: not processes_of(temporary) and not list(temporary.glob("why403-*")))
    finally:
        process.kill()
        process.communicate()


def until(holds: object, seconds: float = 60.0) -> None:
    """Wait for a condition. Fails where it does not come."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def processes_of(temporary: Path) -> list[int]:
    """The processes that were started with that folder for temporary files."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (
                f"TMPDIR={temporary}".encode() in (entry / "environ").read_bytes()
            ):
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended
    return found
