"""A ticket derived from a capture is the case that was captured, and holds no secret of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import fixtures
from diagnostics import ticket as tickets
from diagnostics.capture.exchange import Headers
from diagnostics.capture.open import read_capture
from diagnostics.errors import InputError
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause
from diagnostics.live.world import World
from diagnostics.provider.emulated import Request
from diagnostics.reproduce import run
from diagnostics.reproduce.compare import Result
from diagnostics.reproduce.derive import derive, to_yaml
from diagnostics.reproduce.replaying import Stage
from diagnostics.ticket import Ticket
from fixtures.check import handmade
from tests.recording import FORBIDDEN, PAGE, STYLE, TILE, TOKEN, Recording, script, site

TICKETS = tickets.load_all(fixtures.ROOT / "tickets")
CAPTURES = [
    pytest.param(name, path, id=path.name)
    for name in sorted(TICKETS)
    for path in sorted((fixtures.ROOT / "captures").glob(f"{name}.*"))
]
#: Whose kept answer stands for itself: the emulated provider is not asked.
_KEPT = {Cause.CACHED_403}


@pytest.mark.parametrize(("name", "path"), CAPTURES)
def test_a_recorded_case_becomes_the_same_case(name: str, path: Path, tmp_path: Path) -> None:
    known = TICKETS[name].known_allowed
    told = Told(Allowed(known, "--allow") if known is not None else Allowed())
    captures = read_capture(str(path))
    derived = derive(captures, told)
    ticket = derived.ticket
    assert derived.inferred_list == (known is None)
    assert all(note.endswith(".") for note in derived.notes)

    file = tmp_path / f"{ticket.name}.yaml"
    file.write_text(to_yaml(ticket), encoding="utf-8")
    assert tickets.load(file) == ticket
    assert TICKETS[name].token.text not in file.read_text(encoding="utf-8")

    report = diagnose(captures, told, show_secrets=True)
    assert {v.cause for v in report.verdicts} == {r.cause for r in ticket.expect.refusals}
    for verdict in report.verdicts:
        rule = next(r for r in ticket.expect.refusals if r.covers(verdict.url, verdict.referer))
        assert rule.cause == verdict.cause
    assert {f.finding for f in report.findings} == set(ticket.expect.findings)

    world = World(ticket)
    world.visit = ticket.captured_from
    for verdict in report.verdicts:
        if verdict.cause not in _KEPT:
            url = verdict.url.replace(TICKETS[name].token.text, ticket.token.text)
            headers = Headers((("referer", verdict.referer),) if verdict.referer else ())
            reply = world.answer(Request(verdict.method, url, headers))
            assert reply is not None
            assert reply.status == verdict.status, verdict.url
            world = World(ticket)  # answers that are given a few times start anew
            world.visit = ticket.captured_from


@pytest.mark.parametrize("name", sorted(TICKETS))
def test_the_client_is_the_recorded_one(name: str) -> None:
    """But for requests of apps: those were played by a program, and the page of an app is a
    file."""
    ticket = TICKETS[name]
    path = sorted((fixtures.ROOT / "captures").glob(f"{name}.mitmproxy.har")) or sorted(
        (fixtures.ROOT / "captures").glob(f"{name}.*har")
    )
    known = ticket.known_allowed
    told = Told(Allowed(known, "--allow") if known is not None else Allowed())
    client = derive(read_capture(str(path[0])), told).ticket.client
    app = {r.cause for r in ticket.expect.refusals} == {Cause.LOCAL_PAGE}
    wanted = "chromium" if app and ticket.client.browser == "none" else ticket.client.browser
    assert client.browser == wanted
    if ticket.client.library and not name.startswith("share-"):
        assert client.library == ticket.client.library
    assert (client.preferences or client.removes or client.strip) or not (
        ticket.client.removes or ticket.client.strip
    )


@pytest.mark.parametrize("name", sorted(handmade(fixtures.ROOT / "captures" / "handmade")))
def test_captures_of_other_tools_become_tickets(name: str) -> None:
    folder = fixtures.ROOT / "captures" / "handmade"
    allow = handmade(folder)[name].allow
    told = Told(Allowed(allow, "--allow")) if allow else Told()
    captures = read_capture(str(folder / name))
    ticket = derive(captures, told).ticket
    causes = {verdict.cause for verdict in diagnose(captures, told).verdicts}
    assert {rule.cause for rule in ticket.expect.refusals} == causes
    assert bool(ticket.requests) == (ticket.client.browser == "none")


def test_a_page_keeps_its_markup_and_its_headers_but_those_of_one_visitor() -> None:
    derived = (
        Recording()
        .page(
            script(STYLE),
            Referrer_Policy="no-referrer",
            Content_Security_Policy="connect-src https://api.mapbox.com",
            Set_Cookie="sid=1234567890abcdef",
            Strict_Transport_Security="max-age=1",
            Content_Encoding="gzip",
            Transfer_Encoding="chunked",
        )
        .refused()
        .derive("harbour.example")
    )
    assert not derived.skeleton
    assert site(derived).html == script(STYLE).replace(TOKEN, "{{token}}")
    assert dict(site(derived).fields) == {
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "connect-src https://api.mapbox.com",
    }
    assert derived.ticket.token.allowed == ("harbour.example",)
    assert derived.ticket.token.account == "harbour"
    assert derived.ticket.expect.refusals[0].cause is Cause.REFERRER_POLICY_BLOCKS
    assert TOKEN.split(".")[1] not in to_yaml(derived.ticket)


def test_an_unknown_list_is_inferred_from_the_contrast_and_named() -> None:
    derived = (
        Recording()
        .page(script(STYLE))
        .granted(STYLE, "https://harbour.example/")
        .page(script(STYLE), "https://staging.example/boats")
        .refused(STYLE, "https://staging.example/")
        .derive()
    )
    assert derived.inferred_list
    assert derived.ticket.token.allowed == ("harbour.example",)
    assert derived.ticket.desk.allow == "unknown"
    assert any("inferred" in note for note in derived.notes)
    assert derived.ticket.expect.refusals[0].cause is Cause.PAGE_NOT_ALLOWED


def test_requests_of_another_client_are_left_out() -> None:
    derived = (
        Recording()
        .page(script(STYLE), Referrer_Policy="no-referrer")
        .refused()
        .refused(TILE)
        .add(STYLE, 403, FORBIDDEN, sent={"User-Agent": "curl/8.14.1", "Sec-Fetch-Dest": ""})
        .derive("harbour.example")
    )
    assert derived.ticket.client.browser == "chromium"
    assert any(note.startswith("Left out: a request of another client") for note in derived.notes)


def test_a_case_without_a_page_or_a_request_is_an_error_of_one_line() -> None:
    with pytest.raises(InputError, match="nothing to reproduce") as error:
        Recording().add("https://elsewhere.example/x.js", kind="script").derive()
    assert "\n" not in str(error.value)


def test_no_planted_secret_is_in_the_ticket() -> None:
    planted = {f"8f14e45fceea167a5a36dedd4bea{number:04}" for number in range(12)}
    secret = iter(sorted(planted))
    own = "https://go.example/boats"
    page = f"{PAGE}?session={next(secret)}"
    body = (
        f'<!DOCTYPE html><meta name="csrf-token" content="{next(secret)}">'
        f'<script>const config = {{"apiKey": "{next(secret)}", "token": "{next(secret)}"}};'
        f"fetch('{own}?sid={next(secret)}')</script>"
    )
    to = STYLE + f"&signature={next(secret)}"
    derived = (
        Recording()
        .page(body, page, Set_Cookie=f"sid={next(secret)}", X_Session_Token=next(secret))
        .add(own, 302, got={"Location": to, "Referrer-Policy": "no-referrer"})
        .add(to, 403, FORBIDDEN, sent={"Cookie": f"a={next(secret)}", "Referer": page})
        .add(STYLE, 403, FORBIDDEN, sent={"Authorization": f"Bearer {next(secret)}"})
        .derive("harbour.example")
    )
    text = to_yaml(derived.ticket) + "".join(derived.notes)
    assert not [one for one in planted if one in text]
    assert TOKEN.split(".")[1] not in text
    assert TOKEN.split(".")[2] not in text


@pytest.mark.browser("chromium")
def test_a_skeleton_comes_to_the_same_refusal_in_a_real_browser() -> None:
    """The capture has no bodies, so the page is a skeleton under a policy that must be guessed."""
    path = fixtures.ROOT / "captures" / "meta-no-referrer-chromium.devtools-copied.har"
    captures = read_capture(str(path))
    told = Told(Allowed(("club.example.org",), "--allow"))
    derived = derive(captures, told)
    assert derived.skeleton
    case = run.from_captures(derived.ticket, captures, told)
    played, _ = run.run(case, Stage(offline=True), fixes="none")
    assert played.rows
    assert all(row.result is Result.REPRODUCED for row in played.rows), played.rows


@pytest.mark.parametrize(
    "body",
    [
        "tabs\tand\ttrailing \n  blanks  \nhere",
        "carriage\r\nreturns\r\n",
        "\u2028\x85\x00\x1b[31m \U0001f5fa \ufeff",
        "- not: yaml\n# {{ template }} *&!|>'\"%@`\n...\n---\n",
        " leading\n\n\n",
        "yes",
        "1e3",
    ],
)
def test_any_text_survives_yaml(body: str) -> None:
    ticket = Ticket(
        title="t",
        story="s",
        client=tickets.Client(browser="chromium"),
        page=PAGE,
        sites={PAGE: tickets.Site(html=body, headers=[("X", "1"), ("X", "2")])},
        token=tickets.TokenSpec(first=(), allowed=("1.5", "null")),
    )
    assert tickets.parse(to_yaml(ticket), "here") == ticket
