"""Hand-built reports that look like real ones, and what the tests of all formats share."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from diagnostics.capture.exchange import Skipped
from diagnostics.journey.verdict import (
    Alternative,
    Cause,
    Check,
    Confidence,
    Evidence,
    Finding,
    Fix,
    Stage,
    State,
    Station,
    Verdict,
)
from diagnostics.live import browsers
from diagnostics.report.model import SCHEMA, CaptureSummary, Report, Summary

API = "https://api.mapbox.com"
TOKEN = "pk.…(acme/ck0ex…)"
LINKS = {
    "referrer-policy-blocks": [("W3C Referrer Policy", "https://www.w3.org/TR/referrer-policy/")],
}
TITLES = {
    "referrer-policy-blocks": "The page's referrer policy leaves no Referer",
    "allowlist-wildcard": "An allowed URL holds a wildcard, which matches nothing",
    "page-not-allowed": "The page's host is not among the allowed URLs",
    "unexplained": "The capture does not show why",
}


def journey(**stations: str) -> tuple[Station, ...]:
    """A journey from `stage="state: says"`; a stage that is not named was skipped."""
    found = []
    for stage in Stage:
        state, _, says = stations.get(stage.value, "skipped: Not reached.").partition(": ")
        found.append(Station(stage, State(state), says))
    return tuple(found)


def make_report(
    verdicts: tuple[Verdict, ...],
    *,
    requests: int,
    capture: CaptureSummary,
    checklist: tuple[Check, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> Report:
    causes: dict[Cause, int] = {}
    for verdict in verdicts:
        causes[verdict.cause] = causes.get(verdict.cause, 0) + 1
    return Report(
        schema=SCHEMA,
        capture=capture,
        summary=Summary(
            provider_requests=requests,
            refused=len(verdicts),
            explained=len(verdicts) - causes.get(Cause.UNEXPLAINED, 0),
            by_cause=causes,
        ),
        verdicts=verdicts,
        checklist=checklist,
        findings=findings,
    )


def checks(**said: str) -> tuple[Check, ...]:
    """A checklist from `name="status: says"`, in the contract's order."""
    found = []
    for name in ("cache", "referer", "csp", "allowed-urls", "api-host", "client", "token"):
        status, _, says = said.get(name.replace("-", "_"), "unknown: Not seen.").partition(": ")
        found.append(Check(name, status, says))
    return tuple(found)


