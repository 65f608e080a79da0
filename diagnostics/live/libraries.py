"""The map libraries that a played page loads: npm packages, unpacked in a cache folder.

Which are needed is read off a ticket; one that is missing is fetched with the user's own npm, so
that their registry and proxy settings hold, and only where the caller says so. Nothing of a
package is run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from diagnostics.live.proxy import LiveError
from diagnostics.live.world import CDN
from diagnostics.ticket import Ticket

_SECONDS_TO_FETCH = 180
#: A name and version that may be given to npm and be part of a path, whoever wrote the page.
_LIBRARY = re.compile(r"(mapbox-gl|leaflet)@\d{1,3}(\.\d{1,4}){2}(-[a-z]{1,10}(\.\d{1,3})?)?")


def folder() -> Path:
    """The folder of unpacked libraries; WHY403_LIBRARIES names another one."""
    named = os.environ.get("WHY403_LIBRARIES")
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(named) if named else Path(cache) / "why403" / "libraries"


def needed(ticket: Ticket) -> tuple[str, ...]:
    """The libraries that a ticket's pages load (`mapbox-gl@3.9.0`), by their addresses on the
    public CDNs and by the ticket's client."""
    found = dict.fromkeys([ticket.client.library] if ticket.client.library else ())
    for site in ticket.sites.values():
        for pattern, package in CDN:
            for match in pattern.finditer(site.html):
                found[f"{package}@{match[1]}"] = None
    return tuple(name for name in found if _LIBRARY.fullmatch(name))


def missing(libraries: Iterable[str]) -> list[str]:
    """Those that are not in the cache."""
    return [library for library in libraries if not (_place(library) / "package.json").is_file()]


def fetch(library: str) -> None:
    """Fetch a library from the npm registry into the cache. Raises LiveError."""
    npm = shutil.which("npm")
    if npm is None:
        raise LiveError(f"{library} is missing and npm is not installed to fetch it")
    place = _place(library)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that it gets there whole or not at all.
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as work:
            _unpack(npm, library, Path(work))
            if not place.exists():
                (Path(work) / "package").rename(place)
    except (OSError, tarfile.TarError, subprocess.TimeoutExpired) as error:
        raise LiveError(f"{library} cannot be fetched: {error}") from None


def _unpack(npm: str, library: str, work: Path) -> None:
    done = subprocess.run(
        [npm, "pack", "--ignore-scripts", library],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS_TO_FETCH,
    )
    balls = list(work.glob("*.tgz"))
    if done.returncode or not balls:
        said = done.stderr.strip().splitlines()
        raise LiveError(f"npm pack {library}: {said[-1] if said else 'no answer'}")
    with tarfile.open(balls[0]) as ball:
        ball.extractall(work, filter="data")


def _place(library: str) -> Path:
    if not _LIBRARY.fullmatch(library):
        raise LiveError(f"{library!r} is no map library that can be fetched")
    return folder() / library.replace("@", "-")
