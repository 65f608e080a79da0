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