def helmet_report() -> Report:
    """A page behind Helmet's default header, opened in Chromium with GL JS 2.15."""
    page = "https://maps.acme.example/fleet"
    story = journey(
        client="ok: A browser sent it: Chrome 156 on Windows, with Sec-Fetch headers.",
        page="ok: https://maps.acme.example/fleet can be a referrer.",
        policy="broken: no-referrer leaves no Referer. strict-origin-when-cross-origin, the"
        " browser's own default, would send https://maps.acme.example/.",
        wire="ok: No Referer arrived, as the policy says.",
        cache="ok: The answer came over the network.",
        edge="ok: The token is well-formed; the body says only Forbidden.",
        rule="skipped: Without a Referer no allowed URL can match.",
    )
    evidence = (
        Evidence(
            "The document's response header says Referrer-Policy: no-referrer.",
            "fleet.har entry 0, response header referrer-policy",
        ),
        Evidence(
            "X-DNS-Prefetch-Control, X-Download-Options and Origin-Agent-Cluster come with it:"
            " the set that Helmet 4 and later sends by default.",
            "fleet.har entry 0, response headers",
        ),
        Evidence(
            "The request has Sec-Fetch-Site: cross-site and no Referer.",
            "fleet.har entry 12, request headers",
        ),
    )
    alternatives = (
        Alternative(
            Cause.CLIENT_STRIPS_REFERER,
            Confidence.POSSIBLE,
            "Open the page in a fresh profile without extensions. If requests still have no"
            " Referer, the policy alone explains it.",
        ),
    )
    fixes = (
        Fix(
            "referrer-policy=strict-origin-when-cross-origin",
            "Tell Helmet to send strict-origin-when-cross-origin.",
            "app.use(\n  helmet({\n    referrerPolicy: {\n"
            '      policy: "strict-origin-when-cross-origin",\n    },\n  }),\n);\n',
            "allowed",
            "The origin of the page, not its path, becomes visible to every site it links to.",
        ),
        Fix(
            "transform-request",
            "Set the policy for the map's requests alone (GL JS 2.14.0 or later).",
            "new mapboxgl.Map({\n  container: 'map',\n  transformRequest: (url) => ({\n"
            "    url,\n    referrerPolicy: 'strict-origin-when-cross-origin',\n  }),\n});\n",
            "allowed",
        ),
        Fix(
            "unrestricted",
            "Use a token without allowed URLs.",
            "",
            "allowed",
            "Anybody who reads the token from the page can use it anywhere.",
        ),
    )
    urls = [f"/styles/v1/acme/ck1style?sdk=js-2.15.0&access_token={TOKEN}"]
    urls += [f"/v4/mapbox.mapbox-streets-v8.json?secure&access_token={TOKEN}"]
    urls += [
        f"/v4/mapbox.mapbox-streets-v8/14/{x}/{y}.vector.pbf?sku=101Ab&access_token={TOKEN}"
        for x in (8800, 8801, 8802, 8803)
        for y in (5373, 5374)
    ]
    urls += [
        f"/fonts/v1/mapbox/DIN%20Pro%20Regular,Arial/{r}.pbf?access_token={TOKEN}"
        for r in ("0-255", "256-511")
    ]
    verdicts = tuple(
        Verdict(
            file="fleet.har",
            index=12 + place,
            method="GET",
            url=API + url,
            status=403,
            provider="mapbox",
            page=page,
            referer=None,
            cause=Cause.REFERRER_POLICY_BLOCKS,
            confidence=Confidence.CERTAIN,
            because="https://maps.acme.example/fleet is served with Referrer-Policy: no-referrer,"
            " so Chrome sends no Referer, and a token with allowed URLs refuses that.",
            evidence=evidence,
            alternatives=alternatives,
            journey=story,
            fixes=fixes,
        )
        for place, url in enumerate(urls)
    )
    return make_report(
        verdicts,
        requests=31,
        capture=CaptureSummary(
            ("fleet.har",),
            "Chrome DevTools",
            84,
            (),
            ("Chrome's export does not hold the policy that the browser applied; it is computed.",),
        ),
        checklist=checks(
            cache="pass: No refusal came from a cache.",
            referer="fail: 12 requests have no Referer.",
            csp="pass: The page's policy lets requests to api.mapbox.com leave.",
            allowed_urls="unknown: The token's allowed URLs were not given; use --allow.",
            api_host="pass: No Referer names api.mapbox.com.",
            client="pass: GL JS 2.15.0 supports restricted tokens.",
            token="pass: One public token, pk.…(acme/ck0ex…).",
        ),
        findings=(
            Finding(
                "csp-referrer-directive-obsolete",
                "info",
                "The Content Security Policy holds the directive referrer, which no browser reads.",
                "fleet.har entry 0, response header content-security-policy",
            ),
        ),
    )


def localhost_report() -> Report:
    """A development server and an allowed URL with a wildcard for its port."""
    story = journey(
        client="ok: A browser sent it: Firefox 153 on Linux.",
        page="ok: http://localhost:5173/ can be a referrer.",
        policy="ok: strict-origin-when-cross-origin sends http://localhost:5173/.",
        wire="ok: http://localhost:5173/ arrived.",
        cache="ok: The answer came over the network.",
        edge="ok: The token is well-formed; the body says only Forbidden.",
        rule="broken: “http://localhost:*” can never match: wildcards are not supported."
        " An entry localhost:5173 would admit this Referer.",
    )
    evidence = (
        Evidence("The token's list holds http://localhost:*.", "--allow"),
        Evidence(
            "The nearest entry, acme.example, has another host.",
            "--allow",
        ),
    )
    fixes = (
        Fix(
            "allow+=localhost:5173",
            "List the development server with its port.",
            "acme.example\nlocalhost:5173\n",
            "allowed",
        ),
        Fix(
            "own-token",
            "Make a token of its own for development.",
            "",
            "unknown",
            "A second token to look after.",
        ),
    )
    verdicts = tuple(
        Verdict(
            file="dev.har",
            index=index,
            method="GET",
            url=f"{API}/styles/v1/mapbox/streets-v12/tiles/512/11/{1100 + index}/671@2x"
            f"?access_token={TOKEN}",
            status=403,
            provider="mapbox",
            page="http://localhost:5173/",
            referer="http://localhost:5173/",
            cause=Cause.ALLOWLIST_WILDCARD,
            confidence=Confidence.CERTAIN,
            because="The Referer http://localhost:5173/ arrived, but the only entry meant for it,"
            " http://localhost:*, holds a wildcard and matches nothing.",
            evidence=evidence,
            alternatives=(),
            journey=story,
            fixes=fixes,
        )
        for index in range(4, 13)
    )
    return make_report(
        verdicts,
        requests=9,
        capture=CaptureSummary(
            ("dev.har",),
            "Firefox",
            14,
            (Skipped("dev.har", 13, "the entry has no request"),),
            (),
        ),
        checklist=checks(
            cache="pass: No refusal came from a cache.",
            referer="pass: Every refused request has a Referer.",
            csp="pass: The page has no Content Security Policy.",
            allowed_urls="fail: http://localhost:* holds a wildcard.",
            api_host="pass: No Referer names api.mapbox.com.",
            client="pass: Leaflet's tiles are images and follow the page's policy.",
            token="pass: One public token, pk.…(acme/ck0ex…).",
        ),
    )


