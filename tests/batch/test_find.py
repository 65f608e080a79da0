"""Which places paths mean, in which order, and what is left aside."""

from __future__ import annotations

import nturl2path
import os
from pathlib import Path

import fsspec
import pytest

from diagnostics.batch import find
from diagnostics.batch.find import Aside, network_hosts
from diagnostics.errors import InputError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a/2.har", "a/10.har", "a/b/1.har", "c.har", "a/.git/x.har", ".DS_Store"):
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    return tmp_path / "in"


def paths(*names: str, own: tuple[str, ...] = ()) -> list[str]:
    return [place.path for place in find.find(names, own).places]


def asides(*names: str) -> list[Aside]:
    return find.find(names).asides


def test_a_folder_means_its_files_by_name_and_then_its_folders(folder: Path) -> None:
    assert paths("in") == ["in/c.har", "in/a/10.har", "in/a/2.har", "in/a/b/1.har"]
    assert paths(str(folder)) == [f"{folder}/{path[3:]}" for path in paths("in")]
    assert all(not place.named and place.size == 2 for place in find.find(["in"]).places)


def test_hidden_files_are_told_and_not_read(folder: Path) -> None:
    assert [(aside.place.path, aside.reason, aside.failed) for aside in asides("in")] == [
        ("in/.DS_Store", "is hidden", False),
        ("in/a/.git", "is hidden", False),
    ]


def test_a_file_is_named_and_counts_once(folder: Path) -> None:
    (place,) = find.find(["in/c.har", "in/c.har"]).places
    assert place.named
    assert paths("in/c.har", "in") == ["in/c.har", "in/a/10.har", "in/a/2.har", "in/a/b/1.har"]


def test_a_glob_that_no_shell_expanded(folder: Path) -> None:
    assert paths("in/a/*.har") == ["in/a/10.har", "in/a/2.har"]
    assert paths("in/**/1.har") == ["in/a/b/1.har"]
    assert paths("in/[a]") == ["in/a/10.har", "in/a/2.har", "in/a/b/1.har"]
    (folder / "x[1].har").write_text("{}")
    assert paths("in/x[1].har") == ["in/x[1].har"]  # a file that is really called so


def test_links_are_followed_but_not_in_circles(folder: Path) -> None:
    (folder / "a/up").symlink_to(folder)
    (folder / "z").symlink_to(folder / "a")
    (folder / "link.har").symlink_to("c.har")
    (folder / "gone.har").symlink_to("nowhere")
    assert paths("in") == [
        "in/c.har", "in/link.har", "in/a/10.har", "in/a/2.har", "in/a/b/1.har"
    ]  # fmt: skip
    reasons = {aside.place.path: aside.reason for aside in asides("in")}
    assert reasons["in/a/up"] == reasons["in/z"] == "leads to a folder that is read already"
    assert reasons["in/gone.har"].startswith("is a link to nothing")


def test_pipes_and_devices_are_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.har")
    assert "in/pipe.har" not in paths("in")
    assert [aside.failed for aside in asides("in") if aside.place.path == "in/pipe.har"] == [False]
    (named,) = asides("in/pipe.har")
    assert named.failed
    assert [aside.failed for aside in asides("/dev/null")] == [True]


def test_a_folder_that_may_not_be_read_is_a_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = os.scandir

    def scandir(path: str) -> object:
        if path == "in/a":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (aside,) = [aside for aside in asides("in") if aside.failed]
    assert aside.reason == "the folder cannot be read (Permission denied)"


def test_deep_folders_need_no_stack(folder: Path) -> None:
    deep = folder / "a"
    for _ in range(300):
        deep /= "d"
        deep.mkdir()
    (deep / "x.har").write_text("{}")
    assert paths("in")[-1].endswith("/d/x.har")


def test_what_the_run_writes_is_not_read(folder: Path) -> None:
    assert "in/c.har" not in paths("in", own=("in/../in/c.har",))


def test_urls_go_to_their_file_systems(folder: Path) -> None:
    assert paths(f"file://{folder}/a/2.har") == [f"{folder}/a/2.har"]
    memory = fsspec.filesystem("memory")
    try:
        memory.pipe({"/w/1.har": b"{}", "/w/b/2.har": b"{}{}", "/w/.x/3.har": b"{}"})
        places = find.find(["memory://w"]).places
        assert [(place.path, place.root, place.size) for place in places] == [
            ("/w/1.har", "memory://w", 2), ("/w/b/2.har", "memory://w", 4)
        ]  # fmt: skip
        assert [place.shown for place in places] == ["memory:///w/1.har", "memory:///w/b/2.har"]
        assert paths("memory://w/*.har") == ["/w/1.har"]
        (place,) = find.find(["memory://w/b/2.har"]).places
        assert place.named
        for missing in ("memory://w/none.har", "memory://w/none*"):
            with pytest.raises(InputError, match=r"no such file|matches nothing"):
                find.find([missing])
    finally:
        memory.rm("/w", recursive=True)


def test_only_what_lies_below_a_remote_folder_can_be_hidden() -> None:
    memory = fsspec.filesystem("memory")
    try:
        memory.pipe({"/w/u/.captures/1.har": b"{}", "/w/u/.captures/.x/2.har": b"{}"})
        memory.makedirs("/w/none")
        for url in (
            "memory://w/u/.captures",
            "memory://w/u/.captures/",
            "memory://w/u/.captures/*.har",
        ):
            assert paths(url) == ["/w/u/.captures/1.har"]
        for url in ("memory://w/none", "memory://w/u"):
            with pytest.raises(InputError, match="no files in it that are not hidden"):
                find.find([url])
    finally:
        memory.rm("/w", recursive=True)


def test_a_remote_size_that_cannot_be_is_not_known() -> None:
    assert find._size(lambda: {"size": 1 << 64}) is None
    assert find._size(lambda: {"size": -1}) is None
    assert find._size(lambda: {"size": 7}) == 7


def test_a_file_url_is_a_path_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find._without_scheme("file:///a%20b/c.har") == "/a b/c.har"
    assert find._without_scheme("FILE://localhost/a") == "/a"
    monkeypatch.setattr("urllib.request.url2pathname", nturl2path.url2pathname)
    assert find._without_scheme("file:///C:/a%20b.har") == "C:\\a b.har"
    with pytest.raises(InputError, match="cannot be opened"):
        find._without_scheme("file:///a|b|c")


def test_only_urls_of_a_network_are_announced() -> None:
    urls = [
        "in/a.har", "file:///a.har", "memory://a", "s3://bucket/tickets/*.har",
        "zip://*.har::https://user:secret@files.example/a.zip?token=1", "C:\\a.har",
    ]  # fmt: skip
    assert network_hosts(urls) == ["s3://bucket", "https://files.example"]


def test_what_means_nothing_is_an_error(folder: Path) -> None:
    (folder / "none").mkdir()
    for name, says in (
        ("in/none", "is an empty folder"),
        (f"file://{folder}/none", "is an empty folder"),
        ("in/none/*.har", "matches nothing"),
        ("in/x.har", "no such file or folder"),
        ("a\0b", "cannot be opened"),
    ):
        with pytest.raises(InputError, match=says):
            find.find(["in", name])
