"""A rehearsal says of recorded traffic what the emulated provider did to it, and of traffic that
works what a list would do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

import fixtures
from diagnostics import ticket as tickets
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Capture, Headers
from diagnostics.capture.open import open_captures, read_capture
from diagnostics.desk.rehearsal import Rehearsal
from diagnostics.desk.rehearse import is_ruled, rehearse
from diagnostics.journey.traffic import Sighting, read_traffic
from diagnostics.journey.verdict import Cause
from tests.desk.recorded import recorded

TICKETS = tickets.load_all(fixtures.ROOT / "tickets")
CAPTURES = [
    pytest.param(name, path, id=path.name)
    for name in sorted(TICKETS)
    for path in sorted((fixtures.ROOT / "captures").glob(f"{name}.*"))
    if path.suffix != ".curl"
]
#: One capture a ticket, the one that shows most.
ONE_EACH = [
    pytest.param(name, paths[0], id=paths[0].name)
    for name in sorted(TICKETS)
    if (paths := [p.values[1] for p in CAPTURES if p.values[0] == name])
]
#: Causes that the list has nothing to do with: a rehearsal of the list does not name them.
OTHER = {
    Cause.ACCOUNT_OR_RESOURCE,
    Cause.CACHED_403,
    Cause.TOKEN_INVALID,
    Cause.TOKEN_MISSING,
    Cause.TOKEN_SCOPE,
    Cause.UNEXPLAINED,
}


def ruled(captures: list[Capture]) -> list[Sighting]:
    traffic, _ = read_traffic(captures)
    return [s for part in traffic for s in part.sightings if is_ruled(s)]


def by_list(name: str) -> bool:
    """Whether the list alone decided what was refused in a ticket's captures."""
    ticket = TICKETS[name]
    special = ticket.answers or ticket.token.first is not None or ticket.token.revoked
    return (
        bool(ticket.token.allowed)
        and not special
        and not any(rule.cause in OTHER for rule in ticket.expect.refusals)
    )


@pytest.mark.parametrize(("name", "path"), [p for p in CAPTURES if by_list(str(p.values[0]))])
def test_the_ticket_s_list_refuses_what_the_provider_refused(name: str, path: Path) -> None:
    captures = read_capture(str(path))
    rehearsal = rehearse(captures, TICKETS[name].token.allowed)
    answered = [s for s in ruled(captures) if s.exchange.status is not None]
    refused = {s.exchange.index for s in answered if s.refused}
    assert {v.index for v in rehearsal.verdicts} & {s.exchange.index for s in answered} == refused
    for verdict in rehearsal.verdicts:
        expected = [
            r.cause for r in TICKETS[name].expect.refusals if r.covers(verdict.url, verdict.referer)
        ]
        assert verdict.cause in expected[:1], verdict


@pytest.mark.parametrize(("name", "path"), ONE_EACH)
def test_the_smallest_list_refuses_nothing_of_the_pages_own(name: str, path: Path) -> None:
    rehearsal = rehearse(read_capture(str(path)))
    assert_sums(rehearsal)
    assert not rehearsal.open
    apart = {item.referer for item in rehearsal.smallest.apart}
    for verdict in rehearsal.verdicts:
        if verdict.referer is not None:
            url = urls.parse(verdict.referer)
            assert url is not None
            assert f"{url.origin}/" in apart, verdict
    needed = [item.entry for item in rehearsal.smallest.entries]
    assert list(rehearsal.allowed) == needed
    assert all("*" not in entry and "/" not in entry for entry in needed)


def assert_sums(rehearsal: Rehearsal) -> None:
    counts = rehearsal.summary
    assert counts.governed == counts.admitted + counts.refused + counts.open
    assert counts.refused == len(rehearsal.verdicts) == sum(counts.by_cause.values())
    assert counts.governed <= counts.provider_requests


