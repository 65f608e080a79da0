"""Stage 7: the list, told or reasoned from contrast."""

from __future__ import annotations

import pytest

from tests.journey.conftest import (
    API,
    EXPORTERS,
    HOST,
    IMAGE,
    PAGE,
    PROXY,
    STYLE,
    TILE,
    UNKNOWN_LIST,
    Tape,
    broken_stage,
    fix_of,
    listing,
    verdict_of,
    verdicts_of,
)

MISSES = [
    (PAGE, "www.shop.example.com", "page-not-allowed", "certain"),
    (PAGE, "shop.example.org", "page-not-allowed", "certain"),
    (PAGE, "hop.example.com", "page-not-allowed", "certain"),
    (PAGE, "http://shop.example.com", "scheme-mismatch", "certain"),
    (PAGE, "shop.example.com:8080", "port-mismatch", "certain"),
    ("http://localhost:3000/", "localhost", "port-mismatch", "certain"),
    ("http://localhost:3000/", "localhost:8080", "port-mismatch", "certain"),
    ("http://localhost:3000/", "http://localhost:*", "allowlist-wildcard", "certain"),
    (PAGE, "https://shop.example.com/*", "allowlist-wildcard", "certain"),
    (PAGE, "*.example.com", "allowlist-wildcard", "certain"),
    (PAGE, "*", "allowlist-wildcard", "certain"),
    ("http://127.0.0.1:8000/", "127.0.0.1:8000", "allowlist-ip", "certain"),
    ("http://localhost:8000/", "127.0.0.1:8000", "allowlist-ip", "certain"),
    ("http://192.168.1.20/", "shop.example.com", "page-not-allowed", "certain"),
    (PAGE, "", "allowlist-invalid", "likely"),
    (PAGE, "/map", "allowlist-invalid", "likely"),
    (f"{API}{STYLE}.html", "shop.example.com", "api-host-not-allowed", "certain"),
]


@pytest.mark.parametrize(("page", "entry", "cause", "confidence"), MISSES)
@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_nearest_miss(
    exporter: str, page: str, entry: str, cause: str, confidence: str
) -> None:
    tape = Tape(exporter).page(page)
    tape.ask(referer=page) if page.startswith(API) else tape.ask()
    verdict = verdict_of(tape, told=listing(entry))
    assert (verdict.cause, verdict.confidence) == (cause, confidence)
    assert broken_stage(verdict) == "rule"
    beside = verdict_of(tape, told=listing("nothing.example.net", entry))
    if cause != "allowlist-invalid":
        assert beside.cause == cause


@pytest.mark.parametrize(
    ("page", "entry", "cause"),
    [
        ("https://support.example.com/pathology", "support.example.com/path", "path-mismatch"),
        ("https://example.com/reports", "example.com/report", "path-mismatch"),
        ("https://example.com/a?b=1&port=2", "example.com/a?port=2", "path-mismatch"),
        ("https://support.example.com/", "https://SUPPORT.example.com", "allowlist-invalid"),
        ("https://query.example.com/", "QUERY.example.com", "allowlist-invalid"),
        ("http://path.example.com/", "path.example.com:443", "port-mismatch"),
    ],
)
def test_what_the_documentation_leaves_open_is_likely(page: str, entry: str, cause: str) -> None:
    verdict = verdict_of(
        Tape().page(page, policy="unsafe-url").ask(referer=page), told=listing(entry)
    )
    assert (verdict.cause, verdict.confidence) == (cause, "likely")


@pytest.mark.parametrize(
    "entry", ["capacitor://localhost", "file://", "user@shop.example.com", "a b"]
)
def test_a_list_of_entries_that_no_page_can_have(entry: str) -> None:
    assert verdict_of(Tape().page().ask(), told=listing(entry)).cause == "allowlist-invalid"


def test_a_query_stays_out_of_the_sentences() -> None:
    page = "https://shop.example.com/map?session=s3cr3t"
    tape = Tape().page(page, policy="unsafe-url").ask(referer=page)
    verdict = verdict_of(tape, told=listing("www.example.com"))
    assert "s3cr3t" not in verdict.because + "".join(s.says for s in verdict.journey)


def test_the_api_host_by_its_referer_alone_is_likely() -> None:
    tape = Tape(PROXY).ask(IMAGE, kind="image", referer=f"{API}/", site=None)
    verdict = verdict_of(tape, told=listing(HOST))
    assert (verdict.cause, verdict.confidence) == ("api-host-not-allowed", "likely")


