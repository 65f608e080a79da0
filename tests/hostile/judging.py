"""Is anything of a payload alive in an output? One judge a format, and none of them ours.

HTML is parsed by an HTML5 parser, Markdown by a CommonMark parser with tables and bare links as
GitHub has them, JSON by Python's; characters are judged by their Unicode category.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser

from diagnostics.causes import catalog
from diagnostics.journey.verdict import Cause

_ELEMENTS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "section",
        "article",
        "nav",
        "div",
        "p",
        "h1",
        "h2",
        "h3",
        "span",
        "b",
        "code",
        "pre",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "a",
        "br",
        "svg",
        "g",
        "path",
        "rect",
        "circle",
        "text",
        "desc",
    ]
)
_ATTRIBUTES = frozenset(
    [
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "id",
        "href",
        "rel",
        "role",
        "tabindex",
        "scope",
        "data-label",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "viewbox",
        "preserveaspectratio",
        "width",
        "height",
        "x",
        "y",
        "r",
        "rx",
        "d",
        "transform",
        "text-anchor",
    ]
)
_FRAGMENT = re.compile(r"#[a-z0-9-]+")
#: What a reader must never be given raw: controls, formats, halves of surrogate pairs, and the two
#: separators that act as line breaks in scripts.
_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: A colour or weight of our own, which is all that a terminal is told.
_OWN_STYLE = re.compile(r"\x1b\[(?:0|1|2|4|7|3[0-7]|9[0-7]|22|39)(?:;\d{1,2})*m")


def assert_plain(text: str) -> None:
    """No character acts on whoever shows it; lines end with a line feed."""
    for char in set(text) - {"\n"}:
        assert unicodedata.category(char) not in _ACTIVE, f"U+{ord(char):04X}"
    text.encode("utf-8")


def assert_plain_with_colours(text: str) -> None:
    assert_plain(_OWN_STYLE.sub("", text))


def assert_json(text: str) -> Any:
    """It is strict JSON, without a character that acts on a terminal."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    assert_plain(text)
    return json.loads(text, parse_constant=refuse)


# ---- Markdown ----

_MARKDOWN = MarkdownIt("commonmark").enable("table").enable("strikethrough")
_OURS = frozenset(
    [
        "heading",
        "paragraph",
        "inline",
        "text",
        "code_inline",
        "fence",
        "bullet_list",
        "list_item",
        "strong",
        "softbreak",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ]
)
#: What GitHub and others make links or names of, outside of code; a backtick there is half of a
#: code span that a table's cell was cut in.
_LINKED = re.compile(r"https?:|www\.|//|[@#]\w|\w@\w|[<>\[\]{}$|~^=`]|&[#\w]+;")


def assert_markdown(text: str, pictures: Sequence[str] = ()) -> None:
    """Only headings, lists, tables, emphasis and code that the report itself writes; no HTML or
    picture but `pictures`, no link but the catalog's, and nothing outside of code that a forge
    makes a link of."""
    assert_plain(text)
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in _OURS, (kind, token.content)
        for child in token.children or ():
            inner = child.type.removesuffix("_open").removesuffix("_close")
            if child.type in {"image", "link_open"}:
                known = pictures if child.type == "image" else _catalog_links()
                assert child.attrs["src" if child.type == "image" else "href"] in known, child
                continue
            assert inner in {*_OURS, "link"}, (inner, child.content, token.content)
            if child.type == "text":
                words = re.sub(r"^\[[ x]\] ", "", child.content)
                assert not _LINKED.search(words), words


# ---- HTML ----


def assert_html(page: str) -> LexborHTMLParser:
    """Elements and attributes are of a short list, links lead within the page or to what the
    catalog names, one style, no script, a policy that forbids all else before anything."""
    assert_plain(page)
    tree = LexborHTMLParser(page)
    outside = _catalog_links()
    styles, policies = 0, []
    for node in tree.root.traverse(include_text=False) if tree.root else ():
        if node.tag in {"-comment", "!doctype", "-doctype"}:
            assert node.tag != "-comment"
            continue
        assert node.tag in _ELEMENTS, node.html
        styles += node.tag == "style"
        for name, value in node.attributes.items():
            assert name.lower() in _ATTRIBUTES, (node.tag, name)
            if name == "href":
                assert node.tag == "a", node.html
                assert _FRAGMENT.fullmatch(value or "") or value in outside, value
            if name == "http-equiv":
                assert value == "Content-Security-Policy", value
                policies.append(node.attributes["content"] or "")
    assert styles == 1
    assert [policy.partition(";")[0] for policy in policies] == ["default-src 'none'"]
    assert page.index("Content-Security-Policy") < page.index("<style>")
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return tree


@functools.lru_cache(maxsize=1)
def _catalog_links() -> set[str]:
    return {link.url for cause in Cause for link in catalog.text(cause).links}