@pytest.mark.parametrize(
    ("entries", "refused", "open_", "cause"),
    [
        (["shop.example.com"], 0, 0, None),
        (["example.com"], 0, 0, None),
        (["https://shop.example.com"], 0, 0, None),
        (["shop.example.com/map"], 14, 0, Cause.REFERRER_POLICY_TRIMS),
        (["www.example.com"], 14, 0, Cause.PAGE_NOT_ALLOWED),
        (["http://shop.example.com"], 14, 0, Cause.SCHEME_MISMATCH),
        (["shop.example.com:8443"], 14, 0, Cause.PORT_MISMATCH),
        (["*.example.com"], 14, 0, Cause.ALLOWLIST_WILDCARD),
        (["Shop.example.com"], 0, 14, None),
        (["Shop.example.com", "shop.example.com"], 0, 0, None),
    ],
)
def test_traffic_that_works_under_other_lists(
    entries: list[str], refused: int, open_: int, cause: Cause | None
) -> None:
    rehearsal = rehearse(recorded("works-gl3-chromium.devtools.har"), entries)
    assert_sums(rehearsal)
    assert (rehearsal.summary.refused, rehearsal.summary.open) == (refused, open_)
    assert list(rehearsal.summary.by_cause) == ([] if cause is None else [cause])
    assert [use.entry for use in rehearsal.entries] == entries
    assert rehearsal.allowed == tuple(entries)
    assert not rehearsal.suggested


def test_each_would_be_refusal_has_a_journey_and_checked_fixes() -> None:
    rehearsal = rehearse(recorded("works-gl3-chromium.mitmproxy.har"), ["www.example.com"])
    for verdict in rehearsal.verdicts:
        assert len(verdict.journey) == 7
        assert verdict.fixes[0].predicted == "allowed"
        assert verdict.status == 403
        assert not any("Age" in e.says or "cache" in e.says for e in verdict.evidence)


def test_an_answer_from_a_cache_is_rehearsed_as_a_fresh_one() -> None:
    rehearsal = rehearse(recorded("cached-200-masks-chromium.devtools.har"), ["www.example.com"])
    assert rehearsal.summary.refused == rehearsal.summary.governed > 0
    assert Cause.CACHED_403 not in rehearsal.summary.by_cause


def test_requests_that_no_list_decides_are_left_out() -> None:
    sightings = ruled(recorded("works-gl3-chromium.devtools.har"))
    assert not any("/mapbox-gl-js/" in s.exchange.url for s in sightings)
    assert not any("/events/" in s.exchange.url for s in sightings)
    for blocked in (
        "csp-img-leaflet-chromium.devtools.har",
        "mixed-content-firefox.firefox.har",
    ):
        assert rehearse(recorded(blocked), ["example.com"]).summary.governed == 0


def test_a_list_without_entries_is_no_question() -> None:
    with pytest.raises(ValueError, match="restricts nothing"):
        rehearse(recorded("works-gl3-chromium.devtools.har"), [])


def test_several_captures_count_together() -> None:
    files = ["works-gl3-chromium.devtools.har", "helmet-gl3-chromium.devtools.har"]
    together = rehearse([c for f in files for c in recorded(f)], ["shop.example.com"])
    apart = [rehearse(recorded(f), ["shop.example.com"]) for f in files]
    assert together.summary.governed == sum(r.summary.governed for r in apart)
    assert together.summary.refused == sum(r.summary.refused for r in apart)
    assert [v.file for v in together.verdicts] == [files[1]] * together.summary.refused


def test_no_token_in_it() -> None:
    token = TICKETS["share-iframe-chromium"].token.text
    captures = open_captures(
        [str(fixtures.ROOT / "captures" / "share-iframe-chromium.mitmproxy.har")]
    )
    assert any(token in s.exchange.url for s in ruled(captures))
    assert token not in msgspec.json.encode(rehearse(captures)).decode()


def test_headers_that_the_capture_lacks_are_predicted() -> None:
    """Provisional headers say nothing about the Referer; what the page's policy leaves counts."""
    [whole] = recorded("works-gl3-chromium.devtools.har")

    class Provisional:
        def __init__(self, parts: object) -> None:
            self._parts = parts

        def request_headers(self) -> Headers:
            agent = self._parts.request_headers().get("user-agent")  # type: ignore[attr-defined]
            return Headers([("User-Agent", agent)])

        def __getattr__(self, name: str) -> object:
            return getattr(self._parts, name)

    exchanges = tuple(
        msgspec.structs.replace(e, parts=Provisional(e.parts)) if "mapbox.satellite" in e.url else e
        for e in whole.exchanges
    )
    capture = msgspec.structs.replace(whole, exchanges=exchanges, on_the_wire=False)
    assert rehearse([capture], ["shop.example.com"]).summary.refused == 0
    refused = rehearse([capture], ["www.example.com"])
    assert refused.summary.refused == refused.summary.governed
