"""Cases played for real, one a mechanism: reproduced with the same cause, and ended by the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.capture.open import read_capture
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause, Fix
from diagnostics.live import browsers, libraries
from diagnostics.live.proxy import LiveError
from diagnostics.reproduce import run
from diagnostics.reproduce.compare import Result, Seen
from diagnostics.reproduce.derive import derive
from diagnostics.reproduce.outcome import Proof, Trial
from diagnostics.reproduce.replaying import Stage, whole
from diagnostics.ticket import Ticket, load, parse
from fixtures import ROOT

OFFLINE = Stage(offline=True)
SKELETON = """
title: t
story: s
client: {browser: chromium}
page: https://shop.example.com/map
sites:
  https://shop.example.com/map:
    html: |
      <!DOCTYPE html><title>Map</title>
      <img alt="" src="https://api.mapbox.com/v4/x/1/0/0.png?access_token={{token}}">
token: {allowed: [www.example.com]}
expect: {refusals: [{cause: page-not-allowed, url: /v4/x/}]}
"""


def ticket(name: str) -> Ticket:
    return load(ROOT / "tickets" / f"{name}.yaml")


def case(name: str, exporter: str) -> run.Case:
    """As a customer would send it: a capture and, where it is known, the token's list."""
    known = ticket(name).known_allowed
    told = Told(Allowed(known, "--allow")) if known is not None else Told()
    captures = read_capture(str(ROOT / "captures" / f"{name}.{exporter}"))
    return run.from_captures(derive(captures, told).ticket, captures, told)


def assert_reproduced_and_fixed(played: run.Run, cause: Cause) -> None:
    assert {row.cause for row in played.rows} == {cause}
    assert played.reproduced, played.rows
    assert played.trials
    assert {trial.proof for trial in played.trials} == {Proof.PROVED}, played.trials
    assert all(trial.before and trial.answered and not trial.refused for trial in played.trials)


# mitmproxy's HAR writer brings passlib, which imports crypt on Python 3.11 and 3.12.
@pytest.mark.filterwarnings("ignore:'crypt' is deprecated:DeprecationWarning")
@pytest.mark.browser("chromium")
def test_a_policy_that_blocks_in_chromium() -> None:
    given = case("img-attribute-chromium", "mitmproxy.har")
    played, replay = run.run(given, OFFLINE, fixes="first", keep=True)
    assert_reproduced_and_fixed(played, Cause.REFERRER_POLICY_BLOCKS)
    assert played.client.startswith(browsers.version("chromium").split()[0])
    assert set(replay.files) == {"capture.flow", "capture.har"}
    assert b"why403.invalid" not in b"".join(replay.files.values())
    again = read_capture_bytes(replay.files["capture.har"])
    statuses = [e.status for c in again for e in c.exchanges if "api.mapbox.com" in e.url]
    assert statuses.count(403) == len(replay.report.verdicts)


def read_capture_bytes(data: bytes) -> list[run.Capture]:
    from diagnostics.capture.har import read_har

    return [read_har(data, "capture.har")]


@pytest.mark.browser("firefox")
def test_a_setting_that_strips_in_firefox() -> None:
    given = case("referer-switched-off-firefox", "firefox.har")
    if libraries.missing(libraries.needed(given.ticket)):
        pytest.skip("Leaflet is not in the cache: make record fetches it")
    played, _ = run.run(given, OFFLINE, fixes="first")
    assert_reproduced_and_fixed(played, Cause.CLIENT_STRIPS_REFERER)


@pytest.mark.browser("chromium")
def test_a_worker_that_drops_the_referer_and_the_upgrade() -> None:
    given = case("gl045-worker-chromium", "mitmproxy.har")
    wanted = [*libraries.needed(given.ticket), "mapbox-gl@3.9.0"]
    if libraries.missing(wanted):
        pytest.skip("Mapbox GL JS is not in the cache: make record fetches it")
    played, _ = run.run(given, OFFLINE, fixes="first")
    assert_reproduced_and_fixed(played, Cause.WORKER_DROPS_REFERER)


@pytest.mark.browser("chromium")
def test_a_page_that_the_list_lacks_and_all_fixes() -> None:
    said: list[str] = []
    played, _ = run.run(run.from_ticket(parse(SKELETON, "t")), Stage(say=said.append))
    assert_reproduced_and_fixed(played, Cause.PAGE_NOT_ALLOWED)
    assert [trial.fix for trial in played.trials] == ["allow+=shop.example.com"]
    assert said[0].startswith("Playing the case in Chromium")
    assert said[1:] == ["Trying fix 1 of 1: allow+=shop.example.com"]


