"""The emulated Mapbox: its decisions, and its answers' exact words."""

from __future__ import annotations

import json

import pytest

from diagnostics.capture.exchange import Headers
from diagnostics.provider.emulated import Grant, Reply, Request, answer, is_provider, kind

API = "https://api.mapbox.com"
STYLE = API + "/styles/v1/acme/ckstyle"
SCOPES = ("styles:read", "styles:tiles", "fonts:read")
GRANTS = {
    "pk.open.s": Grant("acme", scopes=SCOPES),
    "pk.shop.s": Grant("acme", ["shop.example.com"], SCOPES),
    "pk.path.s": Grant("acme", ["shop.example.com/path"], SCOPES),
    "pk.gone.s": Grant("acme", scopes=SCOPES, revoked=True),
    "pk.poor.s": Grant("acme", scopes=("styles:read",)),
}


def ask(url: str, token: str = "", referer: str | None = None, method: str = "GET") -> Reply:
    fields = [("Referer", referer)] if referer is not None else []
    address = f"{url}?access_token={token}" if token else url
    return answer(Request(method, address, Headers(fields)), GRANTS)


@pytest.mark.parametrize(
    ("path", "token", "referer", "status", "message"),
    [
        ("/styles/v1/acme/ckstyle", "", None, 401, "Not Authorized - No Token"),
        ("/styles/v1/acme/ckstyle", "undefined", None, 401, "Not Authorized - Invalid Token"),
        ("/styles/v1/acme/ckstyle", "pk.gone.s", None, 401, "Not Authorized - Invalid Token"),
        ("/styles/v1/acme/ckstyle", "pk.shop.s", None, 403, "Forbidden"),
        ("/styles/v1/acme/ckstyle", "pk.shop.s", "", 403, "Forbidden"),
        ("/styles/v1/acme/ckstyle", "pk.shop.s", "https://evil.example/", 403, "Forbidden"),
        # Undocumented questions count as refused.
        ("/styles/v1/acme/x", "pk.path.s", "https://shop.example.com/pathology", 403, "Forbidden"),
        (
            "/styles/v1/acme/ckstyle/static/1,2,3/4x5",
            "pk.poor.s",
            None,
            403,
            "This API requires a token with styles:tiles scope.",
        ),
        ("/nothing/here", "pk.open.s", None, 404, "Not Found"),
        ("/favicon.ico", "", None, 404, "Not Found"),
    ],
)
def test_refusals(path: str, token: str, referer: str | None, status: int, message: str) -> None:
    reply = ask(API + path, token, referer)
    assert reply.status == status
    assert json.loads(reply.body) == {"message": message}
    assert dict(reply.headers)["access-control-allow-origin"] == "*"


def test_the_refusal_of_a_restricted_token_has_the_observed_23_bytes() -> None:
    assert ask(STYLE, "pk.shop.s").body == b'{"message":"Forbidden"}'


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/styles/v1/acme/ckstyle", "style"),
        ("/styles/v1/acme/ckstyle.html", "share"),
        ("/styles/v1/acme/ckstyle/static/10,50,4/320x240@2x", "png"),
        ("/styles/v1/acme/ckstyle/tiles/512/3/4/2", "png"),
        ("/styles/v1/acme/ckstyle/abc/sprite@2x.json", "sprite"),
        ("/styles/v1/acme/ckstyle/sprite.png", "png"),
        ("/v4/mapbox.mapbox-streets-v8.json", "tilejson"),
        ("/v4/mapbox.mapbox-streets-v8/3/4/2.vector.pbf", "vector"),
        ("/v4/mapbox.satellite/3/4/2@2x.webp", "png"),
        ("/fonts/v1/acme/DIN%20Pro%20Regular/0-255.pbf", "empty"),
        ("/map-sessions/v1", "empty"),
        ("/search/geocode/v6/forward", "places"),
        ("/events/v2", "events"),
        ("/mapbox-gl-js/v3.9.0/mapbox-gl.js", ""),
    ],
)
def test_endpoints(path: str, content: str) -> None:
    assert kind(API + path) == content
    if content not in {"", "events"}:
        reply = ask(API + path, "pk.shop.s", "https://www.shop.example.com/")
        assert reply.status == 200
        assert dict(reply.headers)["cache-control"]


def test_a_share_page_is_served_without_a_referer_and_uses_its_token() -> None:
    reply = ask(STYLE + ".html", "pk.shop.s")
    assert reply.status == 200
    assert b'"pk.shop.s"' in reply.body
    assert b'"mapbox://styles/acme/ckstyle"' in reply.body


def test_tilejson_leads_to_tiles_that_the_provider_answers() -> None:
    tiles = json.loads(ask(API + "/v4/mapbox.mapbox-streets-v8.json", "pk.open.s").body)["tiles"]
    address = tiles[0].format(z=1, x=0, y=0)
    reply = answer(Request("GET", address), GRANTS)
    assert reply.status == 200
    assert b"place_label" in reply.body


def test_telemetry_and_preflights_need_no_token() -> None:
    assert ask("https://events.mapbox.com/events/v2", method="POST").status == 204
    reply = answer(
        Request("OPTIONS", STYLE, Headers([("Access-Control-Request-Headers", "x-a")])), GRANTS
    )
    assert reply.status == 204
    assert dict(reply.headers)["access-control-allow-headers"] == "x-a"


def test_hosts() -> None:
    assert is_provider("a.tiles.mapbox.com")
    assert not is_provider("api.mapbox.com.evil.example")
    assert kind("https://shop.example.com/styles/v1/a/b") == ""
    assert answer(Request("GET", "no url"), GRANTS).status == 404
