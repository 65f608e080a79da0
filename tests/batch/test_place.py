"""A place's name in the results, and reading it."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from diagnostics.batch.place import GoneError, Place, read
from diagnostics.capture.exchange import CaptureError
from diagnostics.capture.unpack import Limits


def test_names_are_as_they_were_given() -> None:
    assert Place("./a/b.har").shown == "./a/b.har"
    assert Place("a.zip", member="in/b.har").shown == "a.zip/in/b.har"
    assert Place("a.zip", member="in/b.har").folder == "a.zip/in"
    assert Place("b.har").folder == "."
    assert Place("bucket/b.har", root="s3://bucket/*.har").shown == "s3://bucket/b.har"
    chained = Place("in/b.har", root="zip://*.har::s3://bucket/a.zip")
    assert chained.shown == "zip://in/b.har::s3://bucket/a.zip"
    web = Place("https://files.example/b.har", root="https://files.example/b.har")
    assert web.shown == "https://files.example/b.har"


def test_names_show_no_secrets_and_stay_apart() -> None:
    first, second = (
        Place(f"https://x.example/a.har?sig={sig}", root=f"https://x.example/a.har?sig={sig}")
        for sig in ("0123456789abcdef", "fedcba9876543210")
    )
    assert "0123456789" not in first.shown
    assert first.shown.startswith("https://x.example/a.har?sig=(16 characters) #")
    assert first.shown != second.shown
    odd = Place("a\udcff\n\x1b[2J.har")
    assert odd.shown.isprintable()
    assert odd.shown.startswith("a???[2J.har #")


def test_reading_is_relative_to_the_base(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_bytes(b"{}")
    assert read(Place("a.har"), str(tmp_path))[:] == b"{}"
    with pytest.raises(GoneError, match=r"b\.har: there is no such file"):
        read(Place("b.har"), str(tmp_path))
    with pytest.raises(CaptureError, match="is a folder"):
        read(Place("."), str(tmp_path))


def test_reading_other_file_systems_is_bounded() -> None:
    memory = fsspec.filesystem("memory")
    place = Place("/w/a.har", root="memory://w")
    with pytest.raises(GoneError):
        read(place)
    try:
        memory.pipe("/w/a.har", b"x" * 5000)
        assert read(place)[:] == b"x" * 5000
        with pytest.raises(CaptureError, match="unpacks to more than 4 KiB"):
            read(place, limits=Limits(size=4096))
    finally:
        memory.rm("/w", recursive=True)
    with pytest.raises(CaptureError, match=r"cannot be read \(Protocol not known: nonsense\)"):
        read(Place("a", root="nonsense://a"))
