"""Targets: what a browser does before a request leaves, against short readings of the standards."""

from __future__ import annotations

import ada_url

from diagnostics.browser import csp, url
from diagnostics.browser import referrer_policy as rp
from tests.fuzz.target import as_text

_ASCII_LOWER = {ord(c): ord(c) + 32 for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_LEGACY = {
    "never": "no-referrer",
    "default": "strict-origin-when-cross-origin",
    "always": "unsafe-url",
    "origin-when-crossorigin": "origin-when-cross-origin",
}
#: Referrer Policy, 3: what each leaves within an origin, across origins, and on a downgrade.
_TABLE = {
    "no-referrer": ("", "", ""),
    "no-referrer-when-downgrade": ("full", "full", ""),
    "same-origin": ("full", "", ""),
    "origin": ("origin", "origin", "origin"),
    "strict-origin": ("origin", "origin", ""),
    "origin-when-cross-origin": ("full", "origin", "origin"),
    "strict-origin-when-cross-origin": ("full", "origin", ""),
    "unsafe-url": ("full", "full", "full"),
}


def referrer_header(data: bytes) -> None:
    """Each line is one value of the header."""
    values = as_text(data).split("\n")
    policy, unknown = "", []
    for value in values:  # Referrer Policy, 8.1
        for token in value.split(","):
            token = token.strip(" \t\r").translate(_ASCII_LOWER)
            if token in _TABLE:
                policy = token
            elif token:
                unknown.append(token)
    read = rp.parse_header(values)
    assert read.policy == policy
    assert len(read.unknown) == len(unknown)
    assert rp.parse_header([*values, policy]).policy == policy
    assert rp.parse_header([*read.unknown, policy]).policy == policy


def referrer_meta(data: bytes) -> None:
    content = as_text(data)
    value = content.translate(_ASCII_LOWER)  # HTML, 4.2.5.1, steps 4 to 6
    value = _LEGACY.get(value, value)
    read = rp.parse_meta(content)
    assert read.policy == (value if value in _TABLE else "")
    assert bool(read.unknown) == (value not in _TABLE and content.strip() != "")
    attribute = content.translate(_ASCII_LOWER)
    assert rp.parse_attribute(content).policy == (attribute if attribute in _TABLE else "")


def referer(data: bytes) -> None:
    """The first line is the page, the second the target."""
    page_text, _, target_text = as_text(data).partition("\n")
    page, target = url.parse(page_text), url.parse(target_text)
    if page is None or target is None:
        return
    for policy, (same, cross, downgraded) in _TABLE.items():
        left = same if page.origin == target.origin != "null" else cross
        if url.is_potentially_trustworthy(page) and not url.is_potentially_trustworthy(target):
            left = downgraded
        assert rp.referer_for(policy, page, target) == _stripped(page_text, left), policy


def _stripped(text: str, left: str) -> str | None:
    """Referrer Policy, 8.4, with the parser's own setters."""
    one = ada_url.URL(text)
    if one.protocol not in {"http:", "https:"} or not left:
        return None
    one.username = one.password = one.hash = ""
    full = one.href.removesuffix("#")
    return f"{one.origin}/" if left == "origin" or len(full) > 4096 else full


def policy(data: bytes) -> None:
    """Page, target and directive, a line each; every other line is a header's value."""
    page, target, directive, *values = [*as_text(data).split("\n"), "", "", ""]
    values = values[:-3] if len(values) >= 3 else []
    policies = csp.parse_headers(values)
    for one in policies:
        written = "; ".join(" ".join([name, *sources]) for name, sources in one.directives)
        assert csp.parse(written) == one, "what was read reads differently when it is written"
        assert csp.parse(f"{written};{written.upper()}") == one, "the second of a name counts"
    answer = csp.allows(policies, page, target, directive)
    assert answer.says.isprintable()
    if not policies:
        return
    assert csp.allows(policies[::-1], page, target, directive).allowed == answer.allowed
    if not answer.allowed and answer.certain:
        more = csp.allows([*policies, csp.parse("default-src *")], page, target, directive)
        assert not more.allowed, "one more policy admitted what the others refuse"
    turned = [_with_sources(one, reverse=True) for one in policies]
    again = csp.allows(turned, page, target, directive)
    assert (again.allowed, again.directive) == (answer.allowed, answer.directive)
    if answer.allowed and answer.certain:
        wider = [_with_sources(one, more="https://wider.example") for one in policies]
        assert csp.allows(wider, page, target, directive).allowed, "one more source refused it"


def _with_sources(one: csp.Policy, *, reverse: bool = False, more: str = "") -> csp.Policy:
    directives = tuple(
        (name, (sources[::-1] if reverse else sources) + ((more,) if more else ()))
        for name, sources in one.directives
    )
    return csp.Policy(directives, one.source)


def address(data: bytes) -> None:
    """The first line is a URL, the second is resolved against it."""
    text, _, reference = as_text(data).partition("\n")
    read = url.parse(text)
    try:
        one = ada_url.URL(text)
    except ValueError:
        assert read is None
        assert url.join(text, reference) is None
        return
    assert read is not None
    assert (read.href, read.scheme, read.host) == (one.href, one.protocol[:-1], one.hostname)
    assert (read.path, read.origin) == (one.pathname, one.origin)
    assert (read.query, read.fragment) == (one.search[1:], one.hash[1:])
    assert read.port is None or 0 <= read.port <= 65535
    assert not one.port or read.port == int(one.port)
    assert url.parse(read.href) == read
    joined = url.join(text, reference)
    assert joined is None or url.parse(joined) is not None
    assert url.same_site(read, read) or read.has_opaque_origin
    url.is_potentially_trustworthy(read)
    if read.scheme in {"http", "https"} and not url.is_ip_address(read.host):
        assert read.host.rstrip(".").endswith(url.registrable_domain(read.host).rstrip("."))
