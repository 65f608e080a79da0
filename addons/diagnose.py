"""mitmproxy addon: the cause beside each refused request, while the traffic is still coming.

    mitmweb -s "$(why403 addon-path)" --set why403_allow=shop.example.com

A refused request to a map provider gets a comment, a marker, data in its metadata, a line in the
log and the content view "why403". All that is decided here is how to say it to mitmproxy; the
verdicts are `diagnostics.journey.live`'s.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import sys
import time
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mitmproxy import command, ctx, exceptions, flow, hooks, http, types
from mitmproxy.addonmanager import Loader
from mitmproxy.log import ALERT

from addons import contentview
from addons.contentview import KEY
from addons.hosted import OWN, option_error
from diagnostics.capture.exporters import exporters
from diagnostics.capture.flowfile import exchange_of
from diagnostics.cli import output
from diagnostics.errors import InputError
from diagnostics.journey.bearing import may_bear
from diagnostics.journey.live import DEFAULT_LIMIT, LiveDiagnosis
from diagnostics.journey.told import Allowed, Told, read_tokens
from diagnostics.journey.verdict import Verdict
from diagnostics.live import own_site
from diagnostics.report import flow as report
from diagnostics.report.redaction import redact_text
from diagnostics.report.terminal import plain

logger = logging.getLogger(__name__)

MARKER = ":no_entry:"
_CAPTURE = "live capture"
_ENDINGS = (".html", ".htm", ".json", ".md", ".txt")
_FEWEST_KEPT = 10
# Verdicts are revised this long after the first news, and never for more than a part of the time.
_SECONDS_TO_REVISION = 0.3
_REVISIONS_SHARE = 20
_JUDGED_AT_ONCE = 20


class Diagnose:
    """Diagnoses every flow that bears on a refusal, and says the cause on it."""

    name = "why403"

    def __init__(self) -> None:
        spots = next(e.blind_spots for e in exporters() if e.title == "mitmproxy")
        self.live = LiveDiagnosis(blind_spots=spots, name=_CAPTURE)
        #: Called with each new or revised verdict.
        self.observers: list[Callable[[Verdict], None]] = []
        self._next_index = 0
        # Whoever wants to keep flows keeps them; here they may go.
        self._flows: weakref.WeakValueDictionary[int, http.HTTPFlow] = weakref.WeakValueDictionary()
        self._by_id: dict[str, Allowed] = {}
        self._report_path = ""
        self._revision: asyncio.TimerHandle | asyncio.Task[None] | None = None
        self._pause = _SECONDS_TO_REVISION

    def load(self, loader: Loader) -> None:
        loader.add_option(
            "why403_allow",
            Sequence[str],
            [],
            "An allowed URL of the token, as its account page lists it. May be repeated, or hold"
            " several with commas between.",
        )
        loader.add_option(
            "why403_unrestricted", bool, False, "The token is known to have no allowed URLs."
        )
        loader.add_option(
            "why403_tokens", str, "", "File with the Tokens API's list, as JSON: lists by token."
        )
        loader.add_option(
            "why403_keep",
            int,
            DEFAULT_LIMIT,
            "How many requests to map providers are kept for the diagnosis, and as many of what"
            " else bears on it; older ones are forgotten, but keep their comments.",
        )
        loader.add_option(
            "why403_report",
            str,
            "",
            "Write the report there at the end: .html, .json, .md, or .txt; - is stdout.",
        )
        # mitmweb calls no command with a digit in its name (its route is /commands/[a-z.]+).
        loader.add_command("why.explain", self.explain)
        loader.add_command("why.report", self.report)
        loader.add_command("why.allow", self.allow)
        contentview.add()

    def configure(self, updated: set[str]) -> None:
        options = ctx.options
        if "why403_keep" in updated:
            if options.why403_keep < _FEWEST_KEPT:
                raise option_error(
                    f"why403_keep: {options.why403_keep}: at least {_FEWEST_KEPT} are needed"
                )
            self.live.limit = options.why403_keep
        if "why403_report" in updated:
            self._report_path = _checked_report_path(options.why403_report)
        if {"why403_allow", "why403_unrestricted", "why403_tokens"} & updated:
            if "why403_tokens" in updated:
                self._by_id = _read_tokens(options.why403_tokens)
            entries = _split(options.why403_allow)
            told = Told(_everywhere(entries, options.why403_unrestricted), self._by_id)
            if told != self.live.told:
                self.live.tell(told)
                self._schedule()

    def running(self) -> None:
        for line in self.settings():
            logger.info("why403: %s", line)
        options: Any = ctx.options
        for name in sorted(options.deferred):
            if name.startswith(self.name):
                logger.warning("why403: %s", _unknown_option(name, options.keys()))

    def done(self) -> None:
        contentview.remove()
        if self._revision is not None:
            self._revision.cancel()
        if self._report_path:
            try:
                self._write_report(self._report_path)
            except InputError as error:  # logging has ended before this hook
                print(f"why403_report: {redact_text(str(error))}", file=sys.stderr)

    def response(self, flow: http.HTTPFlow) -> None:
        request, response = flow.request, flow.response
        if response is not None and may_bear(
            request.host, request.authority, request.headers.fields, response.headers.fields
        ):
            self._take(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        request = flow.request
        if may_bear(request.host, request.authority, request.headers.fields, ()):
            self._take(flow)

    @property
    def self_test(self) -> str:
        """What the browser's self-test found: `strips`, `rewrites` or nothing."""
        return self.live.self_test

    @self_test.setter
    def self_test(self, found: str) -> None:
        if found != self.live.self_test:
            self.live.self_test = found
            self._schedule()

    @property
    def counts(self) -> dict[str, Any]:
        """Requests to providers and refusals since the start, the verdicts that are kept, by
        cause and together, and how many exchanges were forgotten."""
        live = self.live
        return {
            "provider_requests": live.requests,
            "refused": live.refused,
            "kept": live.kept,
            "forgotten": live.forgotten,
            "by_cause": dict(Counter(v.cause.value for v in live.verdicts()).most_common()),
        }

    def tell(self, entries: Sequence[str] | None) -> None:
        """Let this be the token's list from now on; none, or an empty one: nobody knows."""
        options: Any = ctx.options
        options.update(why403_allow=list(entries or ()), why403_unrestricted=False)

    def settings(self) -> list[str]:
        """What is in force, a line each."""
        options, told = ctx.options, self.live.told
        if told.everywhere.unrestricted:
            allowed = "the token has no restriction (why403_unrestricted)"
        elif told.everywhere.known:
            listed = ", ".join(plain(entry, 100) for entry in told.everywhere.entries or ())
            allowed = f"allowed URLs: {listed} (why403_allow)"
        else:
            allowed = "allowed URLs: not told (why403_allow), so verdicts rest on contrast"
        lines = [allowed]
        if told.by_id:
            file = plain(options.why403_tokens, 100)
            lines.append(f"lists of {len(told.by_id):,} tokens from {file} (why403_tokens)")
        lines.append(f"the newest {self.live.limit:,} requests are kept (why403_keep)")
        if self._report_path:
            lines.append(f"report to {plain(self._report_path, 200)} (why403_report)")
        return [redact_text(line) for line in lines]

    @command.command("why403.explain")  # type: ignore[untyped-decorator]
    def explain(self, flow: flow.Flow) -> str:
        """Why a request was refused: its journey as text."""
        if not isinstance(flow, http.HTTPFlow) or KEY not in flow.metadata:
            return "why403: no map provider refused this request."
        try:
            body = flow.response.content if flow.response else None
        except ValueError:
            body = None
        return contentview.shown(flow, body or b"")

    @command.command("why403.report")  # type: ignore[untyped-decorator]
    def report(self, path: types.Path) -> None:
        """Write the report on what is kept: .html, .json, .md, or .txt."""
        try:
            self._write_report(_checked_report_path(str(path)))
        except (InputError, exceptions.OptionsError) as error:
            raise _command_error(str(error)) from None
        logger.log(ALERT, "why403: report written to %s", plain(str(path), 200))

    @command.command("why403.allow")  # type: ignore[untyped-decorator]
    def allow(self, entries: Sequence[str]) -> None:
        """Tell the token's allowed URLs, with commas between; the verdicts change at once."""
        self.tell(entries)
        logger.log(ALERT, "why403: %s", self.settings()[0])

    def _take(self, flow: http.HTTPFlow) -> None:
        """Take note of a finished flow, and say on it what is to be said."""
        if OWN in flow.metadata or own_site.is_own(flow.request.pretty_host):
            return
        if flow.request.method == "CONNECT":  # answered by a proxy, not by the provider
            return
        index, self._next_index = self._next_index, self._next_index + 1
        try:
            exchange = exchange_of(flow, _CAPTURE, index)
        except Exception as error:  # a flow's own code meets anybody's bytes here
            logger.warning("why403: a flow cannot be read: %s", plain(redact_text(str(error))))
            return
        verdict = self.live.add(exchange)
        before = self._index_of(flow)
        if before is not None:  # it was sent again, and this is another answer
            self._flows.pop(before, None)
        if verdict is not None:
            self._flows[index] = flow
            _mark(flow, verdict)
            logger.warning("why403: %s", report.log_line(verdict))
            self._tell_observers(verdict)
        elif KEY in flow.metadata:
            _unmark(flow)
        if len(self._flows) > self.live.kept:
            for known in list(self._flows):
                if self.live.verdict(known) is None:
                    self._flows.pop(known, None)  # it may have gone by itself
        self._schedule()

    def _index_of(self, flow: http.HTTPFlow) -> int | None:
        """The exchange that a flow is, where this session has judged it."""
        verdict = flow.metadata.get(KEY)
        index = verdict.get("index") if isinstance(verdict, dict) else None
        return index if isinstance(index, int) and self._flows.get(index) is flow else None

    def _tell_observers(self, verdict: Verdict) -> None:
        for observer in self.observers:
            observer(verdict)

    def _schedule(self) -> None:
        """Revise the verdicts a little later, once for all news until then."""
        if self._revision is None and self.live.is_due:
            self._revision = ctx.master.event_loop.call_later(self._pause, self._begin_revision)

    def _begin_revision(self) -> None:
        self._revision = asyncio.get_running_loop().create_task(self._revise())

    async def _revise(self) -> None:
        """Judge again in small parts, with room for the traffic between them."""
        spent, changes = 0.0, Counter[tuple[str, str]]()
        try:
            while self.live.is_due:
                started = time.monotonic()
                flows = self._revise_some(changes)
                spent += time.monotonic() - started
                if flows:
                    await ctx.master.addons.trigger_event(hooks.UpdateHook(flows))
                await asyncio.sleep(0)
        finally:
            self._pause = max(_SECONDS_TO_REVISION, _REVISIONS_SHARE * spent)
            self._revision = None
        for (old, new), count in changes.most_common():
            logger.warning(
                "why403: on %d requests, after later evidence: %s, not %s", count, new, old
            )

    def _revise_some(self, changes: Counter[tuple[str, str]]) -> Sequence[flow.Flow]:
        changed = []
        for verdict in self.live.revised(_JUDGED_AT_ONCE):
            flow = self._flows.get(verdict.index)
            if flow is not None:
                before = flow.metadata.get(KEY, {}).get("cause")
                if before != verdict.cause:
                    changes[str(before), verdict.cause.value] += 1
                _mark(flow, verdict)
                changed.append(flow)
            self._tell_observers(verdict)
        return changed

    def _write_report(self, path: str) -> None:
        made = self.live.report()
        output.write(output.render(made, output.format_for(None, path), to_terminal=False), path)


