import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.capture.curl import read_curl
from diagnostics.capture.curl_options import knowledge
from diagnostics.capture.exchange import Capture, CaptureError, Exchange, Outcome

# "chromium bash", "chromium cmd" and "firefox" were escaped by the browsers' own code (DevTools'
# NetworkLogView.ts, Firefox's curl.js); "safari" (after WebKit's Resource.js) and the older forms
# by copies of such code made by hand.
SAMPLES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("curl_samples.json").read_text("utf-8")
)
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36"
)
URL = "https://api.mapbox.com/v4/a.json?access_token=pk.x"


def only(text: str) -> Exchange:
    [exchange] = read_curl(text, "paste.txt").exchanges
    return exchange


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s['writer']}-{s['name']}")
def test_what_browsers_copy(sample: dict[str, Any]) -> None:
    capture = read_curl(sample["command"], "paste.txt")
    [exchange] = capture.exchanges
    assert (exchange.url, exchange.method) == (sample["url"], sample["method"])
    assert exchange.request_body == sample["body"]
    assert exchange.status is None
    assert exchange.outcome is Outcome.UNKNOWN
    for name, value in sample["headers"].items():
        if not value and "chromium" not in sample["writer"] and "edge" not in sample["writer"]:
            value = None  # `-H 'Name: '` takes the header away, as these browsers write it
        assert exchange.request_headers.get(name) == value, name
    if sample["headers"]:
        browser = sample["writer"].split()[0].title().replace("Edge", "Chromium")
        assert capture.exporter == f"curl command (copied from {browser})"
        assert "Host" not in exchange.request_headers  # nothing is made up for a browser
    else:
        assert capture.exporter == "curl command"


@pytest.mark.parametrize("writer", sorted({sample["writer"] for sample in SAMPLES}))
def test_several_commands_are_read_in_order(writer: str) -> None:
    samples = [sample for sample in SAMPLES if sample["writer"] == writer]
    joined = (" &\r\n" if "cmd" in writer or "windows" in writer else " ;\n").join(
        sample["command"] for sample in samples
    )
    exchanges = read_curl(joined, "paste.txt").exchanges
    assert [exchange.url for exchange in exchanges] == [sample["url"] for sample in samples]
    assert [exchange.index for exchange in exchanges] == list(range(len(samples)))


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
    assert only(f"curl {options} '{URL}'").request_headers.get(name) == value


