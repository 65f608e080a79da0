"""A what-if change applied to a live document: its response headers and its markup.

Pure: header fields and bytes in, changed ones out, with sentences that say what was changed. Only
what a change is about is touched; every other byte stays. What cannot be changed from outside (a
script's own options, the page's address) is said by `obstacle`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import cache

import msgspec
from selectolax.lexbor import LexborHTMLParser

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Pairs
from diagnostics.journey.whatif import Change
from diagnostics.live.markup import Attribute, Edit, StartTag, edited, start_tags
from diagnostics.provider.profile import profile_for, profiles

#: A document longer than this is let through with its headers changed only.
MOST_BYTES = 16 * 1024 * 1024
_MOST_NESTED = 3
_MOST_SAID = 20
_WITH_POLICY = {"img": "src", "script": "src", "iframe": "src", "link": "href"}
_OBSTACLES = {
    "page": "a page cannot be moved from here: open it at the other address",
    "client": "the browser cannot be cleaned from here: open the page in a fresh profile",
    "cache": "the browser's cache is asked before the proxy: reload with Ctrl+Shift+R"
    " (Cmd+Shift+R)",
}
_CAVEATS = {
    "request-policy": "Only elements in the page's markup are changed. What scripts ask for, with"
    " fetch() or a map library's own option, stays as it is.",
    "gl-js": "Only a map library that the page's markup loads by an address with its version is"
    " exchanged, not one that is bundled with the site's own scripts or added by a script.",
    "sandbox": "Only frames in a page's markup are changed, not those that scripts add.",
    "allow": "The provider's real list stays as it is. Where the changed list decides otherwise,"
    " an emulated provider answers in its place, with an empty map.",
}
#: Fields that tell of a document's old content, or let the browser ask for it again.
_STALE = frozenset(
    {"etag", "last-modified", "expires", "cache-control", "pragma", "content-md5"}
    | {"digest", "content-digest", "repr-digest"}
)
_CSP = "content-security-policy"
_POLICY = "referrer-policy"
_WHOLE_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
_FIELD = re.compile(r"[\t\n\f\r ]+")


class Changed(msgspec.Struct, frozen=True):
    """Header fields, or a document, and what was changed in them."""

    headers: Pairs = ()
    body: bytes = b""
    says: tuple[str, ...] = ()


def obstacle(change: Change) -> str:
    """Why a change cannot be tried on live traffic; empty where it can."""
    if change.name == "gl-js" and not _WHOLE_VERSION.fullmatch(change.value):
        return "the address of a library has its whole version in it: write for example gl-js=3.9.0"
    return _OBSTACLES.get(change.name, "")


def caveat(change: Change) -> str:
    """What to know while a change is tried; empty where there is nothing."""
    return _CAVEATS.get(change.name, "")


def changes_documents(changes: Collection[Change]) -> bool:
    """Whether any of the changes is made in documents, not at the provider."""
    return any(change.name != "allow" and not obstacle(change) for change in changes)


def document_headers(headers: Pairs, changes: Sequence[Change]) -> Changed:
    """The response headers of a document after `changes`; it is never cached then."""
    says: list[str] = []
    pairs = [pair for pair in headers if pair[0].lower() not in _STALE]
    for change in changes:
        if change.name == _POLICY:
            before = ", ".join(v for n, v in pairs if n.lower() == _POLICY)
            pairs = [pair for pair in pairs if pair[0].lower() != _POLICY]
            pairs.append(("Referrer-Policy", change.value))
            says.append(f"Referrer-Policy: {change.value} (was {_shown(before) or 'not sent'})")
        elif change.name == "csp":
            pairs, found = _without_sandbox(pairs)
            if found:
                says.append("sandbox was taken out of the Content-Security-Policy")
        elif change.name == "to":
            pairs.append(("Content-Security-Policy", "upgrade-insecure-requests"))
            says.append("Content-Security-Policy: upgrade-insecure-requests was added")
    pairs.append(("Cache-Control", "no-store"))
    return Changed(tuple(pairs), says=tuple(says))


def redirect_headers(headers: Pairs, changes: Sequence[Change]) -> Changed:
    """The headers of a redirect, whose own Referrer-Policy would win over the page's."""
    changed = any(change.name == _POLICY for change in changes)
    pairs = tuple(pair for pair in headers if not changed or pair[0].lower() != _POLICY)
    says = ("a redirect's own Referrer-Policy was removed",) if pairs != headers else ()
    return Changed(pairs, says=says)


def _without_sandbox(pairs: Sequence[tuple[str, str]]) -> tuple[list[tuple[str, str]], bool]:
    kept: list[tuple[str, str]] = []
    for name, value in pairs:
        if name.lower() == _CSP:
            policies = [_policy_without_sandbox(policy) for policy in value.split(",")]
            new = ",".join(policy for policy in policies if policy.strip())
            if policies != value.split(","):
                value = new
            if not value.strip():
                continue
        kept.append((name, value))
    return kept, kept != list(pairs)


