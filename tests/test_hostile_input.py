"""Any file through the real command: a report or one clear line, and never a token."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fixtures
from diagnostics.cli import main
from diagnostics.provider.token import encode

FORMATS = ("text", "json", "markdown", "html")
SIGNATURE = "U2lnbmF0dXJlT2ZBVGVzdA"
TOKEN = encode("pk", {"u": "acme", "a": "ck0hostile00000000000000a"}, SIGNATURE)
SECRET = encode("sk", {"u": "acme", "a": "ck0hostile00000000000000b"}, "S" + SIGNATURE)
PARTS = (TOKEN.split(".")[1], SECRET.split(".")[1], SIGNATURE)
API = "https://api.mapbox.com/styles/v1/acme/ck0"


def diagnose(*args: str, stdin: bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, ["diagnose", *args], input=stdin)


def diagnosed(data: bytes, form: str = "text", *args: str) -> Result:
    with tempfile.NamedTemporaryFile(prefix="why403", suffix=".har") as file:
        file.write(data)
        file.flush()
        return diagnose(file.name, "--format", form, *args)


def assert_kept(result: Result) -> None:
    """The contract of the command, whatever it was given."""
    assert result.exit_code in {0, 1, 2}, (result.exit_code, result.exception, result.stderr)
    assert "Traceback" not in result.output
    assert "fault of why403" not in result.stderr
    if result.exit_code == 2:
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
    for text in (result.stdout, result.stderr):
        for part in PARTS:
            assert part not in text
        assert "\x1b" not in text


def har(*entries: Any, **log: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", **log, "entries": list(entries)}}).encode()


def refused(url: str = f"{API}?access_token={TOKEN}", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "startedDateTime": "2026-11-22T10:00:00.000Z",
        "request": {
            "method": "GET",
            "url": url,
            "headers": [
                {"name": "Host", "value": "api.mapbox.com"},
                {"name": "User-Agent", "value": "Mozilla/5.0 (X11) Gecko/20100101 Firefox/153.0"},
                {"name": "Referer", "value": "https://shop.example.com/"},
                {"name": "Sec-Fetch-Site", "value": "cross-site"},
            ],
        },
        "response": {
            "status": 403,
            "headers": [],
            "content": {"mimeType": "application/json", "text": '{"message":"Forbidden"}'},
        },
    }
    made.update(more)
    return made


def page(**more: Any) -> dict[str, Any]:
    made = refused("https://shop.example.com/map")
    made["request"]["headers"] = [{"name": "Accept", "value": "text/html"}]
    made["response"] = {
        "status": 200,
        "headers": [{"name": "Referrer-Policy", "value": "no-referrer"}],
        "content": {"mimeType": "text/html", "text": "<title>Map</title>"},
    }
    made.update(more)
    return made


# Files that are no capture: status 2, and a line that says what to do.


def nested(depth: int) -> bytes:
    return b'{"log":{"entries":' + b"[" * depth + b"]" * depth + b"}}"


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t ", "is empty"),
    "truncated JSON": (har(refused())[:-40], "ends too early"),
    "truncated at once": (b"{", "ends too early"),
    "HTML": (b"<!DOCTYPE html><title>Sign in</title>", ""),
    "XML": (b'<?xml version="1.0"?><x/>', ""),
    "other JSON": (b'{"a": 1}', "not a HAR"),
    "a JSON list": (b"[1, 2]", "not a HAR"),
    "entries is an object": (b'{"log":{"entries":{}}}', "not a HAR"),
    "entries is null": (b'{"log":{"entries":null}}', "log.entries"),
    "a number that is none": (b'{"log":{"entries":[NaM]}}', "not valid JSON"),
    "plain text": (b"hello", ""),
    "binary": (bytes(range(256)) * 4, ""),
    "zeros": (b"\0" * 1000, ""),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, ""),
    "a PDF": (b"%PDF-1.7\n", ""),
    "a broken gzip file": (gzip.compress(har(refused()))[:-30], ""),
    "a broken zip file": (b"PK\x03\x04" + b"\0" * 40, ""),
    "nesting that never ends": (b'{"log":{"entries":[' + b"[" * 200_000, "ends too early"),
    "a cut flow file": (b"99:7:version;2:20#", ""),
    "a token alone": (TOKEN.encode(), ""),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_no_capture(name: str, form: str) -> None:
    data, says = UNUSABLE[name]
    result = diagnosed(data, form)
    assert_kept(result)
    assert result.exit_code == 2
    assert says in result.stderr


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.har", tmp_path / f"{TOKEN}.har"):
        result = diagnose(str(path))
        assert_kept(result)
        assert result.exit_code == 2


@pytest.mark.parametrize("name", ["x\x1b[31m", "x\ny", "\udcff", "x\u202ey", "-", "a b'c\""])
def test_odd_file_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.har"
    path.write_bytes(har(refused()))
    result = diagnose(str(path))
    assert_kept(result)
    assert result.exit_code == 1
    missing = diagnose(str(tmp_path / f"{name}.missing"))
    assert_kept(missing)


def test_a_zip_whose_members_are_named_after_a_token(tmp_path: Path) -> None:
    path = tmp_path / "ticket.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{TOKEN}.har", har(refused()))
        archive.writestr(f"broken-{TOKEN}.har", b"{")
    for form in FORMATS:
        result = diagnose(str(path), "--format", form)
        assert_kept(result)


# Captures with something bad in them: the rest is diagnosed.

BAD_ENTRIES: list[Any] = [None, 5, "x", [], {}, {"request": None}, {"request": {"url": None}}]


def deep(depth: int) -> bytes:
    return har(refused(), "DEEP", refused(comment="DEEP", _initiator="DEEP")).replace(
        b'"DEEP"', b"[" * depth + b"]" * depth
    )


USABLE: dict[str, tuple[bytes, int, int]] = {  # refusals, skipped entries
    "nothing": (har(), 0, 0),
    "one refusal": (har(refused()), 1, 0),
    "bad entries": (har(*BAD_ENTRIES, refused()), 1, len(BAD_ENTRIES)),
    "null fields": (
        har(refused(response={"status": 403, **dict.fromkeys(["headers", "content", "_error"])})),
        1,
        0,
    ),
    "a null response": (har(refused(response=None)), 0, 0),
    "a URL of 1 MB": (har(refused(API + "?" + "x" * 10**6)), 1, 0),
    "a body of 1 MB": (
        har(refused(response={"status": 403, "content": {"text": "Forbidden" * 10**5}})),
        1,
        0,
    ),
    "deep nesting": (deep(5_000), 2, 1),
    "very deep nesting": (deep(200_000), 2, 1),
    "invalid UTF-8": (
        har(page(), refused())
        .replace(b"<title>Map", b"<title>\xff\xfe\x80")
        .replace(b"X11", b"\xff"),
        1,
        0,
    ),
    "lone surrogates": (har(page(comment="\ud83d"), refused(comment="\ude00")), 1, 0),
    "a byte order mark": (b"\xef\xbb\xbf" + har(refused()), 1, 0),
    "UTF-16": (har(refused()).decode().encode("utf-16"), 1, 0),
    "a status beyond": (har(refused(response={"status": 10**30})), 0, 0),
    "status inf": (har(refused(response={"status": "inf"})), 0, 0),
    "control characters": (har(refused(f"{API}?\x1b[31m\x07\u202e&x=\x00")), 1, 0),
    "markup": (
        har(refused(f"{API}?<script>alert(1)</script>"), creator={"name": "<b>x</b>"}),
        1,
        0,
    ),
}


@pytest.mark.parametrize("name", USABLE)
@pytest.mark.parametrize("form", FORMATS)
def test_the_rest_is_diagnosed(name: str, form: str) -> None:
    data, refusals, skipped = USABLE[name]
    result = diagnosed(data, form, "--allow", "shop.example.com")
    assert_kept(result)
    assert result.exit_code == int(refusals > 0)
    if form == "json":
        report = json.loads(result.stdout)
        assert report["summary"]["refused"] == len(report["verdicts"]) == refusals
        assert len(report["capture"]["skipped"]) == skipped
    if form == "html":
        assert "<script>alert" not in result.stdout
        assert "<b>x</b>" not in result.stdout


@pytest.mark.parametrize("form", ["text", "html"])
def test_a_header_of_10_mb(form: str) -> None:
    header = {"name": "Referer", "value": "https://a.example/" + "x" * 10**7}
    result = diagnosed(har(refused(request={"url": API, "headers": [header]})), form)
    assert_kept(result)
    assert result.exit_code == 1
    assert len(result.stdout) < 10**6


def test_a_skipped_entry_is_told_by_its_number() -> None:
    report = json.loads(diagnosed(har(refused(), 5, refused()), "json").stdout)
    (skip,) = report["capture"]["skipped"]
    assert skip["index"] == 1
    assert "1" in diagnosed(har(refused(), 5, refused())).stdout


def test_one_bad_file_among_several(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.har", tmp_path / f"{TOKEN}.har"
    good.write_bytes(har(refused()))
    bad.write_bytes(b"{")
    result = diagnose(str(good), str(bad))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "shop.example.com" in result.stdout
    for part in PARTS:
        assert part not in result.output


# A token in every place where one can be.

ENCODED = {
    "as it is": TOKEN,
    "percent-encoded": urllib.parse.quote(TOKEN).replace(".", "%2E"),
    "twice": urllib.parse.quote(TOKEN).replace(".", "%252E"),
    "secret": SECRET,
}


def headers(**fields: str) -> list[dict[str, str]]:
    base = {h["name"]: h["value"] for h in refused()["request"]["headers"]}
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return [{"name": name, "value": value} for name, value in {**base, **named}.items()]


def in_request(token: str, **fields: str) -> dict[str, Any]:
    url = f"{API}?access_token={token}"
    return refused(request={"method": "GET", "url": url, "headers": headers(**fields)})


def answered(body: str = "", **fields: str) -> dict[str, Any]:
    pairs = [{"name": n.replace("_", "-"), "value": v} for n, v in fields.items()]
    return {"status": 403, "headers": pairs, "content": {"text": body, "mimeType": "text/html"}}


def found(body: str = "", **fields: str) -> dict[str, Any]:
    return answered(body, **fields) | {"status": 200}


PLACES: dict[str, Callable[[str], bytes]] = {
    "query": lambda t: har(page(), refused(f"{API}?access_token={t}")),
    "another parameter": lambda t: har(page(), refused(f"{API}?x={t}&token={t}&y")),
    "fragment": lambda t: har(page(), refused(f"{API}#access_token={t}")),
    "path": lambda t: har(page(), refused(f"https://api.mapbox.com/styles/v1/acme/{t}?secure")),
    "user name": lambda t: har(page(), refused(f"https://{t}:{t}@api.mapbox.com/v4/x.json")),
    "method": lambda t: har(refused(request={"method": t, "url": API, "headers": []})),
    "Referer": lambda t: har(page(), in_request(t, Referer=f"https://shop.example.com/?t={t}")),
    "Referer's user name": lambda t: har(in_request(t, Referer=f"https://{t}@shop.example.com/")),
    "Referer that is no URL": lambda t: har(in_request(t, Referer=t)),
    "Origin": lambda t: har(page(), in_request(t, Origin=f"https://shop.example.com/{t}")),
    "Cookie": lambda t: har(page(), in_request(t, Cookie=f"mapbox={t}; session=hunter2{t}")),
    "Authorization": lambda t: har(page(), in_request(t, Authorization=f"Bearer {t}")),
    "User-Agent": lambda t: har(page(), in_request(t, User_Agent=f"Kiosk/{t}")),
    "User-Agent of a browser": lambda t: har(page(), in_request(t, User_Agent=f"Mozilla/5.0 {t}")),
    "Sec-Fetch-Site": lambda t: har(page(), in_request(t, Sec_Fetch_Site=t, Sec_Fetch_Dest=t)),
    "a header's name": lambda t: har(page(), in_request(t, **{t: t})),
    "Host": lambda t: har(page(), in_request(t, Host=t)),
    "body": lambda t: har(page(), refused(response=answered(f'{{"message":"Bad token {t}"}}'))),
    "scope of an error": lambda t: har(
        refused(response=answered(f'{{"message":"This API requires a token with {t} scope."}}'))
    ),
    "request body": lambda t: har(
        refused(request={"url": API, "headers": [], "postData": {"text": f"token={t}"}})
    ),
    "response headers": lambda t: har(
        refused(response=answered(Set_Cookie=t, X_Cache=f"Hit {t}", Age=t, Content_Length=t, X=t))
    ),
    "Location": lambda t: har(
        refused(response={"status": 302, "redirectURL": f"{API}?access_token={t}"}),
        refused(f"{API}?access_token={t}"),
    ),
    "page URL": lambda t: har(
        page(request={"url": f"https://shop.example.com/?access_token={t}", "headers": []}),
        refused(),
    ),
    "page title": lambda t: har(
        refused(pageref="p"), pages=[{"id": "p", "title": f"https://a.example/?t={t}"}]
    ),
    "page title that is none": lambda t: har(
        refused(pageref="p"), pages=[{"id": "p", "title": f"Map {t}"}]
    ),
    "page reference": lambda t: har(refused(pageref=t), pages=[{"id": t, "title": t}]),
    "Referrer-Policy": lambda t: har(
        page(response=found(Referrer_Policy=f"{t}, no-referrer")), refused()
    ),
    "Content-Security-Policy": lambda t: har(
        page(response=found(Content_Security_Policy=f"connect-src {t}; {t} x; sandbox {t}")),
        refused(),
    ),
    "server header": lambda t: har(
        page(response=found(Server=t, X_Powered_By=f"Express {t}", Via=t)), refused()
    ),
    "markup": lambda t: har(
        page(
            response=found(
                f'<title>{t}</title><meta name=referrer content="{t}">'
                f'<meta name=generator content="{t}">'
                f'<img src="{API}?access_token={t}" referrerpolicy="{t}">'
                f'<iframe src="https://a.example/{t}" sandbox="{t}"></iframe>'
                f"<script>mapboxgl.accessToken='{t}';"
                f"fetch('x',{{referrerPolicy:'no-referrer',t:'{t}'}})</script>"
            )
        ),
        refused(),
    ),
    "initiator": lambda t: har(
        page(),
        refused(
            _initiator={
                "type": t,
                "url": f"https://shop.example.com/?{t}",
                "stack": {"callFrames": [{"url": f"blob:https://shop.example.com/{t}"}]},
            }
        ),
    ),
    "local page": lambda t: har(refused(_initiator={"type": "x", "url": f"file:///home/{t}/x.html"})),
    "stylesheet": lambda t: har(
        page(),
        refused(f"https://cdn.example.net/x.css?t={t}", response=found()),
        in_request(t, Referer=f"https://cdn.example.net/x.css?t={t}"),
    ),
    "failure": lambda t: har(
        page(), refused(response={"status": 0, "_error": f"net::ERR_BLOCKED {t}"})
    ),
    "client blocks": lambda t: har(
        page(), refused(response={"status": 0, "_error": f"net::ERR_BLOCKED_BY_CLIENT {t}"})
    ),
    "creator": lambda t: har(refused(), creator={"name": f"Tool {t}", "version": t}),
    "comments": lambda t: har(refused(comment=t), comment=t, creator={"name": "x", "comment": t}),
    "resource type": lambda t: har(refused(_resourceType=t, _fromCache=t, startedDateTime=t)),
    "a broken entry": lambda t: har({"request": {"url": 5, "x": t}}, {"request": t}, t, refused()),
    "keys": lambda t: har(refused(**{t: t})),
    "curl": lambda t: (
        f"curl '{API}?access_token={t}' -H 'Referer: https://a.example/{t}'"
        f" -b 'x={t}' -u '{t}:{t}'"
    ).encode(),
    "broken curl": lambda t: f"curl --unknown-{t} '{t}".encode(),
    "no capture": lambda t: f"my token is {t}".encode(),
    "other JSON": lambda t: json.dumps({"token": t}).encode(),
    "cut JSON": lambda t: har(refused(f"{API}?access_token={t}"))[:-60],
    "HTML": lambda t: f"<html><title>{t}</title>".encode(),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMATS)
def test_a_token_is_never_shown(place: str, form: str) -> None:
    for token in ENCODED.values():
        for data in (PLACES[place](token), PLACES[place](token).replace(b".", b"\\u002e")):
            if data.startswith(b"curl") and b"u002e" in data:
                continue
            assert_kept(diagnosed(data, form, "--allow", f"example.com/{token}"))


def test_a_capture_with_tokens_everywhere_is_still_diagnosed() -> None:
    entries = [
        entry
        for place, made in PLACES.items()
        if made(TOKEN).startswith(b'{"log"') and place != "cut JSON"
        for entry in json.loads(made(TOKEN))["log"]["entries"]
    ]
    for form in FORMATS:
        result = diagnosed(har(*entries), form)
        assert_kept(result)
        assert result.exit_code == 1


def test_cookies_and_passwords_are_in_no_report() -> None:
    secrets = {"Cookie": "sid=hunter2cookie", "Authorization": "Basic aHVudGVyMnBhc3M6eA=="}
    data = har(page(), in_request(TOKEN, **secrets, Proxy_Authorization="Bearer hunter2proxy"))
    for form in FORMATS:
        out = diagnosed(data, form).output
        assert "hunter2" not in out
        assert "aHVudGVyMn" not in out


def test_secrets_are_shown_to_who_asks() -> None:
    result = diagnosed(PLACES["query"](TOKEN), "json", "--show-secrets")
    assert TOKEN in result.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["--allow-file", f"/absent/{TOKEN}"],
        ["--tokens", f"/absent/{TOKEN}"],
        ["--what-if", f"bogus={TOKEN}"],
        ["--what-if", f"referrer-policy={TOKEN}"],
        ["--format", TOKEN],
        [f"--{TOKEN}"],
        ["-o", f"/absent/{TOKEN}.html"],
        ["--allow", TOKEN],
    ],
)
def test_a_token_among_the_options(args: list[str]) -> None:
    result = diagnosed(har(refused()), "text", *args)
    assert result.exit_code in {0, 1, 2}
    assert "Traceback" not in result.output
    for part in PARTS:
        assert part not in result.output


@pytest.mark.parametrize(
    "tokens", [b"", b"{", b"[5]", b"<html>", b"null", b"\xff", nested(100_000)]
)
def test_a_list_of_tokens_that_is_none(tmp_path: Path, tokens: bytes) -> None:
    capture, file = tmp_path / "x.har", tmp_path / f"{TOKEN}.json"
    capture.write_bytes(har(refused()))
    file.write_bytes(tokens)
    assert_kept(diagnose(str(capture), "--tokens", str(file)))


# Through a real process, with a real file and pipe.


def process(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    code = "import sys; from diagnostics.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (har(refused()), 1),
        (har(), 0),
        (har(refused())[:-9], 2),
        (b"<html>" + TOKEN.encode(), 2),
        (deep(100_000), 1),
    ],
    ids=["refused", "nothing", "truncated", "HTML", "deep"],
)
def test_a_real_process(tmp_path: Path, data: bytes, status: int) -> None:
    path = tmp_path / f"{TOKEN}.har"
    path.write_bytes(data)
    for result in (process("diagnose", str(path)), process("diagnose", "-", stdin=data)):
        assert result.returncode == status
        assert len(result.stderr.splitlines()) == (1 if status == 2 else 0)
        output = result.stdout + result.stderr
        assert b"Traceback" not in output
        assert not any(part.encode() in output for part in PARTS)


# Properties.

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    assert_kept(diagnosed(data))


@quick
@given(
    st.sampled_from([b"{", b"[", b"curl ", b"PK\x03\x04", b"\x1f\x8b\x08", b"9:", b"<", b"x\x9c"]),
    st.binary(max_size=200),
)
def test_any_bytes_after_the_start_of_a_capture(start: bytes, data: bytes) -> None:
    assert_kept(diagnosed(start + data))


RECORDED = sorted((fixtures.ROOT / "captures").glob("*.*"), key=lambda path: path.stat().st_size)
SMALL = [path for path in RECORDED if path.is_file()][:60]


def without_foreign_tokens(output: str) -> None:
    """No whole token of the recording is in an output."""
    assert not re.search(r"[pst]k\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", output)


@quick
@given(
    st.sampled_from(SMALL),
    st.floats(0, 1),
    st.one_of(st.binary(max_size=8), st.just(TOKEN.encode())),
    st.integers(0, 40),
    st.sampled_from(FORMATS),
)
def test_any_change_of_a_recorded_capture(
    path: Path, where: float, put: bytes, left_out: int, form: str
) -> None:
    data = path.read_bytes()
    position = int(where * len(data))
    changed = data[:position] + put + data[position + left_out :]
    result = diagnosed(changed, form)
    assert_kept(result)
    without_foreign_tokens(result.output)


@quick
@given(st.sampled_from([p for p in SMALL if p.suffix == ".har"]), st.data())
def test_any_value_in_a_recorded_capture(path: Path, data: st.DataObject) -> None:
    capture = json.loads(path.read_text("utf-8-sig"))
    at: Any = capture
    for _ in range(data.draw(st.integers(2, 7))):
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key]:
            break
        at, parent, last = at[key], at, key
    else:
        at, key = parent, last
    at[key] = data.draw(
        st.sampled_from(
            [None, 5, -1, 1e300, True, "", "x", [], {}, [[]], {"a": {}}, TOKEN, "\ud800", "\x1b[2J"]
        )
    )
    result = diagnosed(json.dumps(capture).encode(), data.draw(st.sampled_from(FORMATS)))
    assert_kept(result)
    without_foreign_tokens(result.output)


def test_hostile_captures_are_diagnosed_in_time() -> None:
    """Thousands of refusals that differ in everything, and redirects in a circle."""
    entries = [page()]
    for n in range(2_000):
        url = f"{API}{n}?access_token={TOKEN[:-3]}{n:03d}"
        entries.append(
            in_request("x", Referer=f"https://s{n}.example.com/{n}") | {"pageref": f"p{n}"}
        )
        entries[-1]["request"]["url"] = url
        moved = {"status": 302, "headers": [], "redirectURL": f"{API}?{(n + 1) % 50}"}
        entries.append(refused(f"{API}?{n % 50}", response=moved))
    data = har(*entries)
    start = time.process_time()
    assert_kept(diagnosed(data, "json"))
    assert time.process_time() - start < 20
