"""One play of a ticket: what is needed for it, what is read of it, and that nothing is left."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnostics.journey.verdict import Cause
from diagnostics.live import browsers, libraries
from diagnostics.live.play import Played
from diagnostics.live.proxy import LiveError
from diagnostics.reproduce import replaying
from diagnostics.reproduce.replaying import Replay, Stage
from diagnostics.ticket import Ticket, load, parse
from fixtures import ROOT

PAGE = "https://shop.example.com/map"
TICKET = f"""
title: t
story: s
client: {{browser: chromium}}
page: {PAGE}
sites: {{"{PAGE}": {{html: "<!DOCTYPE html><p>x"}}}}
token: {{allowed: [www.example.com]}}
"""


STARTED = 1767225610.0  # 2026-01-01T00:00:10Z


def ticket(text: str = TICKET, **changed: str) -> Ticket:
    for old, new in changed.items():
        text = text.replace(f"{old}:", f"{new}\n{old}:", 1)
    return parse(text, "t")


TILE = f"https://api.mapbox.com/v4/x/1/0/0.png?access_token={ticket().token.text}"


def entry(
    url: str, second: int = 10, status: int = 403, referer: str = "https://shop.example.com/"
) -> dict[str, Any]:
    fields = {"User-Agent": "Mozilla/5.0 Chrome/156.0 Safari/537.36", "Referer": referer}
    headers = [{"name": name, "value": value} for name, value in fields.items() if value]
    content = {"mimeType": "application/json", "text": '{"message":"Forbidden"}'}
    return {
        "startedDateTime": f"2026-01-01T00:00:{second:02}Z",
        "request": {"method": "GET", "url": url, "headers": headers},
        "response": {"status": status, "headers": [], "content": content},
    }


def har(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"creator": {"name": "mitmproxy"}, "entries": entries}})


class Stagehand:
    """Plays without a browser: writes what a recorder would have, and remembers what it got."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
        self.text = text
        self.exporters: tuple[str, ...] = ()
        self.enough: object = None
        self.folder = tmp_path
        self.error: Exception | None = None
        self.renamed: dict[str, str] = {}
        self.started_child: Any = None
        monkeypatch.setattr(replaying, "play", self.play)
        monkeypatch.setattr(browsers, "folder_for", lambda _: tmp_path)
        monkeypatch.setattr(browsers, "find", lambda _: Path(sys.executable))

    def play(self, given: Ticket, path: Path, folder: Path, _: Path,
             exporters: tuple[str, ...], **more: Any) -> Played:  # fmt: skip
        assert load(path).sites == given.sites
        assert folder.parent == self.folder
        self.exporters, self.enough = exporters, more["enough"]
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        self.started_child = more["start"](command, folder / "said.txt", None)
        if self.error is not None:
            raise self.error
        file = folder / "mitmproxy.har"
        file.write_text(self.text)
        return Played({"har": file, "flow": folder / "x.flow"}, [], STARTED, self.renamed)

    def assert_nothing_is_left(self) -> None:
        assert list(self.folder.iterdir()) == []
        assert self.started_child.returncode is not None


@pytest.fixture
def stagehand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Stagehand]:
    return lambda *entries: Stagehand(monkeypatch, tmp_path, har(*entries))


def replay(given: Ticket, enough: Any = None) -> Replay:
    (found,) = replaying.replays(given, Stage(), enough)
    return found


def test_what_was_recorded_is_diagnosed_with_the_tickets_list_and_nothing_is_left(
    stagehand: Callable[..., Stagehand],
) -> None:
    hand = stagehand(entry(TILE), entry(TILE.replace("/0/0.", "/0/1."), status=200))
    made = replay(ticket())
    assert [verdict.cause for verdict in made.report.verdicts] == [Cause.PAGE_NOT_ALLOWED]
    kind = "api.mapbox.com/v4/x/{z}/{x}/{y}.png"
    assert (made.seen.refused, made.seen.answered) == ({kind: 1}, {kind: 1})
    assert made.files == {}
    hand.assert_nothing_is_left()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FileNotFoundError(2, "No such file", "chromium"), "chromium: No such file"),
        (OSError("odd"), "play: odd"),
        (LiveError("the proxy did not start"), "the proxy did not start"),
        (KeyboardInterrupt(), ""),
    ],
)
def test_a_play_that_fails_leaves_nothing_either(
    stagehand: Callable[..., Stagehand], error: Exception, says: str
) -> None:
    hand = stagehand()
    hand.error = error
    wanted = LiveError if says else KeyboardInterrupt
    with pytest.raises(wanted) as raised:
        replay(ticket())
    assert says in str(raised.value)
    hand.assert_nothing_is_left()


def test_a_record_that_cannot_be_read_is_one_line(stagehand: Callable[..., Stagehand]) -> None:
    hand = stagehand()
    hand.text = "no HAR"
    with pytest.raises(LiveError, match="the record of the browser cannot be read"):
        replay(ticket())
    hand.assert_nothing_is_left()


def test_what_is_not_of_the_case_is_not_read(stagehand: Callable[..., Stagehand]) -> None:
    """The browser's own traffic, and what was asked before the first visit that counts."""
    hand = stagehand(
        entry(TILE), entry(TILE, 9), entry("https://update.example.net/x"), entry(PAGE, status=200)
    )
    assert replay(ticket()).report.summary.provider_requests == 1
    hand.assert_nothing_is_left()


def test_a_local_page_has_the_name_that_the_ticket_gives_it(
    stagehand: Callable[..., Stagehand],
) -> None:
    local, name = "file:///tmp/why403/page.html", "file:///home/user/map.html"
    page = entry(local, status=200, referer="") | {"_resourceType": "document"}
    page["response"]["content"] = {"mimeType": "text/html", "text": "<!DOCTYPE html>"}
    hand = stagehand(page, entry(TILE, referer=""))
    hand.renamed = {local: name}
    (verdict,) = replay(ticket(TICKET.replace(PAGE, name))).report.verdicts
    assert verdict.page == name