def clean_report() -> Report:
    """Nothing was refused; the token has no restriction at all."""
    return make_report(
        (),
        requests=26,
        capture=CaptureSummary(("ok.har",), "Playwright", 41, (), ()),
        checklist=checks(
            cache="pass: No answer came from a cache.",
            referer="pass: Every request has a Referer.",
            csp="pass: The page has no Content Security Policy.",
            allowed_urls="unknown: The token's allowed URLs were not given; use --allow.",
            api_host="pass: No Referer names api.mapbox.com.",
            client="pass: GL JS 3.9.0 supports restricted tokens.",
            token="warn: The token answered 200 to a request without Referer.",
        ),
        findings=(
            Finding(
                "unrestricted-token",
                "warning",
                "The token pk.…(acme/ck0ex…) answers requests without a Referer, so it has no"
                " allowed URLs. Anybody who copies it can use it.",
                "ok.har entry 30",
            ),
        ),
    )


def unexplained_report() -> Report:
    """Two pages: one whose host is not listed, one where nothing in the capture settles it."""
    edge = "ok: The token is well-formed; the body says only Forbidden."
    shared = {
        "client": "ok: A browser sent it: Safari 19 on macOS.",
        "policy": "ok: The page sets no policy; the browser's default leaves the origin.",
        "cache": "ok: The answer came over the network.",
        "edge": edge,
    }
    preview = Verdict(
        file="prod.har",
        index=7,
        method="GET",
        url=f"{API}/styles/v1/acme/ck1style?access_token={TOKEN}",
        status=403,
        provider="mapbox",
        page="https://fleet-git-feature.vercel.app/",
        referer="https://fleet-git-feature.vercel.app/",
        cause=Cause.PAGE_NOT_ALLOWED,
        confidence=Confidence.LIKELY,
        because="The same token answered 200 to https://www.acme.example/ and 403 to"
        " https://fleet-git-feature.vercel.app/, so its list admits the first host only.",
        evidence=(
            Evidence(
                "The same token answered 200 with Referer https://www.acme.example/.",
                "prod.har entry 31",
            ),
        ),
        alternatives=(
            Alternative(
                Cause.ACCOUNT_OR_RESOURCE,
                Confidence.POSSIBLE,
                "Give the token's allowed URLs with --allow.",
            ),
        ),
        journey=journey(
            page="ok: https://fleet-git-feature.vercel.app/ can be a referrer.",
            wire="ok: https://fleet-git-feature.vercel.app/ arrived.",
            rule="broken: No request from this host was ever admitted; requests with Referer"
            " https://www.acme.example/ were.",
            **shared,
        ),
        fixes=(
            Fix(
                "allow+=fleet-git-feature.vercel.app",
                "Add the preview's host to the token's allowed URLs.",
                "fleet-git-feature.vercel.app\n",
                "unknown",
                "Every preview deployment has another host, so each needs an entry.",
            ),
        ),
    )
    open_case = Verdict(
        file="prod.har",
        index=44,
        method="GET",
        url=f"{API}/styles/v1/partner/ck2private?access_token={TOKEN}",
        status=403,
        provider="mapbox",
        page="https://www.acme.example/",
        referer="https://www.acme.example/",
        cause=Cause.UNEXPLAINED,
        confidence=Confidence.POSSIBLE,
        because="Token, Referer and policy are as they should be; the capture holds nothing that"
        " tells a private style from trouble with the account.",
        evidence=(
            Evidence(
                "Ruled out: cache, policy, client. The Referer https://www.acme.example/ was"
                " admitted for 11 other requests.",
                "prod.har entry 31",
            ),
        ),
        alternatives=(
            Alternative(
                Cause.ACCOUNT_OR_RESOURCE,
                Confidence.LIKELY,
                "Ask the owner of the style partner/ck2private whether it is public.",
            ),
            Alternative(
                Cause.TOKEN_SCOPE,
                Confidence.POSSIBLE,
                "Look at the token's scopes: styles:read must be among them.",
            ),
        ),
        journey=journey(
            page="ok: https://www.acme.example/ can be a referrer.",
            wire="ok: https://www.acme.example/ arrived.",
            rule="unknown: The token's allowed URLs were not given.",
            **{**shared, "edge": "unknown: The body says only Forbidden."},
        ),
        fixes=(),
    )
    return make_report(
        (preview, open_case),
        requests=14,
        capture=CaptureSummary(
            ("prod.har",),
            "Safari",
            52,
            (),
            ("Safari's export does not say which frame issued a request.",),
        ),
        checklist=checks(
            cache="pass: No refusal came from a cache.",
            referer="pass: Every refused request has a Referer.",
            allowed_urls="unknown: The token's allowed URLs were not given; use --allow.",
            token="pass: One public token, pk.…(acme/ck0ex…).",
        ),
    )


