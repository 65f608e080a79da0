import codecs
import gzip
import io
import json
import os
import sys
import threading
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from diagnostics.capture.exchange import Capture, CaptureError
from diagnostics.capture.open import open_captures, read_capture
from diagnostics.capture.strangers import strangers
from diagnostics.capture.unpack import Limits

HAR = json.dumps(
    {
        "log": {
            "creator": {"name": "Firefox"},
            "entries": [
                {
                    "request": {"method": "GET", "url": "https://a.example/", "headers": []},
                    "response": {"status": 403, "content": {}},
                }
            ],
        }
    }
).encode()
CURL = b"curl 'https://a.example/' -H 'Referer: https://b.example/'"


def flow_file() -> bytes:
    stream = io.BytesIO()
    FlowWriter(stream).add(tflow.tflow(resp=True))
    return stream.getvalue()


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


READABLE = {
    "har": (HAR, "Firefox"),
    "har with a byte order mark": (codecs.BOM_UTF8 + HAR, "Firefox"),
    "har after blanks": (b"\r\n\t  " + HAR, "Firefox"),
    "har in utf-16": (HAR.decode().encode("utf-16"), "Firefox"),
    "har in utf-16-le without a mark": (HAR.decode().encode("utf-16-le"), "Firefox"),
    "har in utf-16-be without a mark": (HAR.decode().encode("utf-16-be"), "Firefox"),
    "har in gzip": (gzip.compress(HAR), "Firefox"),
    "har in zlib": (zlib.compress(HAR), "Firefox"),
    "har in zlib, fast": (zlib.compress(HAR, 1), "Firefox"),
    "har in zlib, best": (zlib.compress(HAR, 9), "Firefox"),
    "har in zip": (zipped("a.har", HAR), "Firefox"),
    "har in gzip in zip": (zipped("a.har.gz", gzip.compress(HAR)), "Firefox"),
    "flow file": (flow_file(), "mitmproxy"),
    "flow file in gzip": (gzip.compress(flow_file()), "mitmproxy"),
    "flow file in zip": (zipped("a.flow", flow_file()), "mitmproxy"),
    "curl": (CURL, "curl command"),
    "curl with a byte order mark": (codecs.BOM_UTF8 + CURL, "curl command"),
    "curl in utf-16": (CURL.decode().encode("utf-16"), "curl command"),
    "curl at 10:42": (b"10:42:05 Ann: " + CURL, "curl command"),
    "curl after a letter": (b"Hello,\n\n" + CURL + b"\n\nBye", "curl command"),
    "curl with an odd byte": (CURL + b" -H 'X: \xff'", "curl command"),
    "verbose": (b"> GET / HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 403 X\n<\n", "curl command"),
    "a text like zlib": (b"x^y\n" + CURL, "curl command"),
}


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("way", ["file", "stdin", "pipe"])
def test_told_by_content(name: str, way: str, tmp_path: Path) -> None:
    data, exporter = READABLE[name]
    path = tmp_path / "misleading.png"
    if way == "stdin":
        [capture] = read_capture("-", io.BytesIO(data))
        assert capture.file.startswith("standard input")
    elif way == "file":
        path.write_bytes(data)
        [capture] = read_capture(str(path))
        assert capture.file.startswith(str(path))
    else:
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(data,))
        writer.start()
        [capture] = read_capture(str(path))
        writer.join()
    assert capture.exporter == exporter
    assert len(capture.exchanges) == 1
    assert capture.exchanges[0].source == capture.file


def test_several_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CURL)
    (tmp_path / "b").write_bytes(zipped("x.har", HAR))
    captures = open_captures(
        [str(tmp_path / "b"), "-", str(tmp_path / "a")], io.BytesIO(flow_file())
    )
    assert [c.exporter for c in captures] == ["Firefox", "mitmproxy", "curl command"]
    assert open_captures([]) == []


def says(data: bytes, limits: Limits = Limits()) -> str:  # noqa: B008 (immutable)
    with pytest.raises(CaptureError) as raised:
        read_capture("-", io.BytesIO(data), limits)
    message = str(raised.value)
    assert message.startswith("standard input: ")
    assert message.isprintable()
    return message


