"""mitmproxy content view "why403": the journey of a refused request as text, in place of its body.

It shows what the diagnose addon left in the flow's metadata, so it also works on flows that were
loaded from a file. mitmproxy 12 has another interface for content views than 11; both are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mitmproxy import contentviews, http

from diagnostics.report import flow as report

#: Where in a flow's metadata the verdict stands.
KEY = "why403"
NAME = "why403"
#: mitmproxy's own views say 2 at most.
_FIRST = 100.0
_REGISTRY: Any = contentviews  # whose types differ between the two lines


def applies(flow: object, message: object) -> bool:
    """Whether it is the answer to a refused request (and not the request that is shown)."""
    return isinstance(flow, http.HTTPFlow) and message is flow.response and KEY in flow.metadata


def shown(flow: object, data: bytes) -> str:
    """The text for a flow whose answer has the body `data`."""
    verdict = report.read_data(flow.metadata.get(KEY)) if isinstance(flow, http.HTTPFlow) else None
    if verdict is None:
        return "why403 has no verdict on this flow.\n"
    return report.text(verdict, data)


class Journey:
    """The view for both lines of mitmproxy: 11 calls it, 12 asks it to `prettify`."""

    name = NAME
    syntax_highlight = "none"

    def __call__(
        self, data: bytes, *, flow: object = None, **_: object
    ) -> tuple[str, Iterator[list[tuple[str, str]]]]:
        lines = shown(flow, data).splitlines()
        return NAME, iter([[("text", line)] for line in lines])

    def prettify(self, data: bytes, metadata: Any) -> str:
        return shown(metadata.flow, data)

    def render_priority(
        self,
        data: bytes,
        metadata: Any = None,
        *,
        flow: object = None,
        http_message: object = None,
        **_: object,
    ) -> float:
        if metadata is not None:
            flow, http_message = metadata.flow, metadata.http_message
        return _FIRST if applies(flow, http_message) else -1

    def __lt__(self, other: Any) -> bool:
        return bool(self.name < other.name)

    def __gt__(self, other: Any) -> bool:
        return bool(self.name > other.name)


def add() -> None:
    """Let mitmproxy offer the view, in place of one that a reloaded script left behind."""
    remove()
    _REGISTRY.add(Journey())


def remove() -> None:
    """Take the view away again. (mitmproxy 12 replaces a view of the same name by itself.)"""
    if not hasattr(contentviews, "Contentview"):
        known = _REGISTRY.get(NAME)
        if known is not None:
            _REGISTRY.remove(known)
