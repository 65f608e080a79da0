"""Software is recognised by the header set it sends, and by nothing less.

The header sets of Helmet, Hono, Django, Datasette and Flask-Talisman were written down from the
installed software; the others follow the sources that the table names.
"""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from diagnostics.browser import referrer_policy
from diagnostics.capture.exchange import Headers
from diagnostics.causes import software
from diagnostics.journey.verdict import Confidence

CSP_HELMET = (
    "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';"
    "frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';"
    "script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests"
)
HELMET_4 = f"""\
content-security-policy: {CSP_HELMET}
content-type: text/html; charset=utf-8
etag: W/"d-lB77c2jkaye5N9NLB/xNQdoBsAI"
expect-ct: max-age=0
referrer-policy: no-referrer
strict-transport-security: max-age=15552000; includeSubDomains
x-content-type-options: nosniff
x-dns-prefetch-control: off
x-download-options: noopen
x-frame-options: SAMEORIGIN
x-permitted-cross-domain-policies: none
x-xss-protection: 0
"""
HELMET_8 = f"""\
Content-Security-Policy: {CSP_HELMET}
Content-Type: text/html; charset=utf-8
Cross-Origin-Opener-Policy: same-origin
Cross-Origin-Resource-Policy: same-origin
ETag: W/"d-lB77c2jkaye5N9NLB/xNQdoBsAI"
Origin-Agent-Cluster: ?1
Referrer-Policy: no-referrer
Strict-Transport-Security: max-age=31536000; includeSubDomains
X-Content-Type-Options: nosniff
X-DNS-Prefetch-Control: off
X-Download-Options: noopen
X-Frame-Options: SAMEORIGIN
X-Permitted-Cross-Domain-Policies: none
X-XSS-Protection: 0
"""
HELMET_8_WITHOUT_CSP = HELMET_8.partition("\n")[2]
HONO = """\
content-type: text/html; charset=UTF-8
cross-origin-opener-policy: same-origin
cross-origin-resource-policy: same-origin
origin-agent-cluster: ?1
referrer-policy: no-referrer
strict-transport-security: max-age=15552000; includeSubDomains
x-content-type-options: nosniff
x-dns-prefetch-control: off
x-download-options: noopen
x-frame-options: SAMEORIGIN
x-permitted-cross-domain-policies: none
x-xss-protection: 0
"""
NUXT_SECURITY = """\
content-type: text/html;charset=utf-8
content-security-policy: base-uri 'none'; font-src 'self' https: data:; form-action 'self'; \
frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src-attr 'none'; \
style-src 'self' https: 'unsafe-inline'; \
script-src 'self' https: 'unsafe-inline' 'strict-dynamic' 'nonce-8IBTHwOdqNKAWeKl7plt8g=='; \
upgrade-insecure-requests;
cross-origin-embedder-policy: credentialless
cross-origin-opener-policy: same-origin
cross-origin-resource-policy: same-origin
origin-agent-cluster: ?1
permissions-policy: camera=(), display-capture=(), fullscreen=(), geolocation=(), microphone=()
referrer-policy: no-referrer
strict-transport-security: max-age=15552000; includeSubDomains;
x-content-type-options: nosniff
x-dns-prefetch-control: off
x-download-options: noopen
x-frame-options: SAMEORIGIN
x-permitted-cross-domain-policies: none
x-xss-protection: 0
"""
DJANGO = """\
Content-Type: text/html; charset=utf-8
X-Frame-Options: DENY
Vary: Cookie
X-Content-Type-Options: nosniff
Referrer-Policy: same-origin
Cross-Origin-Opener-Policy: same-origin
Set-Cookie: csrftoken=P7dUbStMhZ2lrXAN37uHhtm8xlaqAJ9t; Max-Age=31449600; Path=/; SameSite=Lax
"""
DJANGO_3 = """\
server: nginx/1.18.0
content-type: text/html; charset=utf-8
x-frame-options: DENY
x-content-type-options: nosniff
referrer-policy: same-origin
set-cookie: csrftoken=abc; Path=/
"""
SPRING_WEBFLUX = """\
content-type: text/html
cache-control: no-cache, no-store, max-age=0, must-revalidate
pragma: no-cache
expires: 0
x-content-type-options: nosniff
x-frame-options: DENY
x-xss-protection: 0
referrer-policy: no-referrer
"""
SPRING_SERVLET = SPRING_WEBFLUX.replace("no-referrer", "same-origin") + (
    "set-cookie: JSESSIONID=1; Path=/; HttpOnly\n"
)
RAILS = """\
x-frame-options: SAMEORIGIN
x-xss-protection: 0
x-content-type-options: nosniff
x-permitted-cross-domain-policies: none
referrer-policy: strict-origin-when-cross-origin
x-request-id: 4f5e2cb0-6f5f-4d64-b1f5-8f6e8ad7a001
x-runtime: 0.012345
"""
LARAVEL = """\
x-content-type-options: nosniff
x-download-options: noopen
x-frame-options: sameorigin
x-permitted-cross-domain-policies: none
referrer-policy: no-referrer
cross-origin-embedder-policy: unsafe-none
cross-origin-opener-policy: unsafe-none
cross-origin-resource-policy: cross-origin
set-cookie: XSRF-TOKEN=abc; path=/
"""
CLOUDFLARE_TRANSFORM = """\
server: cloudflare
cf-ray: 8f00000000000000-FRA
x-content-type-options: nosniff
x-xss-protection: 1; mode=block
x-frame-options: SAMEORIGIN
referrer-policy: same-origin
expect-ct: max-age=86400, enforce
"""
HOME_ASSISTANT = """\
content-type: text/html; charset=utf-8
referrer-policy: no-referrer
x-content-type-options: nosniff
server:
x-frame-options: SAMEORIGIN
"""
NEXTCLOUD = """\
server: Apache/2.4.62 (Debian)
referrer-policy: no-referrer
x-content-type-options: nosniff
x-frame-options: SAMEORIGIN
x-permitted-cross-domain-policies: none
x-robots-tag: noindex, nofollow
x-request-id: 9xR1ZtIbVtKkSWm0jYyB
"""
MASTODON = """\
server: Mastodon
x-frame-options: DENY
x-content-type-options: nosniff
referrer-policy: same-origin
x-request-id: 1
x-runtime: 0.1
"""
DATASETTE = """\
server: uvicorn
link: http://127.0.0.1:8931/_memory.json; rel="alternate"; type="application/json+datasette"
referrer-policy: no-referrer
content-type: text/html; charset=utf-8
"""
TALISMAN = """\
permissions-policy: browsing-topics=()
x-frame-options: SAMEORIGIN
x-content-type-options: nosniff
content-security-policy: default-src 'self'; object-src 'none'
strict-transport-security: max-age=31556926; includeSubDomains
referrer-policy: strict-origin-when-cross-origin
"""
GATSBY = """\
server: Netlify
x-nf-request-id: 01J
x-frame-options: DENY
x-xss-protection: 1; mode=block
x-content-type-options: nosniff
referrer-policy: same-origin
"""
AZURE = """\
content-type: text/html
strict-transport-security: max-age=10886400; includeSubDomains; preload
referrer-policy: same-origin
x-content-type-options: nosniff
x-xss-protection: 1; mode=block
x-dns-prefetch-control: off
"""


