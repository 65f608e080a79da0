"""Source expressions: what they are by the grammar, and which URLs they admit."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.browser import url as urls
from diagnostics.browser.csp_source import Kind, Miss, explain, is_disputed, miss, parse, shown

HTTP = "http://site.test/"
HTTPS = "https://site.test/"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("'none'", Kind.NONE),
        ("'NONE'", Kind.NONE),
        ("'self'", Kind.SELF),
        ("'Self'", Kind.SELF),
        ("*", Kind.STAR),
        ("https:", Kind.SCHEME),
        ("BLOB:", Kind.SCHEME),
        ("web+thing:", Kind.SCHEME),
        ("example.com", Kind.HOST),
        ("*.example.com", Kind.HOST),
        ("*:8080", Kind.HOST),
        ("https://*", Kind.HOST),
        ("localhost", Kind.HOST),
        ("self", Kind.HOST),
        ("10.0.0.1", Kind.HOST),
        ("https://example.com:*/a/b?c#d", Kind.HOST),
        ("'unsafe-inline'", Kind.KEYWORD),
        ("'Strict-Dynamic'", Kind.KEYWORD),
        ("'nonce-abc123=='", Kind.NONCE),
        ("'NONCE-abc'", Kind.NONCE),
        ("'sha256-abc_-+/='", Kind.HASH),
        ("'SHA512-abc'", Kind.HASH),
        ("", Kind.INVALID),
        ("'self", Kind.INVALID),
        ("'nonce-'", Kind.INVALID),
        ("'nonce-a b'", Kind.INVALID),
        ("'sha1-abc'", Kind.INVALID),
        ("*.*.example.com", Kind.INVALID),
        ("*example.com", Kind.INVALID),
        ("example.*", Kind.INVALID),
        (".example.com", Kind.INVALID),
        ("example..com", Kind.INVALID),
        ("example.com.", Kind.INVALID),
        ("exa_mple.com", Kind.INVALID),
        ("//example.com", Kind.INVALID),
        ("/path", Kind.INVALID),
        ("http://", Kind.INVALID),
        ("http:/", Kind.INVALID),
        ("*://example.com", Kind.INVALID),
        ("http://user@example.com", Kind.INVALID),
        ("http://[::1]", Kind.INVALID),
        ("example.com:", Kind.SCHEME),
        ("example.com:80a", Kind.INVALID),
        ("example.com?x", Kind.INVALID),
        ("example.com//x", Kind.INVALID),
        ("example.com/{x}", Kind.INVALID),
        ("example.com/%zz", Kind.INVALID),
        ("example.com\n", Kind.INVALID),
        ("https:\n", Kind.INVALID),
        ("bücher.example", Kind.INVALID),
        ('"example.com"', Kind.INVALID),
    ],
)
def test_a_source_expression_is_one_kind_by_the_grammar(text: str, kind: Kind) -> None:
    assert parse(text).kind is kind
    assert parse(text).text == text


def test_parts_of_a_host_source_are_kept() -> None:
    source = parse("HTTPS://*.Example.COM:8443/Path/?query#fragment")
    assert (source.scheme, source.host, source.port) == ("https", "*.example.com", "8443")
    assert source.path == "/Path/"


ADMITTED = [
    # schemes rise, and never fall
    ("http:", HTTP, "https://a.test/"),
    ("ws:", HTTP, "wss://a.test/"),
    ("https:", HTTP, "https://a.test:8443/"),
    ("http://a.test", HTTPS, "https://a.test/"),
    ("data:", HTTP, "data:,x"),
    ("blob:", HTTP, "blob:http://site.test/1"),
    ("filesystem:", HTTP, "filesystem:http://site.test/x"),
    # the scheme of the page stands in for a missing one
    ("a.test", HTTP, "http://a.test/"),
    ("a.test", HTTP, "https://a.test/"),
    ("a.test", HTTPS, "https://a.test/"),
    # hosts
    ("*.a.test", HTTP, "http://x.y.a.test/"),
    ("A.Test", HTTP, "http://a.test/"),
    ("xn--bcher-kva.test", HTTP, "http://bücher.test/"),
    ("10.1.2.3", HTTP, "http://10.1.2.3/"),
    ("localhost:*", HTTP, "http://localhost:5173/"),
    # ports
    ("a.test:80", HTTP, "http://a.test/"),
    ("a.test:0080", HTTP, "http://a.test/"),
    ("a.test:80", HTTP, "https://a.test/"),
    ("http://a.test:80", HTTPS, "https://a.test/"),
    ("ws://a.test:80", HTTP, "wss://a.test/"),
    ("a.test:443", HTTPS, "https://a.test/"),
    ("a.test:*", HTTPS, "https://a.test:9/"),
    # paths
    ("http://a.test/", HTTP, "http://a.test/x/y"),
    ("http://a.test/d/", HTTP, "http://a.test/d/e/f?g"),
    ("http://a.test/d/e", HTTP, "http://a.test/d/e?g#h"),
    ("http://a.test/%64", HTTP, "http://a.test/d"),
    ("http://a.test/d", HTTP, "http://a.test/%64"),
    ("http://a.test/a%20b/", HTTP, "http://a.test/a b/c"),
    ("http://a.test/p?query", HTTP, "http://a.test/p"),
    # the page itself
    ("'self'", HTTP, "http://site.test/x"),
    ("'self'", HTTP, "https://site.test/x"),
    ("'self'", HTTP, "wss://site.test/x"),
    ("'self'", HTTPS, "wss://site.test/x"),
    ("'self'", "http://site.test:8080/", "https://site.test:8080/"),
    ("'self'", "http://[::1]:8080/", "http://[::1]:8080/x"),
    # the star
    ("*", HTTP, "ws://a.test/"),
    ("*", "file:///index.html", "file:///tile.png"),
    ("*", "file:///index.html", "http://a.test/"),
]


@pytest.mark.parametrize(("text", "page", "target"), ADMITTED)
def test_a_source_admits(text: str, page: str, target: str) -> None:
    url = urls.parse(target)
    assert url is not None
    assert miss(parse(text), url, urls.parse(page), redirected=False) is None


REFUSED = [
    ("'none'", HTTP, "http://a.test/", Miss.NOT_A_URL_SOURCE),
    ("'unsafe-eval'", HTTP, "http://a.test/", Miss.NOT_A_URL_SOURCE),
    ("'nonce-abc'", HTTP, "http://a.test/", Miss.NOT_A_URL_SOURCE),
    ("https://*.a.*", HTTP, "http://x.a.test/", Miss.NOT_A_URL_SOURCE),
    ("self", HTTP, "http://site.test/", Miss.HOST),
    ("https:", HTTP, "http://a.test/", Miss.HOST),
    ("wss:", HTTP, "https://a.test/", Miss.HOST),
    ("http:", HTTP, "ws://a.test/", Miss.HOST),
    ("b.test", HTTP, "http://a.test/", Miss.HOST),
    ("a.test", HTTP, "http://a.test.evil.test/", Miss.HOST),
    ("*.a.test", HTTP, "http://nota.test/", Miss.HOST),
    ("*.a.test", HTTP, "http://a.test/", Miss.APEX),
    ("a.test", HTTP, "data:,a.test", Miss.HOST),
    ("https://a.test", HTTP, "http://a.test/", Miss.SCHEME),
    ("a.test", HTTPS, "http://a.test/", Miss.SCHEME_OF_PAGE),
    ("a.test", HTTPS, "wss://a.test/", Miss.SCHEME_OF_PAGE),
    ("a.test", "file:///index.html", "https://a.test/", Miss.SCHEME_OF_PAGE),
    ("a.test:8080", HTTP, "http://a.test/", Miss.PORT),
    ("a.test", HTTP, "http://a.test:8080/", Miss.PORT),
    ("a.test", HTTP, "https://a.test:80/", Miss.PORT),
    ("a.test:80", HTTPS, "https://a.test/", Miss.PORT),
    ("https://a.test:80", HTTP, "https://a.test/", Miss.PORT),
    ("a.test:80", HTTP, "http://a.test:443/", Miss.PORT),
    ("a.test:65536", HTTP, "http://a.test/", Miss.PORT),
    ("a.test:1" + "0" * 5000, HTTP, "http://a.test/", Miss.PORT),
    ("http://a.test/d", HTTP, "http://a.test/d/", Miss.PATH),
    ("http://a.test/d/", HTTP, "http://a.test/d", Miss.PATH),
    ("http://a.test/d/", HTTP, "http://a.test/de/", Miss.PATH),
    ("http://a.test/D", HTTP, "http://a.test/d", Miss.PATH),
    ("http://a.test/*", HTTP, "http://a.test/d", Miss.PATH),
    ("'self'", HTTPS, "http://site.test/", Miss.SELF),
    ("'self'", HTTPS, "ws://site.test/", Miss.SELF),
    ("'self'", HTTP, "http://www.site.test/", Miss.SELF),
    ("'self'", HTTP, "http://site.test:8080/", Miss.SELF),
    ("'self'", "http://site.test:8080/", "https://site.test/", Miss.SELF),
    ("'self'", HTTP, "https://site.test:8443/", Miss.SELF),
    ("'self'", HTTP, "blob:http://site.test/1", Miss.SELF),
    ("'self'", HTTP, "data:,x", Miss.SELF),
    ("*", HTTP, "data:,x", Miss.STAR),
    ("*", HTTP, "blob:http://site.test/1", Miss.STAR),
    ("*", HTTP, "filesystem:http://site.test/x", Miss.STAR),
    ("*", HTTP, "file:///x", Miss.STAR),
]


@pytest.mark.parametrize(("text", "page", "target", "expected"), REFUSED)
def test_a_source_does_not_admit(text: str, page: str, target: str, expected: Miss) -> None:
    url = urls.parse(target)
    assert url is not None
    assert miss(parse(text), url, urls.parse(page), redirected=False) is expected


def test_nothing_is_self_to_an_opaque_origin() -> None:
    url = urls.parse(HTTP)
    assert url is not None
    assert miss(parse("'self'"), url, None, redirected=False) is Miss.SELF
    assert miss(parse("site.test"), url, None, redirected=False) is Miss.SCHEME_OF_PAGE
    assert miss(parse("http://site.test"), url, None, redirected=False) is None


def test_a_redirect_leaves_only_the_path_out() -> None:
    page = urls.parse(HTTP)
    for target, expected in [
        ("http://a.test/elsewhere", None),
        ("http://a.test:81/d/e", Miss.PORT),
        ("http://b.test/d/e", Miss.HOST),
    ]:
        url = urls.parse(target)
        assert url is not None
        assert miss(parse("http://a.test/d/e"), url, page, redirected=True) is expected


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("http://a.test:8080", "https://a.test:8080/", True),
        ("http://a.test:8080", "http://a.test:8080/", False),
        ("http://a.test:80", "https://a.test/", False),
        ("http://a.test:443", "https://a.test/", False),
        ("http://a.test:*", "https://a.test:8080/", False),
        ("http:", "https://a.test:8080/", False),
    ],
)
def test_browsers_dispute_a_raised_scheme_on_a_port_of_its_own(
    text: str, target: str, expected: bool
) -> None:
    url = urls.parse(target)
    assert url is not None
    assert is_disputed(parse(text), url, urls.parse(HTTP)) is expected


@pytest.mark.parametrize(
    ("sources", "target", "expected"),
    [
        (["'none'"], "https://a.test/", "it admits nothing"),
        ([], "https://a.test/", "it admits nothing"),
        (["b.test", "https://a.test/x"], "https://a.test/", "nothing but its path"),
        (["https://a.test/x/"], "https://a.test/", "only what lies below its path"),
        (["https://a.test/*"], "https://a.test/x", "plain character"),
        (["a.test", "'self'"], "https://a.test:99/", "another port"),
        (["https://a.test"], "http://a.test/", "is for https:, not for http:"),
        (["a.test"], "http://a.test/", "so it is for https: like the page"),
        (["*.a.test"], "https://a.test/", "names below a.test"),
        (["self"], "https://site.test/", "write 'self'"),
        (["https://*.a.*"], "https://x.a.test/", "no source expression"),
        (["'self'"], "https://a.test/", "own origin"),
        (["*"], "blob:https://site.test/1", "does not cover blob:"),
        (["'unsafe-inline'"], "https://a.test/", "names no address"),
        (["b.test"], "https://a.test/", "names that host"),
        (["https:"], "data:,x", "names that scheme"),
    ],
)
def test_the_nearest_miss_is_explained(sources: list[str], target: str, expected: str) -> None:
    page, url = urls.parse(HTTPS), urls.parse(target)
    assert url is not None
    misses = []
    for source in map(parse, sources):
        missed = miss(source, url, page, redirected=False)
        assert missed is not None
        misses.append((missed, source))
    assert expected in explain(misses, url, page)


def test_what_is_shown_is_printable_and_short() -> None:
    assert shown("a\x1b[31mb\x07") == "a\ufffd[31mb\ufffd"
    assert len(shown("x" * 10_000)) == 121


@given(st.text(), st.sampled_from([HTTP, "https://a.test:99/b", "data:,x", "blob:http://a.test/1"]))
def test_any_text_is_some_source(text: str, target: str) -> None:
    url = urls.parse(target)
    assert url is not None
    source = parse(text)
    missed = miss(source, url, urls.parse(HTTP), redirected=False)
    if missed is not None:
        assert explain([(missed, source)], url, None)


@pytest.mark.parametrize(
    "text",
    ["a." * 500_000, "a" * 1_000_000 + ":", "h://" + "-" * 1_000_000, "a.test/" + "%4" * 500_000],
)
def test_a_megabyte_of_source_is_read_in_no_time(text: str) -> None:
    started = time.perf_counter()
    parse(text)
    assert time.perf_counter() - started < 1
