"""Stage 2, page: can its page be a referrer at all?

Only http and https URLs of documents with an origin of their own are ever sent. Sources:
Referrer Policy 8.3 (opaque origins) and 8.4 (stripping); HTML, sandboxing flags; measured in
Chromium 156 and Firefox ESR 153 (Firefox sends one for images and styles of a sandboxed page).
"""

from __future__ import annotations

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Context
from diagnostics.capture.document import Document
from diagnostics.journey.case import Case, Claim, StageReport, header_evidence, shown
from diagnostics.journey.told import WHETHER_RESTRICTED
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State


def examine(case: Case) -> StageReport:
    request, document = case.request, case.document
    if not request.client.renders_pages:
        return StageReport(State.SKIPPED, "No page: a program sent it.")
    if request.referer:
        return StageReport(State.OK, "It has a Referer, so its page can be one.")
    if not case.needs_referer:
        return StageReport(State.OK, "No Referer, and this token needs none.")
    if document is None and request.site == "none":
        return _opened_by_hand(case)
    if document is not None and not document.url.startswith(("http:", "https:")):
        return _local(case, document)
    if _is_opaque(case):
        return _opaque(case, document)
    if request.origin_is_opaque and not case.issuer.hops:
        return _null_origin(case, document)
    if document is None:
        if request.client.kind == "webview":
            return _app(case)
        if case.issuer.page_came_from_elsewhere:
            return _not_from_the_network(case)
        return StageReport(State.UNKNOWN, "The capture does not show which page sent it.")
    return StageReport(State.OK, f"{shown(document.url)} can be a referrer.")


def _is_opaque(case: Case) -> bool:
    best = case.reading.best
    return (
        best is not None
        and best.situation.context in {Context.SANDBOXED, Context.DATA_WORKER}
        and best.prediction.referer is None
        and best.prediction.decided_by == "opaque-origin"
        and case.reading.agreement in {"exact", "unseen"}
    )


def _opened_by_hand(case: Case) -> StageReport:
    because = (
        "The URL was opened by hand, in a tab of its own, so no page stands behind it and it"
        " has no Referer; a token with allowed URLs is refused without one."
    )
    claim = Claim(
        Cause.NON_BROWSER_CLIENT,
        case.if_restricted,
        because,
        (header_evidence(case.exchange, "Sec-Fetch-Site", "none"),),
        WHETHER_RESTRICTED,
    )
    return StageReport(State.BROKEN, "A page's address; it was opened by hand.", (claim,))


def _local(case: Case, document: Document) -> StageReport:
    scheme = document.url.partition(":")[0]
    if scheme == "data":
        return _opaque(case, document)
    because = (
        f"The page was loaded from {scheme}: and browsers send only http and https addresses as"
        " a Referer, so none arrives whatever the policy or the allowed URLs say."
    )
    claim = Claim(
        Cause.LOCAL_PAGE,
        case.if_restricted,
        because,
        (
            Evidence(f"The page's address begins with {scheme}:", _how(case)),
            header_evidence(case.exchange, "Referer", None),
        ),
        WHETHER_RESTRICTED,
    )
    says = f"An http or https address; a {scheme}: page is never a referrer."
    return StageReport(State.BROKEN, says, (claim,))


def _opaque(case: Case, document: Document | None) -> StageReport:
    evidence = []
    what = "The page has an opaque origin"
    if document is not None and document.sandbox is not None:
        what = "The page's Content-Security-Policy sandboxes it without allow-same-origin"
        evidence.append(
            Evidence(f"The policy says: {_sandbox_text(document)}.", f"{document.where}, headers")
        )
    elif document is not None and document.frame_sandboxed:
        what = "The frame that holds the page is sandboxed without allow-same-origin"
        where = document.parent.where if document.parent else document.where
        evidence.append(Evidence("The iframe has a sandbox without allow-same-origin.", where))
    elif document is not None and document.url.startswith("data:"):
        what = "The page is a data: URL"
    elif case.reading.best is not None:
        what = f"{case.reading.best.sender.capitalize()} sent it"
        evidence += case.reading.best.evidence
    if case.request.origin_is_opaque:
        evidence.append(header_evidence(case.exchange, "Origin", "null"))
    evidence.append(header_evidence(case.exchange, "Referer", None))
    proven = document is not None and (
        document.origin_is_opaque or document.url.startswith("data:")
    )
    claim = Claim(
        Cause.OPAQUE_ORIGIN,
        case.if_restricted if proven else Confidence.LIKELY,
        f"{what}, so its origin is opaque and it cannot be a referrer.",
        tuple(evidence),
        WHETHER_RESTRICTED,
    )
    page = case.issuer.document
    wanted = _origin(page.url) if page else None
    says = f"{wanted or 'A page of its own origin'}; an opaque origin sends none."
    return StageReport(State.BROKEN, says, (claim,))