def test_an_ip_address_within_another() -> None:
    tape = Tape().page("http://10.0.0.1/").ask()
    assert verdict_of(tape, told=listing("110.0.0.12", HOST)).cause == "page-not-allowed"


def test_a_list_that_admits_leaves_account_or_resource() -> None:
    verdict = verdict_of(Tape().page().ask(), told=listing("www.example.org", "example.com"))
    assert (verdict.cause, verdict.confidence) == ("account-or-resource", "likely")
    assert "“example.com”" in verdict.because


# Contrast: the list is not known.


def test_admitted_from_another_host() -> None:
    tape = Tape().page("https://www.example.com/").ask(STYLE, status=200)
    verdict = verdict_of(tape.page().ask(STYLE))
    assert (verdict.cause, verdict.confidence) == ("page-not-allowed", "likely")
    assert "https://www.example.com" in verdict.because


@pytest.mark.parametrize(
    ("good", "cause"),
    [("http://shop.example.com/", "scheme-mismatch"), ("https://shop.example.com:8443/",
     "port-mismatch"), ("https://example.org/", "page-not-allowed")],
)  # fmt: skip
def test_contrast_names_the_difference(good: str, cause: str) -> None:
    tape = Tape().page(good).ask(STYLE, status=200).page().ask(STYLE)
    assert verdict_of(tape).cause == cause


def test_contrast_over_two_files() -> None:
    good = Tape(file="good.har").page("https://www.example.com/").ask(STYLE, status=200)
    bad = Tape(file="bad.har").page().ask(STYLE)
    (verdict,) = verdicts_of(bad, good)
    assert verdict.cause == "page-not-allowed"
    assert any(e.where.startswith("good.har") for e in verdict.evidence)


def test_contrast_proves_a_restriction() -> None:
    tape = Tape().page().ask(TILE, status=200).page(policy="no-referrer").ask(TILE, referer=None)
    verdict = verdict_of(tape)
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "certain")


@pytest.mark.parametrize(
    ("to", "body"),
    [("/styles/v1/globex/private", None), (IMAGE, '{"message":"This API requires a token with styles:tiles scope."}')],  # noqa: E501
)  # fmt: skip
def test_refusals_with_reasons_of_their_own_prove_no_restriction(to: str, body: str | None) -> None:
    """Another account's style is refused from everywhere; so is a missing scope."""
    tape = Tape().page().ask(STYLE, status=200)
    tape.page("https://two.example.org/", policy="no-referrer").ask(to, referer=None, body=body)
    tape.ask("/styles/v1/acme/other", referer=None)
    assert verdicts_of(tape)[-1].confidence == "likely"


def test_the_same_resource_answers_in_turn() -> None:
    tape = Tape().page().ask(STYLE, status=200).ask(STYLE)
    verdict = verdict_of(tape)
    assert verdict.cause == "unexplained"
    assert [a.cause for a in verdict.alternatives] == ["account-or-resource"]
    told = verdict_of(tape, told=listing(HOST))
    assert told.cause == "unexplained"
    for found in (verdict, told):
        assert "--allow" not in found.because
        assert "minutes" in found.because


def test_localhost_is_seldom_on_a_list() -> None:
    verdict = verdict_of(Tape().page("http://localhost:3000/").ask())
    assert (verdict.cause, verdict.confidence) == ("page-not-allowed", "likely")


def test_nothing_to_go_by() -> None:
    verdict = verdict_of(Tape().page().ask(), told=UNKNOWN_LIST)
    assert verdict.cause == "unexplained"
    assert {a.cause for a in verdict.alternatives} == {"page-not-allowed", "account-or-resource"}
    assert all(a.settle for a in verdict.alternatives)
    ruled_out = [e.says for e in verdict.evidence]
    assert len(ruled_out) >= 5
    assert "--allow" in verdict.because


@pytest.mark.parametrize("entry", [HOST, "example.com"])
def test_without_refusal_no_verdict(entry: str) -> None:
    for status in (200, 204, 304, 404, 410, 422, 429, 500, None):
        assert verdicts_of(Tape().page().ask(status=status), told=listing(entry)) == ()


def test_other_hosts_get_no_verdict() -> None:
    tape = Tape().page().ask("https://api.maptiler.com/maps/x?key=1")
    tape.ask("https://api.mapbox.com.evil.example/styles/v1/a/b").ask("https://notmapbox.com/")
    assert verdicts_of(tape, told=listing(HOST)) == ()


def test_a_token_list_speaks_for_its_own_tokens() -> None:
    verdict = fix_of(verdict_of(Tape().page().ask(), told=listing("a.example.org")), "allow+=")
    assert verdict.fix == f"allow+={HOST}"
