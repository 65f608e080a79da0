"""The whole diagnosis: what holds for any capture, and what captures share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.capture.exchange import (
    Capture,
    DecodedParts,
    Exchange,
    Headers,
    Initiator,
    Outcome,
    Page,
)
from diagnostics.journey.diagnose import Verdicts, diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Stage, Verdict
from diagnostics.journey.whatif import Change, parse_change
from diagnostics.provider.token import encode
from diagnostics.report.model import Report
from tests.journey.conftest import (
    API,
    CHROME,
    DEVTOOLS,
    EXPORTERS,
    FIREFOX,
    FORBIDDEN,
    GLYPHS,
    HOST,
    IMAGE,
    INVALID_TOKEN,
    NEEDS_SCOPE,
    ORIGIN,
    PAGE,
    PLAIN,
    PROXY,
    RASTER,
    SAFARI,
    SESSION,
    STYLE,
    TILE,
    TOKEN,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    api,
    listing,
    report_of,
    verdicts_of,
)

SCHEMA = json.loads(
    resources.files("diagnostics.report").joinpath("report.schema.json").read_text("utf-8")
)
SECRETS = [TOKEN, encode("sk", {"u": "acme", "a": "ck0secret000000000000000"}), "undefined0token"]

URLS = st.sampled_from(
    [PAGE, f"{ORIGIN}/frame", "http://localhost:3000/",
     "https://other.example.org/a?b=c", API + "/",
     f"{API}{STYLE}.html", "file:///map.html", "data:text/html,x", "https://cdn.example.net/a.css",
     "blob:https://shop.example.com/1", "http://[", "about:srcdoc", "", "\x00", "https://é.example/"]
)  # fmt: skip
TARGETS = st.builds(
    lambda path, token, host: api(path, token, host),
    st.sampled_from([STYLE, TILE, IMAGE, RASTER, GLYPHS, SESSION, "/events/v2", "/odd",
                     "/tokens/v2/x",                     "/styles/v1/globex/x", f"{STYLE}.html"]),
    st.sampled_from([*SECRETS, None, "", encode("tk", {"u": "acme", "exp": 1_800_000_000})]),
    st.sampled_from([API, "http://api.mapbox.com", "https://events.mapbox.com",
                     "https://a.tiles.mapbox.com"]),
)  # fmt: skip
VALUES = st.one_of(
    URLS,
    TARGETS,
    st.sampled_from(
        [
            "null",
            "none",
            "cross-site",
            "image",
            "same-origin",
            "empty",
            "cors",
            "navigate",
            "document",
            "iframe",
            CHROME,
            FIREFOX,
            SAFARI,
            "curl/8",
            "Mapbox/1 iOS",
            "no-referrer",
            "same-origin, x",
            "origin",
            "unsafe-url",
            "sandbox",
            "default-src 'self'",
            "referrer never",
            "Hit from x",
            "23",
            "²",
            "9" * 5000,
            "*/*",
        ]
    ),
    st.text(max_size=12),
)
NAMES = st.sampled_from(
    [
        "Referer",
        "Origin",
        "Sec-Fetch-Site",
        "Sec-Fetch-Mode",
        "Sec-Fetch-Dest",
        "User-Agent",
        "Accept",
        "Host",
        "Referrer-Policy",
        "Content-Security-Policy",
        "Age",
        "X-Cache",
        "Content-Length",
        "Location",
        "Service-Worker",
        "Server",
        "x",
    ]
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=9).map(Headers)
BODIES = st.sampled_from(
    [None, "", FORBIDDEN, NEEDS_SCOPE, INVALID_TOKEN, PLAIN, "{", '{"message":1}', "Your account",
     f'<meta name=referrer content=never><iframe src="{ORIGIN}/frame" sandbox></iframe>'
     f'<img src="{api(IMAGE)}" referrerpolicy=no-referrer><script>mapboxgl.x</script>',
     "fetch(u,{referrerPolicy:'no-referrer'})", "Mapbox GL JS v0.45.0", "[" * 3000]
)  # fmt: skip
KINDS = ["", "document", "iframe", "image", "fetch", "script", "odd"]
MIMES = ["", "text/html", "text/css", "text/javascript", "image/png"]
TIMES = st.one_of(st.none(), st.floats(1_799_999_990, 1_800_000_010))


@st.composite
def exchanges(draw: st.DrawFn, index: int = 0) -> Exchange:
    body, asked = draw(BODIES), draw(BODIES)
    sent, answered = draw(HEADERS), draw(HEADERS)
    initiator = Initiator(
        draw(st.sampled_from(["", "script"])), tuple(draw(st.lists(URLS, max_size=2)))
    )
    return Exchange(
        source="a.har",
        index=index,
        method=draw(st.sampled_from(["GET", "POST", "OPTIONS", "é"])),
        url=draw(st.one_of(TARGETS, URLS)),
        started=draw(TIMES),
        status=draw(st.sampled_from([None, 200, 204, 302, 304, 401, 403, 403, 403, 404, 0])),
        outcome=draw(st.sampled_from(list(Outcome))),
        reason=draw(st.sampled_from(["", "csp", "net::ERR_BLOCKED_BY_CLIENT", "x"])),
        resource_type=draw(st.sampled_from(KINDS)),
        mime_type=draw(st.sampled_from(MIMES)),
        page_ref=draw(st.sampled_from(["", "page_1", "page_2"])),
        frame_ref=draw(st.sampled_from(["", "frame_1"])),
        redirect_url=draw(st.one_of(st.just(""), TARGETS)),
        via_service_worker=draw(st.booleans()),
        parts=DecodedParts(sent, answered, lambda: body, lambda: asked, initiator),
    )  # fmt: skip


@st.composite
def captures(draw: st.DrawFn) -> Capture:
    found = draw(st.lists(exchanges(), max_size=8))
    found = [msgspec.structs.replace(e, index=n) for n, e in enumerate(found)]
    pages = draw(st.lists(st.builds(Page, st.sampled_from(["page_1", "page_3"]), URLS), max_size=2))
    exporter = draw(st.sampled_from([*EXPORTERS, "curl command", "Safari"]))
    return Capture("a.har", exporter, tuple(found), tuple(pages))


TOLD = st.sampled_from(
    [UNKNOWN_LIST, UNRESTRICTED, listing(HOST), listing("shop.example.com/map", "*.x"), listing(""),
     Told(by_id={"ck0exampletoken0000000000": Allowed((HOST,), "the token list", scopes=("a:b",))})]
)  # fmt: skip
WHAT_IF = st.lists(
    st.sampled_from(["referrer-policy=origin", "allow+=x.example", f"allow-={HOST}", "gl-js=3.9.0",
                     "csp-=sandbox", "page=https://x.example/", "to=https", "client=clean"]),
    max_size=2,
).map(lambda texts: [parse_change(text) for text in texts])  # fmt: skip
THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@THOROUGH
@given(captures(), TOLD, WHAT_IF)
def test_any_capture_gives_a_report(capture: Capture, told: Told, what_if: list[Change]) -> None:
    report = diagnose([capture], told, what_if)
    jsonschema.validate(json.loads(msgspec.json.encode(report)), SCHEMA)
    refusals = [e for e in capture.exchanges if is_refusal(e, capture)]
    assert [v.index for v in report.verdicts] == [e.index for e in refusals]
    assert report.summary.refused == len(refusals)
    assert sum(report.summary.by_cause.values()) == len(refusals)
    for verdict in report.verdicts:
        check_verdict(verdict)
    text = msgspec.json.encode(report).decode()
    for secret in SECRETS:
        assert secret not in text


def is_refusal(exchange: Exchange, capture: Capture) -> bool:
    provider = exchange.url.startswith(
        (
            API + "/",
            "http://api.mapbox.com/",
            "https://events.mapbox.com/",
            "https://a.tiles.mapbox.com/",
        )
    )
    pasted = capture.exporter == "curl command" and exchange.status is None
    return provider and (exchange.status in {401, 403} or pasted)


def check_verdict(verdict: Verdict) -> None:
    assert [s.stage for s in verdict.journey] == list(Stage)
    broken = [s for s in verdict.journey if s.state == "broken"]
    assert len(broken) <= 1
    if verdict.cause == "unexplained":
        assert broken == []
        assert verdict.confidence == "possible"
        assert verdict.evidence
    if broken:
        place = verdict.journey.index(broken[0])
        behind = {s.state for s in verdict.journey[place + 1 :]}
        assert behind <= {"skipped"} or (
            verdict.cause == "account-or-resource" and behind == {"ok"}
        )
    assert verdict.because.endswith(".")
    assert verdict.cause not in {a.cause for a in verdict.alternatives}
    if verdict.confidence == "certain":
        assert verdict.alternatives == ()
    assert all(a.settle for a in verdict.alternatives)
    for sentence in sentences(verdict):
        assert "a.har entry" not in sentence
        assert "None" not in sentence
    for fix in verdict.fixes:
        assert fix.predicted in {"allowed", "refused", "unknown"}


def sentences(verdict: Verdict) -> Iterable[str]:
    yield verdict.because
    yield from (station.says for station in verdict.journey)
    yield from (fix.says for fix in verdict.fixes)


@st.composite
def alike(draw: st.DrawFn) -> Capture:
    """Pages, and refusals that differ from one another in one thing each."""
    pages = [
        msgspec.structs.replace(draw(exchanges()), url=url, status=200, resource_type=kind,
                                mime_type="text/html", redirect_url="")
        for url, kind in ((PAGE, "document"), (f"{ORIGIN}/frame", "iframe"))
    ]  # fmt: skip
    first = msgspec.structs.replace(draw(exchanges()), url=draw(TARGETS), status=403)
    found = [first]
    for _ in range(4):
        other = draw(exchanges())
        field = draw(st.sampled_from(["url", "started", "outcome", "resource_type", "page_ref",
                                      "frame_ref", "via_service_worker", "method", "parts",
                                      "mime_type"]))  # fmt: skip
        if field == "parts":
            value: object = draw(one_part_changed(first, other))
        else:
            value = draw(TARGETS) if field == "url" else getattr(other, field)
        found.append(msgspec.structs.replace(first, **{field: value}))  # type: ignore[arg-type]
    listed = [msgspec.structs.replace(e, index=n) for n, e in enumerate([*pages, *found])]
    return Capture("a.har", draw(st.sampled_from(EXPORTERS)), tuple(listed))


@st.composite
def one_part_changed(draw: st.DrawFn, first: Exchange, other: Exchange) -> DecodedParts:
    part = draw(st.sampled_from(["sent", "answered", "body", "initiator", "one header"]))
    sent = other.request_headers if part == "sent" else first.request_headers
    if part == "one header":
        sent = Headers([(draw(NAMES), draw(VALUES)), *sent.pairs])
    answered = other.response_headers if part == "answered" else first.response_headers
    body = other.body if part == "body" else first.body
    initiator = other.initiator if part == "initiator" else first.initiator
    return DecodedParts(sent, answered, lambda: body, lambda: None, initiator)


@settings(THOROUGH, max_examples=400)
@given(st.one_of(captures(), alike()), TOLD)
def test_sharing_a_walk_changes_no_verdict(capture: Capture, told: Told) -> None:
    """Requests that look alike to every stage are judged once; judged each they say the same."""
    assert unshared(capture, told).verdicts == diagnose([capture], told).verdicts


BARE = [("User-Agent", CHROME)]
EXPIRES = encode("tk", {"u": "acme", "exp": 1_800_000_100})
TWO = "https://two.example.org/"
DIFFERENCES = [
    {"agent": CHROME.replace("156", "155")},
    {"agent": SAFARI},
    {"agent": "curl/8.5.0"},
    {"referer": f"{ORIGIN}/"},
    {"referer": PAGE},
    {"referer": api(TILE)},
    {"referer": f"{API}/"},
    {"origin": "null"},
    {"site": "none"},
    {"kind": "image"},
    {"kind": "document"},
    {"sent": BARE},
    {"sent": [*BARE, ("Referer", "")]},
    {"worker": True},
    {"initiator": "https://cdn.example.net/app.js"},
    {"initiator": f"blob:{ORIGIN}/1"},
    {"initiator": "file:///map.html"},
    {"status": 401},
    {"outcome": Outcome.CACHED},
    {"outcome": Outcome.UNKNOWN},
    {"service_worker": True, "sent": BARE},
    {"token": None},
    {"token": "undefined"},
    {"token": EXPIRES},
    {"to": STYLE},
    {"to": "/v4/acme.other/3/4/2.vector.pbf"},
    {"to": "/styles/v1/globex/private"},
    {"to": SESSION},
    {"host": "http://api.mapbox.com"},
    {"host": "https://a.tiles.mapbox.com"},
    {"body": None},
    {"body": NEEDS_SCOPE},
    {"body": "<html>Blocked</html>"},
    {"answer": [("X-Cache", "Hit from cloudfront")]},
    {"answer": [("Age", "12")]},
    {"body": None, "answer": [("Content-Length", "23")]},
    {"body": None, "answer": [("Content-Length", str(len(NEEDS_SCOPE)))]},
]  # fmt: skip


@pytest.mark.parametrize("change", DIFFERENCES, ids=str)
@pytest.mark.parametrize("policy", [None, "no-referrer"])
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_requests_that_differ_share_nothing_that_differs(
    exporter: str, policy: str | None, change: dict[str, object]
) -> None:
    usual = {"to": TILE, "referer": None}
    html = f'<iframe src="{TWO}"></iframe>'
    for first, second in ((usual, usual | change), (usual | change, usual)):
        tape = Tape(exporter).page(policy=policy, html=html).ask(STYLE, status=200)
        tape.ask(**first)  # type: ignore[arg-type]
        tape.clock += 200  # tokens expire
        tape.ask(**second).page(TWO, frame=True).back_to(PAGE)  # type: ignore[arg-type]
        tape.ask(**first)  # type: ignore[arg-type]
        for told in (listing(HOST), UNKNOWN_LIST):
            shared = diagnose([tape.capture], told).verdicts
            assert shared == unshared(tape.capture, told).verdicts


def test_programs_that_differ_by_name_only() -> None:
    tape = Tape(PROXY)
    for version in ("8.5", "8.6"):
        sent = [("Host", "api.mapbox.com"), ("User-Agent", f"curl/{version}")]
        tape.ask(sent=sent)
    shared = verdicts_of(tape, told=listing(HOST))
    assert [e.says for v in shared for e in v.evidence if "curl" in e.says] == [
        "The request has User-Agent: curl/8.5.",
        "The request has User-Agent: curl/8.6.",
    ]


def test_a_frame_that_loads_in_between() -> None:
    """It may have issued what comes after it, and nothing that came before."""
    tape = Tape(PROXY).page(policy="no-referrer", html=f'<iframe src="{TWO}"></iframe>')
    tape.ask(IMAGE, kind="image", referer=None).page(TWO, frame=True, policy="same-origin")
    tape.back_to(PAGE).ask(IMAGE, kind="image", referer=None)
    found = verdicts_of(tape, told=listing(HOST))
    assert [v.confidence for v in found] == ["certain", "likely"]


def unshared(capture: Capture, told: Told) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Verdicts, "_key", lambda *_: (object(),))
        return diagnose([capture], told)


@THOROUGH
@given(captures(), TOLD)
def test_what_others_sites_ask_changes_nothing(capture: Capture, told: Told) -> None:
    before = diagnose([capture], told)
    image = Exchange(
        "a.har", 0, "GET", "https://pictures.example/a.png", started=1_800_000_000.0, status=200,
        outcome=Outcome.ANSWERED, resource_type="image", mime_type="image/png", page_ref="page_1",
        parts=DecodedParts(Headers([("User-Agent", CHROME), ("Accept", "image/*")])),
    )  # fmt: skip
    more = []
    for exchange in capture.exchanges:
        more += [exchange, image]
    after = diagnose([Capture(capture.file, capture.exporter, tuple(more), capture.pages)], told)
    assert after.verdicts == before.verdicts
    assert after.findings == before.findings


@THOROUGH
@given(st.permutations(range(5)), st.sampled_from(["no-referrer", "", "same-origin"]))
def test_order_does_not_matter_where_pages_are_known(order: list[int], policy: str) -> None:
    tape = Tape(DEVTOOLS).page(policy=policy or None).page("https://other.example.org/")
    tape.back_to(PAGE).ask(STYLE, referer=None if policy else f"{ORIGIN}/")
    tape.ask(IMAGE, kind="image", referer=None if policy else f"{ORIGIN}/")
    tape.back_to("https://other.example.org/", "page_2").ask(STYLE)
    found = [msgspec.structs.replace(e, started=None) for e in tape.exchanges]

    def causes(mixed: Iterable[Exchange]) -> dict[int, str]:
        capture = Capture("a.har", DEVTOOLS, tuple(mixed), tape.capture.pages)
        return {v.index: v.cause for v in diagnose([capture], listing(HOST)).verdicts}

    assert causes(found) == causes(found[n] for n in order)


def test_files_are_judged_each_for_itself() -> None:
    """Pages of one file issue no requests of another; only a token's answers are compared."""
    policy = Tape(file="b.har").page(policy="no-referrer")
    found = verdicts_of(Tape().page().ask(referer=None), policy, told=listing(HOST))
    assert [v.cause for v in found] == ["client-strips-referer"]


