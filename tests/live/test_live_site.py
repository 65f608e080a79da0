"""The live page's addresses: who may ask what, and what a request means."""

from __future__ import annotations

import re

import pytest

from diagnostics.capture.exchange import Headers
from diagnostics.live import live_site
from diagnostics.live.live_site import Allow, Try, Wait
from diagnostics.provider.emulated import Reply, Request

OWN = (("Origin", "http://why403.test"), ("X-Why403", "1"))


def ask(
    path: str, method: str = "GET", body: bytes = b"", pairs: tuple[tuple[str, str], ...] = OWN
) -> object:
    return live_site.route(Request(method, f"http://why403.test{path}", Headers(pairs)), body)


def test_the_page_runs_only_its_own_script() -> None:
    page = ask("/")
    assert isinstance(page, Reply)
    headers = Headers(page.headers)
    policy = headers.get("content-security-policy") or ""
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce is not None
    scripts = re.findall(r"<script[^>]*>", page.body.decode())
    assert scripts == [f'<script src="/live.js" nonce="{nonce[1]}">']
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers.get("x-frame-options") == "DENY"
    assert not re.search(r'\son\w+="|style="|https?://', page.body.decode())


@pytest.mark.parametrize("path", ["/live.js", "/style.css", "/icon.svg"])
def test_assets(path: str) -> None:
    reply = ask(path)
    assert isinstance(reply, Reply)
    assert reply.status == 200


@pytest.mark.parametrize(
    ("query", "version"),
    [("", None), ("?since=", None), ("?since=12", 12), ("?since=-1", None), ("?since=١", None)],
)
def test_a_question_for_news(query: str, version: int | None) -> None:
    assert ask(f"/state.json{query}") == Wait(version)


def test_what_the_buttons_say() -> None:
    entries = b'{"entries": "a.example\\n b.example, c.example"}'
    assert ask("/allow", "POST", entries) == Allow(("a.example", "b.example", "c.example"))
    assert ask("/allow", "POST", b'{"entries": " \\n"}') == Allow(None)
    tried = b'{"changes": ["csp-=sandbox"], "hosts": ["a.example"]}'
    assert ask("/try", "POST", tried) == Try(("csp-=sandbox",), ("a.example",))
    assert ask("/try", "POST", b'{"changes": []}') == Try(())


@pytest.mark.parametrize("path", ["/allow", "/try"])
@pytest.mark.parametrize(
    "pairs",
    [
        (),
        (("X-Why403", "1"),),
        (("X-Why403", "1"), ("Origin", "null")),
        (("X-Why403", "1"), ("Origin", "https://evil.example")),
        (("X-Why403", "1"), ("Sec-Fetch-Site", "cross-site")),
        (("Origin", "http://why403.test"),),
    ],
)
def test_another_page_cannot_press_the_buttons(
    path: str, pairs: tuple[tuple[str, str], ...]
) -> None:
    for method in ("POST", "GET"):
        reply = ask(path, method, b'{"changes": [], "entries": ""}', pairs)
        assert isinstance(reply, Reply)
        assert reply.status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{}", 400), (b'{"changes": "x"}', 400), (b"\xff", 400), (b"[" * 60_000, 400),
     (b" " * 70_000, 413)],
)  # fmt: skip
def test_odd_bodies(body: bytes, status: int) -> None:
    reply = ask("/try", "POST", body)
    assert isinstance(reply, Reply)
    assert reply.status == status


def test_addresses_of_others() -> None:
    assert ask("/nothing") is None
    assert live_site.route(Request("GET", "http://maps.why403.test/"), b"") is None
    assert live_site.route(Request("GET", "nonsense"), b"") is None
    assert live_site.not_found().status == 404
