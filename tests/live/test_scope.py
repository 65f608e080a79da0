"""Which connections are read, and that no other one is."""

from __future__ import annotations

import re

import pytest

from diagnostics.browser import url as urls
from diagnostics.errors import InputError
from diagnostics.live.scope import MOST_LEARNT, Scope, also_pattern, is_loopback

SHOP = urls.parse("https://www.shop.example.com/map")


def searched(scope: Scope, text: str) -> bool:
    """As mitmproxy's `allow_hosts` does it."""
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in scope.patterns)


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("www.shop.example.com:443", True),
        ("example.com:443", True),
        ("EXAMPLE.com.:8443", True),
        ("tiles.example.com:80", True),
        ("api.mapbox.com:443", True),
        ("events.mapbox.com:443", True),
        ("a.tiles.mapbox.com:443", True),
        ("why403.test:80", True),
        ("localhost:3000", False),
        ("notexample.com:443", False),
        ("example.com.evil.test:443", False),
        ("apiXmapbox.com:443", False),
        ("api.mapbox.com.evil.test:443", False),
        ("api.mapbox.com:443.evil.test:443", False),
        ("www.mapbox.com:443", False),
        ("examplescom:443", False),
        ("accounts.google.com:443", False),
        ("www.shop.example.com", False),
    ],
)
def test_of_a_page_its_site_and_the_provider(text: str, is_read: bool) -> None:
    scope = Scope(SHOP)
    assert searched(scope, text) is is_read
    host, _, port = text.rpartition(":")
    if port.isdigit():
        assert scope.covers(host, int(port)) is is_read


@pytest.mark.parametrize(
    ("address", "name", "is_read"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("shop.example.com", None, True),
        ("shop.example.com", "SHOP.example.com", True),
        ("shop.example.com", "api.mapbox.com", True),
        ("203.0.113.7", "shop.example.com", True),  # the client has looked the name up itself
        ("2001:db8::7", "shop.example.com", True),
        ("203.0.113.7", None, False),
        ("203.0.113.7", "bank.example", False),
        ("bank.example", "shop.example.com", False),
        ("shop.example.com", "bank.example", False),
        ("shop.example.com", "", False),
        ("bank.example", None, False),
    ],
)
def test_one_name_does_not_open_another(address: str, name: str | None, is_read: bool) -> None:
    assert Scope(SHOP).reads(address, name, 443) is is_read
    assert Scope(SHOP, (), True).reads(address, name, 443)


@pytest.mark.parametrize("page", ["http://localhost:3000/", "http://[::1]:3000/", None])
def test_of_a_local_page_this_machine(page: str | None) -> None:
    scope = Scope(urls.parse(page) if page else None)
    for text in ("localhost:3000", "127.0.0.1:8000", "::1:3000", "[::1]:3000", "app.localhost:80"):
        assert searched(scope, text), text
    for text in ("localhost.evil.test:80", "127.0.0.1.evil.test:80", "example.com:443"):
        assert not searched(scope, text), text


def test_of_a_page_under_a_public_suffix_only_it() -> None:
    scope = Scope(urls.parse("https://acme.github.io/map"))
    assert searched(scope, "acme.github.io:443")
    assert not searched(scope, "other.github.io:443")


def test_of_a_file_only_the_provider() -> None:
    scope = Scope(urls.parse("file:///tmp/map.html"))
    assert searched(scope, "api.mapbox.com:443")
    assert not searched(scope, "localhost:80")
    assert scope.describe() == "Mapbox’s hosts"


@pytest.mark.parametrize(
    ("also", "text", "is_read"),
    [
        ("cdn.example.net", "cdn.example.net:443", True),
        ("example.net", "cdn.example.net:443", True),
        ("*.example.net", "cdn.example.net:443", True),
        (".example.net", "example.net:443", True),
        ("https://cdn.example.net/x", "cdn.example.net:443", True),
        ("cdn.example.net:8443", "cdn.example.net:8443", True),
        ("cdn.example.net:8443", "cdn.example.net:443", False),
        ("intranet", "intranet:80", True),
        ("intranet", "evil.intranet:80", False),
        ("192.0.2.1", "192.0.2.1:80", True),
        ("192.0.2.1", "1.192.0.2.1:80", False),
        ("[2001:db8::1]:8080", "2001:db8::1:8080", True),
        ("BÜCHER.example", "xn--bcher-kva.example:443", True),
    ],
)
def test_hosts_that_a_person_names(also: str, text: str, is_read: bool) -> None:
    assert bool(re.search(also_pattern(also), text, re.IGNORECASE)) is is_read


@pytest.mark.parametrize("also", ["", "a b", "co.uk", "a.*.example", "*", "http://"])
def test_what_is_no_host(also: str) -> None:
    with pytest.raises(InputError, match="is no host"):
        also_pattern(also)


def test_everything() -> None:
    scope = Scope(SHOP, (), True)
    assert scope.patterns == []
    assert scope.covers("anything.example.org", 443)
    assert not scope.names("anything.example.org", 443)
    assert scope.learn("https://anything.example.org/") is None
    assert scope.describe() == "every host"


def test_hosts_are_learnt_once_and_not_without_end() -> None:
    scope = Scope(SHOP)
    assert scope.learn("https://maps.example.net/map") == "maps.example.net"
    assert scope.learn("https://maps.example.net/other") is None
    assert scope.learn("https://shop.example.com/") is None
    for text in (None, "", "data:text/html,x", "javascript:1", "file:///x", "http://"):
        assert scope.learn(text) is None
    assert searched(scope, "maps.example.net:443")
    assert not searched(scope, "example.net:443")
    for number in range(2 * MOST_LEARNT):
        scope.learn(f"https://h{number}.example.net/")
    assert len(scope.learnt) == MOST_LEARNT


def test_it_is_described() -> None:
    assert Scope(SHOP, ("cdn.net",)).describe() == "example.com, cdn.net and Mapbox’s hosts"
    assert Scope().describe() == "pages on this machine and Mapbox’s hosts"


def test_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "a.localhost", "127.0.0.1", "[::1]", "::1")))
    assert not any(map(is_loopback, ("example.com", "128.0.0.1", "localhost.example", "")))
