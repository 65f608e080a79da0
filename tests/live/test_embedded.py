"""mitmproxy inside this process: its place for our addons, its complaints, its HAR, its port."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import warnings
from pathlib import Path

import pytest

from diagnostics.live import embedded
from diagnostics.live.embedded import write_har
from diagnostics.live.proxy import LiveError
from tests.capturing import TILE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # libraries of mitmproxy's warn of their own age
    import mitmproxy.addons
    import mitmproxy.tools.web.master  # noqa: F401


class Last:
    name = "last"


@pytest.mark.parametrize("web", [False, True])
def test_verdicts_are_there_before_flows_are_saved(tmp_path: Path, web: bool) -> None:
    async def names() -> tuple[list[str], dict[str, object]]:
        settings = {"why403_allow": ["shop.example.com"], "allow_hosts": ["^a$"]}
        made = embedded.make(tmp_path, 0, tmp_path / "a.flow", Last(), settings, web=web)
        found = [getattr(a, "name", type(a).__name__.lower()) for a in made.addons.chain]
        options = {n: getattr(made.options, n) for n in ("listen_host", "listen_port", "confdir")}
        await made.done()
        return found, options

    found, options = asyncio.run(names())
    assert options == {"listen_host": "127.0.0.1", "listen_port": 0, "confdir": f"{tmp_path}/ca"}
    assert found.index("why403_together") < found.index("save") < found.index("tlsconfig")
    assert found[-1] == "last"
    assert "errorcheck" not in found
    assert found.count("why403_together") == 1


def test_settings_that_are_refused_are_one_line(tmp_path: Path) -> None:
    async def make() -> None:
        missing = {"why403_tokens": str(tmp_path / "no.json")}
        embedded.make(tmp_path, 0, tmp_path / "a.flow", Last(), missing)

    with pytest.raises(LiveError, match=r"why403_tokens: .*no\.json: No such file"):
        asyncio.run(make())


def test_complaints_are_passed_on_a_few_times() -> None:
    notes: list[str] = []
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with embedded.complaints(notes.append, verbose=False) as said:
        log = logging.getLogger("mitmproxy.x")
        log.warning("no complaint")
        for _ in range(3):
            log.error("the same\nagain")
        for number in range(20):
            try:
                raise ValueError(f"number {number}")
            except ValueError:
                log.exception("it failed")
    assert notes[0] == "mitmproxy says: the same again"
    assert notes[1] == "mitmproxy says: it failed (ValueError: number 0)"
    assert len(notes) == len(said) == 5
    assert (root.level, root.handlers) == before


def test_a_port_that_is_taken() -> None:
    embedded.check_port(0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LiveError, match=f"Port {port} is taken"):
            embedded.check_port(port)
    embedded.check_port(port)


def test_a_har_of_a_flow_file(tmp_path: Path) -> None:
    from mitmproxy import http, tcp
    from mitmproxy.addons.savehar import SaveHar
    from mitmproxy.io import FlowReader, FlowWriter
    from mitmproxy.test import tflow

    flows, har = tmp_path / "a.flow", tmp_path / "a.har"
    with flows.open("wb") as file:
        writer = FlowWriter(file)
        for number in range(3):
            flow = tflow.tflow(resp=True)
            flow.request.url = f"{TILE}&n={number}"
            writer.add(flow)
        odd = tflow.tflow(resp=True)
        odd.response.status_code = 200
        odd.response.headers["content-encoding"] = "unknown"
        writer.add(odd)
        writer.add(tflow.ttcpflow())
    write_har(flows, har)
    with flows.open("rb") as file:
        kept = [flow for flow in FlowReader(file).stream() if not isinstance(flow, tcp.TCPFlow)]
    assert all(isinstance(flow, http.HTTPFlow) for flow in kept)
    assert json.loads(har.read_text()) == json.loads(json.dumps(SaveHar().make_har(kept)))


def test_a_har_of_nothing_and_of_a_broken_file(tmp_path: Path) -> None:
    flows, har = tmp_path / "a.flow", tmp_path / "a.har"
    for data in (b"", b"12:broken"):
        flows.write_bytes(data)
        write_har(flows, har)
        assert json.loads(har.read_text())["log"]["entries"] == []
