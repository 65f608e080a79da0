"""`why403 token`: what is shown, and above all what is not."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.cli import main
from diagnostics.cli.token import find, report
from diagnostics.errors import InputError
from diagnostics.provider.token import encode

SIGNATURE = "S1gnatureThatNobodyMaySee"
PUBLIC = encode("pk", {"u": "acme", "a": "ck0examplelongid"}, SIGNATURE)
SECRET = encode("sk", {"u": "acme", "a": "ck0examplelongid"}, SIGNATURE)
TEMPORARY = encode(
    "tk", {"u": "acme", "exp": 1_700_000_000, "scopes": ["styles:read", "fonts:read"]}, SIGNATURE
)


def run(*args: str, stdin: str = "") -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["token", *args], input=stdin)


@pytest.mark.parametrize(("token", "kind"), [(PUBLIC, "pk, public"), (SECRET, "sk, secret")])
def test_what_can_be_read(token: str, kind: str) -> None:
    result = run(token)
    assert result.exit_code == 0
    assert f"Kind       {kind}" in result.stdout
    assert "Account    acme\n" in result.stdout
    assert "Token id   ck0examplelongid\n" in result.stdout
    assert "https://console.mapbox.com/account/access-tokens/ck0examplelongid\n" in result.stdout
    assert "GET https://api.mapbox.com/tokens/v2/acme " in result.stdout
    assert "https://docs.mapbox.com/api/accounts/tokens/" in result.stdout
    said = " ".join(result.stdout.split())
    assert "its scopes, its allowed URLs" in said


@pytest.mark.parametrize("token", [PUBLIC, SECRET, TEMPORARY])
@pytest.mark.parametrize("where", ["argument", "stdin", "url"])
def test_neither_token_nor_signature_is_shown(token: str, where: str) -> None:
    url = f"https://api.mapbox.com/v4/x.json?secure&access_token={token.replace('.', '%2E')}&sku=1"
    given = {"argument": (token, ""), "stdin": ("-", token + "\n"), "url": (url, "")}[where]
    result = run(given[0], stdin=given[1])
    assert result.exit_code == 0
    assert SIGNATURE not in result.output
    assert token.split(".")[1] not in result.output


def test_a_temporary_token_says_what_it_may_and_until_when() -> None:
    out = report(find(TEMPORARY), now=1_700_000_001)
    assert "Scopes     styles:read, fonts:read" in out
    assert "Expires    2023-11-14 22:13:20 UTC (expired)" in out
    assert "still to come" in report(find(TEMPORARY), now=1_699_999_999)
    assert "console.mapbox.com" not in out


@pytest.mark.parametrize("expires", [1e300, -1e18, float(2**63)])
def test_an_absurd_expiry_is_no_fault(expires: float) -> None:
    token = find(encode("tk", {"u": "acme", "exp": expires}))
    assert "Expires    at no date that can be read" in report(token, now=0.0)


def test_a_token_that_was_cut_is_read_as_far_as_it_goes() -> None:
    result = run(PUBLIC.rpartition(".")[0])
    assert result.exit_code == 0
    assert "Account    acme" in result.stdout
    assert "Malformed  It has no signature" in result.stdout


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "nonsense", "pk.", "pk.!!!.x", "pk.e30K", "AIzaSyExample", "a.b.c", "pk.W10.x"],
)
def test_what_is_no_token_is_an_error(text: str) -> None:
    result = run("-", stdin=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_what_a_token_claims_reaches_no_terminal() -> None:
    out = run(encode("pk", {"u": "a\x1b[2Jb", "a": "c\r\nd"})).stdout
    assert "\x1b" not in out
    assert "\r" not in out


@given(st.text(max_size=60))
def test_any_text_gives_a_report_or_one_error(text: str) -> None:
    try:
        said = report(find(text), now=0.0)
    except InputError as error:
        said = str(error)
    assert said


@given(st.dictionaries(st.sampled_from(["u", "a", "exp", "scopes"]), st.none() | st.integers()
       | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False)
       | st.lists(st.integers(), max_size=2)))  # fmt: skip
def test_any_payload_gives_a_report(payload: dict[str, object]) -> None:
    for kind in ("pk", "sk", "tk"):
        token = find(encode(kind, payload, SIGNATURE))
        assert SIGNATURE not in report(token, now=0.0)
