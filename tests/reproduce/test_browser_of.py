"""The same case in another browser."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.errors import InputError
from diagnostics.reproduce.browser_of import played_in
from diagnostics.ticket import Client, load, parse
from fixtures import ROOT


def test_its_own_browser_changes_nothing() -> None:
    ticket = load(ROOT / "tickets" / "extension-strips-chromium.yaml")
    assert played_in(ticket, "chromium") == (ticket, ())


def test_another_one_says_what_is_left_out_and_makes_a_ticket_that_can_be_played() -> None:
    from diagnostics.reproduce.replaying import whole

    ticket = load(ROOT / "tickets" / "extension-strips-chromium.yaml")
    other, notes = played_in(ticket, "firefox")
    assert other.client == Client(browser="firefox", library=ticket.client.library)
    assert "In Firefox the extension cannot be played." in notes
    again = parse(whole(other), "t")
    assert msgspec.structs.replace(again, name=other.name).client == other.client


def test_a_program_is_no_browser() -> None:
    with pytest.raises(InputError, match="no browser takes part"):
        played_in(load(ROOT / "tickets" / "postman.yaml"), "firefox")
