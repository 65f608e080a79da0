"""The failing request in full, without what is secret."""

from __future__ import annotations

import shlex

from diagnostics.capture.exchange import Capture, DecodedParts, Exchange, Headers
from diagnostics.desk.failing import Failing, as_curl, as_http, failing
from diagnostics.sanitize.sanitizer import Sanitizer
from diagnostics.ticket import TokenSpec

TOKEN = TokenSpec().text
SENT = [
    (":path", "/x"),
    ("Host", "api.mapbox.com"),
    ("Cookie", "session=Zq8fV2mK1pL9xW"),
    ("Authorization", "Bearer Zq8fV2mK1pL9xW77"),
    ("Referer", "https://shop.example.com/it's"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"),
]
ANSWERED = [
    ("Content-Type", "application/json"),
    ("X-Amz-Cf-Id", "k3J8s-_abc=="),
    ("Set-Cookie", "a=Zq8fV2mK1pL9xW"),
    ("X-Amz-Cf-Pop", "<script>"),
]


def made(url: str = f"https://api.mapbox.com/v4/acme.x/1/2/3.png?access_token={TOKEN}") -> Failing:
    exchange = Exchange(
        source="a.har",
        index=7,
        method="GET",
        url=url,
        status=403,
        parts=DecodedParts(Headers(SENT), Headers(ANSWERED), lambda: '{"message":"Forbidden"}'),
    )
    cleaner = Sanitizer(Capture("a.har", "Firefox", (exchange,)), named=True)
    return failing(exchange, cleaner.exchange(exchange), 403, {TOKEN})


def test_what_stays_and_what_goes() -> None:
    request = made()
    assert (
        request.url == "https://api.mapbox.com/v4/acme.x/1/2/3.png?access_token=pk.…(acme/ck0ex…)"
    )
    assert request.place == "a.har entry 7"
    assert request.body == '{"message":"Forbidden"}'
    everything = as_curl(request) + as_http(request)
    assert "Zq8fV2mK1pL9xW" not in everything
    assert TOKEN not in everything
    assert "https://shop.example.com/" in (request.referer or "")
    assert ("X-Amz-Cf-Id", "k3J8s-_abc==") in request.answer_headers
    assert "<script>" not in everything


def test_curl_can_be_read_by_a_shell() -> None:
    words = shlex.split(as_curl(made()).replace("\\\n", " "))
    assert words[:2] == ["curl", "-i"]
    assert words[2].startswith("https://api.mapbox.com/v4/")
    assert all(flag == "-H" for flag in words[3::2])
    assert not any(word.lower().startswith(("host:", ":path")) for word in words)


def test_without_a_query_and_without_a_body() -> None:
    assert (
        made("https://api.mapbox.com/v4/acme.x.json").url == "https://api.mapbox.com/v4/acme.x.json"
    )
    nothing = Failing("GET", "https://a.example/", (), 403, (), None, "a.har entry 1")
    assert "does not hold the body" in as_http(nothing)
    assert nothing.referer is None
