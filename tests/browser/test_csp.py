"""Content Security Policies: parsing, and the question whether a request may leave."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.browser.csp import (
    FALLBACKS,
    Answer,
    Policy,
    allows,
    blocks_all_mixed_content,
    makes_origin_opaque,
    obsolete_referrer,
    parse,
    parse_headers,
    parse_meta,
    sandbox_flags,
    upgrades_insecure_requests,
)

PAGE = "https://maps.example/"
STYLE = "https://api.mapbox.com/styles/v1/mapbox/streets-v12?access_token=pk.secret"
TILE = "https://a.tiles.mapbox.com/v4/1/1/1.vector.pbf"
SCRIPT = "https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js"
BLOB = "blob:https://maps.example/7d1c"
DATA = "data:image/png;base64,AAAA"
#: What the provider's documentation recommends for GL JS.
MAP = (
    "worker-src blob:; child-src blob:; img-src data: blob:; "
    "connect-src https://*.tiles.mapbox.com https://api.mapbox.com https://events.mapbox.com"
)


def ask(policy: str, to: str, directive: str, page: str = PAGE, redirected: bool = False) -> Answer:
    return allows(parse_headers([policy]), page, to, directive, redirected)


# (policy, to, directive, allowed, deciding directive, admitting source); page is PAGE.
CASES: list[tuple[str, str, str, bool, str | None, str | None]] = [
    # nothing applies
    ("", STYLE, "connect-src", True, None, None),
    (";;", STYLE, "connect-src", True, None, None),
    ("img-src 'none'", STYLE, "connect-src", True, None, None),
    ("script-src 'none'; style-src 'none'", STYLE, "font-src", True, None, None),
    ("connect_src 'none'", STYLE, "connect-src", True, None, None),
    ("frame-ancestors 'none'; base-uri 'none'", STYLE, "connect-src", True, None, None),
    ("script-src-elem 'none'", STYLE, "worker-src", True, None, None),
    ("default-src 'none'", STYLE, "form-action", True, None, None),
    ("default-src 'none'", STYLE, "base-uri", True, None, None),
    ("made-up 'none'", STYLE, "made-up", True, None, None),
    # the directive itself
    (MAP, STYLE, "connect-src", True, "connect-src", "https://api.mapbox.com"),
    (MAP, TILE, "connect-src", True, "connect-src", "https://*.tiles.mapbox.com"),
    (MAP, "https://tiles.mapbox.com/", "connect-src", False, "connect-src", None),
    (MAP, "https://cdn.mapbox.com/", "connect-src", False, "connect-src", None),
    (MAP, STYLE, "img-src", False, "img-src", None),
    (MAP, DATA, "img-src", True, "img-src", "data:"),
    (MAP, BLOB, "img-src", True, "img-src", "blob:"),
    (MAP, BLOB, "worker-src", True, "worker-src", "blob:"),
    (MAP, STYLE, "font-src", True, None, None),
    ("connect-src 'none'", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src 'none' https:", STYLE, "connect-src", True, "connect-src", "https:"),
    ("connect-src 'none' 'none'", STYLE, "connect-src", False, "connect-src", None),
    ("form-action 'self'", STYLE, "form-action", False, "form-action", None),
    ("base-uri 'self'", PAGE, "base-uri", True, "base-uri", "'self'"),
    # the first source that admits is the one named
    ("connect-src 'self' https: *", STYLE, "connect-src", True, "connect-src", "https:"),
    ("connect-src * https:", STYLE, "connect-src", True, "connect-src", "*"),
    # how it is written
    ("Connect-SRC https:", STYLE, "connect-src", True, "connect-src", "https:"),
    ("connect-src\thttps:", STYLE, "connect-src", True, "connect-src", "https:"),
    ("connect-src\n\f\rHTTPS:", STYLE, "connect-src", True, "connect-src", "HTTPS:"),
    ("connect-src https:;", STYLE, "CONNECT-SRC", True, "connect-src", "https:"),
    ("connect-src\xa0https:", STYLE, "connect-src", True, None, None),
    ("connect-src bücher.example", STYLE, "connect-src", True, None, None),
    ("connect-src é; default-src 'none'", STYLE, "connect-src", False, "default-src", None),
    ("connect-src https:; connect-src 'none'", STYLE, "connect-src", True, "connect-src", "https:"),
    ("connect-src 'none'; connect-src https:", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src self", PAGE, "connect-src", False, "connect-src", None),
    ("connect-src 'self'", PAGE, "connect-src", True, "connect-src", "'self'"),
    # default-src answers for all that fetch
    ("default-src 'self'", STYLE, "connect-src", False, "default-src", None),
    ("default-src https:", STYLE, "connect-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "img-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "font-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "media-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "object-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "manifest-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "prefetch-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "frame-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "child-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "worker-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "script-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "script-src-elem", True, "default-src", "https:"),
    ("default-src https:", STYLE, "script-src-attr", True, "default-src", "https:"),
    ("default-src https:", STYLE, "style-src", True, "default-src", "https:"),
    ("default-src https:", STYLE, "style-src-elem", True, "default-src", "https:"),
    ("default-src https:", STYLE, "style-src-attr", True, "default-src", "https:"),
    ("default-src https:", STYLE, "default-src", True, "default-src", "https:"),
    ("default-src 'none'; connect-src https:", STYLE, "connect-src", True, "connect-src", "https:"),
    ("default-src https:; connect-src 'none'", STYLE, "connect-src", False, "connect-src", None),
    ("default-src https:; connect-src", STYLE, "connect-src", False, "connect-src", None),
    # workers: worker-src, child-src, script-src, default-src
    ("worker-src blob:; child-src 'none'", BLOB, "worker-src", True, "worker-src", "blob:"),
    ("child-src blob:; script-src 'none'", BLOB, "worker-src", True, "child-src", "blob:"),
    ("child-src 'none'; script-src blob:", BLOB, "worker-src", False, "child-src", None),
    ("script-src blob:; default-src 'none'", BLOB, "worker-src", True, "script-src", "blob:"),
    ("script-src 'self'; default-src blob:", BLOB, "worker-src", False, "script-src", None),
    ("script-src-elem 'none'; default-src blob:", BLOB, "worker-src", True, "default-src", "blob:"),
    ("frame-src 'none'; default-src blob:", BLOB, "worker-src", True, "default-src", "blob:"),
    ("default-src 'self'", BLOB, "worker-src", False, "default-src", None),
    ("default-src *", BLOB, "worker-src", False, "default-src", None),
    ("worker-src 'self'", "https://maps.example/w.js", "worker-src", True, "worker-src", "'self'"),
    ("worker-src 'self'", BLOB, "worker-src", False, "worker-src", None),
    ("worker-src 'self' data:", BLOB, "worker-src", False, "worker-src", None),
    # frames: frame-src, child-src, default-src
    ("frame-src https:; child-src 'none'", STYLE, "frame-src", True, "frame-src", "https:"),
    ("child-src https:; default-src 'none'", STYLE, "frame-src", True, "child-src", "https:"),
    ("worker-src 'none'; default-src https:", STYLE, "frame-src", True, "default-src", "https:"),
    ("script-src 'none'", STYLE, "frame-src", True, None, None),
    ("frame-src 'none'", "about:blank", "frame-src", True, None, None),
    ("frame-src 'none'", "about:srcdoc", "frame-src", True, None, None),
    ("frame-src 'none'", "data:text/html,x", "frame-src", False, "frame-src", None),
    ("frame-src data:", "data:text/html,x", "frame-src", True, "frame-src", "data:"),
    ("child-src 'none'", STYLE, "child-src", False, "child-src", None),
    # scripts and styles
    ("script-src-elem https:; script-src 'none'", SCRIPT, "script-src-elem", True,
     "script-src-elem", "https:"),
    ("script-src https:; default-src 'none'", SCRIPT, "script-src-elem", True,
     "script-src", "https:"),
    ("script-src-elem 'none'; script-src https:", SCRIPT, "script-src", True,
     "script-src", "https:"),
    ("script-src 'self' https://api.mapbox.com/mapbox-gl-js/", SCRIPT, "script-src", True,
     "script-src", "https://api.mapbox.com/mapbox-gl-js/"),
    ("script-src 'unsafe-inline' 'unsafe-eval'", SCRIPT, "script-src", False, "script-src", None),
    ("script-src 'wasm-unsafe-eval' 'report-sample'", SCRIPT, "script-src", False,
     "script-src", None),
    ("style-src https:; default-src 'none'", SCRIPT, "style-src-elem", True, "style-src", "https:"),
    ("style-src-elem 'none'; style-src https:", SCRIPT, "style-src-elem", False,
     "style-src-elem", None),
    ("style-src 'self' 'unsafe-inline'", SCRIPT, "style-src", False, "style-src", None),
    # strict-dynamic: for scripts and workers only, hosts do not count
    ("script-src 'strict-dynamic' https:", SCRIPT, "script-src", False, "script-src", None),
    ("default-src 'strict-dynamic' https:", SCRIPT, "script-src-elem", False, "default-src", None),
    ("script-src 'strict-dynamic'", BLOB, "worker-src", True, "script-src", "'strict-dynamic'"),
    ("worker-src 'Strict-Dynamic'", BLOB, "worker-src", True, "worker-src", "'Strict-Dynamic'"),
    ("style-src 'strict-dynamic' https:", SCRIPT, "style-src", True, "style-src", "https:"),
    ("default-src 'strict-dynamic' https:", STYLE, "connect-src", True, "default-src", "https:"),
    # schemes, hosts, ports, paths
    ("connect-src http://api.mapbox.com", STYLE, "connect-src", True, "connect-src",
     "http://api.mapbox.com"),
    ("connect-src https:", "http://api.mapbox.com/", "connect-src", False, "connect-src", None),
    ("connect-src api.mapbox.com", STYLE, "connect-src", True, "connect-src", "api.mapbox.com"),
    ("connect-src api.mapbox.com", "http://api.mapbox.com/", "connect-src", False,
     "connect-src", None),
    ("connect-src mapbox.com", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src *.mapbox.com", STYLE, "connect-src", True, "connect-src", "*.mapbox.com"),
    ("connect-src *.mapbox.com", TILE, "connect-src", True, "connect-src", "*.mapbox.com"),
    ("connect-src *.mapbox.com", "https://mapbox.com/", "connect-src", False, "connect-src", None),
    ("connect-src *.api.mapbox.com", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src https://*.mapbox.*", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src *mapbox.com", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src https://api.mapbox.com:443", STYLE, "connect-src", True, "connect-src",
     "https://api.mapbox.com:443"),
    ("connect-src https://api.mapbox.com:*", STYLE, "connect-src", True, "connect-src",
     "https://api.mapbox.com:*"),
    ("connect-src https://api.mapbox.com:8443", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src https://api.mapbox.com/styles/", STYLE, "connect-src", True, "connect-src",
     "https://api.mapbox.com/styles/"),
    ("connect-src https://api.mapbox.com/styles", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src https://api.mapbox.com/styles/*", STYLE, "connect-src", False,
     "connect-src", None),
    ("connect-src https://api.mapbox.com/*", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src *", STYLE, "connect-src", True, "connect-src", "*"),
    ("connect-src *", "wss://a.example/", "connect-src", True, "connect-src", "*"),
    ("img-src *", DATA, "img-src", False, "img-src", None),
    ("img-src * data:", DATA, "img-src", True, "img-src", "data:"),
    ("connect-src 'self' blob: data:", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src 'self'", "wss://maps.example/live", "connect-src", True, "connect-src",
     "'self'"),
    # several policies in one header: every one has to admit
    ("connect-src https:, connect-src 'self'", STYLE, "connect-src", False, "connect-src", None),
    ("connect-src https://a.example,https://b.example", "https://b.example/", "connect-src",
     False, "connect-src", None),
    ("connect-src https:, img-src 'none'", STYLE, "connect-src", True, "connect-src", "https:"),
    ("img-src 'none', default-src *", STYLE, "connect-src", True, "default-src", "*"),
    ("default-src 'self', connect-src https:", STYLE, "connect-src", False, "default-src", None),
    (", ,connect-src https:,", STYLE, "connect-src", True, "connect-src", "https:"),
    # upgrade-insecure-requests comes first
    ("upgrade-insecure-requests; img-src https:", "http://a.example/x", "img-src", True,
     "img-src", "https:"),
    ("upgrade-insecure-requests; img-src https://a.example:8080", "http://a.example:8080/x",
     "img-src", True, "img-src", "https://a.example:8080"),
    ("upgrade-insecure-requests, img-src https:", "http://a.example/x", "img-src", True,
     "img-src", "https:"),
    ("upgrade-insecure-requests; img-src 'self'", "http://a.example/x", "img-src", False,
     "img-src", None),
    # what is no directive for requests changes nothing
    ("block-all-mixed-content; report-uri /r; report-to x; connect-src https:", STYLE,
     "connect-src", True, "connect-src", "https:"),
    ("referrer no-referrer; sandbox allow-scripts; connect-src https:", STYLE,
     "connect-src", True, "connect-src", "https:"),
    ("require-trusted-types-for 'script'; trusted-types default", SCRIPT, "script-src", True,
     None, None),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "to", "directive", "allowed", "decided", "source"), CASES)
def test_a_policy_answers_with_the_directive_and_source_that_decide(
    policy: str, to: str, directive: str, allowed: bool, decided: str | None, source: str | None
) -> None:
    answer = ask(policy, to, directive)
    assert (answer.allowed, answer.directive, answer.source) == (allowed, decided, source)
    assert answer.says.endswith(".")
    assert "pk.secret" not in answer.says


# (policy, page, to, allowed): connect-src.
ORIGINS = [
    ("connect-src 'self'", "http://maps.example/", "https://maps.example/x", True),
    ("connect-src 'self'", "https://maps.example/", "http://maps.example/x", False),
    ("connect-src 'self'", "http://localhost:3000/", "http://localhost:3000/x", True),
    ("connect-src 'self'", "http://localhost:3000/", "http://localhost:3001/x", False),
    ("connect-src 'self'", "http://localhost:3000/", "ws://localhost:3000/hmr", True),
    ("connect-src 'self'", "http://localhost:3000/", "http://127.0.0.1:3000/x", False),
    ("connect-src 'self'", BLOB, "https://maps.example/x", True),
    ("connect-src maps.example", BLOB, "https://maps.example/x", True),
    ("connect-src 'self'", "data:text/html,x", "https://maps.example/x", False),
    ("connect-src 'self'", "about:blank", "https://maps.example/x", False),
    ("connect-src api.mapbox.com", "about:srcdoc", STYLE, False),
    ("connect-src https://api.mapbox.com", "about:srcdoc", STYLE, True),
    ("connect-src *", "data:text/html,x", STYLE, True),
    ("connect-src *", "data:text/html,x", "data:,x", False),
    ("connect-src api.mapbox.com", "file:///C:/map.html", STYLE, False),
    ("connect-src https://api.mapbox.com", "file:///C:/map.html", STYLE, True),
    ("connect-src api.mapbox.com", "capacitor://localhost/", STYLE, False),
    ("connect-src *", "capacitor://localhost/", STYLE, True),
    ("connect-src *", "capacitor://localhost/", "capacitor://localhost/x", True),
    ("connect-src https:", "not a url", STYLE, True),
    ("connect-src 'self'", "not a url", STYLE, False),
]


@pytest.mark.parametrize(("policy", "page", "to", "allowed"), ORIGINS)
def test_self_and_bare_hosts_follow_the_page(
    policy: str, page: str, to: str, allowed: bool
) -> None:
    assert ask(policy, to, "connect-src", page).allowed is allowed


@pytest.mark.parametrize(
    ("policy", "to", "allowed"),
    [
        ("img-src a.example b.example/path", "https://b.example/not-path", True),
        ("img-src a.example b.example/path/", "https://b.example/", True),
        ("img-src a.example b.example:8443/path", "https://b.example/not-path", False),
        ("img-src a.example http://c.example/path", "https://b.example/path", False),
    ],
)
def test_after_a_redirect_paths_do_not_count(policy: str, to: str, allowed: bool) -> None:
    assert ask(policy, to, "img-src", redirected=True).allowed is allowed
    assert not ask(policy, to, "img-src", redirected=False).allowed


MEASURED = json.loads((Path(__file__).parent / "csp_measured.json").read_text("utf-8"))


def _measured_id(row: dict[str, str]) -> str:
    return f"{row['policy']} | {row['page']} | {row['to'][:50]}"


@pytest.mark.parametrize("row", MEASURED, ids=_measured_id)
def test_the_answer_is_what_browsers_do(row: dict[str, object]) -> None:
    """Measured in Chromium 156 and Firefox ESR 153 by securitypolicyviolation events; Firefox is
    null where the page was https. Where both agree, so does the answer, unless it says that it
    cannot know."""
    policy, page, to, directive = (str(row[k]) for k in ("policy", "page", "to", "directive"))
    policies = parse_meta(policy) if row["meta"] else parse_headers([policy])
    answer = allows(policies, page, to, directive)
    seen = {row["chromium"], row["firefox"]} - {None}
    assert answer.allowed in seen or not answer.certain


def test_measurements_cover_enough_to_mean_something() -> None:
    agreed = [row for row in MEASURED if row["chromium"] == row["firefox"]]
    assert len(agreed) > 200
    assert len({row["directive"] for row in MEASURED}) >= 8
    assert 0.3 < sum(row["chromium"] for row in MEASURED) / len(MEASURED) < 0.7


@pytest.mark.parametrize(
    ("policy", "to", "directive", "words"),
    [
        ("script-src 'nonce-abc'", SCRIPT, "script-src-elem", "nonce or hash may load"),
        ("style-src 'sha256-abc='", SCRIPT, "style-src", "nonce or hash may load"),
        ("script-src 'strict-dynamic' https:", SCRIPT, "script-src", "cannot be told"),
        ("connect-src http://a.example:8080", "https://a.example:8080/", "connect-src",
         "Chromium refuses"),
        ("upgrade-insecure-requests; connect-src https:", "http://a.example/", "connect-src",
         "fetch()"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_is_said(policy: str, to: str, directive: str, words: str) -> None:
    answer = ask(policy, to, directive)
    assert not answer.certain
    assert words in answer.says


@pytest.mark.parametrize(
    ("policy", "to", "directive"),
    [
        ("img-src 'nonce-abc'", DATA, "img-src"),
        ("script-src 'nonce-abc'", BLOB, "worker-src"),
        ("script-src 'nonce-abc' https:", SCRIPT, "script-src"),
        ("upgrade-insecure-requests; connect-src *", "http://a.example/", "connect-src"),
        ("upgrade-insecure-requests; connect-src https:", STYLE, "connect-src"),
    ],
)
def test_what_can_be_known_is_certain(policy: str, to: str, directive: str) -> None:
    assert ask(policy, to, directive).certain


def test_a_certain_refusal_comes_before_an_uncertain_one() -> None:
    answer = ask("script-src 'nonce-a', default-src 'self'", SCRIPT, "script-src-elem")
    assert (answer.allowed, answer.directive, answer.certain) == (False, "default-src", True)


def test_says_names_the_fallback_and_the_nearest_miss() -> None:
    says = ask("default-src 'self'; img-src *", STYLE, "connect-src").says
    assert says == (
        "There is no connect-src, so default-src of the header policy decides: it does not admit "
        "https://api.mapbox.com: 'self' is the page's own origin."
    )
    says = ask("connect-src 'self' https://api.mapbox.com/v4/", STYLE, "connect-src").says
    assert "https://api.mapbox.com/v4/ covers only what lies below its path" in says


def test_a_url_that_is_none_is_not_fetched() -> None:
    answer = ask("", "http://[", "connect-src")
    assert (answer.allowed, answer.directive) == (False, None)


def test_parsing_keeps_unknown_directives_and_the_order() -> None:
    policy = parse(" Foo-Bar  a\tB a; connect-src 'self';foo-bar c;; sandbox ")
    assert policy.directives == (
        ("foo-bar", ("a", "B")),
        ("connect-src", ("'self'",)),
        ("sandbox", ()),
    )
    assert policy.get("foo-bar") == ("a", "B")
    assert policy.get("absent") is None


def test_header_lines_and_commas_make_policies() -> None:
    policies = parse_headers(["connect-src a, img-src b;", "", " , font-src c"])
    assert [policy.directives[0][0] for policy in policies] == [
        "connect-src",
        "img-src",
        "font-src",
    ]
    assert {policy.source for policy in policies} == {"header"}


def test_a_meta_policy_is_one_policy_without_some_directives() -> None:
    text = "sandbox; frame-ancestors 'none'; report-uri /x; connect-src a, img-src b"
    (policy,) = parse_meta(text)
    assert policy == Policy((("connect-src", ("a,", "img-src", "b")),), "meta")
    assert parse_meta("sandbox") == ()
    assert parse_meta(" ;; ") == ()


@pytest.mark.parametrize(
    ("headers", "flags", "opaque"),
    [
        ([], None, False),
        (["connect-src https:"], None, False),
        (["sandbox"], set(), True),
        (["sandbox allow-scripts"], {"allow-scripts"}, True),
        (["SANDBOX Allow-Same-Origin"], {"allow-same-origin"}, False),
        (["sandbox allow-same-origin, sandbox allow-scripts"], set(), True),
        (
            ["sandbox allow-same-origin allow-scripts", "sandbox allow-scripts allow-same-origin"],
            {"allow-same-origin", "allow-scripts"},
            False,
        ),
    ],
)
def test_sandbox(headers: list[str], flags: set[str] | None, opaque: bool) -> None:
    policies = parse_headers(headers)
    assert sandbox_flags(policies) == flags
    assert (makes_origin_opaque(policies) is not None) is opaque


def test_a_sandbox_in_meta_is_no_sandbox() -> None:
    assert makes_origin_opaque(parse_meta("sandbox allow-scripts; img-src *")) is None


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("connect-src *", None),
        ("referrer no-referrer", "no-referrer"),
        ("img-src *, Referrer  never  x", "never x"),
        ("referrer", ""),
    ],
)
def test_obsolete_referrer(header: str, value: str | None) -> None:
    assert obsolete_referrer(parse_headers([header])) == value


def test_upgrade_and_mixed_content_are_seen() -> None:
    policies = parse_headers(["img-src *, UPGRADE-insecure-requests; Block-All-Mixed-Content"])
    assert upgrades_insecure_requests(policies)
    assert blocks_all_mixed_content(policies)
    assert not upgrades_insecure_requests(policies[:1])
    assert not blocks_all_mixed_content(policies[:1])


PIECES = st.sampled_from(
    ["connect-src", "default-src", "script-src", "worker-src", "'self'", "'none'", "*", "https:",
     "http:", "blob:", "data:", "a.example", "*.example", "https://a.example:*/p/", "sandbox",
     "'strict-dynamic'", "'nonce-a'", ";", ";", ",", "upgrade-insecure-requests", "\t", "é"]
)  # fmt: skip
POLICY = st.one_of(st.text(), st.lists(PIECES, max_size=12).map(" ".join))
TARGET = st.one_of(
    st.text(),
    st.sampled_from(
        [STYLE, BLOB, DATA, "http://a.example/p/q", "https://b.a.example:99/", "ws://a.example/"]
    ),
)
DIRECTIVE = st.sampled_from([*FALLBACKS, "made-up", ""])
WEB = st.builds(
    "{}://{}{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.example", "localhost", "10.0.0.1", "[::1]"]),
    st.sampled_from(["", ":1", ":443", ":80", ":65535"]),
    st.text("abc/%?#.*", max_size=10),
)


@given(POLICY, st.one_of(TARGET, st.text()), TARGET, st.one_of(DIRECTIVE, st.text()), st.booleans())
def test_no_text_makes_it_raise(
    policy: str, page: str, to: str, directive: str, redirected: bool
) -> None:
    policies = parse_headers([policy]) + parse_meta(policy)
    answer = allows(policies, page, to, directive, redirected)
    assert answer.says
    assert answer.source is None or answer.allowed
    sandbox_flags(policies)
    obsolete_referrer(policies)


@given(st.lists(POLICY, max_size=4), POLICY, TARGET, DIRECTIVE)
def test_one_policy_more_never_allows_more(
    some: list[str], more: str, to: str, directive: str
) -> None:
    # upgrade-insecure-requests changes the URL that is asked about, so it may help.
    more = more.replace("upgrade", "")
    before = allows(parse_headers(some), PAGE, to, directive)
    after = allows(parse_headers([*some, more]), PAGE, to, directive)
    assert before.allowed or not after.allowed


@given(POLICY, TARGET, DIRECTIVE.filter(FALLBACKS.__contains__))
def test_none_refuses_everything(policy: str, to: str, directive: str) -> None:
    refusing = parse_headers([f"{directive} 'none'"])
    answer = allows(parse_headers([policy]) + refusing, PAGE, to, directive)
    assert not answer.allowed or to.startswith("about:")


@given(WEB, DIRECTIVE.filter(FALLBACKS.__contains__), st.sampled_from([PAGE, "file:///x", ""]))
def test_a_star_admits_every_web_address(to: str, directive: str, page: str) -> None:
    assert ask(f"{directive} *", to, directive, page).allowed


@given(POLICY, TARGET, DIRECTIVE)
def test_a_redirect_never_refuses_more(policy: str, to: str, directive: str) -> None:
    if ask(policy, to, directive).allowed:
        assert ask(policy, to, directive, redirected=True).allowed


@pytest.mark.parametrize("unit", ["a.example ", "x;", "connect-src x,", "' ", "connect-src;", "\t"])
def test_megabytes_of_header_cost_little(unit: str) -> None:
    def cost(size: int) -> float:
        text = "connect-src " + unit * (size // len(unit))
        started = time.perf_counter()
        allows(parse_headers([text]), PAGE, STYLE, "connect-src")
        return time.perf_counter() - started

    cost(30_000)
    small, large = cost(300_000), cost(3_000_000)
    assert large < 30 * small + 3  # a quadratic one takes minutes
