"""In which ways may the page have made this request, and which of them fits what arrived?

A capture rarely says whether a tile was asked for by the page or by its worker, by an element
with an attribute or by a fetch with an option; yet browsers treat these differently. Every way
that the evidence leaves open is predicted, and the likeliest one that agrees with the Referer
that arrived is the reading of the request.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser import html
from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.browser.engine import Engine
from diagnostics.browser.referrer import Context, Hop, Means, Situation, predict
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Exchange
from diagnostics.capture.issuer import Issuer
from diagnostics.capture.redacted import is_redacted
from diagnostics.capture.request import Request, referer_origin
from diagnostics.journey.case import Hypothesis, Reading, shown
from diagnostics.journey.library import LibraryVersion
from diagnostics.journey.verdict import Evidence
from diagnostics.provider.profile import Endpoint, Profile

_ELEMENTS = frozenset({"image", "script", "style", "font", "video", "audio", "track", "object",
                       "embed", "iframe", "frame", "document"})  # fmt: skip
_STYLED = frozenset({"image", "font", ""})
_TYPE_TO_DEST = {"img": "image", "imageset": "image", "stylesheet": "style", "fetch": "empty",
                 "xhr": "empty", "xmlhttprequest": "empty", "subdocument": "iframe"}  # fmt: skip
_MAXIMUM = 24
#: Where the evidence stands for a policy that some script of the page names, for what request no
#: one can tell.
IN_SCRIPTS = "page scripts"


class PageScripts(msgspec.Struct, frozen=True):
    """What the page's scripts show: the request policies that they name, and the version of the
    map library."""

    request_policies: tuple[str, ...] = ()
    library: LibraryVersion | None = None


def read(
    exchange: Exchange,
    request: Request,
    issuer: Issuer,
    profile: Profile,
    endpoint: Endpoint | None,
    scripts: PageScripts,
    page_sends: bool | None,
) -> Reading:
    """The reading of one request: its hypotheses held against the Referer that it carries."""
    document = issuer.document
    if document is None or not request.client.renders_pages:
        return Reading((), None, "none" if request.headers_final else "unseen")
    senders = _senders(exchange, request, issuer, profile, endpoint, scripts, document)
    engine = request.client.model
    hypotheses = tuple(
        hypothesis
        for hypothesis in (_hypothesis(s, engine) for s in _first(senders, _MAXIMUM))
        if hypothesis is not None
    )
    return _compare(hypotheses, request, issuer, page_sends)


_Sender = tuple[str, Situation, tuple[Evidence, ...]]


def _first(senders: Iterable[_Sender], most: int) -> Iterable[_Sender]:
    for _, sender in zip(range(most), senders, strict=False):
        yield sender


def _hypothesis(sender: _Sender, engine: Engine) -> Hypothesis | None:
    phrase, situation, evidence = sender
    try:
        return Hypothesis(phrase, situation, predict(situation, engine), evidence)
    except ValueError:  # a page or target that is no URL: nothing can be predicted from it
        return None


def _senders(
    exchange: Exchange,
    request: Request,
    issuer: Issuer,
    profile: Profile,
    endpoint: Endpoint | None,
    scripts: PageScripts,
    document: Document,
) -> Iterable[_Sender]:
    """Every way that the evidence leaves open, likeliest first."""
    base = Situation(
        page=document.url,
        to=exchange.url,
        policy=document.policy,
        via=tuple(map(_hop, issuer.hops)),
        context=Context.SANDBOXED
        if document.origin_is_opaque
        else (Context.SRCDOC if issuer.srcdoc else Context.DOCUMENT),
    )
    change = msgspec.structs.replace
    dest = destination(exchange, request)
    if issuer.blob_worker or _is_bare_worker_entry(exchange, request):
        where = f"{exchange.where}, initiator"
        if not exchange.initiator.urls:
            says = "A worker whose script has no address asked for it: one made from a data: URL."
            situation = change(base, context=Context.DATA_WORKER)
            yield "a worker made from a data: URL", situation, (Evidence(says, where),)
            return
        if issuer.worker_scripts:
            yield from _network_worker_senders(base, issuer, where)
            return
        proof = (Evidence("A worker made from a blob: URL asked for it.", where),)
        yield from _worker_senders(base, scripts.library, profile, proof)
        return
    if (
        request.origin_is_opaque
        and not document.origin_is_opaque
        and not issuer.hops
        and document.url.startswith(("http:", "https:"))  # the origin of any other is null anyway
    ):
        says = "Its Origin header is null, the mark of an opaque origin."
        yield (
            "a sandboxed frame of the page",
            change(base, context=Context.SANDBOXED, means=_means(dest)),
            (Evidence(says, f"{exchange.where}, request headers"),),
        )
    yield from _attribute_senders(exchange, issuer, document, base)
    # Chrome's export gives the stack of what the page asks for, and no page to a worker's requests.
    asked_by_page = bool(exchange.page_ref and exchange.initiator.urls)
    may_be_worker = dest in {"", "empty"} and not asked_by_page
    from_worker = may_be_worker and endpoint is not None and endpoint.maker == "worker"
    if from_worker:
        yield from _worker_senders(base, scripts.library, profile, ())
    if dest in _ELEMENTS:
        what = "the navigation of a frame" if issuer.is_navigation else "an element of the page"
        plain = change(base, means=Means.ELEMENT)
        yield what, plain, ()
    else:
        plain = base
        yield "a script of the page", plain, ()
    yield from _srcdoc_senders(document, plain)
    for policy in scripts.request_policies:
        if policy in rp.POLICIES:
            yield (
                f"a request with its own policy, {policy}",
                change(plain, request_policy=policy),
                (Evidence(f"A script of the page says referrerPolicy: {policy}.", IN_SCRIPTS),),
            )
    if dest in _STYLED:
        yield "a style of the page", change(base, means=Means.INLINE_STYLE), ()
        for sheet in issuer.stylesheets:
            situation = change(
                base, page=sheet, context=Context.STYLESHEET, means=Means.ELEMENT, policy=""
            )
            yield f"the stylesheet {shown(sheet)}", situation, ()
    if dest in {"", "empty"}:
        yield from _network_worker_senders(base, issuer, "")
    for worker in issuer.service_workers if dest not in _ELEMENTS else ():
        situation = change(base, page=worker, policy="", context=Context.SERVICE_WORKER)
        yield "the page's service worker", situation, ()
    if may_be_worker and not from_worker:
        yield from _worker_senders(base, scripts.library, profile, ())


def destination(exchange: Exchange, request: Request) -> str:
    """The request's destination in Fetch's words, "" where nothing shows it."""
    if request.dest:
        return request.dest
    kind = exchange.resource_type.lower()
    if kind:
        return _TYPE_TO_DEST.get(kind, kind)
    return "empty" if request.mode == "cors" and request.origin else ""


def _hop(hop: Hop) -> Hop:
    """A redirect by its origin alone: the rest of its address decides nothing and may be secret."""
    url = urls.parse(hop.url)
    return Hop(url.origin + "/", hop.policy) if url and not url.has_opaque_origin else hop


def _means(dest: str) -> Means:
    return Means.ELEMENT if dest in _ELEMENTS else Means.FETCH


def _is_bare_worker_entry(exchange: Exchange, request: Request) -> bool:
    """Chrome's export of a worker's request: no page reference, and of its headers only
    User-Agent and Referer (seen in Chromium 156)."""
    if exchange.page_ref or exchange.status is None or not exchange.initiator.kind:
        return False
    return is_bare(exchange, request)


def is_bare(exchange: Exchange, request: Request) -> bool:
    """Whether User-Agent and Referer (empty for none) are all the headers that are shown, as
    DevTools shows a worker's request."""
    if request.headers_final or is_redacted(exchange.request_headers.get("referer")):
        return False
    return {name.lower() for name, _ in exchange.request_headers} == {"user-agent", "referer"}


