"""Header fields without secrets: those that a diagnosis reads, with as much of their value."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from diagnostics.capture.exchange import Headers
from diagnostics.capture.redacted import is_redacted
from diagnostics.causes import software
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.harmless import is_word
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.policies import clean_csp, clean_policy
from diagnostics.sanitize.standins import StandIns

#: Stands for what was removed where the mere number of fields tells something: DevTools shows of
#: a worker's request its User-Agent and Referer and nothing else.
MORE = "x-more-was-removed"
_BARE = {"user-agent", "referer"}
_SECRET_FIELDS = {
    "cookie": "cookies",
    "set-cookie": "cookies",
    "authorization": "authorization",
    "proxy-authorization": "authorization",
}
_AGENT_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}/[^\s();,]*|[();,:]|[^\s();,:]+")
_VERSION = re.compile(r"v?\d{1,8}(?:[._]\d{1,5}){0,4}[a-z]?")
_SYSTEM = re.compile(r"\d{1,3}(?:[._]\d{1,3}){0,3}")
_NUMBERED_BY = frozenset({":", "NT", "Android", "OS", "X", "MSIE", "CrOS", "iOS", "rv"})
#: What is left of a comment whose words went.
_ODD = (("( ", "("), (" )", ")"), ("()", ""), (" ;", ";"), ("(;", "("), (";)", ")"), (";;", ";"),
        ("(,", "("), (",)", ")"), (" ,", ","), (",,", ","))  # fmt: skip
_MEDIA = re.compile(r"([a-z-]{1,20})/([a-z0-9.+-]{1,60})", re.IGNORECASE)
_CHARSET = re.compile(
    r"charset=\"?(utf-?8|utf-16|iso-8859-\d{1,2}|us-ascii|windows-125\d)\"?", re.I
)
_NUMBER = re.compile(r"\d{1,12}")
_QUALITY = re.compile(r"q=[01](?:\.\d{1,3})?")
_LONGEST_AGENT = 512


class Fields:
    """Cleans the header fields of one capture."""

    def __init__(self, standins: StandIns, addresses: Addresses) -> None:
        self._standins = standins
        self._tally = standins.tally
        self._addresses = addresses

    def request(self, headers: Headers) -> Headers:
        """A request's fields."""
        pairs = []
        for name, value in headers:
            field = kept().request_headers.get(name.lower())
            clean = self._value(field.how, name, value, "") if field else None
            if clean is not None:
                pairs.append((name, clean))
            elif name.lower() != MORE:
                self._gone(name)
        left = {name.lower() for name, _ in pairs}
        if left == _BARE and any(name.lower() not in _BARE for name, _ in headers):
            pairs.append((MORE, ""))
        return Headers(pairs)

    def response(self, headers: Headers, url: str, *, of_document: bool) -> Headers:
        """A response's fields; `url` is what was asked for."""
        pairs = []
        for name, value in headers:
            field = kept().response_headers.get(name.lower())
            clean = self._value(field.how, name, value, url) if field else None
            if clean is None and of_document:
                clean = _sign(name.lower(), value)
            if clean is not None:
                pairs.append((name, clean))
            if clean is None or name.lower() in _SECRET_FIELDS:
                self._gone(name)
        return Headers(pairs)

    def _gone(self, name: str) -> None:
        self._tally.removed[_SECRET_FIELDS.get(name.lower(), "other header fields")] += 1

    def _value(self, how: str, name: str, value: str, url: str) -> str | None:
        """The value as far as it stays; None where nothing of it does."""
        match how:
            case "address":
                if name.lower() == "host":
                    return self._addresses.host(value)
                return self._addresses.header(value)
            case "words":
                if value.lower() in kept().words[name.lower()]:
                    return value
                hit = name.lower() == "x-cache" and value.lower().startswith("hit")
                return "Hit" if hit else None
            case "agent":
                return self._agent(value)
            case "types":
                return accepted(value)
            case "codings":
                codings = [one.strip().partition(";")[0] for one in value.split(",")]
                return ", ".join(c for c in codings if c.lower() in kept().codings) or "*"
            case "policy":
                return clean_policy(value, self._standins)
            case "csp":
                return clean_csp(value, self._addresses, self._standins)
            case "location":
                return self._addresses.relative(url, value)
            case "media":
                return media_type(value)
            case "number":
                return value if _NUMBER.fullmatch(value) else None
        raise ValueError(how)

    def _agent(self, value: str) -> str:
        if is_redacted(value):
            return "[redacted]"
        clean = agent(value[:_LONGEST_AGENT])
        if clean != value:
            self._tally.removed["parts of a User-Agent"] += 1
        return clean