def headers(text: str) -> Headers:
    pairs = [line.partition(":") for line in text.splitlines()]
    return Headers((name, value.strip()) for name, _, value in pairs)


def ids(text: str, policy: str | None = None) -> list[str]:
    given = headers(text)
    value = given.get("referrer-policy") or "" if policy is None else policy
    return [found.id for found in software.recognise(given, value)]


@pytest.mark.parametrize(
    ("response", "first"),
    [
        pytest.param(HELMET_4, "helmet", id="helmet-4"),
        pytest.param(HELMET_8, "helmet", id="helmet-8"),
        pytest.param(HELMET_8_WITHOUT_CSP, "helmet", id="helmet-without-csp"),
        pytest.param(HONO, "hono", id="hono"),
        pytest.param(NUXT_SECURITY, "nuxt-security", id="nuxt-security"),
        pytest.param(DJANGO, "django", id="django-4"),
        pytest.param(DJANGO_3, "django", id="django-3-behind-nginx"),
        pytest.param(SPRING_WEBFLUX, "spring-webflux", id="spring-webflux"),
        pytest.param(SPRING_SERVLET, "spring-servlet", id="spring-servlet"),
        pytest.param(RAILS, "rails", id="rails"),
        pytest.param(LARAVEL, "laravel-secure-headers", id="laravel"),
        pytest.param(CLOUDFLARE_TRANSFORM, "cloudflare-security-headers", id="cloudflare"),
        pytest.param(HOME_ASSISTANT, "home-assistant", id="home-assistant"),
        pytest.param(NEXTCLOUD, "nextcloud", id="nextcloud"),
        pytest.param(MASTODON, "mastodon", id="mastodon"),
        pytest.param(DATASETTE, "datasette", id="datasette"),
        pytest.param(TALISMAN, "flask-talisman", id="flask-talisman"),
        pytest.param(GATSBY, "gatsby-plugin-netlify", id="gatsby-plugin-netlify"),
        pytest.param(AZURE, "azure-static-web-apps", id="azure"),
    ],
)
def test_recognises_the_default_header_set(response: str, first: str) -> None:
    given = headers(response)
    best = software.recognise(given, given.get("referrer-policy") or "")[0]
    assert best.id == first
    assert best.evidence
    if first != "spring-servlet":
        assert best.is_default


