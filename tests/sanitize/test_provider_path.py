"""A provider's paths lose names and searches, and stay what they were to a diagnosis."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.provider.profile import profiles
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.provider_path import clean_path
from diagnostics.sanitize.standins import StandIns, Tally

(PROFILE, *_) = profiles()
ID = "9f8e7d6c5b4a3f2e"


def clean(path: str) -> tuple[str, Tally]:
    tally = Tally()
    standins = StandIns(tally)
    return clean_path(PROFILE, path, standins, Addresses(standins).segment), tally


@pytest.mark.parametrize(
    ("path", "made"),
    [
        (f"/v4/acme.{ID}/3/4/2.vector.pbf", "/v4/account-1.hidden-1/3/4/2.vector.pbf"),
        (f"/v4/acme.{ID}/3/4/2@2x.png", "/v4/account-1.hidden-1/3/4/2@2x.png"),
        (f"/v4/acme.{ID}/3/4/2-{ID}.png", "/v4/account-1.hidden-1/3/4/2"),
        ("/v4/acme.boats,mapbox.wind,acme.x/3/4/2.mvt",
         "/v4/account-1.boats,mapbox.wind,account-1.x/3/4/2.mvt"),
        ("/v4/acme.a%2Cmapbox.b/1/0/0.png", "/v4/account-1.a,mapbox.b/1/0/0.png"),
        (f"/v4/acme.{ID}.json", "/v4/account-1.hidden-1.json"),
        (f"/v4/{ID}.json", "/v4/hidden-1.json"),
        ("/v4/acme.boats/features.json", "/v4/account-1.boats/features.json"),
        ("/v3/acme.boats/1/0/0.png", "/v3/account-1.boats/1/hidden-1/hidden-1.png"),
        ("/v4/acme.boats/tilequery/13.37,52.51.json",
         "/v4/account-1.boats/tilequery/hidden-1.json"),
        ("/v4/mapbox.mapbox-streets-v8/tilequery/1,2.json",
         "/v4/mapbox.mapbox-streets-v8/tilequery/hidden-1.json"),
        (f"/styles/v1/acme/{ID}", "/styles/v1/account-1/hidden-1"),
        ("/styles/v1/mapbox/streets-v12", "/styles/v1/mapbox/streets-v12"),
        (f"/styles/v1/acme/{ID}.html", "/styles/v1/account-1/hidden-1.html"),
        (f"/styles/v1/acme/{ID}/sprite@2x.png", "/styles/v1/account-1/hidden-1/sprite@2x.png"),
        (f"/styles/v1/acme/{ID}/tiles/512/3/4/2@2x",
         "/styles/v1/account-1/hidden-1/tiles/512/3/4/2@2x"),
        (f"/styles/v1/acme/{ID}/tiles/3/4/2-{ID}", "/styles/v1/account-1/hidden-1/tiles/3/4/2"),
        (f"/styles/v1/acme/{ID}/static/pin(1,2)/1,2,9/3x2@2x.png",
         "/styles/v1/account-1/hidden-1/static/hidden-2/hidden-3/hidden-4.png"),
        ("/fonts/v1/acme/DIN%20Pro/0-255.pbf", "/fonts/v1/account-1/DIN%20Pro/0-255.pbf"),
        (f"/fonts/v1/acme/My{ID}/65280-65535.pbf", "/fonts/v1/account-1/hidden-1/65280-65535.pbf"),
        ("/geocoding/v5/mapbox.places/Main%20Street%201.json",
         "/geocoding/v5/mapbox.places/hidden-1.json"),
        (f"/geocoding/v5/mapbox.places/kim.{ID}", "/geocoding/v5/mapbox.places/hidden-1"),
        (f"/datasets/v1/acme/{ID}/features/{ID}",
         "/datasets/v1/account-1/hidden-1/features/hidden-1"),
        (f"/tilesets/v1/acme.{ID}", "/tilesets/v1/account-1.hidden-1"),
        ("/raster/v1/acme.wind/1/2/3.mrt", "/raster/v1/account-1.wind/1/2/3.mrt"),
        ("/rasterarrays/v1/mapbox.gfs/1/2/3.mrt", "/rasterarrays/v1/mapbox.gfs/1/2/3.mrt"),
        ("/3dtiles/v1/acme.city/1/2/3.glb", "/3dtiles/v1/account-1.city/1/2/3.glb"),
        ("/tokens/v2/acme", "/tokens/v2/account-1"),
        ("/scopes/v1/acme", "/scopes/v1/account-1"),
        ("/styles/v1/", "/styles/v1/"),
        ("/styles/v1//x", "/styles/v1//account-1"),
        ("/v4/", "/v4/"),
        ("/", "/"),
    ],
)  # fmt: skip
def test_what_stays_of_a_path(path: str, made: str) -> None:
    assert clean(path)[0] == made
    assert clean(made)[0] == made
    before, after = PROFILE.endpoint(path), PROFILE.endpoint(made)
    assert before == after
    owner = PROFILE.owner(path)
    assert (PROFILE.owner(made) is None) == (owner is None)
    assert (PROFILE.owner(made) in PROFILE.public_owners) == (owner in PROFILE.public_owners)


@pytest.mark.parametrize(
    "path",
    ["/autofill/v1/suggest/Berlin", "/autofill/v1/Berlin", "/suggest/Berlin", "/Berlin",
     "/v4/geocode/mapbox.places/Berlin.json", "//geocoding/v5/mapbox.places/Berlin.json",
     "/geocoding//v5///mapbox.places/Berlin.json", "/Geocoding/v5/mapbox.places/Berlin.json",
     "/%67eocoding/v5/mapbox.places/Berlin.json", "/V4/acme.boats/tilequery/Berlin.json",
     "/geocoding/v5/Berlin.json", "/search/Berlin", "/search/v1/Berlin/", "/a/b/c/Berlin/d"],
)  # fmt: skip
def test_no_search_stays_of_an_endpoint_however_it_is_written(path: str) -> None:
    made = clean(path)[0]
    assert "Berlin" not in made
    assert made.count("/") == path.count("/")
    assert clean(made)[0] == made
    assert PROFILE.endpoint(made) == PROFILE.endpoint(path)


SEGMENTS = st.sampled_from(
    ["", "styles", "v1", "v4", "v5", "v2", "tilesets", "fonts", "search", "geocoding", "geocode",
     "tokens", "scopes", "datasets", "events", "raster", "models", "acme", "mapbox", "acme.boats",
     "mapbox.places", "tiles", "512", "3", "4@2x.png", "0-255.pbf", "draft", "static", "sprite.png",
     "wmts", "Berlin.json", "boats.html", "optimized-trips", "map-sessions", "mapbox-gl-js", ID,
     "directions", "%67eocoding", "Styles", "tilequery", "a,b", "x%2Fy", "directions-matrix"]
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(SEGMENTS, max_size=8).map(lambda parts: "/" + "/".join(parts)))
def test_any_path_is_of_the_same_kind_afterwards(path: str) -> None:
    made = clean(path)[0]
    assert PROFILE.endpoint(made) == PROFILE.endpoint(path)
    assert made.count("/") == path.count("/")
    assert clean(made)[0] == made
    assert ID not in made


def test_the_words_of_a_service_stay() -> None:
    for path in ("/search/", "/geocoding/", "/3dtiles/", "/styles", "/v4/", "/search/v1"):
        assert clean(path)[0] == path


def test_an_account_goes_from_a_path_that_is_written_oddly() -> None:
    assert "acme" not in clean("/Styles/v1/acme/boats")[0]
    assert "acme" not in clean("//styles/v1/acme/boats")[0]
    assert "acme" not in clean("//v4/acme.boats/1/0/0.png")[0]


def test_a_full_stop_ends_an_accounts_name_however_it_is_written() -> None:
    assert clean("/styles/v1/acme%2Ekim/x")[0] == "/styles/v1/account-1.hidden-1/x"


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/v4/acme.boats/tilequery/1,2.json", {"account names": 1, "searches and places": 1}),
        ("/v4/acme.boats,acme.x/1/0/0.png", {"account names": 2}),
        (f"/styles/v1/mapbox/{ID}", {"parts of paths": 1}),
        ("/styles/v1/mapbox/streets-v12", {}),
    ],
)
def test_what_was_replaced_is_counted(path: str, counts: dict[str, int]) -> None:
    tally = clean(path)[1]
    assert dict(tally.replaced) == counts
    assert not tally.removed
