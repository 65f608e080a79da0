"""The reply: a text for every cause, in plain words, that claims no more than is known."""

from __future__ import annotations

import re

import pytest

from diagnostics.desk import sheet
from diagnostics.desk.reply import reply, texts
from diagnostics.desk.support import put_together
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause
from tests.desk.recorded import recorded

JARGON = re.compile(
    r"\b(Referer|CSP|origin|header|payload|endpoint|proxy|HAR|DevTools|cross-site|opaque)\b"
)


def replied(capture: str, *entries: str) -> str:
    told = Told(Allowed(entries, "--allow")) if entries else Told()
    found = put_together(recorded(capture), told)
    assert found is not None
    return sheet.markdown(reply(found.report, found.restricted))


def test_every_cause_has_its_text() -> None:
    assert set(texts()) == set(Cause)
    assert list(texts()) == list(Cause)


@pytest.mark.parametrize("cause", list(Cause))
def test_the_texts_are_plain(cause: Cause) -> None:
    text = texts()[cause]
    for said in (text.title, text.happened, text.do, text.ask):
        assert not JARGON.search(said), said
        assert not re.search(r"\s{2}|\n", said)
    assert not text.title.endswith(".")
    for said in (text.happened, text.do):
        assert said.endswith(".")
        assert max(len(part.split()) for part in re.split(r"[.:;]", said)) <= 35, said


def test_certain_and_uncertain_causes_are_told_apart() -> None:
    certain = replied("helmet-gl3-chromium.devtools.har", "shop.example.com")
    likely = replied("helmet-gl3-chromium.devtools.har")
    assert "We are sure of this." in certain
    assert "Your token can be used only from" in certain
    assert "We are sure" not in likely
    assert "we take it that yours is" in likely


def test_cause_proof_and_fix() -> None:
    told = replied("helmet-gl3-chromium.devtools.har", "shop.example.com")
    for words in ("**What happened.**", "**How we know.**", "**What to do.**"):
        assert told.count(words) == 1
    assert "app.use(helmet(" in told
    assert "with it, requests like this one are answered" in told


def test_what_is_not_explained_is_asked_for() -> None:
    told = replied("nothing-known-chromium.devtools.har")
    assert "We could not find the cause yet" in told
    assert "list of allowed URLs of the token" in told
    assert "If it still does not work" not in told
    assert "--allow" not in told


def test_a_missing_permission_is_not_blamed_on_the_list() -> None:
    told = replied("token-scope-static-chromium.mitmproxy.har", "shop.example.com")
    assert "allowed URLs" not in told.partition("## ")[0]


def test_several_causes_have_a_section_each() -> None:
    captures = [
        *recorded("helmet-gl3-chromium.devtools.har"),
        *recorded("token-missing-firefox.firefox.har"),
    ]
    found = put_together(captures)
    assert found is not None
    told = sheet.markdown(reply(found.report, found.restricted))
    assert "We found 2 causes" in told
    assert "## Cause 1: " in told
    assert "## Cause 2: " in told
