"""Stage 1: a program sends no Referer, and is blamed only where that can matter."""

from __future__ import annotations

import pytest

from diagnostics.capture.exchange import Capture, DecodedParts, Exchange, Headers
from diagnostics.journey.diagnose import diagnose
from tests.journey.conftest import (
    ANDROID,
    PROXY,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    api,
    broken_stage,
    listing,
    station,
    verdict_of,
    verdicts_of,
)

PROGRAMS = {
    "curl/8.5.0": "non-browser-client",
    "python-requests/2.32": "non-browser-client",
    "PostmanRuntime/7.39": "non-browser-client",
    "okhttp/4.12": "non-browser-client",
    "Acme/1.0": "non-browser-client",
    "MapboxMaps/11.2 (iOS 17)": "mobile-sdk",
    "Acme/1.0 Mapbox/3.3.4 MapboxGL/3.3.4 (c64a0c24) iOS/10.1.0 (arm)": "mobile-sdk",
}


def sent_by(agent: str, **fields: str) -> Tape:
    sent = [("Host", "api.mapbox.com"), ("User-Agent", agent), ("Accept", "*/*")]
    return Tape(PROXY).ask(sent=sent + list(fields.items()))


@pytest.mark.parametrize(("agent", "cause"), PROGRAMS.items())
def test_a_program_without_a_referer(agent: str, cause: str) -> None:
    known = verdict_of(sent_by(agent), told=listing("shop.example.com"))
    assert (known.cause, known.confidence) == (cause, "certain")
    assert broken_stage(known) == "client"
    unknown = verdict_of(sent_by(agent), told=UNKNOWN_LIST)
    assert (unknown.cause, unknown.confidence) == (cause, "likely")


@pytest.mark.parametrize("agent", PROGRAMS)
def test_a_program_is_not_blamed_for_a_token_without_restriction(agent: str) -> None:
    assert verdict_of(sent_by(agent), told=UNRESTRICTED).cause == "account-or-resource"


def test_a_program_that_sets_a_referer_is_asked_about_the_list() -> None:
    told = listing("other.example.org")
    verdict = verdict_of(sent_by("curl/8.5.0", Referer="https://shop.example.com/"), told=told)
    assert (verdict.cause, verdict.confidence) == ("page-not-allowed", "certain")
    assert station(verdict, "client").state == "ok"


@pytest.mark.parametrize("agent", ["", "Kiosk/2.1"])
def test_fetch_metadata_is_a_browsers(agent: str) -> None:
    """Programs send no Sec-Fetch-*: a request with them and without a known User-Agent came from a
    browser, or from a capture whose User-Agent was taken out."""
    sent = [("Accept", "*/*"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"),
            ("Sec-Fetch-Dest", "empty"), ("Origin", "https://shop.example.com")]  # fmt: skip
    tape = Tape(PROXY)
    tape.agent = agent
    verdict = verdict_of(tape.ask(sent=sent), told=listing("shop.example.com"))
    assert verdict.cause not in {"non-browser-client", "mobile-sdk"}
    assert station(verdict, "client").state != "broken"


def test_a_webview_is_a_browser() -> None:
    verdict = verdict_of(
        Tape(PROXY, agent=ANDROID).page(policy="no-referrer").ask(referer=None),
        told=listing("shop.example.com"),
    )
    assert verdict.cause == "referrer-policy-blocks"


def test_a_pasted_command_means_a_refusal() -> None:
    exchange = Exchange("stdin", 0, "GET", api("/styles/v1/acme/streets"),
                        parts=DecodedParts(Headers([("User-Agent", "curl/8.5.0"), ("Accept", "*/*")])))  # fmt: skip # noqa: E501
    report = diagnose([Capture("stdin", "curl command", (exchange,))], listing("shop.example.com"))
    assert [(v.cause, v.status) for v in report.verdicts] == [("non-browser-client", 403)]


def test_headers_that_do_not_show_the_sender() -> None:
    tape = Tape(PROXY)
    tape.agent = ""
    verdict = verdict_of(tape.ask(sent=[]), told=UNKNOWN_LIST)
    assert verdict.cause == "unexplained"
    assert station(verdict, "client").state == "unknown"


def test_telemetry_of_a_program_is_refused_for_its_own_reasons() -> None:
    """Nobody documents that allowed URLs govern telemetry."""
    sent = [("Host", "events.mapbox.com"), ("User-Agent", "curl/8.5.0"), ("Accept", "*/*")]
    tape = Tape(PROXY).ask("/events/v2", host="https://events.mapbox.com", sent=sent)
    (verdict,) = verdicts_of(tape, told=listing("shop.example.com"))
    assert verdict.confidence != "certain"
