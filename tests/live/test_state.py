"""What the live page is told: newest first, every string made plain, every fix with its button."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import (
    Alternative,
    Cause,
    Confidence,
    Evidence,
    Fix,
    Stage,
    State,
    Station,
    Verdict,
)
from diagnostics.live.selftest import Result
from diagnostics.live.state import runs, state

POLICY = "referrer-policy=strict-origin-when-cross-origin"
COUNTS = {"provider_requests": 10, "refused": 3}
WHAT_IF: dict[str, Any] = {
    "changes": [],
    "before": {"answered": 0, "refused": 3},
    "since": {"answered": 0, "refused": 0, "emulated": 0},
    "notes": [],
}
HOSTILE = "\x1b]0;x\x07<img src=x onerror=alert(1)>\u202emoc.live\u0000" + "a" * 5000


def verdict(
    index: int,
    cause: Cause = Cause.REFERRER_POLICY_BLOCKS,
    fixes: tuple[str, ...] = (POLICY,),
    text: str = "The page's policy is no-referrer.",
    page: str | None = "https://shop.example.com/map",
) -> Verdict:
    return Verdict(
        file="live capture",
        index=index,
        method="GET",
        url=f"https://api.mapbox.com/v4/x/1/0/{index}.png?access_token=pk.…(acme)",
        status=403,
        provider="mapbox",
        page=page,
        referer=None,
        cause=cause,
        confidence=Confidence.CERTAIN,
        because=text,
        evidence=(Evidence(text, f"live capture entry {index}"),),
        alternatives=(Alternative(Cause.OPAQUE_ORIGIN, Confidence.POSSIBLE, text),),
        journey=tuple(
            Station(stage, State.BROKEN if stage is Stage.POLICY else State.OK, text)
            for stage in Stage
        ),
        fixes=tuple(Fix(fix, text, "add_header x;", "allowed", "a cost") for fix in fixes),
    )


def made(*verdicts: Verdict, **values: Any) -> dict[str, Any]:
    found = state(
        verdicts,
        values.get("counts", COUNTS),
        values.get("told", Told()),
        values.get("what_if", WHAT_IF),
        values.get("self_test"),
    )
    result: dict[str, Any] = json.loads(msgspec.json.encode(found))
    return result


def test_the_newest_cause_comes_first() -> None:
    old, new = Cause.REFERRER_POLICY_BLOCKS, Cause.PAGE_NOT_ALLOWED
    found = made(*(verdict(n, old) for n in range(5)), verdict(5, new))
    assert [(c["code"], c["count"]) for c in found["causes"]] == [(new, 1), (old, 5)]
    found = made(*(verdict(n, old) for n in range(5)), verdict(5, new), verdict(6, old))
    assert [c["code"] for c in found["causes"]] == [old, new]


def test_the_newest_case_of_a_cause_comes_first() -> None:
    found = made(verdict(0), verdict(1), verdict(2, text="The meta element says no-referrer."))
    [cause] = found["causes"]
    assert [case["count"] for case in cause["cases"]] == [1, 2]
    assert cause["cases"][0]["id"] != cause["cases"][1]["id"]


def test_a_case_keeps_its_name_while_more_come() -> None:
    one = made(verdict(0))["causes"][0]["cases"][0]
    more = made(verdict(0), verdict(1))["causes"][0]["cases"][0]
    assert one["id"] == more["id"]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((0, 0), "No request to a map provider yet"),
        ((1, 0), "One request to a map provider, and it was answered"),
        ((1200, 0), "1,200 requests to a map provider, none refused"),
        ((10, 1), "1 of 10 requests was refused, for one cause"),
        ((10, 3), "3 of 10 requests were refused, for one cause"),
    ],
)
def test_the_headline(counts: tuple[int, int], says: str) -> None:
    requests, refused = counts
    kept = [verdict(n) for n in range(refused)]
    found = made(*kept, counts={"provider_requests": requests, "refused": refused})
    assert found["headline"] == says


@pytest.mark.parametrize(
    ("fix", "why_not"),
    [
        (POLICY, ""),
        ("allow+=example.com", ""),
        ("csp-=sandbox", ""),
        (f"{POLICY} allow+=example.com", ""),
        ("gl-js=3.9.0", ""),
        ("client=clean", "the browser cannot be cleaned from here"),
        ("page=http://localhost/ allow+=localhost", "a page cannot be moved"),
        ("set-token", "it is not done on the page"),
        ("odd=1", "cannot be tried"),
    ],
)
def test_every_fix_says_whether_it_can_be_tried(fix: str, why_not: str) -> None:
    [case] = made(verdict(0, fixes=(fix,)))["causes"][0]["cases"]
    [shown] = case["fixes"]
    assert shown["change"] == (None if why_not else fix)
    assert why_not in shown["why_not"]
    assert case["hosts"] == ["shop.example.com"]


def test_the_fix_that_is_tried_is_marked() -> None:
    tried = WHAT_IF | {"changes": [POLICY], "notes": [{"where": "x", "says": "y"}]}
    found = made(verdict(0, fixes=(POLICY, "csp-=sandbox")), what_if=tried)
    assert [f["active"] for f in found["causes"][0]["cases"][0]["fixes"]] == [True, False]
    assert found["what_if"]["changes"] == POLICY
    assert found["what_if"]["before"] == {"answered": 0, "refused": 3}
    allowing = made(what_if=WHAT_IF | {"changes": ["allow+=a.example", "allow+=b.example"]})
    [caveat] = allowing["what_if"]["caveats"]
    assert "an emulated provider answers" in caveat


def test_without_the_what_if_addon() -> None:
    found = made(verdict(0), what_if={})
    assert found["what_if"] is None
    [fix] = found["causes"][0]["cases"][0]["fixes"]
    assert (fix["change"], fix["why_not"]) == (None, "The what-if addon is not loaded.")


def test_what_is_known_of_the_list() -> None:
    assert made()["allow"] == {"entries": None, "unrestricted": False, "lists": 0}
    told = Told(Allowed(("a.example",)), {"x": Allowed()})
    assert made(told=told)["allow"] == {"entries": ["a.example"], "unrestricted": False, "lists": 1}
    assert made(told=Told(Allowed(())))["allow"]["unrestricted"]


def test_the_self_test() -> None:
    assert made()["self_test"] is None
    found = made(self_test=Result("strips", "Referer is removed.", "Firefox", (), ()))
    assert found["self_test"]["says"] == "Referer is removed."


def test_strings_of_the_traffic_are_made_plain() -> None:
    found = made(
        verdict(0, text=HOSTILE, page=f"https://a.example/{HOSTILE}", fixes=(HOSTILE,)),
        told=Told(Allowed((HOSTILE,))),
        what_if=WHAT_IF | {"notes": [{"where": HOSTILE, "says": HOSTILE}]},
    )
    for text in _strings(found):
        assert text.isprintable() or text.replace("\n", "").isprintable()
        assert "\u202e" not in text
        assert len(text) < 3000


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def test_much_is_cut() -> None:
    many = [verdict(n, text=f"Reason {n}.") for n in range(50)]
    [cause] = made(*many)["causes"]
    assert (len(cause["cases"]), cause["hidden"]) == (6, 44)


def test_a_sentence_in_runs() -> None:
    assert runs("The host is “a.example.com” here.") == [
        ["The host is"], ["", "a.example.com", ""], ["here."]
    ]  # fmt: skip