def test_repeated_headers_stay() -> None:
    headers = only(f"curl {URL} -H 'A: 1' -H 'a: 2'").request_headers
    assert headers.all("a") == ["1", "2"]


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
    exchanges = read_curl(text, "f").exchanges
    assert [(e.method, e.url, e.request_headers.get("referer")) for e in exchanges] == [
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
            capture = read_curl(f"curl {spelled} value.example {URL}", "f")
            assert [exchange.url for exchange in capture.exchanges] == [URL], spelled
    for entry in knowledge().flags:
        name, _, letter = entry.partition("/")
        for spelled in [f"--{name}", *([f"-{letter}"] if letter else [])]:
            assert only(f"curl {spelled} {URL}").url == URL, spelled


def test_resource_type_and_version() -> None:
    exchange = only(f"curl {URL} -H 'Sec-Fetch-Dest: style' --http2")
    assert (exchange.resource_type, exchange.http_version) == ("stylesheet", "HTTP/2")


# Output as curl 7.88 printed it.
VERBOSE = """\
  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current
                                 Dload  Upload   Total   Spent    Left  Speed
\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:-- 0*   Trying 10.0.0.1:443...
* Connected to api.mapbox.com (10.0.0.1) port 443 (#0)
* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384
> GET /v4/a.json?access_token=pk.x HTTP/2
> Host: api.mapbox.com
> User-Agent: curl/7.88.1
> Accept: */*
> Referer: https://a.example/
>\x20
< HTTP/2 403\x20
< content-type: application/json
< x-cache: Error from cloudfront
<\x20
{ [23 bytes data]
* Connection #0 to host api.mapbox.com left intact
{"message":"Forbidden"}"""
INCLUDED = """\
HTTP/1.1 403 Forbidden
Content-Type: application/json
Content-Length: 23

{"message":"Forbidden"}"""
BOTH = """\
> GET /v4/a.json?access_token=pk.x HTTP/2
> Host: api.mapbox.com
>
< HTTP/2 403
HTTP/2 403
< content-type: application/json
content-type: application/json
<

{"message":"Forbidden"}"""
REDIRECTED = """\
HTTP/1.1 200 Connection established

HTTP/1.1 302 Found
Location: /v4/b.json

HTTP/1.1 100 Continue

HTTP/1.1 403 Forbidden
Content-Type: application/json

{"message":"Forbidden"}"""


@pytest.mark.parametrize("prompt", ["", "\n$ ", "me@host:~$ ", "\n\nme@host1 ~ % "])
@pytest.mark.parametrize(
    ("options", "output"), [("-v", VERBOSE), ("-i", INCLUDED), ("-vi", BOTH), ("-i -s", INCLUDED)]
)
def test_the_answer_is_read(options: str, output: str, prompt: str) -> None:
    exchange = only(f"$ curl {options} '{URL}' -e https://a.example/\n{output}{prompt}")
    assert (exchange.url, exchange.method) == (URL, "GET")
    assert (exchange.status, exchange.outcome) == (403, Outcome.ANSWERED)
    assert exchange.body == '{"message":"Forbidden"}'
    assert exchange.mime_type == "application/json"
    assert len(exchange.response_headers.all("content-type")) == 1
    expected = None if options == "-vi" else "https://a.example/"
    assert exchange.request_headers.get("referer") == expected


def test_verbose_output_alone_is_read() -> None:
    exchange = only(VERBOSE)
    assert (exchange.url, exchange.status) == (URL, 403)
    assert exchange.request_headers.get("user-agent") == "curl/7.88.1"


def test_verbose_output_of_plain_http() -> None:
    output = "* Connected to a.example port 80\n> GET /x HTTP/1.1\n> Host: a.example\n>\n"
    assert only(output).url == "http://a.example/x"
    assert only(output.partition("\n")[2]).url == "https://a.example/x"


def test_a_followed_redirect_is_a_request_of_its_own() -> None:
    text = f"curl -iL -e 'https://a.example/;auto' -u me:x '{URL}'\n{REDIRECTED}"
    first, second = read_curl(text, "f").exchanges
    assert (first.status, first.redirect_url) == (302, "/v4/b.json")
    assert (second.status, second.url) == (403, "https://api.mapbox.com/v4/b.json")
    assert second.request_headers.get("referer") == URL
    assert second.request_headers.get("authorization") == "Basic bWU6eA=="
    elsewhere = text.replace("Location: ", "Location: https://b.example")
    second = read_curl(elsewhere, "f").exchanges[1]
    assert "authorization" not in second.request_headers


def test_the_tunnel_of_a_proxy_is_no_request() -> None:
    output = VERBOSE.replace(
        "> GET",
        "> CONNECT api.mapbox.com:443 HTTP/1.1\n> Host: api.mapbox.com:443\n>\n"
        "< HTTP/1.1 200 Connection established\n<\n> GET",
    )
    exchange = only(f"curl -v -x http://p.example:8080 {URL}\n{output}")
    assert (exchange.url, exchange.status) == (URL, 403)


@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        (f"curl {URL}\n" + '{"message":"Forbidden"}', None, '{"message":"Forbidden"}'),
        (f"curl {URL}\nI get:\n" + '{"message":"Forbidden"}\n', None, '{"message":"Forbidden"}'),
        (f"curl {URL}\nIt does not work!", None, None),
        (f"curl -so /dev/null -w '%{{http_code}}\\n' {URL}\n403\n$ ", 403, None),
        (f"curl -w '%{{response_code}}' {URL}\n" + '{"a":1}403me@h:~$ ', 403, '{"a":1}'),
        (f"curl -w '%{{time_total}}' {URL}\n403", None, None),
        (f"curl -i {URL}\nHTTP/1.1 404 Not Found\n\nNot Found\n$ ", 404, "Not Found"),
        (f"curl -I {URL}\nHTTP/1.1 200 OK\nServer: x\n\n$ ", 200, None),
    ],
)
def test_other_output(text: str, status: int | None, body: str | None) -> None:
    exchange = only(text)
    assert (exchange.status, exchange.body) == (status, body)


def says(capture: Capture) -> set[str]:
    return {
        key
        for key, text in knowledge().blind_spots.items()
        if any(spot.startswith(text.partition("{")[0]) for spot in capture.blind_spots)
    }


