"""What of all traffic can bear on a diagnosis? The rest need not be kept, nor even be read."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Exchange
from diagnostics.provider.profile import profile_for, profiles

#: Media types of what a page is made of and what can make requests in it.
_BEARING = ("text/html", "application/xhtml", "text/css", "javascript")
#: What the browser itself calls such things, where the answer has no type (304).
_BEARING_TYPES = frozenset(
    {"document", "iframe", "frame", "object", "embed", "script", "stylesheet"}
    | {"worker", "serviceworker"}
)
_BEARING_DESTINATIONS = frozenset(
    {b"document", b"iframe", b"frame", b"object", b"embed", b"script", b"style"}
    | {b"worker", b"sharedworker", b"serviceworker"}
)
_BEARING_BYTES = tuple(kind.encode() for kind in _BEARING)
_TYPE_LENGTH, _LOCATION_LENGTH = len("content-type"), len("location")
_DESTINATION_LENGTH, _HOST_LENGTH = len("sec-fetch-dest"), len("host")
_ENDINGS = tuple(host.lstrip(".") for profile in profiles() for host in profile.hosts)
_ENDINGS_BYTES = tuple(ending.encode() for ending in _ENDINGS)
#: The same few values come again and again; what is longer than this is not worth remembering.
_LONGEST = 300

#: Names and values of header fields as they were sent.
Fields = Iterable[tuple[bytes, bytes]]


def bears(exchange: Exchange) -> bool:
    """Whether an exchange can bear on a diagnosis: a provider's, a redirect, or what a page is
    made of. Everything else need not be kept."""
    return (
        bool(exchange.redirect_url)
        or exchange.resource_type in _BEARING_TYPES
        or any(kind in exchange.mime_type.lower() for kind in _BEARING)
        or _goes_to_provider(exchange.url)
    )


def may_bear(host: str, authority: str, sent: Fields, answered: Fields) -> bool:
    """The same question for a message on the wire, without building an exchange: False only
    where `bears` would say no. `host` is where it goes to, without port, and `authority` the
    field of that name in HTTP/2 and 3. Costs a few microseconds."""
    if host.lower().endswith(_ENDINGS) or (
        authority and _may_name_provider(authority.encode("utf-8", "surrogateescape"))
    ):
        return True
    # Nearly every message comes through here to the end: a name's length rules it out fastest.
    for name, value in answered:
        if len(name) == _TYPE_LENGTH and name.lower() == b"content-type":
            if _may_bear_type(value):
                return True
        elif len(name) == _LOCATION_LENGTH and name.lower() == b"location":
            return True
    for name, value in sent:
        if len(name) == _DESTINATION_LENGTH and name.lower() == b"sec-fetch-dest":
            if value.strip().lower() in _BEARING_DESTINATIONS:
                return True
        elif (  # a transparent proxy knows no more than an address
            len(name) == _HOST_LENGTH and name.lower() == b"host" and _may_name_provider(value)
        ):
            return True
    return False


def _may_bear_type(content_type: bytes) -> bool:
    return len(content_type) > _LONGEST or _is_bearing(content_type)


@functools.lru_cache(maxsize=256)
def _is_bearing(content_type: bytes) -> bool:
    content_type = content_type.lower()
    return any(kind in content_type for kind in _BEARING_BYTES)


def _may_name_provider(authority: bytes) -> bool:
    return len(authority) > _LONGEST or _names_provider(authority)


@functools.lru_cache(maxsize=256)
def _names_provider(authority: bytes) -> bool:
    return authority.lower().partition(b":")[0].endswith(_ENDINGS_BYTES)


def _goes_to_provider(url: str) -> bool:
    if not any(ending in url for ending in _ENDINGS):
        return False
    parsed = urls.parse(url)
    return parsed is not None and profile_for(parsed.host) is not None
