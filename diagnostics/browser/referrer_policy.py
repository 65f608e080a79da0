"""Referrer policies: which tokens exist, which of several is in force, what each leaves of a URL.

Source: W3C Referrer Policy (https://w3c.github.io/webappsec-referrer-policy/), sections 3
(policies), 8.1 (parse from a header), 8.3 (determine request's referrer), 8.4 (strip URL);
HTML, "meta name=referrer" (legacy values). `spec` behaviour only: what single browsers do
differently is in `engines.yaml`.
"""

from __future__ import annotations

import enum

import msgspec

from diagnostics.browser.url import Url, is_potentially_trustworthy, same_origin

DEFAULT = "strict-origin-when-cross-origin"

POLICIES = (
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
)

#: HTML: values of `<meta name=referrer>` from before the tokens were settled. A header or an
#: attribute with one of them is an unknown token.
LEGACY_META = {
    "never": "no-referrer",
    "default": DEFAULT,
    "always": "unsafe-url",
    "origin-when-crossorigin": "origin-when-cross-origin",
}

#: Referrer Policy 8.3, step 4: a longer referrer is cut to its origin.
MAXIMUM_LENGTH = 4096


class Left(enum.StrEnum):
    """What a policy leaves of the referrer URL."""

    FULL = "full"  # the URL without user name, password and fragment
    ORIGIN = "origin"
    NOTHING = "nothing"


class ParsedPolicy(msgspec.Struct, frozen=True):
    """The policy in force ("" where none is set) and the tokens that no browser knows."""

    policy: str
    unknown: tuple[str, ...] = ()


def parse_header(values: list[str] | tuple[str, ...]) -> ParsedPolicy:
    """The policy of `Referrer-Policy` header lines: of all their comma-separated tokens the last
    known one wins (8.1); unknown ones are skipped, which is how a site offers a fallback."""
    policy, unknown = "", []
    for token in ",".join(values).split(","):
        token = token.strip(" \t\r\n").lower()
        if token in POLICIES:
            policy = token
        elif token:
            unknown.append(token)
    return ParsedPolicy(policy, tuple(unknown))


def parse_meta(value: str) -> ParsedPolicy:
    """The policy of one `<meta name=referrer content=…>`: one token, legacy values are understood.

    A list as in the header is no policy (measured in Chromium 156 and Firefox ESR 153, as HTML
    says). White space around the token makes it unknown, though Firefox trims it.
    """
    token = value.lower()
    return _one_token(LEGACY_META.get(token, token))


def parse_attribute(value: str) -> ParsedPolicy:
    """The policy of a `referrerpolicy` attribute or a fetch option: one token, else none.

    As HTML says; of the browsers measured, Firefox trims white space and Chromium understands the
    legacy values here too.
    """
    return _one_token(value.lower())


def _one_token(token: str) -> ParsedPolicy:
    if token in POLICIES or not token.strip():
        return ParsedPolicy(token.strip())
    return ParsedPolicy("", (token,))


def leaves(policy: str, referrer: Url, target: Url, *, downgrade_by_scheme: bool = False) -> Left:
    """What `policy` leaves of `referrer` on a request to `target` (8.3, step 8). A downgrade goes
    from what is potentially trustworthy to what is not, or, by scheme, from https to http."""
    if downgrade_by_scheme:
        downgrade = referrer.scheme == "https" and target.scheme not in {"https", "wss"}
    else:
        downgrade = is_potentially_trustworthy(referrer) and not is_potentially_trustworthy(target)
    same = same_origin(referrer, target)
    match policy or DEFAULT:
        case "no-referrer":
            return Left.NOTHING
        case "origin":
            return Left.ORIGIN
        case "unsafe-url":
            return Left.FULL
        case "strict-origin":
            return Left.NOTHING if downgrade else Left.ORIGIN
        case "strict-origin-when-cross-origin":
            if same:
                return Left.FULL
            return Left.NOTHING if downgrade else Left.ORIGIN
        case "same-origin":
            return Left.FULL if same else Left.NOTHING
        case "origin-when-cross-origin":
            return Left.FULL if same else Left.ORIGIN
        case "no-referrer-when-downgrade":
            return Left.NOTHING if downgrade else Left.FULL
        case unknown:
            raise ValueError(f"“{unknown}” is no referrer policy")


def strip(url: Url, *, origin_only: bool) -> str | None:
    """A URL as a Referer (8.4): without user name, password and fragment, or the origin alone;
    None for a URL that browsers never send (anything but http and https)."""
    if url.scheme not in {"http", "https"} or url.has_opaque_origin:
        return None
    origin = url.origin + "/"
    if origin_only:
        return origin
    has_query = url.query or url.href.partition("#")[0].endswith("?")
    full = url.origin + url.path + (f"?{url.query}" if has_query else "")
    return full if len(full) <= MAXIMUM_LENGTH else origin


def referer_for(policy: str, referrer: Url, target: Url) -> str | None:
    """The Referer value that `policy` allows on a request to `target`, None for no header."""
    left = leaves(policy, referrer, target)
    if left is Left.NOTHING:
        return None
    return strip(referrer, origin_only=left is Left.ORIGIN)


def allowing(referrer: Url, target: Url, *, full: bool) -> str:
    """The policy to propose: the default one where an origin is enough, else the weakest change
    that sends the whole URL over https."""
    return "no-referrer-when-downgrade" if full else DEFAULT
