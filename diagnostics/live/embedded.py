"""mitmproxy inside this process: made with our addons in their places, heard, and saved as HAR.

mitmproxy is imported when one is made.
"""

from __future__ import annotations

import errno
import importlib
import json
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostics.live import own_site
from diagnostics.live.obstacles import say
from diagnostics.live.proxy import LiveError, free_port
from diagnostics.live.trust import write_authorities

if TYPE_CHECKING:
    from mitmproxy.master import Master

_MOST_COMPLAINTS = 5
#: In the metadata of a flow that is not to be saved.
UNREAD = "why403_unread"


def make(
    folder: Path,
    port: int,
    saved: Path,
    last: object,
    settings: dict[str, Any],
    *,
    web: bool = False,
    ticket: str = "",
) -> Master:
    """A mitmproxy for loopback alone that is not started yet.

    Its CA is made in `folder`, its flows go to `saved`. `last` is an addon that comes after all
    others, `settings` are options. `web` makes it mitmweb; with `ticket` the answers are emulated.
    Must be called in a running event loop. Raises LiveError for settings that it refuses.
    """
    from mitmproxy.exceptions import OptionsError
    from mitmproxy.options import Options

    ca = folder / "ca"
    ca.mkdir(mode=0o700, exist_ok=True)  # mitmproxy itself would go by the umask
    options = Options(confdir=str(ca), listen_host="127.0.0.1", listen_port=port)
    master: Master
    if web:
        from mitmproxy.tools.web.master import WebMaster

        master = WebMaster(options, with_termlog=False)
    else:
        from mitmproxy.tools.dump import DumpMaster

        master = DumpMaster(options, with_termlog=False, with_dumper=False)
    _drop_error_check(master)
    _add_early(master, _our_addons(ticket))
    master.addons.add(last)  # type: ignore[no-untyped-call]
    wanted: dict[str, Any] = {
        "connection_strategy": "lazy",
        "save_stream_file": str(saved),
        "save_stream_filter": f"!(~meta ^{UNREAD}:) & !({_own_hosts()})",
        "ssl_verify_upstream_trusted_ca": str(write_authorities(folder / "authorities.pem")),
        **settings,
    }
    if web:
        wanted |= {"web_host": "127.0.0.1", "web_port": free_port(), "web_open_browser": False}
    if ticket:
        wanted |= {"why403_ticket": ticket, "upstream_cert": False}
    try:
        master.options.update(**wanted)  # type: ignore[no-untyped-call]
    except OptionsError as error:
        raise LiveError(str(error)) from None
    return master


def addon(master: Master, name: str) -> Any:
    """The addon of that name."""
    return master.addons.get(name)  # type: ignore[no-untyped-call]


def write_har(flow_file: Path, har_file: Path) -> None:
    """Write the HTTP flows of a flow file as a HAR, one after the other, as mitmproxy itself does
    it. Raises OSError."""
    from mitmproxy.addons.savehar import SaveHar
    from mitmproxy.exceptions import FlowReadException
    from mitmproxy.http import HTTPFlow
    from mitmproxy.io import FlowReader

    saver = SaveHar()
    head = saver.make_har([])
    start = json.dumps(head, indent=4).partition('"entries": []')[0]
    servers: set[Any] = set()
    separator = ""
    with flow_file.open("rb") as flows, har_file.open("w", encoding="utf-8") as har:
        har.write(f'{start}"entries": [')
        with suppress(FlowReadException):  # a disk that was full
            for flow in FlowReader(flows).stream():
                if not isinstance(flow, HTTPFlow):
                    continue
                try:
                    entry = json.dumps(saver.flow_entry(flow, servers))
                except Exception:
                    # mitmproxy trusts what it saw; one odd flow shall not cost all others.
                    logging.getLogger(__name__).warning("a flow cannot be written as HAR")
                    continue
                har.write(f"{separator}\n{entry}")
                separator = ","
        har.write("\n]}}\n")


class _Complaints(logging.Handler):
    """Passes on what mitmproxy logs as an error, a few times, in one line each."""

    def __init__(self, note: Callable[[str], None], said: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._note = note
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())[:300]
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]})"
        if text not in self._said and len(self._said) < _MOST_COMPLAINTS:
            self._said.append(text)
            self._note(say("mitmproxy", error=text))


@contextmanager
def complaints(note: Callable[[str], None], *, verbose: bool) -> Iterator[list[str]]:
    """Errors of mitmproxy as notes meanwhile, and as a list; `verbose` lets its own log fill."""
    said: list[str] = []
    handler = _Complaints(note, said)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    root.addHandler(handler)
    try:
        yield said
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def check_port(port: int) -> None:
    """Raises LiveError where the port cannot be had."""
    if not port:
        return
    with socket.socket() as listener:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            code = "port-forbidden" if error.errno == errno.EACCES else "port-taken"
            raise LiveError(say(code, port=port)) from None


def _our_addons(ticket: str) -> list[object]:
    found: list[object] = [importlib.import_module("addons.why403").together]
    if ticket:
        from addons.beside import Beside

        found.append(Beside())
    return found


def _add_early(master: Master, added: list[object]) -> None:
    """Add addons where scripts stand in the chain: before what saves flows, so that a verdict is
    saved with its flow."""
    manager = master.addons
    before = len(manager.chain)
    manager.add(*added)  # type: ignore[no-untyped-call]
    place = manager.chain.index(addon(master, "scriptloader")) + 1
    chain, ours = manager.chain[:before], manager.chain[before:]
    manager.chain[:] = [*chain[:place], *ours, *chain[place:]]


def _drop_error_check(master: Master) -> None:
    """mitmproxy leaves the whole program on an error at its start; here it is said instead."""
    check = addon(master, "errorcheck")
    check.finish()
    master.addons.remove(check)  # type: ignore[no-untyped-call]


def _own_hosts() -> str:
    hosts = "|".join(sorted(host.replace(".", r"\.") for host in own_site.HOSTS))
    return f'~d "^({hosts})$"'
