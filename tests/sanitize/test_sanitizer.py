from __future__ import annotations

import json
import random
import string
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.capture.exchange import Capture
from diagnostics.capture.open import read_capture, read_data
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.sanitize.compare import differences
from diagnostics.sanitize.output import form_of, gzipped, pieces
from diagnostics.sanitize.sanitizer import Sanitizer, sanitized
from diagnostics.ticket import load_all
from fixtures import ROOT
from fixtures.check import handmade
from tests import planting

CAPTURES = ROOT / "captures"
FILES = sorted(p for p in CAPTURES.rglob("*") if p.is_file() and p.suffix != ".yaml")
HANDMADE = handmade(CAPTURES / "handmade")
TICKETS = load_all(ROOT / "tickets")


def told_about(path: Path) -> Told:
    """What the file's ticket knows of the token."""
    if path.parent.name == "handmade":
        return Told(Allowed(HANDMADE[path.name].allow, "the list"))
    allowed = TICKETS[path.name.partition(".")[0]].token.allowed
    return Told(Allowed(tuple(allowed), "the list")) if allowed is not None else Told()


def shared(capture: Capture, keep: Sequence[str] = ()) -> bytes:
    return b"".join(pieces(Sanitizer(capture, keep)))


def of(data: bytes, keep: Sequence[str] = ()) -> bytes:
    (capture,) = read_data(data, "a capture")
    return shared(capture, keep)


@cache
def planted() -> tuple[bytes, bytes, list[planting.Secret]]:
    """A HAR full of secrets, what is made of it, and the secrets."""
    har, secrets = planting.planted_har()
    data = json.dumps(har).encode()
    return data, of(data), secrets


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_diagnosis_is_the_same_and_a_second_time_changes_nothing(path: Path) -> None:
    """Nothing is told when it is sanitized, and yet the list decides the same afterwards."""
    (capture,) = read_capture(str(path))
    data = shared(capture)
    (again,) = read_data(data, path.name)
    told = told_about(path)
    before = diagnose([capture], told)
    after = diagnose([again], told)
    assert list(differences(before, after)) == []
    for old, new in zip(before.verdicts, after.verdicts, strict=True):
        assert [s.state for s in old.journey] == [s.state for s in new.journey]
    assert list(differences(diagnose([capture]), diagnose([again]))) == []
    assert again.exporter == capture.exporter
    assert form_of(again) == form_of(capture)
    assert shared(again) == data


def test_there_are_fixtures_of_every_kind() -> None:
    assert len(FILES) >= 271
    assert {path.suffix for path in FILES} == {".har", ".flow", ".curl"}


def test_no_secret_of_any_kind_is_left_from_any_place() -> None:
    _, made, secrets = planted()
    assert len(planting.KINDS) >= 40
    assert len({secret.place for secret in secrets}) > 500
    assert planting.leaks(made, secrets) == []
    assert planting.leaks(b"".join(gzipped([made])), secrets) == []


def test_the_search_finds_what_was_planted() -> None:
    har, secrets = planting.planted_har(["GitHub token"])
    found = planting.leaks(json.dumps(har).encode(), secrets)
    assert len(found) == len({(secret.kind, secret.place) for secret in secrets})


def test_what_was_planted_is_read_and_diagnosed_before_and_after() -> None:
    data, made, _ = planted()
    before, after = read_data(data, "x.har"), read_data(made, "x.har")
    assert len(before[0].exchanges) == len(after[0].exchanges) == 8 * len(planting.KINDS)
    report = diagnose(before)
    assert report.summary.refused >= len(planting.KINDS)
    assert [(v.index, v.cause) for v in report.verdicts] == [
        (v.index, v.cause) for v in diagnose(after).verdicts
    ]


def test_sanitizing_what_was_planted_twice_is_the_same_as_once() -> None:
    _, made, _ = planted()
    assert of(made) == made


def _drawn(seed: int, length: int) -> str:
    """Characters as a service would draw them; `AAA000.AABAABAAB` could be the name of a thing."""
    alphabet = string.ascii_letters + string.digits + "-_+/=."
    return "".join(random.Random(seed).choices(alphabet, k=length))


SECRETS = st.builds(_drawn, st.integers(0, 2**32), st.integers(16, 80)).filter(
    lambda text: sum(c.isdigit() for c in text) >= 3 and sum(c.isupper() for c in text) >= 3
    and not any(word in text for word in ("...", "hidden"))
)  # fmt: skip


@settings(max_examples=150)
@given(SECRETS)
def test_no_random_secret_survives_wherever_it_stands(secret: str) -> None:
    made = of(json.dumps(_har_with(secret)).encode()).decode()
    assert secret not in made
    long = max(secret.replace("/", " ").replace(".", " ").split(), key=len, default="")
    assert len(long) < 16 or long not in made


@pytest.mark.parametrize(
    "secret",
    ["qzxkvjwb-hgtrplmn-xcvbqwrt-zxdfghjk", "pk.3f2504e0-4f89-11d3-9a0c-0305e82c3301",
     "xkqvzb_pjmwtr_hgtrpl", "tk.ghp_" + "b7" * 18],
)  # fmt: skip
def test_no_secret_of_short_groups_survives_wherever_it_stands(secret: str) -> None:
    har = _har_with(secret)
    url = f"https://{secret}.example.com/reset/{secret}"
    har["log"]["entries"].append({"request": {"url": url}, "response": {"status": 200}})
    made = of(json.dumps(har).encode()).decode()
    if not secret.startswith(
        ("pk.", "tk.")
    ):  # names of hosts stay, unless they are secrets by their shape
        assert f'"https://{secret}.example.com/reset/hidden-' in made
        made = made.replace(f"//{secret}.example.com/", "").replace(f'"img-src {secret}"', "")
    assert secret not in made


