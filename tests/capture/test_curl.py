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
from tests.capture.printed import BOTH, INCLUDED, REDIRECTED, VERBOSE

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


def test_resource_type_and_version() -> None:
    exchange = only(f"curl {URL} -H 'Sec-Fetch-Dest: style' --http2")
    assert (exchange.resource_type, exchange.http_version) == ("stylesheet", "HTTP/2")


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


def test_a_printed_status_and_body_are_the_answer_s() -> None:
    exchange = only(f"curl -w '%{{response_code}}' {URL}\n" + '{"a":1}403me@h:~$ ')
    assert (exchange.status, exchange.body) == (403, '{"a":1}')
    exchange = only(f"curl {URL}\nIt does not work!")
    assert (exchange.status, exchange.body) == (None, None)


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
