from __future__ import annotations

from diagnostics.browser import html
from diagnostics.journey import csp_findings
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.markup import reduce
from diagnostics.sanitize.standins import StandIns, Tally

URL = "https://shop.example.com/map"
PAGE = """<!DOCTYPE html><html><head><title>Kim's map</title><base href="/app/">
<meta name="csrf" content="s3cret"><meta name="referrer" content="same-origin">
<meta http-equiv="Content-Security-Policy" content="img-src 'self' 'nonce-s3cret'; report-uri /r">
<script src="map.js" referrerpolicy="origin"></script><link rel="stylesheet" href="a.css">
<!-- s3cret --><script>mapboxgl.accessToken = "s3cret"; o = {referrerPolicy: 'no-referrer'}</script>
</head><body>s3cret<img src="x.png" referrerpolicy="no-referrer" alt="s3cret">
<iframe src="/f" sandbox="allow-scripts" srcdoc="s3cret"></iframe>
<a rel="noreferrer" href="/b">b</a>
"""


def reduced(text: str) -> str:
    standins = StandIns(Tally())
    return reduce(text, URL, Addresses(standins), standins)


def test_what_is_read_is_the_same_and_nothing_else_is_left() -> None:
    made = reduced(PAGE)
    assert "s3cret" not in made
    assert "Kim" not in made
    old, new = html.read(PAGE, URL), html.read(made, URL)
    assert [m.content for m in new.meta_referrer] == [m.content for m in old.meta_referrer]
    assert [m.content for m in new.meta_csp] == ["img-src 'self' 'nonce-hidden-1'"]
    assert [s.url for s in new.scripts] == [s.url for s in old.scripts]
    assert [s.referrer_policy for s in new.scripts] == ["origin"]
    assert [s.url for s in new.stylesheets] == [s.url for s in old.stylesheets]
    assert [(f.url, f.sandbox) for f in new.frames] == [(f.url, f.sandbox) for f in old.frames]
    assert [(a.tag, a.value, a.url) for a in new.referrer_attributes] == [
        (a.tag, a.value, a.url) for a in old.referrer_attributes
    ]
    assert [link.url for link in new.no_referrer] == [link.url for link in old.no_referrer]
    assert list(new.inline_scripts) == ['mapboxgl; referrerPolicy: "no-referrer"']
    assert reduced(made) == made


def test_the_words_that_a_diagnosis_looks_for_stay() -> None:
    looked_for = {*csp_findings._MAP_WORDS, *csp_findings._GL_WORDS, *csp_findings._OWN_WORKER,
                  *csp_findings._IMAGE_WORDS}  # fmt: skip
    assert looked_for <= set(kept().script_words)
