"""Stand-ins for a customer's secrets, so that a ticket holds none of them.

The token that the case is about becomes the ticket's own, `{{token}}`; every other token becomes
a fake one of the same kind and account; session ids and the like become a word. What was equal
stays equal, so that a page still finds its own values.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable

from diagnostics.provider import token as tokens
from diagnostics.provider.token import Token, decode
from diagnostics.report.redaction import names_a_secret, replace_secret_parameters
from diagnostics.ticket import TokenSpec

#: What stands where a secret stood that is no token.
WORD = "stand-in"
_MAIN = "{{token}}"
#: Values that people send instead of a token, which are the mistake itself.
_MISTAKES = frozenset({"", "undefined", "null", "none", "nan", "true", "false", "token"})
_WEB_TOKEN = re.compile(
    r"(?<![A-Za-z0-9._-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
)
_QUOTED = re.compile(
    r"([\w-]{2,40})(\\?[\"']?\s{0,9}[:=]\s{0,9}\\?[\"'])([^\"'\\\n<>{}]{8,512})(?=\\?[\"'])"
)
#: `<meta name="csrf-token" content="...">`, `<input name="csrf_token" value="...">`
_FIELD = re.compile(
    r"(<(?:meta|input)\s[^<>]{0,500}?\bname=[\"']?([\w-]{2,40})[^<>]{0,500}?"
    r"\b(?:content|value)=[\"'])([^\"'<>]{8,1024})",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_USER = re.compile(r"(//)[^/?#\s\"'<>()]{1,256}@")


class StandIns:
    """Replaces secrets in texts. `main` is the token that the case is about (None: there is
    none); `others` are further tokens of the capture."""

    def __init__(self, main: Token | None, others: Iterable[Token] = ()) -> None:
        self.main = main
        self._made: dict[str, str] = {}
        self._kept: set[str] = {_MAIN}
        self._literals: list[str] = []
        self.replaced = False
        if main is not None and main.text:
            whole = main.kind and not main.malformed
            self._remember(main.text, _MAIN if whole else self._odd(main.text))
        for token in others:
            if token.text and token.text not in self._made:
                self._remember(token.text, self._fake(token.text))

    def spec(self) -> TokenSpec:
        """The fake token: of the main token's kind and account."""
        main = self.main
        if main is None or main.kind not in {"pk", "sk", "tk"}:
            return TokenSpec()
        kind = "sk" if main.kind == "sk" else "tk" if main.kind == "tk" else "pk"
        return TokenSpec(kind=kind, account=main.account or "acme")  # type: ignore[arg-type]

    def text(self, text: str) -> str:
        """`text` without any secret that is known or looks like one."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        for literal in self._literals:
            if literal in text:
                text = text.replace(literal, self._made[literal])
        text = tokens.PATTERN.sub(lambda found: self._token(found[0]), text)
        text = _WEB_TOKEN.sub(lambda found: self._word(found[0]), text)
        if "=" in text or "%" in text:
            text = replace_secret_parameters(text, self._word)
        text = _CREDENTIALS.sub(rf"\1 {WORD}", text)
        return _USER.sub(r"\1", text) if "@" in text else text

    def markup(self, text: str) -> str:
        """The same for markup and scripts, where secrets also stand in quotation marks."""
        text = _QUOTED.sub(self._quoted, self.text(text))
        return _FIELD.sub(self._field, text)

    def _quoted(self, found: re.Match[str]) -> str:
        if not names_a_secret(found[1]) or " " in found[3] or "://" in found[3]:
            return found[0]
        return found[1] + found[2] + self._word(found[3])

    def _field(self, found: re.Match[str]) -> str:
        return found[1] + self._word(found[3]) if names_a_secret(found[2]) else found[0]

    def _word(self, value: str) -> str:
        if value in self._kept or _MAIN in value or value.lower() in _MISTAKES:
            return value
        self.replaced = True
        return WORD

    def _token(self, text: str) -> str:
        if text in self._kept:
            return text
        if text not in self._made:
            self._remember(text, self._fake(text))
        return self._made[text]

    def _remember(self, text: str, stand_in: str) -> None:
        self._made[text] = stand_in
        self._kept.add(stand_in)
        if stand_in != _MAIN and tokens.PATTERN.fullmatch(text):
            return  # found by its shape
        for form in dict.fromkeys((text, urllib.parse.quote(text, safe=""))):
            self._made.setdefault(form, stand_in)
            if len(form) >= _SHORTEST and len(self._literals) < _MOST_LITERALS:
                self._literals.append(form)
        self._literals.sort(key=len, reverse=True)

    def _odd(self, text: str) -> str:
        """A token that is none: the mistake stays what it is."""
        if text.lower() in _MISTAKES:
            return text
        read = decode(text)
        if read.kind and read.account:  # cut off, or with too many parts
            fake = self._fake(text)
            whole = fake.split(".")
            parts = text.count(".") + 1
            return ".".join((whole + ["c2lnbmF0dXJl"] * parts)[:parts])
        kept = read.kind + "." if read.kind else ""
        rest = text[len(kept) :]
        return kept + re.sub(r"[0-9]", "0", re.sub(r"[A-Za-z]", "x", rest))

    def _fake(self, text: str) -> str:
        read = decode(text)
        number = len(self._made)
        payload: dict[str, object] = {"u": read.account or "acme", "a": f"ck0other{number:017d}"}
        return tokens.encode(read.kind or "pk", payload)


_MOST_LITERALS = 100
#: Shorter texts stand in pages for other things than a token.
_SHORTEST = 12
