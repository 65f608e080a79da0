"""Which Referer would this browser send with this request?

A request is described by who makes it (`Context`), the page behind it, the policies that bear on
it, and the redirects on its way. The answer is the header's value and a sentence that names what
decided. Sources: Referrer Policy 8.3 and 8.4; Fetch, "main fetch" (the referrer is computed anew
at each hop from what the hop before left of it) and "HTTP-redirect fetch" (a hop's own
Referrer-Policy replaces the request's); HTML, "policy container" (inheritance); the measured
differences of engines in `engines.yaml`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec

from diagnostics.browser import engine as engine_data
from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.browser.engine import Engine
from diagnostics.browser.url import Url


class Context(enum.StrEnum):
    """What in the page makes the request."""

    DOCUMENT = "document"
    SRCDOC = "srcdoc"
    SANDBOXED = "sandboxed"  # opaque origin: iframe or CSP sandbox without allow-same-origin
    BLOB_WORKER_FETCH = "blob-worker-fetch"  # names the page as referrer, as GL JS >= 0.51 does
    BLOB_WORKER_XHR = "blob-worker-xhr"  # XMLHttpRequest cannot name a referrer
    NETWORK_WORKER = "network-worker"
    DATA_WORKER = "data-worker"
    STYLESHEET = "stylesheet"  # an external one: its own URL is the referrer
    SERVICE_WORKER = "service-worker"  # the worker's own fetch, not fetch(event.request)


CONTEXTS = tuple(context.value for context in Context)
ENGINES = ("spec", "chromium", "firefox")


class Means(enum.StrEnum):
    """With what the page asks; only some engines and contexts tell these apart."""

    FETCH = "fetch"
    XHR = "xhr"
    ELEMENT = "element"  # <img>, <link>, <script>, an iframe's navigation
    INLINE_STYLE = "inline-style"  # an image that a <style> element or attribute asks for


class Hop(msgspec.Struct, frozen=True):
    """A redirect on the way: where the request was sent, and the Referrer-Policy of the answer
    that redirected it onwards ("" for none)."""

    url: str
    policy: str = ""


class Situation(msgspec.Struct, frozen=True):
    """All that bears on a request's Referer.

    `page` is the URL of the document behind the request; of the stylesheet in the stylesheet
    context, of the container in the srcdoc context. `policy` is the page's effective policy,
    `own_policy` that of the worker's script or the stylesheet, `request_policy` that of the
    element's attribute or the fetch option; all "" where not set. `source` is the URL of a
    network worker's script where it is to be told apart from the page. `names_referrer` is
    whether the code passes the page as `referrer` to fetch.
    """

    page: str
    to: str
    policy: str = ""
    context: Context = Context.DOCUMENT
    means: Means = Means.FETCH
    request_policy: str = ""
    own_policy: str = ""
    source: str = ""
    names_referrer: bool = False
    via: tuple[Hop, ...] = ()


class Prediction(msgspec.Struct, frozen=True):
    """The Referer (None: no header), a sentence that says why, the policy that decided ("" where
    none was asked), and a word for what decided: policy, page, opaque-origin, worker, downgrade,
    cap or redirect."""

    referer: str | None
    says: str
    policy: str = ""
    decided_by: str = "policy"


def predict(situation: Situation, engine: Engine) -> Prediction:
    """The Referer that `engine` sends on the last hop of the request.

    Raises ValueError for a page or target that is no URL, and for an unknown policy token.
    """
    target = _url(situation.to, "target")
    page = _url(situation.page, "page")
    referrer, policy, origin_of_policy, none = _referrer_source(situation, page, engine)
    if none is not None:
        return none
    assert referrer is not None
    hops = [_url(hop.url, "redirect") for hop in situation.via]
    policies = [hop.policy for hop in situation.via]
    current: Url | None = referrer
    prediction = None
    for place, stop in enumerate([*hops, target]):
        if place and policies[place - 1]:
            policy, origin_of_policy = (
                policies[place - 1],
                f"the redirect from {hops[place - 1].href}",
            )
        assert current is not None
        step = _one_hop(policy, origin_of_policy, current, stop, engine)
        if place and step.decided_by == "policy" and policies[place - 1]:
            step = msgspec.structs.replace(step, decided_by="redirect")
        if prediction is not None and place and step.referer == prediction.referer:
            step = msgspec.structs.replace(step, decided_by=prediction.decided_by)
        prediction = step
        if step.referer is None:
            if stop is not target:
                says = f"{step.says} It stays away on the hops that follow."
                prediction = msgspec.structs.replace(step, says=says)
            return prediction
        current = urls.parse(step.referer)
    assert prediction is not None
    return prediction


def predict_referer(
    page: str, to: str, policy: str | None, via: Sequence[str], context: str, engine: str
) -> Prediction:
    """`predict` from plain values, as the `referer` command takes them.

    `policy` is a Referrer-Policy header value or None. In the stylesheet context `page` is the
    stylesheet's URL; a page's policy does not reach it. Raises ValueError on values that are no
    URL, context or engine.
    """
    if context not in CONTEXTS:
        raise ValueError(f"unknown context “{context}”; known are {', '.join(CONTEXTS)}")
    parsed = rp.parse_header([policy or ""])
    situation = Situation(
        page=page,
        to=to,
        policy=parsed.policy,
        context=Context(context),
        means=Means.XHR if context == Context.BLOB_WORKER_XHR else Means.FETCH,
        names_referrer=context == Context.BLOB_WORKER_FETCH,
        via=tuple(Hop(url) for url in via),
    )
    prediction = predict(situation, engine_data.engine(engine))
    if parsed.unknown:
        unknown = ", ".join(f"“{token}”" for token in parsed.unknown)
        says = f"{prediction.says} Browsers skip {unknown}, which is no policy."
        return msgspec.structs.replace(prediction, says=says)
    return prediction


_Source = tuple[Url | None, str, str, Prediction | None]


def _referrer_source(situation: Situation, page: Url, engine: Engine) -> _Source:
    """The URL to start from, the policy for it and whose policy that is; or a prediction of no
    Referer where the context alone decides."""
    context, own, asked = situation.context, situation.own_policy, situation.request_policy
    if page.scheme not in {"http", "https"}:
        return _nothing(
            f"A {page.scheme}: page cannot be a referrer: only http and https URLs are sent.",
            "page",
        )
    if context is Context.DATA_WORKER:
        return _nothing("A worker made from a data: URL has an opaque origin.", "opaque-origin")
    if context is Context.SANDBOXED:
        elements = {Means.ELEMENT, Means.INLINE_STYLE}
        if not (engine.opaque_elements and situation.means in elements):
            return _nothing(
                "A sandboxed page without allow-same-origin has an opaque origin, and that"
                " cannot be a referrer.",
                "opaque-origin",
            )
    if context in {Context.BLOB_WORKER_FETCH, Context.BLOB_WORKER_XHR}:
        names = situation.names_referrer and context is Context.BLOB_WORKER_FETCH
        if not names and not engine.blob_worker_referrer:
            how = "XMLHttpRequest" if context is Context.BLOB_WORKER_XHR else "A fetch"
            return _nothing(
                f"{how} in a blob: worker that names no referrer has only the worker's blob: URL,"
                " which is never sent.",
                "worker",
            )
        inherited = situation.policy if engine.blob_worker == "page" else ""
        whose = "the page, inherited by its blob: worker"
        if not inherited and situation.policy:
            whose = f"no policy: {engine.title} does not pass the page's on to a blob: worker"
        return page, *_choose(asked, inherited, whose), None
    if context is Context.NETWORK_WORKER:
        rule = engine.network_worker_xhr if situation.means is Means.XHR else engine.network_worker
        whose = "the worker's script"
        policy = own
        if rule == "page" and (not own or situation.means is Means.XHR):
            policy, whose = situation.policy, "the page, inherited by its worker"
        named = situation.names_referrer or not situation.source
        source = page if named else _url(situation.source, "worker script")
        return source, *_choose(asked, policy, whose), None
    if context is Context.STYLESHEET:
        return page, *_choose(asked, own, "the stylesheet's own response"), None
    if context is Context.SERVICE_WORKER:
        return page, *_choose(asked, own, "the service worker's script"), None
    policy = situation.policy
    if situation.means is Means.INLINE_STYLE and engine.inline_style == "none":
        policy = ""
    return page, *_choose(asked, policy, "the page"), None


def _nothing(says: str, decided_by: str) -> _Source:
    return None, "", "", Prediction(None, says, "", decided_by)


def _choose(asked: str, policy: str, whose: str) -> tuple[str, str]:
    if asked:
        return asked, "the request itself"
    return policy, whose


def _one_hop(policy: str, whose: str, referrer: Url, target: Url, engine: Engine) -> Prediction:
    capped = policy in engine.cross_site_cap and not urls.same_site(referrer, target)
    effective = rp.DEFAULT if capped or not policy else policy
    left = rp.leaves(effective, referrer, target, downgrade_by_scheme=engine.downgrade_by_scheme)
    referer = None
    if left is not rp.Left.NOTHING:
        referer = rp.strip(referrer, origin_only=left is rp.Left.ORIGIN)
    named = f"{effective} ({f'set by {whose}' if policy and not capped else 'the default'})"
    decided_by = "cap" if capped else "policy"
    if capped:
        named = f"{policy} (set by {whose}) is ignored across sites in {engine.title}; {rp.DEFAULT}"
    if referer is None:
        if effective not in {"no-referrer", "same-origin"}:
            decided_by = "downgrade"
            to = f"{target.scheme}://{target.host}"
            says = f"{named} sends none from {referrer.origin} to {to}, a downgrade."
        else:
            says = f"{named} sends none to another origin."
            if effective == "no-referrer":
                says = f"{named} sends none at all."
    elif left is rp.Left.ORIGIN:
        says = f"{named} leaves the origin."
    else:
        says = f"{named} sends the URL without its fragment."
        if (
            referer.endswith("/")
            and len(referrer.origin) + 1 == len(referer)
            and referrer.path != "/"
        ):
            says = (
                f"{named} would send the URL, but it is longer than {rp.MAXIMUM_LENGTH} characters"
                " and is cut to the origin."
            )
    return Prediction(referer, says, effective, decided_by)


def _url(text: str, what: str) -> Url:
    url = urls.parse(text)
    if url is None:
        raise ValueError(f"the {what} “{text}” is not a URL")
    return url
