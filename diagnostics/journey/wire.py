"""Stage 4, wire: is the Referer that arrived the one that the policy left?

Between the browser's decision and the provider stand privacy settings, extensions and
middleboxes. Evidence against them is a prediction that did not come true; the Fetch Metadata
headers (https://www.w3.org/TR/fetch-metadata/), which such tools leave alone, give a forged
Referer away.
"""

from __future__ import annotations

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Context
from diagnostics.capture.request import referer_origin
from diagnostics.journey.case import Case, Claim, Hypothesis, StageReport, header_evidence, shown
from diagnostics.journey.told import WHETHER_RESTRICTED
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State


def examine(case: Case) -> StageReport:
    request, best = case.request, case.reading.best
    if not request.client.renders_pages:
        return StageReport(State.SKIPPED, "No browser whose Referer could be changed.")
    if case.reading.agreement == "unseen":
        return StageReport(
            State.UNKNOWN, "The capture holds provisional headers: what went out is not shown."
        )
    if not case.needs_referer:
        return StageReport(State.OK, _arrived(request.referer))
    if request.referer is None:
        if best is not None and case.reading.agreement == "none":
            return _stripped(case)
        return StageReport(State.OK, "No Referer arrived, as the stages before say.")
    if _is_forged(case):
        return _rewritten(case)
    if best is not None and _is_strange_stylesheet(case, best):
        return _stylesheet(case, best.situation.page)
    if best is not None and case.reading.agreement == "none":
        return _from_elsewhere(case)
    return StageReport(State.OK, _arrived(request.referer))


def _arrived(referer: str | None) -> str:
    return f"{shown(referer)} arrived." if referer else "No Referer arrived."


def _is_strange_stylesheet(case: Case, best: Hypothesis) -> bool:
    """Whether a stylesheet of another origin than its page asked: one of the same origin leaves
    the Referer that the list wants."""
    document, sheet = case.document, urls.parse(best.situation.page)
    if best.situation.context is not Context.STYLESHEET or document is None or sheet is None:
        return False
    page = urls.parse(document.url)
    return page is None or not urls.same_origin(page, sheet)


def _stripped(case: Case) -> StageReport:
    document, best = case.document, case.reading.best
    assert document is not None
    assert best is not None
    if not document.seen:  # the policy stage has said what there is to say
        return StageReport(State.UNKNOWN, "Without the page, nothing can be expected.")
    expected = best.prediction.referer
    evidence = [
        Evidence(
            f"The page's policy leaves {shown(expected or '')}: {best.prediction.says}",
            document.where,
        ),
        header_evidence(case.exchange, "Referer", None),
    ]
    if case.request.site:
        evidence.append(header_evidence(case.exchange, "Sec-Fetch-Site", case.request.site))
    measured = case.request.client.is_measured
    confidence = Confidence.LIKELY if measured else Confidence.POSSIBLE
    settle = "The same page in a fresh profile without extensions, and on another network."
    if case.self_test == "strips":
        confidence = case.if_restricted
        evidence.append(Evidence("The self-test of this browser found the same.", "self-test"))
    strips = Claim(
        Cause.CLIENT_STRIPS_REFERER,
        confidence,
        f"The page's policy would have sent {shown(expected or '')}, but none arrived: an"
        " extension, a browser setting or a middlebox removed it.",
        tuple(evidence),
        settle,
    )
    by_script = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.POSSIBLE,
        "A script of the page may set a policy that the capture does not show.",
        (),
        "The page's scripts and live markup: a referrerPolicy option or attribute, or a"
        " <meta name=referrer> added at run time.",
    )
    says = f"{shown(expected or '')}; no Referer arrived."
    return StageReport(State.BROKEN, says, (strips, by_script))