def _null_origin(case: Case, document: Document | None) -> StageReport:
    """Origin: null and nothing that says why: a sandbox where a web page is seen, else likelier a
    page from a file or an app."""
    evidence = (
        header_evidence(case.exchange, "Origin", "null"),
        header_evidence(case.exchange, "Referer", None),
    )
    opaque = Claim(
        Cause.OPAQUE_ORIGIN,
        Confidence.LIKELY,
        "Its Origin is null, which marks a sandboxed frame; an opaque origin is no referrer.",
        evidence,
        "The markup of the page and its frames: a sandbox attribute or a CSP sandbox directive.",
    )
    local = Claim(
        Cause.LOCAL_PAGE,
        Confidence.LIKELY,
        "Its Origin is null and no web page is in the capture: a page from a file or inside an"
        " app, which is never a referrer.",
        evidence,
        "The address bar: file: or an app's own scheme instead of http.",
    )
    claims = (opaque, local) if document is not None and document.seen else (local, opaque)
    return StageReport(State.BROKEN, "A page's address; Origin: null has none to send.", claims)


def _not_from_the_network(case: Case) -> StageReport:
    """The page's scripts and styles are in the capture, without a Referer, and the page is not."""
    claim = Claim(
        Cause.LOCAL_PAGE,
        Confidence.LIKELY,
        "What the page loads from other sites is in the capture, none of it with a Referer, and"
        " the page itself never came over the network: it was opened from a file or an app.",
        (header_evidence(case.exchange, "Referer", None),),
        "The address bar: file: or an app's own scheme instead of http.",
    )
    blocks = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.POSSIBLE,
        "The page may have come from the browser's cache, with a policy that sends nothing.",
        (),
        "A capture with the cache switched off.",
    )
    says = "An http or https address; the page did not come over the network."
    return StageReport(State.BROKEN, says, (claim, blocks))


def _app(case: Case) -> StageReport:
    claim = Claim(
        Cause.LOCAL_PAGE,
        Confidence.LIKELY,
        f"Sent by {case.request.client.title} with no web page in sight: apps show pages from"
        " their own files or strings, and those are never referrers.",
        (header_evidence(case.exchange, "Referer", None),),
        "How the app loads the page: a file, a string with no base URL, or a web address.",
    )
    says = "An http or https address; a page inside an app has none."
    return StageReport(State.BROKEN, says, (claim,))


def _origin(address: str) -> str | None:
    url = urls.parse(address)
    return url.origin + "/" if url is not None and not url.has_opaque_origin else None


def _sandbox_text(document: Document) -> str:
    for name, values in document.sandbox.directives if document.sandbox else ():
        if name == "sandbox":
            return " ".join(("sandbox", *values))
    return "sandbox"


def _how(case: Case) -> str:
    return f"{case.exchange.where}, known by {case.issuer.known_by or 'the capture'}"


def page_url(case: Case) -> str | None:
    """The page's URL for reports, None where nothing tells."""
    return case.document.url if case.document else None


def full_referer(document: Document) -> str | None:
    """What a policy that trims nothing would send from this document."""
    url = urls.parse(document.url)
    if url is None or url.scheme not in {"http", "https"}:
        return None
    return url.origin + url.path + (f"?{url.query}" if url.query else "")
