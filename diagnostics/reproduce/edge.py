"""What does the emulated provider need to know, so that it answers as the real one did?

First the token: its scopes, whether it was revoked, its allowed URLs. Where the emulator's model
would still answer otherwise (an account in trouble, a style of somebody else, an answer that a
cache kept), the ticket says so by an answer of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from diagnostics.capture.exchange import Headers, Pairs
from diagnostics.journey import edge
from diagnostics.journey.contrast import resource_of
from diagnostics.journey.verdict import Cause
from diagnostics.provider import emulated
from diagnostics.provider.emulated import Grant, Reply, Request
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import PUBLIC_SCOPES, Answer, TokenSpec

_LONGEST_BODY = 20_000
_MOST_ANSWERS = 200
_MOST_PIECES = 16
_STORE = "max-age=43200"
_OF_A_CACHE = frozenset({"age", "x-cache", "cache-control", "via", "expires"})


def token(asked: Sequence[Asked], stand_ins: StandIns, allowed: tuple[str, ...]) -> TokenSpec:
    """The fake token and what the emulated provider knows about it."""
    spec = stand_ins.spec()
    scopes = list(PUBLIC_SCOPES)
    own = [one for one in asked if _is_main(one, stand_ins)]
    for one in own:
        if one.cause is Cause.TOKEN_SCOPE:
            lacking = edge.needed_scope(one.case)
            scopes = [scope for scope in scopes if scope != lacking]
    whole = stand_ins.main is not None and not stand_ins.main.malformed
    revoked = (
        whole
        and any(one.cause is Cause.TOKEN_INVALID for one in own)
        and not any(_granted(one) for one in own)
    )
    return msgspec.structs.replace(
        spec, allowed=allowed, scopes=tuple(scopes), revoked=bool(revoked)
    )


def _is_main(asked: Asked, stand_ins: StandIns) -> bool:
    token = asked.case.token
    return token is not None and stand_ins.main is not None and token.text == stand_ins.main.text


def _granted(asked: Asked) -> bool:
    status = asked.exchange.status
    return status is not None and 200 <= status < 300 and not asked.stored


def answers(
    asked: Sequence[Asked], stand_ins: StandIns, spec: TokenSpec
) -> tuple[list[Answer], bool]:
    """Answers that the emulator's model would not give, for everything that came over the network,
    and whether some come in an order that a ticket cannot hold."""
    fresh = [one for one in asked if one.was_sent and not one.stored and one.exchange.status]
    wrong = [one for one in fresh if not _as_observed(one, stand_ins, spec)]
    found: list[Answer] = []
    covered: set[int] = set()
    in_order = True
    for one in wrong:
        if id(one) in covered or len(found) >= _MOST_ANSWERS:
            continue
        answer, like = _answer(one, fresh, stand_ins, spec)
        if answer.times is not None:
            in_order = in_order and _leads(one, like)
        covered |= {id(other) for other in like}
        found.append(answer)
    return found, in_order


def _leads(one: Asked, like: Sequence[Asked]) -> bool:
    return not like or like[0].exchange.status == one.exchange.status


def stored(asked: Sequence[Asked], stand_ins: StandIns, visits: Sequence[int]) -> list[Answer]:
    """Answers of the visits before the capture, which a cache keeps for it."""
    found = {}
    for one in asked:
        if not one.stored or not one.exchange.status:
            continue
        control = one.exchange.response_headers.get("cache-control") or ""
        keeps = "max-age" in control and "no-" not in control and "max-age=0" not in control
        for visit in visits:
            path = stand_ins.text(one.path)
            status = one.exchange.status
            found[path, visit] = Answer(
                path=path,
                visit=visit,
                status=status if status >= 400 else None,  # the model's own has a body
                headers={"cache-control": control if keeps else _STORE},
            )
    return list(found.values())


def first_list(kept: Sequence[Asked], spec: TokenSpec) -> TokenSpec:
    """The token with no restriction during the first visit, where the cache has granted answers."""
    granted = any((one.exchange.status or 0) < 400 for one in kept)
    return msgspec.structs.replace(spec, first=()) if granted and spec.allowed else spec


def _reply(asked: Asked, stand_ins: StandIns, spec: TokenSpec) -> Reply:
    url = stand_ins.text(asked.exchange.url).replace("{{token}}", spec.text)
    referer = asked.request.referer
    headers = Headers((("referer", stand_ins.text(referer)),) if referer else ())
    grant = Grant(spec.account, spec.allowed, spec.scopes, spec.revoked)
    return emulated.answer(Request(asked.exchange.method, url, headers), {spec.text: grant})


def _as_observed(asked: Asked, stand_ins: StandIns, spec: TokenSpec) -> bool:
    """Whether the emulator's model answers a request as it was answered."""
    reply, status = _reply(asked, stand_ins, spec), asked.exchange.status or 0
    if asked.stored_by_cdn and status >= 400:
        return False
    if status < 400:
        return reply.status < 400
    if reply.status != status:
        return False
    body = (asked.exchange.body or "").strip()
    if not body or status not in {401, 403}:
        return True
    profile = asked.case.profile
    seen, made = profile.error(status, body), profile.error(status, reply.body.decode())
    return (seen and seen[0]) == (made and made[0])


