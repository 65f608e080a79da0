"""What curl printed after a command: the exchanges in it, in order."""

from __future__ import annotations

import time

import pytest

from diagnostics.capture.curl_output import Hop, read_output
from tests.capture.printed import BOTH, INCLUDED, REDIRECTED, VERBOSE

FORBIDDEN = '{"message":"Forbidden"}'


def only(text: str, write_out: str = "") -> Hop:
    [hop] = read_output(text, write_out)
    return hop


def test_what_was_sent_and_received() -> None:
    hop = only(VERBOSE)
    assert (hop.method, hop.target) == ("GET", "/v4/a.json?access_token=pk.x")
    assert (hop.request_version, hop.version, hop.status) == ("HTTP/2", "HTTP/2", 403)
    assert hop.request_headers == [
        ("Host", "api.mapbox.com"),
        ("User-Agent", "curl/7.88.1"),
        ("Accept", "*/*"),
        ("Referer", "https://a.example/"),
    ]
    assert hop.headers == [
        ("content-type", "application/json"),
        ("x-cache", "Error from cloudfront"),
    ]
    assert hop.body == FORBIDDEN
    assert hop.secure


def test_the_head_that_was_included() -> None:
    hop = only(INCLUDED)
    assert (hop.method, hop.request_headers, hop.status) == ("", [], 403)
    assert hop.headers == [("Content-Type", "application/json"), ("Content-Length", "23")]
    assert hop.body == FORBIDDEN


def test_what_is_printed_twice_counts_once() -> None:
    hop = only(BOTH)
    assert (hop.method, hop.status, hop.body) == ("GET", 403, FORBIDDEN)
    assert hop.headers == [("content-type", "application/json")]


def test_redirects_and_the_answers_on_the_way() -> None:
    first, second = read_output(REDIRECTED)  # neither the proxy's 200 nor the 100
    assert (first.status, first.headers) == (302, [("Location", "/v4/b.json")])
    assert (second.status, second.body) == (403, FORBIDDEN)


def test_a_tunnel_is_of_the_way() -> None:
    tunnel = "> CONNECT a.example:443 HTTP/1.1\n> Host: a.example:443\n>\n< HTTP/1.1 200 OK\n<\n"
    hop = only(tunnel + "> GET /x HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 403 Forbidden\n<\n")
    assert (hop.method, hop.target, hop.status) == ("GET", "/x", 403)


@pytest.mark.parametrize(
    ("remarks", "secure"),
    [
        ("", True),
        ("* Connected to a.example port 80\n", False),
        ("* Connected to a.example port 443\n", True),
        ("* Trying\n* ALPN: offers h2\n", True),
        ("== Info: Trying\n", False),
    ],
)
def test_whether_it_was_encrypted(remarks: str, secure: bool) -> None:
    assert only(f"{remarks}> GET /x HTTP/1.1\n> Host: a.example\n>\n").secure is secure


@pytest.mark.parametrize(
    ("text", "write_out", "status", "body"),
    [
        (FORBIDDEN, "", None, FORBIDDEN),
        (f"I get:\n{FORBIDDEN}\n", "", None, FORBIDDEN),
        ("403\n$ ", "%{http_code}\\n", 403, ""),
        ('{"a":1}403me@h:~$ ', "%{response_code}", 403, '{"a":1}'),
        ("<p>no</p>\n403", "%{http_code}", 403, "<p>no</p>\n403"),
        ("HTTP/1.1 404 Not Found\n\nNot Found\n$ ", "", 404, "Not Found"),
        ("HTTP/1.1 200 OK\nServer: x\n\n$ ", "", 200, ""),
        ('HTTP/2 403\n\n{"a": [1}', "", 403, '{"a": [1}'),
        ("< HTTP/1.1 403 Forbidden", "", 403, ""),
    ],
)
def test_status_and_body(text: str, write_out: str, status: int | None, body: str) -> None:
    hop = only(text, write_out)
    assert (hop.status, hop.body) == (status, body)


@pytest.mark.parametrize(
    ("text", "write_out"),
    [
        ("", ""),
        ("It does not work!", ""),
        ("403", "%{time_total}"),
        ("403", ""),
        ("* Trying\n", ""),
    ],
)
def test_what_shows_no_exchange(text: str, write_out: str) -> None:
    assert read_output(text, write_out) == []


def test_a_progress_that_is_overwritten_is_no_text() -> None:
    assert only("old progress\rHTTP/2 403\r\nA: b\r\n\r\n").headers == [("A", "b")]


def test_a_long_body_is_cut_in_time() -> None:
    began = time.process_time()
    hop = only("HTTP/2 403\n\n" + "{[\n" * 300_000)
    assert time.process_time() - began < 4
    assert len(hop.body) < 70_000