def test_one_refusal_like_many() -> None:
    once = verdicts_of(Tape().page(policy="no-referrer").ask(referer=None), told=listing(HOST))[0]
    many = verdicts_of(
        Tape().page(policy="no-referrer").ask(referer=None, times=40), told=listing(HOST)
    )
    assert len(many) == 40
    for n, verdict in enumerate(many):
        assert verdict.index == n + 1
        assert (verdict.because, verdict.journey, verdict.fixes) == (
            once.because, once.journey, once.fixes)  # fmt: skip
        assert [e.where for e in verdict.evidence if "request" in e.where] == [
            f"a.har entry {n + 1}, request headers"]  # fmt: skip


def test_tiles_of_one_story_tell_it_in_the_same_words() -> None:
    """Reports fold verdicts by reason, journey, alternatives and fixes."""
    for policy, told in (
        ("no-referrer", listing(HOST)),
        (None, UNKNOWN_LIST),
        (None, listing("x.y")),
    ):
        for host in (API, "http://api.mapbox.com"):
            tape = Tape().page(policy=policy)
            for x in range(6):
                tape.ask(f"/v4/acme.tiles/3/{x}/2.png", host=host, kind="image",
                         referer=None if policy else f"{ORIGIN}/")  # fmt: skip
            stories = {
                (v.cause, v.because, v.journey, v.alternatives, v.fixes)
                for v in verdicts_of(tape, told=told)
            }
            assert len(stories) == 1


def test_evidence_names_its_own_entry() -> None:
    tape = Tape().page()
    tape.ask(TILE, agent=CHROME, referer="https://cdn.example.net/")
    tape.ask(TILE, agent=CHROME.replace("156", "155"), referer="https://cdn.example.net/")
    first, second = verdicts_of(tape, told=listing(HOST))
    assert {e.where.partition(",")[0] for e in first.evidence} <= {"a.har entry 0", "a.har entry 1"}
    assert {e.where.partition(",")[0] for e in second.evidence} <= {
        "a.har entry 0",
        "a.har entry 2",
    }


def test_secrets_are_shown_only_when_asked_for() -> None:
    capture = Tape().page().ask().capture
    assert TOKEN not in str(diagnose([capture]))
    assert TOKEN in str(diagnose([capture], show_secrets=True))


def test_blind_spots_of_this_capture() -> None:
    def spots(tape: Tape) -> str:
        return " ".join(report_of(tape).capture.blind_spots)

    assert "holds no HTML document" in spots(Tape().page(seen=False).ask())
    assert "without its markup" in spots(Tape().page(html=None).ask())
    assert "Safari was not measured" in spots(Tape(agent=SAFARI).page().ask())
    assert spots(Tape().page().ask()) == ""
