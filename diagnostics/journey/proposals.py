"""Which changes are worth trying for which cause, in what order.

What a proposal says and the snippet to paste come from the texts in `causes/`; whether it helps
is not decided here (`fixes`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.causes import catalog, software
from diagnostics.journey import edge
from diagnostics.journey.case import Case, shown
from diagnostics.journey.hypothesis import IN_SCRIPTS
from diagnostics.journey.page import full_referer
from diagnostics.journey.verdict import Cause
from diagnostics.provider.mapbox import suggest

SEND_ORIGIN = f"referrer-policy={rp.DEFAULT}"
_ASK_ORIGIN = f"request-policy={rp.DEFAULT}"
_API_HOST_COST = (
    "Allowing the API's host lets any share page or embedded style on it use the token, whoever"
    " made it, and lets through browsers that forge that Referer."
)

Proposal = tuple[str, str, str, str | None]  # changes, what to do, snippet, cost


def proposals(case: Case, cause: Cause) -> list[Proposal]:
    """What may be tried against a cause, the best first; none for a cause without a remedy."""
    make = BY_CAUSE.get(cause)
    return list(make(case)) if make else []


def _snippet(case: Case, cause: Cause, key: str, **values: str) -> str:
    page = urls.parse(case.document.url if case.document else case.request.referer or "")
    known = {
        "host": page.host if page else "",
        "origin": page.origin if page else "",
        "account": (case.token.account if case.token else None) or "",
        "token_id": (case.token.id if case.token else None) or "",
        "scope": edge.needed_scope(case) or "",
        "path": page.path if page else "",
    } | values
    return catalog.snippet(cause, key, **{name: v for name, v in known.items() if v})


def _entry_for(case: Case) -> str | None:
    """The entry to add for the page."""
    return host_entry(case.referer or (case.document.url if case.document else None))


def host_entry(referer: str | None) -> str | None:
    """An entry that admits a Referer: its host, with the port where it is no default one."""
    page = urls.parse(referer) if referer else None
    if page is None or page.scheme not in {"http", "https"} or not page.host:
        return None
    return page.host if page.port in {80, 443} else f"{page.host}:{page.port}"


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
            _snippet(case, cause, "nginx"),
            None,
        )
    elif asked:
        key = "img" if best is not None and best.situation.means == "element" else "fetch"
        in_script = any(e.where == IN_SCRIPTS for e in best.evidence) if best else False
        place = "the page's script" if in_script else (best.sender if best else "")
        yield (
            _ASK_ORIGIN,
            f"Change the request's own policy, in {place}, to {rp.DEFAULT}.",
            _snippet(case, cause, key),
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
                _snippet(case, cause, "html-meta"),
                None,
            )
        else:
            yield (
                SEND_ORIGIN,
                f"Send Referrer-Policy: {rp.DEFAULT} with the page.",
                _snippet(case, cause, "nginx"),
                None,
            )
        if document is None or document.policy_from != "meta":
            yield (
                SEND_ORIGIN,
                "Or set it in the page, where the header is out of reach.",
                _snippet(case, cause, "html-meta"),
                None,
            )
    yield from _request_options(case)


def _request_options(case: Case) -> Iterable[Proposal]:
    """The map library's own option, which leaves the page's policy alone."""
    cause, library = Cause.REFERRER_POLICY_BLOCKS, case.library
    dest_is_image = case.request.dest == "image"
    if dest_is_image:
        yield (
            _ASK_ORIGIN,
            "Or only for the map's images: Leaflet 1.8.0 and later take the policy as an option"
            " of the layer.",
            _snippet(case, cause, "leaflet"),
            None,
        )
        return
    since = case.profile.library.request_policy_since
    too_old = library is not None and library.before(since)
    upgrade = f" (this page has {library.text}: upgrade first)" if too_old and library else ""
    yield (
        _ASK_ORIGIN,
        f"Or only for the map's requests: {case.profile.library.name} {since} and later{upgrade}"
        " take the policy from transformRequest.",
        _snippet(case, cause, "gl-js"),
        None,
    )


def _policy_trims(case: Case) -> Iterable[Proposal]:
    entry = _entry_for(case)
    if entry:
        yield (
            f"allow+={entry}",
            f"Allow the host without a path: {entry}.",
            _snippet(case, Cause.REFERRER_POLICY_TRIMS, "allow-origin", entry=entry),
            "Every page of the host may then use the token, not only the one path.",
        )
    yield (
        "referrer-policy=no-referrer-when-downgrade",
        "Or let the page send its whole address (no browser but Chromium does across sites).",
        '<meta name="referrer" content="no-referrer-when-downgrade">',
        "Every other site that the page asks learns the page's path and query.",
    )


def _downgrade(case: Case) -> Iterable[Proposal]:
    yield (
        "to=https",
        "Ask the provider over https.",
        _snippet(case, Cause.SCHEME_DOWNGRADE, "https-tiles"),
        None,
    )
    yield (
        "to=https",
        "Or let the browser upgrade every request of the page.",
        _snippet(case, Cause.SCHEME_DOWNGRADE, "csp-upgrade"),
        None,
    )


def _worker(case: Case) -> Iterable[Proposal]:
    yield (
        "gl-js=3.9.0",
        f"Upgrade {case.profile.library.name}: {case.profile.library.documented_minimum} is the"
        " documented minimum for tokens with allowed URLs.",
        _snippet(case, Cause.WORKER_DROPS_REFERER, "npm"),
        "A major upgrade: read its migration notes.",
    )
    yield (
        "gl-js=1.13.3",
        "Or the last version 1, which changes the least.",
        _snippet(case, Cause.WORKER_DROPS_REFERER, "cdn-1x"),
        None,
    )


def _local_page(case: Case) -> Iterable[Proposal]:
    cause = Cause.LOCAL_PAGE
    yield (
        "page=http://localhost:8000/ allow+=localhost:8000",
        "Serve the page from a local web server and allow its address.",
        _snippet(case, cause, "local-server"),
        "For an app: give its WebView a web address as base (see the long text of this cause).",
    )
    yield (
        "unrestricted-token",
        "Or use a separate token without allowed URLs for the app, and rotate it.",
        "",
        "A token without restriction works for anybody who finds it.",
    )


def _opaque(case: Case) -> Iterable[Proposal]:
    cost = "The frame's scripts then share the page's origin, its cookies and its storage."
    if case.document is not None and case.document.sandbox is not None:
        yield (
            "csp-=sandbox",
            "Take sandbox out of the page's Content-Security-Policy, or add allow-same-origin.",
            _snippet(case, Cause.OPAQUE_ORIGIN, "csp-sandbox"),
            cost,
        )
    else:
        yield (
            "sandbox+=allow-same-origin",
            "Add allow-same-origin to the iframe's sandbox.",
            _snippet(case, Cause.OPAQUE_ORIGIN, "iframe-sandbox"),
            cost,
        )


def _client_strips(case: Case) -> Iterable[Proposal]:
    yield (
        "client=clean",
        "Open the page in a fresh profile; switch the extension or setting off for this site.",
        _snippet(case, Cause.CLIENT_STRIPS_REFERER, "firefox-preferences"),
        None,
    )
    yield (
        "tell-visitors",
        "A site cannot force a Referer: detect the refusal and tell visitors what to switch off.",
        _snippet(case, Cause.CLIENT_STRIPS_REFERER, "gl-js-message"),
        None,
    )


def _client_rewrites(case: Case) -> Iterable[Proposal]:
    yield (
        "client=clean",
        "Open the page in a fresh profile; switch the extension or setting off for this site.",
        _snippet(case, Cause.CLIENT_REWRITES_REFERER, "firefox-preferences"),
        None,
    )
    referer = urls.parse(case.request.referer or "")
    if referer is not None and referer.host in case.profile.api_hosts:
        yield (
            f"allow+={referer.host}",
            f"Allow {referer.host}, so that browsers with such a tool are served.",
            referer.host,
            _API_HOST_COST,
        )


def _stylesheet(case: Case) -> Iterable[Proposal]:
    document = case.document
    page = full_referer(document) if document else None
    if page:
        yield (
            f"page={page}",
            "Let the page ask for the image itself: an inline style or an <img>.",
            _snippet(case, Cause.STYLESHEET_REFERER, "img"),
            None,
        )
    referer = urls.parse(case.request.referer or "")
    if referer is not None and referer.host:
        yield (
            f"allow+={referer.host}",
            f"Or allow the stylesheet's host, {referer.host}.",
            referer.host,
            "Any page that uses a stylesheet of that host may then use the token.",
        )


def _cached(case: Case) -> Iterable[Proposal]:
    yield (
        "cache=off",
        "Reload with the cache switched off, or in a private window; visitors' copies expire.",
        _snippet(case, Cause.CACHED_403, "drop-service-worker")
        if case.exchange.via_service_worker
        else "DevTools > Network > Disable cache, then reload with Ctrl+Shift+R (Cmd+Shift+R)",
        None,
    )


def _token_missing(case: Case) -> Iterable[Proposal]:
    yield (
        "set-token",
        "Set the access token before the map is made.",
        _snippet(case, Cause.TOKEN_MISSING, "gl-js"),
        None,
    )


def _token_invalid(case: Case) -> Iterable[Proposal]:
    yield (
        "replace-token",
        "Take the token from the account page anew; check it with the validation call.",
        _snippet(case, Cause.TOKEN_INVALID, "validate"),
        None,
    )


def _token_scope(case: Case) -> Iterable[Proposal]:
    yield (
        "add-scope",
        "Make a token with the scope; a token made without any scope can never gain one.",
        _snippet(case, Cause.TOKEN_SCOPE, "tokens-api"),
        None,
    )


def _account(case: Case) -> Iterable[Proposal]:
    yield (
        "check-account",
        "Look at the account page, make the style public or take a token of its owner.",
        _snippet(case, Cause.ACCOUNT_OR_RESOURCE, "public-style"),
        None,
    )


def _api_host(case: Case) -> Iterable[Proposal]:
    host = case.profile.api_hosts[0]
    yield (
        f"allow+={host}",
        f"Allow {host}: share links and embedded styles are pages of that host.",
        _snippet(case, Cause.API_HOST_NOT_ALLOWED, "allow-api-host", entry=host),
        _API_HOST_COST,
    )
    yield (
        "own-page",
        "Better: show the style with the map library on a page of your own.",
        _snippet(case, Cause.API_HOST_NOT_ALLOWED, "own-page"),
        None,
    )


def _allow_page(cause: Cause, key: str) -> Callable[[Case], Iterable[Proposal]]:
    def make(case: Case) -> Iterable[Proposal]:
        entry = _entry_for(case)
        page = urls.parse(case.referer or "")
        if page is not None and urls.is_ip_address(page.host):
            port = f":{page.port}" if page.port not in {80, 443} else ""
            yield (
                f"page={page.scheme}://localhost{port}/ allow+=localhost{port}",
                f"IP addresses cannot be allowed: open the page as localhost{port} and allow that.",
                f"localhost{port}",
                None,
            )
        elif entry:
            yield (
                f"allow+={entry}",
                f"Add {entry} to the token's allowed URLs.",
                _snippet(case, cause, key, entry=entry),
                _allow_cost(cause, entry),
            )

    return make


def _allow_cost(cause: Cause, entry: str) -> str | None:
    """What one more entry opens beside the page."""
    if entry == "localhost" or entry.startswith("localhost:"):
        return "Anybody's development server may then use the token: make one of its own for that."
    if cause is Cause.PATH_MISMATCH:
        return "Every page of the host may then use the token, not only the one path."
    if cause is Cause.SCHEME_MISMATCH:
        return "An http page of the host may then use the token too, and such a page can be forged."
    return None


def _corrected_list(cause: Cause, key: str) -> Callable[[Case], Iterable[Proposal]]:
    """Replace every entry that can never match by what it was meant to be."""

    def make(case: Case) -> Iterable[Proposal]:
        changes, lines = [], []
        for entry in case.allowed.entries or ():
            better = suggest(entry)
            lines.append(better or entry)
            if better and not any(character.isspace() for character in entry):
                changes += [f"allow-={entry}", f"allow+={better}"]
        wanted = _entry_for(case)
        admitted = wanted and any(
            case.profile.rules.match(case.referer, line).result == "match" for line in lines
        )
        page = urls.parse(case.referer or "")
        if page is not None and urls.is_ip_address(page.host):
            yield from _allow_page(cause, key)(case)
            return
        if wanted and not admitted:
            changes.append(f"allow+={wanted}")
            lines.append(wanted)
        if changes:
            yield (
                " ".join(changes),
                "Replace the entries that can never match.",
                "\n".join(dict.fromkeys(lines)),
                None,
            )

    return make


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
    Cause.API_HOST_NOT_ALLOWED: _api_host,
    Cause.PAGE_NOT_ALLOWED: _allow_page(Cause.PAGE_NOT_ALLOWED, "allow-host"),
    Cause.SCHEME_MISMATCH: _allow_page(Cause.SCHEME_MISMATCH, "allow-host"),
    Cause.PORT_MISMATCH: _allow_page(Cause.PORT_MISMATCH, "allow-port"),
    Cause.PATH_MISMATCH: _allow_page(Cause.PATH_MISMATCH, "allow-origin"),
    Cause.ALLOWLIST_WILDCARD: _corrected_list(Cause.ALLOWLIST_WILDCARD, "allow-host"),
    Cause.ALLOWLIST_IP: _corrected_list(Cause.ALLOWLIST_IP, "allow-localhost"),
    Cause.ALLOWLIST_INVALID: _corrected_list(Cause.ALLOWLIST_INVALID, "allow-host"),
}


def _non_browser(cause: Cause, key: str) -> Callable[[Case], Iterable[Proposal]]:
    def make(case: Case) -> Iterable[Proposal]:
        yield (
            "unrestricted-token",
            "Use a separate token without allowed URLs outside browsers, and keep it off pages.",
            _snippet(case, cause, key),
            "A token without restriction works for anybody who finds it.",
        )

    return make


BY_CAUSE[Cause.NON_BROWSER_CLIENT] = _non_browser(Cause.NON_BROWSER_CLIENT, "server-token")
BY_CAUSE[Cause.MOBILE_SDK] = _non_browser(Cause.MOBILE_SDK, "android")
