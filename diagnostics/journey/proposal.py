"""What all proposals of a fix are made of: their form, snippets with what is known filled in, and
the entry that admits a page."""

from __future__ import annotations

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.causes import catalog
from diagnostics.journey import edge
from diagnostics.journey.case import Case
from diagnostics.journey.verdict import Cause

SEND_ORIGIN = f"referrer-policy={rp.DEFAULT}"
ASK_ORIGIN = f"request-policy={rp.DEFAULT}"
API_HOST_COST = (
    "Allowing the API's host lets any share page or embedded style on it use the token, whoever"
    " made it, and lets through browsers that forge that Referer."
)

Proposal = tuple[str, str, str, str | None]  # changes, what to do, snippet, cost


def snippet(case: Case, cause: Cause, key: str, **values: str) -> str:
    """A snippet of the cause's text with the page, account and scope of this request in it."""
    page = urls.parse(case.document.url if case.document else case.request.referer or "")
    known = {
        "host": page.host if page else "",
        "origin": page.origin if page else "",
        "account": (case.token.account if case.token else None) or "",
        "token_id": (case.token.id if case.token else None) or "",
        "scope": edge.needed_scope(case) or "",
        "scopes": _scopes(case),
        "path": page.path if page else "",
    } | values
    return catalog.snippet(cause, key, **{name: v for name, v in known.items() if v})


def _scopes(case: Case) -> str:
    """The scopes that the token has, as far as they are known, and the one that it needs; what
    stands between the first and the last quotation mark of a JSON list."""
    needed = edge.needed_scope(case)
    known = case.allowed.scopes or ("styles:read", "fonts:read")
    return '", "'.join(dict.fromkeys((*known, needed))) if needed else ""


def entry_for(case: Case) -> str | None:
    """The entry to add for the page."""
    return host_entry(case.referer or (case.document.url if case.document else None))


def host_entry(referer: str | None) -> str | None:
    """An entry that admits a Referer: its host, with the port where it is no default one."""
    page = urls.parse(referer) if referer else None
    if page is None or page.scheme not in {"http", "https"} or not page.host:
        return None
    return page.host if page.port in {80, 443} else f"{page.host}:{page.port}"
