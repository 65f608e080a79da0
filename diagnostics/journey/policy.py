"""Stage 3, policy: which Referer does the policy in force leave?

The reading of the request (`hypothesis`) has found who in the page made it; this stage says
whether what the policy left is what the token needs. Source: Referrer Policy 8.3; the measured
differences between engines in `browser/engines.yaml`.
"""

from __future__ import annotations

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Context
from diagnostics.capture.document import Document
from diagnostics.journey.case import (
    Case,
    Claim,
    Hypothesis,
    StageReport,
    header_evidence,
    shown,
)
from diagnostics.journey.hypothesis import IN_SCRIPTS, is_bare, sets_its_own
from diagnostics.journey.page import full_referer
from diagnostics.journey.told import WHETHER_RESTRICTED
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State
from diagnostics.provider.allowed_urls import Decision, EntryResult

_OWN_POLICY = (
    "Other requests of the same page carry a Referer and this one does not: it has a policy of its"
    " own, by an option of the map library, a fetch or an attribute."
)


def examine(case: Case) -> StageReport:
    best, document = case.reading.best, case.document
    if best is None or document is None:
        if case.request.client.renders_pages and not case.request.referer:
            return _page_unknown(case)
        return StageReport(State.SKIPPED, "No page whose policy could be read.")
    if not document.url.startswith(("http:", "https:")):
        return StageReport(State.SKIPPED, "A page that is no referrer needs no policy.")
    says = f"{best.prediction.says}"
    if not document.seen and case.request.referer is None:
        return _page_unknown(case)
    if case.reading.agreement == "none":
        if case.request.referer is None and case.needs_referer:
            unread = _unread_policy(case, document)
            if unread is not None:
                return unread
        return StageReport(State.OK, f"Should be {_shown(best)}: {says}")
    if not case.needs_referer:
        return StageReport(State.OK, says)
    if best.prediction.referer is None and case.referer is None:
        if best.prediction.decided_by == "opaque-origin":
            return StageReport(State.SKIPPED, "A page that is no referrer needs no policy.")
        return _nothing_left(case, best)
    trimmed = _trimmed(case, best)
    return trimmed or StageReport(State.OK, says)


def _shown(hypothesis: Hypothesis) -> str:
    return shown(hypothesis.prediction.referer or "none")


def _nothing_left(case: Case, best: Hypothesis) -> StageReport:
    decided = best.prediction.decided_by
    if best.situation.context is Context.BLOB_WORKER_XHR or (decided == "worker"):
        return _worker(case, best)
    if decided == "downgrade":
        return _downgrade(case, best)
    return _blocked(case, best)


def _blocked(case: Case, best: Hypothesis) -> StageReport:
    prediction, document = best.prediction, case.document
    assert document is not None
    if any(evidence.where == IN_SCRIPTS for evidence in best.evidence):
        return _blocked_by_script(case, best)
    where, says = _place(case, best)
    # Which of a page's frames asked, a capture seldom shows.
    guess = sets_its_own(best, document) and not case.issuer.srcdoc
    unsure = guess or case.reading.agreement == "unseen"
    claim = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.LIKELY if unsure else case.if_restricted,
        f"{where} sets the referrer policy {prediction.policy}, which sends no Referer to"
        f" {case.url.host}; a token with allowed URLs is refused without one.",
        (*says, *best.evidence, header_evidence(case.exchange, "Referer", None)),
        WHETHER_RESTRICTED,
    )
    return StageReport(State.BROKEN, _instead(case, prediction.says), (claim,))


def _blocked_by_script(case: Case, best: Hypothesis) -> StageReport:
    """A script names a policy that would explain it, and may mean another request by it."""
    policy = best.situation.request_policy
    evidence = (*best.evidence, header_evidence(case.exchange, "Referer", None))
    claim = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.LIKELY,
        f"A script of the page asks for requests with the referrer policy {policy}, which sends no"
        f" Referer to {case.url.host}; the page's own policy would have sent one.",
        evidence,
        f"Which request the script means: search the page's scripts for {policy}.",
    )
    claims = (claim, _strips(evidence))
    return StageReport(State.BROKEN, _instead(case, best.prediction.says), claims)


def _strips(evidence: tuple[Evidence, ...]) -> Claim:
    return Claim(
        Cause.CLIENT_STRIPS_REFERER,
        Confidence.POSSIBLE,
        "A browser setting, an extension or a middlebox removed the Referer.",
        evidence,
        "The same page in a fresh profile without extensions.",
    )


def _instead(case: Case, says: str) -> str:
    """What the token needs, and what the policy made of it."""
    page = urls.parse(case.document.url) if case.document else None
    wanted = f"{page.origin}/" if page is not None and not page.has_opaque_origin else "A Referer"
    return f"{wanted} is needed; {says}"


