"""Edits of a page's own texts (markup, scripts, stylesheets), as its author would make them.

Each takes a text and gives the changed one, the same where there is nothing to change. Only what is
plain to see is changed: literals and options, never a script's logic.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from diagnostics.browser import url as urls
from diagnostics.live.markup import Edit, edited, start_tags
from diagnostics.provider.profile import profile_for
from diagnostics.ticket import Send, Site, Ticket

_new = msgspec.structs.replace
_POLICY = re.compile(r"(referrerPolicy[\"']?\s{0,9}[:=]\s{0,9})([\"'`])[\w-]{0,40}\2")
_GL_MAP = re.compile(r"new\s{1,9}(?:mapboxgl\.)?Map\(\s{0,99}\{")
_LEAFLET = re.compile(r"\.tileLayer\(\s{0,99}([\"'`])[^\"'`\n]{1,2000}\1\s{0,99},\s{0,99}\{")
_GL_VERSION = re.compile(r"(/mapbox-gl-js/v|mapbox-gl@)\d{1,3}(?:\.\d{1,4}){2}")
_INTEGRITY = re.compile(
    r"\sintegrity\s{0,9}=\s{0,9}(?:\"[^\"]{0,999}\"|'[^']{0,999}')", re.IGNORECASE
)
_INSECURE = re.compile(r"http://([a-z0-9.-]{1,253})(?=[/?\"'`:])")
_URL = re.compile(r"https?://[a-z0-9.-]{1,253}/[^\s\"'`<>()\\]{0,4000}")
_NO_TOKEN = "(?:undefined|null|NaN)?"
_IN_QUERY = re.compile(
    # A variable after it (`+ token`, `${token}`), or no value at all.
    rf"access_token={_NO_TOKEN}(?:([\"'`])\s{{0,9}}\+\s{{0,9}}[\w.]{{1,99}}|\$\{{[\w.]{{1,99}}\}}"
    rf"|(?=[\"'`&#\s<]|$))"
)
_IN_SCRIPT = re.compile(r"(\baccessToken\s{0,9}[:=]\s{0,9})([\"'`])\s{0,9}(?:undefined|null)?\2")
_FROM_VARIABLE = re.compile(r"(\bmapboxgl\.accessToken\s{0,9}=\s{0,9})[\w.]{1,99}(?=\s{0,9}[;\n])")
_STYLE_URL = re.compile(r"url\(\s{0,9}([\"']?)([^\"')\s]{1,4000})\1\s{0,9}\)")


def with_texts(ticket: Ticket, change: Callable[[str], str]) -> Ticket:
    """The ticket with `change` made in what its sites answer and in what a program sends."""

    def site(old: Site) -> Site:
        html = change(old.html)
        return old if html == old.html else _new(old, html=html, body="")

    def send(old: Send) -> Send:
        return _new(old, url=change(old.url), body=change(old.body))

    return _new(
        ticket,
        sites={address: site(old) for address, old in ticket.sites.items()},
        requests=tuple(map(send, ticket.requests)),
    )


def with_policy(text: str, policy: str) -> str:
    """Every `referrerPolicy` of a script with that value; where there is none, the map's own option
    (GL JS `transformRequest`, Leaflet `referrerPolicy`)."""
    if _POLICY.search(text):
        return _POLICY.sub(rf'\1"{policy}"', text)
    answer = f'{{ url: url, referrerPolicy: "{policy}" }}'
    option = f"transformRequest: function (url) {{ return {answer}; }},"
    text = _GL_MAP.sub(lambda found: f"{found[0]} {option}", text)
    return _LEAFLET.sub(lambda found: f'{found[0]} referrerPolicy: "{policy}",', text)


def with_library(text: str, version: str) -> str:
    """The addresses of Mapbox GL JS with another version, whose files have other digests."""
    changed = _GL_VERSION.sub(rf"\g<1>{version}", text)
    return text if changed == text else without_integrity(changed)


def without_integrity(markup: str) -> str:
    """Markup without the digests of what it loads, which is something else here."""
    return _INTEGRITY.sub("", markup)


def over_https(text: str) -> str:
    """Addresses of a provider's hosts over https."""
    return _INSECURE.sub(lambda f: f"https://{f[1]}" if profile_for(f[1]) else f[0], text)


def with_token(text: str) -> str:
    """The token where a text has none, an empty one, or a variable that held none."""
    text = _IN_QUERY.sub(lambda found: "access_token={{token}}" + (found[1] or ""), text)
    text = _IN_SCRIPT.sub(r"\g<1>\2{{token}}\2", text)
    text = _FROM_VARIABLE.sub(r'\1"{{token}}"', text)
    return _URL.sub(_with_parameter, text)


def _with_parameter(found: re.Match[str]) -> str:
    url = urls.parse(found[0])
    profile = profile_for(url.host) if url else None
    endpoint = profile.endpoint(url.path) if profile and url else None
    if endpoint is None or not endpoint.token or "access_token=" in found[0]:
        return found[0]
    return f"{found[0]}{'&' if '?' in found[0] else '?'}access_token={{{{token}}}}"


def with_inline_styles(ticket: Ticket) -> Ticket:
    """The ticket with each stylesheet in the page that links it, so that the page asks for the
    pictures in it."""
    return _new(
        ticket,
        sites={
            address: _new(
                site, html=_inlined(site.html, address.removesuffix("*"), ticket), body=""
            )
            if "<link" in site.html
            else site
            for address, site in ticket.sites.items()
        },
    )


def _inlined(html: str, page: str, ticket: Ticket) -> str:
    edits = []
    for tag in start_tags(html):
        rel, href = tag.get("rel"), tag.get("href")
        if tag.name == "link" and rel and href and "stylesheet" in (rel.value or "").lower():
            address = urls.join(page, href.value or "") or ""
            sheet = ticket.sites.get(address) or ticket.sites.get(address.partition("?")[0])
            if sheet is not None:
                style = f"<style>{_absolute(sheet.html, address)}</style>"
                edits.append(Edit(tag.start, tag.end, style))
    return edited(html, edits)


def _absolute(css: str, base: str) -> str:
    def url(found: re.Match[str]) -> str:
        # What is to be filled in stays as it is written.
        address = found[2] if "://" in found[2] else urls.join(base, found[2]) or found[2]
        return f'url("{address}")'

    return _STYLE_URL.sub(url, css)
