"""A ticket's world: sites, libraries, provider, and what changes between visits."""

from __future__ import annotations

from pathlib import Path

from diagnostics.live.world import CONTROL_HOST, World
from diagnostics.provider.emulated import Reply, Request
from diagnostics.ticket import parse

TICKET = """
title: t
story: s
client: {browser: chromium, library: leaflet@1.9.4}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    headers: {Referrer-Policy: origin}
    html: <script src="{{library}}"></script>
  https://shop.example.com/site.css: {html: "a{}"}
  https://hop.example.org/t/*:
    status: 302
    headers: {Location: "https://api.mapbox.com/v4/x/{{rest}}"}
token: {first: [], allowed: [shop.example.com]}
answers:
  - {path: /v4/flaky, status: 403, times: 1}
  - {path: /styles/v1/, visit: 2, headers: {cache-control: max-age=9}}
  - {path: /v4/other, status: 200, body: fine}
"""


def world(libraries: Path | None = None) -> World:
    return World(parse(TICKET, "t.yaml"), libraries)


def get(where: World, url: str, referer: str | None = None) -> Reply:
    from diagnostics.capture.exchange import Headers

    reply = where.answer(Request("GET", url, Headers([("referer", referer)] if referer else [])))
    assert reply is not None
    return reply


def test_a_site_with_its_headers_and_filled_body() -> None:
    reply = get(world(), "https://shop.example.com/map?x=1#y")
    assert reply.status == 200
    assert dict(reply.headers) == {
        "Referrer-Policy": "origin",
        "Content-Type": "text/html; charset=utf-8",
    }
    assert b"https://unpkg.com/leaflet@1.9.4/dist/leaflet.js" in reply.body


def test_media_type_from_the_address() -> None:
    kind = dict(get(world(), "https://shop.example.com/site.css").headers)["Content-Type"]
    assert kind.startswith("text/css")


def test_a_prefix_hands_on_the_rest() -> None:
    reply = get(world(), "https://hop.example.org/t/3/4/2.png?a=b")
    assert dict(reply.headers)["Location"] == "https://api.mapbox.com/v4/x/3/4/2.png?a=b"


def test_unknown_paths_and_hosts() -> None:
    assert get(world(), "https://shop.example.com/favicon.ico").status == 404
    assert world().answer(Request("GET", "https://telemetry.example/")) is None
    assert world().answer(Request("GET", "no url")) is None


def test_libraries_come_from_the_folder(tmp_path: Path) -> None:
    dist = tmp_path / "mapbox-gl-3.9.0" / "dist"
    dist.mkdir(parents=True)
    (dist / "mapbox-gl.js").write_text("/* 3.9.0 */")
    url = "https://api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js"
    assert get(world(tmp_path), url).body == b"/* 3.9.0 */"
    assert get(world(tmp_path), url.replace("3.9.0", "3.8.0")).status == 404
    assert get(world(), url).status == 404


def test_a_site_may_have_a_copy_of_the_library(tmp_path: Path) -> None:
    dist = tmp_path / "leaflet-1.9.4" / "dist"
    dist.mkdir(parents=True)
    (dist / "leaflet.js").write_text("/* 1.9.4 */")
    own = "  https://shop.example.com/own.js: {library: leaflet.js}\ntoken:"
    ticket = parse(TICKET.replace("token:", own, 1), "t.yaml")
    assert get(World(ticket, tmp_path), "https://shop.example.com/own.js").body == b"/* 1.9.4 */"
    assert get(World(ticket), "https://shop.example.com/own.js").status == 404


def test_nothing_outside_a_library_is_served(tmp_path: Path) -> None:
    dist = tmp_path / "leaflet-1.9.4" / "dist"
    dist.mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (dist / "link.js").symlink_to(tmp_path / "secret.txt")
    where = world(tmp_path)
    assert get(where, "https://unpkg.com/leaflet@1.9.4/dist/link.js").status == 404
    assert where._library("leaflet", "1.9.4", "../../secret.txt").status == 404


def test_the_list_of_the_first_visit_holds_until_the_second() -> None:
    where = world()
    style = f"https://api.mapbox.com/styles/v1/acme/s?access_token={where.ticket.token.text}"
    assert get(where, style).status == 200
    assert get(where, f"http://{CONTROL_HOST}/visit/2").status == 204
    refused = get(where, style)
    assert refused.status == 403
    assert dict(refused.headers)["cache-control"] == "max-age=9"
    assert get(where, style, "https://shop.example.com/").status == 200


def test_answers_of_the_ticket() -> None:
    where = world()
    flaky = f"https://api.mapbox.com/v4/flaky.json?access_token={where.ticket.token.text}"
    assert [get(where, flaky).status for _ in range(2)] == [403, 200]
    other = get(where, "https://api.mapbox.com/v4/other.json")
    assert (other.status, other.body) == (200, b"fine")


def test_which_addresses_are_known() -> None:
    where = world()
    assert where.knows("https://shop.example.com/else")
    assert where.knows("https://a.tiles.mapbox.com/v4/x")
    assert where.knows("https://unpkg.com/leaflet@1.9.4/dist/leaflet.js")
    assert not where.knows("https://unpkg.com/other")
    assert not where.knows(f"http://{CONTROL_HOST}/visit/1")