def _place(case: Case, best: Hypothesis) -> tuple[str, tuple[Evidence, ...]]:
    """Where the deciding policy stands, as the subject of a sentence, with its evidence."""
    document = case.document
    assert document is not None
    if best.prediction.decided_by == "redirect":
        hop = next((h for h in reversed(case.issuer.hops) if h.policy), case.issuer.hops[-1])
        place = shown(hop.url)
        return f"A redirect by {urls.join(hop.url, '/') or place}", (
            Evidence(f"The answer of {place} has Referrer-Policy: {hop.policy}.", place),
        )
    if best.situation.context is Context.NETWORK_WORKER and best.situation.own_policy:
        script = shown(best.situation.source)
        return f"The worker's script, {script},", (
            Evidence(f"Its answer has Referrer-Policy: {best.situation.own_policy}.", script),
        )
    if sets_its_own(best, document):
        return "A meta element in a srcdoc frame of the page", ()
    if best.situation.request_policy:
        return f"The request itself ({best.sender})", ()
    if document.policy_from == "header":
        return "The page's response header", (
            Evidence(
                f"The page has {document.policy_says}.", f"{document.where}, response headers"
            ),
        )
    return "A meta element of the page", (
        Evidence(f"The page has {document.policy_says}.", f"{document.where}, markup"),
    )


def _downgrade(case: Case, best: Hypothesis) -> StageReport:
    document = case.document
    assert document is not None
    hop = next((h.url for h in case.issuer.hops if h.url.startswith("http:")), None)
    to = hop or case.exchange.url
    claim = Claim(
        Cause.SCHEME_DOWNGRADE,
        case.if_restricted,
        f"The page is on {_secure(document)} and the request went to plain http"
        f" ({(urls.join(to, '/') or to)}); {best.prediction.policy} sends no Referer on such a"
        " downgrade.",
        (
            Evidence(f"The page is {shown(document.url)}.", document.where),
            Evidence("The request, or a redirect before it, goes to http.", case.exchange.where),
            header_evidence(case.exchange, "Referer", None),
        ),
        WHETHER_RESTRICTED,
    )
    return StageReport(State.BROKEN, _instead(case, best.prediction.says), (claim,))


def _secure(document: Document) -> str:
    if document.url.startswith("https:"):
        return "https"
    return "this machine, which counts as secure (Secure Contexts, 3.1)"


def _worker(case: Case, best: Hypothesis) -> StageReport:
    library = case.library
    proven = library is not None and library.before(case.profile.library.names_referrer_since)
    name = case.profile.library.name
    which = f"{name} {library.text}" if library else f"an old {name} or a worker of the page's own"
    evidence = [*best.evidence, header_evidence(case.exchange, "Referer", None)]
    if case.page_sends:
        evidence.append(
            Evidence("Other requests of the same page carry a Referer.", case.exchange.source)
        )
    claim = Claim(
        Cause.WORKER_DROPS_REFERER,
        case.if_restricted if proven else Confidence.LIKELY,
        f"A worker made at run time asked for it without naming the page as referrer ({which}):"
        " the worker's own blob: URL is never sent.",
        tuple(evidence),
        f"The version of {name}: below {case.profile.library.names_referrer_since} its workers"
        " name no referrer.",
    )
    return StageReport(State.BROKEN, _instead(case, best.prediction.says), (claim,))


def _trimmed(case: Case, best: Hypothesis) -> StageReport | None:
    """The list would admit the page's full URL, and only the origin arrived."""
    document, referer = case.document, case.referer
    if document is None or referer is None or not case.allowed.entries:
        return None
    full = full_referer(document)
    arrived = case.admission(referer)
    if full is None or arrived is None or arrived.decision is Decision.ALLOWED:
        return None
    url = urls.parse(document.url)
    if url is None or referer != url.origin + "/":
        return None
    wanted = case.admission(full)
    path_entries = [
        reason.entry
        for reason in arrived.reasons
        if reason.result in {EntryResult.PATH, EntryResult.QUERY}
    ]
    admits = wanted is not None and wanted.decision is Decision.ALLOWED
    only_origin_known = full == referer and bool(path_entries)
    if not admits and not only_origin_known:
        return None
    entry = wanted.entry if admits and wanted else path_entries[0]
    by_policy = best.prediction.referer == referer
    cutter = best.prediction.policy if by_policy else "the browser or one of its settings"
    sure = admits and document.seen and case.page_is_sure and case.reading.agreement != "unseen"
    claim = Claim(
        Cause.REFERRER_POLICY_TRIMS,
        Confidence.CERTAIN if sure else Confidence.LIKELY,
        f"The allowed URL “{entry}” asks for a path or query, but {cutter} cut the Referer to the"
        f" origin, {referer}.",
        (
            header_evidence(case.exchange, "Referer", case.request.referer),
            Evidence(f"The page is {shown(document.url)}.", document.where),
            Evidence(f"The list has “{entry}”.", case.allowed.told_by),
        ),
        "The page's full address at the time of the request.",
    )
    return StageReport(
        State.BROKEN, f"A path that “{entry}” covers; {best.prediction.says}", (claim,)
    )


