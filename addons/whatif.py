"""mitmproxy addon: try a change on live traffic before anybody makes it.

    mitmdump -s addons/whatif.py --set why403_what_if=referrer-policy=origin

Changes are written as for `why403 diagnose --what-if`. What they do to a document stands in
`diagnostics.live.rewrite`, what to the provider's answers in `diagnostics.live.granted`; this
file finds the flows. Loaded before the diagnosis, which is to see what the browser got.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

from addons.hosted import OWN, host_of, option_error, put, request_of
from diagnostics.browser import url as urls
from diagnostics.capture.flowfile import url_of
from diagnostics.journey.told import UNKNOWN, Allowed
from diagnostics.journey.whatif import Change, parse_change
from diagnostics.live import granted, own_site, rewrite
from diagnostics.provider.emulated import Request
from diagnostics.provider.profile import profile_for
from diagnostics.provider.token import decode
from diagnostics.report.redaction import redact_text

_log = logging.getLogger(__name__)

_NOTES = 20
#: What mitmproxy can unpack; a browser may offer more.
_ENCODINGS = "gzip, deflate, br"


class WhatIf:
    """Changes documents and the provider's answers as the option says, and counts."""

    name = "why403_whatif"

    def __init__(self) -> None:
        self.changes: tuple[Change, ...] = ()
        #: The documents' hosts that are changed; empty for all.
        self.hosts: frozenset[str] = frozenset()
        self._wanted_hosts: frozenset[str] | None = None
        #: Called when the changes, the counts or the notes are others.
        self.observers: list[Callable[[], None]] = []
        self._before = {"answered": 0, "refused": 0}
        self._since = {"answered": 0, "refused": 0, "emulated": 0}
        self._notes: deque[dict[str, str]] = deque(maxlen=_NOTES)

    def load(self, loader: Loader) -> None:
        loader.add_option(
            "why403_what_if",
            Sequence[str],
            [],
            "Change the live traffic like this, for example referrer-policy=origin, csp-=sandbox,"
            " sandbox+=allow-same-origin, request-policy=origin, allow+=example.com.",
        )

    def configure(self, updated: set[str]) -> None:
        if "why403_what_if" in updated:
            try:
                changes = read(ctx.options.why403_what_if)
            except ValueError as error:
                raise option_error(f"why403_what_if: {error}") from None
            if changes != self.changes or self._wanted_hosts is not None:
                # Who changes the option himself names no hosts.
                self.hosts = (self._wanted_hosts if changes else None) or frozenset()
            if changes != self.changes:
                self._switch(changes)

    def request(self, flow: http.HTTPFlow) -> None:
        """A copy in a cache would be an answer without the change."""
        if not self.changes or own_site.is_own(host_of(flow)):
            return
        document = rewrite.changes_documents(self.changes) and self._is_document(flow)
        listed = any(change.name == "allow" for change in self.changes)
        if document or (listed and profile_for(host_of(flow)) is not None):
            for name in ("if-none-match", "if-modified-since"):
                flow.request.headers.pop(name, None)
            if document and "accept-encoding" in flow.request.headers:
                flow.request.headers["accept-encoding"] = _ENCODINGS

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if not self.changes or flow.response is None:
            return
        if own_site.is_own(host_of(flow)):
            return
        if profile_for(host_of(flow)) is not None:
            # What is answered thanks to a change must not come from a cache when it has ended.
            flow.response.headers["cache-control"] = "no-store"
        if not rewrite.changes_documents(self.changes):
            return
        if 300 <= flow.response.status_code < 400:
            changed = rewrite.redirect_headers(_pairs(flow.response), self._for(flow))
            if changed.says:
                flow.response.headers = _fields(changed)
                self._note(flow, changed.says)
        elif self._is_document(flow) and _is_markup(flow.response):
            changed = rewrite.document_headers(_pairs(flow.response), self._for(flow))
            flow.response.headers = _fields(changed)
            flow.metadata["why403_what_if"] = " ".join(map(str, self._for(flow)))
            self._note(flow, changed.says)
            if flow.response.stream:
                self._change_stream(flow, flow.response)

    def response(self, flow: http.HTTPFlow) -> None:
        response = flow.response
        if response is None:
            return
        if flow.metadata and "why403_what_if" in flow.metadata and not response.stream:
            self._change_body(flow, response)
        if profile_for(host_of(flow)) is not None:
            request = request_of(flow)
            if granted.counts(request):
                self._answer(flow, request, response)

    @property
    def before_after(self) -> dict[str, Any]:
        """What providers answered before the changes and since, and what was changed: `before`
        and `since` count `answered` and `refused`, `emulated` those of `since` that the emulated
        provider gave; `notes` are the newest changed documents."""
        return {
            "changes": [str(change) for change in self.changes],
            "before": dict(self._before),
            "since": dict(self._since),
            "notes": list(self._notes),
        }

    def set(self, changes: Sequence[str], hosts: Collection[str] = ()) -> None:
        """Change the traffic like this from now on; an empty list ends it. Documents are changed
        only where they come from `hosts`, everywhere without any. Raises ValueError."""
        read(changes)
        self._wanted_hosts = frozenset(hosts)
        try:
            ctx.options.update(why403_what_if=list(changes))  # type: ignore[no-untyped-call]
        finally:
            self._wanted_hosts = None

    def _switch(self, changes: tuple[Change, ...]) -> None:
        if changes:
            self._since = dict.fromkeys(self._since, 0)
        else:
            self._before = dict.fromkeys(self._before, 0)
        self._notes.clear()
        self.changes = changes
        _log.info("what if: %s", redact_text(" ".join(map(str, changes))) or "nothing is changed")
        self._tell()

    def _for(self, flow: http.HTTPFlow) -> list[Change]:
        """The changes that concern a document. A frame's sandbox is set by the page around it,
        which may be anybody's."""
        ours = not self.hosts or host_of(flow) in self.hosts
        return [c for c in self.changes if c.name != "allow" and (ours or c.name == "sandbox")]

    def _is_document(self, flow: http.HTTPFlow) -> bool:
        host = host_of(flow)
        return (
            bool(self._for(flow))
            and profile_for(host) is None
            and granted.asks_for_document(request_of(flow).headers)
        )

    def _change_body(self, flow: http.HTTPFlow, response: http.Response) -> None:
        try:
            body = response.get_content(strict=True)
        except ValueError:
            self._note(flow, ("the markup could not be unpacked and was not changed",))
            return
        if body:
            changed = self._document(flow, response, body)
            if changed.body != body:
                response.content = changed.body
            self._note(flow, changed.says)

    def _change_stream(self, flow: http.HTTPFlow, response: http.Response) -> None:
        """A document that mitmproxy would pass on piece by piece is held until it is whole."""
        packed = response.headers.pop("content-encoding", "identity")
        response.headers.pop("content-length", None)
        if flow.request.http_version.startswith("HTTP/1"):
            response.headers["transfer-encoding"] = "chunked"
        pieces: list[bytes] = []

        def take(piece: bytes) -> bytes:
            if piece:
                pieces.append(piece)
                return b""
            whole = http.Response.make(200, b"", {"content-encoding": packed})
            whole.raw_content = b"".join(pieces)
            body = whole.get_content(strict=False) or b""
            changed = self._document(flow, response, body)
            self._note(flow, changed.says)
            return changed.body

        response.stream = take

    def _document(
        self, flow: http.HTTPFlow, response: http.Response, body: bytes
    ) -> rewrite.Changed:
        kind = response.headers.get("content-type", "")
        return rewrite.document_body(body, kind, url_of(flow.request), self._for(flow))

    def _answer(self, flow: http.HTTPFlow, request: Request, response: http.Response) -> None:
        status = response.status_code
        if any(change.name == "allow" for change in self.changes):
            entries = _told(request.url).entries
            body = _text(response) if granted.is_refused(status) else ""
            reply = granted.answer(request, status, body, entries, self.changes)
            if reply is not None:
                put(flow, reply)
                flow.metadata[OWN] = "the emulated provider, with the changed list"
                self._since["emulated"] += 1
                status = reply.status
        counted = self._since if self.changes else self._before
        if granted.is_refused(status):
            counted["refused"] += 1
        elif status < 400:
            counted["answered"] += 1
        else:
            return
        self._tell()

    def _note(self, flow: http.HTTPFlow, says: Sequence[str]) -> None:
        if says:
            where = redact_text(url_of(flow.request).partition("?")[0])
            self._notes.append({"where": where, "says": redact_text("; ".join(says))})
            self._tell()

    def _tell(self) -> None:
        for observer in self.observers:
            observer()


