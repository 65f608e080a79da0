"""Takes secrets out of a report, whatever field they ended up in.

One place at the way out instead of care at every place on the way: every string of the report
passes through here. Sentences of excessive length lose their middle at the same time.
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from diagnostics.provider import token as tokens_of
from diagnostics.provider.token import decode
from diagnostics.report.terminal import cut

#: The name of a parameter in a query, fragment or cookie, also within a percent-encoded URL, and
#: what its value can be.
_NAME = re.compile(r"(?:^|[?&;#\s\"'(,]|%(?:25)*(?:3[fF]|26|23))([\w.-]{1,40})(?:=|%(?:25)*3[dD])")
_VALUE = re.compile(r"[^&#\s\"'<>]+")
_SECRET_WORDS = frozenset(
    {"apikey", "auth", "authorization", "credential", "credentials", "jwt", "key", "pass"}
    | {"passwd", "password", "pwd", "secret", "session", "sessionid", "sid", "sig", "signature"}
    | {"token"}
)
#: What servers and sign-in pages put into addresses (RFC 6749, 4.1.2: code and state), as whole
#: names: a `postal_code` is no secret.
_SECRET_NAMES = frozenset(
    {"code", "nonce", "otp", "phpsessid", "refresh", "sess", "state", "ticket"}
)
_SECRET_ENDS = ("token", "secret", "password", "apikey", "signature", "sessionid")
#: Values that hide nothing and may be the very mistake.
_NO_SECRETS = frozenset({"undefined", "null", "none", "nan", "true", "false"})
_PLACEHOLDER = re.compile(r"YOUR_|[({\[<*$]|%7[bB]")
_CREDENTIALS = re.compile(
    r"\b(Bearer|Basic)\s+(?=\S*\d|\S{20})[A-Za-z0-9._~+/=-]{8,}"
    r"|\b(Token)\s+(?=\S*\d)[A-Za-z0-9._~+/=-]{16,}",
    re.IGNORECASE,
)
_USER = re.compile(r"(//)[^/?#\s]+@")
_SHORTEST_LITERAL = 16
# Each is looked for in each text; beyond these, the pattern and the parameter's name tell.
_MOST_SHAPED = 8
_MOST_ODD = 100

# Sentences quote what has a field of its own, such as a Referer, which can be megabytes long.
_SENTENCES = frozenset({"says", "because", "settle", "cost", "reason"})
_LONGEST_SENTENCE = 2_000

T = TypeVar("T")


def redact(value: T, tokens: Iterable[str] = ()) -> T:
    """`value` (Structs, tuples, dicts, strings, to any depth) with secrets named, not shown.

    `tokens` are literal tokens of the capture, taken out even where they look like none.
    """
    literals = {
        form: decode(token).shown
        for token in _literals(tokens)
        for form in (token, urllib.parse.quote(token, safe=""))
    }
    walker = _Walker(lambda text: _clean(text, literals))
    result: T = walker.walk(value)
    return result


def redact_text(text: str) -> str:
    """One string without secrets, for messages outside a report."""
    return _clean(text, {})


def _literals(tokens: Iterable[str]) -> list[str]:
    """The tokens to look for as they are: a few of those with a token's shape, because that is
    quicker than the pattern, and those without it that cannot be part of normal text, as
    `undefined` and `my-access-token` can."""
    longest_first = sorted(tokens, key=len, reverse=True)
    shaped = [token for token in longest_first if tokens_of.PATTERN.fullmatch(token)]
    known = set(shaped)
    odd = [
        token
        for token in longest_first
        if len(token) >= _SHORTEST_LITERAL and any(c.isdigit() or c.isupper() for c in token)
    ]
    return shaped[:_MOST_SHAPED] + [token for token in odd if token not in known][:_MOST_ODD]


def _clean(text: str, literals: dict[str, str]) -> str:
    for literal, shown in literals.items():
        if literal in text:
            text = text.replace(literal, shown)
    text = tokens_of.redact(text)
    if "=" in text or "%" in text:
        text = _without_secret_parameters(text)
    if "//" in text and "@" in text:
        text = _USER.sub(r"\1…@", text)
    return _CREDENTIALS.sub(r"\1\2 …", text) if " " in text else text


def _without_secret_parameters(text: str) -> str:
    return replace_secret_parameters(text, lambda value: f"({len(value)} characters)")


def replace_secret_parameters(text: str, stand_in: Callable[[str], str]) -> str:
    """`text` with what `stand_in` makes of each value of a parameter whose name says that it is
    secret; values that hide nothing stay."""
    kept, end = [], 0
    for name in _NAME.finditer(text):
        if name.start() < end or not _is_secret(name[1]):
            continue
        value = _VALUE.match(text, name.end())
        if value is not None and not _hides_nothing(value[0]):
            kept += [text[end : value.start()], stand_in(value[0])]
            end = value.end()
    return "".join([*kept, text[end:]]) if kept else text


def names_a_secret(name: str) -> bool:
    """Whether a field of that name holds a secret, by the last of its words."""
    return _is_secret(name)


def _hides_nothing(value: str) -> bool:
    if "…" in value or len(value) <= 3:  # named already, or too short to be a secret
        return True
    return value.lower() in _NO_SECRETS or _PLACEHOLDER.match(value) is not None


@functools.lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    """Whether a parameter of that name holds a secret, by the last of its words or as a whole."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    if words[-1] in _SECRET_WORDS or words[-1].endswith(_SECRET_ENDS):
        return True
    return len(words) == 1 and words[0] in _SECRET_NAMES


class _Walker:
    """Rebuilds a value; parts that verdicts share are rebuilt once."""

    def __init__(self, clean: Callable[[str], str]) -> None:
        self._clean = clean
        self._texts: dict[str, str] = {}
        self._done: dict[int, tuple[Any, Any]] = {}  # the original is kept, so its id stays its own

    def walk(self, value: Any) -> Any:
        match value:
            case str() if type(value) is str:
                if value not in self._texts:
                    self._texts[value] = self._clean(value)
                return self._texts[value]
            case tuple() | msgspec.Struct():
                known = self._done.get(id(value))
                if known is None:
                    known = self._done[id(value)] = (value, self._rebuilt(value))
                return known[1]
            case dict():
                return {self.walk(key): self.walk(item) for key, item in value.items()}
            case _:
                return value

    def _rebuilt(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple([self.walk(item) for item in value])
        changes = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            new = self.walk(old)
            if name in _SENTENCES and isinstance(new, str) and len(new) > _LONGEST_SENTENCE:
                # Only now: half a token is no longer known for one.
                ends = new[:_LONGEST_SENTENCE] + new[-_LONGEST_SENTENCE:]
                new = cut(ends, _LONGEST_SENTENCE)
            if new is not old:
                changes[name] = new
        return msgspec.structs.replace(value, **changes) if changes else value
