"""Mapbox's allowed URLs: every sentence and example of the token page, and what it leaves open.

https://docs.mapbox.com/accounts/guides/tokens/, "URL restrictions".
"""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagnostics.browser import url as urls
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, EntryProblem, EntryResult, decide
from diagnostics.provider.mapbox import Entry, Unreadable, lint, match, read_entry, suggest


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


# What to write instead.


@pytest.mark.parametrize(
    ("entry", "suggestion"),
    [
        ("localhost:*", "localhost"),
        ("http://localhost:*", "http://localhost"),
        ("http://localhost:*/", "http://localhost/"),
        ("*", None),
        ("**", None),
        ("*.*", None),
        ("https://*", None),
        ("*.example.com", "example.com"),
        ("*.*.example.com", "example.com"),
        ("**.example.com", "example.com"),
        ("*example.com", "example.com"),
        ("https://*.example.com/*", "https://example.com"),
        ("https://*.vercel.app", "https://vercel.app"),
        ("*://example.com", "example.com"),
        ("http*://example.com", "example.com"),
        ("example.com/*", "example.com"),
        ("example.com*", None),
        ("example.*", None),
        ("www.*.com", None),
        ("app-*.vercel.app", None),
        ("https://deploy-preview-*--site.netlify.app", None),
        ("example.com/*/maps", "example.com"),
        ("example.com/app/*.html", "example.com/app"),
        ("example.com/app*", "example.com"),
        ("example.com/app?x=*", "example.com/app"),
        ("example.com:3000/*", "example.com:3000"),
        ("127.0.0.1", "localhost"),
        ("127.0.0.1:3000", "localhost:3000"),
        ("http://127.0.0.1:*", "http://localhost"),
        ("127.1", "localhost"),
        ("0x7f.1:80", "localhost:80"),
        ("0.0.0.0:8080", "localhost:8080"),
        ("[::1]:3000", "localhost:3000"),
        ("::1", "localhost"),
        ("192.168.1.5", None),
        ("192.168.*.*", None),
        ("10.*", None),
        ("127.0.0.1.nip.io", None),
        ("//example.com", "example.com"),
        ("https:/example.com", "https://example.com"),
        ("http//example.com/x", "http://example.com/x"),
        ("user@example.com", "example.com"),
        ("https://u:p@example.com:3000/x", "https://example.com:3000/x"),
        ("example.com:", "example.com"),
        ('"example.com"', "example.com"),
        ("example.com#map", "example.com"),
        ("file://*", None),
        ("file:///map.html", None),
        ("http://", None),
        ("", None),
        ("data:text", None),
        ("exa mple.com", None),
        ("example.com", None),
    ],
)
def test_suggestions(entry: str, suggestion: str | None) -> None:
    assert suggest(entry) == suggestion


def only_problem(entry: str) -> EntryProblem:
    (problem,) = lint([entry])
    return problem


def test_a_wildcard_port_has_to_be_named() -> None:
    problem = only_problem("http://localhost:*")
    assert problem.suggestion == "http://localhost"
    assert "The port has to be named" in problem.says
    assert "localhost:3000" in problem.says


def test_a_wildcard_under_which_anybody_has_a_name() -> None:
    problem = only_problem("https://*.vercel.app")
    assert problem.suggestion is None
    assert "everybody" in problem.says
    assert mapbox.admits_strangers("vercel.app")
    assert not mapbox.admits_strangers("shop.vercel.app")
    assert not mapbox.admits_strangers("*")


def test_an_app_cannot_be_listed() -> None:
    assert only_problem("capacitor://localhost").suggestion is None


def test_everything_is_no_entry() -> None:
    assert "without allowed URLs" in only_problem("*").says


