"""What header fields alone give away."""

from __future__ import annotations

import pytest

from diagnostics.capture import fields
from diagnostics.capture.exchange import Headers


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        ("document", "document"),
        ("iframe", "iframe"),
        ("frame", "iframe"),
        ("style", "stylesheet"),
        (" Style ", "stylesheet"),
        ("sharedworker", "worker"),
        ("audio", "media"),
        ("track", "texttrack"),
        ("image", "image"),
        ("empty", ""),
        ("somethingnew", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_resource_type(destination: str | None, kind: str) -> None:
    pairs = [] if destination is None else [("SEC-FETCH-DEST", destination)]
    assert fields.resource_type(Headers(pairs)) == kind


@pytest.mark.parametrize(
    ("status", "pairs", "target"),
    [
        (302, [("Location", "/a b")], "/a b"),
        (399, [("location", "//x")], "//x"),
        (201, [("Location", "/made")], ""),
        (400, [("Location", "/a")], ""),
        (302, [], ""),
        (None, [("Location", "/a")], ""),
    ],
)
def test_where_a_redirect_leads(
    status: int | None, pairs: list[tuple[str, str]], target: str
) -> None:
    assert fields.redirect_url(status, Headers(pairs)) == target


def test_the_media_type_is_as_it_was_sent() -> None:
    sent = [("content-type", "Text/HTML; charset=x"), ("Content-Type", "image/png")]
    assert fields.mime_type(Headers(sent)) == "Text/HTML; charset=x"
    assert fields.mime_type(Headers([])) == ""


@pytest.mark.parametrize(
    ("credentials", "value"),
    [
        ("Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617, 2
        ("test:123£", "Basic dGVzdDoxMjPCow=="),  # RFC 7617, 2.1
        (":", "Basic Og=="),
        ("\ud800", "Basic Pw=="),
    ],
)
def test_basic_authorization(credentials: str, value: str) -> None:
    assert fields.basic_authorization(credentials) == value


@pytest.mark.parametrize(
    ("url", "authority", "mended"),
    [
        ("https://::1:8443/x?a=::2", "[::1]:8443", "https://[::1]:8443/x?a=::2"),
        ("http://2001:db8::1", "[2001:db8::1]", "http://[2001:db8::1]"),
        ("http://::ffff:192.0.2.1/", "[::ffff:192.0.2.1]", "http://[::ffff:192.0.2.1]/"),
        ("https://::1/", None, "https://::1/"),
        ("https://::1/", "localhost", "https://::1/"),
        ("https://[::1]:8443/", "[::1]:8443", "https://[::1]:8443/"),
        ("https://api.mapbox.com:443/a:b:c", "[::1]", "https://api.mapbox.com:443/a:b:c"),
        ("data:text/html,a:b:c", "[::1]", "data:text/html,a:b:c"),
    ],
)
def test_addresses_without_their_brackets(url: str, authority: str | None, mended: str) -> None:
    assert fields.with_brackets(url, authority) == mended
    assert fields.lacks_brackets(url) == (mended != url or url == "https://::1/")


def test_a_hostile_address_takes_no_time() -> None:
    for url in ("http://" + ":" * 100_000, "http://" + "1" * 100_000, "http://" + "a:" * 50_000):
        assert not fields.lacks_brackets(url)
