"""What-if: changes as a user writes them, alone and together."""

from __future__ import annotations

import itertools

import msgspec
import pytest

from diagnostics.journey.whatif import parse_change
from tests.journey.conftest import (
    DEVTOOLS,
    FIREFOX_HAR,
    HOST,
    IMAGE,
    NEEDS_SCOPE,
    ORIGIN,
    PROXY,
    TILE,
    UNKNOWN_LIST,
    UNRESTRICTED,
    Tape,
    World,
    listing,
    verdict_of,
)

CHANGES = [
    "referrer-policy=strict-origin-when-cross-origin",
    "referrer-policy=unsafe-url",
    "referrer-policy=no-referrer",
    "request-policy=origin",
    "allow+=shop.example.com",
    "allow+=www.example.org",
    "allow-=shop.example.com",
    "gl-js=3.9.0",
    "gl-js=0.50.0",
    "csp-=sandbox",
    "sandbox+=allow-same-origin",
    "page=https://www.example.org/",
    "to=https",
]
WORLDS = [
    World(policy="no-referrer"),
    World(policy="no-referrer", exporter=FIREFOX_HAR),
    World(policy="same-origin", entries=("shop.example.com/map",)),
    World(entries=("shop.example.com/map", "www.example.net")),
    World(library="0.45.0", worker=True, to=TILE),
    World(library="0.45.0", worker=True, to=TILE, policy="no-referrer", entries=("x.example",)),
    World(sandbox="csp"),
    World(sandbox="frame", page_url=f"{ORIGIN}/frame"),
    World(http=True, to=IMAGE, kind="image"),
    World(entries=("www.example.com",)),
]


@pytest.mark.parametrize("number", range(len(WORLDS)))
@pytest.mark.parametrize("exporter", [DEVTOOLS, PROXY])
def test_every_pair_of_changes_is_predicted_right(number: int, exporter: str) -> None:
    world = WORLDS[number]
    if world.exporter == FIREFOX_HAR:
        exporter = FIREFOX_HAR
    if world.worker and exporter == PROXY:
        exporter = DEVTOOLS  # a proxy does not see workers
    world = msgspec.structs.replace(world, exporter=exporter)
    for pair in itertools.chain([(c,) for c in CHANGES], itertools.combinations(CHANGES, 2)):
        after = world.changed(" ".join(pair))
        settled = after.entries and after.decision != "undocumented"
        expected = after.decision.value if settled else "unknown"
        verdict = verdict_of(world.tape, told=listing(*world.entries), what_if=pair)
        fix = verdict.fixes[0]
        assert fix.fix == " ".join(pair)
        assert fix.predicted == expected, (pair, fix.says, after.referer)
        assert fix.says.startswith("What if: ")


@pytest.mark.parametrize("change", CHANGES)
def test_a_body_that_names_the_reason_is_not_changed_by_any(change: str) -> None:
    tape = Tape().page(policy="no-referrer").ask(IMAGE, referer=None, body=NEEDS_SCOPE)
    verdict = verdict_of(tape, told=listing("x.example"), what_if=[change])
    assert verdict.fixes[0].predicted == "refused"


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("told", [UNRESTRICTED, listing(HOST)])
def test_what_was_admitted_and_refused_stays_unknown(change: str, told) -> None:  # type: ignore[no-untyped-def]
    """The list admits it already and yet it was refused: more admission settles nothing."""
    verdict = verdict_of(Tape().page().ask(), told=told, what_if=[change])
    assert verdict.cause == "account-or-resource"
    assert verdict.fixes[0].predicted in {"unknown", "refused"}
    assert verdict.fixes[0].predicted != "allowed"


def test_a_list_that_is_not_known() -> None:
    tape = Tape().page(policy="no-referrer").ask(referer=None)

    def predicted(*changes: str) -> str:
        return verdict_of(tape, told=UNKNOWN_LIST, what_if=changes).fixes[0].predicted

    assert predicted("referrer-policy=origin") == "unknown"
    assert predicted("referrer-policy=origin", f"allow+={HOST}") == "allowed"
    assert predicted(f"allow+={HOST}") == "unknown"


def test_a_cached_answer() -> None:
    verdict = World(cached=True).verdict
    assert verdict.cause == "cached-403"
    asked = verdict_of(World(cached=True).tape, told=listing(HOST), what_if=["cache=off"])
    assert asked.fixes[0].predicted == "allowed"


def test_a_page_that_the_capture_lacks() -> None:
    tape = Tape(PROXY, agent="Mozilla/5.0 (Linux; Android 14; wv) Version/4.0 Chrome/156.0")
    tape.ask(referer=None, origin=None)
    verdict = verdict_of(tape, told=listing(HOST), what_if=[f"page={ORIGIN}/"])
    assert verdict.fixes[0].predicted == "allowed"


POLICY = "strict-origin-when-cross-origin"


@pytest.mark.parametrize(
    ("change", "entries", "predicted"),
    [
        (f"referrer-policy={POLICY}", (HOST,), "unknown"),
        (f"request-policy={POLICY}", (HOST,), "unknown"),
        ("referrer-policy=no-referrer", (HOST,), "refused"),
        (f"referrer-policy={POLICY}", ("elsewhere.example",), "refused"),  # whatever the policy
        ("client=clean", (HOST,), "allowed"),
        (f"allow+={HOST}", (HOST,), "refused"),  # there is still no Referer
    ],
)
def test_a_policy_that_was_not_read(change: str, entries: tuple[str, ...], predicted: str) -> None:
    """The header does not explain the missing Referer, and the markup was not captured."""
    tape = Tape(DEVTOOLS)
    tape.page(html=None)
    tape.ask(referer=None)
    verdict = verdict_of(tape, told=listing(*entries), what_if=[change])
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "possible")
    assert verdict.fixes[0].predicted == predicted


@pytest.mark.parametrize(
    ("change", "predicted"),
    [(f"referrer-policy={POLICY}", "unknown"), ("client=clean", "refused")],
)
def test_a_policy_of_a_page_that_was_not_captured(change: str, predicted: str) -> None:
    tape = Tape(PROXY)
    tape.ask(referer=None, origin=None)
    verdict = verdict_of(tape, told=listing(HOST), what_if=[change])
    assert verdict.cause == "referrer-policy-blocks"
    assert verdict.fixes[0].predicted == predicted


@pytest.mark.parametrize(
    "text",
    ["", "allow", "allow=", "allow=x", "referrer-policy=loose", "referrer-policy+=origin",
     "gl-js=x", "csp-=script-src", "sandbox+=allow-forms", "to=http", "client=dirty", "cache=on",
     "gl-js", "=x", "referrer-policy=", "x" * 10_000, "page=nonsense", "page=http://[", "page= "],
)  # fmt: skip
def test_changes_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_change(text)


@pytest.mark.parametrize("text", ["page=file:///x", "page=data:text/html,x"])
def test_pages_that_send_nothing(text: str) -> None:
    tape = Tape().page().ask(referer=None)
    verdict = verdict_of(tape, told=listing(HOST), what_if=[text])
    assert verdict.fixes[0].predicted == "refused"


def test_changes_are_written_as_they_were_read() -> None:
    for text in CHANGES:
        assert str(parse_change(f" {text} ")) == text
