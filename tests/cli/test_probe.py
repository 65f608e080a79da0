"""`why403 probe`: what it would send, that it sends nothing else and nothing unasked, and what it
learns; over real loopback HTTP against the emulated provider."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import fixtures
from diagnostics.account import probing
from diagnostics.cli import main
from diagnostics.provider.emulated import Grant, refusal
from diagnostics.provider.token import encode
from diagnostics.ticket import load
from tests.account.serving import PUBLIC, Served, provider, serving

TOKEN = encode("pk", {"u": "acme", "a": "ck0example00000000000000a"}, "S1gnatureThatNobodyMaySee")
PAGE = "https://www.example.com/map?session=5"
CAPTURE = str(next((fixtures.ROOT / "captures").glob("apex-not-www-chromium.*har")))
TICKET = load(fixtures.ROOT / "tickets" / "apex-not-www-chromium.yaml")


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PAUSE", 0)


def run(*args: str, token: str = TOKEN, stdin: str = "") -> Result:
    environment = {"COLUMNS": "100", "MAPBOX_ACCESS_TOKEN": token}
    result = CliRunner(env=environment).invoke(main, ["probe", *args], input=stdin)
    for part in TOKEN.split(".")[1:]:
        assert part not in result.output
    assert "Traceback" not in result.output
    return result


def restricted(*entries: str, token: str = TOKEN) -> dict[str, Grant]:
    return {token: Grant("acme", entries, PUBLIC)}


GOLDEN = """\
9 requests to https://api.mapbox.com with the token pk.…(acme/ck0ex…), for the page
https://www.example.com/map.

Cost: Vector Tiles API, billed as one tile request each, on the account of the token.

