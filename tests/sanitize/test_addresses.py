from __future__ import annotations

import pytest

from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.standins import StandIns, Tally

TOKEN = "pk.eyJ1IjoiYWNtZSIsImEiOiJjazEifQ.c2lnbmF0dXJl"
MADE = "pk.eyJ1IjoiYWNjb3VudC0xIiwiYSI6InRvazAxcmVtb3ZlZCJ9.removed"
API = "https://api.mapbox.com"


def clean(text: str, *keep: str) -> str:
    return Addresses(StandIns(Tally()), keep).clean(text)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("https://shop.example.com/map", "https://shop.example.com/map"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://192.168.1.5:8080/", "http://192.168.1.5:8080/"),
        ("https://kim:pa55@a.example/x#s3cret", "https://a.example/x"),
        ("https://a.example/x?id=7a9&sdk=js-3.9.0&flag&e=",
         "https://a.example/x?id=hidden-1&sdk=js-3.9.0&flag&e="),
        ("https://a.example/u/9f8e7d6c5b4a3f2e/a.html", "https://a.example/u/hidden-1/a.html"),
        ("https://a.example/main.8f3a2b1c9d.js", "https://a.example/hidden-1.js"),
        ("https://a.example/mapbox-gl-8f3a2b1c9d.js", "https://a.example/mapbox-gl-hidden-1.js"),
        (f"{API}/styles/v1/acme/ck9x8y7z?access_token={TOKEN}",
         f"{API}/styles/v1/account-1/hidden-1?access_token={MADE}"),
        (f"{API}/styles/v1/mapbox/streets-v12", f"{API}/styles/v1/mapbox/streets-v12"),
        (f"{API}/v4/acme.a1b2c3d4,mapbox.satellite/3/4/2@2x.png",
         f"{API}/v4/account-1.hidden-1,mapbox.satellite/3/4/2@2x.png"),
        (f"{API}/fonts/v1/acme/DIN%20Pro%20Regular/0-255.pbf",
         f"{API}/fonts/v1/account-1/DIN%20Pro%20Regular/0-255.pbf"),
        (f"{API}/geocoding/v5/mapbox.places/Main%20Street%201.json",
         f"{API}/geocoding/v5/mapbox.places/hidden-1.json"),
        (f"{API}/v4/a.b/1/0/0.png?access_token=undefined",
         f"{API}/v4/account-1.b/1/0/0.png?access_token=undefined"),
        ("blob:https://a.example/11-22-33", "blob:https://a.example/hidden-1"),
        ("data:text/html,<p>x", "data:text/html,hidden-1"),
        ("file:///home/kim/map.html", "file:///hidden-1/hidden-2/map.html"),
        ("capacitor://localhost/index.html", "capacitor://localhost/index.html"),
        ("about:srcdoc", "about:srcdoc"),
        ("no address", "hidden-1"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_stays_of_an_address(text: str, made: str) -> None:
    assert clean(text) == made
    assert clean(made) == made


def test_words_that_were_told_stay() -> None:
    url = "https://a1b2c3d4e5f6a1b2c3d4e5f6a1b2.example.com/x9y8z7w6?k=77aa88bb"
    assert clean(url) == "https://hidden-3.example.com/hidden-1?k=hidden-2"
    assert clean(url, url.removeprefix("https://")) == url


def test_what_was_met_before_counts_each_time() -> None:
    tally = Tally()
    addresses = Addresses(StandIns(tally))
    for _ in range(3):
        addresses.clean("https://a.example/x?id=7a9")
    assert tally.replaced == {"values in queries": 3}
