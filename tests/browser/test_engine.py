"""The engines' data: whole, in known words, and what was measured."""

from __future__ import annotations

import pytest

from diagnostics.browser.engine import engine, engines
from diagnostics.browser.referrer import ENGINES
from diagnostics.browser.referrer_policy import POLICIES


def test_the_engines_of_the_contract() -> None:
    assert tuple(engines()) == ENGINES == ("spec", "chromium", "firefox")


@pytest.mark.parametrize("name", ENGINES)
def test_the_data_is_in_known_words(name: str) -> None:
    data = engine(name)
    assert data.title
    assert {data.blob_worker, data.inline_style} <= {"page", "none"}
    assert data.network_worker in {"page", "none"}
    assert data.network_worker_xhr in {"page", "own"}
    assert set(data.cross_site_cap) <= set(POLICIES)


def test_an_unknown_engine_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown engine “gecko”; known are spec, chromium, fire"):
        engine("gecko")


def test_the_specification_caps_nothing() -> None:
    assert engine("spec").cross_site_cap == engine("chromium").cross_site_cap == ()
    assert "unsafe-url" in engine("firefox").cross_site_cap