Each is a GET with the query ?access_token=pk.…(acme/ck0ex…), with these header fields and no others
besides Host and the Referer of its line:

    User-Agent: why403/VERSION
    Accept: */*

#  path                                     Referer                        what it tells
1  /v4/mapbox.mapbox-streets-v8/6/1/24.mvt  (none)                         is the token restricted
                                                                           at all?
2  /v4/mapbox.mapbox-streets-v8/6/2/24.mvt  https://www.example.com/       what browsers send from
                                                                           the page
3  /v4/mapbox.mapbox-streets-v8/6/3/24.mvt  https://why403-probe.invalid/  does it admit any page at
                                                                           all?
4  /v4/mapbox.mapbox-streets-v8/6/4/24.mvt  http://www.example.com/        does an entry name https?
5  /v4/mapbox.mapbox-streets-v8/6/5/24.mvt  https://example.com/           is all of example.com
                                                                           covered?
6  /v4/mapbox.mapbox-streets-v8/6/6/24.mvt  https://www.example.com:8443/  is another port admitted?
7  /v4/mapbox.mapbox-streets-v8/6/7/24.mvt  https://www.example.com/map    does an entry name this
                                                                           path?
8  /v4/mapbox.mapbox-streets-v8/6/8/24.mvt  https://api.mapbox.com/        do share links and Studio
                                                                           iframes work?
9  /v4/mapbox.mapbox-streets-v8/6/9/24.mvt  https://why403-example.com/    is a lookalike domain
                                                                           refused?

Nothing was sent. Add --send to send exactly these requests.
"""


def test_the_plan() -> None:
    from diagnostics import __version__

    result = run("--page", PAGE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == GOLDEN.replace("VERSION", __version__)


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_is_sent_unasked(form: str) -> None:
    with serving(provider(restricted())) as served:
        for args in (["--page", PAGE], [CAPTURE], ["--url", f"https://x/?access_token={TOKEN}"]):
            result = run(*args, "--api-url", served.origin, "--format", form)
            assert result.exit_code == 0
            assert served.origin in result.stdout
        assert served.requests == []


def sent(served: Served) -> list[tuple[str, str | None]]:
    return [
        (urllib.parse.urlsplit(request.url).path, request.headers.get("referer"))
        for request in served.requests
    ]


def test_what_is_sent_is_what_was_printed() -> None:
    with serving(provider(restricted("www.example.com"))) as served:
        args = ("--page", PAGE, "--allow", "localhost:3000", "--api-url", served.origin)
        planned = json.loads(run(*args, "--format", "json").stdout)["requests"]
        assert served.requests == []
        result = run(*args, "--send")
        assert sent(served) == [
            (
                urllib.parse.urlsplit(line["url"]).path,
                dict(map(tuple, line["headers"])).get("Referer"),
            )
            for line in planned
        ]
        host = served.origin.removeprefix("http://")
        for line, request in zip(planned, served.requests, strict=True):
            assert [["Host", host], *line["headers"]] == [list(pair) for pair in request.headers]
            assert request.url == line["url"].replace("pk.…(acme/ck0ex…)", TOKEN)
    assert "session" not in repr(served.requests)
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("entries", "status", "says"),
    [
        (["example.com"], 0, "One entry explains what was admitted: “example.com”."),
        (["www.example.com"], 0, "One entry explains what was admitted: “www.example.com”."),
        (["http://www.example.com"], 1, "“http://example.com” or “http://www.example.com”."),
        (["example.com/map"], 1, "“example.com/map”, “www.example.com/map”"),
        (["www.example.com:8443"], 1, "“example.com:8443”, “www.example.com:8443”"),
        (["*.example.com"], 1, "Every Referer was refused"),
        ([], 0, "The token has no allowed URLs"),
    ],
)
def test_what_is_learned(entries: list[str], status: int, says: str) -> None:
    with serving(provider(restricted(*entries))) as served:
        result = run("--page", PAGE, "--send", "--api-url", served.origin)
    assert result.exit_code == status
    said = " ".join(result.stdout.split())
    assert says in said
    assert "How soon a change of the list is in force is not documented" in said


def test_guesses() -> None:
    with serving(provider(restricted("www.example.com"))) as served:
        result = run("--page", PAGE, "--allow", "example.com", "--allow", "*.x.y", "--send",
                     "--api-url", served.origin)  # fmt: skip
    said = " ".join(result.stdout.split())
    assert "“example.com” is not on the list: it would have admitted https://example.com/." in said
    assert "“*.x.y” can never match" in said


def test_a_file_of_guesses(tmp_path: Path) -> None:
    file = tmp_path / "allow.txt"
    file.write_text("# guesses\nlocalhost:3000\n")
    assert "http://localhost:3000/" in run("--page", PAGE, "--allow-file", str(file)).stdout


def test_a_capture_gives_token_and_page() -> None:
    grants = restricted(*TICKET.token.allowed, token=TICKET.token.text)
    with serving(provider(grants)) as served:
        result = run(CAPTURE, "--send", "--api-url", served.origin)
    assert result.exit_code == 1  # as in the capture, the page is refused
    allowed = TICKET.token.allowed[0]
    assert f"“{allowed}”" in result.stdout
    assert all(TICKET.token.text in request.url for request in served.requests)
    assert TICKET.token.text not in result.output


def test_json_is_data() -> None:
    with serving(provider(restricted("www.example.com"))) as served:
        args = ("--page", PAGE, "--format", "json", "--api-url", served.origin)
        plan, full = run(*args), run(*args, "--send")
    data = json.loads(plan.stdout)
    assert (data["schema"], data["answers"], data["learned"]) == ("why403/probe/1", None, None)
    assert data["page"] == "https://www.example.com/map"
    data = json.loads(full.stdout)
    assert [one["status"] for one in data["answers"]] == [
        403,
        200,
        403,
        200,
        403,
        403,
        200,
        403,
        403,
    ]
    assert data["learned"]["restricted"] is True
    assert data["learned"]["fewest"] == [["www.example.com"]]


def test_a_token_that_is_not_valid() -> None:
    with serving(provider({})) as served:
        result = run("--page", PAGE, "--send", "--api-url", served.origin)
        assert len(served.requests) == 1
    assert result.exit_code == 2
    assert result.stderr == ("Error: Nothing was learned: request 1 of 9: the token is not valid\n")
    assert "Stopped after 1 of 9 requests: the token is not valid." in result.stdout
    assert "The answers say nothing about the list." in result.stdout


def test_a_service_with_a_fault() -> None:
    with serving(lambda _: refusal(503, "later")) as served:
        result = run("--page", PAGE, "--send", "--api-url", served.origin)
    assert result.exit_code == 2
    assert "Nothing was learned" in result.stderr
    assert "was answered 503: says nothing about the list" in " ".join(result.stdout.split())


def test_a_service_that_is_not_there() -> None:
    with serving(provider({})) as served:
        origin = served.origin
    result = run("--page", PAGE, "--send", "--api-url", origin)
    assert result.exit_code == 2
    assert f"Error: {origin} cannot be asked" in result.stderr


@pytest.mark.parametrize(
    ("args", "token", "says"),
    [
        (["--page", PAGE], encode("sk", {"u": "acme", "a": "x"}), "secret token"),
        (["--page", PAGE], encode("tk", {"u": "acme", "exp": 1}), "temporary token"),
        (["--page", PAGE], TOKEN.rpartition(".")[0], "cut off"),
        (["--page", PAGE], "nonsense", "no public token: it does not begin with pk., sk. or tk.\n"),
        (["--page", "foo bar"], TOKEN, "“foo bar” is no address of a page."),
        (["--page", "https://[::1"], TOKEN, "“https://[::1” is no address of a page."),
        (["--page", PAGE], "", "There is no public token"),
        (["--url", "https://api.mapbox.com/v4/x"], TOKEN, "no access_token"),
        (["--url", f"https://x/?access_token={encode('sk', {'u': 'a'})}"], TOKEN, "secret token"),
        (["--url", "https://[", "--page", PAGE], TOKEN, "--url"),
        (["--url", "https://x/?access_token=x", CAPTURE], TOKEN, "either a CAPTURE or --url"),
        (["--api-url", "http://api.mapbox.com"], TOKEN, "https"),
        (["/nowhere.har"], TOKEN, "/nowhere.har"),
        (["-"], TOKEN, ""),
    ],
)
def test_mistakes_are_one_line(args: list[str], token: str, says: str) -> None:
    result = run(*args, "--send", token=token)
    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
    assert result.stderr.startswith("Error: ")


def test_a_capture_of_a_secret_token_is_not_probed() -> None:
    path = next((fixtures.ROOT / "captures").glob("secret-token-firefox.*har"))
    result = run(str(path), "--send", "--api-url", "http://127.0.0.1:9")
    assert result.exit_code == 2
    assert "secret token" in result.stderr


def test_a_page_s_words_reach_no_terminal() -> None:
    result = run("--page", "https://www.example.com/\x1b[2J\u202e", "--allow", "a\x1b[31mb.com")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout


@pytest.mark.parametrize(
    ("page", "referer"),
    [
        ("www.example.com/map", "https://www.example.com/"),
        ("localhost:3000", "http://localhost:3000/"),
        ("http://www.example.com", "http://www.example.com/"),
    ],
)
def test_a_page_without_a_scheme(page: str, referer: str) -> None:
    data = json.loads(run("--page", page, "--format", "json").stdout)
    assert dict(data["requests"][1]["headers"])["Referer"] == referer
