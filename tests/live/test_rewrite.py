"""Changes applied to documents: only what they are about, in any encoding, whatever the markup."""

from __future__ import annotations

import html as character_references
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.browser import html
from diagnostics.journey.whatif import Change, parse_change
from diagnostics.live import rewrite
from diagnostics.live.rewrite import Changed

PAGE = "https://shop.example.com/map"
POLICY = "referrer-policy=strict-origin-when-cross-origin"
TILE = "https://api.mapbox.com/v4/x/1/0/0.png"
#: What must stay as it is around the place of a change.
AROUND = (
    "<!DOCTYPE html>\r\n<HTML lang=en><!-- <meta name=referrer content=never> -->\n"
    "<script>document.write('<meta name=referrer content=never>')</script>"
    "<template><meta name=referrer content=never></template><style>a::after{content:'<meta>'}"
    "</style>%s<p class='a'ID=b>é &amp; &lt;meta&gt; \t</p>"
    "<textarea><meta name=referrer></textarea>"
)


def changes(*texts: str) -> list[Change]:
    return [parse_change(text) for text in texts]


def body(text: str, *texts: str, kind: str = "text/html; charset=utf-8") -> Changed:
    return rewrite.document_body(text.encode(), kind, PAGE, changes(*texts))


def test_many_changes_are_a_few_sentences() -> None:
    markup = "".join(f"<meta name=referrer content=x{n % 30}>" for n in range(90))
    changed = body(markup, POLICY)
    assert changed.body.count(b"strict-origin-when-cross-origin") == 90
    assert changed.says[:2] == (
        "<meta name=referrer> was x0 (3 times)",
        "<meta name=referrer> was x1 (3 times)",
    )
    assert len(changed.says) == 21
    assert changed.says[-1] == "and more (30 times)"


MARKUP = [
    (
        '<meta name="referrer" content="no-referrer">',
        POLICY,
        '<meta name="referrer" content="strict-origin-when-cross-origin">',
    ),
    (
        "<META Content=never NAME='Referrer'>",
        POLICY,
        '<META content="strict-origin-when-cross-origin" NAME=\'Referrer\'>',
    ),
    (
        "<meta name=referrer content=never/>",
        "referrer-policy=origin",
        '<meta name=referrer content="origin">',
    ),
    ("<meta name=referrer content=origin>", "referrer-policy=origin", None),
    ("<meta name=referrer>", POLICY, None),
    ("<meta name=description content=no-referrer>", POLICY, None),
    ("<iframe sandbox src=x></iframe>", "sandbox+=allow-same-origin",
     '<iframe sandbox="allow-same-origin" src=x></iframe>'),
    ("<iframe SANDBOX='allow-scripts' src=x></iframe>", "sandbox+=allow-same-origin",
     '<iframe sandbox="allow-scripts allow-same-origin" src=x></iframe>'),
    ("<iframe sandbox=Allow-Same-Origin></iframe>", "sandbox+=allow-same-origin", None),
    ("<iframe src=x></iframe>", "sandbox+=allow-same-origin", None),
    ("<meta http-equiv=Content-Security-Policy content=\"img-src 'self'; sandbox\">",
     "csp-=sandbox",
     "<meta http-equiv=Content-Security-Policy content=\"img-src 'self'\">"),
    ("<meta http-equiv=content-security-policy content='img-src &#39;self&#39;'>",
     "csp-=sandbox", None),
    (f"<img src={TILE}>", "request-policy=origin",
     f'<img referrerpolicy="origin" src={TILE}>'),
    (f"<img referrerpolicy=no-referrer src='{TILE}?a=1&amp;b=2'>", "request-policy=origin",
     f"<img referrerpolicy=\"origin\" src='{TILE}?a=1&amp;b=2'>"),
    ("<img src=//api.mapbox.com/x.png>", "request-policy=origin",
     '<img referrerpolicy="origin" src=//api.mapbox.com/x.png>'),
    (f"<img src=a.png srcset='a.png 1x, {TILE} 2x'>", "request-policy=origin",
     f"<img referrerpolicy=\"origin\" src=a.png srcset='a.png 1x, {TILE} 2x'>"),
    ("<link rel=stylesheet href=https://api.mapbox.com/x.css>", "request-policy=origin",
     '<link referrerpolicy="origin" rel=stylesheet href=https://api.mapbox.com/x.css>'),
    ("<img src=/own.png referrerpolicy=no-referrer>", "request-policy=origin", None),
    (f"<a href={TILE}>x</a>", "request-policy=origin", None),
    ("<base href=https://api.mapbox.com/><img src=x.png>", "request-policy=origin",
     '<base href=https://api.mapbox.com/><img referrerpolicy="origin" src=x.png>'),
    ('<script integrity="sha384-x" src=//api.mapbox.com/mapbox-gl-js/v0.45.0/mapbox-gl.js>',
     "gl-js=3.9.0",
     '<script  src="//api.mapbox.com/mapbox-gl-js/v3.9.0/mapbox-gl.js">'),
    ("<link rel=stylesheet href=https://unpkg.com/mapbox-gl@1.13.3/dist/mapbox-gl.css>",
     "gl-js=3.9.0",
     '<link rel=stylesheet href="https://unpkg.com/mapbox-gl@3.9.0/dist/mapbox-gl.css">'),
    ("<script src=/mapbox-gl@3.9.0/mapbox-gl.js></script>", "gl-js=3.9.0", None),
    ("<script src=/bundle.3f2a.js integrity=sha384-x></script>", "gl-js=3.9.0", None),
    ("<p>no change</p>", POLICY, None),
]  # fmt: skip


