"""A document's markup reduced to what a diagnosis reads of it.

The markup is read as `browser.html` reads it, and written anew from what was read: policies,
frames, attributes, scripts by their address, and of inline scripts the few words that tell the map
library and its options. No text, comment, form or data of the page is in the result.
"""

from __future__ import annotations

import html as escaping
import re
from collections.abc import Iterable

from diagnostics.browser import html
from diagnostics.browser import referrer_policy as rp
from diagnostics.journey.library import script_policies
from diagnostics.provider import token as tokens
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.policies import clean_csp, clean_policy
from diagnostics.sanitize.standins import StandIns

_STYLE = re.compile(r"mapbox://styles/([\w.-]{1,100})/([\w.-]{1,100})")
_SECRET = re.compile(r"\bsk\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{6,}")
_FLAG = re.compile(r"[a-z-]{1,60}")
_TYPES = frozenset({"", "module", "text/javascript", "application/javascript", "importmap",
                    "speculationrules", "application/json", "application/ld+json"})  # fmt: skip
_POINTS = {"a": "href", "area": "href", "link": "href", "form": "action"}
_VOID = frozenset({"meta", "link", "img", "area"})

_Attributes = dict[str, str | None]


def reduce(text: str, url: str, addresses: Addresses, standins: StandIns) -> str:
    """The markup `text` of the document at `url`, reduced. What is read of it is the same, but for
    what the addresses in it hide."""
    read = html.read(text, url)
    writer = _Writer(addresses, standins)
    elements = writer.elements(read)
    lines = ["<!DOCTYPE html>", "<html><head>"]
    lines += [_tag(name, attributes) for _, (name, attributes) in sorted(elements.items())]
    lines += [
        f"<script>{reduced}</script>"
        for script in read.inline_scripts
        if (reduced := reduce_script(script, addresses, standins))
    ]
    said = "".join(lines)
    exposed = (standins.token(token) for token in secret_tokens(text))
    lines += [f"<!-- {token} -->" for token in dict.fromkeys(exposed) if token not in said]
    return "\n".join([*lines, "</html>", ""])


class _Writer:
    """Elements as tags and attributes, by their place in the document."""

    def __init__(self, addresses: Addresses, standins: StandIns) -> None:
        self._addresses = addresses
        self._standins = standins

    def elements(self, read: html.DocumentPolicies) -> dict[int, tuple[str, _Attributes]]:
        found: dict[int, tuple[str, _Attributes]] = {}
        for meta in read.meta_referrer:
            content = clean_policy(meta.content, self._standins)
            found[meta.order] = "meta", {"name": "referrer", "content": content}
        for meta in read.meta_csp:
            content = clean_csp(meta.content, self._addresses, self._standins, meta=True)
            found[meta.order] = (
                "meta",
                {"http-equiv": "Content-Security-Policy", "content": content},
            )
        for script in read.scripts:
            kind = script.type if script.type in _TYPES else "text/plain"
            found[script.order] = (
                "script",
                {"src": self._address(script.url), "type": kind or None,
                 "referrerpolicy": self._policy(script.referrer_policy)},
            )  # fmt: skip
        for sheet in read.stylesheets:
            found[sheet.order] = (
                "link",
                {"rel": "stylesheet", "href": self._address(sheet.url),
                 "referrerpolicy": self._policy(sheet.referrer_policy)},
            )  # fmt: skip
        for frame in read.frames:
            found[frame.order] = (
                "iframe",
                {"src": self._address(frame.url),
                 "srcdoc": None if frame.srcdoc is None else "",
                 "sandbox": _flags(frame.sandbox),
                 "referrerpolicy": self._policy(frame.referrer_policy)},
            )  # fmt: skip
        for element in read.referrer_attributes:
            _, attributes = found.setdefault(element.order, (element.tag, {}))
            attributes["referrerpolicy"] = self._policy(element.value)
            attributes.setdefault(_POINTS.get(element.tag, "src"), self._address(element.url))
        for link in read.no_referrer:
            _, attributes = found.setdefault(link.order, (link.tag, {}))
            attributes["rel"] = "noreferrer"
            attributes.setdefault(_POINTS[link.tag], self._address(link.url))
        return found

    def _address(self, url: str | None) -> str | None:
        return None if url is None else self._addresses.clean(url)

    def _policy(self, value: str | None) -> str | None:
        return None if value is None else clean_policy(value, self._standins)


def _flags(sandbox: Iterable[str] | None) -> str | None:
    if sandbox is None:
        return None
    return " ".join(sorted(f for f in sandbox if f.startswith("allow-") and _FLAG.fullmatch(f)))


def _tag(name: str, attributes: _Attributes) -> str:
    words = [
        f' {key}="{escaping.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    ]
    end = "" if name in _VOID else f"</{name}>"
    return f"<{name}{''.join(words)}>{end}"


def reduce_script(text: str, addresses: Addresses, standins: StandIns) -> str:
    """What a page's own script says about its map: words of the library, request policies, the
    style, secret tokens. "" for nothing of that."""
    says = [word for word in kept().script_words if word in text]
    says += [f'referrerPolicy: "{p}"' for p in script_policies([text]) if p in rp.POLICIES]
    for style in dict.fromkeys(_STYLE.findall(text)):
        if tokens.PATTERN.search(style[1]):
            continue
        path = addresses.segments("api.mapbox.com", f"/styles/v1/{style[0]}/{style[1]}")
        says.append(f'"mapbox://styles/{path.removeprefix("/styles/v1/")}"')
    exposed = dict.fromkeys(map(standins.token, secret_tokens(text)))
    says += [f'"{token}"' for token in exposed]
    return "; ".join(dict.fromkeys(says))


def secret_tokens(text: str) -> list[str]:
    """Secret access tokens in a text: that they are exposed is a finding."""
    found = dict.fromkeys(_SECRET.findall(text))
    return [token for token in found if tokens.decode(token).account is not None]