@pytest.mark.parametrize(
    ("response", "first"),
    [
        ("server: nginx/1.27.0", "nginx"),
        ("Server: openresty", "nginx"),
        ("server: Apache/2.4.62 (Ubuntu)", "apache"),
        ("server: LiteSpeed", "apache"),
        ("server: Microsoft-IIS/10.0\nx-powered-by: ASP.NET", "iis"),
        ("server: Caddy", "caddy"),
        ("via: 1.1 Caddy", "caddy"),
        ("server: Kestrel", "kestrel"),
        ("server: envoy", "envoy"),
        ("server: Vercel\nx-vercel-id: fra1::abc", "vercel"),
        ("server: Vercel\nx-vercel-id: fra1::abc\nx-powered-by: Next.js", "nextjs"),
        ("server: Netlify\nx-nf-request-id: 01J", "netlify"),
        ("server: AmazonS3\nvia: 1.1 x.cloudfront.net (CloudFront)\nx-amz-cf-id: x", "cloudfront"),
        ("server: cloudflare\ncf-ray: x", "cloudflare"),
        ("x-served-by: cache-fra1\nx-timer: S1\nstrict-transport-security: max-age=31556926",
         "firebase-hosting"),
        ("x-powered-by: Express", "express"),
        ("server: nginx\nx-powered-by: PHP/8.3.1", "php"),
        ('server: nginx\nlink: <https://a.example/wp-json/>; rel="https://api.w.org/"',
         "wordpress"),
        ("server: nginx\nx-gitlab-meta: {}", "gitlab"),
    ],
)  # fmt: skip
def test_falls_back_to_what_stands_in_front(response: str, first: str) -> None:
    best = software.recognise(headers(response), "same-origin")[0]
    assert best.id == first
    assert best.confidence is Confidence.POSSIBLE
    assert not best.is_default


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param("server: nginx", ["nginx"], id="only nginx"),
        pytest.param("content-type: text/html", [], id="nothing that tells"),
        pytest.param(
            "server: nginx\nx-content-type-options: nosniff\nx-frame-options: SAMEORIGIN",
            ["nginx"],
            id="a copied preset is no Home Assistant",
        ),
        pytest.param(
            "x-frame-options: DENY\nx-content-type-options: nosniff",
            [],
            id="one sign of Django is not enough",
        ),
        pytest.param(
            HONO.replace("x-download-options: noopen\n", ""), [], id="a set that lacks a header"
        ),
        pytest.param(
            SPRING_WEBFLUX.replace("max-age=0, ", ""), [], id="another Cache-Control"
        ),
        pytest.param(
            CLOUDFLARE_TRANSFORM.replace("x-xss-protection: 1; mode=block\n", "")
            .replace("expect-ct: max-age=86400, enforce\n", "")
            .replace("SAMEORIGIN", "DENY"),
            ["cloudflare"],
            id="an origin's own policy behind Cloudflare",
        ),
        pytest.param("server: nginx-like thing", ["nginx"], id="server by its beginning"),
        pytest.param("server: my-nginx", [], id="not by its middle"),
    ],
)  # fmt: skip
def test_does_not_take_a_likeness_for_the_thing(response: str, expected: list[str]) -> None:
    policy = headers(response).get("referrer-policy") or "no-referrer"
    assert ids(response, policy) == expected


