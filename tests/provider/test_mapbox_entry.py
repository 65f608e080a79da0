"""How an entry of Mapbox's allowed URLs is read, and which can never match."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from diagnostics.provider.mapbox_entry import (
    Entry,
    Unreadable,
    is_bare_ipv6,
    read_entry,
    split_port,
)
from diagnostics.provider.mapbox_lint import lint
from diagnostics.provider.mapbox_match import match
from tests.provider.conftest import ENTRIES, ODD


@pytest.mark.parametrize(
    ("entry", "expected", "says"),
    [
        ("", "invalid", "empty"),
        ("   ", "invalid", "empty"),
        ("http://", "invalid", "no domain"),
        ("//example.com", "invalid", "no domain"),
        ("?page=1", "invalid", "no domain"),
        ("exa mple.com", "invalid", "white space"),
        ("a.com\tb.com", "invalid", "white space"),
        ("a.com\x00", "invalid", "control character"),
        ("user@example.com", "invalid", "user name"),
        ("https://u:p@example.com", "invalid", "user name"),
        ("example.com:", "invalid", "no port behind it"),
        ("example.com:0", "invalid", "“0” is not a port"),
        ("example.com:99999", "invalid", "“99999” is not a port"),
        ("example.com:http", "invalid", "“http” is not a port"),
        ("example.com:٣", "invalid", "is not a port"),
        ("example.com:80:80", "invalid", "is not a port"),
        ("[::1]x", "invalid", "is not a port"),
        ("https:example.com", "invalid", "followed by ://"),
        ("https:/example.com", "invalid", "followed by ://"),
        ("http//example.com", "invalid", "followed by ://"),
        ("file:///map.html", "invalid", "no Referer"),
        ("capacitor://localhost", "invalid", "no Referer"),
        ("example.com,example.org", "invalid", "entry of its own"),
        ("example.com;example.org", "invalid", "entry of its own"),
        ('"example.com"', "invalid", "not a domain"),
        ("example..com", "invalid", "not a domain"),
        ("example.com%20", "invalid", "not a domain"),
        (".example.com", "invalid", "not a domain"),
        ("example.com\\path", "invalid", "backslash"),
        ("localhost:*", "wildcard", "not supported"),
        ("https://*.vercel.app", "wildcard", "not supported"),
        ("example.com/path?x=*", "wildcard", "not supported"),
        ("127.1", "ip", "not supported"),
        ("0x7f.1", "ip", "not supported"),
        ("2130706433", "ip", "not supported"),
        ("0.0.0.0:8080", "ip", "not supported"),
        ("192.168.1.5/x", "ip", "not supported"),
        ("http://[2001:db8::1]:8080/", "ip", "not supported"),
        ("2001:db8::1", "ip", "not supported"),
        ("127.0.0.1.", "ip", "not supported"),
    ],
)
def test_entries_that_can_never_match(entry: str, expected: str, says: str) -> None:
    read = read_entry(entry)
    assert isinstance(read, Unreadable), read
    assert read.result.value == expected
    assert says in read.says
    (problem, *_) = lint([entry])
    assert problem.severity == "error"
    assert problem.problem == expected
    assert match("https://example.com/", entry).result is read.result


@pytest.mark.parametrize(
    "entry", ["localhost", "a_b.example", "-a.example", "intranet", "127.0.0.1.nip.io", "xn--x"]
)
def test_odd_names_that_a_page_can_have(entry: str) -> None:
    assert isinstance(read_entry(entry), Entry)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("example.com", (None, "example.com", None, None, None)),
        ("example.com/", (None, "example.com", None, "/", None)),
        ("https://a.example:8443", ("https", "a.example", 8443, None, None)),
        ("a.example/P/q?x=1", (None, "a.example", None, "/P/q", "x=1")),
        ("a.example?", (None, "a.example", None, None, "")),
        ("HTTP://A.example/B", ("http", "a.example", None, "/B", None)),
        (" bücher.example ", (None, "xn--bcher-kva.example", None, None, None)),
    ],
)
def test_the_parts_of_an_entry(text: str, parts: tuple[object, ...]) -> None:
    read = read_entry(text)
    assert isinstance(read, Entry)
    assert read.text == text
    assert (read.scheme, read.host, read.port, read.path, read.query) == parts


@pytest.mark.parametrize(
    ("text", "doubts"),
    [
        ("example.com/Path?Q=1", 0),
        (" example.com", 1),
        ("EXAMPLE.com", 1),
        ("HTTPS://EXAMPLE.com.#map", 4),
    ],
)
def test_what_the_documentation_is_silent_about_is_a_doubt(text: str, doubts: int) -> None:
    read = read_entry(text)
    assert isinstance(read, Entry)
    assert len(read.doubts) == doubts


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        ("a.example", ("a.example", "", "")),
        ("a.example:80", ("a.example", ":", "80")),
        ("a.example:80:81", ("a.example", ":", "80:81")),
        ("[::1]", ("[::1]", "", "")),
        ("[::1]:80", ("[::1]", ":", "80")),
        ("[::1]80", ("[::1]", ":", "80")),
        ("[::1", ("[", ":", ":1")),
    ],
)
def test_a_port_stands_behind_the_host(authority: str, parts: tuple[str, str, str]) -> None:
    assert split_port(authority) == parts


@pytest.mark.parametrize(
    ("authority", "is_one"),
    [("::1", True), ("2001:db8::1", True), ("[::1]", False), ("a:1", False), ("a:b:c", False)],
)
def test_an_address_without_its_brackets(authority: str, is_one: bool) -> None:
    assert is_bare_ipv6(authority) is is_one


@settings(deadline=None)
@given(ENTRIES | ODD)
def test_any_text_is_an_entry_or_says_why_not(text: str) -> None:
    read = read_entry(text)
    assert read.text == text
    if isinstance(read, Unreadable):
        assert read.says
    else:
        assert read.host
        assert read.path is None or read.path.startswith("/")
