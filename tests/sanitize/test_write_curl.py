"""A capture as curl commands: what is written is read again as it was, and runs in a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

import pytest

from diagnostics.capture.curl import read_curl
from diagnostics.capture.exchange import DecodedParts, Exchange, Headers
from diagnostics.capture.open import read_data
from diagnostics.sanitize.output import pieces
from diagnostics.sanitize.sanitizer import Sanitizer
from diagnostics.sanitize.write_curl import curl_pieces
from tests import planting


def of(data: bytes) -> bytes:
    """What a file becomes."""
    (capture,) = read_data(data, "a capture")
    return b"".join(pieces(Sanitizer(capture)))


def test_curl_commands_keep_no_secret_either() -> None:
    requests, secrets = planting.planted_flow_secrets()
    lines = []
    for one in requests:
        headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in one["headers"]]
        sent = f"--data-raw {shlex.quote(one['sent'])}" if one["sent"] else ""
        user = f"-u {shlex.quote('kim:' + one['url'])} -b {shlex.quote('a=' + one['url'])}"
        lines.append(f"curl {shlex.quote(one['url'])} {' '.join(headers)} {user} {sent}")
        lines.append(one["body"].replace("\n", " ") if one["status"] == 403 else "")
    made = of("\n".join(lines).encode())
    assert planting.leaks(made, secrets) == []
    fetched = [one for one in requests if not one["url"].startswith("wss:")]  # no matter for curl
    assert len(read_data(made, "x.curl")[0].exchanges) == len(fetched)


URL = "https://api.mapbox.com/v4/account-1.hidden-1/1/0/0.png?access_token=pk.removed"
CHROME = ("User-Agent", "Mozilla/5.0 (X11) Chrome/156.0")


def exchange(url: str = URL, body: str | None = None, sent: str | None = None,
             request: Iterable[tuple[str, str]] = (), answer: Iterable[tuple[str, str]] = (),
             method: str = "GET", **more: Any) -> Exchange:  # fmt: skip
    parts = DecodedParts(Headers(request), Headers(answer), lambda: body, lambda: sent)
    return Exchange(source="x.curl", index=0, url=url, method=method, parts=parts, **more)


def written(given: Exchange, *, typed: bool = False) -> str:
    return "".join(curl_pieces([given], typed=typed))


def words(given: Exchange, *, typed: bool = False) -> list[str]:
    return shlex.split(written(given, typed=typed).replace("\\\n", ""))


@pytest.mark.parametrize(
    "given",
    [
        exchange(),
        exchange(request=[CHROME, ("Referer", "https://a.example/'x'"), ("A", "1"), ("a", "2")]),
        exchange(request=[("Accept", "*/*"), ("X-Empty", "")]),
        exchange(method="DELETE"),
        exchange(method="POST", sent="a=$(b) `c` \"d\" 'e' \\ !"),
        exchange(url="https://a.example/x?a=[1]&b={2}"),
        exchange(http_version="HTTP/2", status=403, body='{"message":"Forbidden"}',
                 answer=[("content-type", "application/json"), ("x-cache", "Hit")]),
        exchange(http_version="HTTP/1.1", status=299, answer=[("a", "b")]),
        exchange(body='{"message":"Forbidden"}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("typed", [False, True])
def test_what_is_written_is_read_again(given: Exchange, typed: bool) -> None:
    (read,) = read_curl(written(given, typed=typed), "x.curl").exchanges
    for field in ("method", "url", "status", "body", "request_body"):
        assert getattr(read, field) == getattr(given, field), field
    assert dict(read.request_headers).items() >= dict(given.request_headers).items()
    assert list(read.response_headers) == list(given.response_headers)
    if given.http_version:
        assert read.http_version == given.http_version


def test_curl_adds_nothing_that_was_not_sent() -> None:
    assert words(exchange()) == ["curl", URL, "-H", "User-Agent:", "-H", "Accept:"]
    given = exchange(request=[("user-agent", "x"), ("ACCEPT", "*/*")])
    assert words(given) == ["curl", URL, "-H", "user-agent: x", "-H", "ACCEPT: */*"]
    (read,) = read_curl(written(exchange()), "x").exchanges
    assert list(read.request_headers) == [("Host", "api.mapbox.com")]


@pytest.mark.parametrize(
    ("agent", "typed", "by_option"),
    [
        (CHROME, True, True),
        (CHROME, False, False),
        (("User-Agent", "curl/8.14.1"), True, False),
    ],
)
def test_a_browsers_name_that_somebody_typed_is_an_option(
    agent: tuple[str, str], typed: bool, by_option: bool
) -> None:
    """A browser copies it as a header, by which the two are told apart when it is read again."""
    made = words(exchange(request=[agent]), typed=typed)
    assert (made[2:4] == ["-A", agent[1]]) is by_option
    assert (f"User-Agent: {agent[1]}" in made) is not by_option


@pytest.mark.parametrize(
    ("version", "option"),
    [("HTTP/2", "--http2"), ("HTTP/3", "--http3"), ("HTTP/1.1", "--http1.1"), ("HTTP/1.0", None),
     ("", None)],
)  # fmt: skip
def test_the_version_is_asked_for_where_curl_can(version: str, option: str | None) -> None:
    found = [word for word in words(exchange(http_version=version)) if word.startswith("--http")]
    assert found == ([option] if option else [])


def test_an_answer_is_shown_as_curl_shows_it() -> None:
    given = exchange(status=403, answer=[("age", "1")], body="x", http_version="HTTP/2")
    assert written(given).endswith("\nHTTP/2 403 Forbidden\nage: 1\n\nx\n\n")
    assert "HTTP/1.1 799\n\n" in written(exchange(status=799))


def test_a_command_that_could_not_be_read_stays_one() -> None:
    text = "".join(curl_pieces([exchange(), None, exchange()], typed=False))
    capture = read_curl(text, "x.curl")
    assert [one.index for one in capture.exchanges] == [0, 2]
    assert [skip.index for skip in capture.skipped] == [1]
