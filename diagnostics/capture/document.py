"""A document as a capture shows it: its URL and the policies that came with it."""

from __future__ import annotations

import msgspec

from diagnostics.browser import csp, html
from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Exchange, Headers
from diagnostics.capture.redacted import is_redacted

_DOCUMENT_TYPES = frozenset({"document", "iframe", "frame", "object", "embed"})
_HTML_TYPES = ("text/html", "application/xhtml+xml")


class Document(msgspec.Struct, frozen=True, eq=False):
    """One document. `exchange` is None where the capture names the page but does not hold its
    response, so that no policy of it can be read.

    `policy` is the Referrer-Policy in force ("" for none set), `policy_from` the place that set it
    (`header`, `meta` or ""), `policy_says` how it stands there. `sandbox` is the CSP that makes
    its origin opaque, `frame_sandboxed` whether the frame that holds it does.
    """

    url: str
    exchange: Exchange | None = None
    headers: Headers = Headers()
    policy: str = ""
    policy_from: str = ""
    policy_says: str = ""
    unknown_policies: tuple[str, ...] = ()
    policies: tuple[csp.Policy, ...] = ()
    markup: html.DocumentPolicies | None = None
    sandbox: csp.Policy | None = None
    frame_sandboxed: bool = False
    parent: Document | None = None

    @property
    def seen(self) -> bool:
        return self.exchange is not None

    @property
    def origin_is_opaque(self) -> bool:
        return self.sandbox is not None or self.frame_sandboxed

    @property
    def origin(self) -> str:
        """Its origin as the Origin header would have it."""
        url = urls.parse(self.url)
        return "null" if self.origin_is_opaque or url is None else url.origin

    @property
    def where(self) -> str:
        return self.exchange.where if self.exchange else "not in the capture"


def is_document(exchange: Exchange) -> bool:
    """Whether the exchange fetched a document: by the browser's own type, else by media type and
    what the request asked for, since scripts fetch pieces of HTML too."""
    status = exchange.status
    if status is None or (300 <= status <= 399 and status != 304):
        return False
    if exchange.resource_type:
        return exchange.resource_type.lower() in _DOCUMENT_TYPES
    if not exchange.mime_type.lower().startswith(_HTML_TYPES):
        return False
    headers = exchange.request_headers
    dest = headers.get("sec-fetch-dest")
    if dest:
        return dest.lower() in _DOCUMENT_TYPES
    accept = headers.get("accept")
    return accept is None or any(kind in accept for kind in _HTML_TYPES)


def read_document(
    exchange: Exchange, *, parent: Document | None = None, frame_sandboxed: bool = False
) -> Document:
    """The document of an exchange with all policies that the exchange shows.

    Header and markup policies are combined as HTML says: the header sets the policy, a later
    `<meta name=referrer>` with a known value replaces it (HTML, "meta name=referrer").
    """
    headers = exchange.response_headers
    body = exchange.body
    markup = html.read(body, exchange.url) if body and not is_redacted(body) else None
    lines = headers.all("referrer-policy")
    parsed = rp.parse_header(lines)
    policy, unknown = parsed.policy, list(parsed.unknown)
    policy_from, policy_says = "", ""
    if policy:
        policy_from, policy_says = "header", f"Referrer-Policy: {', '.join(lines)}"
    for content in [meta.content for meta in markup.meta_referrer] if markup else ():
        meta = rp.parse_meta(content)
        unknown += meta.unknown
        if meta.policy:
            policy, policy_from = meta.policy, "meta"
            policy_says = f'<meta name="referrer" content="{content}">'
    policies = csp.parse_headers(headers.all("content-security-policy"))
    for content in [meta.content for meta in markup.meta_csp] if markup else ():
        policies += csp.parse_meta(content)
    return Document(
        url=exchange.url,
        exchange=exchange,
        headers=headers,
        policy=policy,
        policy_from=policy_from,
        policy_says=policy_says,
        unknown_policies=tuple(unknown),
        policies=policies,
        markup=markup,
        sandbox=csp.makes_origin_opaque(policies),
        frame_sandboxed=frame_sandboxed,
        parent=parent,
    )
