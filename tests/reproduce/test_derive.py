"""A ticket derived from a capture is the case that was captured, and holds no secret of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import fixtures
from diagnostics import ticket as tickets
from diagnostics.browser.url import parse
from diagnostics.capture.exchange import Headers
from diagnostics.capture.har import read_har
from diagnostics.capture.open import read_capture
from diagnostics.errors import InputError
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause
from diagnostics.live.world import World
from diagnostics.provider.emulated import Request
from diagnostics.provider.token import encode
from diagnostics.reproduce import run
from diagnostics.reproduce.compare import Result
from diagnostics.reproduce.derive import Derived, derive, to_yaml
from diagnostics.reproduce.replaying import Stage
from diagnostics.ticket import Ticket
from fixtures.check import handmade

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


# Captures in a few words, for the rules of inference.

TOKEN = encode("pk", {"u": "harbour", "a": "ck9customer00000000000000"}, "c2VjcmV0c2lnbmF0dXJl")
API = "https://api.mapbox.com"
STYLE = f"{API}/styles/v1/harbour/ckharbourstyle?access_token={TOKEN}"
TILE = f"{API}/v4/harbour.boats/3/4/2.vector.pbf?access_token={TOKEN}"
PAGE = "https://harbour.example/boats"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Safari/605.1.15"
)
FORBIDDEN = '{"message":"Forbidden"}'


class Recording:
    """A HAR in the making; every method returns the recording."""

    def __init__(self, agent: str = CHROME) -> None:
        self._agent = agent
        self._entries: list[dict[str, Any]] = []

    def add(
        self,
        url: str,
        status: int = 200,
        body: str = "",
        kind: str = "fetch",
        sent: Mapping[str, str] | None = None,
        got: Mapping[str, str] | None = None,
        mime: str = "application/json",
        **more: Any,
    ) -> Recording:
        dest = {"fetch": "empty", "stylesheet": "style"}.get(kind, kind)
        fields = {"User-Agent": self._agent, "Accept": "*/*", "Sec-Fetch-Dest": dest}
        fields |= sent or {}
        self._entries.append(
            {
                "startedDateTime": f"2026-01-01T00:00:{len(self._entries):02}Z",
                "request": {"method": "GET", "url": url, "headers": _fields(fields)},
                "response": {
                    "status": status,
                    "headers": _fields(got or {}),
                    "content": {"mimeType": mime, "text": body},
                    "redirectURL": (got or {}).get("Location", ""),
                },
                "_resourceType": kind,
                **more,
            }
        )
        return self

    def page(self, body: str, url: str = PAGE, **got: str) -> Recording:
        named = {name.replace("_", "-"): value for name, value in got.items()}
        return self.add(url, body=body, kind="document", got=named, mime="text/html")

    def refused(self, url: str = STYLE, referer: str | None = None, **more: Any) -> Recording:
        sent = {"Sec-Fetch-Site": "cross-site"} | ({"Referer": referer} if referer else {})
        return self.add(url, 403, FORBIDDEN, sent=sent, **more)

    def granted(self, url: str, referer: str | None = None, **more: Any) -> Recording:
        sent = {"Sec-Fetch-Site": "cross-site"} | ({"Referer": referer} if referer else {})
        return self.add(url, 200, "{}", sent=sent, **more)

    def derive(self, *allow: str) -> Derived:
        data = {"log": {"version": "1.2", "creator": {"name": "test"}, "entries": self._entries}}
        told = Told(Allowed(allow, "--allow")) if allow else Told()
        return derive([read_har(json.dumps(data).encode(), "customer.har")], told)


def _fields(fields: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in fields.items()]


def script(url: str, **more: str) -> str:
    return f"<!DOCTYPE html><title>Boats</title><script>fetch('{url}')</script>"


def site(derived: Derived, address: str = PAGE) -> tickets.Site:
    return derived.ticket.sites[address]


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


def test_a_page_whose_bundle_is_missing_becomes_a_skeleton_under_the_same_policies() -> None:
    body = (
        '<!DOCTYPE html><meta name="referrer" content="no-referrer"><div id="root"></div>'
        '<script src="/bundle.js"></script>'
    )
    derived = (
        Recording()
        .page(body, Content_Security_Policy="default-src 'self'; connect-src https://*.mapbox.com")
        .refused()
        .derive("harbour.example")
    )
    assert derived.skeleton
    html = site(derived).html
    assert '<meta name="referrer" content="no-referrer">' in html
    assert STYLE.replace(TOKEN, "{{token}}") in html
    policy = dict(site(derived).fields)["Content-Security-Policy"]
    assert "connect-src https://*.mapbox.com" in policy
    assert "'nonce-why403'" in policy


def test_a_page_whose_bundle_is_there_runs_as_it_is() -> None:
    body = '<!DOCTYPE html><div id="root"></div><script src="/bundle.js"></script>'
    derived = (
        Recording()
        .page(body)
        .add("https://harbour.example/bundle.js", body=f"fetch('{STYLE}')", kind="script")
        .refused(referer="https://harbour.example/")
        .derive("www.harbour.example")
    )
    assert not derived.skeleton
    bundle = site(derived, "https://harbour.example/bundle.js")
    assert bundle.html == f"fetch('{STYLE}')".replace(TOKEN, "{{token}}")


def test_a_sites_own_copy_of_the_library_comes_from_the_library() -> None:
    body = (
        '<!DOCTYPE html><script src="/js/mapbox-gl.js" integrity="sha384-x"></script>'
        f"<script>mapboxgl.accessToken = '{TOKEN}'; new mapboxgl.Map({{style:"
        " 'mapbox://styles/harbour/ckharbourstyle'}});</script>"
    )
    derived = (
        Recording()
        .page(body, Referrer_Policy="no-referrer")
        .add("https://harbour.example/js/mapbox-gl.js", kind="script", mime="text/javascript")
        .refused(STYLE.replace("?", "?sdk=js-2.15.0&"))
        .derive("harbour.example")
    )
    assert derived.ticket.client.library == "mapbox-gl@2.15.0"
    assert site(derived, "https://harbour.example/js/mapbox-gl.js").library == "mapbox-gl.js"
    assert "integrity" not in site(derived).html
    assert not derived.skeleton


def test_a_frame_that_a_script_made_is_put_into_the_page() -> None:
    frame = "https://maps.example/embed"
    derived = (
        Recording()
        .page("<!DOCTYPE html><title>Boats</title>")
        .add(
            frame,
            body=script(STYLE),
            kind="document",
            mime="text/html",
            sent={"Sec-Fetch-Dest": "iframe"},
            got={"Referrer-Policy": "no-referrer"},
        )
        .refused()
        .derive("maps.example")
    )
    assert f'<iframe src="{frame}"></iframe>' in site(derived).html
    assert site(derived, frame).html == script(STYLE).replace(TOKEN, "{{token}}")
    assert derived.ticket.opened == (PAGE,)


def test_hashes_of_changed_scripts_give_way() -> None:
    derived = (
        Recording()
        .page(
            script(STYLE),
            Content_Security_Policy="script-src 'sha256-abc='",
            Referrer_Policy="no-referrer",
        )
        .refused()
        .derive("harbour.example")
    )
    policy = dict(site(derived).fields)["Content-Security-Policy"]
    assert "sha256" not in policy
    assert "'unsafe-inline'" in policy
    assert any("hashes" in note for note in derived.notes)


def test_another_browser_becomes_the_nearest_and_a_note_says_so() -> None:
    derived = (
        Recording(SAFARI)
        .page(script(STYLE), Referrer_Policy="no-referrer")
        .refused()
        .derive("harbour.example")
    )
    assert derived.ticket.client.browser == "chromium"
    assert any("instead of Safari" in note for note in derived.notes)


def test_a_page_that_the_capture_lacks_is_known_by_what_it_asked_for() -> None:
    derived = Recording().refused(referer="https://harbour.example/").derive("other.example")
    assert derived.skeleton
    assert derived.ticket.opened == ("https://harbour.example/",)
    assert any("not in the capture" in note for note in derived.notes)


def test_a_page_that_nothing_names_is_put_on_the_told_list() -> None:
    derived = Recording().refused().derive("harbour.example")
    assert derived.ticket.opened == ("https://harbour.example/",)
    assert dict(site(derived, "https://harbour.example/").fields) == {
        "Referrer-Policy": "no-referrer"
    }
    assert any("does not show which page" in note for note in derived.notes)


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


def test_an_answer_that_the_model_would_not_give_is_in_the_ticket() -> None:
    foreign = STYLE.replace("/harbour/", "/agency/")
    derived = (
        Recording()
        .page(script(STYLE) + script(foreign))
        .granted(STYLE, "https://harbour.example/")
        .refused(foreign, "https://harbour.example/")
        .derive("harbour.example")
    )
    assert [(a.path, a.status) for a in derived.ticket.answers] == [
        ("/styles/v1/agency/ckharbourstyle", 403)
    ]
    assert derived.ticket.expect.refusals[0].cause is Cause.ACCOUNT_OR_RESOURCE


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


def test_a_token_in_a_path_is_not_kept() -> None:
    address = f"https://api.mapbox.com/styles/v1/acme/{TOKEN}"
    derived = (
        Recording("python-requests/2.32.3")
        .add(address, 403, FORBIDDEN, sent={"Sec-Fetch-Dest": ""}, kind="")
        .add(STYLE, 401, '{"message":"Not Authorized"}', sent={"Sec-Fetch-Dest": ""}, kind="")
        .derive("harbour.example")
    )
    assert {rule.url for rule in derived.ticket.expect.refusals} != {""}
    assert all(rule.url in f"{address} {STYLE}" for rule in derived.ticket.expect.refusals)
    assert TOKEN.split(".")[1] not in to_yaml(derived.ticket)


def test_redirects_to_tiles_become_a_rule() -> None:
    own = "https://tiles.example/boats"
    recording = Recording().page(script(own + "/3/4/2"))
    for x in (4, 5):
        to = f"{API}/v4/harbour.boats/3/{x}/2.png?access_token={TOKEN}"
        recording.add(f"{own}/3/{x}/2.png", 302, got={"Location": to})
        recording.refused(to, kind="image")
    derived = recording.derive("harbour.example")
    rule = site(derived, own + "/*")
    assert dict(rule.fields)["Location"] == (
        f"{API}/v4/harbour.boats/{{{{rest}}}}?access_token={{{{token}}}}"
    )
    assert rule.status == 302


def test_a_worker_whose_script_is_missing_asks_for_what_it_asked() -> None:
    source = "https://harbour.example/worker.js"
    body = "<!DOCTYPE html><script>new Worker('/worker.js')</script>"
    derived = (
        Recording()
        .add(
            PAGE,
            body=body,
            kind="document",
            mime="text/html",
            got={"Referrer-Policy": "no-referrer"},
            pageref="page_1",
        )
        .add(
            source,
            kind="script",
            sent={"Sec-Fetch-Dest": "worker"},
            mime="text/javascript",
            got={"Referrer-Policy": "same-origin"},
        )
        .refused(_initiator={"type": "script", "stack": {"callFrames": [{"url": source}]}})
        .derive("harbour.example")
    )
    assert not derived.skeleton
    made = site(derived, source)
    assert STYLE.replace(TOKEN, "{{token}}") in made.html
    assert dict(made.fields) == {"Referrer-Policy": "same-origin"}


def test_a_frames_request_without_a_page_reference_is_no_workers() -> None:
    """Chrome's export gives none to a frame of another process either."""
    source = "https://cdn.example/app.js"
    derived = (
        Recording()
        .add(PAGE, kind="document", mime="text/html", pageref="page_1")
        .add(source, kind="script", mime="text/javascript", pageref="page_1")
        .refused(
            referer="https://harbour.example/",
            _initiator={"type": "script", "stack": {"callFrames": [{"url": source}]}},
        )
        .derive("other.example")
    )
    assert source not in derived.ticket.sites
    assert "new Worker" not in site(derived).html
    assert "fetch(" in site(derived).html


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


def test_addresses_of_a_ticket_are_urls_and_local_files_name_no_person() -> None:
    file = Path("fixtures/captures/file-page-chromium.playwright.har")
    derived = derive(read_capture(str(fixtures.ROOT.parent / file)), Told(Allowed(("a.example",))))
    assert derived.ticket.opened == ("file:///home/user/map.html",)
    assert "kim" not in to_yaml(derived.ticket)
    assert all(parse(address) for address in derived.ticket.sites)