@pytest.mark.parametrize(
    ("text", "spots"),
    [
        (f"curl {URL}", {"no_answer", "no_page", "typed"}),
        (f"curl -i {URL}\n{INCLUDED}", {"no_page", "typed"}),
        (
            f"curl {URL} -H 'user-agent: {CHROME}'",
            {"no_answer", "no_page", "copied", "provisional"},
        ),
        (
            f"curl {URL} -H 'user-agent: {CHROME}' -H 'accept: */*'",
            {"no_answer", "no_page", "copied"},
        ),
        (f"curl {URL} -A '{CHROME}'", {"no_answer", "no_page"}),
        ('curl "https://a.example/?t=$T"', {"no_answer", "no_page", "typed", "variables"}),
        (f"curl {URL} -b jar.txt", {"no_answer", "no_page", "typed", "files"}),
        ("curl https://a.example/?a=1&b=2", {"no_answer", "no_page", "typed", "ampersand"}),
    ],
)
def test_blind_spots(text: str, spots: set[str]) -> None:
    assert says(read_curl(text, "f")) == spots


def test_an_unreadable_command_is_skipped_and_counted() -> None:
    text = f"curl -s\ncurl 'https://[bad/'\ncurl {URL}\ncurl '{URL}"
    capture = read_curl(text, "paste.txt")
    assert [exchange.index for exchange in capture.exchanges] == [2]
    assert [(skip.index, skip.reason) for skip in capture.skipped] == [
        (0, "the curl command has no URL"),
        (1, "the curl command's URL is not valid"),
        (3, "a quotation mark of the curl command is not closed: it was cut off"),
    ]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Invoke-WebRequest -Uri 'https://a.example'", "PowerShell"),
        ("fetch('https://a.example', {headers: {}})", "fetch()"),
        ("curl 'https://a.example", "not closed"),
        ("curl -s", "no URL"),
        ("curl 7.88.1 (x86_64-pc-linux-gnu)", "no curl command"),
        ("hello", "no curl command"),
        ("", "no curl command"),
    ],
)
def test_errors_say_what_to_do(text: str, part: str) -> None:
    with pytest.raises(CaptureError) as raised:
        read_curl(text, "paste.txt")
    message = str(raised.value)
    assert message.startswith("paste.txt: ")
    assert part in message
    assert "Copy as cURL" in message
    assert "\n" not in message


PIECES = st.sampled_from(
    [
        *("curl ", "-H ", "'", '"', "$'", "\\", "^", "\n", " ", "https://a.example/", "-v", "-iL"),
        *("> GET / HTTP/1.1\n", "> Host: a\n", "< HTTP/2 302\n", "HTTP/1.1 403\n", "location: /\n"),
        *("{", "[[", "<p>", "* TLS\n", "--data-urlencode ", "-w %{http_code}\n", "403", ":", "@"),
    ]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join))
def test_any_text_gives_a_capture_or_one_line(text: str) -> None:
    try:
        capture = read_curl(text, "f")
        message = ""
    except CaptureError as error:
        message = str(error)
        capture = Capture("f", "", ())
    assert "\n" not in message
    assert bool(message) != bool(capture.exchanges)
    for exchange in capture.exchanges:
        json.dumps([exchange.url, exchange.body, exchange.request_body]).encode()
        "".join(name + value for name, value in exchange.request_headers).encode("utf-8")


@pytest.mark.parametrize(
    "text",
    [
        f"curl {URL} " + "-H 'A: b' " * 40_000,
        f"curl {URL} -H 'A: " + "b" * 2_000_000 + "'",
        f"curl {URL}\n" + "HTTP/1.1 403 X\n\n" * 40_000,
        f"curl {URL}\n" + "{[\n" * 200_000,
        f"curl {URL}\n" + "> GET / HTTP/1.1\n> Host: a\n\n" * 30_000,
        f"curl {URL}\n" * 4_000,
        "> " * 400_000,
    ],
    ids=["headers", "header", "answers", "body", "sent", "commands", "marks"],
)
def test_time_is_linear(text: str) -> None:
    began = time.perf_counter()
    with contextlib.suppress(CaptureError):
        read_curl(text, "f")
    assert time.perf_counter() - began < 6