def _policy_without_sandbox(policy: str) -> str:
    directives = policy.split(";")
    kept = [d for d in directives if _FIELD.split(d.strip(), 1)[0].lower() != "sandbox"]
    return policy if kept == directives else ";".join(kept)


def document_body(body: bytes, content_type: str, url: str, changes: Sequence[Change]) -> Changed:
    """The bytes of a document after `changes`; the same object where nothing had to change.

    `content_type` is the header's value, `url` the document's. Whatever the encoding, bytes that
    are not part of a change stay as they are; a document that cannot be read is left alone.
    """
    if len(body) > MOST_BYTES:
        return Changed(body=body, says=("the markup is too long to be changed",))
    encoding, mark = _encoding(body, content_type)
    try:
        text = body[len(mark) :].decode(encoding, _ERRORS[encoding == "ascii"])
        if encoding == "iso2022_jp" and text.encode(encoding) != body:
            raise ValueError
    except ValueError:
        return Changed(body=body, says=(f"the markup is no {encoding} and was not changed",))
    new, says = _Rewriter(changes, url).document(text)
    if new == text:
        return Changed(body=body)
    return Changed(body=mark + new.encode(encoding, _ERRORS[encoding == "ascii"]), says=tuple(says))


_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_WIDE = {"utf-16": "utf-16-le", "utf-16le": "utf-16-le", "unicode": "utf-16-le",
         "ucs-2": "utf-16-le", "utf-16be": "utf-16-be"}  # fmt: skip