def test_a_framework_with_another_policy_than_its_own_is_possible_only() -> None:
    best = software.recognise(headers(HELMET_8), "same-origin")[0]
    assert (best.id, best.is_default, best.confidence) == ("helmet", False, Confidence.POSSIBLE)


def test_a_default_goes_before_a_product_that_sends_none() -> None:
    wordpress_behind_transform = (
        CLOUDFLARE_TRANSFORM + 'link: <https://a.example/wp-json/>; rel="https://api.w.org/"'
    )
    assert ids(wordpress_behind_transform)[:2] == ["cloudflare-security-headers", "wordpress"]


def test_the_server_in_front_comes_last() -> None:
    assert ids(DJANGO_3) == ["django", "nginx"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("same-origin, no-referrer", True),
        ("no-referrer, fancy-new-policy", True),
        ("No-Referrer", True),
        ("no-referrer, same-origin", False),
    ],
)
def test_the_last_known_token_of_a_list_counts(policy: str, expected: bool) -> None:
    assert software.recognise(headers(HONO), policy)[0].is_default is expected


@pytest.mark.parametrize("policy", ["", "fancy-new-policy", "never"])
def test_a_policy_that_came_by_no_header_has_no_software(policy: str) -> None:
    assert ids(HELMET_8, policy) == []


def test_evidence_shows_no_cookie_and_no_endless_value() -> None:
    best = software.recognise(headers(DJANGO), "same-origin")[0]
    assert "The response sets the cookie csrftoken." in best.evidence
    assert "P7dUbStM" not in "".join(best.evidence)
    helmet = software.recognise(headers(HELMET_8), "no-referrer")[0]
    assert max(map(len, helmet.evidence)) < 140
    home = software.recognise(headers(HOME_ASSISTANT), "no-referrer")[0]
    assert "The response has an empty server header." in home.evidence


def test_cookies_that_an_exporter_merged_are_told_apart() -> None:
    merged = Headers(
        [
            ("X-Content-Type-Options", "nosniff"),
            ("Set-Cookie", "a=1; Path=/\ncsrftoken=2; Path=/\nsessionid=3"),
        ]
    )
    assert [s.id for s in software.recognise(merged, "same-origin")] == ["django"]


def test_the_answer_is_a_function_of_its_arguments() -> None:
    given = headers(HELMET_8)
    assert software.recognise(given, "no-referrer") == software.recognise(given, "no-referrer")


rows = pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=entry.id) for entry in software.table()]
)


def test_rows_have_distinct_ids() -> None:
    names = [entry.id for entry in software.table()]
    assert len(set(names)) == len(names)


@rows
def test_row_is_complete(entry: software.Entry) -> None:
    assert set(entry.policies) <= set(referrer_policy.POLICIES)
    assert entry.require or entry.support
    assert entry.quorum <= len(entry.support)
    assert bool(entry.support) == bool(entry.quorum)
    assert entry.says.endswith(".")
    assert not entry.setting.endswith(".")
    assert entry.link.url.startswith("https://")
    assert entry.sources
    assert all(s.startswith(("https://", "measured: ", "read: ")) for s in entry.sources)
    for sign in (*entry.require, *entry.support, *entry.against):
        assert bool(sign.header) != bool(sign.cookie)
        assert sign.header == sign.header.lower()
        tests = [sign.equals, sign.exactly, sign.begins, sign.has]
        assert sum(test is not None for test in tests) <= 1


@rows
def test_row_hands_out_a_snippet_that_works(entry: software.Entry) -> None:
    if entry.id != "datasette":
        assert "strict-origin-when-cross-origin" in entry.snippet.lower().replace("_", "-")
    if entry.language == "json":
        json.loads(entry.snippet)
    elif entry.language == "xml":
        ElementTree.fromstring(entry.snippet)
    elif entry.language == "yaml":
        assert yaml.safe_load(entry.snippet)
    elif entry.language == "python":
        compile(entry.snippet, entry.id, "exec")
    elif entry.language == "nginx":
        code = [line for line in entry.snippet.splitlines() if not line.startswith("#")]
        assert all(line.endswith((";", "{", "}")) for line in code)
    for opening, closing in ("()", "[]", "{}"):
        assert entry.snippet.count(opening) == entry.snippet.count(closing)


def test_every_row_is_recognised_by_some_test_above() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [entry.id for entry in software.table() if f'"{entry.id}"' not in source] == []
