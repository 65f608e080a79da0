"""Which client plays a case: which browser, with what in its way, or which program."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import client_of
from diagnostics.reproduce.client_of import Played
from diagnostics.reproduce.derive import to_yaml
from tests.recording import (
    API,
    CHROME,
    FORBIDDEN,
    PAGE,
    SAFARI,
    STYLE,
    TILE,
    TOKEN,
    Recording,
    script,
    stand_ins,
)  # fmt: skip

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"
EDGE = CHROME + " Edg/156.0"
STRIPS, REWRITES = Cause.CLIENT_STRIPS_REFERER, Cause.CLIENT_REWRITES_REFERER
BLOCKED_BY_CLIENT = "net::ERR_BLOCKED_BY_CLIENT"


def blocked(recording: Recording, url: str, reason: str) -> Recording:
    return recording.add(url, 0, kind="image", response={"status": 0, "_error": reason})


def played(recording: Recording, cause: Cause | None = None, *, local: bool = False) -> Played:
    """The browser for a recording, whose requests are taken as refused for this cause."""
    seen = recording.seen("other.example")
    asked = seen.asked
    if cause is not None:
        asked = [
            msgspec.structs.replace(one, verdict=msgspec.structs.replace(one.verdict, cause=cause))
            for one in asked
            if one.verdict is not None
        ]
    return client_of.browser(seen.traffic, asked, "mapbox-gl@3.9.0", local=local)


def test_another_browser_becomes_the_nearest_and_a_note_says_so() -> None:
    derived = (
        Recording(SAFARI)
        .page(script(STYLE), Referrer_Policy="no-referrer")
        .refused()
        .derive("harbour.example")
    )
    assert derived.ticket.client.browser == "chromium"
    assert any("instead of Safari" in note for note in derived.notes)


def test_a_program_sends_what_it_sent_but_its_secrets() -> None:
    sent = {"X-Api-Key": "0123456789abcdef", "Cookie": "a=b", "Authorization": "Bearer abcdefgh1"}
    derived = (
        Recording("python-requests/2.32.3")
        .add(STYLE, 403, FORBIDDEN, sent=sent | {"Sec-Fetch-Dest": ""}, kind="")
        .derive("harbour.example")
    )
    (request,) = derived.ticket.requests
    assert request.url == STYLE.replace(TOKEN, "{{token}}")
    names = {name.lower() for name, _ in request.fields}
    assert "user-agent" in names
    assert not names & {"x-api-key", "cookie", "authorization"}


def test_a_token_in_a_name_is_not_kept() -> None:
    derived = (
        Recording("python-requests/2.32.3")
        .add(STYLE, 403, FORBIDDEN, sent={TOKEN: "x", "Sec-Fetch-Dest": ""}, kind="")
        .derive("harbour.example")
    )
    assert len(derived.ticket.requests) == 1
    assert TOKEN.split(".")[1] not in to_yaml(derived.ticket)


def test_fields_of_one_name_stay_in_their_order() -> None:
    def fields(**more: str) -> object:
        sent = {"Sec-Fetch-Dest": "", "Host": "api.mapbox.com", **more}
        asked = Recording("curl/8.14.1").add(STYLE, 403, FORBIDDEN, sent=sent, kind="").asked()
        (send,) = client_of.programs(asked, stand_ins(asked))
        return send.headers

    usual = {"User-Agent": "curl/8.14.1", "Accept": "*/*", "Sec-Fetch-Dest": ""}
    assert fields() == usual
    assert fields(A="1", a="2") == [*usual.items(), ("A", "1"), ("a", "2")]


def test_what_a_program_sent_is_sent_but_not_all_of_a_long_text() -> None:
    request = {"method": "POST", "url": STYLE, "postData": {"text": f"{TOKEN} " + "x" * 9000}}
    asked = Recording().add(STYLE, 403, FORBIDDEN, kind="", request=request).asked()
    (send,) = client_of.programs(asked, stand_ins(asked))
    assert (send.method, len(send.body)) == ("POST", 4000)
    assert send.body.startswith("{{token}} xxx")


@pytest.mark.parametrize(
    ("agent", "engine", "says"),
    [
        (CHROME, "chromium", ""),
        (FIREFOX, "firefox", ""),
        (EDGE, "chromium", "Played in Chromium, the engine of Edge."),
        (SAFARI, "chromium", "Played in Chromium instead of Safari"),
    ],
)
def test_the_engine_is_that_of_the_capture_or_the_nearest(
    agent: str, engine: str, says: str
) -> None:
    given = played(Recording(agent).page(script(STYLE)).refused(STYLE, PAGE))
    assert given.client.browser == engine
    assert given.client.library == "mapbox-gl@3.9.0"
    assert [note[: len(says)] for note in given.notes] == ([says] if says else [])
    only_a_page = played(Recording(agent).page(script(STYLE)))
    assert only_a_page.client.browser == engine


def test_a_browser_that_nothing_names() -> None:
    given = played(Recording("").add("https://a.example/x"))
    assert given.client.browser == "chromium"
    assert given.notes == ["The browser is not known; Chromium stands for it."]


@pytest.mark.parametrize("agent", [CHROME, FIREFOX, SAFARI])
@pytest.mark.parametrize(("referer", "is_own"), [(f"{API}/", True), ("https://x.example/", False)])
def test_a_forged_referer_is_a_setting_of_firefox(agent: str, referer: str, is_own: bool) -> None:
    given = played(Recording(agent).page(script(STYLE)).refused(STYLE, referer), REWRITES)
    assert given.client.browser == "firefox"
    assert given.client.preferences == {"network.http.referer.spoofSource": True}
    assert given.record == ("har",)
    assert not any("Played in Chromium" in note for note in given.notes)
    assert any("is another one" in note for note in given.notes) is not is_own


@pytest.mark.parametrize(
    ("own_has_one", "preferences"),
    [
        (False, {"network.http.sendRefererHeader": 0}),
        (True, {"network.http.referer.XOriginPolicy": 2}),
    ],
)
def test_a_referer_that_firefox_removes_everywhere_or_for_other_sites(
    own_has_one: bool, preferences: dict[str, object]
) -> None:
    recording = Recording(FIREFOX).page(script(STYLE)).refused()
    sent = {"Referer": PAGE} if own_has_one else {}
    given = played(recording.add("https://harbour.example/x.js", sent=sent), STRIPS)
    assert given.client.preferences == preferences
    assert not given.client.removes
    assert not given.client.strip


@pytest.mark.parametrize(
    ("creator", "elsewhere", "by_proxy"),
    [("mitmproxy", PAGE, True), ("mitmproxy", "", False), ("WebInspector", PAGE, False)],
)
def test_a_referer_is_removed_by_a_middlebox_or_in_the_browser(
    creator: str, elsewhere: str, by_proxy: bool
) -> None:
    """By a middlebox, where the proxy saw that other hosts got one."""
    recording = Recording(creator=creator).page(script(STYLE)).refused()
    sent = {"Referer": elsewhere} if elsewhere else {}
    given = played(recording.add("https://cdn.example/x.js", sent=sent), STRIPS)
    assert (given.client.strip, given.client.removes) == (
        (("referer",), ()) if by_proxy else ((), ("referer",))
    )
    assert (given.record == ("har", "flow")) is (creator == "mitmproxy")
    assert given.client.preferences == {}


@pytest.mark.parametrize(
    ("agent", "page", "kind", "status", "switches", "preferences"),
    [
        (CHROME, PAGE, "image", 403, 1, 0),
        (CHROME, PAGE, "fetch", 403, 2, 0),
        (FIREFOX, PAGE, "fetch", 403, 0, 2),
        (CHROME, "http://harbour.example/", "fetch", 403, 0, 0),
        (CHROME, PAGE, "fetch", 0, 0, 0),
    ],
)
def test_a_request_without_tls_is_let_through(
    agent: str, page: str, kind: str, status: int, switches: int, preferences: int
) -> None:
    """Only where one was, for browsers upgrade or block what a secure page asks for in plain."""
    url = STYLE.replace("https:", "http:")
    recording = Recording(agent).page(script(url), page).add(url, status, FORBIDDEN, kind=kind)
    given = played(recording)
    assert len(given.client.switches) == switches
    assert ("--allow-running-insecure-content" in given.client.switches) is (switches == 2)
    assert len(given.client.preferences) == preferences


@pytest.mark.parametrize(
    ("agent", "reason", "blocks", "says"),
    [
        (CHROME, BLOCKED_BY_CLIENT, ("||api.mapbox.com^",), False),
        (CHROME, "csp", (), False),
        (FIREFOX, BLOCKED_BY_CLIENT, (), True),
    ],
)
def test_what_a_content_blocker_blocked(
    agent: str, reason: str, blocks: tuple[str, ...], says: bool
) -> None:
    recording = Recording(agent).page(script(STYLE)).refused(STYLE, PAGE)
    given = played(blocked(recording, TILE, reason))
    assert given.client.blocks == blocks
    assert any("content blocker" in note for note in given.notes) is says


@pytest.mark.parametrize(
    ("agent", "creator", "more", "local", "record"),
    [
        (CHROME, "test", {}, False, ("har",)),
        (CHROME, "WebInspector", {}, False, ("devtools", "har")),
        (CHROME, "Playwright", {}, False, ("playwright", "har")),
        (CHROME, "Firefox", {}, False, ("har",)),
        (FIREFOX, "Firefox", {}, False, ("firefox", "har")),
        (FIREFOX, "Playwright", {}, False, ("har",)),
        (CHROME, "mitmproxy", {}, False, ("har", "flow")),
        (CHROME, "test", {}, True, ("playwright", "har")),
        (FIREFOX, "test", {}, True, ("firefox", "har")),
        (CHROME, "test", {"_fromCache": "disk"}, False, ("playwright", "har")),
        (CHROME, "mitmproxy", {}, True, ("playwright", "har", "flow")),
    ],
)
def test_the_recorders_are_those_that_show_what_the_capture_showed(
    agent: str, creator: str, more: dict[str, Any], local: bool, record: tuple[str, ...]
) -> None:
    recording = Recording(agent, creator).page(script(STYLE)).refused(STYLE, PAGE, **more)
    assert played(recording, local=local).record == record
