"""Mapbox access tokens: what can be read from one offline, and how it is named without showing it.

Source: Tokens API documentation, "Token format"
(https://docs.mapbox.com/api/accounts/tokens/): `kind.payload.signature`, the payload JSON in
base64url; `u` is the account, `a` the token's id, `tk` tokens carry `exp`, `iat` and `scopes`.
Scopes and allowed URLs of `pk` and `sk` tokens are kept by the service and cannot be read here.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse

import msgspec

#: The shape of a token anywhere in text, percent-encoded or not. The signature part may be cut.
PATTERN = re.compile(r"\b[pst]k(?:\.|%2[eE])[A-Za-z0-9_-]{6,}(?:(?:\.|%2[eE])[A-Za-z0-9_-]*)?")

KINDS = {"pk": "public", "sk": "secret", "tk": "temporary"}
_SHORT_ID = 5


class Token(msgspec.Struct, frozen=True):
    """A token as read offline. `kind` is pk, sk, tk or "" for something else; `account`, `id`,
    `scopes` and `expires` (seconds since the epoch) are None where the token does not say."""

    text: str
    kind: str = ""
    account: str | None = None
    id: str | None = None
    scopes: tuple[str, ...] | None = None
    expires: float | None = None
    malformed: str | None = None

    @property
    def shown(self) -> str:
        """The token without what makes it usable: `pk.…(acme/ck0exa…)`."""
        if not self.kind:
            return "(not a Mapbox token)" if self.text else "(empty token)"
        name = self.account or "?"
        if self.id:
            name += "/" + self.id[:_SHORT_ID] + ("…" if len(self.id) > _SHORT_ID else "")
        return f"{self.kind}.…({name})"


def decode(text: str) -> Token:
    """Read a token. Never raises: what is wrong with it stands in `malformed`."""
    text = text.strip()
    kind, _, rest = text.partition(".")
    if kind not in KINDS:
        return Token(text, malformed="does not begin with pk., sk. or tk.")
    payload, dot, signature = rest.partition(".")
    if not dot or not signature:
        malformed: str | None = "has no signature: it seems cut off"
    elif "." in signature:
        malformed = "has more than three parts"
    else:
        malformed = None
    try:
        fields = msgspec.json.decode(_base64url(payload))
    except (binascii.Error, ValueError, RecursionError):
        return Token(text, kind, malformed="has a payload that is not base64url JSON")
    if not isinstance(fields, dict):
        return Token(text, kind, malformed="has a payload that is not a JSON object")
    account, token_id = fields.get("u"), fields.get("a")
    scopes, expires = fields.get("scopes"), fields.get("exp")
    return Token(
        text,
        kind,
        account=account if isinstance(account, str) else None,
        id=token_id if isinstance(token_id, str) else None,
        scopes=tuple(map(str, scopes)) if isinstance(scopes, list) else None,
        expires=float(expires)
        if isinstance(expires, int | float) and not isinstance(expires, bool)
        else None,
        malformed=malformed,
    )


def encode(kind: str, payload: dict[str, object], signature: str = "c2lnbmF0dXJl") -> str:
    """A token with this payload and a signature that no service accepts, for tickets and tests."""
    body = base64.urlsafe_b64encode(msgspec.json.encode(payload)).rstrip(b"=").decode()
    return f"{kind}.{body}.{signature}"


def redact(text: str) -> str:
    """`text` with every token in it replaced by its `shown` form."""
    return PATTERN.sub(lambda found: decode(urllib.parse.unquote(found[0])).shown, text)


def _base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
