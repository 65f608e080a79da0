"""What a worker makes of a place: rows without secrets, or a reason, and never an exception."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest

from diagnostics import __version__
from diagnostics.batch import judge as module
from diagnostics.batch.judge import (
    CAPTURE,
    FINDING,
    VERDICT,
    Failed,
    Judged,
    Known,
    Members,
    NoCapture,
    Outcome,
    Task,
    Unreachable,
    judge,
    version,
)
from diagnostics.batch.place import Place
from diagnostics.capture.unpack import Limits
from tests.batch.conftest import TOLD
from tests.bench import generate

HELMET = Path("fixtures/captures/helmet-gl3-chromium.mitmproxy.har").resolve()


def one(data: bytes, name: str = "a.har", *, named: bool = False) -> Outcome:
    """What becomes of a file with this content."""
    (outcome,) = judge([Task(Place(name, named=named), data=data)], TOLD)
    return outcome


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return file.getvalue()


def test_a_capture_becomes_rows() -> None:
    found = one(HELMET.read_bytes())
    assert isinstance(found, Judged)
    assert found.size == HELMET.stat().st_size
    capture = dict(zip(CAPTURE, found.capture, strict=True))
    assert capture == {
        "exporter": "mitmproxy", "exchanges": 6, "provider_requests": 4, "refused": 1,
        "explained": 1, "unreadable": 0,
    }  # fmt: skip
    (row,) = (dict(zip(VERDICT, row, strict=True)) for row in found.verdicts)
    because = row.pop("because")
    assert str(because).startswith("The page's response header sets the referrer policy no-ref")
    assert row == {
        "member": "", "entry": 4, "method": "GET", "status": 403, "provider": "mapbox",
        "url": row["url"], "page": "https://shop.example.com/map", "referer": None,
        "cause": "referrer-policy-blocks", "confidence": "certain", "stage": "policy",
        "browser": "Chromium browser", "browser_version": "156", "predicted": "allowed",
        "fix": "Helmet sends no-referrer unless told otherwise, since version 4. Set Helmet's"
        " option referrerPolicy.",
    }  # fmt: skip
    assert "pk.…(acme/ck0ex…)" in str(row["url"])
    assert all(len(row) == len(FINDING) for row in found.findings)


def test_outcomes_travel() -> None:
    found = one(HELMET.read_bytes())
    assert pickle.loads(pickle.dumps(found)) == found
    task = Task(Place("a.har", size=3), frozenset({"x"}))
    assert pickle.loads(pickle.dumps(task)) == task


def test_no_secret_is_in_any_row(tmp_path: Path) -> None:
    generate.write(tmp_path / "a.har", entries=40, largest_body=100)
    found = one((tmp_path / "a.har").read_bytes())
    assert isinstance(found, Judged)
    assert len(found.verdicts) == 8
    assert generate.TOKEN not in repr(found)
    assert generate.TOKEN.split(".")[1] not in repr(found)


def test_what_is_known_is_not_read() -> None:
    data = HELMET.read_bytes()
    judged = one(data)
    assert isinstance(judged, Judged)
    task = Task(Place("b.har"), frozenset({judged.sha256}), data)
    assert judge([task], TOLD) == [Known(Place("b.har"), len(data), judged.sha256)]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.har", b"", Failed),
        ("a.txt", b"", NoCapture),
        ("a.har", b"{", Failed),
        ("a.json", b'{"log": {"entries": [', Failed),
        ("a.json", b'{"a": 1}', NoCapture),
        ("a.flow", b"\0\1\2", Failed),
        ("README", b"Tickets", NoCapture),
        ("a.pdf", b"%PDF-1.7", NoCapture),
        ("a.zip", zipped(note_txt=b"none"), NoCapture),
        ("a.zip", b"PK\x03\x04 cut off", Failed),
        ("a.har", b"\x1f\x8b cut off", Failed),
    ],
)
def test_what_cannot_be_judged(name: str, data: bytes, kind: type) -> None:
    found = one(data, name)
    assert isinstance(found, kind)
    assert isinstance(found, Failed | NoCapture)
    assert found.reason
    assert not found.reason.startswith(name)
    assert isinstance(one(data, name, named=True), Failed)


def test_an_archive_of_several_is_taken_apart() -> None:
    data = zipped(a_har=HELMET.read_bytes(), b_har=b"{", c_txt=b"none")
    found = one(data, "up.zip")
    assert isinstance(found, Members)
    assert [place.shown for place in found.members] == [
        "up.zip/a.har", "up.zip/b.har", "up.zip/c.txt"
    ]  # fmt: skip
    first, second, third = judge([Task(place, data=data) for place in found.members], TOLD)
    assert isinstance(first, Judged)
    assert first.verdicts[0][0] == ""
    assert isinstance(second, Failed)
    assert isinstance(third, NoCapture)


def test_members_of_one_name_are_places_of_their_own() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("x", "x", "x (2)", "x", "x (2)"):
            archive.writestr(name, b"{")
    found = one(file.getvalue(), "up.zip")
    assert isinstance(found, Members)
    assert [place.member for place in found.members] == [
        "x", "x (2)", "x (2) (2)", "x (3)", "x (2) (3)"
    ]  # fmt: skip


def test_an_archive_of_one_is_that_one() -> None:
    found = one(zipped(a_har=HELMET.read_bytes()), "up.zip")
    assert isinstance(found, Judged)
    assert found.verdicts[0][0] == "a.har"


def test_a_member_that_unpacks_to_too_much_costs_itself_only() -> None:
    data = zipped(a_har=HELMET.read_bytes(), b_har=b" " * 3_000_000)
    found = one(data, "up.zip")
    assert isinstance(found, Members)
    limits = Limits(size=1_000_000)
    first, second = judge([Task(p, data=data) for p in found.members], TOLD, limits=limits)
    assert isinstance(first, Judged)
    assert isinstance(second, Failed)
    assert "unpacks to more than" in second.reason


def test_an_archive_that_changed_in_between() -> None:
    (found,) = judge([Task(Place("up.zip", member="a.har", entry=7), data=zipped(a=b""))], TOLD)
    assert isinstance(found, Failed)
    assert "was changed" in found.reason


def test_a_file_that_is_not_there_may_be_elsewhere(tmp_path: Path) -> None:
    (found,) = judge([Task(Place("nowhere.har"))], TOLD, str(tmp_path))
    assert isinstance(found, Unreachable)


def test_a_fault_of_ours_costs_one_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.diagnose

    def faulty(captures: object, told: object) -> object:
        if "bad" in repr(captures):
            raise ZeroDivisionError(f"by {generate.TOKEN}")
        return real(captures, told)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "diagnose", faulty)
    data = HELMET.read_bytes()
    first, second = judge([Task(Place(n), data=data) for n in ("bad.har", "b.har")], TOLD)
    assert isinstance(first, Failed)
    assert first.reason.startswith("why403 failed on it: ZeroDivisionError: by pk.…")
    assert isinstance(second, Judged)


def test_odd_strings_are_made_plain() -> None:
    har = json.loads(HELMET.read_bytes())
    har["log"]["entries"][4]["request"]["url"] += "&x=\u202e" + "y" * 5000
    found = one(json.dumps(har).encode())
    assert isinstance(found, Judged)
    url = str(found.verdicts[0][3])
    assert len(url) == 2000
    assert "\u202e" not in url


def test_a_worker_says_its_version() -> None:
    assert version() == __version__
