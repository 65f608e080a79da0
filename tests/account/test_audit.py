"""Every finding of the account view, by lists and traffic that show it, and near misses."""

from __future__ import annotations

import pytest

from diagnostics.account.audit import AuditFinding
from diagnostics.account.look import AccountReport, look
from diagnostics.journey.told import ListedToken
from diagnostics.provider.token import decode, encode
from tests.account.serving import PUBLIC
from tests.journey.conftest import GLYPHS, HOST, PLAIN, RASTER, STYLE, TOKEN, Tape

ID = "ck0exampletoken0000000000"
NEEDED = ("styles:read", "fonts:read")
MAP = Tape().page().ask(STYLE, status=200).ask(GLYPHS, status=200)


def listed(*entries: str, scopes: tuple[str, ...] = NEEDED, default: bool = False) -> ListedToken:
    return ListedToken(ID, "pk", default, None if default else "Shop", list(scopes), list(entries))


def view(item: ListedToken, tape: Tape = MAP) -> AccountReport:
    return look("acme", [item], [tape.capture])


def found(item: ListedToken, code: str, tape: Tape = MAP) -> list[AuditFinding]:
    return [f for f in view(item, tape).findings if f.finding == code]


def codes(report: AccountReport) -> list[str]:
    return [finding.finding for finding in report.findings]


def test_nothing_to_correct() -> None:
    report = view(listed(HOST))
    assert report.findings == ()
    assert not report.wrong


def test_the_default_token_in_production() -> None:
    (finding,) = found(listed(default=True, scopes=PUBLIC), "default-token-in-production")
    assert (finding.severity, finding.token) == ("warning", ID)
    assert finding.says.startswith("https://shop.example.com/map uses the account's default token")
    assert "?x=1" not in finding.says
    assert finding.where == "a.har entry 1"
    local = Tape().page("http://localhost:3000/").ask(STYLE, status=200)
    assert found(listed(default=True), "default-token-in-production", local) == []
    assert found(listed(), "default-token-in-production") == []


def test_a_default_token_is_shown_to_have_no_list() -> None:
    """The finding of the diagnosis, with the list that the account really has."""
    refused = Tape().page().ask()
    (finding,) = found(listed(default=True), "default-token-restricted", refused)
    assert finding.severity == "warning"
    assert "Default tokens cannot have allowed URLs" in finding.says
    assert found(listed(HOST), "default-token-restricted", refused) == []
    assert found(listed(default=True), "default-token-restricted") == []


def test_an_unrestricted_token_on_a_public_page() -> None:
    (finding,) = found(listed(), "unrestricted-token")
    assert (finding.severity, finding.token) == ("warning", ID)
    assert found(listed(HOST), "unrestricted-token") == []
    local = Tape().page("http://localhost:3000/").ask(STYLE, status=200)
    assert found(listed(), "unrestricted-token", local) == []


def test_a_secret_token_in_a_page() -> None:
    secret = encode("sk", {"u": "acme", "a": "ck0secret000000000000000"})
    tape = Tape().page(html=PLAIN + f"<script>t='{secret}'</script>").ask(STYLE, status=200)
    report = view(listed(HOST), tape)
    (finding,) = [f for f in report.findings if f.finding == "secret-token-exposed"]
    assert finding.severity == "error"
    assert report.wrong
    assert secret not in repr(report)


def test_scopes_beyond_the_traffic() -> None:
    (finding,) = found(listed(HOST, scopes=PUBLIC), "scopes-beyond-traffic")
    assert finding.severity == "warning"
    assert "has styles:tiles, datasets:read, vision:read beyond" in finding.says
    assert "needs (styles:read, fonts:read)" in finding.says
    assert found(listed(HOST), "scopes-beyond-traffic") == []


