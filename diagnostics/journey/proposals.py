"""Which changes are worth trying for which cause, in what order.

What a proposal says and the snippet to paste come from the texts in `causes/`; whether it helps
is not decided here (`fixes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.browser.csp import Policy
from diagnostics.capture.document import Document
from diagnostics.causes import software
from diagnostics.journey import edge
from diagnostics.journey.case import Case, shown
from diagnostics.journey.hypothesis import IN_SCRIPTS, sets_its_own
from diagnostics.journey.list_proposals import allow_page, api_host, corrected_list
from diagnostics.journey.page import full_referer
from diagnostics.journey.proposal import (
    API_HOST_COST,
    ASK_ORIGIN,
    SEND_ORIGIN,
    Proposal,
    entry_for,
    snippet,
)
from diagnostics.journey.verdict import Cause

_LONGEST_POLICY = 2000


def proposals(case: Case, cause: Cause) -> list[Proposal]:
    """What may be tried against a cause, the best first; none for a cause without a remedy."""
    make = BY_CAUSE.get(cause)
    return list(make(case)) if make else []


def _policy_blocks(case: Case) -> Iterable[Proposal]:
    cause, document, best = Cause.REFERRER_POLICY_BLOCKS, case.document, case.reading.best
    asked = best is not None and best.situation.request_policy
    if best is not None and best.prediction.decided_by == "redirect":
        last = next((h for h in reversed(case.issuer.hops) if h.policy), case.issuer.hops[-1])
        hop = urls.join(last.url, "/") or shown(last.url)
        yield (
            SEND_ORIGIN,
            f"Let the redirect at {hop} send no Referrer-Policy, or {rp.DEFAULT}; or ask the"
            " provider directly.",
            snippet(case, cause, "nginx"),
            None,
        )
    elif asked:
        key = "img" if best is not None and best.situation.means == "element" else "fetch"
        in_script = any(e.where == IN_SCRIPTS for e in best.evidence) if best else False
        place = "the page's script" if in_script else (best.sender if best else "")
        yield (
            ASK_ORIGIN,
            f"Change the request's own policy, in {place}, to {rp.DEFAULT}.",
            snippet(case, cause, key),
            None,
        )
    elif best is not None and sets_its_own(best, document):
        yield (
            SEND_ORIGIN,
            f"Change the meta element in the frame's srcdoc to {rp.DEFAULT}.",
            snippet(case, cause, "html-meta"),
            None,
        )
    else:
        values = document.headers.all("referrer-policy") if document is not None else []
        made_by = software.recognise(document.headers, ", ".join(values)) if document else []
        if made_by and document is not None and document.policy_from == "header":
            first = made_by[0]
            says = f"{first.says} Set {first.setting}."
            yield SEND_ORIGIN, says, first.snippet, first.cost
        elif document is not None and document.policy_from == "meta":
            yield (
                SEND_ORIGIN,
                f"Change the page's meta element to {rp.DEFAULT}.",
                snippet(case, cause, "html-meta"),
                None,
            )
        else:
            yield (
                SEND_ORIGIN,
                f"Send Referrer-Policy: {rp.DEFAULT} with the page.",
                snippet(case, cause, "nginx"),
                None,
            )
        if document is None or document.policy_from != "meta":
            yield (
                SEND_ORIGIN,
                "Set it in the page, where the header is out of reach.",
                snippet(case, cause, "html-meta"),
                None,
            )
    yield from _request_options(case)


def _request_options(case: Case) -> Iterable[Proposal]:
    """The map library's own option, which leaves the page's policy alone."""
    cause, library = Cause.REFERRER_POLICY_BLOCKS, case.library
    dest_is_image = case.request.dest == "image"
    if dest_is_image:
        yield (
            ASK_ORIGIN,
            "Only for the map's images: Leaflet 1.8.0 and later take the policy as an option"
            " of the layer.",
            snippet(case, cause, "leaflet"),
            None,
        )
        return
    since = case.profile.library.request_policy_since
    too_old = library is not None and library.before(since)
    upgrade = f" (this page has {library.text}: upgrade first)" if too_old and library else ""
    yield (
        ASK_ORIGIN,
        f"Only for the map's requests: {case.profile.library.name} {since} and later{upgrade}"
        " take the policy from transformRequest.",
        snippet(case, cause, "gl-js"),
        None,
    )


def _policy_trims(case: Case) -> Iterable[Proposal]:
    entry = entry_for(case)
    if entry:
        yield (
            f"allow+={entry}",
            f"Allow the host without a path: {entry}.",
            snippet(case, Cause.REFERRER_POLICY_TRIMS, "allow-origin", entry=entry),
            "Every page of the host may then use the token, not only the one path.",
        )
    yield (
        "referrer-policy=no-referrer-when-downgrade",
        "Let the page send its whole address (no browser but Chromium does across sites).",
        '<meta name="referrer" content="no-referrer-when-downgrade">',
        "Every other site that the page asks learns the page's path and query.",
    )


def _downgrade(case: Case) -> Iterable[Proposal]:
    yield (
        "to=https",
        "Ask the provider over https.",
        snippet(case, Cause.SCHEME_DOWNGRADE, "https-tiles"),
        None,
    )
    yield (
        "to=https",
        "Let the browser upgrade every request of the page.",
        snippet(case, Cause.SCHEME_DOWNGRADE, "csp-upgrade"),
        None,
    )


def _worker(case: Case) -> Iterable[Proposal]:
    yield (
        "gl-js=3.9.0",
        f"Upgrade {case.profile.library.name}: {case.profile.library.documented_minimum} is the"
        " documented minimum for tokens with allowed URLs.",
        snippet(case, Cause.WORKER_DROPS_REFERER, "npm"),
        "A major upgrade: read its migration notes.",
    )
    yield (
        "gl-js=1.13.3",
        "Take the last version 1, which changes the least.",
        snippet(case, Cause.WORKER_DROPS_REFERER, "cdn-1x"),
        None,
    )


def _local_page(case: Case) -> Iterable[Proposal]:
    cause = Cause.LOCAL_PAGE
    yield (
        "page=http://localhost:8000/ allow+=localhost:8000",
        "Serve the page from a local web server and allow its address.",
        snippet(case, cause, "local-server"),
        "For an app: give its WebView a web address as base (see the long text of this cause).",
    )
    yield (
        "unrestricted-token",
        "Use a separate token without allowed URLs for the app, and rotate it.",
        "",
        "A token without restriction works for anybody who finds it.",
    )


def _opaque(case: Case) -> Iterable[Proposal]:
    cost = "The frame's scripts then share the page's origin, its cookies and its storage."
    if case.document is not None and case.document.sandbox is not None:
        yield (
            "csp-=sandbox",
            "Take sandbox out of the page's Content-Security-Policy, or add allow-same-origin; in"
            " the place of the header that is sent now, since of two headers both apply.",
            snippet(
                case, Cause.OPAQUE_ORIGIN, "csp-sandbox", policy=_opened(case.document.sandbox)
            ),
            cost,
        )
    else:
        yield (
            "sandbox+=allow-same-origin",
            "Add allow-same-origin to the iframe's sandbox.",
            snippet(case, Cause.OPAQUE_ORIGIN, "iframe-sandbox", **_frame(case.document)),
            cost,
        )


def _opened(policy: Policy) -> str:
    """A policy whose sandbox leaves the page its origin."""
    text = "; ".join(
        " ".join((name, *values, *(("allow-same-origin",) if name == "sandbox" else ())))
        for name, values in policy.directives
    )
    return text if len(text) <= _LONGEST_POLICY else "sandbox allow-scripts allow-same-origin"


def _frame(document: Document | None) -> dict[str, str]:
    """The frame that holds a document, without its query, and what its sandbox is to allow."""
    parent = document.parent if document is not None else None
    if document is None or parent is None:
        return {"sandbox": "allow-scripts allow-same-origin"}
    frames = parent.markup.frames if parent.markup is not None else ()
    sandboxes = (f.sandbox for f in frames if f.url == document.url and f.sandbox is not None)
    allowed = next(sandboxes, frozenset({"allow-scripts"})) | {"allow-same-origin"}
    url = urls.parse(document.url)
    known = {"sandbox": " ".join(sorted(allowed))}
    return known | ({"frame": url.origin + url.path} if url is not None else {})


def _settings(case: Case) -> str:
    """The snippet that names where to look in this browser."""
    engine = case.request.client.engine
    return {"chromium": "chromium-extensions", "webkit": "safari-extensions"}.get(
        engine, "firefox-preferences"
    )


def _client_strips(case: Case) -> Iterable[Proposal]:
    yield (
        "client=clean",
        "Open the page in a fresh profile; switch the extension or setting off for this site.",
        snippet(case, Cause.CLIENT_STRIPS_REFERER, _settings(case)),
        None,
    )
    yield (
        "tell-visitors",
        "A site cannot force a Referer: detect the refusal and tell visitors what to switch off.",
        snippet(case, Cause.CLIENT_STRIPS_REFERER, "gl-js-message"),
        None,
    )


def _client_rewrites(case: Case) -> Iterable[Proposal]:
    yield (
        "client=clean",
        "Open the page in a fresh profile; switch the extension or setting off for this site.",
        snippet(case, Cause.CLIENT_REWRITES_REFERER, _settings(case)),
        None,
    )
    referer = urls.parse(case.request.referer or "")
    if referer is not None and referer.host in case.profile.api_hosts:
        yield (
            f"allow+={referer.host}",
            f"Allow {referer.host}, so that browsers with such a tool are served.",
            referer.host,
            API_HOST_COST,
        )


def _stylesheet(case: Case) -> Iterable[Proposal]:
    document = case.document
    page = full_referer(document) if document else None
    if page:
        yield (
            f"page={page}",
            "Let the page ask for the image itself: an inline style or an <img>.",
            snippet(case, Cause.STYLESHEET_REFERER, "img"),
            None,
        )
    referer = urls.parse(case.request.referer or "")
    if referer is not None and referer.host:
        yield (
            f"allow+={referer.host}",
            f"Allow the stylesheet's host, {referer.host}.",
            referer.host,
            "Any page that uses a stylesheet of that host may then use the token.",
        )


def _cached(case: Case) -> Iterable[Proposal]:
    yield (
        "cache=off",
        "Reload with the cache switched off, or in a private window; visitors' copies expire.",
        snippet(case, Cause.CACHED_403, "drop-service-worker")
        if case.exchange.via_service_worker
        else "DevTools > Network > Disable cache, then reload with Ctrl+Shift+R (Cmd+Shift+R)",
        None,
    )


def _token_missing(case: Case) -> Iterable[Proposal]:
    yield (
        "set-token",
        "Set the access token before the map is made.",
        snippet(case, Cause.TOKEN_MISSING, "gl-js"),
        None,
    )


def _token_invalid(case: Case) -> Iterable[Proposal]:
    if case.token is not None and case.token.kind == "tk":
        yield (
            "replace-token",
            "Make a temporary token anew before the old one ends; no page lists it.",
            snippet(case, Cause.TOKEN_INVALID, "refresh"),
            None,
        )
        return
    yield (
        "replace-token",
        "Take the token from the account page anew; check it with the validation call.",
        snippet(case, Cause.TOKEN_INVALID, "validate"),
        None,
    )


def _token_scope(case: Case) -> Iterable[Proposal]:
    scope, known = edge.needed_scope(case), case.allowed.scopes
    if scope and scope not in case.profile.public_scopes and case.token and case.token.kind == "pk":
        yield (
            "add-scope",
            f"A public token cannot have {scope}: ask from a server, with a secret token that has"
            " it.",
            snippet(case, Cause.TOKEN_SCOPE, "secret-token"),
            "A secret token must never stand in a page or an app.",
        )
        return
    yield (
        "add-scope",
        "Add the scope to the token; one that was made without any can never gain one, so make"
        " another.",
        snippet(case, Cause.TOKEN_SCOPE, "tokens-api"),
        None if known else "This replaces the token's scopes: name those that it has, too.",
    )


def _account(case: Case) -> Iterable[Proposal]:
    yield (
        "check-account",
        "Look at the account page, make the style public or take a token of its owner.",
        snippet(case, Cause.ACCOUNT_OR_RESOURCE, "public-style"),
        None,
    )


BY_CAUSE: dict[Cause, Callable[[Case], Iterable[Proposal]]] = {
    Cause.REFERRER_POLICY_BLOCKS: _policy_blocks,
    Cause.REFERRER_POLICY_TRIMS: _policy_trims,
    Cause.SCHEME_DOWNGRADE: _downgrade,
    Cause.WORKER_DROPS_REFERER: _worker,
    Cause.LOCAL_PAGE: _local_page,
    Cause.OPAQUE_ORIGIN: _opaque,
    Cause.CLIENT_STRIPS_REFERER: _client_strips,
    Cause.CLIENT_REWRITES_REFERER: _client_rewrites,
    Cause.STYLESHEET_REFERER: _stylesheet,
    Cause.CACHED_403: _cached,
    Cause.TOKEN_MISSING: _token_missing,
    Cause.TOKEN_INVALID: _token_invalid,
    Cause.TOKEN_SCOPE: _token_scope,
    Cause.ACCOUNT_OR_RESOURCE: _account,
    Cause.API_HOST_NOT_ALLOWED: api_host,
    Cause.PAGE_NOT_ALLOWED: allow_page(Cause.PAGE_NOT_ALLOWED, "allow-host"),
    Cause.SCHEME_MISMATCH: allow_page(Cause.SCHEME_MISMATCH, "allow-host"),
    Cause.PORT_MISMATCH: allow_page(Cause.PORT_MISMATCH, "allow-port"),
    Cause.PATH_MISMATCH: allow_page(Cause.PATH_MISMATCH, "allow-origin"),
    Cause.ALLOWLIST_WILDCARD: corrected_list(Cause.ALLOWLIST_WILDCARD, "allow-host"),
    Cause.ALLOWLIST_IP: corrected_list(Cause.ALLOWLIST_IP, "allow-localhost"),
    Cause.ALLOWLIST_INVALID: corrected_list(Cause.ALLOWLIST_INVALID, "allow-host"),
}


def _non_browser(cause: Cause, key: str) -> Callable[[Case], Iterable[Proposal]]:
    def make(case: Case) -> Iterable[Proposal]:
        yield (
            "unrestricted-token",
            "Use a separate token without allowed URLs outside browsers, and keep it off pages.",
            snippet(case, cause, key),
            "A token without restriction works for anybody who finds it.",
        )

    return make


BY_CAUSE[Cause.NON_BROWSER_CLIENT] = _non_browser(Cause.NON_BROWSER_CLIENT, "server-token")
BY_CAUSE[Cause.MOBILE_SDK] = _non_browser(Cause.MOBILE_SDK, "android")