@pytest.mark.parametrize(("before", "change", "after"), MARKUP)
def test_only_the_place_is_changed(before: str, change: str, after: str | None) -> None:
    changed = body(AROUND % before, change)
    assert changed.body.decode() == AROUND % (before if after is None else after)
    assert bool(changed.says) is (after is not None)


def srcdocs(text: str) -> list[str]:
    return [frame.srcdoc or "" for frame in html.read(text, PAGE).frames]


@pytest.mark.parametrize(
    "inner",
    [
        "<meta name=referrer content=no-referrer><p>é — &eacute; &copy=1 \"'&amp;lt;</p>",
        "<meta name=referrer content='no-referrer'><img src='?a=1&copy=2&amp;b=3'>",
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_a_srcdoc_document_is_changed_within(inner: str, charset: str) -> None:
    text = f'<p>é</p><iframe srcdoc="{character_references.escape(inner)}"></iframe><p>é</p>'
    kind = f"text/html; charset={charset}"
    raw = text.encode(charset, "xmlcharrefreplace")
    changed = rewrite.document_body(raw, kind, PAGE, changes(POLICY))
    [before], [after] = srcdocs(raw.decode(charset)), srcdocs(changed.body.decode(charset))
    assert after == re.sub("content='?no-referrer'?", 'content="strict-origin-when-cross-origin"',
                           before)  # fmt: skip
    assert changed.body.startswith(raw[: raw.index(b"srcdoc")])
    assert changed.body.endswith(raw[-5:])


def test_a_srcdoc_document_within_another() -> None:
    inner = "<meta name=referrer content=never>é &eacute;"
    middle = f"<iframe srcdoc='{character_references.escape(inner)}'></iframe>"
    outer = f"<iframe srcdoc='{character_references.escape(middle)}'></iframe>"
    [middle_after] = srcdocs(body(outer, POLICY).body.decode())
    [inner_after] = srcdocs(middle_after)
    assert inner_after == '<meta name=referrer content="strict-origin-when-cross-origin">é &eacute;'


def test_an_unchanged_srcdoc_keeps_its_spelling() -> None:
    text = "<iframe srcdoc='<p>&#x3c;&LT;&quot é</p>'></iframe>"
    assert body(text, POLICY).body == text.encode()


@pytest.mark.parametrize(
    ("kind", "prefix", "encoding"),
    [
        ("text/html; charset=utf-8", b"", "utf-8"),
        ("text/html", b"\xef\xbb\xbf", "utf-8"),
        ("text/html", b"\xff\xfe", "utf-16-le"),
        ("text/html; charset=utf-8", b"\xfe\xff", "utf-16-be"),  # a mark wins over the header
        ("text/html; charset=UTF-16", b"", "utf-16-le"),
        ('text/html; charset="utf-16be"', b"", "utf-16-be"),
        ("text/html; charset=Shift_JIS", b"", "shift_jis"),
        ("text/html; charset=gb18030", b"", "gb18030"),
        ("text/html; charset=Big5", b"", "big5"),
        ("text/html; charset=iso-2022-jp", b"", "iso2022_jp"),
        ("text/html; charset=x-unknown", b"", "windows-1251"),
        ("", b"", "koi8-r"),
    ],
)
def test_every_encoding_keeps_its_bytes(kind: str, prefix: bytes, encoding: str) -> None:
    words = {"windows-1251": "карта", "koi8-r": "карта", "big5": "地圖"}.get(encoding, "地図表示")
    page = f"<!DOCTYPE html><title>{words}</title><meta name=referrer content=%s><p>{words}</p>"
    raw = prefix + (page % "no-referrer").encode(encoding)
    changed = rewrite.document_body(raw, kind, PAGE, changes(POLICY))
    wanted = page % '"strict-origin-when-cross-origin"'
    assert changed.body == prefix + wanted.encode(encoding)


def test_an_encoding_named_in_the_markup() -> None:
    page = '<meta charset="iso-2022-jp"><title>地図</title><meta name=referrer content=%s>'
    raw = (page % "never").encode("iso2022_jp")
    changed = rewrite.document_body(raw, "text/html", PAGE, changes("referrer-policy=origin"))
    assert changed.body == (page % '"origin"').encode("iso2022_jp")


def test_what_cannot_be_read_is_left_alone() -> None:
    raw = b"<meta name=referrer content=never>\xd8\x00"
    odd = rewrite.document_body(raw, "text/html; charset=utf-16", PAGE, changes(POLICY))
    assert odd.body == raw
    broken = b"<meta name=referrer content=never>\x1b$B\xff\x1b(B"
    japanese = rewrite.document_body(
        broken, "text/html; charset=iso-2022-jp", PAGE, changes(POLICY)
    )
    assert (japanese.body, len(japanese.says)) == (broken, 1)
    long = b"<meta name=referrer content=never>" + b" " * rewrite.MOST_BYTES
    assert rewrite.document_body(long, "text/html", PAGE, changes(POLICY)).body is long


HEADERS = (
    ("Content-Type", "text/html"),
    ("Referrer-Policy", "no-referrer"),
    ("referrer-policy", "same-origin"),
    ("Content-Security-Policy", "sandbox allow-scripts; img-src *, SANDBOX"),
    ("Content-Security-Policy", "sandbox"),
    ("Content-Security-Policy-Report-Only", "sandbox"),
    ("ETag", '"x"'),
    ("Cache-Control", "max-age=60"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
)


def test_headers() -> None:
    changed = rewrite.document_headers(HEADERS, changes(POLICY, "csp-=sandbox"))
    assert changed.headers == (
        ("Content-Type", "text/html"),
        ("Content-Security-Policy", " img-src *"),
        ("Content-Security-Policy-Report-Only", "sandbox"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Cache-Control", "no-store"),
    )
    assert len(changed.says) == 2
    assert "was no-referrer, same-origin" in changed.says[0]


def test_headers_without_a_policy() -> None:
    pairs = (("Content-Security-Policy", "img-src *"),)
    changed = rewrite.document_headers(pairs, changes(POLICY, "csp-=sandbox", "to=https"))
    assert changed.headers == (
        ("Content-Security-Policy", "img-src *"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Content-Security-Policy", "upgrade-insecure-requests"),
        ("Cache-Control", "no-store"),
    )
    assert "was not sent" in changed.says[0]


def test_a_redirect_loses_its_own_policy() -> None:
    pairs = (("Location", "https://api.mapbox.com/"), ("Referrer-Policy", "no-referrer"))
    assert rewrite.redirect_headers(pairs, changes(POLICY)).headers == pairs[:1]
    other = rewrite.redirect_headers(pairs, changes("csp-=sandbox"))
    assert (other.headers, other.says) == (pairs, ())


def test_what_to_know() -> None:
    [allow, policy] = changes("allow+=example.com", POLICY)
    assert "emulated" in rewrite.caveat(allow)
    assert rewrite.caveat(policy) == ""


@pytest.mark.parametrize(
    ("text", "can"),
    [
        (POLICY, True),
        ("csp-=sandbox", True),
        ("sandbox+=allow-same-origin", True),
        ("request-policy=origin", True),
        ("to=https", True),
        ("allow+=example.com", True),
        ("gl-js=3.9.0", True),
        ("gl-js=3", False),
        ("page=https://example.com/", False),
        ("client=clean", False),
        ("cache=off", False),
    ],
)
def test_what_can_be_tried(text: str, can: bool) -> None:
    [change] = changes(text)
    assert (not rewrite.obstacle(change)) is can
    assert rewrite.changes_documents([change]) is (can and change.name != "allow")


_PIECES = [
    *("<meta name=referrer content=never>", "<meta content='' name=REFERRER>", "<p>", "</p>"),
    *("<iframe sandbox>", "</iframe>", "<iframe sandbox='allow-forms' srcdoc='", "'>", '"', "'"),
    *("<script>", "</script>", "<!--", "-->", "<template>", "</template>", "<title>", "</title>"),
    *(f"<img src={TILE}>", "<img referrerpolicy=no-referrer src=x>", "é", "&lt;", "&quot;", "<"),
    *(">", "=", "<base href=//api.mapbox.com>", "<textarea>", "</textarea>", "x", "\x00", "\n"),
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=20).map("".join))
def test_a_parser_sees_the_changes_and_nothing_else(text: str) -> None:
    every = ("referrer-policy=origin", "sandbox+=allow-same-origin", "request-policy=origin")
    before = html.read(text, PAGE)
    after = html.read(body(text, *every).body, PAGE)
    assert [m.order for m in after.meta_referrer] == [m.order for m in before.meta_referrer]
    assert all(m.content == "origin" for m in after.meta_referrer)
    assert len(after.frames) == len(before.frames)
    for frame, old in zip(after.frames, before.frames, strict=True):
        assert frame.url == old.url
        wanted = None if old.sandbox is None else old.sandbox | {"allow-same-origin"}
        assert frame.sandbox == wanted
    assert after.inline_scripts == before.inline_scripts
    asked = [a for a in after.referrer_attributes if (a.url or "").startswith("https://api.mapbox")]
    assert all(a.value == "origin" for a in asked)


@given(st.binary(max_size=200), st.sampled_from(["", "text/html; charset=utf-16", "iso-2022-jp"]))
def test_any_bytes_give_a_result(raw: bytes, kind: str) -> None:
    every = changes(POLICY, "sandbox+=allow-same-origin", "request-policy=origin", "csp-=sandbox")
    rewrite.document_body(raw, kind, PAGE, every)
