import io
import json
import zipfile
from typing import Any

import pytest

from diagnostics.capture.exchange import Capture, CaptureError
from diagnostics.capture.open import read_capture
from diagnostics.capture.unpack import Limits


def har(url: str = "https://a.example/", **entry: Any) -> bytes:
    request = {"method": "GET", "url": url, "headers": []}
    entry = {"request": request, "response": {"status": 200, "content": {}}, **entry}
    return json.dumps({"log": {"creator": {"name": "Playwright"}, "entries": [entry]}}).encode()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def read(data: bytes, limits: Limits = Limits()) -> list[Capture]:  # noqa: B008
    return read_capture("-", io.BytesIO(data), limits)


def says(data: bytes) -> str:
    with pytest.raises(CaptureError) as raised:
        read(data)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_capture_in_order_and_nothing_else(method: int) -> None:
    members = {
        "b/two.har": har("https://two.example/"),
        "readme.txt": b"hello",
        "__MACOSX/._one.har": b"\0\1",
        "page.html": har("https://no.example/"),
        "notes.json": b'{"a": 1}',
        "curl.txt": b"curl https://three.example/",
        "one.har": har("https://one.example/"),
    }
    captures = read(zipped(members, method))
    assert [capture.file for capture in captures] == [
        "standard input/b/two.har",
        "standard input/curl.txt",
        "standard input/one.har",
    ]
    assert captures[0].exchanges[0].source == captures[0].file


def test_a_broken_capture_beside_a_good_one_is_counted() -> None:
    good, bad = read(zipped({"bad.har": b'{"log": {"entries": [', "good.har": har()}))
    assert len(good.exchanges) == 1
    assert (bad.file, bad.exchanges) == ("standard input/bad.har", ())
    [skip] = bad.skipped
    assert skip.index is None
    assert not skip.reason.startswith("standard input")


def test_only_broken_captures() -> None:
    assert says(zipped({"bad.har": b"{"})).startswith("standard input/bad.har: ")


PLAYWRIGHT = {
    "request": {
        "method": "POST",
        "url": "https://events.mapbox.com/events/v2",
        "postData": {"mimeType": "application/json", "_file": "p.json"},
    },
    "response": {"status": 200, "content": {"mimeType": "text/html; charset=utf-8", "_file": "b"}},
}


def test_bodies_beside_a_har_of_playwright_are_read() -> None:
    members = {"har.har": har(**PLAYWRIGHT), "b": "<p>é".encode(), "p.json": b"[1]"}
    [capture] = read(zipped(members))
    [exchange] = capture.exchanges
    assert (exchange.body, exchange.request_body) == ("<p>é", "[1]")


@pytest.mark.parametrize(
    ("content", "status", "body"),
    [
        ({"mimeType": "text/javascript", "_file": "b"}, 200, "x" * 4096),
        ({"mimeType": "image/png", "_file": "b"}, 200, None),
        ({"mimeType": "image/png", "_file": "b"}, 403, "x" * 5000),
        ({"mimeType": "text/html", "_file": "absent"}, 200, None),
        ({"mimeType": "text/html", "_file": 5}, 200, None),
        ({"mimeType": None, "_file": "b"}, 200, None),
    ],
)
def test_which_bodies(content: dict[str, Any], status: int, body: str | None) -> None:
    members = {"har.har": har(response={"status": status, "content": content}), "b": b"x" * 5000}
    [capture] = read(zipped(members))
    assert capture.exchanges[0].body == body


@pytest.mark.parametrize("response", [None, {}, {"content": None}, [], "_file"])
def test_an_odd_har_of_playwright_is_read_as_it_is(response: object) -> None:
    members = {"har.har": har(response=response, note={"_file": "b"}), "b": b""}
    [capture] = read(zipped(members))
    assert len(capture.exchanges) + len(capture.skipped) == 1


def test_what_to_do_with_other_archives() -> None:
    assert "Fiddler" in says(zipped({"raw/01_c.txt": b"GET", "_index.htm": b""}))
    assert "recordHar" in says(zipped({"trace.trace": b"{}", "trace.network": b"{}"}))
    assert "without a capture" in says(zipped({"a.png": b"\x89PNG"}))
    assert "without a capture" in says(zipped({}))
    assert "damaged" in says(zipped({"a.har": har()})[:-30])


def test_locked() -> None:
    data = bytearray(zipped({"a.har": har()}))
    data[6] |= 1  # the encryption flag, in the member's own header and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "password" in says(bytes(data))


def test_names_of_members_are_shown_without_control_characters() -> None:
    [capture] = read(zipped({"a\n\x1b[31mb.har": har()}))
    assert capture.file == "standard input/a??[31mb.har"


def test_nested() -> None:
    data = zipped({"a.har": har()})
    assert len(read(zipped({"a.zip": data}))) == 1
    for _ in range(4):
        data = zipped({"a.zip": data})
    assert "without a capture" in says(data)


def test_bombs() -> None:
    bomb = zipped({"a.har": b" " * 1_000_000})
    with pytest.raises(CaptureError, match="times its size"):
        read(bomb, Limits(free=100_000))
    with pytest.raises(CaptureError, match="more than 98 KiB"):
        read(zipped({"a.txt": b"x" * 90_000, "b.txt": b"y" * 90_000}), Limits(size=100_352))


def test_a_member_without_a_name_is_passed_over() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = ""
        archive.writestr(info, har())
        archive.writestr("a.har", har())
    assert [capture.file for capture in read(stream.getvalue())] == ["standard input/a.har"]
