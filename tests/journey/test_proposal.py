"""What proposals are made of: the entry for a page, and snippets with what is known in them."""

from __future__ import annotations

import pytest

from diagnostics.journey.proposal import entry_for, host_entry, snippet
from diagnostics.journey.verdict import Cause
from tests.journey.conftest import FIREFOX_HAR, NEEDS_SCOPE, PAGE, RASTER, Tape, case_of


@pytest.mark.parametrize(
    ("referer", "entry"),
    [
        ("https://shop.example.com/map?x=1", "shop.example.com"),
        ("http://shop.example.com/", "shop.example.com"),
        ("https://shop.example.com:80/", "shop.example.com"),
        ("http://localhost:3000/", "localhost:3000"),
        ("https://SHOP.example.com:8443/", "shop.example.com:8443"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("file:///home/me/map.html", None),
        ("capacitor://localhost/", None),
        ("no url", None),
        ("", None),
        (None, None),
    ],
)
def test_the_entry_that_admits_a_referer(referer: str | None, entry: str | None) -> None:
    assert host_entry(referer) == entry


def test_the_entry_is_that_of_the_referer_and_else_of_the_page() -> None:
    assert entry_for(case_of(Tape().page().ask(referer="https://other.example/"))) == (
        "other.example"
    )
    assert entry_for(case_of(Tape().page(policy="no-referrer").ask(referer=None))) == (
        "shop.example.com"
    )
    assert entry_for(case_of(Tape(FIREFOX_HAR, agent="curl/8").ask(referer=None))) is None


@pytest.mark.parametrize(
    ("cause", "key", "holds"),
    [
        (Cause.PAGE_NOT_ALLOWED, "allow-host", "shop.example.com"),
        (Cause.TOKEN_SCOPE, "tokens-api", "styles:tiles"),
        (Cause.TOKEN_SCOPE, "tokens-api", "acme"),
    ],
)
def test_a_snippet_holds_what_the_case_knows(cause: Cause, key: str, holds: str) -> None:
    case = case_of(Tape().page(PAGE).ask(RASTER, body=NEEDS_SCOPE))
    text = snippet(case, cause, key, entry="shop.example.com")
    assert holds in text
    assert "YOUR_" not in text.replace("YOUR_SECRET_TOKEN", "")  # which nobody is to paste


def test_what_is_not_known_stays_a_placeholder() -> None:
    case = case_of(Tape().page().ask(token=None, status=401))
    assert "YOUR_ACCOUNT" in snippet(case, Cause.TOKEN_SCOPE, "tokens-api")
    assert "globex" in snippet(case, Cause.TOKEN_SCOPE, "tokens-api", account="globex")
    with pytest.raises(KeyError):
        snippet(case, Cause.TOKEN_SCOPE, "no-such-key")
