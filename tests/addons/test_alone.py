"""Each addon by itself in real processes of mitmdump and mitmweb, driven by a plain client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from diagnostics.live.play import EMULATOR
from diagnostics.live.proxy import Proxy
from tests.addons.test_why403 import ALLOWED, eventually, replay, started

ADDONS = EMULATOR.parent
PAGE = "https://shop.example.com/map"
PROGRAMS = {"mitmdump": [], "mitmweb": ["--no-web-open-browser", "--set", "web_port=0"]}


@contextmanager
def alone(program: str, name: str, folder: Path, **options: str) -> Iterator[Proxy]:
    """The program with that addon of ours and the emulated provider."""
    arguments = [*PROGRAMS[program], "-w", str(folder / "saved.flow")]
    script, beside = ADDONS / f"{name}.py", ADDONS / "beside.py"
    with started(program, folder, arguments, script, beside, **options) as proxy:
        yield proxy


def ask(proxy: Proxy, url: str) -> tuple[int, str]:
    """Status and text of what the proxy answers to a plain http URL."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    try:
        connection.request("GET", url)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def diagnose(proxy: Proxy, folder: Path) -> None:
    assert replay(proxy).count(403) == 1
    eventually(lambda: "referrer-policy-blocks (certain)" in (folder / "out.txt").read_text())


def livepage(proxy: Proxy, folder: Path) -> None:
    status, page = ask(proxy, "http://why403.test/")
    assert (status, "<html" in page) == (200, True)
    state: dict[str, Any] = json.loads(ask(proxy, "http://why403.test/state.json")[1])
    assert state["diagnoses"] is False  # nobody does


def selftest(proxy: Proxy, folder: Path) -> None:
    status, page = ask(proxy, "http://why403.test/selftest")
    assert (status, "<html" in page) == (200, True)
    assert ask(proxy, "http://why403.test/")[0] == 502  # the live page is another addon


def whatif(proxy: Proxy, folder: Path) -> None:
    from mitmproxy.http import HTTPFlow
    from mitmproxy.io import FlowReader

    assert 200 in replay(proxy)

    def policies() -> list[str | None]:
        with (folder / "saved.flow").open("rb") as file:
            flows = [flow for flow in FlowReader(file).stream() if isinstance(flow, HTTPFlow)]
        return [
            flow.response.headers.get("referrer-policy")
            for flow in flows
            if flow.response and flow.request.pretty_url == PAGE
        ]

    assert eventually(policies) == ["origin"]


CASES: dict[str, tuple[Callable[[Proxy, Path], None], dict[str, str]]] = {
    "diagnose": (diagnose, {"why403_allow": ALLOWED}),
    "livepage": (livepage, {}),
    "selftest": (selftest, {}),
    "whatif": (whatif, {"why403_what_if": "referrer-policy=origin"}),
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", CASES)
def test_alone(program: str, name: str, tmp_path: Path) -> None:
    check, options = CASES[name]
    with alone(program, name, tmp_path, **options) as proxy:
        check(proxy, tmp_path)


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_at_once(program: str, tmp_path: Path) -> None:
    """The entry script: the live page shows what the diagnosis found."""
    with alone(program, "why403", tmp_path, why403_allow=ALLOWED) as proxy:
        replay(proxy)
        state = json.loads(ask(proxy, "http://why403.test/state.json")[1])
        assert state["diagnoses"] is True
        assert "referrer-policy-blocks" in json.dumps(state)
        assert ask(proxy, "http://why403.test/selftest")[0] == 200
