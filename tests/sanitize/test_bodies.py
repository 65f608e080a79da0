from __future__ import annotations

import pytest

from diagnostics.capture.exchange import DecodedParts, Exchange
from diagnostics.provider.profile import profiles
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.bodies import OTHER_WORDS, Bodies
from diagnostics.sanitize.standins import StandIns, Tally

STYLE = "https://api.mapbox.com/styles/v1/acme/x"


def kept_of(body: str, status: int = 403, url: str = STYLE, mime_type: str = "") -> str | None:
    standins = StandIns(Tally())
    exchange = Exchange("x", 0, "GET", url, status=status, mime_type=mime_type,
                        parts=DecodedParts(body=lambda: body))  # fmt: skip
    return Bodies(standins, Addresses(standins)).response(exchange)


@pytest.mark.parametrize(
    "text", [t.replace("SCOPE", "styles:read") for e in profiles()[0].errors for t in e.texts]
)
def test_the_providers_own_words_stay(text: str) -> None:
    assert kept_of(text, 401 if "Authorized" in text else 403) == text


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ('{"message":"Forbidden","user":"s3cret"}', OTHER_WORDS),
        ('{"message":"Account s3cret-9 has been suspended."}', '{"message":"Account … has been …"}'),  # noqa: E501
        ("<html>s3cret</html>", OTHER_WORDS),
        ('{"message":"requires a token with s3cret scope"}',
         '{"message":"requires a token with hidden:scope scope"}'),
    ],
)  # fmt: skip
def test_other_refusals_lose_what_is_not_known(body: str, made: str) -> None:
    assert kept_of(body) in {made, made.replace("has been …", "has been suspended.")}
    assert "s3cret" not in (kept_of(body) or "")


def test_bodies_that_nothing_reads_go() -> None:
    assert kept_of('{"version":8}', 200) is None
    assert kept_of(".a{}", 200, "https://a.example/a.css", "text/css") is None
    script = "/*! Mapbox GL JS by s3cret v3.9.0 */ x = {referrerPolicy: 'origin'}"
    assert kept_of(script, 200, "https://a.example/a.js", "text/javascript") == (
        '/* Mapbox GL JS v3.9.0 */\nreferrerPolicy: "origin";'
    )
