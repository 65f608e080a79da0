"""Which captures do these paths mean? Folders, globs, files and fsspec URLs to places, in order.

Folders are walked without following a link in a circle; what lies in a folder and is no file
(a pipe, a device) is never opened. Zip archives are places of their own: what is in them is found
by the worker that opens them.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from diagnostics.batch.place import LARGEST, Place, file_system_of
from diagnostics.errors import InputError

_URL = re.compile(r"[a-z][a-z0-9+.-]+::?//", re.IGNORECASE)
_CHAIN = re.compile(r"[a-z][a-z0-9+.-]+::", re.IGNORECASE)
_MAGIC = re.compile(r"[*?\[]")
#: File systems of this machine or process; everything else is reached over a network.
_NEAR = frozenset({"file", "local", "memory", "zip", "tar", "data", "dir", "libarchive"})


class Aside(msgspec.Struct, frozen=True):
    """Something that was found and is not looked into; `failed` where captures may be in it."""

    place: Place
    reason: str
    failed: bool = False


class Found(msgspec.Struct):
    """What the paths mean: places without doubles, each path's own in the order of their names."""

    places: list[Place]
    asides: list[Aside]


def find(paths: Sequence[str], own: Iterable[str] = ()) -> Found:
    """All captures that `paths` may mean; `own` are files that this run writes, never read.

    Raises InputError for a path that means nothing at all.
    """
    found = Found([], [])
    outputs = {_identity(name) for name in own}
    seen: set[str] = set()
    for path in paths:
        items = _remote(path) if is_url(path) else _local(_without_scheme(path), outputs)
        count = 0
        for item in items:
            count += 1
            key = (item if isinstance(item, Place) else item.place).key
            if key in seen:
                continue
            seen.add(key)
            if isinstance(item, Place):
                found.places.append(item)
            else:
                found.asides.append(item)
        if not count:
            raise InputError(f"{path}: {_nothing(path)}")
    return found


def is_url(path: str) -> bool:
    """Whether a path is for fsspec: it has a scheme, and that is not `file` alone."""
    has_scheme = _URL.match(path) is not None or _CHAIN.match(path) is not None
    return has_scheme and not (path.lower().startswith("file://") and "::" not in path)


def network_hosts(paths: Sequence[str]) -> list[str]:
    """What the paths make this program connect to: `https://host`, `s3://bucket`."""
    hosts: dict[str, None] = {}
    for path in paths:
        if not is_url(path):
            continue
        for part in path.split("::"):
            scheme, slashes, rest = part.partition("://")
            if slashes and scheme.lower() not in _NEAR:
                host = re.split(r"[/?#]", rest, maxsplit=1)[0]
                hosts.setdefault(f"{scheme}://{host.rpartition('@')[2]}")
    return list(hosts)


def _nothing(path: str) -> str:
    if _MAGIC.search(path):
        return "matches nothing. Quote it where the shell should not expand it."
    if is_url(path):
        return "there are no files in it that are not hidden."
    is_folder = Path(_without_scheme(path)).is_dir()
    return "is an empty folder." if is_folder else "is where the results go."


def _without_scheme(path: str) -> str:
    if not path.lower().startswith("file://"):
        return path
    import urllib.request

    try:
        return urllib.request.url2pathname(path[7:].removeprefix("localhost"))
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error}).") from None


def _identity(path: str) -> str:
    return os.path.realpath(path)


def _local(path: str, outputs: set[str]) -> Iterator[Place | Aside]:
    names = [path]
    if not os.path.lexists(path) and _MAGIC.search(path):
        names = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 (keeps "./")
    visited: set[tuple[int, int]] = set()
    for name in names:
        try:
            status = Path(name).stat()
        except (OSError, ValueError) as error:
            if name == path:
                raise InputError(f"{path}: {_missing(error)}") from None
            yield Aside(Place(name), "is a link to nothing")
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(name, visited, outputs)
        elif _identity(name) not in outputs:
            yield from _file(name, status, named=name == path)


def _missing(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder. Check the name."
    return f"cannot be opened ({getattr(error, 'strerror', None) or error})."


def _walk(folder: str, visited: set[tuple[int, int]], outputs: set[str]) -> Iterator[Place | Aside]:
    """A folder's files, then those of its folders, both by name; not recursive, for folders may
    be nested deeper than Python's stack."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            status = Path(current).stat()
            with os.scandir(current) as listing:
                names = sorted(entry.name for entry in listing)
        except OSError as error:
            said = error.strerror or str(error)
            yield Aside(Place(current), f"the folder cannot be read ({said})", failed=True)
            continue
        if (status.st_dev, status.st_ino) in visited:
            yield Aside(Place(current), "leads to a folder that is read already")
            continue
        visited.add((status.st_dev, status.st_ino))
        folders = []
        for name in names:
            path = os.path.join(current, name)  # noqa: PTH118 (keeps "./" and bytes as they are)
            if name.startswith("."):
                yield Aside(Place(path), "is hidden")
                continue
            try:
                found = Path(path).stat()
            except OSError as error:
                yield Aside(Place(path), f"is a link to nothing ({error.strerror or error})")
                continue
            if stat.S_ISDIR(found.st_mode):
                folders.append(path)
            elif _identity(path) not in outputs:
                yield from _file(path, found, named=False)
        waiting += reversed(folders)


def _file(path: str, status: os.stat_result, *, named: bool) -> Iterator[Place | Aside]:
    if stat.S_ISREG(status.st_mode):
        yield Place(path, size=status.st_size, named=named)
    else:
        reason = "is a pipe, a socket or a device, which is not read"
        yield Aside(Place(path, named=named), reason, failed=named)


def _remote(url: str) -> Iterator[Place | Aside]:
    try:
        yield from _listed(url)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{url}: there is no such file or folder.") from None
    except Exception as error:  # each file system has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{url}: cannot be listed ({said})") from None


def _listed(url: str) -> Iterator[Place | Aside]:
    file_system, path = file_system_of(url)
    web = url.lower().startswith(("http://", "https://"))
    if re.search(r"\*" if web else r"[*?\[]", path):
        named = re.split(r"[*?\[]", path, maxsplit=1)[0].rpartition("/")[0]
        yield from _places(url, named, file_system.glob(path, detail=True))
    elif not web and file_system.isdir(path):
        yield from _places(url, path, file_system.find(path, detail=True))
    else:
        yield Place(path, root=url, size=_size(lambda: file_system.info(path)), named=True)


def _places(root: str, named: str, listing: dict[str, dict[str, Any]]) -> Iterator[Place]:
    """The files of a listing, without those that are hidden below the folder that was named."""
    for path in sorted(listing):
        info = listing[path]
        below = path.removeprefix(named)
        hidden = any(part.startswith(".") for part in below.split("/"))
        if info.get("type") == "file" and not hidden:
            yield Place(path, root=root, size=_size(lambda info=info: info))  # type: ignore[misc]


def _size(info: Callable[[], dict[str, Any]]) -> int | None:
    """A file's size, None where the file system does not say; a missing file is an error."""
    try:
        size = info().get("size")
    except FileNotFoundError:
        raise
    except Exception:  # it may still be readable: reading will tell
        return None
    return size if isinstance(size, int) and 0 <= size <= LARGEST else None
