"""What the live page shows, as JSON values: refusals by cause, newest first, and what is tried.

Pure. Strings of the traffic are made plain here (nothing invisible, nothing endless), sentences
are split into words and values; the page sets all of them as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from diagnostics.browser import url as urls
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Fix, Stage, Verdict
from diagnostics.journey.whatif import parse_change
from diagnostics.live import rewrite
from diagnostics.live.selftest import Result
from diagnostics.report import picture, wording
from diagnostics.report.group import Case, CauseGroup, by_cause, short_url, shown_token
from diagnostics.report.terminal import plain, plain_block
from diagnostics.report.words import pieces

_CASES = 6
_REQUESTS = 20
_ITEMS = 12
_SENTENCE = 900
_WORD = 160


def state(
    verdicts: Iterable[Verdict],
    counts: Mapping[str, Any],
    told: Told,
    what_if: Mapping[str, Any],
    self_test: Result | None,
) -> dict[str, Any]:
    """The whole state. `verdicts` are redacted; `counts` has `provider_requests` and `refused`;
    `what_if` is what the what-if addon counts, empty where it is not loaded."""
    kept = list(verdicts)
    groups = sorted(by_cause(kept), key=lambda group: _newest(group, kept), reverse=True)
    titles = wording.titles(kept)
    active = " ".join(what_if.get("changes", ()))
    return {
        "headline": _headline(counts, groups),
        "provider_requests": counts["provider_requests"],
        "refused": counts["refused"],
        "kept": len(kept),
        "allow": {
            "entries": _entries(told),
            "unrestricted": told.everywhere.unrestricted,
            "lists": len(told.by_id),
        },
        "what_if": _what_if(what_if, active),
        "self_test": self_test
        and {"outcome": self_test.outcome, "says": self_test.says, "browser": self_test.browser},
        "causes": [_cause(group, kept, titles, active, bool(what_if)) for group in groups],
    }


def _headline(counts: Mapping[str, Any], groups: Sequence[CauseGroup]) -> str:
    requests, refused = counts["provider_requests"], counts["refused"]
    if not requests:
        return "No request to a map provider yet"
    if not refused:
        if requests == 1:
            return "One request to a map provider, and it was answered"
        return f"{requests:,} requests to a map provider, none refused"
    causes = len(groups)
    why = f", for {wording.number(causes)} cause{'' if causes == 1 else 's'}" if causes else ""
    verb = "was" if refused == 1 else "were"
    return f"{refused:,} of {wording.counted(requests, 'request')} {verb} refused{why}"


def _entries(told: Told) -> list[str] | None:
    entries = told.everywhere.entries
    return None if entries is None else [plain(entry, 300) for entry in entries]


def _what_if(what_if: Mapping[str, Any], active: str) -> dict[str, Any] | None:
    if not what_if:
        return None
    changes = [parse_change(text) for text in what_if["changes"]]
    notes = [
        {"where": plain(note["where"], 200), "says": plain(note["says"], 400)}
        for note in what_if["notes"]
    ]
    return {
        "changes": plain(active, 300),
        "before": what_if["before"],
        "since": what_if["since"],
        "notes": notes[::-1][:_ITEMS],
        "caveats": list(dict.fromkeys(filter(None, map(rewrite.caveat, changes)))),
    }


def _newest(group: CauseGroup, verdicts: Sequence[Verdict]) -> int:
    return max(_newest_in(case, verdicts) for case in group.cases)


def _newest_in(case: Case, verdicts: Sequence[Verdict]) -> int:
    return max(verdicts[position].index for position in case.positions)


def _cause(
    group: CauseGroup,
    verdicts: Sequence[Verdict],
    titles: Mapping[str, str],
    active: str,
    can_try: bool,
) -> dict[str, Any]:
    code = group.cause.value
    cases = sorted(group.cases, key=lambda case: _newest_in(case, verdicts), reverse=True)
    links = wording.catalog_text(group.cause).links
    return {
        "code": code,
        "title": titles.get(code, code),
        "count": group.count,
        "cases": [_case(case, titles, active, can_try) for case in cases[:_CASES]],
        "hidden": max(len(cases) - _CASES, 0),
        "links": [[link.title, link.url] for link in links if link.url.startswith("https://")],
    }


def _case(case: Case, titles: Mapping[str, str], active: str, can_try: bool) -> dict[str, Any]:
    verdict = case.first
    arrived = _arrived(verdict)
    best = wording.best_fix(verdict.fixes)
    fixes = [fix for fix in (best, *verdict.fixes) if fix is not None]
    hosts = dict.fromkeys(url.host for url in map(urls.parse, case.pages) if url is not None)
    return {
        "id": _id(verdict),
        "count": len(case.positions),
        "confidence": verdict.confidence.value,
        "because": runs(verdict.because),
        "page": plain(case.pages[0], 200) if case.pages else None,
        "more_pages": max(len(case.pages) - 1, 0),
        "hosts": list(hosts),
        "referer": verdict.referer and plain(verdict.referer, 200),
        "across": msgspec.to_builtins(picture.across(verdict.journey, arrived)),
        "down": msgspec.to_builtins(picture.down(verdict.journey, arrived)),
        "stations": [
            {"stage": s.stage.value, "state": s.state.value, "says": runs(s.says)}
            for s in verdict.journey
        ],
        "fixes": [_fix(fix, active, can_try) for fix in dict.fromkeys(fixes)],
        "evidence": [
            {"says": runs(item.says), "where": plain(item.where, 200), "more": item.more}
            for item in case.evidence[:_ITEMS]
        ],
        "alternatives": [
            {
                "title": titles.get(other.cause.value, other.cause.value),
                "confidence": other.confidence.value,
                "settle": runs(other.settle),
            }
            for other in verdict.alternatives
        ],
        "requests": [
            {
                "count": request.count,
                "request": f"{plain(request.method, 20)} {plain(request.url, 200)}",
                "status": request.status,
                "token": request.token and plain(request.token, 100),
                "referer": request.referer and plain(request.referer, 200),
            }
            for request in case.requests[:_REQUESTS]
        ],
        "example": f"{plain(verdict.method, 20)} {plain(short_url(verdict.url), 200)}",
    }


def _arrived(verdict: Verdict) -> str:
    """What the broken station was given: at the edge the token, everywhere else the Referer."""
    station = wording.broken(verdict.journey)
    if station is not None and station.stage is Stage.EDGE:
        token = shown_token(verdict.url)
        return f"access_token={token}" if token else "no access_token"
    return verdict.referer or "no Referer"


def _fix(fix: Fix, active: str, can_try: bool) -> dict[str, Any]:
    why_not = _why_not(fix.fix) if can_try else "The what-if addon is not loaded."
    return {
        "fix": plain(fix.fix, 300),
        "says": runs(fix.says),
        "snippet": plain_block(fix.snippet, limit=1000),
        "predicted": fix.predicted if fix.predicted in {"allowed", "refused"} else "unknown",
        "cost": runs(fix.cost) if fix.cost else None,
        "change": None if why_not else fix.fix,
        "why_not": why_not,
        "active": bool(active) and active == " ".join(fix.fix.split()),
    }


def _why_not(text: str) -> str:
    """Why a fix cannot be tried from here; empty where it can."""
    if "=" not in text:
        return "This cannot be tried from here: it is not done on the page."
    try:
        changes = [parse_change(part) for part in text.split()]
    except ValueError:
        return "This cannot be tried from here."
    why = next(filter(None, map(rewrite.obstacle, changes)), "")
    return f"This cannot be tried from here: {why}." if why else ""


def _id(verdict: Verdict) -> str:
    """The same for a case as long as it is told in the same words."""
    told = (verdict.cause.value, verdict.because, [f.fix for f in verdict.fixes])
    return hashlib.blake2s(repr(told).encode("utf-8", "replace"), digest_size=8).hexdigest()


def runs(sentence: str) -> list[list[str]]:
    """A sentence in runs: `[text]`, or `[before, value, after]` for a value to be set as code."""
    return [
        [piece.before, piece.text, piece.after] if piece.is_value else [piece.text]
        for piece in pieces(plain(sentence, _SENTENCE, word=_WORD))
    ]
