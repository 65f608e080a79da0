"""What does a document's markup say about policies, frames and what it loads?

Read by an HTML5 parser as a browser with scripts on reads it: comments, `<template>` and
`<noscript>` say nothing. What scripts add later is not seen. Sources: HTML Standard, 4.2.3
(base), 4.2.5.1 (meta referrer), 4.2.5.3 (http-equiv), 4.6.7 (noreferrer), 4.8.5 (iframe).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from diagnostics.browser import csp
from diagnostics.browser.url import join

MAX_LENGTH = 2 * 1024 * 1024
MAX_SCRIPT_TEXT = 100 * 1024
#: The parser's time grows with the square of the depth of nesting: 200,000 open `<div>` cost it
#: two minutes, 20,000 one second. Real pages stay far below this number of start tags.
MAX_TAGS = 20_000

#: The same for the attributes of one tag: 100,000 cost it fifteen seconds.
MAX_ATTRIBUTES = 2_000

_START_TAG = re.compile(r"<[A-Za-z]")
_LONG_TAG = re.compile(r"</?[A-Za-z][^<>]{4000,}")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_SEPARATOR = re.compile(r"[\t\n\f\r /\"']+")
# An HTML parser copies formatting elements that were left open into every later paragraph, so
# 30 KB of markup can cost gigabytes. Under a name of their own they are not formatting elements
# to it. Nothing that is read here depends on that part of the algorithm.
_FORMATTING = re.compile(
    r"(</?)(?=(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\t\n\f\r />])",
    re.IGNORECASE,
)
_WHITESPACE = re.compile(r"[\t\n\f\r ]+")
_LOADING = frozenset({"script", "img", "iframe", "frame", "video", "audio", "embed", "object"})
_WITH_POLICY = frozenset({"a", "area", "img", "script", "link", "iframe"})
_WITH_REL = frozenset({"a", "area", "form"})
_CLICKED = frozenset({"a", "area"})


class Meta(msgspec.Struct, frozen=True):
    """A `<meta>` that sets something: its content as written, its place among the elements, and
    whether something that loads stood before it (the policy reaches only what comes after)."""

    content: str
    order: int
    after_resource: bool


class Frame(msgspec.Struct, frozen=True):
    """An `<iframe>` or `<frame>`. `url` is its resolved src, None where it has none or that is no
    URL; `sandbox` holds the tokens in lower case, None without the attribute; the rest is as
    written, None without the attribute."""

    url: str | None
    srcdoc: str | None
    sandbox: frozenset[str] | None
    referrer_policy: str | None
    allow: str | None
    order: int


class Script(msgspec.Struct, frozen=True):
    """A `<script>` with a src that is a URL; `type` in lower case, empty without one."""

    url: str
    type: str
    referrer_policy: str | None
    order: int


class Stylesheet(msgspec.Struct, frozen=True):
    """A `<link rel=stylesheet>` with a href that is a URL."""

    url: str
    referrer_policy: str | None
    order: int


class ReferrerAttribute(msgspec.Struct, frozen=True):
    """An element with `referrerpolicy`: its tag, the value as written, and the URL it points to
    (None where it has none)."""

    tag: str
    value: str
    url: str | None
    order: int


class NoReferrer(msgspec.Struct, frozen=True):
    """A link or form with `rel=noreferrer`; `url` is None where it points nowhere."""

    tag: str
    url: str | None
    order: int


class DocumentPolicies(msgspec.Struct, frozen=True):
    """What the markup says, each list in document order; `order` counts all elements.

    `meta_referrer` holds every `<meta name=referrer>` with content, legacy and unknown values
    too: the last value that is known wins, and each applies from where it stands. `meta_csp`
    holds those that count, direct children of `<head>`. `base_url` is what relative URLs end up
    resolved against. `inline_scripts` are the texts of scripts without src, data blocks too.
    `is_cut` says that the document was too long, too deep or had too much script to be read to
    its end.
    """

    base_url: str
    meta_referrer: tuple[Meta, ...] = ()
    meta_csp: tuple[Meta, ...] = ()
    frames: tuple[Frame, ...] = ()
    referrer_attributes: tuple[ReferrerAttribute, ...] = ()
    scripts: tuple[Script, ...] = ()
    stylesheets: tuple[Stylesheet, ...] = ()
    inline_scripts: tuple[str, ...] = ()
    no_referrer: tuple[NoReferrer, ...] = ()
    is_cut: bool = False

    @property
    def content_security_policies(self) -> tuple[csp.Policy, ...]:
        """The policies of `meta_csp`, parsed."""
        return tuple(policy for meta in self.meta_csp for policy in csp.parse_meta(meta.content))


def read(html: str | bytes, url: str, base_url: str | None = None) -> DocumentPolicies:
    """What the document `html`, which came from `url`, says. Never raises.

    `base_url` is what relative URLs resolve against until a `<base>` says otherwise: the URL
    itself, but for a srcdoc document its parent's base. Bytes are read as UTF-8 unless a byte
    order mark says UTF-16; everything that counts here is ASCII in other encodings too.
    """
    text, is_cut = _bounded(html)
    mark = _unused_prefix(text)
    source = _FORMATTING.sub(rf"\1{mark}", text).encode("utf-8", "replace")
    reading = _Reading(mark, base_url or url)
    try:
        for order, node in enumerate(_elements(source)):
            reading.take(node, order)
    except SelectolaxError:
        is_cut = True
    return reading.result(is_cut)


def _bounded(html: str | bytes) -> tuple[str, bool]:
    """The text to parse and whether something was cut off."""
    is_cut = len(html) > MAX_LENGTH
    html = html[:MAX_LENGTH]
    if isinstance(html, bytes):
        wide = html.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        html = html.decode("utf-16" if wide else "utf-8-sig", "replace")
    for number, tag in enumerate(_START_TAG.finditer(html), 1):
        if number > MAX_TAGS:
            html, is_cut = html[: tag.start()], True
            break
    for tag in _LONG_TAG.finditer(html):
        if len(_SEPARATOR.findall(_QUOTED.sub("''", tag[0]))) > MAX_ATTRIBUTES:
            return html[: tag.start()], True
    return html, is_cut


def _unused_prefix(text: str) -> str:
    lowered = text.lower()
    prefix, number = "x-", 0
    while f"<{prefix}" in lowered or f"</{prefix}" in lowered:
        number += 1
        prefix = f"x{number}-"
    return prefix


def _elements(source: bytes) -> Iterator[LexborNode]:
    root = LexborHTMLParser(source, scripting=True).root
    if root is not None:
        yield from (node for node in root.traverse() if node.is_element_node)


class _Reading:
    """Gathers from elements in document order."""

    def __init__(self, mark: str, base: str) -> None:
        self._mark = mark
        self._document_base = base
        self._base = base
        self._base_is_set = False
        self._loads = False
        self._script_room = MAX_SCRIPT_TEXT
        self._script_was_cut = False
        self._referrer: list[Meta] = []
        self._csp: list[Meta] = []
        self._frames: list[Frame] = []
        self._scripts: list[Script] = []
        self._stylesheets: list[Stylesheet] = []
        self._inline: list[str] = []
        # A link is resolved when it is clicked, so with the base that the document ends up with.
        self._attributes: list[tuple[str, str, str | None, str | None, int]] = []
        self._no_referrer: list[tuple[str, str | None, int]] = []

    def take(self, node: LexborNode, order: int) -> None:
        tag = (node.tag or "").removeprefix(self._mark)
        if tag not in _TAKEN:
            return
        attributes = {name: self._restored(value or "") for name, value in node.attributes.items()}
        if tag == "meta":
            self._take_meta(node, attributes, order)
        elif tag == "base":
            self._take_base(attributes)
        elif tag in {"iframe", "frame"}:
            self._take_frame(attributes, order)
        elif tag == "script":
            self._take_script(node, attributes, order)
        elif tag == "link" and "stylesheet" in _tokens(attributes.get("rel")):
            self._take_stylesheet(attributes, order)
        pointer = attributes.get("action" if tag == "form" else "href" if tag in _HREF else "src")
        if tag in _WITH_POLICY and "referrerpolicy" in attributes:
            url = None if tag in _CLICKED else self._resolve(pointer)
            self._attributes.append((tag, attributes["referrerpolicy"], url, pointer, order))
        if tag in _WITH_REL and "noreferrer" in _tokens(attributes.get("rel")):
            self._no_referrer.append((tag, pointer, order))
        self._loads = self._loads or tag in _LOADING

    def _take_meta(self, node: LexborNode, attributes: dict[str, str], order: int) -> None:
        content = attributes.get("content")
        if not content:
            return
        meta = Meta(content, order, self._loads)
        if attributes.get("name", "").lower() == "referrer":
            self._referrer.append(meta)
        parent = node.parent
        if (
            attributes.get("http-equiv", "").lower() == "content-security-policy"
            and parent is not None
            and parent.tag == "head"
        ):
            self._csp.append(meta)

    def _take_base(self, attributes: dict[str, str]) -> None:
        href = attributes.get("href")
        if href is None or self._base_is_set:
            return
        self._base_is_set = True
        base = join(self._document_base, href)
        if base is not None and not base.startswith(("data:", "javascript:")):
            self._base = base

    def _take_frame(self, attributes: dict[str, str], order: int) -> None:
        sandbox = attributes.get("sandbox")
        self._frames.append(
            Frame(
                url=self._resolve(attributes.get("src")),
                srcdoc=attributes.get("srcdoc"),
                sandbox=None if sandbox is None else _tokens(sandbox),
                referrer_policy=attributes.get("referrerpolicy"),
                allow=attributes.get("allow"),
                order=order,
            )
        )

    def _take_script(self, node: LexborNode, attributes: dict[str, str], order: int) -> None:
        if "src" in attributes:
            url = self._resolve(attributes["src"])
            if url is not None:
                kind = attributes.get("type", "").strip().lower()
                policy = attributes.get("referrerpolicy")
                self._scripts.append(Script(url, kind, policy, order))
            return
        text = self._restored(node.text_lexbor() if node.first_child is not None else "")
        if len(text) > self._script_room:
            text, self._script_was_cut = text[: self._script_room], True
        self._script_room -= len(text)
        if text:
            self._inline.append(text)

    def _take_stylesheet(self, attributes: dict[str, str], order: int) -> None:
        url = self._resolve(attributes.get("href"))
        if url is not None:
            self._stylesheets.append(Stylesheet(url, attributes.get("referrerpolicy"), order))
            self._loads = True

    def _restored(self, text: str) -> str:
        return text.replace(f"<{self._mark}", "<").replace(f"</{self._mark}", "</")

    def _resolve(self, reference: str | None) -> str | None:
        """`reference` against the base so far. None for none and for an empty one, which no
        element fetches."""
        return join(self._base, reference) if reference else None

    def result(self, is_cut: bool) -> DocumentPolicies:
        return DocumentPolicies(
            base_url=self._base,
            meta_referrer=tuple(self._referrer),
            meta_csp=tuple(self._csp),
            frames=tuple(self._frames),
            referrer_attributes=tuple(
                ReferrerAttribute(
                    tag, value, self._resolve(pointer) if tag in _CLICKED else url, order
                )
                for tag, value, url, pointer, order in self._attributes
            ),
            scripts=tuple(self._scripts),
            stylesheets=tuple(self._stylesheets),
            inline_scripts=tuple(self._inline),
            no_referrer=tuple(
                NoReferrer(tag, self._resolve(pointer), order)
                for tag, pointer, order in self._no_referrer
            ),
            is_cut=is_cut or self._script_was_cut,
        )


_HREF = frozenset({"a", "area", "link"})
_TAKEN = _LOADING | _WITH_POLICY | _WITH_REL | {"meta", "base"}


def _tokens(value: str | None) -> frozenset[str]:
    return frozenset(token for token in _WHITESPACE.split((value or "").lower()) if token)