def read(texts: Sequence[str]) -> tuple[Change, ...]:
    """Changes as they are written, several in one text with spaces between. Raises ValueError for
    what is no change, and for one that cannot be tried on live traffic."""
    changes = tuple(parse_change(part) for text in texts for part in text.split())
    for change in changes:
        if why := rewrite.obstacle(change):
            raise ValueError(f"{change}: {why}")
    return changes


def _told(url: str) -> Allowed:
    """What the diagnosis was told about the token of a request."""
    diagnose = ctx.master.addons.get("why403")  # type: ignore[no-untyped-call]
    parsed = urls.parse(url)
    profile = profile_for(parsed.host) if parsed else None
    token = profile.token_in(parsed.query) if profile and parsed else None
    if diagnose is None or not token:
        return UNKNOWN
    allowed: Allowed = diagnose.live.told.about(decode(token))
    return allowed


def _text(response: http.Response) -> str:
    return (response.get_content(strict=False) or b"")[:10_000].decode("utf-8", "replace")


def _pairs(response: http.Response) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in response.headers.fields
    )


def _fields(changed: rewrite.Changed) -> http.Headers:
    return http.Headers(
        [
            (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
            for name, value in changed.headers
        ]
    )


def _is_markup(response: http.Response) -> bool:
    kind = response.headers.get("content-type", "text/html").lower()
    return response.status_code != 206 and ("text/html" in kind or "application/xhtml" in kind)


addons = [WhatIf()]