def _is_forged(case: Case) -> bool:
    """The Referer is the target's own URL or origin, and the request is not the target's own."""
    request, document = case.request, case.document
    if referer_origin(request.referer) != case.url.origin:
        return False
    if document is not None and document.seen and case.reading.agreement == "exact":
        return False
    if request.site in {"cross-site", "same-site"}:
        return True
    if request.site == "same-origin":
        return False
    if request.origin and request.origin not in {"null", case.url.origin}:
        return True
    if document is not None and document.seen:
        page = urls.parse(document.url)
        return page is not None and page.origin != case.url.origin
    return request.referer == case.exchange.url


def _rewritten(case: Case) -> StageReport:
    request, document, best = case.request, case.document, case.reading.best
    evidence = [header_evidence(case.exchange, "Referer", request.referer)]
    if request.site:
        evidence.append(header_evidence(case.exchange, "Sec-Fetch-Site", request.site))
    if request.origin:
        evidence.append(header_evidence(case.exchange, "Origin", request.origin))
    if document is not None and document.seen:
        evidence.append(Evidence(f"The page is {shown(document.url)}.", document.where))
    expected = best.prediction.referer if best is not None and document is not None else None
    own = f"{case.url.origin}/" if request.referer == case.exchange.url else request.referer or ""
    sure = request.site in {"cross-site", "same-site"} or case.self_test == "rewrites"
    claim = Claim(
        Cause.CLIENT_REWRITES_REFERER,
        case.if_restricted if sure else Confidence.LIKELY,
        f"The Referer is the provider's own address, {shown(own)}, though the request came from"
        " another site: a privacy extension or browser setting put it there.",
        tuple(evidence),
        "The same page in a fresh profile without extensions.",
    )
    wanted = shown(expected) if expected else "The page’s address"
    says = f"{wanted}; {shown(own)} arrived."
    return StageReport(State.BROKEN, says, (claim,))


def _stylesheet(case: Case, sheet: str) -> StageReport:
    document = case.document
    claim = Claim(
        Cause.STYLESHEET_REFERER,
        case.if_restricted,
        f"A stylesheet on another host asked for it, {shown(sheet)}, and an image of a"
        " stylesheet carries the stylesheet's address, not the page's.",
        (
            header_evidence(case.exchange, "Referer", case.request.referer),
            Evidence(f"The page loads the stylesheet {shown(sheet)}.", case.exchange.source),
            Evidence(
                f"The page is {shown(document.url) if document else 'unknown'}.",
                document.where if document else case.exchange.source,
            ),
        ),
        WHETHER_RESTRICTED,
    )
    says = "The page's address; the stylesheet's arrived."
    return StageReport(State.BROKEN, says, (claim,))


def _from_elsewhere(case: Case) -> StageReport:
    """The Referer names a host that is neither the page nor anything that it loaded."""
    document, best, referer = case.document, case.reading.best, case.request.referer
    assert best is not None
    if document is None or not document.seen:
        return StageReport(State.OK, _arrived(referer))
    evidence = (
        header_evidence(case.exchange, "Referer", referer),
        Evidence(f"The page is {shown(document.url)}.", document.where),
    )
    rewrites = Claim(
        Cause.CLIENT_REWRITES_REFERER,
        Confidence.POSSIBLE,
        f"The page should have sent {shown(best.prediction.referer or 'no Referer')}, but"
        f" {shown(referer or '')} arrived: something changed it on the way.",
        evidence,
        "The same page in a fresh profile without extensions.",
    )
    sheet = Claim(
        Cause.STYLESHEET_REFERER,
        Confidence.POSSIBLE,
        f"A stylesheet or frame from {referer_origin(referer)} may have asked for it.",
        evidence,
        "A capture from the start of the page's load, with its stylesheets and frames.",
    )
    styled = (referer or "").partition("?")[0].endswith(".css") or case.request.dest == "image"
    claims = (sheet, rewrites) if styled else (rewrites, sheet)
    says = f"{shown(best.prediction.referer or 'none')}; {shown(referer or '')} arrived."
    return StageReport(State.BROKEN, says, claims)
