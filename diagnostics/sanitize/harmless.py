"""Is a piece of an address a word, or may it be a secret? And what looks like a secret anywhere?

A path has to stay where it is made of words, for it decides what a list of allowed URLs admits;
whatever is no word by these rules gets a stand-in. The rules err on the side of hiding.
"""

from __future__ import annotations

import functools
import itertools
import re
from importlib import resources

import msgspec

_PIECES = re.compile(r"[-_.~+]")
_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_CONSONANTS = re.compile(r"[b-df-hj-np-tv-xz]{6}", re.IGNORECASE)
_STUTTER = re.compile(r"(.)\1\1")
_NUMBERED = re.compile(r"[A-Za-z]{1,12}\d{1,3}|\d{1,3}[A-Za-z]{1,3}")
_NUMBER = re.compile(r"\d{1,4}")
_VERSION_OF = re.compile(r"@(?=v?\d)")
_LONGEST = 40
_LONGEST_PIECE = 20
_MOST_PIECES = 8
_MOST_DIGITS = 6
_MOST_NUMBERS = 3
_MOST_HUMPS = 4
_SURELY_SHORT = 8
#: A word that is strange to us looks as random letters do, and `utm32` as a part of a code. One in
#: a name may be; a code in short groups, as in `xkqv-zbwp-jm14`, has more of them.
_MOST_ODD = 1
_SHORTEST_ODD = 3


class SecretKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of secret, and the pattern that it has wherever it stands."""

    kind: str
    pattern: str


class _Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kinds: tuple[SecretKind, ...]
    letter_pairs: str
    abbreviations: str


@functools.lru_cache(maxsize=1)
def _secrets() -> _Secrets:
    data = resources.files(__package__).joinpath("secrets.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=_Secrets)


def secret_kinds() -> tuple[SecretKind, ...]:
    """The kinds of secrets that are known by their shape."""
    return _secrets().kinds


@functools.lru_cache(maxsize=1)
def secret_pattern() -> re.Pattern[str]:
    """What has the shape of a secret, of any kind; each kind is a group `kind0`, `kind1`, …"""
    groups = (f"(?P<kind{n}>{one.pattern})" for n, one in enumerate(secret_kinds()))
    return re.compile("|".join(groups))


@functools.lru_cache(maxsize=1)
def _pairs() -> frozenset[str]:
    return frozenset(_secrets().letter_pairs.split())


@functools.lru_cache(maxsize=1)
def _abbreviations() -> frozenset[str]:
    return frozenset(_secrets().abbreviations.split())


@functools.lru_cache(maxsize=8192)
def is_word(text: str) -> bool:
    """Whether `text`, decoded, is a name made of words and small numbers, such as `index.html`,
    `mapbox-gl@3.9.0`, `store_locator`; not what is long, random, or has many digits."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return False
    digits = sum(character.isdigit() for character in text)
    body = _VERSION_OF.sub("-", text.removeprefix("@"), count=1)
    pieces = _PIECES.split(body)
    if digits > _MOST_DIGITS or len(pieces) > _MOST_PIECES:
        return False
    if sum(piece.isdigit() for piece in pieces) > _MOST_NUMBERS:
        return False
    if _odd(pieces) > _MOST_ODD:
        return False
    return all(map(_is_plain, pieces)) and secret_pattern().search(text) is None


def is_phrase(text: str) -> bool:
    """The same for words with blanks and commas between them, as in a font's name."""
    words = re.split(r"[ ,]+", text)
    if sum(character.isdigit() for character in text) > _MOST_DIGITS:
        return False
    if len(words) > _MOST_PIECES * 2 or not all(map(is_word, words)):
        return False
    names = (re.split(r"[ .~+_-]+", name) for name in text.split(","))
    return all(_odd(pieces) <= _MOST_ODD for pieces in names)


def _is_plain(piece: str) -> bool:
    if not piece or _NUMBER.fullmatch(piece) or _NUMBERED.fullmatch(piece):
        return True
    if not piece.isalpha() or len(piece) > _LONGEST_PIECE:
        return False
    humps = _HUMPS.findall(piece)
    if len(humps) > _MOST_HUMPS or (len(humps) > 1 and len(piece) < 3 * len(humps)):
        return False
    return len(humps) <= 2 if len(piece) <= _SURELY_SHORT else _is_speakable(piece)


def _odd(pieces: list[str]) -> int:
    """How many of the pieces may be part of a code."""
    return sum(map(_is_odd, pieces))


def _is_odd(piece: str) -> bool:
    own = piece.strip("0123456789")
    letters, digits = own.lower(), len(piece) - len(own)
    if letters and letters != "v" and (digits > 1 or (digits and own.isupper())):
        return True  # letters and digits, and no version
    if len(letters) < _SHORTEST_ODD or letters in _abbreviations():
        return False
    return not _is_speakable(letters)


def _is_speakable(letters: str) -> bool:
    """Whether letters follow one another as they do in words."""
    lowered = letters.lower()
    if _STUTTER.search(lowered):
        return False
    if _CONSONANTS.search(lowered) or not set(lowered) & set("aeiouy"):
        return False
    return not any(a + b in _pairs() for a, b in itertools.pairwise(lowered))