def _answer(
    one: Asked, fresh: Sequence[Asked], stand_ins: StandIns, spec: TokenSpec
) -> tuple[Answer, Sequence[Asked]]:
    """The widest answer that covers a request and none that was answered otherwise, and the
    requests that it covers."""
    status = one.exchange.status
    text = stand_ins.text(one.exchange.url)
    referer = stand_ins.text(one.request.referer or "")
    whens: list[dict[str, str]] = [{}] + ([{"Referer": referer}] if referer else [])
    like: list[Asked] = []
    piece = one.path
    for piece in (*_pieces(one.path), text.partition("{{")[0].rpartition("&access_token")[0]):
        for when in whens:
            if not piece:
                continue
            like = [a for a in fresh if piece in a.exchange.url and _is_when(a, when, stand_ins)]
            if like and all(a.exchange.status == status for a in like):
                return _made(one, piece, when, stand_ins, spec), like
    piece, when = one.path, whens[-1]
    like = [a for a in fresh if piece in a.exchange.url and _is_when(a, when, stand_ins)]
    like.sort(key=lambda a: a.exchange.started or 0.0)
    times = sum(a.exchange.status == status for a in like) or 1
    answer = _made(one, piece, when, stand_ins, spec)
    return msgspec.structs.replace(answer, times=times), like


def _pieces(path: str) -> list[str]:
    """Pieces of a path from the widest: its resource, its folders up to a number, itself."""
    found = [resource_of(path)]
    parts = path.split("/")
    first = len(found[0].split("/")) + 1
    for length in range(first, min(len(parts), first + _MOST_PIECES)):
        if any(part.isdigit() for part in parts[1:length]):
            break
        found.append("/".join(parts[:length]) + "/")
    return [*found, path]


def _is_when(asked: Asked, when: dict[str, str], stand_ins: StandIns) -> bool:
    referer = when.get("Referer")
    return referer is None or referer in stand_ins.text(asked.request.referer or "")


def _made(
    one: Asked, piece: str, when: dict[str, str], stand_ins: StandIns, spec: TokenSpec
) -> Answer:
    reply = _reply(one, stand_ins, spec)
    body = (one.exchange.body or "").strip() or None
    known = body and one.case.profile.error(one.exchange.status or 0, body)
    settles = known[0].settles if known else None
    plain = bool(known) and settles is None  # the words that the emulator has by itself
    same_status = reply.status == one.exchange.status
    headers = dict(_of_a_cache(one))
    refused = (one.exchange.status or 0) >= 400
    keep = body if body and (refused or "json" in one.exchange.mime_type) else None
    if keep is not None and ((plain and not same_status) or len(keep) > _LONGEST_BODY):
        keep = None
    if keep is not None and not refused:
        headers["content-type"] = "application/json; charset=utf-8"
    return Answer(
        path=stand_ins.text(piece),
        when=when,
        status=one.exchange.status,
        headers=headers,
        body=stand_ins.markup(keep) if keep is not None else None,
    )


def _of_a_cache(one: Asked) -> Pairs:
    if not one.stored_by_cdn:
        return ()
    headers = one.exchange.response_headers
    return tuple((n.lower(), v) for n, v in headers if n.lower() in _OF_A_CACHE)
