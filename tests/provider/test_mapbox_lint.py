"""What is wrong with Mapbox's allowed URLs, and what to write instead."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagnostics.provider.allowed_urls import EntryProblem
from diagnostics.provider.mapbox_entry import Entry, read_entry
from diagnostics.provider.mapbox_lint import admits_strangers, lint, meant, suggest
from diagnostics.provider.mapbox_match import match
from tests.provider.conftest import HOST, LABEL, ODD


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
    assert admits_strangers("vercel.app")
    assert not admits_strangers("shop.vercel.app")
    assert not admits_strangers("*")


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
        ("https.//example.com", "undocumented", "warning", None),
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
    assert match(meant, better).result.value == "match"
    assert lint([better]) == [] or all(p.severity != "error" for p in lint([better]))


def test_a_very_long_list_is_checked_in_time() -> None:
    start = time.process_time()
    problems = lint([f"a{n}.example.com" for n in range(20_000)])
    assert problems[-1].problem == "too-many"
    assert time.process_time() - start < 5


@settings(deadline=None)
@given(ODD)
def test_any_text_can_be_checked(entry: str) -> None:
    for problem in lint([entry]):
        assert problem.suggestion is None or isinstance(read_entry(problem.suggestion), Entry)
    better = suggest(entry)
    assert better is None or isinstance(read_entry(better), Entry)


@pytest.mark.parametrize("hostile", ["*", ".", "a.", "[", "::", "@", "%", "https://", "/*", "\\"])
def test_cost_is_linear(hostile: str) -> None:
    entry = hostile * (200_000 // len(hostile))
    start = time.process_time()
    lint([entry])
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("example.com", ("example.com",)),
        ("*.example.com", ("example.com",)),
        (" Shop.Example.com ", ("shop.example.com",)),
        ("https://EXAMPLE.com:8443/App", ("https://example.com:8443/App",)),
        ("a.example, B.example", ("a.example", "b.example")),
        ("a.example,b.example;*", ()),
        ("*", ()),
        ("", ()),
        ("*.vercel.app", ()),
        ("203.0.113.5", ()),
    ],
)
def test_what_was_meant(text: str, entries: tuple[str, ...]) -> None:
    assert meant(text) == entries
    assert all(isinstance(read_entry(entry), Entry) for entry in entries)


def test_an_entry_with_a_port_covers_no_other_port() -> None:
    kinds = [problem.problem for problem in lint(["www.example.com", "example.com:443"])]
    assert "covered" not in kinds
    kinds = [problem.problem for problem in lint(["www.example.com:443", "example.com:443"])]
    assert "covered" in kinds
