"""The same case in another browser: what of the customer's client can be played there. Pure."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from diagnostics.errors import InputError
from diagnostics.ticket import Client, Ticket


def played_in(ticket: Ticket, browser: str) -> tuple[Ticket, tuple[str, ...]]:
    """The ticket for `browser` (chromium, firefox; none is only that of a case without one), and
    notes on what is left out. Raises InputError for a case in which no browser takes part."""
    client = ticket.client
    if client.browser == browser:
        return ticket, ()
    if client.browser == "none":
        raise InputError("no browser takes part in this case: leave out --browser")
    notes = [
        f"The case was made in {client.browser.capitalize()} and is played in another browser."
    ]
    left = [
        what
        for what, has in (
            ("the extension", client.has_extension),
            ("the browser's settings", bool(client.preferences or client.switches)),
            ("the user agent", bool(client.user_agent)),
        )
        if has
    ]
    if left:
        notes.append(f"In {browser.capitalize()} {' and '.join(left)} cannot be played.")
    other = Client(
        browser=cast(Literal["chromium", "firefox"], browser),
        library=client.library,
        strip=client.strip,
    )
    return msgspec.structs.replace(ticket, client=other, record=("har", "flow")), tuple(notes)
