"""Our own hosts: two sites to every browser, and nothing of another page gets in."""

from __future__ import annotations

import pytest

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Headers
from diagnostics.live import own_site
from diagnostics.provider.emulated import Request

OWN = (("Origin", "http://why403.test"), ("X-Why403", "1"))


def site_of(a: str, b: str) -> bool:
    one, other = urls.parse(f"http://{a}/"), urls.parse(f"http://{b}/")
    assert one is not None
    assert other is not None
    return urls.same_site(one, other)


def test_cross_site_is_really_cross_site() -> None:
    for host in own_site.HOSTS - {own_site.HOST, own_site.SAME_SITE}:
        assert not site_of(own_site.HOST, host)
    assert site_of(own_site.HOST, own_site.SAME_SITE)


def test_only_our_hosts_are_ours() -> None:
    assert own_site.is_own("WHY403.test")
    for host in ("why403.test.example.com", "notwhy403.test", "test", ""):
        assert not own_site.is_own(host)


@pytest.mark.parametrize(
    ("method", "pairs", "may"),
    [
        ("POST", OWN, True),
        ("POST", (("x-why403", "1"), ("origin", "http://why403.test")), True),
        ("POST", (("X-Why403", "1"),), False),
        ("POST", (*OWN, ("Sec-Fetch-Site", "same-origin")), True),
        ("POST", (*OWN, ("Sec-Fetch-Site", "cross-site")), False),
        ("POST", (*OWN, ("Sec-Fetch-Site", "same-site")), False),
        ("POST", (("Origin", "https://evil.example"), ("X-Why403", "1")), False),
        ("POST", (("Origin", "null"), ("X-Why403", "1")), False),
        ("POST", (("Origin", "https://why403.test"), ("X-Why403", "1")), False),
        ("POST", (("Origin", "http://why403.test"),), False),
        ("POST", (("Origin", "http://why403.test"), ("X-Why403", "0")), False),
        ("POST", (), False),
        ("GET", OWN, False),
        ("OPTIONS", OWN, False),
    ],
)
def test_who_may_change_something(
    method: str, pairs: tuple[tuple[str, str], ...], may: bool
) -> None:
    request = Request(method, "http://why403.test/x", Headers(pairs))
    assert own_site.may_change(request) is may


def test_a_page_has_a_policy_and_a_nonce_of_its_own() -> None:
    def policy() -> str:
        reply = own_site.page(
            "selftest-worker-frame.html.j2",
            "script-src 'nonce-{nonce}'",
            targets={"sw-own-fetch": "", "sw-passthrough": ""},
        )
        return str(Headers(reply.headers).get("Content-Security-Policy"))

    assert policy() != policy()


def test_assets_have_their_types() -> None:
    style = own_site.asset("style.css")
    assert Headers(style.headers).get("content-type") == "text/css; charset=utf-8"
    assert b".journey" in style.body
    assert b".compare" in style.body
    assert b"<svg" in own_site.asset("icon.svg").body
