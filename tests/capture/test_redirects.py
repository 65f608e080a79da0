"""The redirects before a request."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import DecodedParts, Exchange, Headers
from diagnostics.capture.redirects import Redirects, is_redirect

A, B, C = (f"https://{name}.example/" for name in "abc")


def exchange(
    index: int,
    url: str,
    to: str = "",
    started: float | None = None,
    policy: str = "",
    status: int | None = None,
    page_ref: str = "",
) -> Exchange:
    headers = Headers([("Referrer-Policy", policy)] if policy else [])
    return Exchange(
        "t.har",
        index,
        "GET",
        url,
        started=started,
        status=status or (302 if to else 200),
        redirect_url=to,
        page_ref=page_ref,
        parts=DecodedParts(response_headers=headers),
    )


def hops(*exchanges: Exchange) -> list[tuple[str, str]]:
    """The hops before the last of the exchanges."""
    redirects = Redirects()
    for one in exchanges:
        if is_redirect(one):
            redirects.add(one)
    found, first = redirects.hops(exchanges[-1])
    assert first == (found[0].url if found else exchanges[-1].url)
    return [(hop.url, hop.policy) for hop in found]


@pytest.mark.parametrize(
    ("status", "url", "expected"),
    [
        (301, "/x", True),
        (308, "/x", True),
        (201, "/made", False),
        (200, "/x", False),
        (302, "", False),
        (None, "/x", True),
    ],
)
def test_what_a_redirect_is(status: int | None, url: str, expected: bool) -> None:
    assert is_redirect(Exchange("t", 0, "GET", A, status=status, redirect_url=url)) is expected


def test_a_chain_with_policies() -> None:
    assert hops(
        exchange(0, A, B, 1.0, "no-referrer"), exchange(1, B, C, 1.1), exchange(2, C, "", 1.2)
    ) == [(A, "no-referrer"), (B, "")]


def test_no_redirect() -> None:
    assert hops(exchange(0, A, B, 1.0), exchange(1, C, "", 1.1)) == []
    assert hops(exchange(0, C)) == []


@pytest.mark.parametrize("to", ["//b.example/", "https://b.example/#part", "https://B.example"])
def test_a_location_is_resolved(to: str) -> None:
    assert hops(exchange(0, A, to, 1.0), exchange(1, B, "", 1.1)) == [(A, "")]


def test_a_fragment_is_not_part_of_what_is_asked_for() -> None:
    assert hops(exchange(0, A, B, 1.0), exchange(1, B + "#x", "", 1.1)) == [(A, "")]


def test_a_relative_location() -> None:
    assert hops(exchange(0, A + "x/y", "../z", 1.0), exchange(1, A + "z", "", 1.1)) == [
        (A + "x/y", "")
    ]


def test_a_location_that_is_no_url() -> None:
    assert hops(exchange(0, A, "https://[", 1.0), exchange(1, B, "", 1.1)) == []


def test_a_later_redirect_led_to_nothing_earlier() -> None:
    assert hops(exchange(1, A, B, 2.0), exchange(0, B, "", 1.0)) == []


def test_the_last_of_several() -> None:
    assert hops(
        exchange(0, A, C, 1.0),
        exchange(1, B, C, 2.0),
        exchange(2, A, C, 4.0),
        exchange(3, C, "", 3),
    ) == [(B, "")]


def test_entries_out_of_order_of_time() -> None:
    redirects = Redirects()
    target = exchange(0, C, "", 1.2)
    redirects.add(exchange(1, B, C, 1.1))
    redirects.add(exchange(2, A, B, 1.0))
    assert [hop.url for hop in redirects.hops(target)[0]] == [A, B]


def test_without_times_the_place_in_the_file_counts() -> None:
    assert hops(exchange(0, A, B), exchange(1, B)) == [(A, "")]
    assert hops(exchange(1, A, B), exchange(0, B)) == []


def test_a_minute_later_it_is_another_request() -> None:
    assert hops(exchange(0, A, B, 1.0), exchange(1, B, "", 30.0)) == [(A, "")]
    assert hops(exchange(0, A, B, 1.0), exchange(1, B, "", 90.0)) == []


@pytest.mark.parametrize(
    ("one", "other", "found"), [("p", "p", 1), ("p", "q", 0), ("", "q", 1), ("p", "", 1)]
)
def test_another_pages_redirect(one: str, other: str, found: int) -> None:
    redirect = exchange(0, A, B, 1.0, page_ref=one)
    assert len(hops(redirect, exchange(1, B, "", 1.1, page_ref=other))) == found


def test_loops_end() -> None:
    itself = [exchange(n, A, A, float(n)) for n in range(50)]
    assert len(hops(*itself)) == 20
    circle = [exchange(n, (A, B)[n % 2], (B, A)[n % 2], n / 10) for n in range(50)]
    assert len(hops(*circle)) == 20
    at_once = [exchange(n, A, A, 1.0) for n in range(5)]
    assert len(hops(*at_once)) == 4