def absent_report() -> Report:
    """A capture without any request to the provider: CSP kept them from leaving."""
    return make_report(
        (),
        requests=0,
        capture=CaptureSummary(("blank.har",), "Chrome DevTools", 6, (), ()),
        checklist=checks(csp="fail: connect-src 'self' does not admit https://api.mapbox.com."),
        findings=(
            Finding(
                "csp-blocks-request",
                "error",
                "connect-src 'self' keeps the page from asking https://api.mapbox.com for"
                " anything, so no request of the map left the browser.",
                "blank.har entry 0, response header content-security-policy",
            ),
        ),
    )


MAKERS: dict[str, Callable[[], Report]] = {
    "helmet": helmet_report,
    "localhost": localhost_report,
    "clean": clean_report,
    "unexplained": unexplained_report,
    "absent": absent_report,
}


def large_report(count: int = 20_000, causes: int = 8) -> Report:
    """Many refusals that share their stories, as the engine makes them, with awkward strings:
    URLs of 4,000 characters, right-to-left text, emoji, long words, several stories a cause."""
    base = helmet_report().verdicts[0]
    named = [c for c in Cause if c is not Cause.UNEXPLAINED][:: 24 // causes][: causes - 1]
    named.append(Cause.UNEXPLAINED)
    hard = [
        "https://maps.acme.example/" + "long/" * 800,
        "https://خرائط.example/مسار/خريطة",
        "https://maps.acme.example/🗺️/北京市地图",
        "https://" + "unbroken" * 60 + ".example/",
        "https://maps.acme.example/",
    ]
    stories = [
        (
            cause,
            hard[n % len(hard)],
            f"The page {hard[n % len(hard)]} is number {n} and was refused for this reason.",
            tuple(
                Evidence(f"Seen {n}: {e.says} {hard[n % len(hard)]}", e.where)
                for e in base.evidence
            ),
            tuple(Station(s.stage, s.state, f"{s.says} ({n})") for s in base.journey),
        )
        for n, cause in enumerate([*named, *named[:4]])
    ]
    verdicts = []
    for index in range(count):
        cause, page, because, evidence, story = stories[(index * 7 + index // 9) % len(stories)]
        verdicts.append(
            Verdict(
                file=f"{index % 3}.har",
                index=index,
                method="GET",
                url=f"{API}/v4/mapbox.satellite/14/{index}/{index % 977}.webp?sku=1"
                f"&access_token={TOKEN}" + ("&pad=" + "x" * 4000 if index % 50 == 0 else ""),
                status=403,
                provider="mapbox",
                page=page,
                referer=page if index % 2 else None,
                cause=cause,
                confidence=Confidence.LIKELY,
                because=because,
                evidence=evidence,
                alternatives=base.alternatives,
                journey=story,
                fixes=base.fixes,
            )
        )
    small = helmet_report()
    return make_report(
        tuple(verdicts),
        requests=count * 2,
        capture=CaptureSummary(
            ("0.har", "1.har", "2.har", "10.har"),
            "Chrome DevTools, Firefox",
            count * 3,
            tuple(Skipped("0.har", n, "the entry has no request") for n in range(40)),
            ("One spot.", "Another " + "spot " * 200),
        ),
        checklist=small.checklist,
        findings=small.findings * 30,
    )


HOSTILE = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror=window.pwned=1>',
    "' onmouseover='window.pwned=1' autofocus onfocus='window.pwned=1",
    "javascript:window.pwned=1//",
    "{{ 7*7 }}{% for x in range(9) %}{{ x }}{% endfor %}{# #}",
    "</style><style>*{background:url(//evil.example/)}</style>",
    "</title></desc></text></svg><svg onload=window.pwned=1>",
    "<foreignObject><iframe src=//evil.example></iframe></foreignObject>",
    '"/><animate attributeName=href values=javascript:window.pwned=1 /><a href=//evil.example>',
    "--><base href=//evil.example><meta http-equiv=refresh content=0;//evil.example><!--",
    "&lt;script&gt;&#60;script&#62;<![CDATA[<script>",
    "url(https://evil.example/x.png) @import 'https://evil.example/x.css';",
    "`` ``` ```` ~~~ | a | b | \\| [x](https://evil.example) ![i](https://evil.example/i.png)",
    "@octocat #12 acme/repo#3 GH-1 www.evil.example https://evil.example a@evil.example :smile:",
    "# h\n- [ ] item\n1. one\n> quote\n***\n[a]: https://evil.example\n<details>\n```\n",
    "$x$ $$y$$ \\(z\\) {code} {{m}} [~admin] !i.png! ||h|| h1. t",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b5m\x90dcs\x9c\x07\x08\x00\x7f",
    "\u202egro.live\u2066\u2069\u200b\u200d\ufeff\u061c\u3164\U000e0041\u2028\x85",
    "a\ud800b\udfff",
    "Z" + "\u0301" * 200,
    "x" * 5000,
    "",
)


def poisoned(payload: str) -> Report:
    """A report that says `payload` in every field that holds free text."""

    def poison(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, enum.Enum):
            return payload
        if isinstance(value, tuple):
            return tuple(poison(item) for item in value)
        if isinstance(value, msgspec.Struct):
            fields = {name: poison(getattr(value, name)) for name in value.__struct_fields__}
            return type(value)(**fields)
        return value

    report = unexplained_report()
    extra = msgspec.structs.replace(
        helmet_report(),
        verdicts=helmet_report().verdicts[:2] + report.verdicts,
        capture=msgspec.structs.replace(
            report.capture, skipped=(Skipped("f", 1, "r"), Skipped("f", None, "r"))
        ),
    )
    found = poison(extra)
    assert isinstance(found, Report)
    return found


@pytest.fixture(params=MAKERS)
def named_report(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each hand-built report with its name."""
    return request.param, MAKERS[request.param]()


@pytest.fixture
def reports() -> dict[str, Report]:
    return {name: make() for name, make in MAKERS.items()}


@pytest.fixture(scope="session")
def large() -> Report:
    return large_report()


@pytest.fixture
def links() -> dict[str, list[tuple[str, str]]]:
    return LINKS


@pytest.fixture
def poison() -> Callable[[str], Report]:
    return poisoned


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def payload(request: pytest.FixtureRequest) -> str:
    """Each hostile string in turn."""
    return str(request.param)


@pytest.fixture
def payloads() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture
def titles() -> dict[str, str]:
    """Titles as the catalog would give them, fixed here so that a better title there does not
    change what these tests look at."""
    return TITLES


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The program, for tests that are marked with browser("chromium")."""
    return str(browsers.find("chromium"))