@pytest.mark.parametrize(
    ("entry", "problem", "severity", "suggestion"),
    [
        ("EXAMPLE.com", "undocumented", "warning", "example.com"),
        (" example.com ", "undocumented", "warning", "example.com"),
        ("example.com.:8000", "undocumented", "warning", "example.com:8000"),
        ("bücher.example", "undocumented", "warning", "xn--bcher-kva.example"),
        ("HTTPS://example.com", "undocumented", "warning", "https://example.com"),
        ("example.com#x", "undocumented", "warning", "example.com"),
        ("example.com/path", "path", "warning", "example.com"),
        ("example.com:8000/path", "path", "warning", "example.com:8000"),
        ("example.com/?page=1", "path", "warning", "example.com"),
        ("api.mapbox.com", "api-host", "warning", None),
        ("localhost", "port", "warning", None),
        ("http://app.localhost", "port", "warning", None),
        ("vercel.app", "public-suffix", "warning", None),
        ("co.uk", "public-suffix", "warning", None),
        ("www.example.com", "www", "info", "example.com"),
        ("https://www.example.com", "www", "info", "https://example.com"),
        ("http://example.com", "scheme", "info", "example.com"),
    ],
)
def test_what_is_doubtful(entry: str, problem: str, severity: str, suggestion: str | None) -> None:
    found = {p.problem: p for p in lint([entry])}
    assert problem in found
    assert (found[problem].severity, found[problem].suggestion) == (severity, suggestion)


@pytest.mark.parametrize(
    "entry",
    ["example.com", "https://example.com", "docs.example.com", "localhost:3000", "example.com/"],
)
def test_what_is_in_order(entry: str) -> None:
    assert lint([entry]) == []


def test_a_list() -> None:
    found = [(p.entry, p.problem) for p in lint(["example.com", "shop.example.com", "example.com"])]
    assert found == [("example.com", "duplicate"), ("shop.example.com", "covered")]
    many = lint([f"a{n}.example.com" for n in range(101)])
    assert [p.problem for p in many] == ["too-many"]
    assert "101 entries" in many[0].says


def test_an_entry_with_a_port_is_not_covered_by_one_without() -> None:
    assert "covered" not in {p.problem for p in lint(["example.com", "a.example.com:8000"])}


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


# Properties.

LABEL = st.text("abcxyz019-", min_size=1, max_size=6).filter(
    lambda label: label.strip("-") == label and not label.isdigit()
)
HOST = st.lists(LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "example"]))
PORT = st.sampled_from(["", ":80", ":443", ":3000"])
PATH = st.sampled_from(["", "/", "/a", "/a/b", "/A", "/a?x=1"])
ENTRIES = st.builds(
    "{}{}{}{}".format, st.sampled_from(["", "http://", "https://"]), HOST, PORT, PATH
)
REFERERS = st.builds("{}{}{}{}".format, st.sampled_from(["http://", "https://"]), HOST, PORT, PATH)
ODD = st.text(max_size=30) | st.text("*./:@[]#?ahttps01x%\\", max_size=20)


@settings(deadline=None)
@given(ODD, ODD | REFERERS | st.none())
def test_any_text_can_be_asked(entry: str, referer: str | None) -> None:
    found = match(referer, entry)
    assert found.says
    for problem in lint([entry]):
        assert problem.suggestion is None or isinstance(read_entry(problem.suggestion), Entry)
    better = suggest(entry)
    assert better is None or isinstance(read_entry(better), Entry)


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
@given(
    scheme=st.sampled_from(["", "http://", "https://"]),
    wild_host=st.sampled_from(["", "*.", "*.*.", "**."]),
    host=HOST,
    path=st.sampled_from(["", "/*", "/app/*", "/app/*/x", "/*.html"]),
    label=LABEL,
    rest=st.sampled_from(["x", "y.html"]),
)
def test_a_suggestion_admits_what_was_meant(
    scheme: str, wild_host: str, host: str, path: str, label: str, rest: str
) -> None:
    entry = f"{scheme}{wild_host}{host}{path}"
    assume("*" in entry)
    better = suggest(entry)
    assert better is not None
    meant_host = f"{label}.{host}" if wild_host else host
    meant = f"{scheme or 'https://'}{meant_host}{path.replace('*', rest)}"
    assert result(meant, better) == "match"
    assert lint([better]) == [] or all(p.severity != "error" for p in lint([better]))


@pytest.mark.parametrize("hostile", ["*", ".", "a.", "[", "::", "@", "%", "https://", "/*", "\\"])
def test_cost_is_linear(hostile: str) -> None:
    entry = hostile * (200_000 // len(hostile))
    start = time.process_time()
    lint([entry])
    match("https://example.com/", entry)
    assert time.process_time() - start < 2


def test_a_very_long_list_is_checked_in_time() -> None:
    start = time.process_time()
    problems = lint([f"a{n}.example.com" for n in range(20_000)])
    assert problems[-1].problem == "too-many"
    assert time.process_time() - start < 5