def _network_worker_senders(base: Situation, issuer: Issuer, where: str) -> Iterable[_Sender]:
    """Workers whose script came from the network; `where` is the entry that shows one of them,
    "" where it is only possible."""
    for script in issuer.worker_scripts:
        situation = base
        if base.context is not Context.SANDBOXED:
            situation = msgspec.structs.replace(
                base,
                context=Context.NETWORK_WORKER,
                source=script.url,
                own_policy=script.policy,
            )
        says = f"The worker of {script.url.partition('?')[0]} asked for it."
        shown = (Evidence(says, where),) if where else ()
        yield "a worker of the page", situation, shown


def _worker_senders(
    base: Situation,
    library: LibraryVersion | None,
    profile: Profile,
    evidence: tuple[Evidence, ...],
) -> Iterable[_Sender]:
    change = msgspec.structs.replace
    sandboxed = base.context is Context.SANDBOXED
    old = library is not None and library.before(profile.library.names_referrer_since)
    if library is not None:
        evidence += (Evidence(f"{profile.library.name} {library.text} is in use.", library.where),)
    by_fetch = (
        "a worker that names the page as referrer",
        change(
            base,
            context=Context.SANDBOXED if sandboxed else Context.BLOB_WORKER_FETCH,
            names_referrer=True,
        ),
        evidence,
    )
    by_xhr = (
        "a worker by XMLHttpRequest",
        change(
            base,
            context=Context.SANDBOXED if sandboxed else Context.BLOB_WORKER_XHR,
            means=Means.XHR,
        ),
        evidence,
    )
    if old:
        yield by_xhr
    else:
        yield by_fetch
        if library is None:
            yield by_xhr


