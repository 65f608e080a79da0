"""Referrer policies against the text of W3C Referrer Policy, and tokens against real browsers."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser.url import Url, parse

FULL, ORIGIN, NOTHING = rp.Left.FULL, rp.Left.ORIGIN, rp.Left.NOTHING


def url(text: str) -> Url:
    found = parse(text)
    assert found is not None, text
    return found


# Which of several is in force.


@pytest.mark.parametrize(
    ("lines", "policy", "unknown"),
    [
        ([], "", ()),
        ([""], "", ()),
        (["no-referrer"], "no-referrer", ()),
        (["NO-Referrer"], "no-referrer", ()),
        (["  origin\t"], "origin", ()),
        (["no-referrer, origin"], "origin", ()),
        (["no-referrer", "origin"], "origin", ()),
        (["origin", "no-referrer"], "no-referrer", ()),
        (["no-referrer, strict-origin-when-cross-origin"], "strict-origin-when-cross-origin", ()),
        (["origin, bogus"], "origin", ("bogus",)),
        (["bogus, origin"], "origin", ("bogus",)),
        (["bogus"], "", ("bogus",)),
        ([" no-referrer , bogus"], "no-referrer", ("bogus",)),
        (["origin,,same-origin,"], "same-origin", ()),
        (["origin; x"], "", ("origin; x",)),
        (["origin same-origin"], "", ("origin same-origin",)),
        (['"origin"'], "", ('"origin"',)),
        # Legacy values are of markup only.
        (["never"], "", ("never",)),
        (["origin, always"], "origin", ("always",)),
    ],
)
def test_header(lines: list[str], policy: str, unknown: tuple[str, ...]) -> None:
    assert rp.parse_header(lines) == rp.ParsedPolicy(policy, unknown)


#: What Chromium 156 and Firefox ESR 153 made of these in a page that asked its own and another
#: origin for pictures; None: no policy. Where the two differ the specification is followed.
@pytest.mark.parametrize(
    ("content", "policy"),
    [
        ("bogus, origin", None),
        ("origin, bogus", None),
        ("never, origin", None),
        ("origin,no-referrer", None),
        ("no-referrer;", None),
        ("ORIGIN", "origin"),
        ("origin unsafe-url", None),
        ("no-referrer, never", None),
        ("always, default", None),
        (" origin ", None),  # Firefox: origin
        ("never", "no-referrer"),
        ("Never", "no-referrer"),
        ("default", "strict-origin-when-cross-origin"),
        ("always", "unsafe-url"),
        ("origin-when-crossorigin", "origin-when-cross-origin"),
        ("no-referrer-when-downgrade", "no-referrer-when-downgrade"),
        ("no-refferer", None),
    ],
)
def test_meta(content: str, policy: str | None) -> None:
    parsed = rp.parse_meta(content)
    assert parsed.policy == (policy or "")
    assert bool(parsed.unknown) == (policy is None)


@pytest.mark.parametrize("content", ["", " ", "\n\t"])
def test_an_empty_value_is_no_mistake(content: str) -> None:
    assert rp.parse_meta(content) == rp.parse_attribute(content) == rp.ParsedPolicy("")


@pytest.mark.parametrize(
    ("value", "policy"),
    [
        ("origin", "origin"),
        ("ORIGIN", "origin"),
        ("bogus", ""),
        ("bogus,origin", ""),
        ("never", ""),  # Chromium: no-referrer
        (" origin ", ""),  # Firefox: origin
    ],
)
def test_attribute(value: str, policy: str) -> None:
    assert rp.parse_attribute(value).policy == policy


@pytest.mark.parametrize("policy", rp.POLICIES)
def test_every_policy_is_itself_everywhere(policy: str) -> None:
    for parsed in (rp.parse_header([policy]), rp.parse_meta(policy), rp.parse_attribute(policy)):
        assert parsed == rp.ParsedPolicy(policy)


@settings(deadline=None)
@given(st.lists(st.text()), st.text())
def test_any_text_can_be_read(lines: list[str], text: str) -> None:
    for parsed in (rp.parse_header(lines), rp.parse_meta(text), rp.parse_attribute(text)):
        assert parsed.policy in {"", *rp.POLICIES}


# What each leaves. The columns: the same origin; another origin, both https; from https to http;
# from http to https; from http to http; from https to http://localhost, which is trustworthy;
# from http://localhost to http elsewhere, a downgrade; the same origin over http.

PAGES = {
    "same": ("https://a.example/x", "https://a.example/y"),
    "cross": ("https://a.example/x", "https://b.example/y"),
    "downgrade": ("https://a.example/x", "http://b.example/y"),
    "upgrade": ("http://a.example/x", "https://b.example/y"),
    "plain": ("http://a.example/x", "http://b.example/y"),
    "to localhost": ("https://a.example/x", "http://localhost:3000/y"),
    "from localhost": ("http://localhost:3000/x", "http://b.example/y"),
    "same over http": ("http://a.example/x", "http://a.example/y"),
}
TABLE = {
    "no-referrer": (NOTHING,) * 8,
    "no-referrer-when-downgrade": (FULL, FULL, NOTHING, FULL, FULL, FULL, NOTHING, FULL),
    "same-origin": (FULL, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, FULL),
    "origin": (ORIGIN,) * 8,
    "strict-origin": (ORIGIN, ORIGIN, NOTHING, ORIGIN, ORIGIN, ORIGIN, NOTHING, ORIGIN),
    "origin-when-cross-origin": (FULL, ORIGIN, ORIGIN, ORIGIN, ORIGIN, ORIGIN, ORIGIN, FULL),
    "strict-origin-when-cross-origin": (
        *(FULL, ORIGIN, NOTHING, ORIGIN),
        *(ORIGIN, ORIGIN, NOTHING, FULL),
    ),
    "unsafe-url": (FULL,) * 8,
}


@pytest.mark.parametrize(
    ("policy", "case", "left"),
    [
        pytest.param(policy, case, left, id=f"{policy}-{case}")
        for policy, row in {**TABLE, "": TABLE[rp.DEFAULT]}.items()
        for case, left in zip(PAGES, row, strict=True)
    ],
)
def test_what_a_policy_leaves(policy: str, case: str, left: rp.Left) -> None:
    page, target = map(url, PAGES[case])
    assert rp.leaves(policy, page, target) is left
    origin = page.origin + "/"
    expected = {FULL: origin + "x", ORIGIN: origin, NOTHING: None}[left]
    assert rp.referer_for(policy, page, target) == expected


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(rp.POLICIES)


@pytest.mark.parametrize(
    ("page", "target", "same"),
    [
        ("https://a.example/", "https://a.example:443/", True),
        ("http://a.example/", "http://a.example:80/", True),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://www.a.example/", False),
        ("https://a.example/", "http://a.example/", False),
        ("https://A.EXAMPLE/", "https://a.example/", True),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", True),
        ("https://a.example./", "https://a.example/", False),
    ],
)
def test_the_same_origin(page: str, target: str, same: bool) -> None:
    assert (rp.leaves("same-origin", url(page), url(target)) is FULL) is same


def test_an_unknown_policy_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="bogus"):
        rp.leaves("bogus", url("https://a/"), url("https://b/"))


# Stripping.


@pytest.mark.parametrize(
    ("page", "full"),
    [
        ("https://a.example", "https://a.example/"),
        ("https://a.example/x?y=1#z", "https://a.example/x?y=1"),
        ("https://kim:secret@a.example/x", "https://a.example/x"),
        ("https://kim@a.example:8443/", "https://a.example:8443/"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example:80/", "http://a.example/"),
        ("http://localhost:3000/map", "http://localhost:3000/map"),
        ("https://a.example/x?", "https://a.example/x?"),
        ("https://a.example/x?#z", "https://a.example/x?"),
        ("https://a.example/x#?", "https://a.example/x"),
        ("https://A.Example/ä b", "https://a.example/%C3%A4%20b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("file:///map.html", None),
        ("about:blank", None),
        ("about:srcdoc", None),
        ("data:text/html,x", None),
        ("blob:https://a.example/1-2", None),
        ("capacitor://localhost/", None),
        ("chrome-extension://abc/page.html", None),
        ("ws://a.example/", None),
        ("ftp://a.example/", None),
    ],
)
def test_strip(page: str, full: str | None) -> None:
    parsed = url(page)
    assert rp.strip(parsed, origin_only=False) == full
    origin = None if full is None else parsed.origin + "/"
    assert rp.strip(parsed, origin_only=True) == origin


@pytest.mark.parametrize(("length", "cut"), [(4095, False), (4096, False), (4097, True)])
def test_a_long_referrer_is_cut_to_its_origin(length: int, cut: bool) -> None:
    page = "https://a.example/".ljust(length, "x")
    assert rp.strip(url(page + "#fragment"), origin_only=False) == (
        "https://a.example/" if cut else page
    )


# Properties.

HOSTS = ("a.example", "b.example", "www.a.example", "localhost", "127.0.0.1", "[::1]")
WEB = st.builds(
    "{}://{}{}{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", "kim@", "kim:secret@"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.text("abc/?#=%.é \\@:", max_size=20) | st.just("x" * 5000),
)
ANY = WEB | st.sampled_from(["file:///x", "data:,x", "blob:https://a.example/1", "about:blank"])
POLICY = st.sampled_from(["", *rp.POLICIES])


@settings(deadline=None)
@given(ANY, WEB, POLICY)
def test_a_referer_is_a_part_of_the_page(page: str, target: str, policy: str) -> None:
    start, end = parse(page), parse(target)
    assume(start is not None and end is not None)
    assert start is not None
    assert end is not None
    referer = rp.referer_for(policy, start, end)
    if referer is None:
        return
    assert policy != "no-referrer"
    assert "#" not in referer
    assert "secret" not in referer
    assert "@" not in referer.partition("//")[2].partition("/")[0]
    assert len(referer) <= max(4096, len(start.origin) + 1)
    without_user = (
        start.origin
        + start.href.partition("//")[2].partition("/")[1]
        + (start.href.partition("//")[2].partition("/")[2])
    )
    assert without_user.startswith(referer)
    again = parse(referer)
    assert again is not None
    assert again.origin == start.origin
    assert rp.strip(again, origin_only=False) == referer


#: Each policy sends no more than the next, whatever the page and the target.
STRICTER = [
    ("no-referrer", "same-origin"),
    ("same-origin", "strict-origin-when-cross-origin"),
    ("strict-origin", "origin"),
    ("strict-origin", "strict-origin-when-cross-origin"),
    ("strict-origin-when-cross-origin", "origin-when-cross-origin"),
    ("strict-origin-when-cross-origin", "unsafe-url"),
    ("strict-origin", "no-referrer-when-downgrade"),
    ("origin", "origin-when-cross-origin"),
    ("origin-when-cross-origin", "unsafe-url"),
    ("no-referrer-when-downgrade", "unsafe-url"),
]


@settings(deadline=None)
@given(WEB, WEB, st.sampled_from(STRICTER))
def test_a_stricter_policy_never_sends_more(
    page: str, target: str, policies: tuple[str, str]
) -> None:
    start, end = parse(page), parse(target)
    assume(start is not None and end is not None)
    assert start is not None
    assert end is not None
    strict, loose = (rp.referer_for(policy, start, end) or "" for policy in policies)
    assert loose.startswith(strict)


@settings(deadline=None)
@given(WEB, WEB, st.booleans())
def test_the_proposed_policy_sends_what_is_wanted(page: str, target: str, full: bool) -> None:
    start, end = parse(page), parse(target)
    assume(start is not None and end is not None)
    assert start is not None
    assert end is not None
    assume(end.scheme == "https")
    sent = rp.referer_for(rp.allowing(start, end, full=full), start, end)
    assert sent is not None
    assert sent == rp.strip(start, origin_only=not full) or not full
