"""A ticket's page stays on this machine, whatever it holds: WebRTC and WebTransport go past a
proxy, and what is no HTTP would be passed on by it."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from diagnostics.live.play import play
from diagnostics.live.proxy import Answered
from diagnostics.ticket import load

_TICKET = """
title: t
story: s
client: {browser: BROWSER}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    html: |
      <!DOCTYPE html><script>
      const told = what => new Image().src = "/told/" + what;
      const peer = new RTCPeerConnection({iceServers: [
        {urls: "stun:ADDRESS:1111"},
        {urls: "turn:ADDRESS:2222?transport=tcp", username: "name", credential: "word"},
      ]});
      peer.createDataChannel("data");
      peer.onicegatheringstatechange = () => told("rtc-" + peer.iceGatheringState);
      peer.createOffer().then(offer => peer.setLocalDescription(offer)).then(() => told("rtc-set"));
      try {
        new WebTransport("https://ADDRESS:1111/").ready.then(
          () => told("transport-open"), () => told("transport-closed"));
      } catch {
        told("transport-closed");
      }
      </script>
"""


class Outside:
    """Listens on an address of this machine that is not loopback, as another machine would."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.heard: list[str] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for listener in (self._udp, self._tcp):
            listener.bind((address, 0))
        self._tcp.listen()
        self.udp, self.tcp = (s.getsockname()[1] for s in (self._udp, self._tcp))
        self._over, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._end], [], [])
            if self._end in ready:
                return
            if self._udp in ready:
                self.heard.append(f"udp {self._udp.recv(2000)[:20]!r}")
            if self._tcp in ready:
                self._tcp.accept()[0].close()
                self.heard.append("tcp")

    def close(self) -> None:
        self._over.close()
        self._thread.join()
        for one in (self._udp, self._tcp, self._end):
            one.close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address = asked.getsockname()[0]
    listening = Outside(address)
    yield listening
    listening.close()


@pytest.mark.parametrize(
    ("browser", "wanted"),
    [
        pytest.param(
            "chromium", {"rtc-complete", "transport-closed"}, marks=pytest.mark.browser("chromium")
        ),
        # Firefox may not begin to look for addresses where it may use none.
        pytest.param(
            "firefox", {"rtc-set", "transport-closed"}, marks=pytest.mark.browser("firefox")
        ),
    ],
)
def test_a_page_reaches_nobody(
    browser: str, wanted: set[str], outside: Outside, tmp_path: Path
) -> None:
    text = _TICKET.replace("BROWSER", browser).replace("ADDRESS", outside.address)
    file = tmp_path / "ticket.yaml"
    file.write_text(text.replace(":1111", f":{outside.udp}").replace(":2222", f":{outside.tcp}"))
    told: set[str] = set()

    def enough(answered: Sequence[Answered]) -> bool:
        told.update(a.url.rpartition("/")[2] for a in answered if "/told/" in a.url)
        return wanted <= told

    played = play(load(file), file, tmp_path, tmp_path, ["har"], enough=enough)
    enough(played.answered)
    assert outside.heard == []
    # The page met a browser as it is, with all of its interfaces.
    assert wanted <= told