_ERRORS = {True: "surrogateescape", False: "strict"}
_MARKS = ((b"\xef\xbb\xbf", "ascii"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


def _encoding(body: bytes, content_type: str) -> tuple[str, bytes]:
    """How to read a document so that writing it gives the same bytes again, and its byte order
    mark (Encoding Standard, 4.2 and 6; HTML Standard, 13.2.3.2).

    In every encoding of the web but three the bytes below 128 that matter in markup mean ASCII,
    so the rest need not be understood. The three are UTF-16 in both orders and ISO-2022-JP.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return encoding, mark
    label = _CHARSET.search(content_type.encode("ascii", "replace"))
    if label is not None and (wide := _WIDE.get(label[1].decode("ascii").lower())):
        return wide, b""
    label = label or _CHARSET.search(body[:1024])
    if label is not None and label[1].lower() in {b"iso-2022-jp", b"csiso2022jp"}:
        return "iso2022_jp", b""
    return "ascii", b""


class _Rewriter:
    """Applies changes to markup, and to the documents within `srcdoc` attributes."""

    def __init__(self, changes: Sequence[Change], url: str) -> None:
        self._url = url
        self._says: dict[str, int] = {}
        by_name = {change.name: change.value for change in changes}
        self._policy = rp.parse_header([by_name.get(_POLICY, "")]).policy
        self._request_policy = rp.parse_header([by_name.get("request-policy", "")]).policy
        self._sandbox = "csp" in by_name
        self._same_origin = "sandbox" in by_name
        self._library = by_name.get("gl-js", "")

    def document(self, text: str) -> tuple[str, list[str]]:
        """The changed text, and what was changed."""
        new = self._nested(text, 0)
        says = [f"{what}{f' ({n} times)' if n > 1 else ''}" for what, n in self._says.items()]
        return new, says

    def _nested(self, text: str, depth: int) -> str:
        edits: list[Edit] = []
        base = self._url
        for tag in start_tags(text):
            if tag.name == "base" and base == self._url and (href := tag.get("href")):
                base = urls.join(self._url, _decoded(href.value or "")) or base
            elif tag.name == "meta" and not tag.inert:
                edits += self._meta(tag)
            elif tag.name in _WITH_POLICY:
                edits += self._element(tag, base, depth)
        return edited(text, edits)

    def _meta(self, tag: StartTag) -> list[Edit]:
        name, http_equiv, content = tag.get("name"), tag.get("http-equiv"), tag.get("content")
        if content is None or not content.value:
            return []
        if self._policy and _is(name, "referrer") and _decoded(content.value) != self._policy:
            self._count(f"<meta name=referrer> was {_shown(content.value)}")
            return [_value(content, self._policy)]
        if self._sandbox and _is(http_equiv, _CSP):
            policy = _decoded(content.value)
            if (new := _policy_without_sandbox(policy)) != policy:
                self._count("sandbox was taken out of a <meta>")
                return [_value(content, new)]
        return []

    def _element(self, tag: StartTag, base: str, depth: int) -> list[Edit]:
        edits = []
        if self._request_policy and self._asks_provider(tag, base):
            edits += self._with(tag, "referrerpolicy", self._request_policy)
        if self._library and tag.name in {"script", "link"}:
            edits += self._other_version(tag)
        if tag.name == "iframe":
            if self._same_origin and (sandbox := tag.get("sandbox")) is not None:
                tokens = _FIELD.split(_decoded(sandbox.value or "").strip())
                if "allow-same-origin" not in (token.lower() for token in tokens):
                    self._count("allow-same-origin was added to an iframe's sandbox")
                    edits.append(_value(sandbox, " ".join([*filter(None, tokens), _SAME_ORIGIN])))
            srcdoc = tag.get("srcdoc")
            if srcdoc is not None and srcdoc.value and depth < _MOST_NESTED:
                edits += self._srcdoc(srcdoc, depth)
        return edits

    def _other_version(self, tag: StartTag) -> list[Edit]:
        """The map library's script or stylesheet in the wanted version, whatever its digest."""
        pointer = tag.get(_WITH_POLICY[tag.name])
        address = _decoded(pointer.value or "") if pointer else ""
        for pattern in _versions_in_addresses():
            found = pattern.search(address)
            if pointer is None or found is None or found[1] == self._library:
                continue
            self._count(f"the map library was {_shown(found[1])}, is {self._library}")
            changed = address[: found.start(1)] + self._library + address[found.end(1) :]
            integrity = tag.get("integrity")
            return [
                _value(pointer, changed),
                *([Edit(integrity.start, integrity.end, "")] if integrity else []),
            ]
        return []

    def _srcdoc(self, attribute: Attribute, depth: int) -> list[Edit]:
        """The document within, which is text of an attribute: its character references are read,
        and written anew only if something was changed."""
        inner = _decoded(attribute.value or "")
        changed = self._nested(inner, depth + 1)
        return [] if changed == inner else [_value(attribute, changed)]

    def _asks_provider(self, tag: StartTag, base: str) -> bool:
        pointers = [tag.get(_WITH_POLICY[tag.name]), tag.get("srcset"), tag.get("imagesrcset")]
        for pointer in pointers:
            for word in _FIELD.split(_decoded(pointer.value or "") if pointer else ""):
                url = urls.parse(urls.join(base, word) or "") if word else None
                if url is not None and profile_for(url.host) is not None:
                    return True
        return False

    def _with(self, tag: StartTag, name: str, value: str) -> list[Edit]:
        known = tag.get(name)
        if known is None:
            self._count(f"{name}={value} was added to <{tag.name}>")
            return [Edit(tag.after_name, tag.after_name, f' {name}="{value}"')]
        if _decoded(known.value or "").lower() == value:
            return []
        self._count(f"{name} of <{tag.name}> was {_shown(known.value or '')}")
        return [_value(known, value)]

    def _count(self, what: str) -> None:
        if what not in self._says and len(self._says) >= _MOST_SAID:
            what = "and more"
        self._says[what] = self._says.get(what, 0) + 1


_SAME_ORIGIN = "allow-same-origin"


@cache
def _versions_in_addresses() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(p.library.version_in_script) for p in profiles())


def _is(attribute: Attribute | None, value: str) -> bool:
    return attribute is not None and _decoded(attribute.value or "").lower() == value


def _shown(value: str) -> str:
    return value if len(value) <= 60 else value[:59] + "…"


def _value(attribute: Attribute, value: str) -> Edit:
    """The attribute with another value, in double quotes."""
    return Edit(attribute.start, attribute.end, f'{attribute.name}="{_encoded(value)}"')


# A byte above 127 is read as a lone surrogate (PEP 383), so that it stays apart from the real
# characters that character references stand for. The parser takes no surrogates; for its sake they
# are characters of a private plane meanwhile.
_PRIVATE = {0xDC00 + byte: 0x10F700 + byte for byte in range(0x80, 0x100)}
_BACK = {private: surrogate for surrogate, private in _PRIVATE.items()}


def _decoded(value: str) -> str:
    """An attribute's value with its character references read, by an HTML parser."""
    if "&" not in value:
        return value
    quoted = value.translate(_PRIVATE).replace('"', "&quot;")
    node = LexborHTMLParser(f'<i v="{quoted}">').css_first("i")
    return ((node.attributes.get("v") if node is not None else None) or "").translate(_BACK)


def _encoded(value: str) -> str:
    """The other way: what no byte of the document stood for becomes a character reference."""
    value = value.replace("&", "&amp;").replace('"', "&quot;")
    if value.isascii():
        return value
    return "".join(c if c < "\x80" or ord(c) in _PRIVATE else f"&#{ord(c)};" for c in value)
