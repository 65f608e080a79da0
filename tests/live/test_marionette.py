"""Firefox's control protocol, against a peer that speaks it from a script."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from diagnostics.live.marionette import Marionette
from diagnostics.live.proxy import LiveError


class Peer(threading.Thread):
    """Accepts one connection, answers each command with the next result."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard: list[Any] = []
        self._results = results

    def run(self) -> None:
        with self._listener, self._listener.accept()[0] as connection:
            stream = connection.makefile("rb")
            connection.sendall(b'50:{"applicationType":"gecko","marionetteProtocol":3}')
            for result in self._results:
                digits = b""
                while (byte := stream.read(1)) not in {b":", b""}:
                    digits += byte
                if not digits:
                    return
                command = json.loads(stream.read(int(digits)))
                self.heard.append(command)
                error = result if isinstance(result, dict) and "message" in result else None
                answer = json.dumps([1, command[1], error, None if error else result]).encode()
                connection.sendall(b"%d:%s" % (len(answer), answer))
            stream.close()


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    made = Peer(request.param)
    made.start()
    yield made
    made.join(5)


def script(value: Any) -> list[Any]:
    return [{}, {}, {"value": value}]


@pytest.mark.parametrize("peer", [[{}, {}, {}]], indirect=True)
def test_navigation(peer: Peer) -> None:
    control = Marionette(peer.port, timeout=5)
    control.go("https://shop.example.com/")
    control.close()
    assert [command[2] for command in peer.heard] == [
        "WebDriver:NewSession",
        "Marionette:SetContext",
        "WebDriver:Navigate",
    ]
    assert peer.heard[2][3] == {"url": "https://shop.example.com/"}


@pytest.mark.parametrize("peer", [script({"value": [1, "ü"]})], indirect=True)
def test_a_script_with_arguments(peer: Peer) -> None:
    control = Marionette(peer.port, timeout=5)
    assert control.browser("return arguments[0];", "ü") == [1, "ü"]
    control.close()
    assert peer.heard[1][3] == {"value": "chrome"}
    assert peer.heard[2][3]["args"] == ["ü"]


@pytest.mark.parametrize("peer", [script({"error": "TypeError: x"})], indirect=True)
def test_a_script_that_throws(peer: Peer) -> None:
    control = Marionette(peer.port, timeout=5)
    with pytest.raises(LiveError, match="TypeError: x"):
        control.page("x()")
    control.close()


@pytest.mark.parametrize("peer", [script(None)], indirect=True)
def test_a_page_that_goes_away_meanwhile(peer: Peer) -> None:
    control = Marionette(peer.port, timeout=5)
    with pytest.raises(LiveError, match="left the page"):
        control.page("x()")
    control.close()


@pytest.mark.parametrize("peer", [[{"message": "no session"}]], indirect=True)
def test_a_command_that_is_refused(peer: Peer) -> None:
    with pytest.raises(LiveError, match="WebDriver:NewSession: no session"):
        Marionette(peer.port, timeout=5)


@pytest.mark.parametrize("peer", [[{}]], indirect=True)
def test_a_browser_that_goes_away(peer: Peer) -> None:
    control = Marionette(peer.port, timeout=5)
    peer.join(5)
    with pytest.raises(LiveError):
        control.go("https://shop.example.com/")
    control.close()


def test_no_port_and_no_protocol() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_greet, args=[listener, b"5:hello"])
        thread.start()
        with pytest.raises(LiveError, match="Firefox: its control port: "):
            Marionette(port, timeout=5)
        thread.join()
    with pytest.raises(LiveError, match="Firefox: its control port: "):
        Marionette(port, timeout=5)


def _greet(listener: socket.socket, greeting: bytes) -> None:
    with listener.accept()[0] as connection:
        connection.sendall(greeting)
