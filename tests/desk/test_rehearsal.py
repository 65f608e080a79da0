"""What kind of site a host seems to be, and what no recording shows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.desk.rehearsal import SITE, cannot_see, kind_of


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("example.com", "site"),
        ("www.example.com", "site"),
        ("device.example.com", "site"),
        ("testimonials.example.com", "site"),
        ("localhost", "development"),
        ("app.localhost", "development"),
        ("shop.local", "development"),
        ("shop-git-newmap-acme.vercel.app", "preview"),
        ("deploy-preview-7--shop.netlify.app", "preview"),
        ("vercel.app", "site"),
        ("evilvercel.app", "site"),
        ("staging.example.com", "staging"),
        ("shop.staging.example.com", "staging"),
        ("shop-staging.example.com", "staging"),
        ("dev.example.com", "staging"),
        ("qa-shop.example.com", "staging"),
    ],
)
def test_table(host: str, kind: str) -> None:
    assert kind_of(host).kind == kind


@given(st.text("abt.-", max_size=400))
def test_any_host_in_short_time(host: str) -> None:
    assert kind_of(host).kind in {SITE.kind, "development", "preview", "staging"}


def test_a_hostile_host_takes_no_time() -> None:
    assert kind_of("a-" * 5000).kind == "site"
    assert kind_of("dev-" * 60).kind == "staging"


def test_what_it_cannot_see_names_the_four_blind_spots() -> None:
    told = " ".join(cannot_see())
    for word in ("Pages that were not opened", "Preview", "Mobile apps", "servers"):
        assert word in told
    assert not re.search(r"\s{2}", told)
