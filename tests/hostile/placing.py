"""Puts a payload into the text fields of a HAR, a flow file or a ticket.

Where the field has to keep its meaning for the rest to be looked at (a URL, a policy, a type), the
payload is appended to what stood there; the other way, it stands alone.
"""

from __future__ import annotations

import copy
import functools
import io
import json
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import yaml

import fixtures

HERE = Path(__file__).parent
CAPTURES = fixtures.ROOT / "captures"
TICKETS = fixtures.ROOT / "tickets"

Change = Callable[[str], str]


@functools.lru_cache(maxsize=1)
def corpus() -> dict[str, tuple[str, ...]]:
    """All payloads by kind."""
    kinds = yaml.safe_load((HERE / "payloads.yaml").read_text(encoding="utf-8"))
    return {
        kind: tuple(one if isinstance(one, str) else one[0] * one[1] for one in payloads)
        for kind, payloads in kinds.items()
    }


def payloads() -> tuple[str, ...]:
    return tuple(one for kind in corpus().values() for one in kind)


class Place(NamedTuple):
    """A kind of text field: its path with `[]` for any position, and, for a header, its name.
    Header names themselves are fields too."""

    path: str
    header: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.header}".strip()


def places(tree: Any) -> list[Place]:
    """Every kind of text field in a tree, in its order."""
    return list(dict.fromkeys(place for place, *_ in _texts(tree)))


def put(tree: Any, change: Change, only: Place | None = None) -> Any:
    """A copy of a tree in which every text field is changed, or those of one place."""
    made = copy.deepcopy(tree)
    for place, holder, key in _texts(made):
        if only is None or place == only:
            holder[key] = change(holder[key])
    return made


def _texts(tree: Any, path: str = "") -> Iterator[tuple[Place, Any, Any]]:
    """Each text of a tree: its place, and what holds it at which key."""
    name = tree["name"] if isinstance(tree, dict) and "value" in tree and "name" in tree else ""
    for key, value in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        step = f"{path}.{key}" if isinstance(tree, dict) else f"{path}[]"
        if isinstance(value, str):
            header = str(name).lower() if key == "value" else ""
            yield Place(step, header), tree, key
        elif isinstance(value, dict | list):
            yield from _texts(value, step)


# ---- HAR ----


def har(name: str) -> Any:
    """A recorded HAR, with fields that HAR 1.2 and its exporters know and this one lacks."""
    tree = json.loads((CAPTURES / name).read_text("utf-8-sig"))
    log = tree["log"]
    log.setdefault("browser", {"name": "Chrome", "version": "156", "comment": "c"})
    log["comment"] = log["creator"]["comment"] = "c"
    log.setdefault("pages", []).append(
        {"id": "p", "title": "https://shop.example.com/p", "comment": "c", "_own": "x"}
    )
    for entry in log["entries"]:
        entry["comment"] = entry["_own"] = "c"
        entry["_frameref"] = "f"
        entry["request"]["comment"] = "c"
        entry["request"]["postData"] = {"mimeType": "text/plain", "text": "t", "params": []}
        entry["request"]["cookies"] = [{"name": "c", "value": "v", "path": "/", "domain": "d"}]
        entry["response"]["comment"] = entry["response"]["content"]["comment"] = "c"
        for message in (entry["request"], entry["response"]):
            message["headers"].append({"name": "X-Own", "value": "x", "comment": "c"})
    return tree


def in_keys(tree: Any, payload: str) -> Any:
    """A copy in which every object has one more member, named after the payload and holding it."""
    if isinstance(tree, dict):
        return {key: in_keys(value, payload) for key, value in tree.items()} | {payload: payload}
    return [in_keys(item, payload) for item in tree] if isinstance(tree, list) else tree


def written(tree: Any) -> bytes:
    return json.dumps(tree).encode()


# ---- flow files ----


def flow_states(name: str) -> list[Any]:
    """The states of a recorded flow file's flows, as mitmproxy writes them, with a comment and
    data of other addons."""
    from mitmproxy.io import tnetstring

    stream = io.BytesIO((CAPTURES / name).read_bytes())
    states = []
    while stream.tell() < len(stream.getbuffer()):
        state: Any = tnetstring.load(stream)
        state["comment"] = "c"
        state["metadata"] = {"own": "x"}
        states.append(state)
    return states


def put_in_flow(state: Any, change: Change, key: str = "") -> Any:
    """A copy of a state in which every text and every bytes is changed, but what mitmproxy itself
    reads to know what it has: the kind of flow, and the fixed words of its connections."""
    if isinstance(state, dict):
        return {name: put_in_flow(value, change, name) for name, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(put_in_flow(value, change, key) for value in state)
    if key in _OF_MITMPROXY:
        return state
    if isinstance(state, str):
        return change(state)
    if isinstance(state, bytes):
        changed = change(state.decode("utf-8", "surrogateescape"))
        return changed.encode("utf-8", "surrogatepass")
    return state


_OF_MITMPROXY = frozenset(
    {"type", "proxy_mode", "transport_protocol", "tls_version", "via", "certificate_list", "id"}
)


def written_flows(states: list[Any]) -> bytes:
    from mitmproxy.io import tnetstring

    return b"".join(tnetstring.dumps(state) for state in states)


# ---- tickets ----


def ticket(name: str) -> Any:
    """A ticket as YAML has it."""
    return yaml.safe_load((TICKETS / f"{name}.yaml").read_text(encoding="utf-8"))


def ticket_names() -> list[str]:
    found = resources.files("fixtures").joinpath("tickets").iterdir()
    return sorted(path.name.removesuffix(".yaml") for path in found if path.name.endswith(".yaml"))


def written_ticket(tree: Any) -> str:
    """A ticket as text; JSON is YAML, but for what YAML cannot hold."""
    return yaml.safe_dump(tree, allow_unicode=True, width=10**9)
