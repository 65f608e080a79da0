"""Captures that are made to use up memory or time, and numbers that are none: a real process, its
peak of memory and its time measured, and one clear line where nothing can be read."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from diagnostics.capture.open import read_data
from tests.hostile import judging
from tests.hostile.running import Ran, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of processes are POSIX")

API = "https://api.mapbox.com/styles/v1/acme/ck0"
#: MB of memory that the program takes with a small capture and its libraries, with some air.
AT_REST = 110
#: Seconds of processor time; the figures measured are a tenth of it.
SECONDS = 20


def entry(**more: Any) -> dict[str, Any]:
    referer = {"name": "Referer", "value": "https://shop.example.com/"}
    request = {"method": "GET", "url": API, "headers": [referer]}
    response = {"status": 403, "headers": [], "content": {"text": '{"message":"Forbidden"}'}}
    return {"request": request, "response": response, **more}


def har(*entries: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def report_figures(ran: Ran) -> None:
    """With WHY403_FIGURES=1, what each case took."""
    if os.environ.get("WHY403_FIGURES"):
        test = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].partition(" (")[0]
        print(f"{test}: {ran.peak:.0f} MB, {ran.seconds:.1f} s", file=sys.__stderr__)


def assert_bounded(ran: Ran, size: float = 0.0, *, status: int = 2) -> None:
    """`size` MB may be in memory besides what the program takes at rest."""
    report_figures(ran)
    assert ran.status == status, ran.err
    assert ran.peak < AT_REST + size, ran.peak
    assert ran.seconds < SECONDS, ran.seconds
    assert "Traceback" not in ran.err
    assert "fault of why403" not in ran.err
    judging.assert_plain(ran.err)
    if status == 2:
        assert ran.out == ""
        assert ran.line.startswith("Error: ")


# ---- packed ----


def packed(pieces: Iterator[bytes], wbits: int = 31) -> bytes:
    engine = zlib.compressobj(9, wbits=wbits)
    return b"".join([*(engine.compress(piece) for piece in pieces), engine.flush()])


def brackets(megabytes: int) -> Iterator[bytes]:
    yield b'{"log":{"entries":['
    for _ in range(megabytes):
        yield b"[" * 1_000_000


def zipped(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def overlapping(members: int, megabytes: int) -> bytes:
    """A zip whose every member is the same compressed data, as in a zip bomb that needs no
    nesting (D. Fifield, "A better zip bomb", 2019)."""
    content = b" " * (megabytes * 1_000_000)
    engine = zlib.compressobj(9, wbits=-15)
    data = engine.compress(content) + engine.flush()
    crc = zlib.crc32(content)
    name = b"a.har"
    local = struct.pack(
        "<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, crc, len(data), len(content), len(name), 0
    )
    central = struct.pack(
        "<IHHHHHHIIIHHHHHII",
        *(0x02014B50, 20, 20, 0, 8, 0, 0, crc, len(data), len(content), len(name)),
        *(0, 0, 0, 0, 0, 0),
    )
    body = local + name + data
    directory = (central + name) * members
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, members, members, len(directory), len(body), 0)
    return body + directory + end


BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: packed(b"\0" * 1_000_000 for _ in range(300)),
    "zlib": lambda: packed((b" " * 1_000_000 for _ in range(200)), 15),
    "gzip of nesting": lambda: packed(brackets(1000)),
    "gzip in gzip": lambda: gzip.compress(packed(b" " * 1_000_000 for _ in range(200))),
    "zip": lambda: zipped(("a.har", b" " * 300_000_000)),
    "zip of gzip": lambda: zipped(("a.har.gz", packed(b" " * 1_000_000 for _ in range(200)))),
    "many members": lambda: zipped(*((f"{n}.har", b" " * 4_000_000) for n in range(20))),
    "overlapping members": lambda: overlapping(3_000, 8),
    "gzip members": lambda: gzip.compress(b" " * 1_000_000) * 200,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_compressed_bomb(name: str, tmp_path: Path) -> None:
    file = tmp_path / "bomb.har"
    file.write_bytes(BOMBS[name]())
    assert file.stat().st_size < 4_000_000
    # What is unpacked before it is known for a bomb lies in memory or in a file: 64 MiB.
    ran = run("diagnose", file)
    assert_bounded(ran, 150)
    # A newer zipfile may find members that overlap by itself, and read what is left.
    assert "unpacks to" in ran.line or name == "overlapping members"


def test_a_body_that_is_a_bomb(tmp_path: Path) -> None:
    from mitmproxy import io as flows
    from mitmproxy.test import tflow

    flow = tflow.tflow(resp=True)
    flow.request.url = API
    assert flow.response is not None
    flow.response.status_code = 403
    flow.response.headers["Content-Encoding"] = "gzip"
    flow.response.raw_content = packed(b" " * 1_000_000 for _ in range(200))
    file = tmp_path / "x.flow"
    with file.open("wb") as stream:
        flows.FlowWriter(stream).add(flow)
    assert_bounded(run("diagnose", file), 60, status=1)


# ---- nested ----


@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":'], ids=["lists", "objects", "both"])
@pytest.mark.parametrize("closed", [False, True])
def test_nesting(unit: bytes, closed: bool, tmp_path: Path) -> None:
    opened = unit * (20_000_000 // len(unit))
    ends = {b"[": b"]", b'{"a":': b"}", b'[{"a":': b"}]"}[unit] * (20_000_000 // len(unit))
    file = tmp_path / "nested.har"
    with file.open("wb") as stream:
        stream.write(b'{"log":{"entries":[' + json.dumps(entry()).encode() + b",")
        stream.write(opened + (b"1" + ends + b"]}}" if closed else b""))
    ran = run("diagnose", file)
    # The file is mapped, and there is one mended copy of it.
    assert_bounded(ran, 2 * file.stat().st_size / 1e6 + 30, status=1 if closed else 2)
    if not closed:
        assert "ends too early" in ran.line


def test_nesting_from_a_pipe() -> None:
    """As much as the pipe gives; nothing is known about its length before its end."""
    reader, writer = os.pipe()

    def feed() -> None:
        with open(writer, "wb") as stream:  # noqa: PTH123 (a file descriptor)
            for piece in brackets(100):
                stream.write(piece)

    feeder = threading.Thread(target=feed)
    feeder.start()
    with open(reader, "rb") as stream:  # noqa: PTH123
        ran = run("diagnose", "-", stdin=stream)
    feeder.join()
    assert_bounded(ran, 2 * 100 + 60)
    assert "ends too early" in ran.line


def test_a_sparse_file(tmp_path: Path) -> None:
    """A gigabyte that takes no room: zeros behind the start of a HAR."""
    file = tmp_path / "sparse.har"
    with file.open("wb") as stream:
        stream.write(b'{"log":{"entries":[')
        stream.truncate(1 << 30)
    assert_bounded(run("diagnose", file))


# ---- many ----


def with_fields(count: int, shape: str = "objects") -> Iterator[bytes]:
    """A HAR with so many header fields in its one entry, beside a refusal that can be read."""
    yield b'{"log":{"entries":[' + json.dumps(entry()).encode() + b","
    before, after = json.dumps(entry()).encode().split(b'"headers": [', 1)
    unit = {"objects": b'{"name":"x-%d","value":"1"}', "pairs": b'["x-%d","1"]'}[shape]
    yield before + b'"headers": ['
    for start in range(0, count, 10_000):
        yield b",".join(unit % number for number in range(start, start + 10_000)) + b","
    yield after + b"]}}"


@pytest.mark.parametrize("shape", ["objects", "pairs"])
def test_a_million_header_fields(shape: str, tmp_path: Path) -> None:
    file = tmp_path / "fields.har"
    with file.open("wb") as stream:
        stream.writelines(with_fields(1_000_000, shape))
    ran = run("diagnose", file, "--format", "json")
    assert_bounded(ran, file.stat().st_size / 1e6, status=1)
    report = json.loads(ran.out)
    assert report["summary"]["refused"] == 1
    [skip] = report["capture"]["skipped"]
    assert (skip["index"], skip["reason"]) == (1, "the entry has more than 10,000 header fields")


def test_header_fields_up_to_the_limit_are_read() -> None:
    one = entry()
    one["request"]["headers"] += [{"name": f"x-{n}", "value": "v" * 40} for n in range(9_990)]
    [capture] = read_data(har(one), "f")
    assert len(capture.exchanges[0].request_headers) == 9_991


def test_too_many_entries(tmp_path: Path) -> None:
    file = tmp_path / "entries.har"
    file.write_bytes(b'{"log":{"entries":[' + b"1," * 2_000_000 + b"1]}}")
    ran = run("diagnose", file)
    assert_bounded(ran, 180)
    assert "holds more than 1,000,000 entries" in ran.line


def test_skipped_entries_are_listed_up_to_a_number() -> None:
    [capture] = read_data(b'{"log":{"entries":[' + b"{}," * 5_000 + b"{}]}}", "f")
    assert len(capture.skipped) == 1_001
    assert capture.skipped[-1].index is None
    assert capture.skipped[-1].reason == "4,001 more entries cannot be read"


def test_a_text_of_10_mb_stands_in_the_report_where_it_belongs_and_not_in_sentences() -> None:
    long = entry()
    long["request"]["headers"] = [
        {"name": "Referer", "value": "https://a.example/" + "x" * 10**7},
        {"name": "User-Agent", "value": "Mozilla/5.0 (X11) Gecko/20100101 Firefox/153.0"},
    ]
    ran = run("diagnose", "-", "--allow", "b.example", "--format", "json", stdin=har(long))
    [verdict] = json.loads(ran.out)["verdicts"]
    assert len(verdict.pop("referer")) > 10**7
    verdict.pop("page")
    assert len(json.dumps(verdict)) < 50_000
    assert_bounded(ran, 130, status=1)


# ---- numbers, and the same key twice ----

NUMBERS = (
    "1e999", "-1e999", "-0", "0.0", "-1", str(10**400), str(2**63), str(-(2**63) - 1), "1e-400",
    "0.1e1", "403.7", "999999999999", "true", "null", '"403"', '"1e999"', '"NaN"', "[]", "{}",
)  # fmt: skip
FIELDS = (
    '"status": %s', '"bodySize": %s', '"_transferSize": %s', '"headersSize": %s', '"time": %s',
    '"content": {"size": %s}', '"timings": {"wait": %s}', '"_error": %s', '"redirectURL": %s',
)  # fmt: skip
TIMES = (
    "99999-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00", "2026-13-45T99:99:99Z", "1e999", "NaN", "", "9" * 5000,
    "2026-11-22T10:00:00.00000000000000000000000000001Z", "2026-W99-9", "２０２６-11-22",
)  # fmt: skip


def test_absurd_numbers() -> None:
    url = f'"url": "{API}"'
    parts = [field % number for number in NUMBERS for field in FIELDS]
    entries = [f'{{"request": {{{url}}}, "response": {{"status": 403, {part}}}}}' for part in parts]
    entries += [
        f'{{"request": {{{url}, {part}}}, "response": {{"status": 403}}, {part}}}' for part in parts
    ]
    entries += [
        f'{{"request": {{{url}}}, "response": {{"status": 403}}, "startedDateTime": {time}}}'
        for time in (*map(json.dumps, TIMES), *NUMBERS)
    ]
    data = f'{{"log": {{"entries": [{", ".join(entries)}]}}}}'.encode()
    ran = run("diagnose", "-", "--format", "json", stdin=data)
    assert_bounded(ran, 30, status=1)
    report = judging.assert_json(ran.out)
    assert report["capture"]["skipped"] == []
    assert report["capture"]["exchanges"] == len(entries)
    assert report["summary"]["refused"] > len(entries) * 0.8


@pytest.mark.parametrize("number", ["nan", "inf", "-nan", "+1", "01", "0x1", ".5", "1."])
def test_a_number_that_json_does_not_know_is_said_with_its_place(number: str) -> None:
    """No exporter writes one; where a hand or a script did, the line says which byte."""
    data = har(entry(time=7777)).replace(b"7777", number.encode())
    ran = run("diagnose", "-", stdin=data)
    assert_bounded(ran)
    assert "is not valid JSON" in ran.line
    said = int(ran.line.rpartition("byte ")[2].rstrip(")."))
    assert abs(said - data.index(number.encode() + b"}")) <= len(number)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_python_writes_and_json_lacks_is_no_value(number: str) -> None:
    data = har(entry(time=7777)).replace(b"7777", number.encode())
    assert_bounded(run("diagnose", "-", stdin=data), status=1)


@pytest.mark.parametrize("broken", [False, True])
def test_of_two_members_with_the_same_name_the_last_counts(broken: bool) -> None:
    """As in every browser (ECMA-262, JSON.parse), read quickly and read patiently."""
    comment = "\\ud800" if broken else "c"
    first = f'{{"url": "https://first.example/", "url": "{API}", "comment": "{comment}"}}'
    data = (
        '{"log": {"entries": [1]}, "log": {"entries": [2], "entries": [{"request": {"url": "x"},'
        f' "request": {first}, "response": {{"status": 200, "status": 403}}}}]}}}}'
    )
    [capture] = read_data(data.encode(), "f")
    [exchange] = capture.exchanges
    assert (exchange.url, exchange.status) == (API, 403)


def test_of_two_headers_with_the_same_name_both_count() -> None:
    twice = [{"name": "X", "value": "1", "value2": "2"}, {"name": "x", "value": "2"}]
    one = entry()
    one["request"]["headers"] = twice
    [capture] = read_data(har(one), "f")
    assert capture.exchanges[0].request_headers.all("x") == ["1", "2"]
