"""Which hosts are our own inside the proxied browser, and how do their pages go out safely?

They exist only inside the proxy: nothing that is sent to them leaves the machine. `.test` is
reserved for such use (RFC 6761, 6.2) and is on no browser's list of public suffixes, so that
`why403.test` and `why403-provider.test` are two sites and `maps.why403.test` belongs to the first.
"""

from __future__ import annotations

import functools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostics.browser import url as urls
from diagnostics.provider.emulated import Reply, Request

if TYPE_CHECKING:
    import jinja2

HOST = "why403.test"
SAME_SITE = "maps.why403.test"
PROVIDER = "why403-provider.test"
STYLES = "why403-styles.test"
HOP = "why403-hop.test"
HOSTS = frozenset({HOST, SAME_SITE, PROVIDER, STYLES, HOP})

#: A request that changes something carries this field. A page of another origin can only send it
#: after a preflight (Fetch, "CORS-preflight fetch"), and none is ever granted.
HEADER = "X-Why403"

_FOLDER = Path(__file__).parent / "pages"
_REPORT = Path(__file__).parent.parent / "report"
_SAFE = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def is_own(host: str) -> bool:
    """Whether a host is one of ours."""
    return host.lower() in HOSTS


def may_change(request: Request) -> bool:
    """Whether a request comes from a page of ours, so that it may change something.

    Another page in the same browser, however hostile, cannot send the header field, nor forge
    `Origin` and `Sec-Fetch-Site` (Fetch, "forbidden request-header"). Every browser sends `Origin`
    with a POST by fetch (Fetch, "append a request `Origin` header"), so that none is no excuse.
    """
    url = urls.parse(request.url)
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    return (
        url is not None
        and request.method == "POST"
        and request.headers.get(HEADER) == "1"
        and origin == url.origin
        and site in (None, "same-origin")
    )


def refusal(status: int, says: str) -> Reply:
    """An error in plain text."""
    headers = (*_SAFE, ("Content-Type", "text/plain; charset=utf-8"))
    return Reply(status, headers, says.encode())


def json(body: bytes, status: int = 200) -> Reply:
    """A JSON answer for our own pages."""
    return Reply(status, (*_SAFE, ("Content-Type", "application/json")), body)


def asset(name: str) -> Reply:
    """A style or script of ours; `style.css` is the report's own with the pages' additions."""
    if name == "style.css":
        sheets = (_REPORT / "report.css", _FOLDER / "pages.css")
        body = b"\n".join(sheet.read_bytes() for sheet in sheets)
    else:
        body = (_FOLDER / name).read_bytes()
    headers = (*_SAFE, ("Content-Type", _TYPES[Path(name).suffix]))
    return Reply(200, headers, body)


def page(name: str, policy: str, headers: tuple[tuple[str, str], ...] = (), **values: Any) -> Reply:
    """A page from its template. In `policy`, its Content-Security-Policy, `{nonce}` stands for a
    value that the template has as `nonce`."""
    nonce = secrets.token_urlsafe(16)
    text = _environment().get_template(name).render(nonce=nonce, **values)
    fields = (
        *_SAFE,
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy.replace("{nonce}", nonce)),
        *headers,
    )
    return Reply(200, fields, text.encode())


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2  # costs 40 ms, which a proxy that nobody looks at need not pay

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
