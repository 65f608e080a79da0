"""Each kind of fix, applied to a ticket: what is changed, and that nothing else is."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics import ticket as tickets
from diagnostics.journey.verdict import Cause, Fix
from diagnostics.reproduce.apply import NotMechanicalError, apply
from diagnostics.ticket import Answer, Client, Ticket, TokenSpec
from fixtures import ROOT

PAGE = "https://shop.example.com/map"
TICKET = """
title: t
story: s
client: {browser: chromium, library: mapbox-gl@0.45.0}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    headers: {Server: nginx, Referrer-Policy: no-referrer}
    html: |
      <!DOCTYPE html><title>Map</title>
      <meta name="referrer" content="no-referrer">
      <script src="{{library}}"></script>
      <iframe sandbox="allow-scripts" src="/frame"></iframe>
      <script>mapboxgl.accessToken = "{{token}}"; new mapboxgl.Map({ container: "map" });</script>
  https://shop.example.com/app.js: {type: text/javascript, html: "go()"}
  https://shop.example.com/worker.js:
    {type: text/javascript, html: "go()", headers: {Referrer-Policy: no-referrer}}
  https://shop.example.com/old: {status: 302, headers: {Location: /map, Referrer-Policy: never}}
token: {allowed: [www.example.com]}
"""


def ticket(text: str = TICKET) -> Ticket:
    return tickets.parse(text, "test")


def fix(text: str, snippet: str = "") -> Fix:
    return Fix(text, "", snippet, "allowed")


def html(after: Ticket, address: str = PAGE) -> str:
    return after.sites[address].html


def header(after: Ticket, address: str, name: str) -> str | None:
    fields = after.sites[address].fields
    return next((value for n, value in fields if n.lower() == name), None)


def test_a_referrer_policy_is_that_of_documents_scripts_that_had_one_and_redirects() -> None:
    before = ticket()
    after = apply(before, fix("referrer-policy=origin"))
    assert header(after, PAGE, "referrer-policy") == "origin"
    assert 'content="origin"' in html(after)
    assert header(after, "https://shop.example.com/worker.js", "referrer-policy") == "origin"
    app = "https://shop.example.com/app.js"
    assert after.sites[app] == before.sites[app]
    assert header(after, "https://shop.example.com/old", "referrer-policy") is None
    assert header(after, "https://shop.example.com/old", "location") == "/map"
    assert after.token == before.token
    assert after.client == before.client


def test_a_policy_of_requests_is_the_maps_own_option() -> None:
    after = apply(ticket(), fix("request-policy=origin"))
    assert (
        'transformRequest: function (url) { return { url: url, referrerPolicy: "origin" }; }'
        in (html(after))
    )
    assert header(after, PAGE, "referrer-policy") == "no-referrer"


def test_entries_come_and_go() -> None:
    after = apply(ticket(), fix("allow-=www.example.com allow+=shop.example.com"))
    assert after.token.allowed == ("shop.example.com",)
    with pytest.raises(NotMechanicalError, match="nothing"):
        apply(after, fix("allow+=shop.example.com"))


def test_a_library_is_upgraded_for_the_page_and_by_its_address() -> None:
    text = TICKET.replace(
        "{{library}}", "https://api.mapbox.com/mapbox-gl-js/v0.45.0/mapbox-gl.js"
    ).replace('.js"></script>', '.js" integrity="sha384-x"></script>')
    after = apply(ticket(text), fix("gl-js=3.9.0"))
    assert after.client.library == "mapbox-gl@3.9.0"
    assert '<script src="https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js"></script>' in (
        html(after)
    )


def test_a_sandbox_gets_an_origin_or_goes() -> None:
    after = apply(ticket(), fix("sandbox+=allow-same-origin"))
    assert 'sandbox="allow-scripts allow-same-origin"' in html(after)
    page = ticket(TICKET.replace("Server: nginx", "Content-Security-Policy: sandbox allow-scripts"))
    assert header(apply(page, fix("csp-=sandbox")), PAGE, "content-security-policy") is None


def test_https_is_asked_for_in_the_page_or_by_its_policy() -> None:
    text = TICKET.replace("go()", "fetch('http://api.mapbox.com/v4/a.json')")
    after = apply(ticket(text), fix("to=https"))
    assert "'https://api.mapbox.com/v4/a.json'" in html(after, "https://shop.example.com/app.js")
    upgraded = apply(ticket(text), fix("to=https", "upgrade-insecure-requests"))
    assert header(upgraded, PAGE, "content-security-policy") == "upgrade-insecure-requests"


def test_a_file_is_served_and_a_server_gets_a_name() -> None:
    text = TICKET.replace(PAGE, "file:///home/kim/map.html")
    after = apply(ticket(text), fix("page=http://localhost:8000/ allow+=localhost:8000"))
    assert after.page == "http://localhost:8000/map.html"
    assert "http://localhost:8000/map.html" in after.sites
    assert after.token.allowed == ("www.example.com", "localhost:8000")
    text = TICKET.replace("https://shop.example.com", "http://192.168.0.7:8080")
    after = apply(ticket(text), fix("page=http://localhost:8080/ allow+=localhost:8080"))
    assert after.page == "http://localhost:8080/map"
    assert set(after.sites) == {
        f"http://localhost:8080/{path}" for path in ("map", "app.js", "worker.js", "old")
    }


def test_a_page_at_its_own_address_asks_for_its_stylesheets_pictures() -> None:
    before = tickets.load(ROOT / "tickets" / "cdn-stylesheet-chromium.yaml")
    after = apply(before, fix("page=https://shop.example.com/"))
    assert "<link" not in html(after, "https://shop.example.com/")
    assert 'url("https://api.mapbox.com/styles' in html(after, "https://shop.example.com/")
    assert "access_token={{token}}" in html(after, "https://shop.example.com/")


def test_a_clean_browser_has_what_the_case_is_about_and_nothing_else() -> None:
    client = Client(
        browser="firefox",
        preferences={"network.http.sendRefererHeader": 0, "security.mixed": False},
        strip=("referer",),
    )
    after = apply(msgspec.structs.replace(ticket(), client=client), fix("client=clean"))
    assert after.client == Client(browser="firefox", preferences={"security.mixed": False})


def test_without_caches_only_the_last_visit_counts() -> None:
    stored = Answer("/styles/", status=403, headers={"x-cache": "Hit from cloudfront"})
    before = msgspec.structs.replace(
        ticket(),
        visits=(PAGE, PAGE),
        captured_from=2,
        token=TokenSpec(allowed=("a.example",), first=()),
        answers=(stored, Answer("/a", visit=1, status=403), Answer("/b", visit=2, status=500)),
    )
    after = apply(before, fix("cache=off"))
    assert (after.opened, after.captured_from, after.token.first) == ((PAGE,), 1, None)
    assert after.answers == (Answer("/b", status=500),)


def test_what_is_done_with_the_token() -> None:
    assert apply(ticket(), fix("unrestricted-token")).token.allowed == ()
    scoped = msgspec.structs.replace(ticket(), token=TokenSpec(scopes=()))
    after = apply(scoped, fix("add-scope", '{"scopes": ["styles:read", "styles:list"]}'))
    assert {"styles:list", "fonts:read"} <= set(after.token.scopes)
    revoked = msgspec.structs.replace(ticket(), token=TokenSpec(revoked=True))
    assert not apply(revoked, fix("replace-token")).token.revoked
    text = TICKET.replace('"{{token}}"', '""')
    assert 'accessToken = "{{token}}"' in html(apply(ticket(text), fix("set-token")))


def test_a_cut_token_is_replaced_wherever_it_stands() -> None:
    before = tickets.load(ROOT / "tickets" / "token-cut-firefox.yaml")
    after = apply(before, fix("replace-token"))
    assert after.page == "https://shop.example.com/map?t={{token}}"


@pytest.mark.parametrize("code", ["check-account", "own-page", "tell-visitors", "something-new"])
def test_what_is_a_persons_to_do_is_refused_with_the_reason(code: str) -> None:
    with pytest.raises(NotMechanicalError):
        apply(ticket(), fix(code))


@pytest.mark.parametrize(
    "text", ["page=http://localhost:8000/", "referrer-policy=origin", "csp-=sandbox"]
)
def test_a_program_has_no_page_to_change(text: str) -> None:
    with pytest.raises(NotMechanicalError):
        apply(tickets.load(ROOT / "tickets" / "postman.yaml"), fix(text))


def test_odd_words_are_refused_not_raised() -> None:
    with pytest.raises(NotMechanicalError):
        apply(ticket(), fix("no-such=change"))


def test_every_cause_has_codes_that_are_known() -> None:
    """A fix of a new form must be taught here, or refused in words of its own."""
    from diagnostics.reproduce.apply import _BY_CODE, _FOR_PEOPLE

    found = set()
    for path in (ROOT / "tickets").glob("*.yaml"):
        found |= {rule.cause for rule in tickets.load(path).expect.refusals}
    assert found == set(Cause)
    source = (ROOT.parent / "diagnostics" / "journey" / "proposals.py").read_text()
    source += (ROOT.parent / "diagnostics" / "journey" / "list_proposals.py").read_text()
    for code in (*_BY_CODE, *_FOR_PEOPLE):
        assert f'"{code}"' in source, code
