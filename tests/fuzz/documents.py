"""Targets: markup as it is read, and as it is changed on its way to the browser."""

from __future__ import annotations

import re

from diagnostics.browser import html
from diagnostics.browser import referrer_policy as rp
from diagnostics.journey.whatif import parse_change
from diagnostics.live import rewrite
from diagnostics.live.markup import start_tags
from tests.fuzz.target import as_text

_PAGE = "https://shop.example.com/map"


def markup(data: bytes) -> None:
    read = html.read(data, _PAGE)
    orders = [meta.order for meta in read.meta_referrer]
    assert orders == sorted(orders)
    for meta in (*read.meta_referrer, *read.meta_csp):
        assert meta.content
        meta.content.encode()
    for frame in read.frames:
        (frame.srcdoc or "").encode()
    for text in (*read.inline_scripts, *(script.url for script in read.scripts)):
        text.encode()
    for policy in read.content_security_policies:
        assert policy.directives
    # Nothing that stands in a comment or in text that is no markup says anything.
    hidden = html.read(b"<!--" + data.replace(b"--", b"- ").strip(b">-!"), _PAGE)
    assert hidden == html.DocumentPolicies(_PAGE, is_cut=hidden.is_cut)


_CHANGES = tuple(
    map(parse_change, ("referrer-policy=origin", "csp-=sandbox", "request-policy=unsafe-url"))
)
#: Where the rewriter says that it does not follow a tree: foreign elements, and what only a tree
#: knows (a select's contents, text behind `<plaintext>`, tables, templates, frames in place of a
#: body, a head that was closed).
_TREE = re.compile(rb"<(?:svg|math|select|plaintext|template|frameset|table|noscript)", re.I)


def rewritten(data: bytes) -> None:
    untouched = rewrite.document_body(data, "text/html", _PAGE, [])
    assert untouched.body is data
    assert not untouched.says
    changed = rewrite.document_body(data, "text/html; charset=utf-8", _PAGE, _CHANGES)
    again = rewrite.document_body(changed.body, "text/html; charset=utf-8", _PAGE, _CHANGES)
    assert again.body == changed.body, "a second change changes more"
    if _TREE.search(data) or b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    after = html.read(changed.body, _PAGE)
    if after.is_cut:
        return
    for meta in after.meta_referrer:
        assert rp.parse_meta(meta.content).policy == "origin", meta.content
    for policy in after.content_security_policies:
        assert policy.get("sandbox") is None


def tags(data: bytes) -> None:
    text = as_text(data)
    place = 0
    for tag in start_tags(text):
        assert place <= tag.start < tag.after_name <= tag.end <= len(text)
        assert text[tag.start] == "<"
        assert text[tag.end - 1] == ">"
        for attribute in tag.attributes:
            assert tag.after_name <= attribute.start < attribute.end <= tag.end
            written = text[attribute.start : attribute.end]
            assert attribute.value is None or attribute.value in written
        place = tag.end