def _bare(case: Case, evidence: tuple[Evidence, ...]) -> StageReport:
    """No page, and the headers as DevTools shows them for a worker's request."""
    name = case.profile.library.name
    worker = Claim(
        Cause.WORKER_DROPS_REFERER,
        Confidence.POSSIBLE,
        "User-Agent and an empty Referer are all that DevTools shows of it, which is how it shows"
        f" a worker's request: workers of an old {name} name no referrer.",
        evidence,
        f"The version of {name}, or a HAR of the whole page.",
    )
    blocks = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.POSSIBLE,
        "The page's Referrer-Policy may send none.",
        evidence,
        "A HAR of the whole page.",
    )
    return StageReport(State.BROKEN, "The page's address; a worker sent none.", (worker, blocks))


def _unread_policy(case: Case, document: Document) -> StageReport | None:
    """Nothing that was read explains the missing Referer, and a place where a policy may stand
    could not be read: the markup is missing, or only this request of the page has none."""
    evidence = (
        Evidence("The page's response header sets no policy that removes it.", document.where),
        header_evidence(case.exchange, "Referer", None),
    )
    strips = _strips(evidence)
    if case.page_sends:
        because, confidence = _OWN_POLICY, Confidence.LIKELY
    elif document.markup is None:
        because = (
            "A browser sent it without a Referer. The page's header does not explain that, and"
            " its markup, where a meta element or an attribute may set a policy, is not in the"
            " capture."
        )
        confidence = Confidence.POSSIBLE
    else:
        return None
    blocks = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        confidence,
        because,
        evidence,
        "The page's live markup and scripts: <meta name=referrer>, referrerpolicy attributes,"
        " referrerPolicy options.",
    )
    return StageReport(
        State.BROKEN, _instead(case, "a policy that the capture does not show."), (blocks, strips)
    )


def _page_unknown(case: Case) -> StageReport:
    """No Referer, and no document whose policy could be read: the policy is the usual reason,
    but only the document can prove it."""
    if not case.needs_referer:
        return StageReport(State.OK, "No Referer, and this token needs none.")
    evidence = (header_evidence(case.exchange, "Referer", None),)
    if is_bare(case.exchange, case.request):
        return _bare(case, evidence)
    if not case.request.headers_final:
        return StageReport(
            State.UNKNOWN, "The capture holds neither the page nor the request's final headers."
        )
    if case.page_sends:
        return _only_this_one(case, evidence)
    settle = (
        "The page's own response: record again with the page's load in the capture, no filter"
        " set, and look at its Referrer-Policy."
    )
    blocks = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.POSSIBLE,
        "A browser sent it without a Referer. The usual reason is a Referrer-Policy of the page,"
        " but the page's own response is not in the capture.",
        evidence,
        settle,
    )
    return StageReport(
        State.BROKEN,
        "A page's address; its policy is not in the capture.",
        (blocks, _strips(evidence)),
    )


def _only_this_one(case: Case, evidence: tuple[Evidence, ...]) -> StageReport:
    """The page is not in the capture, and its other requests carry a Referer."""
    name, since = case.profile.library.name, case.profile.library.names_referrer_since
    blocks = Claim(
        Cause.REFERRER_POLICY_BLOCKS,
        Confidence.POSSIBLE,
        _OWN_POLICY,
        evidence,
        "The page's live markup and scripts: referrerpolicy attributes, referrerPolicy options.",
    )
    claims = [blocks, _strips(evidence)]
    old = case.library is None or case.library.before(since)
    if old and case.endpoint is not None and case.endpoint.maker == "worker":
        worker = Claim(
            Cause.WORKER_DROPS_REFERER,
            Confidence.POSSIBLE if case.library is None else Confidence.LIKELY,
            "Other requests of the same page carry a Referer and this one, which is a worker's"
            f" task, does not: workers of an old {name} name no referrer.",
            evidence,
            f"The version of {name}: below {since} its workers name no referrer.",
        )
        claims.insert(0, worker)
    says = "A page's address; only other requests of the page have it."
    return StageReport(State.BROKEN, says, tuple(claims))
