"""What the customer's own servers answer in a ticket."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import DecodedParts, Exchange, Headers
from diagnostics.journey.traffic import CaptureTraffic
from diagnostics.reproduce import sites
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import HeaderFields
from tests.recording import API, PAGE, TOKEN, Recording, script, site

NOBODY = StandIns(None)
OWN = "https://tiles.example/boats"


def exchange(body: str | None, **headers: str) -> Exchange:
    fields = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    parts = DecodedParts(response_headers=fields, body=lambda: body)
    return Exchange("x", 0, "GET", PAGE, mime_type="text/html", parts=parts)


def fields(*pairs: tuple[str, str], for_skeleton: bool = False) -> HeaderFields:
    return sites.headers(Headers(pairs), NOBODY, for_skeleton=for_skeleton)


def test_redirects_to_tiles_become_a_rule() -> None:
    own = "https://tiles.example/boats"
    recording = Recording().page(script(own + "/3/4/2"))
    for x in (4, 5):
        to = f"{API}/v4/harbour.boats/3/{x}/2.png?access_token={TOKEN}"
        recording.add(f"{own}/3/{x}/2.png", 302, got={"Location": to})
        recording.refused(to, kind="image")
    derived = recording.derive("harbour.example")
    rule = site(derived, own + "/*")
    assert dict(rule.fields)["Location"] == (
        f"{API}/v4/harbour.boats/{{{{rest}}}}?access_token={{{{token}}}}"
    )
    assert rule.status == 302


def redirected(address: str, to: str, wanted: set[str], status: int = 302) -> dict[str, object]:
    """Where redirects lead, by address."""
    got = {"Location": to, "X-Robots": "none"}
    part = CaptureTraffic(Recording().add(address, status, got=got).capture())
    found = sites.redirects(part, wanted, NOBODY)
    assert all(dict(s.fields)["X-Robots"] == "none" for s in found.values())
    return {at: (s.status, dict(s.fields)["Location"]) for at, s in found.items()}


@pytest.mark.parametrize(
    ("address", "to", "rule"),
    [
        (f"{OWN}/map", f"{API}/x", {f"{OWN}/map": (302, f"{API}/x")}),
        (f"{OWN}/map?a=1", f"{API}/x", {f"{OWN}/map?a=1": (302, f"{API}/x")}),
        (f"{OWN}/3/4/2.png", f"{API}/v4/a/3/4/2.png",
         {f"{OWN}/*": (302, f"{API}/v4/a/{{{{rest}}}}")}),
        (f"{OWN}/3/4/2.png", f"{API}/v4/a/3/4/9.png",
         {f"{OWN}/3/4/2.png": (302, f"{API}/v4/a/3/4/9.png")}),
        (f"{OWN}/3/4/2.png?v=1", f"{API}/v4/a/3/4/2.png",
         {f"{OWN}/3/4/2.png?v=1": (302, f"{API}/v4/a/3/4/2.png")}),
    ],
)  # fmt: skip
def test_a_redirect_leads_where_it_led(address: str, to: str, rule: dict[str, object]) -> None:
    assert redirected(address, to, {address}) == rule
    assert redirected(address, to, {PAGE}) == {}
    assert redirected(address, to, {address}, 201) == {}


@pytest.mark.parametrize(
    ("address", "bare", "whole"),
    [
        (PAGE, PAGE, PAGE),
        (f"{PAGE}?a=1#b", PAGE, f"{PAGE}?a=1"),
        ("HTTPS://Harbour.example", "https://harbour.example/", "https://harbour.example/"),
        ("no address?a", "no address?a", "no address?a"),
    ],
)
def test_the_address_of_a_site(address: str, bare: str, whole: str) -> None:
    assert (sites.key(address), sites.key(address, with_query=True)) == (bare, whole)


@pytest.mark.parametrize(
    "name",
    ["Connection", "transfer-encoding", "Content-Encoding", "CONTENT-LENGTH", "Set-Cookie",
     "Strict-Transport-Security", "ETag", "NEL", "X-Api-Key", "X-Session-Token", "bad name", "a:b"],
)  # fmt: skip
def test_fields_of_one_connection_or_visitor_and_secrets_are_left_out(name: str) -> None:
    assert fields((name, "1"), ("X-Other", "2")) == {"X-Other": "2"}


def test_other_fields_stay_one_line_each_and_twice_where_they_stood_twice() -> None:
    policy = ("Referrer-Policy", "origin,\n no-referrer")
    assert fields(policy) == {"Referrer-Policy": "origin, no-referrer"}
    twice = [("Vary", "a"), ("vary", "b")]
    assert fields(*twice) == twice
    assert fields(("Link", f"<https://a.example/?access_token={TOKEN}>"))["Link"].count(TOKEN) == 0  # type: ignore[call-overload]


def test_a_skeletons_own_script_may_run() -> None:
    policy = ("Content-Security-Policy", "script-src 'self'")
    assert fields(policy) == dict([policy])
    assert fields(policy, for_skeleton=True) == {
        "Content-Security-Policy": "script-src 'self' 'nonce-why403'"
    }


@pytest.mark.parametrize("sha", ["sha256", "sha384", "sha512"])
def test_policies_that_name_hashes(sha: str) -> None:
    policy = f"default-src 'self'; script-src 'self' '{sha}-abc=' https://a.example"
    given = {"Content-Security-Policy": policy, "X-Other": f"'{sha}-abc='"}
    assert sites.names_hashes(given)
    assert not sites.names_hashes({"X-Other": policy})
    changed = dict(sites.without_hashes(given))
    assert changed == {
        "Content-Security-Policy":
        "default-src 'self'; script-src 'self' https://a.example 'unsafe-inline'",
        "X-Other": f"'{sha}-abc='",
    }  # fmt: skip
    assert not sites.names_hashes(changed)
    twice = [("content-security-policy", policy), ("Content-Security-Policy", "img-src *")]
    assert isinstance(sites.without_hashes(twice), list)


@pytest.mark.parametrize(
    ("address", "mime", "kind"),
    [
        (PAGE, "text/html; charset=utf-8", ""),
        (PAGE, "", ""),
        (PAGE, "Text/CSS", "text/css"),
        ("https://a.example/a.css?v=1", "text/css", ""),
        ("https://a.example/a.css", "text/html", "text/html"),
        ("not an address", "text/html", ""),
    ],
)
def test_a_media_type_that_the_address_does_not_tell(address: str, mime: str, kind: str) -> None:
    assert sites.media_type(address, mime) == kind


@pytest.mark.parametrize(
    ("body", "length", "complete"),
    [
        ("x" * 50, "", True),
        ("x" * 50, "50", True),
        ("x" * 50, "71", True),  # a little more: line ends, a byte order mark
        ("x" * 50, "72", False),
        ("é" * 50, "120", True),
        ("x" * 50, "much", True),
        ("x" * 50, "²", True),
        ("x" * 50, "9" * 5000, True),
        ("", "", False),
        (None, "", False),
        ("x" * 400_000, "", True),
        ("x" * 400_001, "", False),
    ],
)
def test_a_body_is_whole_where_nothing_says_otherwise(
    body: str | None, length: str, complete: bool
) -> None:
    given = exchange(body, Content_Length=length) if length else exchange(body)
    assert sites.is_complete(given) is complete


@pytest.mark.parametrize(
    ("url", "body", "library"),
    [
        (f"{API}/mapbox-gl-js/v2.15.0/mapbox-gl.js", "", "mapbox-gl@2.15.0"),
        ("https://unpkg.com/leaflet@1.9.4/dist/leaflet.js", "", "leaflet@1.9.4"),
        ("https://cdnjs.example/leaflet/1.7.1/leaflet.js", "", "leaflet@1.7.1"),
        ("https://unpkg.com/leaflet@1.9.4/dist/leaflet.css", "", ""),
        ("https://a.example/leaflet-src.js", "/* Leaflet 1.8.0, a JS library */", "leaflet@1.8.0"),
        ("https://a.example/leaflet.js", "/* no version */", ""),
        ("https://a.example/other.js", "/* Leaflet 1.8.0 */", ""),
    ],
)
def test_the_map_library_of_a_capture(url: str, body: str, library: str) -> None:
    recording = Recording().page("").add(url, body=body, kind="script", mime="text/javascript")
    assert sites.library_of(CaptureTraffic(recording.capture())) == library


@pytest.mark.parametrize(
    ("address", "library", "is_public", "file"),
    [
        (f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js?x=1", "mapbox-gl@3.9.0", True, "mapbox-gl.js"),
        ("https://unpkg.com/leaflet@1.9.4/dist/leaflet.css", "leaflet@1.9.4", True, "leaflet.css"),
        ("https://a.example/js/mapbox-gl.min.js", "mapbox-gl@3.9.0", False, "mapbox-gl.js"),
        ("https://a.example/js/mapbox-gl-csp.js?v=1", "mapbox-gl@3.9.0", False, "mapbox-gl.js"),
        ("https://a.example/js/mapbox-gl.js", "leaflet@1.9.4", False, ""),
        ("https://a.example/js/mapbox-gl.js", "", False, ""),
        ("https://a.example/js/my-mapbox-gl.js", "mapbox-gl@3.9.0", False, ""),
        ("https://a.example/js/mapbox-gl.json", "mapbox-gl@3.9.0", False, ""),
    ],
)
def test_addresses_of_map_libraries(address: str, library: str, is_public: bool, file: str) -> None:
    assert sites.is_public_library(address) is is_public
    assert sites.library_file(address, library) == file


def test_a_text_is_served_as_it_was() -> None:
    made = sites.served(exchange("<p>x", Referrer_Policy="origin", Age="3"), NOBODY)
    assert (made.html, made.headers, made.type) == ("<p>x", {"Referrer-Policy": "origin"}, "")
