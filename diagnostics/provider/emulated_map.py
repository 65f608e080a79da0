"""The map that the emulated provider serves: the least that a real map library draws and goes on
to ask for. Style with a vector and a raster source, TileJSON, tiles, sprite, share page.

Sources: Style Specification (version 8), TileJSON 2.2.0, Vector Tile Specification 2.1.
"""

from __future__ import annotations

import base64

import msgspec

from diagnostics.browser.url import Url

_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
_JSON = "application/json; charset=utf-8"
_PROTOBUF = "application/x-protobuf"


def content(what: str, url: Url, token: str) -> tuple[str, bytes]:
    """Media type and body of an allowed answer. `what` is the content of an endpoint: share,
    style, list, tilejson, sprite, places, vector, png or empty."""
    parts = url.path.split("/")
    if what == "png":
        return "image/png", _PNG
    if what == "vector":
        return _PROTOBUF, _vector_tile()
    if what == "empty":
        return _PROTOBUF, b""
    if what == "share":
        return "text/html; charset=utf-8", _share_page(url, token).encode()
    if what == "style":
        body: object = _style(parts[3], parts[4])
    elif what == "tilejson":
        body = _tilejson(parts[2].removesuffix(".json"), token)
    elif what == "places":
        body = {"type": "FeatureCollection", "query": [], "features": []}
    elif what == "list":
        body = []
    elif what == "sprite":
        body = {}
    else:
        raise ValueError(what)
    return _JSON, msgspec.json.encode(body)


def _style(account: str, style: str) -> dict[str, object]:
    place_labels = {
        "id": "places",
        "type": "symbol",
        "source": "streets",
        "source-layer": "place_label",
        "layout": {"text-field": "{name}", "text-font": ["DIN Pro Regular"]},
    }
    return {
        "version": 8,
        "name": style,
        "center": [10, 50],
        "zoom": 2,
        "sprite": f"mapbox://sprites/{account}/{style}",
        "glyphs": f"mapbox://fonts/{account}/{{fontstack}}/{{range}}.pbf",
        "sources": {
            "streets": {"type": "vector", "url": "mapbox://mapbox.mapbox-streets-v8"},
            "satellite": {"type": "raster", "url": "mapbox://mapbox.satellite", "tileSize": 256},
        },
        "layers": [
            {"id": "land", "type": "background", "paint": {"background-color": "#e8e4d8"}},
            {"id": "photo", "type": "raster", "source": "satellite"},
            {"id": "roads", "type": "line", "source": "streets", "source-layer": "road"},
            place_labels,
        ],
        "owner": account,
        "id": style,
        "visibility": "private",
    }


def _tilejson(tileset: str, token: str) -> dict[str, object]:
    vector = "satellite" not in tileset
    ending = "vector.pbf" if vector else "png"
    found: dict[str, object] = {
        "tilejson": "2.2.0",
        "id": tileset,
        "name": tileset,
        "bounds": [-180, -85, 180, 85],
        "minzoom": 0,
        "maxzoom": 16 if vector else 22,
        "tiles": [
            f"https://{shard}.tiles.mapbox.com/v4/{tileset}/{{z}}/{{x}}/{{y}}.{ending}"
            f"?access_token={token}"
            for shard in "ab"
        ],
    }
    if vector:
        found["vector_layers"] = [
            {"id": name, "source": tileset, "fields": {}} for name in ("place_label", "road")
        ]
    return found


def _share_page(url: Url, token: str) -> str:
    """A page as the Styles API's "embeddable HTML" shows it: GL JS, the style, this token."""
    account, style = url.path.split("/")[3:5]
    base = "https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl"
    quoted = msgspec.json.encode(token).decode().replace("<", "\\u003c")
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{style.removesuffix(".html")}</title>
<link rel="stylesheet" href="{base}.css"><script src="{base}.js"></script>
<style>#map {{ width: 320px; height: 240px }}</style></head>
<body><div id="map"></div><script>
mapboxgl.accessToken = {quoted};
new mapboxgl.Map({{container: "map", projection: "mercator",
  style: "mapbox://styles/{account}/{style.removesuffix(".html")}"}});
</script></body></html>
"""


def _vector_tile() -> bytes:
    """One layer `place_label` with one point named "Acme": enough to make glyphs necessary."""

    def field(number: int, kind: int, value: bytes) -> bytes:
        return bytes([number << 3 | kind]) + (bytes([len(value)]) if kind == 2 else b"") + value

    move_to_the_middle = bytes([9, 0x80, 0x20, 0x80, 0x20])  # MoveTo 1, zigzag 2048, 2048
    feature = field(2, 2, bytes([0, 0])) + field(3, 0, b"\x01") + field(4, 2, move_to_the_middle)
    layer = (
        field(15, 0, b"\x02")
        + field(1, 2, b"place_label")
        + field(2, 2, feature)
        + field(3, 2, b"name")
        + field(4, 2, field(1, 2, b"Acme"))
        + field(5, 0, b"\x80\x20")
    )
    return field(3, 2, layer)
