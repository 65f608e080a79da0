"""What the words of a curl command ask for: https://curl.se/docs/manpage.html, option by option."""

from __future__ import annotations

import shlex

import pytest

from diagnostics.capture.curl_options import CurlRequest, knowledge, read_requests
from diagnostics.capture.exchange import Headers

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
URL = "https://api.mapbox.com/v4/a.json?access_token=pk.x"


def requests(command: str) -> list[CurlRequest]:
    return read_requests(shlex.split(command)[1:])


def only(command: str) -> CurlRequest:
    [request] = requests(command)
    return request


def header(request: CurlRequest, name: str) -> str | None:
    return Headers(request.headers).get(name)


METHODS = [
    ("", "GET"),
    ("-X DELETE", "DELETE"),
    ("-XPUT", "PUT"),
    ("--request PATCH", "PATCH"),
    ("--request=PATCH", "PATCH"),
    ("-d a=1", "POST"),
    ("-da=1", "POST"),
    ("--data-raw '@x'", "POST"),
    ("--data-bin x", "POST"),
    ("--json '{}'", "POST"),
    ("-F a=b", "POST"),
    ("-T file", "PUT"),
    ("-I", "HEAD"),
    ("--head", "HEAD"),
    ("-sSIk", "HEAD"),
    ("-G -d a=1", "GET"),
    ("-X POST -I", "POST"),
]


@pytest.mark.parametrize(("options", "method"), METHODS)
def test_method(options: str, method: str) -> None:
    assert only(f"curl {options} '{URL}'").method == method
    assert only(f"curl '{URL}' {options}").method == method


HEADERS = [
    ("-e https://a.example/", "Referer", "https://a.example/"),
    ("-ehttps://a.example/", "Referer", "https://a.example/"),
    ("--referer 'https://a.example/;auto'", "Referer", "https://a.example/"),
    ("-e ';auto'", "Referer", None),
    ("-H 'Referer: https://a.example/'", "referer", "https://a.example/"),
    ("-H 'Referer:'", "Referer", None),
    ("-e https://a.example/ -H 'Referer:'", "Referer", None),
    ("-e https://a.example/ -H 'referer: https://b.example/'", "Referer", "https://b.example/"),
    ("-H 'Referer;'", "Referer", ""),
    ("-H 'no colon'", "no colon", None),
    ("-H @headers.txt", "Referer", None),
    ("-H'X-A:b'", "x-a", "b"),
    ("-sH 'X-A: b'", "x-a", "b"),
    ("-A 'My Agent'", "User-Agent", "My Agent"),
    ("", "User-Agent", "curl"),
    ("-H 'User-Agent:'", "User-Agent", None),
    ("", "Host", "api.mapbox.com"),
    ("-H 'Host: b.example'", "Host", "b.example"),
    ("", "Accept", "*/*"),
    ("-b 'a=1' -b 'b=2'", "Cookie", "a=1; b=2"),
    ("-b cookies.txt", "Cookie", None),
    ("-u me:secret", "Authorization", "Basic bWU6c2VjcmV0"),
    ("--oauth2-bearer T", "Authorization", "Bearer T"),
    ("-r 0-99", "Range", "bytes=0-99"),
    ("-d a=1", "Content-Type", "application/x-www-form-urlencoded"),
    ("--json '{}'", "Content-Type", "application/json"),
    ("--json '{}'", "Accept", "application/json"),
    ("-o out.json -e https://a.example/", "Referer", "https://a.example/"),
    ("-x http://p.example:8080 -e https://a.example/", "Referer", "https://a.example/"),
    ("--never-heard-of it -e https://a.example/", "Referer", "https://a.example/"),
    ("—referer https://a.example/", "Referer", "https://a.example/"),
    ("–e https://a.example/", "Referer", "https://a.example/"),
]


@pytest.mark.parametrize(("options", "name", "value"), HEADERS)
def test_headers(options: str, name: str, value: str | None) -> None:
    assert header(only(f"curl {options} '{URL}'"), name) == value


def test_repeated_headers_stay() -> None:
    headers = only(f"curl {URL} -H 'A: 1' -H 'a: 2'").headers
    assert Headers(headers).all("a") == ["1", "2"]


