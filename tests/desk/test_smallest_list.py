"""The smallest list: it admits what it was made for, and every entry is needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.desk.smallest_list import entry_of, smallest_list
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, decide


@pytest.mark.parametrize(
    ("referers", "entries", "impossible"),
    [
        ([], [], []),
        (["https://shop.example.com/"], ["shop.example.com"], []),
        (["http://shop.example.com/", "https://shop.example.com/a?b=c"], ["shop.example.com"], []),
        (["http://localhost:3000/"], ["localhost:3000"], []),
        (["https://example.com/", "https://www.example.com/"], ["example.com"], []),
        (["https://www.example.com/", "https://example.com/"], ["example.com"], []),
        (  # a domain above that was not seen would admit more than is needed
            ["https://a.example.com/", "https://b.example.com/"],
            ["a.example.com", "b.example.com"],
            [],
        ),
        (  # another port needs an entry of its own
            ["https://example.com/", "https://dev.example.com:8443/"],
            ["example.com", "dev.example.com:8443"],
            [],
        ),
        (
            ["https://example.com:8443/", "https://dev.example.com:8443/"],
            ["example.com:8443"],
            [],
        ),
        (
            ["https://notexample.com/", "https://example.com/"],
            ["notexample.com", "example.com"],
            [],
        ),
        (
            ["http://127.0.0.1:5173/", "http://[::1]/"],
            [],
            ["http://127.0.0.1:5173/", "http://[::1]/"],
        ),
        (["capacitor://localhost", "nonsense", ""], [], ["capacitor://localhost", "nonsense", ""]),
        (["https://xn--mnchen-3ya.example/"], ["xn--mnchen-3ya.example"], []),
        (["https://example.com./"], [], ["https://example.com./"]),
        (["https://a_b.example.com/"], ["a_b.example.com"], []),
    ],
)
def test_table(referers: list[str], entries: list[str], impossible: list[str]) -> None:
    found = smallest_list(mapbox, referers)
    assert (list(found.entries), list(found.impossible)) == (entries, impossible)


_HOSTS = st.lists(
    st.sampled_from(["a", "b", "www", "shop", "example", "com", "net"]), min_size=1, max_size=4
).map(".".join)
_REFERERS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}/{path}",
    st.sampled_from(["http", "https"]),
    _HOSTS | st.sampled_from(["localhost", "127.0.0.1", "[::1]", "example.com."]),
    st.sampled_from(["", ":80", ":443", ":3000", ":8443"]),
    st.sampled_from(["", "map", "map?x=1", "Map/more"]),
)


@given(st.lists(_REFERERS, max_size=12))
def test_it_admits_everything_and_nothing_can_be_left_out(referers: list[str]) -> None:
    found = smallest_list(mapbox, referers)
    own = [referer for referer in referers if referer not in found.impossible]
    assert bool(own) == bool(found.entries)
    for referer in own:
        assert decide(mapbox, referer, found.entries).decision is Decision.ALLOWED
        assert entry_of(referer, found.entries, mapbox) in found.entries
    for entry in found.entries:
        assert "*" not in entry
        assert "/" not in entry
        rest = [other for other in found.entries if other != entry] or ["nothing.invalid"]
        assert any(decide(mapbox, r, rest).decision is not Decision.ALLOWED for r in own), entry


@given(st.lists(_REFERERS, max_size=12), st.randoms())
def test_the_order_of_the_traffic_does_not_matter(referers: list[str], random: object) -> None:
    shuffled = list(referers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert set(smallest_list(mapbox, referers).entries) == set(
        smallest_list(mapbox, shuffled).entries
    )


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_text_as_a_referer(referers: list[str]) -> None:
    found = smallest_list(mapbox, referers)
    assert set(found.impossible) <= set(referers)


def test_thousands_of_hosts_take_linear_time() -> None:
    referers = [f"https://h{n}.{'a.' * 20}example.com/" for n in range(5000)]
    assert len(smallest_list(mapbox, referers).entries) == 5000
