"""What the HTML reader finds in markup, and what it leaves out."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.browser.html import (
    MAX_ATTRIBUTES,
    MAX_LENGTH,
    MAX_SCRIPT_TEXT,
    MAX_TAGS,
    DocumentPolicies,
    read,
)

URL = "https://maps.example/dir/page.html"


def referrers(html: str | bytes) -> list[str]:
    return [meta.content for meta in read(html, URL).meta_referrer]


def policies(html: str | bytes) -> list[str]:
    return [meta.content for meta in read(html, URL).meta_csp]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<meta name=referrer content=no-referrer>", ["no-referrer"]),
        ("<META NAME='REFERRER' CONTENT=\"Origin\">", ["Origin"]),
        ("<meta content=never name=referrer>", ["never"]),
        ("<head><meta name=referrer content=always></head>", ["always"]),
        ("<body><meta name=referrer content=default>", ["default"]),
        ("<p>text<div><meta name=referrer content=origin></div>", ["origin"]),
        ("<meta name=referrer content=origin><meta name=referrer content=x>", ["origin", "x"]),
        ("<meta name=referrer content=' same-origin '>", [" same-origin "]),
        ("<meta name=referrer content=a content=b>", ["a"]),
        ("<meta name=referrer content='&quot;a&quot;&amp;'>", ['"a"&']),
        ("<meta name=referrer content=\"it's\">", ["it's"]),
        ("<meta name=referrer\n  content=\n 'origin'\n/>", ["origin"]),
        ("<html><meta name=referrer content=origin", []),
        ("<meta name=referrer>", []),
        ("<meta name=referrer content=''>", []),
        ("<meta name='referrer ' content=origin>", []),
        ("<meta name=referer content=origin>", []),
        ("<meta property=referrer content=origin>", []),
        ("<!-- <meta name=referrer content=origin> -->", []),
        ("<!-- > <meta name=referrer content=origin> <!-- --!><meta name=referrer content=x>",
         ["x"]),
        ("<!--><meta name=referrer content=x>-->", ["x"]),
        ("<template><meta name=referrer content=origin></template>", []),
        ("<noscript><meta name=referrer content=origin></noscript>", []),
        ("<body><noscript><meta name=referrer content=origin></noscript>", []),
        ("<script><meta name=referrer content=origin></script>", []),
        ("<script>'<!--<script>'</script><meta name=referrer content=a></script>-->", []),
        ("<style><meta name=referrer content=origin></style>", []),
        ("<textarea><meta name=referrer content=origin></textarea>", []),
        ("<title><meta name=referrer content=origin></title>", []),
        ("<title></title ><meta name=referrer content=a>", ["a"]),
        ("<iframe><meta name=referrer content=origin></iframe>", []),
        ("<plaintext><meta name=referrer content=origin>", []),
        ("<div title='<meta name=referrer content=origin>'>", []),
        ("<iframe srcdoc='<meta name=referrer content=origin>'></iframe>", []),
        ("<svg><meta name=referrer content=origin></svg>", ["origin"]),
        ("<table><meta name=referrer content=origin></table>", ["origin"]),
        ("&lt;meta name=referrer content=origin&gt;", []),
        ("", []),
        ("no markup at all", []),
    ],
)  # fmt: skip
def test_meta_referrer(html: str, expected: list[str]) -> None:
    assert referrers(html) == expected
    assert referrers(html.encode()) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<meta http-equiv=Content-Security-Policy content=\"img-src 'self'\">",
         ["img-src 'self'"]),
        ("<head><META HTTP-EQUIV=CONTENT-SECURITY-POLICY CONTENT='img-src *'></head>",
         ["img-src *"]),
        ("<meta http-equiv=content-security-policy content=a>"
         "<meta http-equiv=content-security-policy content=b>", ["a", "b"]),
        ("<head></head><meta http-equiv=content-security-policy content=a><body>", ["a"]),
        ("<!doctype html><title>x</title><meta http-equiv=content-security-policy content=a>",
         ["a"]),
        ("<head><noscript><img src=pixel></noscript>"
         "<meta http-equiv=content-security-policy content=a></head>", ["a"]),
        ("<head><b>x</b><meta http-equiv=content-security-policy content=a></head>", []),
        ("<body><meta http-equiv=content-security-policy content=a>", []),
        ("<head><div><meta http-equiv=content-security-policy content=a></div></head>", []),
        ("<head><template><meta http-equiv=content-security-policy content=a></template>", []),
        ("<head><noscript><meta http-equiv=content-security-policy content=a></noscript>", []),
        ("<head><!--<meta http-equiv=content-security-policy content=a>-->", []),
        ("<meta http-equiv=content-security-policy-report-only content=a>", []),
        ("<meta http-equiv='content-security-policy ' content=a>", []),
        ("<meta http-equiv=content-security-policy>", []),
        ("<meta name=content-security-policy content=a>", []),
    ],
)  # fmt: skip
def test_meta_policies_count_in_the_head_only(html: str, expected: list[str]) -> None:
    assert policies(html) == expected


def test_meta_policies_are_parsed_as_meta() -> None:
    html = "<meta http-equiv=content-security-policy content='sandbox; img-src *'>" * 2
    found = read(html, URL).content_security_policies
    assert [(p.source, p.directives) for p in found] == [("meta", (("img-src", ("*",)),))] * 2


def test_a_meta_says_what_stood_before_it() -> None:
    html = (
        "<meta name=referrer content=a><meta charset=utf-8><title>t</title>"
        "<meta name=referrer content=b><script src=x.js></script>"
        "<meta name=referrer content=c><meta http-equiv=content-security-policy content=d>"
    )
    found = read(html, URL)
    assert [m.after_resource for m in found.meta_referrer] == [False, False, True]
    assert [m.after_resource for m in found.meta_csp] == [True]
    orders = [m.order for m in (*found.meta_referrer, *found.meta_csp)]
    assert orders == sorted(orders)
    assert orders[1] < found.scripts[0].order < orders[2]


@pytest.mark.parametrize(
    "resource",
    [
        "<script>1</script>",
        "<img src=x>",
        "<iframe src=x></iframe>",
        "<link rel=STYLESHEET href=x>",
    ],
)
def test_anything_that_loads_makes_a_later_meta_late(resource: str) -> None:
    (meta,) = read(resource + "<meta name=referrer content=a>", URL).meta_referrer
    assert meta.after_resource


@pytest.mark.parametrize(
    ("html", "base", "script"),
    [
        ("<script src=a.js></script>", URL, "https://maps.example/dir/a.js"),
        ("<base href=/x/><script src=a.js></script>", "https://maps.example/x/",
         "https://maps.example/x/a.js"),
        ("<base href=//cdn.example/><script src=a.js></script>", "https://cdn.example/",
         "https://cdn.example/a.js"),
        ("<base target=_top><base href=/x/><base href=/y/><script src=a.js></script>",
         "https://maps.example/x/", "https://maps.example/x/a.js"),
        ("<script src=a.js></script><base href=/x/>", "https://maps.example/x/",
         "https://maps.example/dir/a.js"),
        ("<base href='data:text/plain,'><script src=a.js></script>", URL,
         "https://maps.example/dir/a.js"),
        ("<base href='http://['><base href=/y/><script src=a.js></script>", URL,
         "https://maps.example/dir/a.js"),
        ("<template><base href=/x/></template><script src=a.js></script>", URL,
         "https://maps.example/dir/a.js"),
        ("<script src='//cdn.example/a.js?b&amp;c'></script>", URL, "https://cdn.example/a.js?b&c"),
        ("<script src=' \n/a.js '></script>", URL, "https://maps.example/a.js"),
    ],
)  # fmt: skip
def test_base_counts_from_where_it_stands(html: str, base: str, script: str) -> None:
    found = read(html, URL)
    assert found.base_url == base
    assert [s.url for s in found.scripts] == [script]


def test_links_follow_the_final_base() -> None:
    html = (
        "<a href=x referrerpolicy=origin rel='nofollow NoReferrer'>x</a>"
        "<img src=x referrerpolicy=origin><base href=/b/>"
    )
    found = read(html, URL)
    assert [(e.tag, e.url) for e in found.referrer_attributes] == [
        ("a", "https://maps.example/b/x"),
        ("img", "https://maps.example/dir/x"),
    ]
    assert [(e.tag, e.url) for e in found.no_referrer] == [("a", "https://maps.example/b/x")]


def test_a_srcdoc_document_takes_its_parents_base() -> None:
    found = read("<script src=a.js></script>", "about:srcdoc", URL)
    assert found.scripts[0].url == "https://maps.example/dir/a.js"
    assert read("<script src=a.js></script>", "about:srcdoc").scripts == ()


def test_frames() -> None:
    html = """
      <iframe src="map.html?a=1&amp;b=2"></iframe>
      <IFRAME SRC=//api.mapbox.com/x SANDBOX='Allow-Scripts  allow-popups
        allow-scripts' REFERRERPOLICY=No-Referrer ALLOW="geolocation *"></IFRAME>
      <iframe sandbox srcdoc="<p title='a &quot;b&quot;'><a href=x>x</a></p>"></iframe>
      <iframe src=""></iframe>
      <iframe src="http://["></iframe>
      <template><iframe src=no></iframe></template>
      <noscript><iframe src=no></iframe></noscript>
      <!-- <iframe src=no></iframe> -->
    """
    first, second, third, fourth, fifth = read(html, URL).frames
    assert (first.url, first.sandbox, first.srcdoc, first.referrer_policy, first.allow) == (
        "https://maps.example/dir/map.html?a=1&b=2",
        None,
        None,
        None,
        None,
    )
    assert second.url == "https://api.mapbox.com/x"
    assert second.sandbox == frozenset({"allow-scripts", "allow-popups"})
    assert (second.referrer_policy, second.allow) == ("No-Referrer", "geolocation *")
    assert (third.url, third.sandbox) == (None, frozenset())
    assert third.srcdoc == "<p title='a \"b\"'><a href=x>x</a></p>"
    assert (fourth.url, fifth.url) == (None, None)


def test_frames_of_a_frameset() -> None:
    html = "<frameset><frame src=a.html><frame src=b.html></frameset>"
    assert [frame.url for frame in read(html, URL).frames] == [
        "https://maps.example/dir/a.html",
        "https://maps.example/dir/b.html",
    ]


def test_elements_with_referrerpolicy() -> None:
    html = """
      <link rel=stylesheet href=/a.css referrerpolicy=origin>
      <script src=/a.js ReferrerPolicy="UNSAFE-URL"></script>
      <img referrerpolicy src=/a.png>
      <a href=/a referrerpolicy=no-referrer><b>bold</b></a>
      <area href=/area referrerpolicy=nonsense>
      <iframe referrerpolicy=same-origin></iframe>
      <div referrerpolicy=origin></div>
      <svg><a href=/svg referrerpolicy=origin></a></svg>
    """
    assert [(e.tag, e.value, e.url) for e in read(html, URL).referrer_attributes] == [
        ("link", "origin", "https://maps.example/a.css"),
        ("script", "UNSAFE-URL", "https://maps.example/a.js"),
        ("img", "", "https://maps.example/a.png"),
        ("a", "no-referrer", "https://maps.example/a"),
        ("area", "nonsense", "https://maps.example/area"),
        ("iframe", "same-origin", None),
        ("a", "origin", "https://maps.example/svg"),
    ]


def test_scripts_and_stylesheets() -> None:
    html = """
      <script src=a.js type=" Module "></script>
      <script src="https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js" integrity=x
        crossorigin referrerpolicy=origin></script>
      <script src></script><script src="http://["></script>
      <link rel="alternate StyleSheet" href=a.css referrerpolicy=origin>
      <link rel=preload href=b.css><link rel=stylesheet><link href=c.css>
    """
    found = read(html, URL)
    assert [(s.url, s.type, s.referrer_policy) for s in found.scripts] == [
        ("https://maps.example/dir/a.js", "module", None),
        ("https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js", "", "origin"),
    ]
    assert [(s.url, s.referrer_policy) for s in found.stylesheets] == [
        ("https://maps.example/dir/a.css", "origin")
    ]
    assert found.inline_scripts == ()


def test_inline_scripts_are_given_as_written() -> None:
    first = "mapboxgl.accessToken = 'pk.abc'; if (a<b && c>d) document.write('<a href=x><B >');"
    second = '{"html": "<x-a><i></i>"}'
    html = (
        f"<script>{first}</script><script src=a.js>no</script><script type=application/json>"
        f"{second}</script><script></script><noscript><script>no</script></noscript>"
        "<template><script>no</script></template><style>no</style>"
    )
    found = read(html, URL)
    assert found.inline_scripts == (first, second)
    assert not found.is_cut


def test_no_referrer_links() -> None:
    html = """
      <a rel="noopener NOREFERRER" href=/a>a</a> <a rel=noopener href=/b>b</a>
      <area rel=noreferrer> <form rel=noreferrer action=/f></form>
      <link rel=noreferrer href=/l> <a rel="xnoreferrer" href=/c>c</a>
    """
    assert [(e.tag, e.url) for e in read(html, URL).no_referrer] == [
        ("a", "https://maps.example/a"),
        ("area", None),
        ("form", "https://maps.example/f"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        "<p>ü</p><meta name=referrer content=origin>".encode("latin-1"),
        "\ufeff<meta name=referrer content=origin>".encode(),
        "\ufeff<meta name=referrer content=origin>".encode("utf-16-le"),
        "\ufeff<meta name=referrer content=origin>".encode("utf-16-be"),
        b"\x00\xff<meta\x0cname=referrer\x0ccontent=origin>",
        "\ud800<meta name=referrer content=origin>",
    ],
)
def test_odd_bytes_do_not_hide_a_meta(data: str | bytes) -> None:
    assert referrers(data) == ["origin"]


def test_what_is_cut_is_said() -> None:
    meta = "<meta name=referrer content=origin>"
    for long in (
        meta + " " * MAX_LENGTH + meta,
        meta + "<p>" * MAX_TAGS + meta,
        meta + "<p " + " ".join(f"a{n}" for n in range(2 * MAX_ATTRIBUTES)) + ">" + meta,
    ):
        for html in (long, long.encode()):
            found = read(html, URL)
            assert found.is_cut
            assert [m.content for m in found.meta_referrer] == ["origin"]
    assert not read(meta + "<p>" * 1000 + meta, URL).is_cut
    image = f"<img src='data:image/png;base64,{'A/B+' * 100_000}' alt=x>"
    assert not read(image + meta, URL).is_cut


def test_inline_scripts_share_a_bound() -> None:
    found = read(f"<script>{'a' * 60_000}</script><script>{'b' * 60_000}</script>" * 2, URL)
    assert found.is_cut
    assert sum(map(len, found.inline_scripts)) == MAX_SCRIPT_TEXT
    assert len(found.inline_scripts) == 2


# Each of these costs an HTML parser minutes or gigabytes when it is let in as it is.
FORMATTED = "<p>" + "".join(f"<b a{n}>" for n in range(3000)) + "</p>" + "<p>x</p>" * 3000


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 300_000,
        "<li><dd>" * 200_000,
        FORMATTED,
        "".join(f"<i a{n}><p>" for n in range(5000)) + "</i>" * 5000,
        "<a " + " ".join(f"a{n}" for n in range(200_000)) + ">",
        "</a " + " ".join(f"a{n}" for n in range(200_000)) + ">",
        "<template>" * 200_000,
        "<table><b>x" * 100_000,
        "<" * 2_000_000,
        "<a href='" * 200_000,
        "<!--" * 500_000,
        "x-" * 1_000_000,
        "&amp" * 500_000,
    ],
    ids=lambda html: str(html[:12]),
)
def test_hostile_markup_is_read_in_bounded_time(html: str) -> None:
    started = time.perf_counter()
    read(html, URL)
    assert time.perf_counter() - started < 4


PIECES = st.sampled_from(
    ["<head>", "</head>", "<body>", "<meta name=referrer content=origin>", "<base href=/x>",
     "<meta http-equiv=content-security-policy content=\"img-src 'self'\">",
     "<script>", "</script>", "<template>", "</template>", "<noscript>", "</noscript>",
     "<!--", "-->", "<a href=x rel=noreferrer", " referrerpolicy=origin", ">", "'", '"',
     "<iframe srcdoc='<p>'", " sandbox", "<svg>", "</svg>", "<table>", "<b>", "</b>", "<x-a>",
     "<frameset>", "\x00", "\ud800", "&amp;", "<select>"]
)  # fmt: skip
MARKUP = st.one_of(st.text(), st.binary(), st.lists(PIECES, max_size=25).map("".join))


@given(MARKUP, st.one_of(st.just(URL), st.just("about:srcdoc"), st.text()))
def test_no_input_makes_it_raise(html: str | bytes, url: str) -> None:
    found = read(html, url)
    assert isinstance(found, DocumentPolicies)
    assert found.content_security_policies is not None
    json.dumps([m.content for m in found.meta_referrer])


@given(st.lists(PIECES, max_size=25).map("".join))
def test_what_is_found_stands_in_document_order(html: str) -> None:
    found = read(html, URL)
    for items in (found.meta_referrer, found.meta_csp, found.frames, found.referrer_attributes):
        orders = [item.order for item in items]
        assert orders == sorted(orders)
