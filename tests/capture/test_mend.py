"""Repairs of JSON: they keep the length, and hostile text costs no more than plain text."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.capture.mend import (
    MAXIMUM_DEPTH,
    loose,
    stumbled_over_no_number,
    without_depths,
    without_lone_surrogates,
    without_no_numbers,
)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_repairs_keep_the_length(data: bytes) -> None:
    assert len(without_depths(memoryview(data))) == len(data)
    assert len(without_lone_surrogates(memoryview(data))) == len(data)
    assert len(without_no_numbers(memoryview(data))) == len(data)


@pytest.mark.parametrize("half", ["\\ud8", "\\ud83", "\\udc", '\\ud8"]', "\\ud83x", "\\udc0 "])
def test_an_escape_that_is_cut_short_stays(half: str) -> None:
    """There is nothing to put in its place that would not reach over what follows."""
    data = ('["' + half).encode()
    assert bytes(without_lone_surrogates(memoryview(data))) == data


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@settings(deadline=None)
@given(JSON)
def test_what_is_in_order_stays_as_it_is(value: object) -> None:
    data = json.dumps(value).encode()
    assert json.loads(without_depths(memoryview(data))) == value
    assert loose(msgspec.Raw(json.dumps(value, ensure_ascii=False).encode("utf-8"))) == value
    assert json.loads(without_lone_surrogates(memoryview(data))) == value
    assert json.loads(without_no_numbers(memoryview(data))) == value


def test_no_numbers() -> None:
    value = {"a": float("nan"), "b": [float("inf"), -float("inf"), 1.5], 'NaN "': ": NaN"}
    data = memoryview(json.dumps(value).encode())
    assert json.loads(without_no_numbers(data)) == {"a": -1, "b": [-1, -1, 1.5], 'NaN "': ": NaN"}


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b'{"a": NaN}', True),
        (b"[-Infinity]", True),
        (b"[Infinity]", True),
        (b"[NaM, NaN]", False),
        (b"[", False),
        (b'{"a": nan}', False),
    ],
)
def test_what_a_parser_stumbled_over(data: bytes, is_one: bool) -> None:
    with pytest.raises(msgspec.DecodeError) as raised:
        msgspec.json.decode(data)
    assert stumbled_over_no_number(memoryview(data), raised.value) is is_one


@pytest.mark.parametrize("beyond", [0, 2, 3, 5_000])
def test_depth(beyond: int) -> None:
    depth = MAXIMUM_DEPTH + beyond
    data = ("[" * depth + "1" + "]" * depth).encode()
    mended = bytes(without_depths(memoryview(data)))
    assert (mended == data) == (beyond == 0)
    assert (b"1" in mended) == (beyond == 0)
    assert json.loads(mended) is not None


HOSTILE = {
    "quotes": b'"',
    "escaped quotes": b'\\"',
    "backslashes": b"\\",
    "halves": b"\\ud83d",
    "escaped halves": b"\\\\ud83d",
    "opening": b"[",
    "closing": b"]",
    "objects": b'{"a":',
    "no numbers": b"NaN,",
    "half no numbers": b"-Infinit",
    "spaces": b": ",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_cost_is_linear(name: str) -> None:
    def cost(size: int) -> float:
        data = HOSTILE[name] * (size // len(HOSTILE[name]))
        start = time.process_time()
        without_depths(memoryview(b'"' + data))
        without_lone_surrogates(memoryview(b'"' + data))
        without_no_numbers(memoryview(data))
        return time.process_time() - start

    cost(10_000)
    assert cost(1_000_000) < 1.5  # a quadratic one takes minutes


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b"", None),
        (b"{", None),
        (b'"\xff"', "�"),
        (b'"\\ud83d"', "?"),
        (b'{"\\ud83d": 1}', {"?": 1}),
        (b"[1, NaN]", [1, None]),
    ],
)
def test_loose(raw: bytes, value: object) -> None:
    assert loose(msgspec.Raw(raw)) == value
