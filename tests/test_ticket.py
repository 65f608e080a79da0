"""The ticket format: what is accepted, what is refused and in which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.journey.verdict import Cause
from diagnostics.provider import token as tokens
from diagnostics.ticket import Refusal, TicketError, library_urls, load, load_all, parse

HEAD = "title: A case\nstory: What happened.\n"
CHROMIUM = HEAD + "client: {browser: chromium}\npage: https://shop.example.com/map\n"


def test_the_least_ticket() -> None:
    ticket = parse(CHROMIUM, "t.yaml")
    assert ticket.opened == ("https://shop.example.com/map",)
    assert ticket.record == ("har", "flow")
    assert ticket.known_allowed == ()
    assert tokens.decode(ticket.token.text).account == "acme"
    assert tokens.decode(ticket.token.text).malformed is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title: [", "t.yaml: line 1: not YAML: "),
        ("", "t.yaml: the whole file: expected `object`, got `null`"),
        (HEAD, "t.yaml: the whole file: object missing required field `client`"),
        (HEAD + "client: {browser: safari}", "t.yaml: client.browser: invalid enum value 'safari'"),
        (HEAD + "client: {brwser: none}", "t.yaml: client: object contains unknown field `brwser`"),
        (
            CHROMIUM + "expect: {refusals: [{cause: bad-luck}]}",
            "t.yaml: expect.refusals[0].cause: invalid enum value 'bad-luck'",
        ),
        (CHROMIUM + "record: [firefox]", "t.yaml: record: firefox does not exist for the client"),
        (CHROMIUM + "captured_from: 2", "t.yaml: captured_from: there is no visit 2"),
        (CHROMIUM + "visits: [map]", "t.yaml: 'map' is not a URL"),
        (CHROMIUM + "sites: {'/map': {}}", "t.yaml: '/map' is not a URL"),
        (
            CHROMIUM + "sites: {'https://a.example/': {html: x, body: y}}",
            "t.yaml: sites: https://a.example/: give body or html, not both",
        ),
        (HEAD + "client: {browser: firefox}", "t.yaml: page: a browser needs a page to open"),
        (HEAD + "client: {browser: none}", "t.yaml: requests: a client without a browser needs"),
        (
            HEAD + "client: {browser: firefox, blocks: ['**']}\npage: https://a.example/",
            "t.yaml: client: only Chromium can play an extension",
        ),
        (
            HEAD + "client: {browser: chromium, switches: ['--renderer-cmd-prefix=sh']}\n"
            "page: https://a.example/",
            "t.yaml: client: switches: --renderer-cmd-prefix=sh is not one that a ticket may set",
        ),
        (
            HEAD + "client: {browser: chromium, switches: ['--no-proxy-server']}\n"
            "page: https://a.example/",
            "t.yaml: client: switches: --no-proxy-server is not one that a ticket may set",
        ),
        (
            HEAD + "client: {browser: firefox, preferences: {network.proxy.type: 0}}\n"
            "page: https://a.example/",
            "t.yaml: client: preferences: network.proxy.type is not one that a ticket may set",
        ),
        (
            HEAD + "client: {browser: chromium, library: ../../x@1.2}\npage: https://a.example/",
            "t.yaml: client: library: ../../x@1.2 is no library",
        ),
        (
            CHROMIUM + "sites: {'https://a.example/': {library: ../../../etc/passwd}}",
            "t.yaml: sites: https://a.example/: library: ../../../etc/passwd is no file",
        ),
        (
            CHROMIUM + "sites: {'https://a.example/': {library: /etc/passwd.js}}",
            "t.yaml: sites: https://a.example/: library: /etc/passwd.js is no file",
        ),
        ("- " * 30000, "t.yaml: "),
        ("title: 2001-13-45", "t.yaml: not YAML: month must be in 1..12"),
        ("title: !!python/name:os.system x", "t.yaml: line 1: not YAML: could not determine"),
        ("title: !!timestamp x", "t.yaml: not YAML: a tag (!!…) does not fit its value"),
        ("title: !!bool x", "t.yaml: not YAML: a tag"),
        ("title: !!int ''", "t.yaml: not YAML: "),
        ("title: !!float x", "t.yaml: not YAML: "),
        ("title: !!binary ü", "t.yaml: "),
        ("{[a]: b}", "t.yaml: "),
        ("1: 2", "t.yaml: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, says: str) -> None:
    with pytest.raises(TicketError) as error:
        parse(text, "t.yaml")
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "address",
    [
        "file:///C:\\Users\\x\\evil.bat",
        "file:///home/kim/C:\\Users\\x\\evil.html",
        "file:///a\0b.html",
        "file:///home/kim/..",
        "file:///home/kim/.bashrc",
        "file:///home/kim/.html",
        "file:///home/kim/map.exe",
        "file:///home/kim/map.html?token=1",
        "file:///home/kim/map.html:stream",
        "file:///home/kim/" + "m" * 300 + ".html",
        "file:///home/kim/*",
        "file://server/share/map.html",
        "FILE:///home/kim/map.html",
    ],
)
def test_a_page_of_its_own_is_written_under_a_plain_name(address: str) -> None:
    """`play` writes such pages into its folder, on any system, by the last part of the address."""
    quoted = json.dumps(address)
    with pytest.raises(TicketError, match=r"^t\.yaml: .*file"):
        parse(f"{CHROMIUM}sites: {{{quoted}: {{html: x}}}}", "t.yaml")
    with pytest.raises(TicketError):
        parse(CHROMIUM.replace("https://shop.example.com/map", quoted), "t.yaml")


def test_no_other_file_is_opened() -> None:
    """A page of this machine would be recorded, and kept with the case."""
    page = "file:///home/kim/map.html"
    text = CHROMIUM.replace("https://shop.example.com/map", page)
    with pytest.raises(TicketError, match=r"^t\.yaml: page: there is no site file:///home/kim/map"):
        parse(text, "t.yaml")
    assert parse(f"{text}sites: {{'{page}': {{html: x}}}}", "t.yaml").opened == (page,)


@pytest.mark.parametrize("secret", ["secret.html", ".ssh/id.html", "pages/id_rsa", "link.html"])
def test_a_body_is_a_page_that_lies_with_the_ticket(secret: str, tmp_path: Path) -> None:
    """Whoever wrote the ticket may be a stranger, and what it names is kept with the case."""
    folder = tmp_path / "their" / "tickets"
    for file in (tmp_path / "secret.html", folder / ".ssh/id.html", folder / "pages/id_rsa"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("SECRET", encoding="utf-8")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    for name in {secret, f"../../{secret}", str(tmp_path / secret)}:
        file = folder / "t.yaml"
        file.write_text(f"{CHROMIUM}sites: {{'https://a.example/': {{body: '{name}'}}}}", "utf-8")
        with pytest.raises(TicketError, match=r"t\.yaml: sites: https://a\.example/: "):
            load(file)


def test_a_body_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"\xff\xfe\x00")
    file = tmp_path / "t.yaml"
    file.write_text(f"{CHROMIUM}sites: {{'https://a.example/': {{body: a.html}}}}", "utf-8")
    with pytest.raises(TicketError, match=r"a\.html: it is not UTF-8 text"):
        load(file)


def complaint(text: str) -> str | None:
    """What is said about a text that is no ticket; any other error than TicketError escapes."""
    try:
        parse(text, "t.yaml")
    except TicketError as error:
        return str(error)
    return None


@given(st.text(st.sampled_from("title:storyclienbw {}[],-\n&*!'\"|>#0.~%@`é\x00"), max_size=80))
def test_any_text_is_a_ticket_or_a_ticket_error(text: str) -> None:
    for candidate in (text, CHROMIUM + text):
        assert "\n" not in (complaint(candidate) or "")


def test_header_fields_may_be_pairs() -> None:
    ticket = parse(
        CHROMIUM + "sites: {'https://a.example/': {headers: [[Set-Cookie, a], [Set-Cookie, b]]}}",
        "t.yaml",
    )
    site = ticket.sites["https://a.example/"]
    assert site.fields == (("Set-Cookie", "a"), ("Set-Cookie", "b"))


@pytest.mark.parametrize(
    ("desk", "known"),
    [
        ("", ("shop.example.com",)),
        ("desk: {allow: unknown}", None),
        ("desk: {allow: [other.example]}", ("other.example",)),
        ("desk: {unrestricted: true}", ()),
    ],
)
def test_what_the_desk_knows(desk: str, known: tuple[str, ...] | None) -> None:
    ticket = parse(CHROMIUM + "token: {allowed: [shop.example.com]}\n" + desk, "t.yaml")
    assert ticket.known_allowed == known


def test_placeholders() -> None:
    ticket = parse(CHROMIUM.replace("chromium}", "chromium, library: leaflet@1.9.4}"), "t.yaml")
    assert ticket.fill("{{library}} {{library.css}} {{rest}}", "3/4/5") == (
        "https://unpkg.com/leaflet@1.9.4/dist/leaflet.js"
        " https://unpkg.com/leaflet@1.9.4/dist/leaflet.css 3/4/5"
    )
    assert ticket.fill("t={{token}}") == f"t={ticket.token.text}"
    assert library_urls("unknown@1") == ("", "")


@pytest.mark.parametrize(
    ("rule", "url", "referer", "covered"),
    [
        (Refusal(Cause.TOKEN_SCOPE), "https://a/x", None, True),
        (Refusal(Cause.TOKEN_SCOPE, url="/x"), "https://a/x", None, True),
        (Refusal(Cause.TOKEN_SCOPE, url="/y"), "https://a/x", None, False),
        (Refusal(Cause.TOKEN_SCOPE, referer=""), "https://a/x", None, True),
        (Refusal(Cause.TOKEN_SCOPE, referer=""), "https://a/x", "https://b/", False),
        (Refusal(Cause.TOKEN_SCOPE, referer="https://b/"), "https://a/x", "https://b/", True),
    ],
)
def test_which_refusals_a_rule_covers(
    rule: Refusal, url: str, referer: str | None, covered: bool
) -> None:
    assert rule.covers(url, referer) is covered


def test_a_body_is_read_from_beside_the_ticket_or_from_its_parent(tmp_path: Path) -> None:
    (tmp_path / "tickets").mkdir()
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text("above")
    (tmp_path / "tickets" / "b.html").write_text("beside")
    file = tmp_path / "tickets" / "case.yaml"
    sites = "sites: {'https://a.example/': {body: pages/a.html}, 'https://b.example/': {body: %s}}"
    file.write_text(CHROMIUM + sites % "b.html")
    ticket = load(file)
    assert ticket.name == "case"
    assert [site.html for site in ticket.sites.values()] == ["above", "beside"]
    file.write_text(CHROMIUM + sites % "c.html")
    with pytest.raises(TicketError, match=r"https://b\.example/: there is no file c\.html"):
        load(file)


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(TicketError, match="cannot be read"):
        load(tmp_path / "missing.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(TicketError, match="it is not UTF-8 text"):
        load(tmp_path / "odd.yaml")


def test_all_of_a_folder_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text(CHROMIUM)
    assert list(load_all(tmp_path)) == ["a", "b"]
