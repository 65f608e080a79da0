"""Single values of a HAR entry: what they say, and that odd ones are as good as missing."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.capture import har_values
from diagnostics.capture.exchange import Initiator


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def pair(name: object, value: object) -> dict[str, object]:
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ([pair("A", "1"), pair("a", "2")], [("A", "1"), ("a", "2")]),
        ([["A", "1"], ["B", 2]], [("A", "1"), ("B", "2")]),
        ({"A": "1", "B": None}, [("A", "1"), ("B", "")]),
        ([pair("A", None), pair("B", 3), pair("C", 1.5)], [("A", ""), ("B", "3"), ("C", "1.5")]),
        ([pair(None, "1"), pair("", "1"), pair("A", ["1"]), ["A"], 7, None], []),
        ("text", []),
        (None, []),
        # RFC 9113, 8.3: pseudo headers are no header fields.
        (
            [pair(":method", "GET"), pair(":authority", "a.example"), pair("b", "1")],
            [("Host", "a.example"), ("b", "1")],
        ),
        ([pair(":authority", "a.example"), pair("HOST", "b.example")], [("HOST", "b.example")]),
        ([pair(":path", "/")], []),
        ([pair(":authority", "")], []),
    ],
)
def test_headers(value: object, pairs: list[tuple[str, str]]) -> None:
    assert har_values.headers(raw(value)) == pairs


@pytest.mark.parametrize(
    ("value", "encoding", "text"),
    [
        ("plain", None, "plain"),
        ("plain", "utf-8", "plain"),
        ("aGVsbG8=", "base64", "hello"),
        ("aGVs\nbG8=", "BASE64", "hello"),
        ("/w==", "base64", "\ufffd"),
        ("a", "base64", None),
        ("ä", "base64", None),
        ("", "base64", ""),
        (None, None, None),
        (7, None, None),
        ({"a": 1}, "base64", None),
    ],
)
def test_a_body(value: object, encoding: str | None, text: str | None) -> None:
    assert har_values.body(raw(value), encoding) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [({"text": "a=1"}, "a=1"), ({"text": 1}, None), ({}, None), ("a=1", None), (None, None)],
)
def test_what_was_posted(value: object, text: str | None) -> None:
    assert har_values.post_text(raw(value)) == text


def frames(*urls: object) -> list[object]:
    return [{"url": url} for url in urls]


@pytest.mark.parametrize(
    ("value", "kind", "urls"),
    [
        ({"type": "parser", "url": "https://a/"}, "parser", ("https://a/",)),
        (
            {"type": "script", "stack": {"callFrames": frames("https://b/", "https://b/", "")}},
            "script",
            ("https://b/",),
        ),
        (
            {
                "type": "script",
                "url": "https://a/",
                "stack": {
                    "callFrames": frames("https://b/"),
                    "parent": {"callFrames": frames("https://c/", "https://a/")},
                },
            },
            "script",
            ("https://a/", "https://b/", "https://c/"),
        ),
        ({"type": 1, "url": 2, "stack": {"callFrames": [3, None, {"url": 4}]}}, "", ()),
        ({"type": "script", "stack": [1]}, "script", ()),
        ("parser", "parser", ()),
        (7, "", ()),
        (None, "", ()),
    ],
)
def test_the_initiator(value: object, kind: str, urls: tuple[str, ...]) -> None:
    assert har_values.initiator(json.dumps(value).encode()) == Initiator(kind, urls)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:00.500+01:00", 0.5),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", -62135647200.0),
        ("9999-99-99T00:00:00Z", None),
    ],
)
def test_a_time(text: str | None, seconds: float | None) -> None:
    assert har_values.time(text) == seconds


VALUES: list[Callable[[msgspec.Raw], object]] = [
    har_values.headers,
    har_values.post_text,
    lambda value: har_values.body(value, "base64"),
    lambda value: har_values.initiator(bytes(value)),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "value", "text", "stack", "url", "type", "callFrames", "parent"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(JSON)
def test_nothing_is_raised_for_any_json(value: object) -> None:
    for read in VALUES:
        read(raw(value))


@given(st.binary())
def test_nothing_is_raised_for_any_bytes(data: bytes) -> None:
    for read in VALUES:
        read(msgspec.Raw(data))
