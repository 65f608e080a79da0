"""A folder is written whole or not at all, and nothing of the user's is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diagnostics.desk.folder import check, write
from diagnostics.errors import InputError

FILES = {"a.md": b"new", "b.md": b"b"}


def listing(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize("there", ["", "out", "deep/down"])
def test_a_new_or_empty_folder(tmp_path: Path, there: str) -> None:
    target = tmp_path / "out" if not there else tmp_path / there
    if there == "out":
        target.mkdir()
    write(target, FILES)
    assert listing(target) == FILES
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.stat().st_mode & 0o077 == 0


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        write(tmp_path, FILES)
    assert listing(tmp_path) == {"mine.txt": b"mine"}


def test_force_replaces_ours_and_keeps_the_rest(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    for name in ("a.md", "old.png", "mine.txt"):
        (target / name).write_text("old")
    write(target, FILES, force=True, ours={"a.md", "b.md", "old.png"})
    assert listing(target) == {**FILES, "mine.txt": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="is no folder"):
        check(tmp_path / "out", force=True)


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", FILES)
    assert listing(tmp_path / "real") == FILES
    assert (tmp_path / "link").is_symlink()


def test_what_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        write(tmp_path / "out", FILES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path / "out", FILES)
