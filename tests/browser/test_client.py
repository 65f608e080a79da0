"""Who a User-Agent names: what kind of client, and which engine it renders with.

The strings are those that the programs send, with Brave sending Chrome's own.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.browser.client import NO_USER_AGENT, of_engine, recognise
from diagnostics.browser.engine import engine, engines

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"

#: User-Agent, kind, engine, title.
CLIENTS = [
    (
        f"{WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"{WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
        "browser",
        "chromium",
        "Edge",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile "
        "Safari/537.36 EdgA/131.0.0.0",
        "browser",
        "chromium",
        "Edge",
    ),
    (
        f"{WINDOWS} {WEBKIT} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763",
        "browser",
        "unknown",
        "an old Edge",
    ),
    (
        f"{LINUX} {WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) {WEBKIT} "
        "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"{WINDOWS} {WEBKIT} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
        "browser",
        "chromium",
        "Opera",
    ),
    (
        f"{LINUX} {WEBKIT} Chrome/130.0.0.0 Safari/537.36 Vivaldi/7.0.3495.11",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"{WINDOWS} {WEBKIT} Chrome/130.0.0.0 YaBrowser/24.12.0.0 Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
        "browser",
        "firefox",
        "Firefox",
    ),
    (
        "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
        "browser",
        "firefox",
        "Firefox",
    ),
    (f"{MAC} {APPLE} Version/18.1 Safari/605.1.15", "browser", "webkit", "Safari"),
    (f"{IPHONE} {APPLE} Version/18.1 Mobile/15E148 Safari/604.1", "browser", "webkit", "Safari"),
    (
        f"{IPHONE} {APPLE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
        "browser",
        "webkit",
        "a browser on iOS (WebKit)",
    ),
    (
        f"{IPHONE} {APPLE} FxiOS/133.0 Mobile/15E148 Safari/605.1.15",
        "browser",
        "webkit",
        "a browser on iOS (WebKit)",
    ),
    (
        f"{IPHONE} {APPLE} Version/17.0 EdgiOS/131.0.2903.68 Mobile/15E148 Safari/605.1.15",
        "browser",
        "webkit",
        "a browser on iOS (WebKit)",
    ),
    (
        f"{IPHONE} {APPLE} OPiOS/16.0.15.124050 Mobile/15E148 Safari/9537.53",
        "browser",
        "webkit",
        "a browser on iOS (WebKit)",
    ),
    (f"{IPHONE} {APPLE} Mobile/15E148", "webview", "webkit", "an iOS WebView"),
    (
        f"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) {APPLE} Mobile/15E148",
        "webview",
        "webkit",
        "an iOS WebView",
    ),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {APPLE} "
        "Mobile/15E148 [FBAN/FBIOS;FBAV/464.0.0.43.109;FBBV/601072366]",
        "webview",
        "webkit",
        "an iOS WebView",
    ),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {APPLE} "
        "Mobile/15E148 Instagram 334.0.4.32.98 (iPhone14,5; iOS 17_5; en_US)",
        "webview",
        "webkit",
        "an iOS WebView",
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SM-A536B Build/TP1A.220624.014; wv) "
        f"{WEBKIT} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 "
        "[FB_IAB/FB4A;FBAV/468.0.0.34.75;]",
        "webview",
        "chromium",
        "an Android WebView",
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SM-A536B Build/TP1A.220624.014; wv) "
        f"{WEBKIT} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 "
        "Instagram 334.0.0.42.95 Android",
        "webview",
        "chromium",
        "an Android WebView",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 9; Pixel 3 Build/PI; wv) {WEBKIT} "
        "Version/4.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "webview",
        "chromium",
        "an Android WebView",
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 4.4; en-us; Nexus 5) AppleWebKit/534.30 "
        "(KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        "browser",
        "webkit",
        "a WebKit browser",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 4.4; Nexus 5 Build/KRT16M) {WEBKIT} "
        "Version/4.0 Chrome/30.0.0.0 Mobile Safari/537.36",
        "webview",
        "chromium",
        "an Android WebView",
    ),
    (
        f"{MAC} {WEBKIT} MyApp/1.0.0 Chrome/126.0.6478.127 Electron/31.2.1 Safari/537.36",
        "browser",
        "chromium",
        "an Electron app",
    ),
    (
        f"{WINDOWS} {WEBKIT} Code/1.95.0 Chrome/128.0.6613.186 Electron/32.2.1 Safari/537.36",
        "browser",
        "chromium",
        "an Electron app",
    ),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; "
        "Googlebot/2.1; +http://www.google.com/bot.html) Chrome/131.0.6778.85 "
        "Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "program",
        "",
        "a crawler or a monitor",
    ),
    (
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "program",
        "",
        "a crawler or a monitor",
    ),
    ("curl/8.11.0", "program", "", "curl"),
    ("Wget/1.24.5", "program", "", "Wget"),
    ("PostmanRuntime/7.42.0", "program", "", "Postman"),
    ("insomnia/10.1.1", "program", "", "Insomnia"),
    ("HTTPie/3.2.4", "program", "", "HTTPie"),
    ("python-requests/2.32.3", "program", "", "a Python program"),
    ("Python-urllib/3.11", "program", "", "a Python program"),
    ("python-httpx/0.27.2", "program", "", "a Python program"),
    ("Python/3.11 aiohttp/3.10.10", "program", "", "a Python program"),
    ("geopy/2.4.1", "program", "", "a Python program"),
    ("okhttp/4.12.0", "program", "", "a Java or Android HTTP client"),
    (
        "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A.240805.005)",
        "program",
        "",
        "a Java or Android HTTP client",
    ),
    ("Dart/3.5 (dart:io)", "program", "", "a Dart or Flutter program"),
    ("Java/17.0.9", "program", "", "a Java or Android HTTP client"),
    ("Apache-HttpClient/4.5.14 (Java/17.0.9)", "program", "", "a Java or Android HTTP client"),
    ("Go-http-client/2.0", "program", "", "a Go program"),
    ("node", "program", "", "a JavaScript program outside a browser"),
    ("undici", "program", "", "a JavaScript program outside a browser"),
    ("axios/1.7.7", "program", "", "a JavaScript program outside a browser"),
    (
        "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
        "program",
        "",
        "a JavaScript program outside a browser",
    ),
    ("GuzzleHttp/7", "program", "", "a PHP program"),
    ("MapboxGL/1.0 mapbox-gl-native/1.0", "sdk", "", "a Mapbox mobile SDK"),
    ("MapboxMaps/11.8.0 (iOS 18.1; iPhone15,3)", "sdk", "", "a Mapbox mobile SDK"),
    (
        "Acme/1.0 (com.acme.app; build:1; iOS 18.1.0) MapboxMaps/11.8.0",
        "sdk",
        "",
        "a Mapbox mobile SDK",
    ),
    ("mapbox-maps-ios/10.16.0", "sdk", "", "a Mapbox mobile SDK"),
    ("mapbox-maps-android/11.3.0", "sdk", "", "a Mapbox mobile SDK"),
    (
        "com.acme.app/1.2 Mapbox/2.0 MapboxGL/0.0.0 (9aaebd4) Android/28",
        "sdk",
        "",
        "a Mapbox mobile SDK",
    ),
    (
        "Acme/42 CFNetwork/1568.200.51 Darwin/24.1.0",
        "program",
        "",
        "an Apple app that is no browser",
    ),
    ("Mozilla/5.0 QGIS/33411/Linux", "program", "", "QGIS"),
    ("Mozilla/5.0 QGIS/3.34", "program", "", "QGIS"),
    (
        f"{WINDOWS} {WEBKIT} QtWebEngine/6.5.3 Chrome/108.0.5359.220 Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        "UnityPlayer/2022.3.10f1 (UnityWebRequest/1.0, libcurl/8.1.1-DEV)",
        "program",
        "",
        "a program that is no browser",
    ),
    ("GDAL/3.8.4", "program", "", "a program that is no browser"),
    ("MapProxy-1.16.0", "program", "", "a program that is no browser"),
    (
        f"{LINUX} {APPLE} Version/17.0 Safari/605.1.15 Epiphany/605.1.15",
        "browser",
        "webkit",
        "a WebKit browser",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "browser",
        "unknown",
        "Internet Explorer",
    ),
    (f"{MAC} {APPLE}", "webview", "webkit", "a macOS WebView"),
    (
        f"Mozilla/5.0 (Linux; Android 11; Quest 3) {WEBKIT} OculusBrowser/33.0 "
        "Chrome/126.0.6478.122 VR Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/131.0.0.0 Safari/537.36",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 LibreWolf",
        "browser",
        "firefox",
        "Firefox",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:91.0) Gecko/20100101 "
        "Firefox/91.0 Waterfox/91.0",
        "browser",
        "firefox",
        "Firefox",
    ),
    (
        f"{LINUX} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 Cypress/13.15.0",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/131.0.0.0 Mobile "
        "Safari/537.36 DuckDuckGo/5",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) {APPLE} "
        "Version/17.6 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
        "browser",
        "webkit",
        "Safari",
    ),
    (
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Excel 16.0.17029; Pro)",
        "program",
        "",
        "a program that is no browser",
    ),
    (
        "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.4391",
        "program",
        "",
        "a program that is no browser",
    ),
    ("Mozilla/5.0 (compatible; Uptime/1.0)", "program", "", "a crawler or a monitor"),
    ("ReactNative", "program", "", "a program that is no browser"),
    (
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "program",
        "",
        "a program that is no browser",
    ),
    ("Ruby", "program", "", "a Ruby program"),
    ("Faraday v2.9.0", "program", "", "a Ruby program"),
    ("rest-client/2.1.0 (linux x86_64) ruby/3.2", "program", "", "a Ruby program"),
    ("PHP/8.2", "program", "", "a PHP program"),
    ("Deno/1.46", "program", "", "a JavaScript program outside a browser"),
    ("Bun/1.1.34", "program", "", "a JavaScript program outside a browser"),
    ("Lavf/60.16.100", "program", "", "a program that is no browser"),
    ("Cesium for Unreal/2.0", "program", "", "a program that is no browser"),
    ("ArcGISRuntime/200.0 ", "program", "", "a program that is no browser"),
    (
        f"{MAC} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 GoogleEarth/10",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    ("R (4.3.1 x86_64-pc-linux-gnu)", "program", "", "a program that is no browser"),
    ("libcurl/8.5.0 r-curl/5.2.0 httr/1.4.7", "program", "", "a program that is no browser"),
    (
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {WEBKIT} "
        "Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; "
        "+http://www.google.com/bot.html)",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; .NET CLR 3.5.30729; Trident/6.0)",
        "browser",
        "unknown",
        "Internet Explorer",
    ),
    (
        f"Mozilla/5.0 (linux) {WEBKIT} jsdom/20.0.3",
        "program",
        "",
        "a JavaScript program outside a browser",
    ),
    (
        f"{LINUX} {WEBKIT} Cypress/13.15.0 Chrome/118.0.5993.159 Electron/27.3.10 Safari/537.36",
        "browser",
        "chromium",
        "an Electron app",
    ),
    (
        f"{MAC} {WEBKIT} Chrome/131.0.0.0 Safari/537.36 AcmeCommunity/2.0",
        "browser",
        "chromium",
        "a Chromium browser",
    ),
    (
        f"{IPHONE} {APPLE} GSA/345.0.699113270 Mobile/15E148 Safari/604.1",
        "browser",
        "webkit",
        "a browser on iOS (WebKit)",
    ),
    ("Mozilla/5.0", "browser", "unknown", "a browser"),
    ("", "unknown", "", "a client without a User-Agent"),
    ("x", "program", "", "a program that is no browser"),
]


@pytest.mark.parametrize(
    ("user_agent", "kind", "engine_name", "title"), CLIENTS, ids=[c[0][-40:] for c in CLIENTS]
)
def test_clients(user_agent: str, kind: str, engine_name: str, title: str) -> None:
    client = recognise(user_agent)
    assert (client.kind, client.engine, client.title) == (kind, engine_name, title)
    assert client.renders_pages == (kind in {"browser", "webview"})
    assert client.renders_pages == bool(engine_name)


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(CLIENTS) >= 80
    assert {kind for _, kind, _, _ in CLIENTS} == {
        "browser",
        "webview",
        "sdk",
        "program",
        "unknown",
    }


@pytest.mark.parametrize("absent", [None, ""])
def test_no_user_agent(absent: str | None) -> None:
    assert recognise(absent) is NO_USER_AGENT
    assert not NO_USER_AGENT.renders_pages


def test_the_engine_to_predict_with() -> None:
    chrome = recognise(f"{WINDOWS} {WEBKIT} Chrome/131.0.0.0 Safari/537.36")
    assert chrome.model == engine("chromium")
    assert chrome.is_measured
    safari = recognise(f"{MAC} {APPLE} Version/18.1 Safari/605.1.15")
    assert safari.model == engine("spec")
    assert not safari.is_measured
    assert recognise("curl/8").model == engine("spec")


@pytest.mark.parametrize("name", ["chromium", "firefox", "webkit"])
def test_a_browser_of_which_only_the_engine_is_known(name: str) -> None:
    client = of_engine(name)
    assert client.engine == name
    assert client.kind == "browser"
    assert client.is_measured == (name in engines())


def test_nothing_known_at_all() -> None:
    assert of_engine("") is NO_USER_AGENT


@settings(deadline=None)
@given(st.text())
def test_any_text_is_some_client(text: str) -> None:
    assert recognise(text).kind in {"browser", "webview", "sdk", "program", "unknown"}


@pytest.mark.parametrize(
    "hostile",
    [
        "Mapbox" * 200_000,
        "iPhone" * 200_000,
        "(iPhone AppleWebKit " * 60_000,
        "Mapbox/1" + "." * 1_000_000,
        "Macintosh AppleWebKit" * 60_000,
    ],
    ids=["Mapbox", "iPhone", "AppleWebKit", "dots", "Macintosh"],
)
def test_a_hostile_user_agent_costs_no_more(hostile: str) -> None:
    start = time.process_time()
    recognise(hostile)
    assert time.process_time() - start < 3  # a quadratic search takes minutes
