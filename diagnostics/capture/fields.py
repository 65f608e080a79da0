"""What do a request's and a response's header fields alone tell? For the readers of flow files and
curl commands, which say nothing else."""

from __future__ import annotations

import base64
import re

from diagnostics.capture.exchange import Headers

#: Fetch Metadata, `Sec-Fetch-Dest`, where its word is not the one that DevTools uses.
_RESOURCE_TYPES = {
    "frame": "iframe",
    "style": "stylesheet",
    "sharedworker": "worker",
    "empty": "",
    "audio": "media",
    "video": "media",
    "track": "texttrack",
}
_KNOWN = frozenset(
    {"document", "iframe", "script", "image", "worker", "serviceworker", "font", "manifest"}
    | {"object", "embed", "report"}
)

_BARE_IPV6 = re.compile(r"[a-z]+://[0-9a-f.]*(?::[0-9a-f.]*){2,40}(?=[/?#]|$)", re.IGNORECASE)


def lacks_brackets(url: str) -> bool:
    """Whether a URL has an IPv6 address as its host and no brackets around it (RFC 3986, 3.2.2).
    mitmproxy writes it like this, in its HAR too (seen in 11.0.2 and 12.2.3)."""
    return _BARE_IPV6.match(url) is not None


def with_brackets(url: str, authority: str | None) -> str:
    """Such a URL with the authority that was sent along, where that has brackets."""
    bare = _BARE_IPV6.match(url)
    if bare is None or not authority or not authority.startswith("["):
        return url
    return url[: url.index("//") + 2] + authority + url[bare.end() :]


def resource_type(request: Headers) -> str:
    """The resource type that `Sec-Fetch-Dest` gives away (https://www.w3.org/TR/fetch-metadata/);
    empty where it is absent, `empty` (a fetch or XMLHttpRequest) or no known word."""
    destination = (request.get("sec-fetch-dest") or "").strip().lower()
    return _RESOURCE_TYPES.get(destination, destination if destination in _KNOWN else "")


def redirect_url(status: int | None, response: Headers) -> str:
    """The Location of a redirect as it was sent, empty where there is none."""
    if status is None or not 300 <= status <= 399:
        return ""
    return response.get("location") or ""


def mime_type(response: Headers) -> str:
    """The Content-Type as it was sent, empty where there is none."""
    return response.get("content-type") or ""


def basic_authorization(credentials: str) -> str:
    """The Authorization value for `user:password` (RFC 7617)."""
    return "Basic " + base64.b64encode(credentials.encode("utf-8", "replace")).decode("ascii")
