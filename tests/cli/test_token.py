"""`why403 token`: what is shown, and above all what is not; and the account behind it, served by
the emulated Tokens API over real loopback HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import fixtures
from diagnostics.cli import main
from diagnostics.cli.token import find, report
from diagnostics.errors import InputError
from diagnostics.provider.emulated_account import Account, Held
from diagnostics.provider.token import encode
from diagnostics.ticket import load
from tests.account.serving import (
    PUBLIC as SCOPES,
)
from tests.account.serving import (
    SECRET as READER,
)
from tests.account.serving import (
    Served,
    account_of,
    secret_of,
    serving,
    tokens_api,
)

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


# The account view.

TICKET = load(fixtures.ROOT / "tickets" / "apex-not-www-chromium.yaml")
CAPTURE = str(next((fixtures.ROOT / "captures").glob("apex-not-www-chromium.*har")))
SHOP = Held(TICKET.token.id, note="Shop", scopes=SCOPES, allowed=TICKET.token.allowed)
BROKEN = Held("ck0broken", note="Broken", allowed=("*.example.com",))
ACCOUNT = account_of(120, "acme", SHOP, BROKEN)
KEY = secret_of(ACCOUNT)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(tokens_api(ACCOUNT)) as found:
        yield found


def ask(served: Served, *args: str, key: str = KEY, stdin: str = "") -> Result:
    served.requests.clear()
    environment = {"COLUMNS": "100", "MAPBOX_ACCESS_TOKEN": key}
    result = CliRunner(env=environment).invoke(
        main, ["token", *args, "--api-url", served.origin], input=stdin
    )
    for secret in (KEY, KEY.split(".")[1]):
        assert secret not in result.output
    return result


def test_the_whole_account(served: Served) -> None:
    result = ask(served, "--api")
    assert result.exit_code == 1  # the broken entry
    first, *rows = result.stdout.splitlines()
    assert first == (
        "Account acme: 120 tokens (119 public, 1 secret), 12 public tokens without allowed URLs."
    )
    assert (
        sum(row.endswith(f"site{place}.example.com") for place in range(120) for row in rows) > 99
    )
    assert "error    entry-never-matches" in result.stdout
    assert "“Broken”: “*.example.com”" in result.stdout
    without = f"GET {served.origin}/tokens/v2/acme?limit=100"
    assert result.stderr.splitlines() == [
        f"{without}&access_token=sk.…(acme/ck0se…)",
        f"{without}&start=ck0site095&access_token=sk.…(acme/ck0se…)",
    ]
    assert len(served.requests) == 2
    assert all(request.url.endswith(f"access_token={KEY}") for request in served.requests)


def test_the_tokens_of_a_capture_with_their_real_lists(served: Served) -> None:
    result = ask(served, "--api", "--capture", CAPTURE)
    assert result.exit_code == 0  # refusals, but nothing wrong with the account
    assert "Account acme: 120 tokens; 1 of them shown here." in result.stdout
    assert f"Token id     {TICKET.token.id}" in result.stdout
    assert f"Allowed URLs {TICKET.token.allowed[0]}" in result.stdout
    assert "scopes-beyond-traffic" in result.stdout
    assert "page-not-allowed · " in result.stdout
    assert "Site 0" not in result.stdout


def test_the_saved_list_gives_diagnose_the_same_cause(served: Served, tmp_path: Path) -> None:
    saved = tmp_path / "tokens.json"
    shown = ask(served, "--api", "--format", "json", "--capture", CAPTURE, "-o", str(saved))
    causes = json.loads(shown.stdout)["diagnosis"]["summary"]["by_cause"]
    runner = CliRunner()
    alone = runner.invoke(main, ["diagnose", CAPTURE, "--format", "json", "--tokens", str(saved)])
    assert alone.exit_code == 1
    assert json.loads(alone.stdout)["summary"]["by_cause"] == causes == {"page-not-allowed": 1}
    without = runner.invoke(main, ["diagnose", CAPTURE, "--format", "json"])
    confidences = [
        verdict["confidence"]
        for result in (alone, without)
        for verdict in json.loads(result.stdout)["verdicts"]
    ]
    assert confidences[0] == "certain" != confidences[1]


def test_the_saved_list_holds_the_lists_and_no_token(served: Served, tmp_path: Path) -> None:
    saved = tmp_path / "tokens.json"
    assert ask(served, "--api", "-o", str(saved)).exit_code == 1
    items = json.loads(saved.read_text())
    assert [item["id"] for item in items] == [held.id for held in ACCOUNT.tokens]
    assert [item.get("allowedUrls", []) for item in items] == [
        list(held.allowed) for held in ACCOUNT.tokens
    ]
    assert "pk." not in saved.read_text()
    assert "token" not in items[0]
    again = run("--tokens", str(saved))
    assert again.exit_code == 1
    assert again.stdout.startswith("The list: 120 tokens (119 public, 1 secret)")
    assert again.stderr == ""


def test_the_list_on_stdout_is_only_the_list(served: Served) -> None:
    result = ask(served, "--api", "-o", "-")
    assert len(json.loads(result.stdout)) == 120
    piped = CliRunner().invoke(main, ["diagnose", CAPTURE, "--tokens", "-"], input=result.stdout)
    assert "page-not-allowed" in piped.stdout


def test_one_token(served: Served) -> None:
    result = ask(served, "--api", BROKEN.text("acme"))
    assert result.exit_code == 1
    assert "Account acme: 120 tokens; 1 of them shown here." in result.stdout
    assert "*.example.com" in result.stdout
    assert "scopes-beyond" not in result.stdout
    missing = ask(served, "--api", encode("pk", {"u": "acme", "a": "ck0nobody"}))
    assert missing.exit_code == 1
    assert "none of them shown here" in missing.stdout
    assert "token-not-listed" in missing.stdout


def test_json_is_data(served: Served) -> None:
    data = json.loads(ask(served, "--api", "--format", "json").stdout)
    assert (data["schema"], data["account"], data["listed"]) == ("why403/account/1", "acme", 120)
    assert {f["finding"] for f in data["findings"]} == {"entry-never-matches"}
    assert data["findings"][0]["token"] == "ck0broken"


def test_nothing_wrong_is_status_0() -> None:
    account = account_of(5)
    with serving(tokens_api(account)) as served:
        result = ask(served, "--api", key=secret_of(account))
    assert result.exit_code == 0
    assert "Nothing to correct was found in them." in result.stdout


def test_an_empty_list() -> None:
    result = run("--tokens", "-", stdin="[]")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "The list: 0 tokens.")


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (Account("acme", ()), "the secret token is not valid"),
        (Account("acme", (Held(READER.id, "sk"),)), "lacks the scope tokens:read"),
    ],
)
def test_a_refused_secret_is_one_line(account: Account, says: str) -> None:
    with serving(tokens_api(account)) as served:
        result = ask(served, "--api")
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 2  # the request that was sent, and the error


@pytest.mark.parametrize(
    ("args", "key", "says"),
    [
        (["--api"], "", "There is no secret token"),
        (["--api"], encode("pk", {"u": "acme", "a": "x"}), "public token"),
        (["--api"], KEY.rpartition(".")[0], "cut off"),
        (["--api"], "nonsense", "no secret token: it does not begin with pk., sk. or tk.\n"),
        (["--api", "--tokens", "x.json"], KEY, "either --api or --tokens"),
        (["--api", "--capture", "/nowhere.har"], KEY, "/nowhere.har"),
        (["--api", "nonsense"], KEY, "no Mapbox token"),
        (["--api", "-", "--capture", "-"], KEY, "Only one thing"),
        ([], KEY, "Give a TOKEN"),
        (["--capture", CAPTURE], KEY, "add --api or --tokens"),
        (["-o", "x.json", PUBLIC], KEY, "add --api or --tokens"),
        (["--tokens", "/nowhere.json"], KEY, "/nowhere.json"),
    ],
)
def test_nothing_is_sent_for_a_mistake(
    served: Served, args: list[str], key: str, says: str
) -> None:
    result = ask(served, *args, key=key)
    assert result.exit_code == 2
    assert says in result.stderr
    assert served.requests == []
    assert "Traceback" not in result.output


@pytest.mark.parametrize("url", ["http://api.mapbox.com", "ftp://x", "https://a/b", "nonsense"])
def test_the_secret_goes_nowhere_else(url: str) -> None:
    result = CliRunner(env={"MAPBOX_ACCESS_TOKEN": KEY}).invoke(
        main, ["token", "--api", "--api-url", url]
    )
    assert result.exit_code == 2
    assert url in result.stderr


@pytest.mark.parametrize("text", ["", "{", "[5]", "<html>", '{"id": 5}', "[[[["])
def test_a_list_that_is_none(text: str) -> None:
    result = run("--tokens", "-", stdin=text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: -: ")


def test_another_variable_holds_the_secret(served: Served) -> None:
    environment = {"MAPBOX_ACCESS_TOKEN": PUBLIC, "WHY403_SECRET": KEY}
    result = CliRunner(env=environment).invoke(
        main, ["token", "--api", "--token-env", "WHY403_SECRET", "--api-url", served.origin]
    )
    assert result.stdout.startswith("Account acme: 120 tokens")


def test_an_account_s_words_reach_no_terminal() -> None:
    note, entry = "a\x1b[2Jb", "\x1b]0;x\x07.example.com"
    account = Account("acme", (READER, Held("i\x1b[31md", note=note, allowed=(entry,))))
    with serving(tokens_api(account)) as served:
        for args in ([], ["--format", "json"]):
            result = ask(served, "--api", *args, key=secret_of(account))
            assert result.exit_code in {0, 1}
            assert "\x1b" not in result.stdout


def test_the_secret_is_in_no_argument_and_no_output_of_a_real_process(served: Served) -> None:
    """As a shell runs it, with httpx logging everything that it can."""
    code = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG)\n"
        "from diagnostics.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "token", "--api", "--api-url", served.origin],
        env={**os.environ, "MAPBOX_ACCESS_TOKEN": KEY, "WHY403_TRACEBACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "DEBUG:httpcore" in done.stderr
    assert "INFO:httpx:HTTP Request: GET" in done.stderr
    for secret in (KEY, *KEY.split(".")[1:]):
        assert secret not in done.stdout + done.stderr
