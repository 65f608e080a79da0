"""Policies keep what decides, and lose nonces, hashes, reporting addresses and odd words."""

from __future__ import annotations

import pytest

from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.policies import clean_csp, clean_policy
from diagnostics.sanitize.standins import StandIns, Tally

SECRET = "9f8e7d6c5b4a3f2e"
REPORTING = "reporting addresses and unknown directives"


def csp(value: str, *, meta: bool = False) -> tuple[str, dict[str, int]]:
    tally = Tally()
    standins = StandIns(tally)
    made = clean_csp(value, Addresses(standins), standins, meta=meta)
    assert SECRET not in made
    again = StandIns(Tally())
    assert clean_csp(made, Addresses(again), again, meta=meta) == made
    return made, dict(tally.removed + tally.replaced)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("default-src 'self'; img-src * data: blob:; object-src 'none'",) * 2,
        ("script-src 'unsafe-inline' 'strict-dynamic' 'unsafe-eval'",) * 2,
        ("upgrade-insecure-requests;sandbox allow-scripts",) * 2,
        ("connect-src https://*.mapbox.com:443 wss://a.example *.b.example",) * 2,
        ("connect-src https://api.mapbox.com/geocoding/v5/mapbox.places/ https://api.mapbox.com/directions/",
         "connect-src https://api.mapbox.com/geocoding/v5/mapbox.places/ https://api.mapbox.com/directions/"),
        ("img-src https://api.mapbox.com/styles/v1/mapbox/streets-v12/tiles/512/",
         "img-src https://api.mapbox.com/styles/v1/mapbox/streets-v12/tiles/512/"),
        ("connect-src https://api.mapbox.com/suggest/kim",
         "connect-src https://api.mapbox.com/suggest/hidden-1"),
        ("IMG-SRC 'self'",) * 2,
        (f"img-src https://a.example/x/{SECRET}", "img-src https://a.example/x/hidden-1"),
        (f"img-src https://*.{SECRET}{SECRET}.example.com", "img-src https://*.hidden-1.example.com"),
        (f"img-src https://api.mapbox.com/styles/v1/acme/{SECRET}",
         "img-src https://api.mapbox.com/styles/v1/account-1/hidden-1"),
        (f"script-src 'nonce-{SECRET}' 'SHA256-{SECRET}='",
         "script-src 'nonce-hidden-1' 'sha256-hidden-2'"),
        (f"script-src 'nonce-{SECRET}', script-src 'nonce-{SECRET}'",
         "script-src 'nonce-hidden-1', script-src 'nonce-hidden-1'"),
        (f"img-src {SECRET}: '{SECRET}'", "img-src hidden-1 hidden-2"),
        ("img-src é; connect-src 'self'", " connect-src 'self'"),
        (";;", ""),
        ("[REDACTED]", "[redacted]"),
    ],
)  # fmt: skip
def test_what_stays_of_a_content_security_policy(value: str, made: str) -> None:
    assert csp(value)[0] == made


@pytest.mark.parametrize(
    "name", ["report-uri", "report-to", "trusted-types", f"x-{SECRET}", "ABC1"]
)
def test_what_reports_and_what_is_no_directive_goes(name: str) -> None:
    assert csp(f"{name} https://{SECRET}@a.example/1; img-src 'self'") == (
        " img-src 'self'", {REPORTING: 1},
    )  # fmt: skip


def test_what_was_replaced_is_counted() -> None:
    assert csp(f"script-src 'nonce-{SECRET}' 'sha384-{SECRET}'")[1] == {"nonces and hashes": 2}
    assert csp("img-src 'self'")[1] == {}


def test_a_comma_separates_policies_of_a_header_and_nothing_in_a_meta_element() -> None:
    both = "img-src a.example, img-src 'none'"
    assert csp(both)[0] == both
    assert csp(both, meta=True)[0].count("img-src") == 2
    assert "," not in csp(both, meta=True)[0].replace("hidden", "")


@pytest.mark.parametrize(
    ("value", "made", "count"),
    [
        ("no-referrer", "no-referrer", 0),
        ("NO-REFERRER, strict-origin-when-cross-origin", None, 0),
        (" origin ", None, 0),
        ("  origin  ", "origin", 0),
        ("always", "always", 0),  # an old word of the meta element
        ("no-refferer", "no-refferer", 0),  # a mistake that tells something
        (f"origin,{SECRET}", "origin,hidden-1", 1),
        ("***", "[redacted]", 0),
        ("", "", 0),
    ],
)
def test_what_stays_of_a_referrer_policy(value: str, made: str | None, count: int) -> None:
    tally = Tally()
    assert clean_policy(value, StandIns(tally)) == (value if made is None else made)
    assert tally.replaced["words in policies"] == count
