"""Which Referer an entry admits: every sentence and example of Mapbox's token page, and what it
leaves open.

https://docs.mapbox.com/accounts/guides/tokens/, "URL restrictions".
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.browser import url as urls
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, EntryResult, decide
from diagnostics.provider.mapbox_match import match
from tests.provider.conftest import ENTRIES, HOST, LABEL, ODD, REFERERS


def result(referer: str | None, entry: str) -> str:
    return match(referer, entry).result.value


# What the page says. Each row: a sentence or example, the entry, the Referer, the result.

DOCUMENTED = [
    # "Valid URL formats"
    ("domain only", "mapbox.com", "https://mapbox.com/", "match"),
    ("domain with port", "mapbox.com:2019", "http://mapbox.com:2019/", "match"),
    ("protocol and domain", "http://mapbox.com", "http://mapbox.com/", "match"),
    ("subdomain", "docs.mapbox.com", "https://docs.mapbox.com/", "match"),
    (
        "domain with path",
        "mapbox.com/help/getting-started/access-tokens",
        "https://mapbox.com/help/getting-started/access-tokens",
        "match",
    ),
    ("domain with query", "mapbox.com/?page=1", "https://mapbox.com/?page=1", "match"),
    # The structure of an entry with every part.
    (
        "every part",
        "https://a-specific-subdomain.example.com:8000/all/paths?search=foo",
        "https://a-specific-subdomain.example.com:8000/all/paths?search=foo",
        "match",
    ),
    # "Only a domain is required"; all else is optional.
    ("all else is optional", "example.com", "https://www.example.com/any/path?any=query", "match"),
    ("a domain is required", "/path", "https://example.com/path", "invalid"),
    # "Paths are case sensitive"
    ("case of paths", "http://example.com/path", "http://example.com/Path", "path"),
    # "If a port is not provided, ports 80 and 443 are allowed by default"
    ("port 80", "example.com", "http://example.com/", "match"),
    ("port 443", "example.com", "https://example.com/", "match"),
    ("port 443 over http", "http://example.com", "http://example.com:443/", "match"),
    ("port 80 over https", "https://example.com", "https://example.com:80/", "match"),
    ("any other port", "example.com", "http://example.com:8000/", "port"),
    ("localhost on another port", "localhost", "http://localhost:3000/", "port"),
    ("a given port", "localhost:3000", "http://localhost:3000/", "match"),
    ("another port", "localhost:3000", "http://localhost:3001/", "port"),
    # "Subdomains of any allowed URLs are also allowed"
    ("www", "http://example.com", "http://www.example.com/", "match"),
    ("two labels", "http://example.com", "http://www.production.example.com/", "match"),
    ("three", "http://example.com", "http://www.subdomain2.production.example.com/", "match"),
    ("not the other way", "www.example.com", "https://example.com/", "host"),
    ("nor a sibling", "www.example.com", "https://app.example.com/", "host"),
    ("nor a look-alike", "example.com", "https://notexample.com/", "host"),
    ("nor as a part", "example.com", "https://example.com.evil.net/", "host"),
    # "Subpaths of an allowed path are also allowed"
    ("anything/else", "http://example.com", "http://example.com/anything/else", "match"),
    ("path/more", "http://example.com/path", "http://example.com/path/more", "match"),
    ("another/path", "http://example.com/path", "http://example.com/another/path", "path"),
    # "If a protocol is specified it must be matched"
    ("http is not https", "http://example.com", "https://example.com/", "scheme"),
    ("https is not http", "https://example.com", "http://example.com/", "scheme"),
    # "If no protocol is specified, then any protocol is acceptable"
    ("any protocol: http", "example.com", "http://example.com/", "match"),
    ("any protocol: https", "example.com", "https://example.com/", "match"),
    # "Does not support": wildcard characters, IP addresses
    ("wildcard", "*.example.com", "https://www.example.com/", "wildcard"),
    ("wildcard path", "example.com/*", "https://example.com/x", "wildcard"),
    ("wildcard port", "http://localhost:*", "http://localhost:3000/", "wildcard"),
    ("wildcard alone", "*", "https://example.com/", "wildcard"),
    ("IP address", "127.0.0.1", "http://127.0.0.1/", "ip"),
    ("IP address with port", "127.0.0.1:3000", "http://127.0.0.1:3000/", "ip"),
    ("IPv6", "[::1]:3000", "http://[::1]:3000/", "ip"),
    ("IPv6 without brackets", "::1", "http://[::1]/", "ip"),
    # "Requests from localhost will be blocked unless localhost is specifically added"
    ("localhost", "example.com", "http://localhost/", "host"),
    ("localhost added", "localhost", "http://localhost/", "match"),
    # "Confirm requests include a referer header": a request without one is refused.
    ("no referer", "example.com", None, "no-referer"),
    ("a blank one", "example.com", "", "no-referer"),
    # "Add api.mapbox.com as an allowedURL"
    ("share link", "api.mapbox.com", "https://api.mapbox.com/", "match"),
    ("share link not added", "example.com", "https://api.mapbox.com/", "host"),
]


@pytest.mark.parametrize(
    ("entry", "referer", "expected"),
    [pytest.param(*row[1:], id=row[0]) for row in DOCUMENTED],
)
def test_what_the_page_says(entry: str, referer: str | None, expected: str) -> None:
    found = match(referer, entry)
    assert found.result.value == expected, found.says
    assert found.entry == entry
    assert found.says.endswith(".")


# What it leaves open: nobody outside can know.

OPEN = [
    ("a word that goes on", "example.com/path", "https://example.com/pathology"),
    ("a slash at the end of the entry", "example.com/path/", "https://example.com/path"),
    ("percent-encoding", "example.com/%C3%A4", "https://example.com/%c3%a4"),
    ("dot segments", "example.com/a/../b", "https://example.com/b"),
    ("query as a subset", "example.com/?page=1", "https://example.com/?page=1&x=2"),
    ("query in another order", "example.com/?a=1&b=2", "https://example.com/?b=2&a=1"),
    ("query that goes on", "example.com/?page=1", "https://example.com/?page=10"),
    ("an empty query", "example.com/?", "https://example.com/?page=1"),
    ("query on a subpath", "example.com/a?x=1", "https://example.com/a/b?x=1"),
    ("case of the host", "EXAMPLE.com", "https://example.com/"),
    ("case of the scheme", "HTTPS://example.com", "https://example.com/"),
    ("internationalised", "bücher.example", "https://xn--bcher-kva.example/"),
    ("emoji", "😀.example", "https://xn--e28h.example/"),
    ("blank before", " example.com", "https://example.com/"),
    ("blank after", "example.com ", "https://example.com/"),
    ("line break", "example.com\n", "https://example.com/"),
    ("dot at the end of the entry", "example.com.", "https://example.com./"),
    ("dot at the end of the page's host", "example.com", "https://example.com./"),
    ("fragment", "example.com#map", "https://example.com/"),
    ("80 for 443", "example.com:80", "https://example.com/"),
    ("443 for 80", "example.com:443", "http://example.com/"),
]


@pytest.mark.parametrize(("entry", "referer"), [pytest.param(*row[1:], id=row[0]) for row in OPEN])
def test_what_the_page_leaves_open(entry: str, referer: str) -> None:
    found = match(referer, entry)
    assert found.result is EntryResult.UNDOCUMENTED, found.says
    assert "undocumented" in found.says or "does not say" in found.says


@pytest.mark.parametrize(
    ("entry", "referer", "expected"),
    [
        # An open question never hides what is refused anyway.
        ("EXAMPLE.com", "https://other.net/", "host"),
        (" http://example.com", "https://example.com/", "scheme"),
        ("example.com.", "http://example.com.:8000/", "port"),
        ("bücher.example/x", "https://xn--bcher-kva.example/y", "path"),
        ("example.com:8080", "https://example.com/", "port"),
        ("https://example.com:80", "https://example.com/", "port"),
        ("example.com/?page=1", "https://example.com/?page=2", "query"),
        ("example.com/?page=1", "https://example.com/", "query"),
        ("example.com/path", "https://example.com/", "path"),
        # Names in the form that browsers send are no question.
        ("xn--bcher-kva.example", "https://bücher.example/", "match"),
        ("example.com:443", "https://example.com/", "match"),
        ("example.com:80", "http://example.com/", "match"),
        ("example.com/", "https://example.com/any", "match"),
        ("example.com?page=1", "https://example.com/?page=1", "match"),
        ("example.com/path", "https://example.com/path?x=1", "match"),
        # A Referer that names no web host.
        ("example.com", "capacitor://example.com/", "host"),
        ("example.com", "file:///map.html", "host"),
        ("example.com", "about:blank", "host"),
        ("example.com", "no url", "host"),
    ],
)
def test_the_edges(entry: str, referer: str, expected: str) -> None:
    assert result(referer, entry) == expected


@pytest.mark.parametrize(
    ("entry", "referer", "says"),
    [
        ("www.example.com", "https://example.com/", "covers only www"),
        ("app.example.com", "https://example.com/", "is the domain above it"),
        ("example.com", "https://myexample.com/", "is another domain"),
        ("app.example.com", "https://shop.example.com/", "another subdomain"),
        ("example.com", "https://other.net/", "another domain"),
        ("localhost", "http://localhost:3000/", "names no port"),
        ("example.com/Path", "https://example.com/path", "case sensitive"),
        ("example.com/path", "https://example.com/", "the origin alone"),
        ("example.com/path", "https://example.com/other", "the Referer has /other"),
        ("example.com/?page=1", "https://example.com/?page=2", "?page=2"),
        ("http://example.com", "https://example.com/", "asks for http"),
    ],
)
def test_the_nearest_miss_is_explained(entry: str, referer: str, says: str) -> None:
    assert says in match(referer, entry).says


@settings(deadline=None)
@given(st.lists(ENTRIES | ODD, min_size=1, max_size=4), ENTRIES | ODD, REFERERS | ODD | st.none())
def test_an_entry_more_never_refuses_what_was_allowed(
    entries: list[str], more: str, referer: str | None
) -> None:
    rank = [Decision.REFUSED, Decision.UNDOCUMENTED, Decision.ALLOWED]
    before = decide(mapbox, referer, entries).decision
    after = decide(mapbox, referer, [*entries, more]).decision
    assert rank.index(after) >= rank.index(before)


@settings(deadline=None)
@given(ENTRIES)
def test_an_entry_admits_the_page_that_it_spells(entry: str) -> None:
    referer = entry if "://" in entry else f"https://{entry}"
    page = urls.parse(referer)
    assert page is not None
    found = match(page.href, entry).result
    with_port = ":80" in entry and ":80" not in page.origin  # http is the default for 80
    assert found in {EntryResult.MATCH, EntryResult.UNDOCUMENTED} or with_port


@settings(deadline=None)
@given(REFERERS, HOST, LABEL)
def test_a_subdomain_is_admitted_with_its_domain(referer: str, host: str, label: str) -> None:
    page, sub = f"https://{host}/", f"https://{label}.{host}/"
    assert result(page, host) == result(sub, host) == "match"
    assert result(page, f"{label}.{host}") == "host"


@settings(deadline=None)
@given(ODD, ODD | REFERERS | st.none())
def test_any_text_can_be_asked(entry: str, referer: str | None) -> None:
    found = match(referer, entry)
    assert found.entry == entry
    assert found.says


@pytest.mark.parametrize("hostile", ["*", ".", "a.", "[", "::", "@", "%", "https://", "/*", "\\"])
def test_cost_is_linear(hostile: str) -> None:
    entry = hostile * (200_000 // len(hostile))
    start = time.process_time()
    match("https://example.com/", entry)
    assert time.process_time() - start < 2
