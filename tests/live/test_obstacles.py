"""Facts that stand in the way of a capture, and the sentences that they are worth."""

from __future__ import annotations

import pytest

from diagnostics.browser import url as urls
from diagnostics.live.obstacles import Obstacles, advice_on, say
from diagnostics.live.scope import Scope

DISTRUST = "The client does not trust the proxy's certificate for x (OpenSSL Error)"
BROKEN_OFF = "The client disconnected during the handshake. If this happens consistently for x, ..."


@pytest.fixture
def obstacles() -> Obstacles:
    return Obstacles(Scope(urls.parse("https://shop.example.com/")))


def test_a_refused_certificate_is_told_once_it_stays_refused(obstacles: Obstacles) -> None:
    assert obstacles.handshake_failed("api.mapbox.com", DISTRUST, 10.0) is None
    assert obstacles.due(11.0) == []
    (sentence,) = obstacles.due(12.0)
    assert "certificate for api.mapbox.com" in sentence
    assert "--no-browser" in sentence
    obstacles.handshake_failed("api.mapbox.com", DISTRUST, 20.0)
    assert obstacles.due(30.0) == []


def test_a_browser_that_trusts_on_its_second_try_is_no_news(obstacles: Obstacles) -> None:
    obstacles.handshake_failed("api.mapbox.com", DISTRUST, 10.0)
    obstacles.trusted("api.mapbox.com")
    assert obstacles.due(99.0) == []
    assert obstacles.blind_spots() == ()


def test_a_connection_that_breaks_off_may_be_an_accident(obstacles: Obstacles) -> None:
    said = [obstacles.handshake_failed("a.example", BROKEN_OFF, 1.0) for _ in range(5)]
    assert [bool(sentence) for sentence in said] == [False, False, True, False, False]
    for _ in range(2):
        assert obstacles.handshake_failed("b.example", BROKEN_OFF, 1.0) is None
    obstacles.trusted("b.example")
    assert obstacles.handshake_failed("b.example", BROKEN_OFF, 1.0) is None


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("[Errno 111] Connect call failed ('127.0.0.1', 3000)", "Is the server running"),
        ("[Errno -2] Name or service not known", "Is the name written"),
        ("[Errno 8] nodename nor servname provided", "Is the name written"),
        ("[Errno 110] Connection timed out", "firewall or VPN"),
        ("[Errno 101] Network is unreachable", "Is this machine online"),
        ("something else", "without the proxy"),
        ("Certificate verify failed: self-signed certificate", "SSL_CERT_FILE"),
    ],
)
def test_an_unreachable_page(obstacles: Obstacles, error: str, advice: str) -> None:
    sentence = obstacles.server_failed("shop.example.com", 8443, error)
    assert sentence is not None
    assert "shop.example.com:8443" in sentence
    assert advice in sentence
    assert "Errno" not in sentence
    assert obstacles.server_failed("shop.example.com", 8443, error) is None
    assert obstacles.page_failed


def test_other_hosts_may_be_unreachable(obstacles: Obstacles) -> None:
    assert obstacles.server_failed("telemetry.example.org", 443, "refused") is None
    assert not obstacles.page_failed
    assert "api.mapbox.com cannot" in (obstacles.server_failed("api.mapbox.com", 443, "x") or "")
    assert not obstacles.page_failed


def test_silence_is_explained_by_what_was_seen(obstacles: Obstacles) -> None:
    def said() -> str:
        return obstacles.silence(20.4, "127.0.0.1:8080")

    assert obstacles.silent
    assert "goes past it" in said()
    assert "QUIC" in said()
    assert "http://127.0.0.1:8080" in said()
    obstacles.client_connected()
    for number in range(7):
        obstacles.tunnel(f"h{number}.example.org", 443)
    obstacles.tunnel("shop.example.com", 443)
    assert "h0.example.org, h1.example.org" in said()
    assert "and 2 more" in said()
    assert "shop.example.com" not in said()
    obstacles.answered("shop.example.com")
    assert "service worker" in said()
    assert "in 20 s" in said()
    obstacles.handshake_failed("api.mapbox.com", DISTRUST, 0.0)
    obstacles.due(9.0)
    assert "pin" in said()
    obstacles.answered("api.mapbox.com")
    assert not obstacles.silent


def test_blind_spots(obstacles: Obstacles) -> None:
    assert obstacles.blind_spots() == ()
    obstacles.tunnel("cdn.example.org", 443)
    (spot,) = obstacles.blind_spots()
    assert spot.startswith("Connections to one other host passed unread (cdn.example.org);")
    for number in range(6):
        obstacles.tunnel(f"h{number}.example.org", 443)
    obstacles.handshake_failed("api.mapbox.com", DISTRUST, 0.0)
    obstacles.due(9.0)
    first, second = obstacles.blind_spots()
    assert first.startswith("Connections to 7 other hosts passed unread")
    assert "…)" in first
    assert "api.mapbox.com" in second


def test_no_client_can_make_it_grow_without_end(obstacles: Obstacles) -> None:
    for number in range(5000):
        host = f"h{number}.example.org"
        obstacles.tunnel(host, 443)
        obstacles.handshake_failed(host, DISTRUST if number % 2 else BROKEN_OFF, float(number))
        obstacles.unchecked(host)
        obstacles.learnt(host)
    obstacles.due(1e9)
    sizes = [len(v) for v in vars(obstacles).values() if hasattr(v, "__len__")]
    assert max(sizes) <= 500


@pytest.mark.parametrize(
    ("said", "advice", "line"),
    [
        (
            "[1:ERROR:ozone] Missing X server or $DISPLAY\nBroken pipe",
            "--headless",
            "[1:ERROR:ozone] Missing X server or $DISPLAY",
        ),
        ("Error: cannot open display: :77", "--headless", "Error: cannot open display: :77"),
        ("FATAL: No usable sandbox! Update your kernel", "namespaces", None),
        ("x: error while loading shared libraries: libnss3.so: cannot open", "library", None),
        ("Failed to create a ProcessSingleton for your profile", "close the browser", None),
        ("one\ntwo\n", "--no-browser", "two"),
        ("", "--no-browser", ""),
    ],
)
def test_why_a_browser_quit(said: str, advice: str, line: str | None) -> None:
    does, told = advice_on("quit", said)
    assert advice in does
    assert told == (said if line is None else line)


def test_an_unknown_obstacle_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        say("nothing")
