"""Which browser, and which version of it, sent a request? For counting: short names."""

from __future__ import annotations

import functools
import re

from diagnostics.browser.client import Client

# The product's own version, where several are named: Edge and Opera name Chrome as well, Chrome
# names Safari, and Safari's stands under "Version". RFC 9110, 10.1.5 (product/version).
_VERSIONS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:Edg|EdgA|EdgiOS|OPR|OPiOS|OPT|FxiOS|CriOS|GSA|Electron)/([0-9]{1,4})",
        r"\bFirefox/([0-9]{1,4})",
        r"\b(?:Chrome|Chromium|HeadlessChrome)/([0-9]{1,4})",
        r"\bVersion/([0-9]{1,4})[0-9.]*+ .*Safari/",
        r"\b(?:MSIE |Edge/|rv:)([0-9]{1,4})",
    )
)
_PRODUCT = re.compile(r"[^\s/]{1,60}/v?([0-9]{1,4}(?:\.[0-9]{1,4})?)")


@functools.lru_cache(maxsize=512)
def name_and_version(client: Client, user_agent: str | None) -> tuple[str, str]:
    """The client's short name, and its version as far as the User-Agent gives it ("" if not)."""
    name = re.sub(r"^(?:an?|the) ", "", client.title)
    text = (user_agent or "")[:1024]
    if not client.renders_pages:
        product = _PRODUCT.match(text)
        return name, product[1] if product else ""
    for pattern in _VERSIONS:
        if found := pattern.search(text):
            return name, found[1]
    return name, ""