@pytest.mark.parametrize(
    ("more", "waits"), [({}, True), ({"token": f"visits: ['{PAGE}', '{PAGE}']"}, False)]
)
def test_a_play_ends_early_where_there_is_one_visit(
    stagehand: Callable[..., Stagehand], more: dict[str, str], waits: bool
) -> None:
    hand = stagehand(entry(TILE))

    def enough(_: object) -> bool:
        return True

    replay(ticket(**more), enough)
    assert (hand.enough is enough) is waits


@pytest.mark.parametrize(
    ("old", "new", "own"),
    [
        ("", "", ""),
        ("chromium", "firefox", ""),
        ("page:", f"visits: ['{PAGE}', '{PAGE}']\ncaptured_from: 2\npage:", "playwright"),
        (PAGE, "file:///home/user/map.html", "playwright"),
    ],
)
def test_the_browsers_own_record_is_read_where_a_proxy_sees_too_little(
    stagehand: Callable[..., Stagehand], old: str, new: str, own: str
) -> None:
    if own == "playwright":
        pytest.importorskip("playwright")
    hand = stagehand(entry(TILE))
    text = TICKET.replace(old, new) if old else TICKET
    replay(ticket(text))
    assert hand.exporters == ("har", "flow", own)[: 3 if own else 2]
    if own:
        replay(ticket(text.replace("chromium", "firefox")))
        assert hand.exporters == ("har", "flow", "firefox")


def test_a_program_is_recorded_by_the_proxy_alone(stagehand: Callable[..., Stagehand]) -> None:
    hand = stagehand(entry(TILE))
    replay(load(ROOT / "tickets" / "postman.yaml"))
    assert hand.exporters == ("har", "flow")


# mitmproxy's HAR writer brings passlib, which imports crypt on Python 3.11 and 3.12.
@pytest.mark.filterwarnings("ignore:'crypt' is deprecated:DeprecationWarning")
def test_files_of_the_case_are_kept_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mitmproxy import io as flow_files

    flows = tmp_path / "all.flow"
    flows.write_bytes(b"".join(map(_flow, ((TILE, 10), (TILE, 9), ("https://x.example/", 10)))))
    played = Played({"flow": flows}, [], 10.0, {})
    files = replaying._files(ticket(), played, tmp_path)
    assert list(files) == ["capture.flow", "capture.har"]
    (kept,) = json.loads(files["capture.har"])["log"]["entries"]
    assert kept["request"]["url"] == TILE
    (flow,) = flow_files.FlowReader(io.BytesIO(files["capture.flow"])).stream()
    assert (flow.id, flow.timestamp_created) == ("f", 10.0)


def _flow(given: tuple[str, int]) -> bytes:
    from mitmproxy import connection, http
    from mitmproxy import io as flow_files

    url, second = given
    client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), id="c")
    made = http.HTTPFlow(client, connection.Server(address=None, id="s"))
    made.id, made.timestamp_created = "f", float(second)
    made.request = http.Request.make("GET", url)
    made.request.timestamp_start = float(second)
    out = io.BytesIO()
    flow_files.FlowWriter(out).add(made)  # type: ignore[no-untyped-call]
    return out.getvalue()


def test_who_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda _: Path("/x"))
    said = {"chromium": "Chromium 156.0 built on Debian GNU/Linux 13", "firefox": ""}
    monkeypatch.setattr(browsers, "version", said.__getitem__)
    assert replaying.client_of(ticket()) == "Chromium 156.0"
    firefox = ticket(TICKET.replace("chromium", "firefox"))
    assert replaying.client_of(firefox) == browsers.named("firefox").title
    monkeypatch.setattr(browsers, "find", lambda _: None)
    assert replaying.client_of(load(ROOT / "tickets" / "postman.yaml")).startswith("httpx ")
    with pytest.raises(LiveError, match=r"needs Chromium.*--browser"):
        replaying.client_of(ticket())


WITH_LIBRARY = TICKET.replace("chromium}", "chromium, library: leaflet@1.9.4}")


@pytest.mark.parametrize("fails", [False, True])
def test_a_library_is_announced_and_fetched_or_its_lack_is_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: bool
) -> None:
    fetched: list[str] = []

    def fetch(library: str) -> None:
        assert announced == ["Fetching leaflet 1.9.4 from the npm registry"]
        fetched.append(library)
        if fails:
            raise LiveError("npm pack leaflet@1.9.4: no answer")

    announced: list[str] = []
    monkeypatch.setenv("WHY403_LIBRARIES", str(tmp_path))
    monkeypatch.setattr(libraries, "fetch", fetch)
    notes = replaying.provide(ticket(WITH_LIBRARY), Stage(announce=announced.append))
    assert fetched == ["leaflet@1.9.4"]
    assert notes == (
        ["npm pack leaflet@1.9.4: no answer: the page is played without it."] if fails else []
    )


def test_offline_nothing_is_fetched_and_what_is_there_is_not_fetched_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHY403_LIBRARIES", str(tmp_path))
    monkeypatch.setattr(libraries, "fetch", lambda _: pytest.fail("fetched"))
    (note,) = replaying.provide(ticket(WITH_LIBRARY), Stage(offline=True))
    assert note.startswith(f"leaflet 1.9.4 is not in {tmp_path} and was not fetched (--offline)")
    (tmp_path / "leaflet-1.9.4").mkdir()
    (tmp_path / "leaflet-1.9.4" / "package.json").write_text("{}")
    assert replaying.provide(ticket(WITH_LIBRARY), Stage()) == []
