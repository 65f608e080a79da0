"""The folder's texts: whole outputs, every cause, and no secret in any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import fixtures
from diagnostics import ticket as tickets
from diagnostics.capture.open import read_capture, read_data
from diagnostics.desk.handover import TEXTS, texts
from diagnostics.desk.support import Handover, put_together
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.verdict import Cause
from diagnostics.provider.token import encode
from tests import planting
from tests.desk.recorded import recorded

TICKETS = tickets.load_all(fixtures.ROOT / "tickets")
#: A ticket and its capture for each cause.
REFUSED = {
    cause: (name, sorted((fixtures.ROOT / "captures").glob(f"{name}.mitmproxy.*"))[0])
    for cause in Cause
    for name in sorted(TICKETS)
    if any(rule.cause is cause for rule in TICKETS[name].expect.refusals)
    and any((fixtures.ROOT / "captures").glob(f"{name}.mitmproxy.*"))
}


def handed(capture: str, *entries: str) -> Handover:
    told = Told(Allowed(entries, "--allow")) if entries else Told()
    found = put_together(recorded(capture), told)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "capture", "entries"),
    [
        ("helmet", "helmet-gl3-chromium.devtools.har", ["shop.example.com"]),
        ("share", "share-iframe-firefox.firefox.har", []),
        ("unexplained", "nothing-known-chromium.mitmproxy.har", []),
        ("curl", "curl-without-referer.mitmproxy.har", ["example.com"]),
    ],
)
def test_whole_output(
    name: str, capture: str, entries: list[str], golden: Callable[[str, str], None]
) -> None:
    made = texts(handed(capture, *entries), {"request.png": "the same picture"}, "")
    assert list(made) == list(TEXTS)
    for file in ("README.md", "what-was-tried.md", "reply.md", "request.svg"):
        golden(f"support-{name}-{file}", made[file])


def test_there_is_a_case_for_every_cause() -> None:
    # What a browser answers out of its own cache no proxy sees.
    assert set(REFUSED) >= set(Cause) - {Cause.CACHED_403}


@pytest.mark.parametrize("cause", REFUSED)
def test_every_cause_gets_its_folder(cause: Cause) -> None:
    name, path = REFUSED[cause]
    ticket = TICKETS[name]
    known = ticket.known_allowed
    told = Told(Allowed(known, "--allow") if known is not None else Allowed())
    found = put_together(read_capture(str(path)), told)
    assert found is not None
    assert cause in {example.verdict.cause for example in found.examples}
    made = texts(found, {})
    for file, text in made.items():
        assert ticket.token.text not in text, file
    if any(token.id == ticket.token.id for token in found.tokens):
        assert f"| `{ticket.token.account}` | `{ticket.token.id}` |" in made["README.md"]
    assert all(example.trials for example in found.examples)
    assert re.search("^40[13]$", made["README.md"], re.MULTILINE)
    assert "why403" not in made["reply.md"].partition("## If it")[0].replace(".why403", "")


@pytest.mark.parametrize("kind", planting.KINDS)
def test_no_planted_secret_in_any_file(kind: str) -> None:
    har, secrets = planting.planted_har([kind])
    captures = read_data(json.dumps(har).encode(), "planted.har")
    found = put_together(captures, Told(Allowed(("shop.example.com",), "--allow")))
    assert found is not None
    for file, text in texts(found, {}).items():
        assert planting.leaks(text.encode(), secrets) == [], file


def test_what_support_asks_for_is_there() -> None:
    readme = texts(handed("helmet-gl3-chromium.devtools.har", "shop.example.com"), {})["README.md"]
    assert "| `acme` | `ck0example00000000000000a` | public | 1 |" in readme
    assert "`Chrome or Chromium 156.0.0.0 on Linux`" in readme
    assert "curl -i 'https://api.mapbox.com/styles/v1/acme/hidden-1?" in readme
    assert "access_token=pk.…(acme/ck0ex…)" in readme
    assert "It has no Referer header." in readme
    assert '{"message":"Forbidden"}' in readme
    assert "**Expected:**" in readme
    assert "**Actual:**" in readme
    assert "![" in readme
    for heading in ("Account and token", "Browsers and versions", "What was tried", "Files"):
        assert f"## {heading}\n" in readme


def test_the_provider_s_own_ids_stay_and_only_they() -> None:
    capture = fixtures.ROOT / "captures/helmet-gl3-chromium.devtools.har"
    style = "ckxyz0123456789abcdefghij"
    text = capture.read_text(encoding="utf-8").replace("ckstyle0example", style)
    found = put_together(read_data(text.encode(), "a.har"))
    assert found is not None
    made = texts(found, {})
    for file in ("README.md", "reply.md", "what-was-tried.md"):
        assert f"/styles/v1/acme/{style}" in made[file], file
    assert style not in made["report.html"]


def test_what_is_missing_is_said() -> None:
    found = handed("helmet-gl3-chromium.devtools.har")
    assert "There is no PNG." in texts(found, {}, "There is no PNG.")["README.md"]
    assert "request.png" not in texts(found, {})["README.md"]


def test_hostile_capture(tmp_path: Path) -> None:
    evil = "</text><script>window.pwned=1</script>\x1b[2J"
    har = json.loads((fixtures.ROOT / "captures/helmet-gl3-chromium.devtools.har").read_text())
    for entry in har["log"]["entries"]:
        for header in entry["request"]["headers"]:
            if header["name"].lower() not in {"host", "sec-fetch-site"}:
                header["value"] = evil
    found = put_together(read_data(json.dumps(har).encode(), evil))
    assert found is not None
    for text in texts(found, {}).values():
        assert "<script>window" not in re.sub(r"`[^`]*`", "", text)
        assert "\x1b" not in text


def test_an_id_that_was_left_out_is_no_id(tmp_path: Path) -> None:
    legacy = encode("pk", {"u": "oldacct", "a": "XGVabcd"})
    entry = {
        "request": {
            "method": "GET",
            "url": f"https://api.mapbox.com/styles/v1/oldacct/x?access_token={legacy}",
            "headers": [{"name": "User-Agent", "value": "curl/8.14.1"}],
        },
        "response": {"status": 403, "headers": [], "content": {}},
    }
    file = tmp_path / "a.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}))
    found = put_together(read_capture(str(file)), Told(Allowed(("shop.example.com",), "--allow")))
    assert found is not None
    sheet = texts(found, {})["README.md"]
    assert "| `oldacct` | `(left out)` | public | 1 |" in sheet
    assert "An id that has not the usual form was left out" in sheet
    assert "removed" not in sheet.partition("## Browsers")[0]
