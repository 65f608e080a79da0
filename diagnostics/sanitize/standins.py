"""Stand-ins for what is hidden: equal where it was equal, and numbered, so that nothing can be
worked out from them. One value serves a whole capture; what it replaced is counted by kind.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter

import msgspec

from diagnostics.capture.redacted import is_redacted
from diagnostics.provider import token as tokens
from diagnostics.sanitize.harmless import is_word
from diagnostics.sanitize.kept import kept

_HIDDEN = re.compile(r"hidden-[1-9]\d{0,8}")
_ACCOUNT = re.compile(r"account-[1-9]\d{0,8}")
_TOKEN_ID = re.compile(r"tok\d{2,9}removed")
_SCOPE = re.compile(r"[a-z-]{2,30}:[a-z-]{2,30}")
#: What the provider calls styles and tokens (a cuid of the first version).
_ID = re.compile(r"c[a-z0-9]{24}")
_LONG = 200
_SIGNATURE = "removed"


class Tally:
    """What was taken out, by kind: `removed` is gone, `replaced` has a stand-in."""

    def __init__(self) -> None:
        self.removed: Counter[str] = Counter()
        self.replaced: Counter[str] = Counter()

    def add(self, other: Tally) -> None:
        """Count what another one counted, too."""
        self.removed.update(other.removed)
        self.replaced.update(other.replaced)


def is_made_up(token_id: str) -> bool:
    """Whether the id of a token is one that a stand-in was given."""
    return _TOKEN_ID.fullmatch(token_id) is not None


class StandIns:
    """The stand-ins of one capture, in the order in which their originals are met. With `named`
    the names of accounts and the ids of tokens and resources stay, where they look like such."""

    def __init__(self, tally: Tally, *, named: bool = False) -> None:
        self.tally = tally
        self._named = named
        self._numbers: dict[str, dict[str, int]] = {}
        self._tokens: dict[str, str] = {}
        self._made: set[str] = set()
        self.token_ids: dict[str, str] = {}

    def hidden(self, value: str) -> str:
        """`hidden-7` for any value; a stand-in stands for itself."""
        return value if _HIDDEN.fullmatch(value) else f"hidden-{self._number('hidden', value)}"

    def account(self, name: str) -> str:
        """`account-2` for an account's name."""
        if _ACCOUNT.fullmatch(name) or (self._named and is_word(name)):
            return name
        self.tally.replaced["account names"] += 1
        return f"account-{self._number('account', name)}"

    def stays(self, value: str) -> bool:
        """Whether a value is an id that may stay."""
        return self._named and _ID.fullmatch(value) is not None

    def reference(self, kind: str, value: str) -> str:
        """`page_1`, `frame_3`: an exporter's own reference."""
        return f"{kind}_{self._number(kind, value)}" if value else ""

    def token(self, text: str) -> str:
        """A token of the same kind for the same account: with the same faults, the same scopes
        and the same end, and no signature that any service accepts."""
        if not text or text.lower() in kept().no_secrets:
            return text
        if is_redacted(text):
            return "[redacted]"
        if text in self._made:
            return text
        if text not in self._tokens:
            self._tokens[text] = self._token(text)
            self._made.add(self._tokens[text])
        if self._tokens[text] != text:
            self.tally.replaced["access tokens"] += 1
        return self._tokens[text]

    def _token(self, text: str) -> str:
        token = tokens.decode(text)
        if not token.kind:
            return self.hidden(text)
        parts = token.text.split(".")
        if len(parts) == 1:
            return token.kind
        payload = self._payload(token, parts[1])
        made = ".".join([token.kind, payload, *[_SIGNATURE] * (len(parts) - 2)])
        if len(parts) == 2:
            return made
        if len(parts) > 2 and not parts[2]:
            return ".".join([token.kind, payload, ""])
        # Tokens that differ in their signature alone stay apart.
        number = self._number(f"signature of {made}", text)
        return made if number == 1 else made + str(number)

    def _payload(self, token: tokens.Token, text: str) -> str:
        if not text:
            return ""
        if token.account is None and token.id is None and token.malformed:
            if "object" in token.malformed:
                return _base64url(b"[%d]" % self._number("payload", text))
            return self.hidden(text)
        fields: dict[str, object] = {}
        if token.account is not None:
            fields["u"] = self.account(token.account)
        if token.id is not None:
            fields["a"] = self.token_id(token.id)
        if token.expires is not None:
            fields["exp"] = token.expires
        if token.scopes is not None:
            fields["scopes"] = [s if _SCOPE.fullmatch(s) else self.hidden(s) for s in token.scopes]
        return _base64url(msgspec.json.encode(fields))

    def token_id(self, value: str) -> str:
        """`tok01removed` for a token's id: its first five characters tell tokens apart."""
        if _TOKEN_ID.fullmatch(value) or self.stays(value):
            self.token_ids[value] = value
        elif value not in self.token_ids:
            self.token_ids[value] = f"tok{self._number('token id', value):02d}removed"
        return self.token_ids[value]

    def _number(self, kind: str, value: str) -> int:
        if len(value) > _LONG:  # a data: URL may be megabytes; the number says nothing of it
            value = hashlib.blake2b(value.encode("utf-8", "replace")).hexdigest()
        numbers = self._numbers.setdefault(kind, {})
        return numbers.setdefault(value, len(numbers) + 1)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
