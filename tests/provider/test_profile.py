"""The provider's profile: hosts, endpoints with their scopes, error bodies, the map library."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.journey.verdict import Cause
from diagnostics.provider import mapbox
from diagnostics.provider.profile import Profile, profile_for, profiles

(MAPBOX,) = profiles()


@pytest.mark.parametrize(
    ("host", "serves"),
    [
        ("api.mapbox.com", True),
        ("events.mapbox.com", True),
        ("a.tiles.mapbox.com", True),
        ("api.mapbox.cn", True),
        ("tiles.mapbox.com", False),
        ("mapbox.com", False),
        ("www.mapbox.com", False),
        ("studio.mapbox.com", False),
        ("docs.mapbox.com", False),
        ("api.mapbox.com.evil.net", False),
        ("evilapi.mapbox.com", False),
        ("xtiles.mapbox.com", False),
        ("API.MAPBOX.COM", False),  # hosts come from the URL parser, in lower case
        ("", False),
    ],
)
def test_hosts(host: str, serves: bool) -> None:
    assert MAPBOX.serves(host) is serves
    assert profile_for(host) is (MAPBOX if serves else None)


@pytest.mark.parametrize(
    ("path", "name", "scope", "restricted"),
    [
        ("/styles/v1/mapbox/streets-v12", "style", "styles:read", True),
        ("/styles/v1/acme/ck0/draft", "style", "styles:read", True),
        ("/styles/v1/acme", "style list", "styles:list", True),
        ("/styles/v1/acme/ck0.html", "share page", "styles:read", True),
        ("/styles/v1/acme/ck0/draft.html", "share page", "styles:read", True),
        ("/styles/v1/acme/ck0/wmts", "WMTS", None, True),
        ("/styles/v1/acme/ck0/sprite@2x.png", "sprite", "styles:read", True),
        ("/styles/v1/acme/ck0/sprite.json", "sprite", "styles:read", True),
        ("/styles/v1/acme/ck0/abc/sprite.json", "sprite", "styles:read", True),
        ("/styles/v1/acme/ck0/iconset.pbf", "sprite", "styles:read", True),
        ("/styles/v1/acme/ck0/tiles/256/1/2/3@2x", "static tile", "styles:tiles", True),
        ("/styles/v1/acme/ck0/tiles/1/2/3", "static tile", "styles:tiles", True),
        ("/styles/v1/acme/ck0/static/13.4,52.5,9/600x400", "static image", "styles:tiles", True),
        ("/fonts/v1/acme/DIN%20Pro%20Regular/0-255.pbf", "glyphs", "fonts:read", True),
        ("/fonts/v1/acme", "fonts", "fonts:list", True),
        ("/v4/mapbox.mapbox-streets-v8.json", "TileJSON", None, True),
        ("/v4/a.b,c.d.json", "TileJSON", None, True),
        ("/v4/mapbox.mapbox-streets-v8/1/2/3.vector.pbf", "vector tile", None, True),
        ("/v4/mapbox.mapbox-streets-v8/1/2/3.mvt", "vector tile", None, True),
        ("/v4/mapbox.satellite/1/2/3@2x.webp", "raster tile", None, True),
        ("/v4/mapbox.satellite/1/2/3.png", "raster tile", None, True),
        ("/v4/a.b/tilequery/13,52.json", "tilequery", None, True),
        ("/raster/v1/mapbox.terrain/1/2/3.webp", "raster data", None, True),
        ("/rasterarrays/v1/a/1/2/3.mrt", "raster data", None, True),
        ("/3dtiles/v1/mapbox.mapbox-3dbuildings-v1/1/2/3.glb", "3D data", None, True),
        ("/models/v1/mapbox/tree.glb", "3D data", None, True),
        ("/geocoding/v5/mapbox.places/berlin.json", "geocoding", None, True),
        ("/search/geocode/v6/forward", "geocoding", None, True),
        ("/search/searchbox/v1/suggest", "search", None, True),
        ("/directions/v5/mapbox/driving/1,2;3,4", "directions", None, True),
        ("/directions-matrix/v1/mapbox/driving/1,2;3,4", "matrix", None, True),
        ("/matching/v5/mapbox/driving/1,2;3,4", "map matching", None, True),
        ("/optimized-trips/v1/mapbox/driving/1,2", "optimization", None, True),
        ("/isochrone/v1/mapbox/driving/1,2", "isochrone", None, True),
        ("/datasets/v1/acme", "dataset list", "datasets:list", False),
        ("/datasets/v1/acme/x/features", "datasets", "datasets:read", False),
        ("/tilesets/v1/acme", "tileset list", "tilesets:list", True),
        ("/tilesets/v1/acme.x", "tilesets", "tilesets:read", True),
        ("/uploads/v1/acme", "upload list", "uploads:list", False),
        ("/uploads/v1/acme/x", "uploads", "uploads:read", False),
        ("/tokens/v2", "token check", None, False),
        ("/tokens/v2/acme", "tokens", "tokens:read", False),
        ("/scopes/v1/acme", "scope list", "scopes:list", False),
        ("/mapbox-gl-js/v3.9.0/mapbox-gl.js", "map library", None, False),
        ("/events/v2", "telemetry", None, False),
        ("/map-sessions/v1", "map session", None, False),
    ],
)
def test_endpoints(path: str, name: str, scope: str | None, restricted: bool) -> None:
    endpoint = MAPBOX.endpoint(path)
    assert endpoint is not None
    assert (endpoint.name, endpoint.scope, endpoint.restricted) == (name, scope, restricted)
    assert endpoint.token == (name != "map library")
    assert endpoint.maker in {"page", "worker", "navigation"}


@pytest.mark.parametrize(
    "path", ["", "/", "/favicon.ico", "/styles", "/styles/v2/a/b", "/v4/", "/v5/a/b"]
)
def test_paths_of_no_known_endpoint(path: str) -> None:
    assert MAPBOX.endpoint(path) is None


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/styles/v1/acme/ck0", "acme"),
        ("/styles/v1/mapbox/streets-v12/sprite.png", "mapbox"),
        ("/fonts/v1/acme/DIN/0-255.pbf", "acme"),
        ("/styles/v1/a%20b/x", "a b"),
        ("/datasets/v1/acme/x", "acme"),
        ("/styles/v1/acme", None),
        ("/v4/acme.tiles/1/2/3.mvt", None),
        ("/", None),
    ],
)
def test_owners(path: str, owner: str | None) -> None:
    assert MAPBOX.owner(path) == owner


@pytest.mark.parametrize(
    ("status", "body", "settles", "scope"),
    [
        (401, '{"message":"Not Authorized - No Token"}', "token-missing", None),
        (401, '{"message":"Not Authorized - Invalid Token"}', "token-invalid", None),
        (401, '{"message":"Token is invalid"}', "token-invalid", None),
        (401, '{"message":"token revoked"}', "token-invalid", None),
        (403, '{"message":"Forbidden"}', None, None),
        (403, ' { "message" : "forbidden" } \n', None, None),
        (403, "Forbidden", None, None),
        (
            403,
            '{"message":"This API requires a token with styles:list scope."}',
            "token-scope",
            "styles:list",
        ),
        (
            403,
            '{"message":"This endpoint requires a token with tilesets:read scope"}',
            "token-scope",
            "tilesets:read",
        ),
        (401, '{"message":"this api Requires a Token with x:y scope."}', "token-scope", "x:y"),
    ],
)
def test_error_bodies(status: int, body: str, settles: str | None, scope: str | None) -> None:
    found = MAPBOX.error(status, body)
    assert found is not None
    error, match = found
    assert error.settles == settles
    assert match.groupdict().get("scope") == scope


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, ""),
        (403, "<html>403 Forbidden</html>"),
        (403, '{"message":"Forbidden by our firewall"}'),
        (401, "Unauthorized"),
        (403, '{"message":"Not Authorized - No Token"}'),
    ],
)
def test_unknown_error_bodies(status: int, body: str) -> None:
    assert MAPBOX.error(status, body) is None


@pytest.mark.parametrize(
    ("status", "length", "path", "text"),
    [
        (403, 23, "/v4/a.json", '{"message":"Forbidden"}'),
        (401, 39, "/v4/a.json", '{"message":"Not Authorized - No Token"}'),
        (401, 44, "/v4/a.json", '{"message":"Not Authorized - Invalid Token"}'),
        (
            403,
            64,
            "/styles/v1/a/b/static/x/1x1",
            '{"message":"This API requires a token with styles:tiles scope."}',
        ),
        (403, 64, "/v4/a.json", None),  # a scope that the endpoint does not have
        (401, 23, "/v4/a.json", None),
        (403, 0, "/v4/a.json", None),
        (403, 24, "/", None),
    ],
)
def test_an_error_by_the_length_of_its_body(
    status: int, length: int, path: str, text: str | None
) -> None:
    found = MAPBOX.error_by_length(status, length, MAPBOX.endpoint(path))
    assert (found and found[1]) == text
    assert text is None or len(text) == length


def test_each_known_text_is_the_error_that_it_stands_for() -> None:
    for error in MAPBOX.errors:
        assert error.texts
        assert error.settles is None or error.settles in set(Cause)
        for text in error.texts:
            found = MAPBOX.error(error.status or 403, text.replace("SCOPE", "styles:read"))
            assert found is not None
            assert found[0] is error


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("access_token=pk.a.b", "pk.a.b"),
        ("secure&access_token=pk.a.b&x=1", "pk.a.b"),
        ("access_token=pk%2Ea%2Eb", "pk.a.b"),
        ("access_token=pk.a%20b", "pk.a b"),
        ("access_token=", ""),
        ("access_token", ""),
        ("access_token=one&access_token=two", "one"),
        ("ACCESS_TOKEN=x", None),
        ("my_access_token=x", None),
        ("accesstoken=x", None),
        ("", None),
        ("&&==&", None),
    ],
)
def test_the_token_in_a_query(query: str, token: str | None) -> None:
    assert MAPBOX.token_in(query) == token


@pytest.mark.parametrize(
    ("pattern", "text", "version"),
    [
        ("version_in_url", "https://api.mapbox.com/styles/v1/a/b?sdk=js-3.9.0&x", "3.9.0"),
        ("version_in_url", "https://api.mapbox.com/styles/v1/a/b?sdk=android-1.2.3", None),
        ("version_in_script", "https://api.mapbox.com/mapbox-gl-js/v2.15.0/mapbox-gl.js", "2.15.0"),
        ("version_in_script", "https://unpkg.com/mapbox-gl@1.13.3/dist/mapbox-gl.js", "1.13.3"),
        ("version_in_script", "https://a.example/mapbox-gl.js", None),
        ("version_in_banner", "/* Mapbox GL JS is Copyright © 2020 ... v3.9.0/LICENSE */", "3.9.0"),
        ("version_in_banner", "/* Leaflet 1.9.4 */", None),
    ],
)
def test_library_versions(pattern: str, text: str, version: str | None) -> None:
    found = re.search(getattr(MAPBOX.library, pattern), text)
    assert (found and found[1]) == version


def test_the_dialect_is_mapboxs() -> None:
    assert MAPBOX.rules is mapbox


@settings(deadline=None)
@given(st.text(), st.text(max_size=300), st.integers(400, 499))
def test_anything_can_be_asked(path: str, body: str, status: int) -> None:
    MAPBOX.endpoint("/" + path)
    MAPBOX.owner("/" + path)
    MAPBOX.error(status, body)
    MAPBOX.token_in(path)
    MAPBOX.serves(path)


def patterns(profile: Profile) -> list[str]:
    library = profile.library
    return [
        *(endpoint.path for endpoint in profile.endpoints),
        *(error.body for error in profile.errors),
        profile.owner_path,
        *(library.version_in_url, library.version_in_script, library.version_in_banner),
    ]


@pytest.mark.parametrize("pattern", patterns(MAPBOX))
@pytest.mark.parametrize(
    "hostile",
    ["/", "/styles/v1/a/", "/v4/1/1/1", "a", "1.", "requires a token with ", "Mapbox GL JS", " ",
     '{"message":', "sdk=js-1.1", "token ", "/fonts/v1/a/1-"],
)  # fmt: skip
def test_the_patterns_cost_is_linear(pattern: str, hostile: str) -> None:
    text = hostile * (200_000 // len(hostile))
    start = time.process_time()
    for one in (text, "/" + text, text + "\x00"):
        re.search(pattern, one, re.IGNORECASE)
        re.fullmatch(pattern, one)
    assert time.process_time() - start < 1.5
