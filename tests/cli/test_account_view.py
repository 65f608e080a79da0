"""The account view as text: long lists, missing names, and words that are not ours."""

from __future__ import annotations

from click.testing import CliRunner

from diagnostics.account.look import look
from diagnostics.cli.account_view import text
from diagnostics.journey.told import ListedToken


def shown(*items: ListedToken, selected: bool = False) -> str:
    with CliRunner(env={"COLUMNS": "100"}).isolation():
        return text(look("acme", items), selected=selected)


def test_a_table_names_three_entries_and_counts_the_rest() -> None:
    entries = [f"site{place}.example" for place in range(90)]
    out = shown(ListedToken("ck0a", "pk", note="Many", allowed_urls=entries))
    assert "Many  ck0a      public  site0.example, site1.example, site2.example and 87 more" in out
    assert "site3.example" not in out


def test_details_name_a_hundred_entries() -> None:
    entries = [f"site{place}.example" for place in range(130)]
    out = shown(ListedToken("ck0a", "pk", allowed_urls=entries), selected=True)
    assert "Token without a name" in out
    assert "  Allowed URLs site0.example\n               site1.example\n" in out
    assert "and 30 more" in out
    assert "too-many-entries" in out
    assert "Scopes" not in out  # the list says nothing about them


def test_a_token_without_scopes_or_entries() -> None:
    out = shown(ListedToken("ck0a", "pk", note="Bare", scopes=[]), selected=True)
    assert "Scopes       none" in out
    assert "Allowed URLs none: it works from any page" in out
    assert out.startswith("Account acme: 1 token (1 public), 1 public token without allowed URLs.")


def test_an_empty_entry_and_an_unknown_kind_are_shown() -> None:
    out = shown(ListedToken("ck0a", "xk\x1b[2J", allowed_urls=[""]))
    assert "(empty)" in out
    assert "xk" in out
    assert "\x1b[2J" not in out


def test_an_empty_account() -> None:
    assert shown() == "Account acme: 0 tokens.\n\nNothing to correct was found in them."
