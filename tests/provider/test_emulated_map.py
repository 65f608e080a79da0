"""The emulated map holds what the specifications ask for, and one thing leads to the next."""

from __future__ import annotations

import json

import pytest

from diagnostics.browser import url as urls
from diagnostics.provider.emulated_map import content


def fetch(what: str, path: str) -> tuple[str, bytes]:
    url = urls.parse("https://api.mapbox.com" + path)
    assert url is not None
    return content(what, url, "pk.abc.def")


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """A protobuf message's fields: numbers with integers or bytes."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + value]))
            at += value
        else:
            assert key & 7 == 0
            found.append((key >> 3, value))
    return found


def test_the_vector_tile_holds_one_named_point() -> None:
    [(number, layer)] = fields(fetch("vector", "/v4/x/0/0/0.vector.pbf")[1])
    assert number == 3
    assert isinstance(layer, bytes)
    named = dict(fields(layer))
    assert (named[15], named[1], named[5], named[3]) == (2, b"place_label", 4096, b"name")
    assert isinstance(named[4], bytes)
    assert dict(fields(named[4])) == {1: b"Acme"}
    assert isinstance(named[2], bytes)
    feature = dict(fields(named[2]))
    assert feature[3] == 1
    geometry = feature[4]
    assert isinstance(geometry, bytes)
    command, at = varint(geometry, 0)
    x, at = varint(geometry, at)
    y, at = varint(geometry, at)
    assert (command, x >> 1, y >> 1, at) == (9, 2048, 2048, len(geometry))


def test_the_style_names_its_accounts_sprite_and_glyphs() -> None:
    kind, body = fetch("style", "/styles/v1/acme/ckstyle")
    style = json.loads(body)
    assert kind.startswith("application/json")
    assert style["version"] == 8
    assert style["sprite"] == "mapbox://sprites/acme/ckstyle"
    assert style["glyphs"] == "mapbox://fonts/acme/{fontstack}/{range}.pbf"
    assert {source["type"] for source in style["sources"].values()} == {"vector", "raster"}
    assert {layer.get("source") for layer in style["layers"]} == {None, *style["sources"]}


@pytest.mark.parametrize(
    ("tileset", "ending"), [("mapbox.mapbox-streets-v8", "vector.pbf"), ("mapbox.satellite", "png")]
)
def test_tilejson_hands_the_token_on(tileset: str, ending: str) -> None:
    found = json.loads(fetch("tilejson", f"/v4/{tileset}.json")[1])
    assert found["tiles"][0] == (
        f"https://a.tiles.mapbox.com/v4/{tileset}/{{z}}/{{x}}/{{y}}.{ending}?access_token=pk.abc.def"
    )


def test_images_are_images() -> None:
    kind, body = fetch("png", "/v4/mapbox.satellite/0/0/0.png")
    assert kind == "image/png"
    assert body.startswith(b"\x89PNG\r\n")


def test_the_share_page_cannot_be_broken_out_of() -> None:
    url = urls.parse('https://api.mapbox.com/styles/v1/acme/a"<b.html')
    assert url is not None
    body = content("share", url, '"</script>')[1].decode()
    assert 'a"<b' not in body
    assert '"\\"\\u003c/script>"' in body
