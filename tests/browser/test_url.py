"""URLs as browsers read them, their origins, and which of them are trustworthy or of one site."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url, parse


def url(text: str) -> Url:
    found = parse(text)
    assert found is not None, text
    return found


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "path", "query", "fragment", "origin"),
    [
        ("https://a.example", "https", "a.example", 443, "/", "", "", "https://a.example"),
        ("HTTP://A.example:80/x?y#z", "http", "a.example", 80, "/x", "y", "z", "http://a.example"),
        ("http://a.example:8080", "http", "a.example", 8080, "/", "", "", "http://a.example:8080"),
        ("https://u:p@a.example/", "https", "a.example", 443, "/", "", "", "https://a.example"),
        ("http://[::1]:3000/", "http", "[::1]", 3000, "/", "", "", "http://[::1]:3000"),
        ("http://127.1/", "http", "127.0.0.1", 80, "/", "", "", "http://127.0.0.1"),
        ("http://0x7f.1/", "http", "127.0.0.1", 80, "/", "", "", "http://127.0.0.1"),
        (
            "https://bücher.example/",
            *("https", "xn--bcher-kva.example", 443, "/", "", "", "https://xn--bcher-kva.example"),
        ),
        ("wss://a.example/", "wss", "a.example", 443, "/", "", "", "wss://a.example"),
        ("blob:https://a.example/1", "blob", "", None, "https://a.example/1", "", "", "https://a.example"),
        ("file:///x", "file", "", None, "/x", "", "", "null"),
        ("data:text/html,x", "data", "", None, "text/html,x", "", "", "null"),
        ("about:srcdoc", "about", "", None, "srcdoc", "", "", "null"),
        ("capacitor://localhost/x", "capacitor", "localhost", None, "/x", "", "", "null"),
    ],
)  # fmt: skip
def test_parts(
    text: str, scheme: str, host: str, port: int | None, path: str, query: str, fragment: str,
    origin: str,
) -> None:  # fmt: skip
    found = url(text)
    assert (found.scheme, found.host, found.port) == (scheme, host, port)
    assert (found.path, found.query, found.fragment) == (path, query, fragment)
    assert found.origin == origin
    assert found.has_opaque_origin == (origin == "null")
    assert found.is_local == (scheme in {"about", "blob", "data"})


@pytest.mark.parametrize(
    "text", ["", "a.example", "//a.example", "/x", "https://", "https://[", "https://a b/", "https://a:99999/"]
)  # fmt: skip
def test_what_is_no_url(text: str) -> None:
    assert parse(text) is None


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_asked(text: str) -> None:
    for found in (parse(text), parse("https://" + text), parse("http://a.example/" + text)):
        if found is not None:
            assert found.host == found.host.lower()
            assert parse(found.href) == found
            urls.is_potentially_trustworthy(found)
            urls.same_site(found, url("https://a.example/"))
    urls.join("https://a.example/x/", text)


@pytest.mark.parametrize(
    ("base", "reference", "joined"),
    [
        ("https://a.example/x/y", "z", "https://a.example/x/z"),
        ("https://a.example/x/y", "/z", "https://a.example/z"),
        ("https://a.example/x", "//b.example/z", "https://b.example/z"),
        ("https://a.example/x", "https://b.example", "https://b.example/"),
        ("https://a.example/x?y", "#z", "https://a.example/x?y#z"),
        ("https://a.example/x", "https://[", None),
        ("no base", "x", None),
    ],
)
def test_join(base: str, reference: str, joined: str | None) -> None:
    assert urls.join(base, reference) == joined


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("10.0.0.1", True),
        ("[::1]", True),
        ("::1", True),
        ("[2001:db8::1]", True),
        ("localhost", False),
        ("127.0.0.1.nip.io", False),
        ("1.2.3", False),
        ("", False),
    ],
)
def test_ip_addresses(host: str, expected: bool) -> None:
    assert urls.is_ip_address(host) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/", True),
        ("wss://a.example/", True),
        ("http://a.example/", False),
        ("ws://a.example/", False),
        ("http://localhost/", True),
        ("http://localhost:3000/", True),
        ("http://LOCALHOST/", True),
        ("http://app.localhost/", True),
        ("http://localhost./", True),
        ("http://localhost.example/", False),
        ("http://notlocalhost/", False),
        ("http://127.0.0.1:8000/", True),
        ("http://127.9.9.9/", True),
        ("http://128.0.0.1/", False),
        ("http://0.0.0.0/", False),
        ("http://[::1]/", True),
        ("http://[::2]/", False),
        ("http://192.168.1.5/", False),
        ("file:///x", True),
        ("data:text/html,x", True),
        ("about:blank", True),
        ("about:srcdoc", True),
        ("about:config", False),
        ("blob:https://a.example/1", True),
        ("blob:http://a.example/1", False),
        ("blob:http://localhost/1", True),
        ("blob:null/1", False),
        ("capacitor://localhost/", False),
        ("ftp://a.example/", False),
        ("blob:blob:https://a.example/1", False),
        ("blob:" * 3000, False),
    ],
)
def test_potentially_trustworthy(text: str, expected: bool) -> None:
    assert urls.is_potentially_trustworthy(url(text)) is expected


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.shop.example.com", "example.com"),
        ("example.com", "example.com"),
        ("com", "com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("kim.github.io", "kim.github.io"),
        ("x.kim.github.io", "kim.github.io"),
        ("preview.vercel.app", "preview.vercel.app"),
        ("localhost", "localhost"),
        ("app.localhost", "app.localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
    ],
)
def test_registrable_domain(host: str, domain: str) -> None:
    assert urls.registrable_domain(host) == domain


@pytest.mark.parametrize(
    ("host", "expected"),
    [("com", True), ("co.uk", True), ("github.io", True), ("vercel.app", True), ("a.com", False)],
)
def test_public_suffixes(host: str, expected: bool) -> None:
    assert urls.is_public_suffix(host) is expected


@pytest.mark.parametrize(
    ("a", "b", "origin", "site"),
    [
        ("https://a.example/", "https://a.example/x", True, True),
        ("https://a.example/", "https://a.example:443/", True, True),
        ("https://a.example/", "https://a.example:444/", False, True),
        ("https://a.shop.com/", "https://b.shop.com/", False, True),
        ("https://a.shop.com/", "http://a.shop.com/", False, False),
        ("https://shop.com/", "https://other.com/", False, False),
        ("https://a.github.io/", "https://b.github.io/", False, False),
        ("http://localhost:1/", "http://localhost:2/", False, True),
        ("http://127.0.0.1/", "http://127.0.0.2/", False, False),
        ("file:///x", "file:///x", False, False),
        ("data:,x", "data:,x", False, False),
    ],
)
def test_origins_and_sites(a: str, b: str, origin: bool, site: bool) -> None:
    assert urls.same_origin(url(a), url(b)) is origin
    assert urls.same_origin(url(b), url(a)) is origin
    assert urls.same_site(url(a), url(b)) is site
    assert urls.same_site(url(b), url(a)) is site