def _har_with(secret: str) -> dict[str, Any]:
    from urllib.parse import quote

    url = f"https://u:{quote(secret, safe='')}@a.example.com/x/{quote(secret, safe='')}?v={secret}"
    headers = [
        {"name": name, "value": value}
        for name, value in {
            "Referer": f"{url}#{secret}", "Cookie": f"a={secret}", "Authorization": secret,
            "X-Key": secret, f"X-{secret}": "1", "User-Agent": f"Mozilla/5.0 ({secret})",
            "Accept": secret, "Location": url, "Content-Security-Policy": f"img-src {secret}",
            "Content-Type": f"text/html; {secret}", "Origin": url, "Sec-Fetch-Site": secret,
        }.items()
    ]  # fmt: skip
    page = f"<title>{secret}</title><!-- {secret} --><script>k = '{secret}'</script>{secret}"
    refusal = json.dumps({"message": f"account {secret} suspended"})
    return {
        "log": {
            "creator": {"name": secret},
            "pages": [{"id": secret, "title": url}],
            "entries": [
                {
                    "pageref": secret,
                    "_initiator": {"type": secret, "stack": {"callFrames": [{"url": url}]}},
                    "request": {"method": "GET", "url": address, "headers": headers},
                    "response": {
                        "status": status, "headers": headers, "redirectURL": url, "_error": secret,
                        "content": {"mimeType": mime, "text": text},
                    },
                }
                for address, status, mime, text in (
                    (url, 200, "text/html", page),
                    (f"https://api.mapbox.com/styles/v1/a/{quote(secret, safe='')}"
                     f"?access_token={secret}", 403, "application/json", refusal),
                    (f"data:text/html,{secret}", 200, "text/javascript", f"/* {secret} */"),
                )
            ],
        }
    }  # fmt: skip


def test_what_cannot_be_read_keeps_its_place() -> None:
    entry = {"request": {"url": "https://shop.example.com/map"}, "response": {"status": 200}}
    data = json.dumps({"log": {"entries": [entry, None, {"request": {}}, entry, 7]}}).encode()
    (before,) = read_data(data, "x.har")
    (after,) = read_data(of(data), "x.har")
    assert [e.index for e in after.exchanges] == [e.index for e in before.exchanges] == [0, 3]
    assert [s.index for s in after.skipped] == [s.index for s in before.skipped] == [1, 2, 4]


def test_stand_ins_are_equal_where_it_was_equal_and_nowhere_else() -> None:
    urls = ["https://a.example.com/x/4f9d8a7b6c5d4e3f?q=one", "https://a.example.com/x/4f9d8a7b6c5d4e3f?q=two",
            "https://b.example.com/4f9d8a7b6c5d4e3f/11aa22bb33cc44dd"]  # fmt: skip
    entries = [{"request": {"url": url}} for url in urls]
    (after,) = read_data(of(json.dumps({"log": {"entries": entries}}).encode()), "x.har")
    assert [exchange.url for exchange in after.exchanges] == [
        "https://a.example.com/x/hidden-1?q=hidden-2",
        "https://a.example.com/x/hidden-1?q=hidden-3",
        "https://b.example.com/hidden-1/hidden-4",
    ]


def test_a_told_list_keeps_its_paths_and_queries_recognisable() -> None:
    url = "https://shop.example.com/m/9f8e7d6c5b4a3f2e?plan=77881122"
    data = json.dumps({"log": {"entries": [{"request": {"url": url}}]}}).encode()
    (told,) = read_data(of(data, ["shop.example.com/m/9f8e7d6c5b4a3f2e?plan=77881122"]), "x.har")
    assert told.exchanges[0].url == url
    (untold,) = read_data(of(data), "x.har")
    assert untold.exchanges[0].url == "https://shop.example.com/m/hidden-1?plan=hidden-2"


def test_the_list_of_the_tokens_api_is_told_about_the_stand_ins() -> None:
    path = CAPTURES / "apex-not-www-chromium.devtools.har"
    (capture,) = read_capture(str(path))
    allowed = Allowed(("www.example.com",), "the token list")
    token = next(t for t in TICKETS.values() if path.name.startswith(t.name + ".")).token
    told = Told(by_id={token.id: allowed})
    sanitizer = Sanitizer(capture)
    again = read_data(b"".join(pieces(sanitizer)), "x.har")
    assert list(differences(diagnose([capture], told), diagnose(again, sanitizer.told(told)))) == []
    assert diagnose([capture], told).verdicts[0].cause == "page-not-allowed"


def test_a_capture_can_be_cleaned_in_memory() -> None:
    data, _, secrets = planted()
    clean, tally = sanitized(read_data(data, "x.har")[0])
    texts = [e.url + (e.body or "") + repr(e.request_headers) for e in clean.exchanges]
    assert planting.leaks("\n".join(texts).encode(), secrets) == []
    assert tally.removed["cookies"]
    assert tally.replaced["access tokens"]
