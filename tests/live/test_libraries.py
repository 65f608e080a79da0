"""Which libraries a ticket needs, and how one comes into the cache."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from diagnostics.live import libraries
from diagnostics.live.proxy import LiveError
from diagnostics.ticket import parse

TICKET = """
title: t
story: s
client: {browser: chromium, library: leaflet@1.9.4}
page: https://shop.example.com/
sites:
  https://shop.example.com/:
    html: |
      <script src="https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js"></script>
      <script src="https://api.mapbox.com/mapbox-gl-js/v..1/mapbox-gl.js"></script>
"""
NPM = """#!/bin/sh
echo "$@" > "$WHY403_LIBRARIES/asked"
mkdir -p package/dist && echo '{}' > package/package.json && echo 'x' > package/dist/leaflet.js
tar czf leaflet-1.9.4.tgz package
rm -r package
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHY403_LIBRARIES", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name before all others."""
    (folder / "bin").mkdir()
    (folder / "bin" / "npm").write_text(script)
    (folder / "bin" / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


def test_what_a_ticket_needs() -> None:
    assert libraries.needed(parse(TICKET, "t")) == ("leaflet@1.9.4", "mapbox-gl@3.9.0")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for npm is a shell script")
def test_a_library_is_fetched_once_and_whole(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path, NPM, monkeypatch)
    assert libraries.missing(["leaflet@1.9.4"]) == ["leaflet@1.9.4"]
    libraries.fetch("leaflet@1.9.4")
    assert (cache / "asked").read_text() == "pack --ignore-scripts leaflet@1.9.4\n"
    assert (cache / "leaflet-1.9.4" / "dist" / "leaflet.js").read_text() == "x\n"
    assert libraries.missing(["leaflet@1.9.4"]) == []
    libraries.fetch("leaflet@1.9.4")  # somebody else was faster: no error
    assert sorted(path.name for path in cache.iterdir()) == ["asked", "leaflet-1.9.4"]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for npm is a shell script")
def test_what_npm_says_is_the_reason(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path, "#!/bin/sh\necho 'npm error 404' >&2\nexit 1\n", monkeypatch)
    with pytest.raises(LiveError, match=r"npm pack leaflet@9\.9\.9: npm error 404"):
        libraries.fetch("leaflet@9.9.9")
    assert list(cache.iterdir()) == []


def test_without_npm(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(LiveError, match="npm is not installed"):
        libraries.fetch("leaflet@1.9.4")


@pytest.mark.parametrize(
    "name", ["../../etc@1.0.0", "left-pad@1.0.0", "leaflet@--registry=x", "leaflet@1.9.4/../x", ""]
)
def test_names_out_of_a_capture_reach_neither_npm_nor_a_path(name: str, cache: Path) -> None:
    with pytest.raises(LiveError, match="no map library"):
        libraries.missing([name])
    ticket = parse(TICKET, "t")
    client = msgspec.structs.replace(ticket.client, library=name)
    odd = msgspec.structs.replace(ticket, client=client)
    assert libraries.needed(odd) == ("mapbox-gl@3.9.0",)
