"""A skeleton makes each request from the place in the page that it was made from."""

from __future__ import annotations

import pytest

from diagnostics.browser import csp, html
from diagnostics.browser.referrer import Context, Means
from diagnostics.reproduce.skeleton import (
    Frame,
    Head,
    Part,
    admitted,
    keeping_worker,
    page,
    stylesheet,
    worker,
)

URL = "https://api.mapbox.com/styles/v1/acme/x?access_token={{token}}"


def one(context: Context = Context.DOCUMENT, means: Means = Means.FETCH, **more: str) -> Part:
    return Part(URL, context, means, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "holds"),
    [
        (one(means=Means.ELEMENT, dest="image"), "<img alt="),
        (one(means=Means.ELEMENT, policy="origin"), 'referrerpolicy="origin"'),
        (one(means=Means.ELEMENT, dest="script"), '<script src="https'),
        (one(), 'fetch("https'),
        (one(policy="no-referrer"), 'referrerPolicy: "no-referrer"'),
        (one(method="POST", body="[1]"), 'method: "POST", body: "[1]"'),
        (one(means=Means.INLINE_STYLE), "<style>#why403-0"),
        (one(Context.SANDBOXED), '<iframe sandbox="allow-scripts" srcdoc='),
        (one(Context.SRCDOC, Means.ELEMENT), "<iframe srcdoc="),
        (one(Context.BLOB_WORKER_FETCH), "new Blob("),
        (one(Context.BLOB_WORKER_XHR, Means.XHR), "new XMLHttpRequest()"),
        (one(Context.DATA_WORKER), "data:text/javascript,"),
        (one(Context.NETWORK_WORKER, source="https://s.example/w.js"), 'Worker("https://s.ex'),
        (one(Context.STYLESHEET, source="https://c.example/s.css"), 'href="https://c.example/s'),
    ],
)
def test_places(part: Part, holds: str) -> None:
    assert holds in page([part])


def test_a_worker_names_its_page_where_the_library_does() -> None:
    named = Part(URL, Context.BLOB_WORKER_FETCH, names_page=True)
    assert "referrer: page" in page([named])
    assert "referrer: page" not in page([one(Context.BLOB_WORKER_FETCH)])


def test_policies_stand_before_what_they_govern() -> None:
    text = page([one(means=Means.ELEMENT)], head=Head(["no-referrer"], ["img-src *"]))
    read = html.read(text, "https://shop.example.com/")
    assert [meta.content for meta in read.meta_referrer] == ["no-referrer"]
    assert [meta.content for meta in read.meta_csp] == ["img-src *"]
    assert not read.meta_referrer[0].after_resource


def test_frames_keep_their_sandbox() -> None:
    text = page([], [Frame("https://a.example/"), Frame("https://b.example/", "allow-scripts")])
    frames = html.read(text, "https://shop.example.com/").frames
    assert [frame.sandbox for frame in frames] == [None, frozenset({"allow-scripts"})]


def test_stylesheet_and_page_agree_on_names() -> None:
    parts = [
        Part(URL + str(number), Context.STYLESHEET, source="https://c.example/s.css")
        for number in range(2)
    ]
    sheet, text = stylesheet(parts), page(parts)
    for number in range(2):
        assert f".why403-{number} {{" in sheet
        assert f'class="why403-{number}"' in text


@pytest.mark.parametrize(
    "policy",
    [
        "default-src 'none'; img-src *",
        "script-src 'self'; connect-src 'self'",
        "default-src 'self'; script-src-elem https://cdn.example",
        "require-trusted-types-for 'script'",
        "img-src 'none'",
    ],
)
def test_a_policy_lets_the_skeletons_own_script_run_and_nothing_else(policy: str) -> None:
    changed = admitted(policy)
    assert "trusted-types" not in changed
    for directive in policy.split("; "):
        if directive.startswith(("img-src", "connect-src", "default-src")):
            assert directive in changed
    if "-src" in policy and "img-src 'none'" not in policy:
        assert "'nonce-why403'" in changed
        assert "script-src 'none'" not in changed
    parsed = csp.parse_headers([changed])
    assert len(parsed) == len(csp.parse_headers([policy])) or "trusted" in policy


@pytest.mark.parametrize("hostile", ["</script><script>alert(1)</script>", '"]}', "\u2028"])
def test_nothing_of_a_url_becomes_code(hostile: str) -> None:
    part = Part("https://api.mapbox.com/" + hostile)
    for context in (Context.DOCUMENT, Context.BLOB_WORKER_FETCH, Context.SANDBOXED):
        text = page([Part(part.url, context)])
        assert "/" + hostile not in text
        scripts = html.read(text, "https://shop.example.com/").inline_scripts
        assert len(scripts) == (0 if context is Context.SANDBOXED else 1)
    assert "</script>" not in worker([part])


def test_a_keeping_worker_names_what_it_keeps() -> None:
    assert '["/styles/v1/acme/x"]' in keeping_worker(["/styles/v1/acme/x"])


def test_a_skeleton_waits_for_its_service_worker() -> None:
    text = page([one()], service_worker="/sw.js")
    assert text.index("register(") < text.index("ready") < text.index("fetch(")