@functools.lru_cache(maxsize=256)
def agent(text: str) -> str:
    """A User-Agent with the products and words that are known, each at its place."""
    out: list[str] = []
    end, before = 0, ""
    for found in _AGENT_TOKEN.finditer(text):
        word = found[0]
        if _known(word, before):
            if out and " " in text[end : found.start()]:
                out.append(" ")
            out.append(word)
            before, end = word, found.end()
        else:
            before = ""  # a number behind what is not known is a part of that
    clean, tidied = "".join(out), ""
    while clean != tidied:
        tidied, clean = clean, " ".join(clean.split())
        for odd, tidy in _ODD:
            clean = clean.replace(odd, tidy)
    return clean


def _known(word: str, before: str) -> bool:
    if word in "();,":
        return True
    if word == ":":
        return before == "rv"
    product, slash, version = word.partition("/")
    if slash:
        return product in kept().products and (
            not version or _VERSION.fullmatch(version) is not None or version == "15E148"
        )
    if word in kept().agent_words or word in kept().products:
        return True
    return before in _NUMBERED_BY and _SYSTEM.fullmatch(word) is not None


def accepted(value: str) -> str:
    """An Accept header's known media types with their weights."""
    found = []
    for one in value.split(","):
        kind, *parameters = (part.strip() for part in one.split(";"))
        if kind.lower() in kept().accept:
            weights = [part for part in parameters if _QUALITY.fullmatch(part)]
            found.append(";".join([kind, *weights[:1]]))
    return ",".join(dict.fromkeys(found)) or "*/*"


@functools.lru_cache(maxsize=512)
def media_type(value: str) -> str:
    """A media type and its character set; an unusual one becomes `application/octet-stream`."""
    if not value:
        return ""
    found = _MEDIA.match(value.strip())
    if found is None or found[1].lower() not in kept().media_types:
        return "application/octet-stream"
    words = re.split(r"[.+-]", found[2])
    if not all(is_word(word) for word in words) or sum(c.isdigit() for c in found[2]) > 4:
        return f"{found[1]}/octet-stream"
    charset = _CHARSET.search(value)
    if charset is None:
        return found[0]
    return value if value == f"{found[0]}; {charset[0]}" else f"{found[0]};{charset[0]}"


@functools.lru_cache(maxsize=1)
def _signs() -> dict[str, tuple[software.Sign, ...]]:
    """What the table of software looks for, by header; cookies under `set-cookie`."""
    found: dict[str, list[software.Sign]] = {}
    for entry in software.table():
        for sign in (*entry.require, *entry.support, *entry.against):
            found.setdefault("set-cookie" if sign.cookie else sign.header, []).append(sign)
    return {name: tuple(signs) for name, signs in found.items()}


def _sign(name: str, value: str) -> str | None:
    """As much of a header's value as the table of software names, None for nothing."""
    signs = _signs().get(name, ())
    if name == "set-cookie":
        return _cookies(signs, value)
    shown = ""
    fits = False
    for sign in signs:
        folded = value.strip().lower()
        whole = sign.exactly if sign.exactly is not None else sign.equals
        if whole is not None:
            if folded == whole.lower():
                return value.strip()
        elif sign.begins is not None:
            if folded.startswith(sign.begins.lower()):
                fits, shown = True, _longer(sign.begins, shown)
        elif sign.has is not None:
            if sign.has.lower() in folded and sign.has not in shown:
                fits, shown = True, f"{shown}; {sign.has}" if shown else sign.has
        else:
            fits = True
    return (shown or "removed") if fits else None


def _longer(a: str, b: str) -> str:
    return a if len(a) > len(b) else b


def _cookies(signs: Iterable[software.Sign], value: str) -> str | None:
    names = {sign.cookie for sign in signs}
    set_here = [line.partition("=")[0].strip() for line in value.split("\n")]
    return "\n".join(f"{name}=removed" for name in set_here if name in names) or None
