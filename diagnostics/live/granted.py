"""What would a provider answer if a token's allowed URLs were changed? Asked by the what-if addon
of live traffic.

The real answer stays wherever the change makes no difference. Where it makes one, the emulated
provider answers in its place: nobody but the account's owner can change the real list.
"""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Headers
from diagnostics.journey.whatif import Change
from diagnostics.provider import emulated
from diagnostics.provider.emulated import Grant, Reply, Request
from diagnostics.provider.profile import profile_for
from diagnostics.provider.token import decode
from diagnostics.ticket import PUBLIC_SCOPES

_REFUSALS = frozenset({401, 403})
#: Beside the emulated answer, so that nobody takes it for the provider's own.
MARK = ("X-Why403", "answered by the emulated provider, with the changed list")


def changed_list(
    entries: Sequence[str] | None, changes: Sequence[Change]
) -> tuple[str, ...] | None:
    """The allowed URLs after `allow+=` and `allow-=`; None where the list is not known and the
    changes add nothing to it."""
    added = [c.value for c in changes if (c.name, c.operator) == ("allow", "+=")]
    removed = {c.value for c in changes if (c.name, c.operator) == ("allow", "-=")}
    if entries is None and not added:
        return None
    return tuple(dict.fromkeys(e for e in (*(entries or ()), *added) if e not in removed))


def answer(
    request: Request,
    status: int,
    body: str,
    entries: Sequence[str] | None,
    changes: Sequence[Change],
) -> Reply | None:
    """What to answer instead of what the provider answered; None where that stands.

    `entries` is the token's list before the changes, None where it is not known. An answer is
    replaced only where the list decides: a refusal by one that the changed list admits, and an
    admission by a refusal where the list is known and admits no more.
    """
    url = urls.parse(request.url)
    wanted = changed_list(entries, changes)
    if url is None or wanted is None or not emulated.is_provider(url.host):
        return None
    profile = profile_for(url.host)
    token = profile.token_in(url.query) if profile else None
    if profile is None or not token:
        return None
    if status in _REFUSALS and not _is_plain(profile.error(status, body), body):
        return None  # for another reason than the Referer
    if status not in _REFUSALS and (status >= 400 or entries is None):
        return None
    grant = Grant(decode(token).account or "", wanted, PUBLIC_SCOPES)
    reply = emulated.answer(request, {token: grant})
    admitted = reply.status < 400
    if admitted is (status not in _REFUSALS) or reply.status not in {200, 204, 403}:
        return None
    fields = tuple(p for p in reply.headers if p[0].lower() != "cache-control")
    return Reply(reply.status, (*fields, ("cache-control", "no-store"), MARK), reply.body)


def _is_plain(found: object, body: str) -> bool:
    settles = getattr(found[0], "settles", None) if isinstance(found, tuple) else None
    return settles is None and (not body.strip() or "Forbidden" in body)


def counts(request: Request) -> bool:
    """Whether the answer to a request is one of those that are counted: a provider's, to what a
    token is asked for."""
    url = urls.parse(request.url)
    if url is None or request.method == "OPTIONS" or profile_for(url.host) is None:
        return False
    return emulated.kind(request.url) != "events"


def is_refused(status: int) -> bool:
    """Whether a status is a refusal of the provider."""
    return status in _REFUSALS


def asks_for_document(headers: Headers) -> bool:
    """Whether a request asks for a document, by its Fetch Metadata; browsers leave that out on
    plain http, where `Accept` tells."""
    wanted = headers.get("sec-fetch-dest")
    if wanted is not None:
        return wanted in {"document", "iframe", "frame", "embed", "object"}
    return "text/html" in (headers.get("accept") or "")
