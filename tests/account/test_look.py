"""The account view as a value: which tokens, with which numbers, and the diagnosis with lists."""

from __future__ import annotations

import msgspec

import fixtures
from diagnostics.account.look import SCHEMA, look
from diagnostics.capture.open import read_capture
from diagnostics.journey.told import ListedToken, read_list
from diagnostics.provider.emulated import Request
from diagnostics.provider.emulated_account import Account, Held, answer
from diagnostics.provider.token import decode, encode
from diagnostics.ticket import load
from tests.account.serving import PUBLIC, account_of, secret_of
from tests.journey.conftest import HOST, TOKEN, Tape

ID = "ck0exampletoken0000000000"


def list_of(account: Account) -> list[ListedToken]:
    url = f"https://api.mapbox.com/tokens/v2/{account.name}?access_token={secret_of(account)}"
    return read_list(answer(Request("GET", url), account).body)


def test_the_whole_list() -> None:
    report = look("acme", list_of(account_of(90)))
    assert (report.schema, report.account, report.listed) == (SCHEMA, "acme", 90)
    assert len(report.tokens) == 90
    assert report.diagnosis is None
    assert sum(row.default for row in report.tokens) == 1


def test_the_account_is_read_from_a_saved_list_that_has_tokens() -> None:
    item = ListedToken(ID, "pk", token=TOKEN)
    assert look("", [item]).account == "acme"
    assert look("", [ListedToken(ID, "pk")]).account == ""
    # Without a name, no token is said to be another account's.
    (finding,) = look("", [ListedToken("x", "pk")], asked=decode(TOKEN)).findings
    assert (finding.finding, finding.severity) == ("token-not-listed", "warning")
    assert "belongs to another account, was made after the list was saved" in finding.says


def test_the_real_list_decides_the_verdict() -> None:
    tape = Tape().page().ask()
    shop = ListedToken(ID, "pk", note="Shop", scopes=[*PUBLIC], allowed_urls=["other.example"])
    report = look("acme", [shop], [tape.capture])
    (row,) = report.tokens
    assert (row.id, row.allowed, row.requests, row.refused) == (ID, ("other.example",), 1, 1)
    assert report.diagnosis is not None
    (verdict,) = report.diagnosis.verdicts
    assert (verdict.cause, verdict.confidence) == ("page-not-allowed", "certain")
    assert "token list (Shop)" in repr(report.diagnosis)


def test_a_recorded_capture_with_the_account_s_list() -> None:
    ticket = load(fixtures.ROOT / "tickets" / "wildcard-subdomain-chromium.yaml")
    spec = ticket.token
    held = Held(spec.id, spec.kind, note="Shop", scopes=spec.scopes, allowed=spec.allowed)
    account = account_of(60, spec.account, held)
    path = next((fixtures.ROOT / "captures").glob("wildcard-subdomain-chromium.*har"))
    report = look(spec.account, list_of(account), read_capture(str(path)))
    assert [row.id for row in report.tokens] == [spec.id]
    assert report.tokens[0].allowed == tuple(spec.allowed)
    assert report.diagnosis is not None
    assert {v.cause for v in report.diagnosis.verdicts} == {r.cause for r in ticket.expect.refusals}
    assert "entry-never-matches" in [finding.finding for finding in report.findings]


def test_a_recorded_capture_of_a_default_token() -> None:
    """The account says that a refused token is its default one, so no list is to blame."""
    ticket = load(fixtures.ROOT / "tickets" / "helmet-gl3-chromium.yaml")
    account = account_of(40, "acme", Held(ticket.token.id, default=True, scopes=PUBLIC))
    path = next((fixtures.ROOT / "captures").glob("helmet-gl3-chromium.*har"))
    report = look("acme", list_of(account), read_capture(str(path)))
    assert "default-token-restricted" in [finding.finding for finding in report.findings]
    assert report.diagnosis is not None
    assert all("allow" not in verdict.cause for verdict in report.diagnosis.verdicts)


def test_the_token_that_was_asked_about_in_traffic_with_several() -> None:
    other = encode("pk", {"u": "acme", "a": "ck0other"})
    tape = Tape().page().ask().ask(token=other)
    items = [ListedToken(ID, "pk", allowed_urls=[HOST]), ListedToken("ck0other", "pk")]
    assert len(look("acme", items, [tape.capture]).tokens) == 2
    report = look("acme", items, [tape.capture], decode(other))
    assert [row.id for row in report.tokens] == ["ck0other"]


def test_no_token_and_no_other_secret_is_in_it() -> None:
    item = ListedToken(
        ID, "pk", note=f"see {TOKEN}", token=TOKEN, allowed_urls=[f"a.com?x={TOKEN}"]
    )
    for captures in ([], [Tape().page().ask().capture]):
        text = msgspec.json.encode(look("acme", [item], captures)).decode()
        assert TOKEN.split(".")[1] not in text
        assert "pk.…(acme/ck0ex…)" in text
