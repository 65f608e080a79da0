"""Mapbox access tokens: what can be read from one offline, and how it is named without showing it.

Source: Tokens API documentation, "Token format"
(https://docs.mapbox.com/api/accounts/tokens/): `kind.payload.signature`, the payload JSON in
base64url; `u` is the account, `a` the token's id, `tk` tokens carry `exp`, `iat` and `scopes`.
Scopes and allowed URLs of `pk` and `sk` tokens are kept by the service and cannot be read here.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
import urllib.parse

import msgspec

# A full stop and a padding sign as they are, percent-encoded once or more often, escaped as in
# JavaScript and JSON, or as an HTML reference.
_DOT = r"(?:\.|%(?:25)*2[eE]|\\+u002[eE]|&#(?:46|[xX]2[eE]);)"
_PAD = r"(?:=|%(?:25)*3[dD]|\\+u003[dD]){0,2}"
# What base64 makes of `{` and a quote, a blank, a tab or a line break, and what follows.
_JSON = r"e(?:y[A-L]|w[k-r0-3])[A-Za-z0-9_-]{6,}"
# A further part, up to where a token of its own begins, whose signature would be left over.
_PART = rf"{_DOT}(?:(?![pst]k{_DOT}e(?:y[A-L]|w[k-r0-3]))[A-Za-z0-9_-])+"

#: The shape of a token anywhere in text; the signature part may be cut. What does not begin like
#: JSON needs a capital letter, or `sk.example.com` would be a token.
PATTERN = re.compile(
    rf"[pst]k{_DOT}{_JSON}{_PAD}(?:{_PART}{_PAD}){{0,2}}"
    rf"|\b[pst]k{_DOT}(?=[a-z0-9_-]*[A-Z])[A-Za-z0-9_-]{{12,}}{_PAD}(?:{_PART}){{0,2}}"
)
#: The same, and JSON Web Tokens (RFC 7519), which differ from Mapbox's in having no prefix.
#: One begins a word, or `git-newmap` would hold one. A token's `shown` form is found first and
#: left alone, for an account may be called `ew0example`.
_SECRET = re.compile(
    r"[pst]k\.…\([A-Za-z0-9_?-]{1,40}(?:/[A-Za-z0-9_-]{0,5}…?)?\)"
    rf"|{PATTERN.pattern}|(?<![A-Za-z0-9]){_JSON}{_PAD}(?:{_PART}{_PAD}){{0,2}}"
)
#: What every secret has, to pass over most texts quickly; `pk.…` is one that is named already.
_HINT = re.compile(r"[pst]k(?:\.(?!…)|[%&\\])|ey[A-L]|ew[k-r0-3]")
#: A word with percent-encoded characters in it, perhaps all of a token's.
_ENCODED = re.compile(r"(?:%(?:25)*[0-9A-Fa-f]{2}|[A-Za-z0-9_.~-])+")

KINDS = {"pk": "public", "sk": "secret", "tk": "temporary"}
_SHORT_ID = 5
_LONGEST_NAME = 40


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
        name = _plain(self.account or "", _LONGEST_NAME) or "?"
        if self.id:
            name += "/" + _plain(self.id, _SHORT_ID) + ("…" if len(self.id) > _SHORT_ID else "")
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
        expires=_seconds(expires),
        malformed=malformed,
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None


def encode(kind: str, payload: dict[str, object], signature: str = "c2lnbmF0dXJl") -> str:
    """A token with this payload and a signature that no service accepts, for tickets and tests."""
    body = base64.urlsafe_b64encode(msgspec.json.encode(payload)).rstrip(b"=").decode()
    return f"{kind}.{body}.{signature}"


def redact(text: str) -> str:
    """`text` with every token in it replaced by its `shown` form, however it is encoded."""
    if "%" in text:
        text = _ENCODED.sub(_decoded_if_secret, text)
    return _SECRET.sub(_shown, text) if _HINT.search(text) else text


def _decoded_if_secret(found: re.Match[str]) -> str:
    word = decoded = found[0]
    for _ in range(3):
        decoded = urllib.parse.unquote(decoded)
    return decoded if decoded != word and _SECRET.search(decoded) else word


def _shown(found: re.Match[str]) -> str:
    return found[0] if "…" in found[0] else _shown_text(found[0])


@functools.lru_cache(maxsize=1024)
def _shown_text(text: str) -> str:
    text = re.sub(_DOT, ".", re.sub(_PAD, "", text))
    return decode(text).shown if text.startswith(tuple(KINDS)) else "eyJ…"


def _plain(text: str, length: int) -> str:
    """The part of a name that cannot be a secret of its own or markup."""
    found = re.match(r"[A-Za-z0-9_-]*", text)
    assert found is not None
    return found[0][:length]


def _base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