STRANGERS = [
    (b"", "is empty"),
    (b" \n\t", "is empty"),
    (codecs.BOM_UTF8 + b"<!DOCTYPE html><html><body>Sign in", "web page"),
    (b"\n<html lang=en>", "web page"),
    (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html>', "web page"),
    (b'<?xml version="1.0"?><charles-session>', "Charles"),
    (b'<?xml version="1.0"?><x/>', "XML"),
    (b"<svg xmlns='x'/>", "markup"),
    (b'[{"status":"COMPLETE","actualPort":443}]', "Charles"),
    (b'{"constants":{"logEventTypes":{}},"events":[]}', "net log"),
    (b'{"traceEvents":[]}', "performance trace"),
    (b'{"info":{"_postman_id":"x"},"item":[]}', "Postman"),
    (b'{"schema":"why403/report/1"}', "report of why403"),
    (b'{"message":"Forbidden"}', "body of one answer"),
    (b"[]", "not a HAR"),
    (b'{"a": 1}', "not a HAR"),
    (b'{"log": {"entries": [', "too early"),
    (b'{"log": {"entries": [{"content": "<html>', "too early"),
    (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "packet capture"),
    (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "packet capture"),
    (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
    (b"\xff\xd8\xff\xe0", "picture"),
    (b"GIF89a", "picture"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "picture"),
    (b"\0\0\0\x1cftypheic", "photograph"),
    (b"%PDF-1.7", "PDF"),
    (b"7z\xbc\xaf\x27\x1c\0", "Unpack it"),
    (b"a.har" + b"\0" * 252 + b"ustar\x0000", "Unpack it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office"),
    (b"\x7fELF\x02", "program"),
    (b"\x01\x02\0\x03", "no capture that is known"),
    (b"Dear support, my map is blank.", "without a curl command"),
    (b"HTTP/1.1 403 Forbidden\nContent-Type: application/json\n", "answer without its request"),
    (b"Invoke-WebRequest -Uri https://a.example", "PowerShell"),
    (b"fetch('https://a.example/', {})", "fetch()"),
    (b"curl: (6) Could not resolve host", "no curl command"),
    (gzip.compress(HAR)[:-20], "ends too early"),
    (gzip.compress(b"hello"), "without a curl command"),
    (gzip.compress(b""), "is empty"),
    (b"\x1f\x8b\x08\x00" + b"garbage" * 9, "damaged"),
    (zlib.compress(HAR)[:-20], "ends too early"),
    (b"PK\x03\x04garbage", "damaged"),
    (flow_file()[:100], "breaks off"),
    (gzip.compress(gzip.compress(gzip.compress(gzip.compress(HAR)))), "too many times"),
]


@pytest.mark.parametrize(("data", "part"), STRANGERS, ids=[part for _, part in STRANGERS])
def test_what_is_no_capture(data: bytes, part: str) -> None:
    assert part in says(data)


def test_every_stranger_is_met_above() -> None:
    met = {says(data) for data, _ in STRANGERS}
    table = strangers()
    texts = [kind.says for kind in (*table.binary, *table.text)] + list(table.other.values())
    films = {kind.says for kind in table.binary if kind.bytes == "1a45dfa3"}
    for text in set(texts) - films:
        assert any(text in message for message in met), text


def test_names_that_cannot_be_opened(tmp_path: Path) -> None:
    locked = tmp_path / "locked.har"
    locked.write_bytes(HAR)
    locked.chmod(0)
    cases = {
        str(tmp_path / "absent.har"): "no such file",
        str(tmp_path): "is a folder",
        "a\0b": "cannot be opened",
        "x" * 5000: "cannot be opened",
        "": "is a folder",
        "absent\n\x1b[31m.har": "absent??[31m.har: there is no such file",
    }
    if os.geteuid() != 0:
        cases[str(locked)] = "may not be read"
    for path, part in cases.items():
        with pytest.raises(CaptureError) as raised:
            read_capture(path)
        assert part in str(raised.value)
        assert str(raised.value).isprintable()


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CaptureError, match="may not be read by you"):
        read_capture("a.har")


def test_no_standard_input() -> None:
    with pytest.raises(CaptureError, match="not connected"):
        read_capture("-")


def test_bombs() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    assert "times its size" in says(bomb, Limits(free=1_000_000))
    assert "more than 4.77 MiB" in says(bomb, Limits(size=5_000_000))
    assert "more than 1000 bytes" in says(b"x" * 1001, Limits(size=1000))
    assert "times its size" in says(zlib.compress(b" " * 10_000_000), Limits(free=1_000_000))


def test_a_plain_file_is_mapped_and_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "large.har"
    entry = json.loads(HAR)["log"]["entries"][0]
    entry["response"]["content"] = {"text": "x" * 30_000_000}
    path.write_text(json.dumps({"log": {"entries": [entry]}}))
    del entry
    read_capture(str(path))  # imports done
    tracemalloc.start()
    [capture] = read_capture(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(capture.exchanges) == 1
    assert peak < 5_000_000


def test_the_readers_are_imported_only_when_needed() -> None:
    code = (
        "import sys, io\n"
        "import diagnostics.capture.open as o\n"
        "lazy = {'mitmproxy', 'diagnostics.capture.har', 'diagnostics.capture.curl'}\n"
        "assert not lazy & set(sys.modules), lazy & set(sys.modules)\n"
        "o.read_capture('-', io.BytesIO(b'curl https://a.example/'))\n"
        "assert 'mitmproxy' not in sys.modules\n"
        "assert 'diagnostics.capture.har' not in sys.modules\n"
    )
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0


def capture_or_line(data: bytes) -> list[Capture] | None:
    try:
        return read_capture("-", io.BytesIO(data))
    except CaptureError as error:
        message = str(error)
    assert "\n" not in message
    assert message.startswith("standard input")
    return None


SEEDS = [data for data, _ in READABLE.values()] + [data for data, _ in STRANGERS]
PREFIXES = st.sampled_from([b"", b"\x1f\x8b\x08\0", b"PK\x03\x04", b"x\x9c", b"{", b"<", b"9:"])


@given(PREFIXES, st.binary(max_size=200))
@example(b"", b"9" * 12 + b":4:type")
@example(b"", b"\xff\xfe")
@settings(deadline=None, max_examples=300)
def test_any_bytes_give_captures_or_one_line(prefix: bytes, data: bytes) -> None:
    capture_or_line(prefix + data)


@given(st.sampled_from(SEEDS), st.integers(0, 4000), st.binary(max_size=4), st.booleans())
@settings(deadline=None, max_examples=400)
def test_damaged_files_give_captures_or_one_line(
    seed: bytes, at: int, replacement: bytes, cut: bool
) -> None:
    at %= len(seed) + 1
    capture_or_line(seed[:at] + replacement + (b"" if cut else seed[at + len(replacement) :]))


def test_a_mapped_file_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(HAR.replace(b'"headers": []', b'"headers": [{"name":"Host","value":"h"}]'))
    [capture] = read_capture(str(path))
    path.unlink()
    assert capture.exchanges[0].request_headers.get("host") == "h"