def _mark(flow: http.HTTPFlow, verdict: Verdict) -> None:
    flow.comment = report.with_comment(flow.comment, report.comment(verdict))
    flow.marked = flow.marked or MARKER
    flow.metadata[KEY] = report.data(verdict)


def _unmark(flow: http.HTTPFlow) -> None:
    flow.comment = report.with_comment(flow.comment, "")
    flow.marked = "" if flow.marked == MARKER else flow.marked
    flow.metadata.pop(KEY, None)


def _split(values: Sequence[str]) -> tuple[str, ...]:
    """The entries of an option that may be repeated and may hold several with commas between."""
    return tuple(entry for value in values for part in value.split(",") if (entry := part.strip()))


def _everywhere(entries: tuple[str, ...], unrestricted: bool) -> Allowed:
    if entries and unrestricted:
        raise option_error(
            f"why403_allow: {', '.join(entries)}: contradicts why403_unrestricted, which says that"
            " there is no list"
        )
    if unrestricted:
        return Allowed((), "why403_unrestricted")
    return Allowed(entries, "the list that was told") if entries else Allowed()


def _read_tokens(path: str) -> dict[str, Allowed]:
    if not path:
        return {}
    try:
        return read_tokens(Path(path).expanduser().read_bytes())
    except OSError as error:
        raise option_error(f"why403_tokens: {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise option_error(f"why403_tokens: {path}: {error}") from None


def _checked_report_path(path: str) -> str:
    if path in ("", "-"):
        return path
    file = Path(path).expanduser()
    if file.suffix.lower() not in _ENDINGS:
        raise option_error(f"why403_report: {path}: the ending must be one of {' '.join(_ENDINGS)}")
    if not file.parent.is_dir():
        raise option_error(f"why403_report: {path}: there is no folder {file.parent}")
    return str(file)


def _unknown_option(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, [n for n in known if n.startswith("why403")], 1)
    return f"there is no option {plain(name, 60)}" + (f"; {near[0]} is meant?" if near else "")


def _command_error(says: str) -> exceptions.CommandError:
    return exceptions.CommandError(redact_text(says))


addons = [Diagnose()]
