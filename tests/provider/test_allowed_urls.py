"""The answer of a whole list, over any dialect."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.provider.allowed_urls import (
    Decision,
    EntryMatch,
    EntryProblem,
    EntryResult,
    decide,
)


class Spoken:
    """A dialect in which each entry says its own result."""

    def match(self, referer: str | None, entry: str) -> EntryMatch:
        return EntryMatch(entry, EntryResult(entry), f"{entry}.")

    def lint(self, entries: Sequence[str]) -> list[EntryProblem]:
        return []

    def suggest(self, text: str) -> str | None:
        return None


@pytest.mark.parametrize(
    ("entries", "decision", "entry", "nearest"),
    [
        ([], Decision.ALLOWED, None, None),
        (["match"], Decision.ALLOWED, "match", None),
        (["host"], Decision.REFUSED, None, "host"),
        (["host", "match"], Decision.ALLOWED, "match", "host"),
        (["undocumented", "match"], Decision.ALLOWED, "match", "undocumented"),
        (["undocumented", "path"], Decision.UNDOCUMENTED, "undocumented", "undocumented"),
        (["host", "path", "scheme"], Decision.REFUSED, None, "path"),
        (["invalid", "host"], Decision.REFUSED, None, "host"),
        (["no-referer", "ip", "wildcard"], Decision.REFUSED, None, "wildcard"),
    ],
)
def test_decide(
    entries: list[str], decision: Decision, entry: str | None, nearest: str | None
) -> None:
    admission = decide(Spoken(), "https://a.example/", entries)
    assert (admission.decision, admission.entry) == (decision, entry)
    assert [reason.entry for reason in admission.reasons] == entries
    miss = admission.nearest_miss
    assert (miss and miss.entry) == nearest


@settings(deadline=None)
@given(st.lists(st.sampled_from([result.value for result in EntryResult])))
def test_one_match_is_enough_and_order_does_not_matter(entries: list[str]) -> None:
    decision = decide(Spoken(), None, entries).decision
    assert decision == decide(Spoken(), None, entries[::-1]).decision
    assert (decision is Decision.ALLOWED) == ("match" in entries or not entries)


def test_the_words_of_the_contract() -> None:
    assert {decision.value for decision in Decision} == {"allowed", "refused", "undocumented"}