URLS = [
    ("curl api.mapbox.com/x", "http://api.mapbox.com/x"),
    ("curl localhost:3000", "http://localhost:3000"),
    ("curl 127.0.0.1:80/x", "http://127.0.0.1:80/x"),
    ("curl --proto-default https api.mapbox.com", "https://api.mapbox.com"),
    (r"curl 'https://a.example/\[1\]\{z\}'", "https://a.example/[1]{z}"),
    (r"curl -g 'https://a.example/\[1\]'", r"https://a.example/\[1\]"),
    ("curl -G -d a=1 --data-urlencode 'q=x y&z' https://a.example/", "?a=1&q=x%20y%26z"),
    ("curl -G -d a=1 'https://a.example/?b=2'", "https://a.example/?b=2&a=1"),
    ("curl --url-query a=1 https://a.example/", "https://a.example/?a=1"),
    ("curl --url https://a.example/", "https://a.example/"),
    ("curl --url=https://a.example/", "https://a.example/"),
    ("curl -o x https://a.example/ -sS", "https://a.example/"),
    ("curl -sSo x https://a.example/", "https://a.example/"),
    ("curl --unknown https://a.example/", "https://a.example/"),
    ("curl --no-unknown https://a.example/", "https://a.example/"),
    ("curl -- https://a.example/", "https://a.example/"),
]


@pytest.mark.parametrize(("command", "url"), URLS)
def test_url(command: str, url: str) -> None:
    assert only(command).url.endswith(url)


def test_one_request_for_each_url_and_next_parts_the_options() -> None:
    text = "curl -e https://a.example/ https://b.example/1 https://b.example/2 --next c.example -I"
    assert [(r.method, r.url, header(r, "referer")) for r in requests(text)] == [
        ("GET", "https://b.example/1", "https://a.example/"),
        ("GET", "https://b.example/2", "https://a.example/"),
        ("HEAD", "http://c.example", None),
    ]


def test_every_option_that_takes_a_value_swallows_it() -> None:
    urls = {"url", "proto-default", "url-query"}
    for entry in knowledge().takes_value:
        name, _, letter = entry.partition("/")
        if name in urls:
            continue
        for spelled in [f"--{name}", *([f"-{letter}"] if letter else [])]:
            found = requests(f"curl {spelled} value.example {URL}")
            assert [request.url for request in found] == [URL], spelled
    for entry in knowledge().flags:
        name, _, letter = entry.partition("/")
        for spelled in [f"--{name}", *([f"-{letter}"] if letter else [])]:
            assert only(f"curl {spelled} {URL}").url == URL, spelled


@pytest.mark.parametrize(
    ("options", "body", "from_file"),
    [
        ("-d a=1 -d b=2", "a=1&b=2", False),
        ("--json '{' --json '}'", "{}", False),
        ("--data-raw @x", "@x", False),
        ("-d @x", None, True),
        ("--data-urlencode 'q=x y'", "q=x%20y", False),
        ("--data-urlencode '=x&y'", "x%26y", False),
        ("--data-urlencode q@x", None, True),
        ("--data-urlencode 'x y'", "x%20y", False),
        ("-G -d a=1", None, False),
        ("-F a=@x", None, False),
        ("-K x", None, True),
        ("-b x", None, True),
        ("-H @x", None, True),
        ("", None, False),
    ],
)
def test_the_body_and_what_is_in_other_files(
    options: str, body: str | None, from_file: bool
) -> None:
    request = only(f"curl {options} {URL}")
    assert (request.body, request.reads_files) == (body, from_file)


@pytest.mark.parametrize(
    ("options", "version", "follows", "format_"),
    [
        ("", "", False, ""),
        ("--http2", "HTTP/2", False, ""),
        ("-0 -L", "HTTP/1.0", True, ""),
        ("--location-trusted --http3-only", "HTTP/3", True, ""),
        ("-w '%{http_code}'", "", False, "%{http_code}"),
    ],
)
def test_how_it_is_sent(options: str, version: str, follows: bool, format_: str) -> None:
    request = only(f"curl {options} {URL}")
    assert (request.http_version, request.follows_redirects, request.write_out) == (
        version,
        follows,
        format_,
    )


@pytest.mark.parametrize(
    ("options", "browser"),
    [
        (f"-H 'user-agent: {CHROME}'", "Chromium"),
        ("-H 'User-Agent: Mozilla/5.0 Gecko/20100101 Firefox/140.0'", "Firefox"),
        (f"-A '{CHROME}'", ""),  # a person's
        ("-H 'User-Agent: Chrome/140'", ""),
        ("", ""),
    ],
)
def test_the_browser_that_it_was_copied_from(options: str, browser: str) -> None:
    request = only(f"curl {options} {URL}")
    assert request.browser == (f"curl command (copied from {browser})" if browser else "")
    assert (header(request, "accept") is None) is bool(browser)  # nothing is made up for one


@pytest.mark.parametrize(
    "words", [[], ["-s"], [""], ["-H"], ["--"], ["-"], ["https://"], ["no url"], ["--next"]]
)
def test_without_a_url_it_sends_nothing(words: list[str]) -> None:
    assert read_requests(words) == []