@pytest.mark.parametrize(
    ("tape", "says"),
    [
        (
            Tape().page().ask(STYLE, status=200).ask("/3dtiles/v1/a/1/2/3.glb", status=200),
            "3D data",
        ),
        (Tape().page().ask(STYLE, status=403), "what would have followed"),
    ],
)
def test_a_doubt_about_scopes_is_said(tape: Tape, says: str) -> None:
    (finding,) = found(listed(HOST, scopes=PUBLIC), "scopes-beyond-traffic", tape)
    assert finding.severity == "info"
    assert says in finding.says


def test_nobody_can_take_scopes_from_a_default_token() -> None:
    assert found(listed(default=True, scopes=PUBLIC), "scopes-beyond-traffic") == []


def test_a_scope_that_is_missing() -> None:
    tape = Tape().page().ask(RASTER, status=403)
    (finding,) = found(listed(HOST), "scope-missing", tape)
    assert (finding.severity, finding.where) == ("error", "a.har entry 1")
    assert "styles:tiles (static tile)" in finding.says
    answered = Tape().page().ask(RASTER, status=200)
    assert found(listed(HOST), "scope-missing", answered) == []


@pytest.mark.parametrize(
    ("entry", "suggestion"),
    [
        ("*.example.com", "Write example.com instead."),
        ("https://example.com/*", "Write https://example.com instead."),
        ("127.0.0.1:3000", "Write localhost:3000 instead."),
        ("192.168.0.9", ""),
        ("capacitor://localhost", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("traffic", [True, False])
def test_entries_that_can_never_match(entry: str, suggestion: str, traffic: bool) -> None:
    item = listed(HOST, entry)
    report = view(item) if traffic else look("acme", [item])
    (finding,) = [f for f in report.findings if f.finding == "entry-never-matches"]
    assert finding.severity == "error"
    assert finding.says.startswith("“Shop”: ")
    assert entry in finding.says
    assert finding.says.endswith(suggestion)
    assert report.wrong


@pytest.mark.parametrize("entry", ["example.com/map", "vercel.app", "api.mapbox.com", "localhost"])
def test_entries_that_are_doubtful(entry: str) -> None:
    (finding,) = found(listed(HOST, entry), "entry-doubtful")
    assert finding.severity == "warning"
    assert entry in finding.says


def test_hints_are_left_to_lint() -> None:
    assert codes(view(listed(HOST, "www.example.com", "http://example.com"))) == []


@pytest.mark.parametrize(("number", "too_many"), [(100, False), (101, True)])
def test_more_than_100_entries(number: int, too_many: bool) -> None:
    entries = [HOST, *(f"site{place}.example.com" for place in range(number - 1))]
    findings = found(listed(*entries), "too-many-entries")
    assert bool(findings) is too_many
    if too_many:
        assert findings[0].severity == "error"
        assert "has 101 entries" in findings[0].says


def test_a_token_that_is_not_on_the_list() -> None:
    other = ListedToken("ck0other", "pk")
    (finding,) = look("acme", [other], [MAP.capture]).findings
    assert (finding.finding, finding.severity) == ("token-not-listed", "error")
    assert "was deleted" in finding.says
    (finding,) = look("beta", [other], [MAP.capture]).findings
    assert (finding.finding, finding.severity) == ("token-of-another-account", "info")
    temporary = Tape().page().ask(token=encode("tk", {"u": "acme", "exp": 1_900_000_000}))
    assert "token-not-listed" not in codes(look("acme", [other], [temporary.capture]))


def test_only_tokens_of_the_traffic_are_spoken_of() -> None:
    other = ListedToken("ck0other", "pk", note="Other", allowed_urls=["*"])
    assert look("acme", [listed(HOST), other], [MAP.capture]).findings == ()
    assert codes(look("acme", [listed(HOST), other])) == ["entry-never-matches"]


def test_errors_come_first() -> None:
    severities = [f.severity for f in view(listed("*", "vercel.app", scopes=PUBLIC)).findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert {"error", "warning"} <= set(severities)


def test_one_token_without_traffic() -> None:
    report = look("acme", [listed("*"), ListedToken("x", "pk")], asked=decode(TOKEN))
    assert [row.id for row in report.tokens] == [ID]
    assert codes(report) == ["entry-never-matches"]  # and nothing about scopes