def _attribute_senders(
    exchange: Exchange, issuer: Issuer, document: Document, base: Situation
) -> Iterable[_Sender]:
    """Elements of the document's markup that name the very URL, with their attribute."""
    if document.markup is None:
        return
    asked_for = {exchange.url, issuer.first_url}
    for element in document.markup.referrer_attributes:
        if element.url not in asked_for:
            continue
        parsed = rp.parse_attribute(element.value)
        if parsed.policy:
            says = f'<{element.tag} referrerpolicy="{element.value}">'
            yield (
                f"the page's {says}",
                msgspec.structs.replace(base, means=Means.ELEMENT, request_policy=parsed.policy),
                (Evidence(f"The element is {says}.", f"{document.where}, markup"),),
            )


def _srcdoc_senders(document: Document, base: Situation) -> Iterable[_Sender]:
    """Frames made from markup that set a policy of their own; without one they have the page's."""
    frames = document.markup.frames if document.markup is not None else ()
    for markup in dict.fromkeys(frame.srcdoc for frame in frames if frame.srcdoc):
        content, policy = _meta_policy(markup, document.url)
        if policy and policy != document.policy:
            says = f'The markup of a srcdoc frame has <meta name="referrer" content="{content}">.'
            yield (
                "a srcdoc frame of the page",
                msgspec.structs.replace(base, context=Context.SRCDOC, policy=policy),
                (Evidence(says, f"{document.where}, markup"),),
            )


@functools.lru_cache(maxsize=64)
def _meta_policy(markup: str, url: str) -> tuple[str, str]:
    """What the last meta element with a known policy says, and that policy; "" for none."""
    found = [(meta.content, rp.parse_meta(meta.content).policy) for meta in
             html.read(markup, url).meta_referrer]  # fmt: skip
    return next((one for one in reversed(found) if one[1]), ("", ""))


def sets_its_own(hypothesis: Hypothesis, document: Document | None) -> bool:
    """Whether it is a srcdoc frame with another policy than its page."""
    situation = hypothesis.situation
    return (
        situation.context is Context.SRCDOC
        and document is not None
        and situation.policy != document.policy
    )


def _compare(
    hypotheses: Sequence[Hypothesis], request: Request, issuer: Issuer, page_sends: bool | None
) -> Reading:
    candidates = tuple(hypotheses)
    if not candidates:
        return Reading((), None, "none" if request.headers_final else "unseen")
    arrived = request.referer
    if arrived is None and not request.headers_final and not _worker_shown(candidates[0]):
        return Reading(candidates, candidates[0], "unseen")
    exact = [h for h in candidates if h.prediction.referer == arrived]
    if arrived is None and page_sends is False and issuer.document is not None:
        # Nothing of this page carries a Referer: an old worker explains its own requests only.
        others = [h for h in exact if h.situation.context is not Context.BLOB_WORKER_XHR]
        shown = [h for h in exact if h.evidence]
        exact = shown or others
    if exact:
        return Reading(candidates, exact[0], "exact")
    origin = referer_origin(arrived)
    if origin is not None:
        near = [h for h in candidates if _origin_of(h) == origin]
        if near:
            return Reading(candidates, near[0], "origin")
    return Reading(candidates, candidates[0], "none")


def _worker_shown(hypothesis: Hypothesis) -> bool:
    return bool(hypothesis.evidence) and hypothesis.situation.context in {
        Context.DATA_WORKER,
        Context.NETWORK_WORKER,
        Context.BLOB_WORKER_FETCH,
        Context.BLOB_WORKER_XHR,
    }


def _origin_of(hypothesis: Hypothesis) -> str | None:
    """The origin that a hypothesis would send or, where it sends none, that it comes from: a
    request that carries more than predicted had a looser policy of its own."""
    url = urls.parse(hypothesis.prediction.referer or hypothesis.situation.page)
    return url.origin if url else None
