"""What to change in a token's list, for each way in which it does not admit a page."""

from __future__ import annotations

import pytest

from diagnostics.journey.case import Case
from diagnostics.journey.list_proposals import allow_page, api_host, corrected_list
from diagnostics.journey.verdict import Cause
from tests.journey.conftest import API, STYLE, Tape, case_of, listing

SHARE = f"{API}{STYLE}.html"


def case(page: str, *entries: str) -> Case:
    return case_of(Tape().page(page).ask(), listing(*entries))


@pytest.mark.parametrize(
    ("page", "changes", "pasted"),
    [
        ("https://shop.example.com/map", "allow+=shop.example.com", "shop.example.com"),
        ("http://localhost:3000/", "allow+=localhost:3000", "localhost:3000"),
        # An address without a name cannot be allowed.
        (
            "http://192.168.1.20:8080/",
            "page=http://localhost:8080/ allow+=localhost:8080",
            "localhost:8080",
        ),
        ("http://10.0.0.1/", "page=http://localhost/ allow+=localhost", "localhost"),
        ("http://[::1]:3000/", "page=http://localhost:3000/ allow+=localhost:3000", "localhost"),
    ],
)
def test_one_more_entry_for_the_page(page: str, changes: str, pasted: str) -> None:
    make = allow_page(Cause.PAGE_NOT_ALLOWED, "allow-host")
    (proposal,) = make(case(page, "other.example"))
    assert proposal[0] == changes
    assert pasted in proposal[2]


def test_without_a_page_there_is_no_entry() -> None:
    tape = Tape(agent="curl/8").ask(referer=None)
    make = allow_page(Cause.PAGE_NOT_ALLOWED, "allow-host")
    assert list(make(case_of(tape, listing("other.example")))) == []


@pytest.mark.parametrize(
    ("cause", "page", "cost"),
    [
        (Cause.PAGE_NOT_ALLOWED, "https://shop.example.com/", None),
        (Cause.PAGE_NOT_ALLOWED, "http://localhost/", "Anybody's development server"),
        (Cause.PORT_MISMATCH, "http://localhost:3000/", "Anybody's development server"),
        (Cause.PATH_MISMATCH, "https://shop.example.com/", "Every page of the host"),
        (Cause.SCHEME_MISMATCH, "https://shop.example.com/", "An http page of the host"),
    ],
)
def test_what_an_entry_opens_besides(cause: Cause, page: str, cost: str | None) -> None:
    key = "allow-port" if cause is Cause.PORT_MISMATCH else "allow-host"
    key = "allow-origin" if cause is Cause.PATH_MISMATCH else key
    (proposal,) = allow_page(cause, key)(case(page, "other.example"))
    assert (proposal[3] or "").startswith(cost or "")
    assert bool(proposal[3]) is bool(cost)


@pytest.mark.parametrize(
    ("entries", "changes", "lines"),
    [
        (
            ("https://*.example.com/*",),
            "allow-=https://*.example.com/* allow+=https://example.com",
            "https://example.com",
        ),
        # Every entry that can never match is corrected at once, and the good ones stay.
        (
            ("*.example.com", "good.example", "127.0.0.1:8000"),
            "allow-=*.example.com allow+=example.com allow-=127.0.0.1:8000 allow+=localhost:8000",
            "example.com\ngood.example\nlocalhost:8000",
        ),
        # What cannot be corrected goes, and the page is added.
        (("*",), "allow-=* allow+=shop.example.com", "shop.example.com"),
        (("",), "allow+=shop.example.com", "shop.example.com"),
        # Nobody else's pages are admitted with it.
        (
            ("https://*.vercel.app",),
            "allow-=https://*.vercel.app allow+=shop.example.com",
            "shop.example.com",
        ),
        # A change is a word; an entry with a blank in it is corrected by hand.
        (("* .example.com",), "allow+=shop.example.com", "shop.example.com"),
        ((" shop.example.com ",), "allow+=shop.example.com", "shop.example.com"),
        # Several in one, and what nobody documents, are written as the documentation says.
        (
            ("Other.example;shop.example.com",),
            "allow-=Other.example;shop.example.com allow+=other.example allow+=shop.example.com",
            "other.example\nshop.example.com",
        ),
        # Twice the same is once enough.
        (
            ("*.example.com", "**.example.com"),
            "allow-=*.example.com allow+=example.com allow-=**.example.com allow+=example.com",
            "example.com",
        ),
    ],
)
def test_entries_that_can_never_match(entries: tuple[str, ...], changes: str, lines: str) -> None:
    make = corrected_list(Cause.ALLOWLIST_WILDCARD, "allow-host")
    (proposal,) = make(case("https://shop.example.com/map", *entries))
    assert (proposal[0], proposal[2], proposal[3]) == (changes, lines, None)


def test_a_list_never_becomes_empty() -> None:
    """One without entries would restrict nothing."""
    make = corrected_list(Cause.ALLOWLIST_WILDCARD, "allow-host")
    assert list(make(case("about:blank", "*"))) == []


def test_a_corrected_list_does_not_help_a_page_on_an_address() -> None:
    make = corrected_list(Cause.ALLOWLIST_IP, "allow-localhost")
    (proposal,) = make(case("http://127.0.0.1:8000/", "127.0.0.1:8000"))
    assert proposal[0] == "page=http://localhost:8000/ allow+=localhost:8000"


def test_a_list_that_needs_no_correction_gets_none() -> None:
    make = corrected_list(Cause.ALLOWLIST_INVALID, "allow-host")
    assert list(make(case("https://shop.example.com/", "example.com"))) == []


def test_pages_of_the_api_s_own_host() -> None:
    first, second = api_host(case(SHARE, "shop.example.com"))
    assert first[0] == "allow+=api.mapbox.com"
    assert first[2] == "api.mapbox.com"
    assert "whoever made it" in (first[3] or "")
    assert second[0] == "own-page"
    assert second[3] is None


def test_a_frame_of_the_api_s_host_needs_its_holder_too() -> None:
    holder = f'<iframe src="{SHARE}"></iframe>'
    tape = Tape().page("https://shop.example.com/map", html=holder).page(SHARE, frame=True).ask()
    first, _ = api_host(case_of(tape, listing("other.example")))
    assert "api.mapbox.com" in first[2]
    assert "shop.example.com" in first[2]


def test_a_page_on_an_address_of_the_internet_needs_a_name_first() -> None:
    make = allow_page(Cause.PAGE_NOT_ALLOWED, "allow-host")
    (proposal,) = make(case("https://198.51.100.7:8443/", "other.example"))
    assert (proposal[0], proposal[2]) == ("name-the-host", "YOUR_HOST:8443")


def test_a_page_of_a_local_network_is_reached_by_localhost_on_one_machine_only() -> None:
    make = allow_page(Cause.PAGE_NOT_ALLOWED, "allow-host")
    (proposal,) = make(case("http://192.168.1.20:8080/", "other.example"))
    assert "other devices need a host name" in proposal[1]
    assert (proposal[3] or "").startswith("Anybody's development server")