def test_a_program_needs_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda _: None)
    played, replay = run.run(case("postman", "mitmproxy.har"), OFFLINE)
    assert_reproduced_and_fixed(played, Cause.NON_BROWSER_CLIENT)
    assert played.client.startswith("httpx ")
    assert replay.report.capture.files == ("capture.har",)


def test_what_is_expected_and_does_not_happen_differs() -> None:
    text = (ROOT / "tickets" / "postman.yaml").read_text()
    other = parse(text.replace("non-browser-client", "token-invalid"), "t")
    stage = Stage(offline=True, attempts=1)
    played, _ = run.run(run.from_ticket(other), stage, fixes="none")
    assert not played.reproduced
    assert [row.result for row in played.rows] == [Result.DIFFERS]
    assert played.trials == ()


def test_a_fix_that_does_not_help_is_not_proved() -> None:
    postman = ticket("postman")
    stage = Stage(offline=True, attempts=1)
    _, before = run.run(run.from_ticket(postman), stage, fixes="none")
    shapes = [run.shape(verdict.url) for verdict in before.report.verdicts]
    fix = Fix("allow+=other.example.com", "", "", "allowed")
    trial = run.try_fix(postman, Cause.NON_BROWSER_CLIENT, fix, shapes, before, stage)
    assert (trial.proof, trial.refused, trial.answered) == (Proof.FAILED, 1, 0)
    assert trial.why == "still refused: non-browser-client"
    person = Fix("check-account", "", "", "unknown")
    trial = run.try_fix(postman, Cause.NON_BROWSER_CLIENT, person, shapes, before, stage)
    assert trial.proof is Proof.UNPLAYABLE
    trial = run.try_fix(postman, Cause.LOCAL_PAGE, fix, shapes, before, stage)
    assert trial.why == "the refusal was not reproduced"


def test_without_its_browser_it_says_what_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda _: None)
    with pytest.raises(LiveError, match=r"needs Chromium.*cannot be shown.*apt-get install"):
        run.run(run.from_ticket(parse(SKELETON, "t")), OFFLINE)


def test_a_library_that_must_not_be_fetched_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHY403_LIBRARIES", str(tmp_path))
    text = (ROOT / "tickets" / "postman.yaml").read_text()
    with_library = parse(
        text.replace("{browser: none}", "{browser: none, library: leaflet@1.9.4}"), "t"
    )
    said: list[str] = []
    stage = Stage(offline=True, announce=said.append)
    played, _ = run.run(run.from_ticket(with_library), stage, fixes="none")
    assert "leaflet 1.9.4 is not in" in played.notes[0]
    assert said == []


@pytest.mark.parametrize("name", ["helmet-gl3-chromium", "cdn-cached-403-chromium", "postman"])
def test_a_ticket_is_written_whole(name: str, tmp_path: Path) -> None:
    before = ticket(name)
    file = tmp_path / f"{name}.yaml"
    file.write_text(whole(before))
    again = load(file)
    assert {a: (s.html, s.fields) for a, s in again.sites.items()} == {
        a: (s.html, s.fields) for a, s in before.sites.items()
    }
    assert (again.client, again.token, again.requests) == (
        before.client, before.token, before.requests,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("refused", "answered", "others", "proof", "why"),
    [
        ({}, {"a": 1, "b": 2}, 0, Proof.PROVED, ""),
        ({}, {"a": 1}, 0, Proof.PROVED, "not asked for: b"),
        ({}, {"c": 1}, 0, Proof.FAILED, "not asked for: a, b"),
        ({"a": 1}, {"a": 5, "b": 1}, 0, Proof.FAILED, "still refused: "),
        ({"a": 1}, {"a": 5, "b": 1}, 1, Proof.PROVED, ""),
    ],
)
def test_what_proves_a_fix(
    refused: dict[str, int], answered: dict[str, int], others: int, proof: Proof, why: str
) -> None:
    trial = Trial(Cause.LOCAL_PAGE, "f", "", "allowed", Proof.UNPLAYABLE, 2)
    judged = run._judged(trial, Seen((), answered, refused), {"a", "b"}, others)
    assert (judged.proof, judged.why) == (proof, why)
