"""A fix applied to a ticket: the case as it would be after somebody had made that change.

`apply` is a function of the ticket and the fix. What documents and their headers become is
`live.rewrite`'s, so that what is proved here is what a person tries live; what scripts and
stylesheets become is in `page_edits`. A change that is a person's to make (another account, a page
of one's own) is refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Pairs
from diagnostics.journey.verdict import Fix
from diagnostics.journey.whatif import Change, parse_change
from diagnostics.live import rewrite
from diagnostics.live.world import content_type
from diagnostics.provider import token as tokens
from diagnostics.reproduce import page_edits
from diagnostics.ticket import PUBLIC_SCOPES, Answer, Client, Site, Ticket

_new = msgspec.structs.replace
_SCOPE = re.compile(r'"([a-z][a-z-]{1,30}:[a-z]{1,20})"')
_FOR_PEOPLE = {
    "tell-visitors": "it changes what visitors read, not what is sent",
    "own-page": "a page of one's own has to be written first",
    "check-account": "the account's owner decides, nothing on this side can be changed",
}
#: Firefox preferences that change what a request carries; the others are the case's own.
_PRIVACY = "network.http."


class NotMechanicalError(Exception):
    """A fix that no program can apply to this ticket; the message is a phrase that says why."""


def apply(ticket: Ticket, fix: Fix) -> Ticket:
    """The ticket after the fix. Raises NotMechanicalError."""
    if "=" in fix.fix:
        after = ticket
        for word in fix.fix.split():
            after = _change(after, _parsed(word), fix)
    elif fix.fix in _BY_CODE:
        after = _BY_CODE[fix.fix](ticket, fix)
    else:
        raise NotMechanicalError(_FOR_PEOPLE.get(fix.fix, "it is a person's to do"))
    if after == ticket:
        raise NotMechanicalError("nothing in the reproduced page is changed by it")
    return after


def _parsed(word: str) -> Change:
    try:
        return parse_change(word)
    except ValueError as error:
        raise NotMechanicalError(str(error)) from None


def _change(ticket: Ticket, change: Change, fix: Fix) -> Ticket:
    match change.name:
        case "allow":
            allowed = [entry for entry in ticket.token.allowed if entry != change.value]
            if change.operator == "+=":
                allowed.append(change.value)
            return _new(ticket, token=_new(ticket.token, allowed=tuple(allowed)))
        case "gl-js":
            return _with_library(ticket, change.value)
        case "page":
            return _at(ticket, change.value)
        case "client":
            return _new(ticket, client=_clean(ticket.client))
        case "cache":
            return _without_cache(ticket)
        case "to" if "upgrade-insecure-requests" not in fix.snippet:
            return page_edits.with_texts(ticket, page_edits.over_https)
        case "request-policy":
            after = _documents(ticket, change)
            policy = change.value
            return page_edits.with_texts(after, lambda t: page_edits.with_policy(t, policy))
        case _:
            if ticket.client.browser == "none":
                raise NotMechanicalError("no page is here: only requests were captured")
            return _documents(ticket, change)


def _documents(ticket: Ticket, change: Change) -> Ticket:
    """The change made in headers and markup of every document, as on live traffic."""
    sites = {}
    for address, site in ticket.sites.items():
        path = urls.parse(address.removesuffix("*"))
        kind = content_type(site, path.path if path else "")
        sites[address] = _document(address, site, kind, change)
    return _new(ticket, sites=sites)


def _document(address: str, site: Site, kind: str, change: Change) -> Site:
    if 300 <= site.status < 400:
        return _with_headers(site, rewrite.redirect_headers(site.fields, [change]).headers)
    if "html" not in kind:
        # What sets the policy of a site's pages sets that of its scripts and stylesheets, too.
        if change.name != "referrer-policy":
            return site
        has = any(name.lower() == "referrer-policy" for name, _ in site.fields)
        others = tuple(p for p in site.fields if p[0].lower() != "referrer-policy")
        return _with_headers(site, (*others, ("Referrer-Policy", change.value))) if has else site
    headers = rewrite.document_headers(site.fields, [change])
    body = rewrite.document_body(site.html.encode(), kind, address.removesuffix("*"), [change])
    if not headers.says and not body.says:
        return site
    changed = _with_headers(site, headers.headers)
    return _new(changed, html=body.body.decode("utf-8", "replace"), body="")


def _with_headers(site: Site, headers: Pairs) -> Site:
    return site if headers == site.fields else _new(site, headers=list(headers))


def _with_library(ticket: Ticket, version: str) -> Ticket:
    client = ticket.client
    if client.library.startswith("mapbox-gl@"):
        client = _new(client, library=f"mapbox-gl@{version}")
    after = _new(ticket, client=client)
    return page_edits.with_texts(after, lambda text: page_edits.with_library(text, version))


def _at(ticket: Ticket, address: str) -> Ticket:
    """The page at another address, with what else its server answers; at its own address it asks
    for the pictures of its stylesheets itself."""
    if ticket.client.browser == "none":
        raise NotMechanicalError("it needs the app or program that shows the page")
    source, target = urls.parse(ticket.opened[-1]), urls.parse(address)
    if source is None or target is None:
        raise NotMechanicalError("the page's address cannot be read")
    if (source.origin, source.path) == (target.origin, target.path):
        return page_edits.with_inline_styles(ticket)

    def moved(url: str) -> str:
        star = "*" if url.endswith("*") else ""
        parsed = urls.parse(url.removesuffix("*"))
        if parsed is None or parsed.scheme != source.scheme or parsed.host != source.host:
            return url
        if parsed.port != source.port:
            return url
        path = parsed.path if source.scheme != "file" else "/" + parsed.path.rpartition("/")[2]
        query = f"?{parsed.query}" if parsed.query else ""
        return f"{target.origin}{path}{query}{star}"

    after = _new(
        ticket,
        page=moved(ticket.page) if ticket.page else "",
        visits=tuple(map(moved, ticket.visits)),
        sites={moved(url): site for url, site in ticket.sites.items()},
    )
    if source.scheme == "file":
        return after
    return page_edits.with_texts(after, lambda text: text.replace(source.origin, target.origin))


def _clean(client: Client) -> Client:
    kept = {n: v for n, v in client.preferences.items() if not n.startswith(_PRIVACY)}
    return _new(client, preferences=kept, strip=(), removes=(), blocks=())


def _without_cache(ticket: Ticket) -> Ticket:
    """The last visit alone, in a browser that has nothing stored, past every cache on the way."""
    last = len(ticket.opened)
    kept = [
        _new(answer, visit=None)
        for answer in ticket.answers
        if answer.visit in (None, last) and not _is_stored(answer)
    ]
    return _new(
        ticket,
        visits=ticket.opened[-1:],
        captured_from=1,
        answers=tuple(kept),
        token=_new(ticket.token, first=None),
    )


def _is_stored(answer: Answer) -> bool:
    """Whether an answer is a refusal that a cache on the way repeats."""
    fields = {name.lower(): value.lower() for name, value in answer.fields}
    from_cache = "age" in fields or "hit" in fields.get("x-cache", "")
    return answer.status in {401, 403} and from_cache


def _unrestricted(ticket: Ticket, _: Fix) -> Ticket:
    return _new(ticket, token=_new(ticket.token, allowed=(), first=None))


def _set_token(ticket: Ticket, _: Fix) -> Ticket:
    return _tokens_replaced(ticket, page_edits.with_token)


def _replace_token(ticket: Ticket, _: Fix) -> Ticket:
    fresh = _new(ticket.token, revoked=False)
    if fresh.kind == "tk":
        fresh = _new(fresh, kind="pk")
    after = _new(ticket, token=fresh)
    return _tokens_replaced(
        after, lambda text: page_edits.with_token(tokens.PATTERN.sub("{{token}}", text))
    )


def _tokens_replaced(ticket: Ticket, change: Callable[[str], str]) -> Ticket:
    after = page_edits.with_texts(ticket, change)
    return _new(after, page=change(after.page), visits=tuple(map(change, after.visits)))


def _add_scope(ticket: Ticket, fix: Fix) -> Ticket:
    named = _SCOPE.findall(fix.snippet)
    scopes = dict.fromkeys((*ticket.token.scopes, *PUBLIC_SCOPES, *named))
    return _new(ticket, token=_new(ticket.token, scopes=tuple(scopes)))


_BY_CODE: dict[str, Callable[[Ticket, Fix], Ticket]] = {
    "unrestricted-token": _unrestricted,
    "set-token": _set_token,
    "replace-token": _replace_token,
    "add-scope": _add_scope,
}
