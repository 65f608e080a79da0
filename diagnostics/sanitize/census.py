"""Counts the parts of a HAR entry that are not copied because no diagnosis reads them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from diagnostics.capture.exchange import Exchange
from diagnostics.capture.mend import UNREADABLE
from diagnostics.sanitize.standins import Tally

#: Field -> what it holds. The rest of an exporter's own fields is counted together.
_LISTS = {
    "cookies": "cookies",
    "_webSocketMessages": "WebSocket messages",
    "_eventSourceMessages": "server-sent events",
}
_PLAIN = {
    "serverIPAddress": "network addresses and ports",
    "connection": "network addresses and ports",
    "_serverPort": "network addresses and ports",
    "_connectionId": "network addresses and ports",
    "comment": "comments",
    "_securityDetails": "security details",
    "_securityState": "security details",
}
#: What the sanitized entry has itself, as far as it was read.
_READ = frozenset({"_initiator", "_resourceType", "_fromCache", "_frameref", "_fetchType", "_error",
                   "_failureText", "_fetchedViaServiceWorker", "_transferSize"})  # fmt: skip
_EMPTY = frozenset({b"null", b'""', b"[]", b"{}"})

_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Census:
    """Counts into a tally."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def take(self, exchange: Exchange) -> None:
        """Count what one entry holds besides what was read; nothing for other captures."""
        raw = getattr(exchange.parts, "raw", None)
        if raw is None:
            return
        entry = _object(raw)
        self._count(entry)
        for name in ("request", "response"):
            part = _object(entry.get(name))
            self._count(part)
            self._count(_object(part.get("content")))

    def _count(self, part: Mapping[str, msgspec.Raw]) -> None:
        removed = self._tally.removed
        for name, raw in part.items():
            if name in _LISTS:
                removed[_LISTS[name]] += _length(raw)
            elif name in _PLAIN or (name.startswith("_") and name not in _READ):
                removed[_PLAIN.get(name, "other fields of the exporter")] += not _is_empty(raw)
        for kind in [kind for kind, count in removed.items() if not count]:
            del removed[kind]


def _object(raw: msgspec.Raw | None) -> Mapping[str, msgspec.Raw]:
    try:
        return _PARTS.decode(raw) if raw is not None else {}
    except UNREADABLE:
        return {}


def _length(raw: msgspec.Raw) -> int:
    try:
        return len(_LIST.decode(raw))
    except UNREADABLE:
        return 0


def _is_empty(raw: msgspec.Raw) -> bool:
    view = memoryview(raw)
    return len(view) <= 4 and bytes(view) in _EMPTY
