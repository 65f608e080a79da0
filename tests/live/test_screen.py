"""What a person sees of a running capture, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from diagnostics.journey.verdict import Cause
from diagnostics.live.screen import Screen
from diagnostics.provider.token import encode
from tests.live.verdicts import HOST, verdict


class Terminal(io.StringIO):
    """A terminal that shows what a person would see at the end."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> list[str]:
        lines: list[str] = []
        for piece in self.getvalue().split("\n"):
            while piece.startswith("\x1b["):
                code, _, piece = piece[2:].partition("F\x1b[J")
                del lines[-int(code) :]
            lines.append(piece)
        return lines[:-1]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_terminal_is_rewritten_in_place(terminal: Terminal) -> None:
    screen = Screen(terminal)
    screen.note("Opening a page")
    for index in range(30):
        screen.verdict(verdict(index))
        screen.refresh(index + 1)
    screen.note("Something stands in the way")
    screen.verdict(verdict(30, HOST))
    screen.refresh(31)
    assert terminal.shown == [
        "Opening a page",
        "Something stands in the way",
        "31 requests to the map provider, 31 refused. Ctrl-C ends the capture.",
        "  30× The Referrer-Policy removes the Referer"
        " (referrer-policy-blocks, certain, shop.example.com)",
        "   1× The page's host is not on the list (page-not-allowed, certain, shop.example.com)",
    ]
    written = len(terminal.getvalue())
    screen.refresh(31)
    assert len(terminal.getvalue()) == written  # nothing new, nothing written
    screen.end()
    assert terminal.shown == ["Opening a page", "Something stands in the way"]


def test_elsewhere_a_cause_is_told_when_it_is_new() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    for index in range(30):
        screen.verdict(verdict(index))
        screen.refresh(index)
    screen.verdict(verdict(1, HOST))
    screen.end()
    said = stream.getvalue()
    assert [line[:40] for line in said.splitlines()] == [
        "403: The Referrer-Policy removes the Ref",
        "403: The page's host is not on the list ",
    ]
    assert "\x1b" not in said


def test_no_note_shows_a_secret_or_moves_the_cursor(terminal: Terminal) -> None:
    token = encode("pk", {"u": "acme", "a": "ck0example"})
    screen = Screen(terminal)
    screen.note(f"\x1b[2Jhttps://a.example/?access_token={token}\nnext")
    assert token not in terminal.getvalue()
    assert "\x1b[2J" not in terminal.getvalue()
    screen.note(f"mitmweb: http://127.0.0.1/?token={'a1' * 16}", secret=True)
    assert "a1" * 16 in terminal.getvalue()


def test_the_block_fits_the_window(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "4")
    screen = Screen(terminal)
    for index, cause in enumerate(Cause):
        screen.verdict(verdict(index, cause))
    screen.refresh(100)
    assert len(terminal.shown) == 2  # the window's lines less two
    assert max(map(len, terminal.shown)) == 39  # in the last column a terminal would wrap
    screen.note("A long sentence that does not fit the window at all.")
    assert terminal.shown[:2] == ["A long sentence that does not fit the", "window at all."]


@pytest.mark.parametrize(
    ("encoding", "dumb", "in_place", "unicode"),
    [
        ("utf-8", False, True, True),
        ("UTF8", False, True, True),
        ("cp1252", False, True, False),
        ("utf-8", True, False, True),
    ],
)
def test_what_a_terminal_can_show(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    dumb: bool,
    in_place: bool,
    unicode: bool,
) -> None:
    monkeypatch.setattr(Terminal, "encoding", encoding)
    monkeypatch.setenv("TERM", "dumb" if dumb else "xterm")
    screen = Screen(terminal)
    screen.note("“ä”")
    screen.verdict(verdict(0))
    screen.refresh(1)
    screen.refresh(2)
    assert ("\x1b" in terminal.getvalue()) is in_place
    assert terminal.getvalue().isascii() is not unicode
    assert screen.unicode is unicode
    assert screen.width == (120 if in_place else 100)


def test_an_end_without_a_beginning_writes_nothing(terminal: Terminal) -> None:
    Screen(terminal).end()
    assert terminal.getvalue() == ""
