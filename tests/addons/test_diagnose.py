"""The diagnose addon inside mitmproxy: what it leaves on a flow, and when."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import logging
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from mitmproxy import exceptions, flow, http
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import tflow, tutils

from addons.diagnose import MARKER, Diagnose
from addons.hosted import OWN
from diagnostics.journey.verdict import Cause, Verdict
from diagnostics.live import own_site
from diagnostics.provider.token import encode

Load = Callable[[object], Any]
CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
SIGNATURE = "S1gnatureThatNobodyMaySee"
TOKEN = encode("pk", {"u": "acme", "a": "ck0example"}, SIGNATURE)
STYLE = f"https://api.mapbox.com/styles/v1/acme/streets?access_token={TOKEN}"
SHOP, OTHER = "https://shop.example.com/", "https://www.example.com/"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0"
    " Safari/537.36"
)


def made(
    url: str = STYLE,
    status: int = 403,
    body: bytes | None = b'{"message":"Forbidden"}',
    **sent: str,
) -> http.HTTPFlow:
    """A flow of a page's request that is done, with these request header fields."""
    made = tflow.tflow(
        req=tutils.treq(content=b"", headers=http.Headers()),
        resp=tutils.tresp(status_code=status, headers=http.Headers(), content=body),
    )
    made.request.url = url
    made.request.headers["User-Agent"] = CHROME
    made.request.headers["Sec-Fetch-Site"] = "cross-site"
    for name, value in sent.items():
        made.request.headers[name.replace("_", "-")] = value
    assert made.response is not None
    made.response.headers["Content-Type"] = "application/json"
    return made


def page(url: str = SHOP, **answered: str) -> http.HTTPFlow:
    flow = made(url, 200, b"<!doctype html><div id=map></div>", Sec_Fetch_Dest="document")
    assert flow.response is not None
    flow.response.headers["Content-Type"] = "text/html"
    for name, value in answered.items():
        flow.response.headers[name.replace("_", "-")] = value
    return flow


def recorded(name: str) -> list[http.HTTPFlow]:
    with (CAPTURES / name).open("rb") as file:
        return [f for f in FlowReader(file).stream() if isinstance(f, http.HTTPFlow)]


@pytest.fixture
def addon() -> Diagnose:
    return Diagnose()


@pytest.fixture(autouse=True)
def context(in_mitmproxy: Load, addon: Diagnose) -> Any:
    """mitmproxy with the addon, where the token's list is shop.example.com."""
    context = in_mitmproxy(addon)
    context.configure(addon, why403_allow=["shop.example.com"])
    return context


class Updates:
    """Takes note of the flows that mitmproxy is told to show anew."""

    def __init__(self) -> None:
        self.seen: list[flow.Flow] = []

    def update(self, flows: Sequence[flow.Flow]) -> None:
        self.seen += flows


def in_loop(load: Load, what: Callable[[Diagnose, Updates, Any], Awaitable[None]]) -> None:
    """Run `what` with the addon, and no list, in a mitmproxy whose event loop runs, as it does
    outside tests."""

    async def inside() -> None:
        addon, updates = Diagnose(), Updates()
        context = load(addon)
        context.master.addons.add(updates)
        await what(addon, updates, context)

    asyncio.run(inside())


async def settled(addon: Diagnose) -> None:
    """Until what was scheduled is done."""
    for _ in range(200):
        if addon._revision is None:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the revision does not end")


def test_a_refused_request_gets_comment_marker_data_and_a_log_line(
    addon: Diagnose, caplog: pytest.LogCaptureFixture
) -> None:
    first, refused, other = page(Referrer_Policy="no-referrer"), made(), made(status=200)
    for each in (first, refused, other):
        addon.response(each)
    assert refused.comment.startswith("why403: referrer-policy-blocks (certain): ")
    assert "\n" not in refused.comment
    assert refused.marked == MARKER == ":no_entry:"
    data = refused.metadata["why403"]
    assert json.loads(json.dumps(data)) == data
    assert (data["cause"], data["page"], data["status"]) == ("referrer-policy-blocks", SHOP, 403)
    assert [s["state"] for s in data["journey"]].count("broken") == 1
    (line,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "GET api.mapbox.com/styles/v1/acme/streets 403" in line.getMessage()
    for untouched in (first, other):
        assert (untouched.comment, untouched.marked, untouched.metadata) == ("", "", {})
    assert addon.counts == {
        "provider_requests": 2,
        "refused": 1,
        "kept": 1,
        "forgotten": 0,
        "by_cause": {"referrer-policy-blocks": 1},
    }


def test_no_secret_is_left_anywhere(addon: Diagnose, caplog: pytest.LogCaptureFixture) -> None:
    refused = made(Referer=f"{OTHER}?access_token={TOKEN}", Cookie="sid=abcdef0123456789")
    assert refused.response is not None
    refused.response.content = f'{{"message":"no {TOKEN}"}}'.encode()
    addon.response(page(OTHER))
    addon.response(refused)
    said = [refused.comment, repr(refused.metadata), addon.explain(refused), caplog.text]
    for text in said:
        assert text
        assert SIGNATURE not in text
        assert "abcdef0123456789" not in text


def test_a_verdict_survives_a_flow_file(addon: Diagnose, tmp_path: Path) -> None:
    refused = made(Referer=OTHER)
    addon.response(refused)
    path = tmp_path / "saved.flow"
    with path.open("wb") as file:
        FlowWriter(file).add(refused)
    with path.open("rb") as file:
        (loaded,) = FlowReader(file).stream()
    assert loaded.comment == refused.comment
    assert loaded.marked == MARKER
    assert loaded.metadata["why403"] == refused.metadata["why403"]
    assert addon.explain(loaded) == addon.explain(refused)  # type: ignore[arg-type]


def test_what_the_user_wrote_stays(addon: Diagnose) -> None:
    refused = made(Referer=OTHER)
    refused.comment, refused.marked = "ask Jo about this", ":red_circle:"
    addon.response(refused)
    assert refused.comment.startswith("ask Jo about this\nwhy403: page-not-allowed")
    assert refused.marked == ":red_circle:"


@pytest.mark.parametrize(
    "name", ["helmet-gl3-chromium", "csp-sandbox-chromium", "curl-without-referer"]
)
def test_recorded_flows(addon: Diagnose, name: str) -> None:
    for each in recorded(f"{name}.mitmproxy.flow"):
        addon.response(each)
        refused = each.response is not None and each.response.status_code in {401, 403}
        assert each.comment.startswith("why403: ") is refused
    assert addon.counts["refused"] > 0
    assert "unexplained" not in addon.counts["by_cause"]


def test_a_later_200_revises_the_verdict(in_mitmproxy: Load) -> None:
    seen: list[Verdict] = []

    async def session(addon: Diagnose, updates: Updates, context: Any) -> None:
        addon.observers.append(seen.append)
        addon.response(page(OTHER))
        refused = made(Referer=OTHER)
        refused.comment = "mine"
        addon.response(refused)
        before = refused.comment
        assert "page-not-allowed" not in before
        addon.response(page(SHOP))
        addon.response(made(status=200, Referer=SHOP))
        assert refused.comment == before  # later, once for all news
        await settled(addon)
        assert refused.comment.startswith("mine\nwhy403: page-not-allowed (")
        assert refused.metadata["why403"]["cause"] == "page-not-allowed"
        assert updates.seen == [refused]
        assert [verdict.cause for verdict in seen][-1] is Cause.PAGE_NOT_ALLOWED
        assert len(seen) == 2

    in_loop(in_mitmproxy, session)


def test_revisions_are_gathered(in_mitmproxy: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    async def session(addon: Diagnose, updates: Updates, context: Any) -> None:
        started = []
        begin = addon._begin_revision
        monkeypatch.setattr(addon, "_begin_revision", lambda: (started.append(1), begin()))
        flows = [made(f"{STYLE}&n={n}", Referer=OTHER) for n in range(30)]
        for each in flows:
            addon.response(each)
            addon.tell([f"{len(started)}.example.com"])
        for each in range(30):
            addon.tell([f"{each}.example.com", "shop.example.com"])
        await settled(addon)
        assert len(started) <= 2
        assert set(map(id, updates.seen)) <= set(map(id, flows))
        assert {each.metadata["why403"]["cause"] for each in flows} == {"page-not-allowed"}

    in_loop(in_mitmproxy, session)


def test_the_list_can_be_told_by_command(
    in_mitmproxy: Load, caplog: pytest.LogCaptureFixture
) -> None:
    async def session(addon: Diagnose, updates: Updates, context: Any) -> None:
        refused = made(Referer=OTHER)
        addon.response(page(OTHER))
        addon.response(refused)
        assert refused.metadata["why403"]["cause"] != "page-not-allowed"
        context.command(addon.allow, "shop.example.com,localhost:3000")
        await settled(addon)
        assert refused.metadata["why403"]["cause"] == "page-not-allowed"
        assert refused.metadata["why403"]["confidence"] == "certain"
        assert updates.seen == [refused]
        assert "allowed URLs: shop.example.com, localhost:3000" in caplog.text
        addon.tell(None)
        await settled(addon)
        assert refused.metadata["why403"]["cause"] != "page-not-allowed"

    caplog.set_level(logging.INFO)
    in_loop(in_mitmproxy, session)


def test_telling_a_list_ends_unrestricted(in_mitmproxy: Load) -> None:
    addon = Diagnose()
    context = in_mitmproxy(addon)
    context.configure(addon, why403_unrestricted=True)
    assert addon.live.told.everywhere.unrestricted
    addon.tell(["shop.example.com"])
    assert addon.live.told.everywhere.entries == ("shop.example.com",)
    assert context.options.why403_unrestricted is False


def test_the_self_test_makes_a_verdict_certain(in_mitmproxy: Load) -> None:
    async def session(addon: Diagnose, updates: Updates, context: Any) -> None:
        addon.tell(["shop.example.com"])
        refused = made(Origin="https://shop.example.com")
        addon.response(page(SHOP))
        addon.response(refused)
        assert refused.metadata["why403"]["cause"] == "client-strips-referer"
        assert refused.metadata["why403"]["confidence"] == "likely"
        addon.self_test = "strips"
        await settled(addon)
        assert refused.metadata["why403"]["confidence"] == "certain"
        assert addon.self_test == "strips"

    in_loop(in_mitmproxy, session)


def test_explain(addon: Diagnose) -> None:
    refused = made(Referer=OTHER)
    addon.response(refused)
    said = addon.explain(refused)
    assert "page-not-allowed · " in said
    assert "  ✗ rule" in said
    assert 'Answer:  403 {"message":"Forbidden"}' in said
    assert "no map provider refused" in addon.explain(page())
    assert "no map provider refused" in addon.explain(tflow.ttcpflow())
    assert refused.response is not None
    refused.response.headers["Content-Encoding"] = "gzip"  # which it is not
    assert "page-not-allowed · " in addon.explain(refused)


def test_metadata_of_a_strangers_file(addon: Diagnose) -> None:
    for stranger in ("x", {"cause": 3}, [1], None):
        refused = made(Referer=OTHER)
        refused.metadata["why403"] = stranger
        assert addon.explain(refused) == "why403 has no verdict on this flow.\n"
        addon.response(refused)
        assert refused.metadata["why403"]["cause"] == "page-not-allowed"


@pytest.mark.parametrize("ending", [".html", ".json", ".md", ".txt"])
def test_report(addon: Diagnose, context: Any, tmp_path: Path, ending: str) -> None:
    addon.response(made(Referer=OTHER))
    path = tmp_path / f"out{ending}"
    context.command(addon.report, str(path))
    said = path.read_text("utf-8")
    assert "page-not-allowed" in said
    assert SIGNATURE not in said


@pytest.mark.parametrize(
    ("name", "says"), [("out.pdf", "ending must be one of"), ("no/folder/out.md", "no folder")]
)
def test_a_report_that_cannot_be_written(
    addon: Diagnose, context: Any, tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(exceptions.CommandError, match=says):
        context.command(addon.report, str(tmp_path / name))


def test_the_report_is_written_at_the_end(
    addon: Diagnose, context: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    context.configure(addon, why403_report=str(folder / "out.json"))
    addon.response(made(Referer=OTHER))
    addon.done()
    report = json.loads((folder / "out.json").read_text())
    assert report["schema"] == "why403/report/1"
    assert report["summary"]["by_cause"] == {"page-not-allowed": 1}
    assert report["capture"]["exporter"] == "mitmproxy"
    assert report["capture"]["blind_spots"]
    (folder / "out.json").unlink()
    folder.rmdir()
    addon.done()
    assert "why403_report: " in capsys.readouterr().err


def test_the_commands_are_registered_with_their_types(context: Any) -> None:
    commands = context.master.commands.commands
    for name in ("explain", "report", "allow"):
        assert commands[f"why403.{name}"].help
        # mitmweb's route for commands takes no digit.
        assert f"why.{name}" in commands
    assert commands["why403.explain"].signature_help() == "why403.explain flow -> str"
    assert commands["why403.allow"].signature_help() == "why403.allow entries"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"why403_keep": 3}, "why403_keep: 3: at least 10"),
        ({"why403_tokens": "/no/tokens.json"}, "why403_tokens: /no/tokens.json: No such file"),
        ({"why403_tokens": __file__}, "not a list of the Tokens API"),
        ({"why403_report": "out.pdf"}, r"why403_report: out\.pdf: the ending must be one of"),
        ({"why403_report": "/no/folder/out.md"}, "there is no folder /no/folder"),
        (
            {"why403_allow": ["a.example"], "why403_unrestricted": True},
            r"why403_allow: a\.example: contradicts why403_unrestricted",
        ),
    ],
)
def test_a_wrong_option_is_said_with_its_value(
    in_mitmproxy: Load, options: dict[str, Any], says: str
) -> None:
    addon = Diagnose()
    context = in_mitmproxy(addon)
    with pytest.raises(exceptions.OptionsError, match=says):
        context.configure(addon, **options)
    assert addon.live.told.everywhere.entries is None


def test_entries_may_stand_in_one_value(in_mitmproxy: Load) -> None:
    addon = Diagnose()
    in_mitmproxy(addon).configure(addon, why403_allow=["a.example, b.example", "c.example"])
    assert addon.live.told.everywhere.entries == ("a.example", "b.example", "c.example")


def test_the_settings_in_force_are_printed(
    in_mitmproxy: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    addon = Diagnose()
    context = in_mitmproxy(addon)
    addon.running()
    assert "allowed URLs: not told (why403_allow)" in caplog.text
    assert "the newest 2,000 requests are kept (why403_keep)" in caplog.text
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps([{"id": "ck0", "allowedUrls": ["a.example"], "token": TOKEN}]))
    context.configure(
        addon,
        why403_allow=["shop.example.com", "\x1b[31mlocalhost"],
        why403_tokens=str(tokens),
        why403_keep=50,
        why403_report=str(tmp_path / "r.md"),
    )
    context.options.set("why403_alow=x", "whatever=3", defer=True)
    caplog.clear()
    addon.running()
    assert "allowed URLs: shop.example.com, localhost (why403_allow)" in caplog.text
    assert f"lists of 1 tokens from {tokens}" in caplog.text
    assert "the newest 50 requests are kept" in caplog.text
    assert f"report to {tmp_path / 'r.md'}" in caplog.text
    assert "no option why403_alow; why403_allow is meant?" in caplog.text
    assert "whatever" not in caplog.text
    assert "\x1b" not in caplog.text
    context.configure(addon, why403_allow=[], why403_unrestricted=True)
    assert "no restriction" in addon.settings()[0]


def test_lists_by_token(in_mitmproxy: Load, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(
        json.dumps([{"id": "x", "allowedUrls": ["shop.example.com"], "token": TOKEN}])
    )
    addon = Diagnose()
    in_mitmproxy(addon).configure(addon, why403_tokens=str(tokens))
    refused = made(Referer=OTHER)
    addon.response(refused)
    assert refused.metadata["why403"]["cause"] == "page-not-allowed"
    assert refused.metadata["why403"]["confidence"] == "certain"


def test_our_own_pages_are_never_diagnosed(addon: Diagnose) -> None:
    for host in own_site.HOSTS:
        addon.response(made(f"http://{host}/styles/v1/a/b"))
    marked = made(Referer=OTHER)
    marked.metadata[OWN] = True
    addon.response(marked)
    assert marked.comment == ""
    assert addon.counts["provider_requests"] == 0
    assert addon.live.report().capture.exchanges == 0


def test_flows_that_go_meanwhile_are_no_error(
    addon: Diagnose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a verdict is kept is asked of flow after flow, and any of them may go then."""
    held = [made(Referer=OTHER) for _ in range(5)]
    for refused in held:
        addon.response(refused)
    del refused
    monkeypatch.setattr(type(addon.live), "kept", 0)

    def verdict(live: object, index: int) -> None:
        held.clear()
        gc.collect()

    monkeypatch.setattr(type(addon.live), "verdict", verdict)
    addon.response(made(Referer=SHOP, status=200))
    assert held == []


def test_a_request_that_is_sent_again_loses_an_old_verdict(addon: Diagnose) -> None:
    again = made(Referer=OTHER)
    again.comment = "mine"
    addon.response(again)
    assert again.response is not None
    again.is_replay = "request"
    again.response = tutils.tresp(status_code=200)
    addon.response(again)
    assert (again.comment, again.marked, again.metadata) == ("mine", "", {})
    again.response = tutils.tresp(status_code=403)
    addon.response(again)
    assert again.marked == MARKER
    assert len(addon._flows) == 1


def test_an_answer_from_a_server_replay_is_diagnosed(addon: Diagnose) -> None:
    replayed = made(Referer=OTHER)
    replayed.is_replay = "response"
    addon.response(replayed)
    assert replayed.marked == MARKER


def test_a_copy_is_a_request_of_its_own(addon: Diagnose) -> None:
    first = made(Referer=OTHER)
    addon.response(first)
    second = first.copy()
    addon.response(second)
    assert second.metadata["why403"]["index"] != first.metadata["why403"]["index"]
    assert len(addon._flows) == 2
    assert second.comment.count("why403: ") == 1


def test_an_intercepted_flow_has_its_verdict(addon: Diagnose) -> None:
    waiting = made(Referer=OTHER)
    waiting.intercept()
    addon.response(waiting)
    assert waiting.intercepted
    assert waiting.marked == MARKER
    waiting.kill()
    addon.error(waiting)
    assert waiting.marked in {MARKER, ""}


@pytest.mark.parametrize("body", [None, b"", b"\xff\xfe", b"x" * 500_000])
def test_any_body_and_none(addon: Diagnose, body: bytes | None) -> None:
    """None is a body that was streamed and not kept."""
    refused = made(body=body, Referer=OTHER)
    addon.response(refused)
    assert refused.metadata["why403"]["cause"] == "page-not-allowed"
    assert "403 " in addon.explain(refused) or "403," in addon.explain(refused)


def test_a_streamed_page_without_markup(addon: Diagnose) -> None:
    streamed, refused = page(OTHER), made(Referer=OTHER)
    assert streamed.response is not None
    streamed.response.content = None
    addon.response(streamed)
    addon.response(refused)
    assert refused.metadata["why403"]["page"] == OTHER


def test_errors_are_no_refusals(addon: Diagnose) -> None:
    failed = tflow.tflow(err=True)
    failed.request.url = STYLE
    addon.error(failed)
    elsewhere = tflow.tflow(err=True)
    elsewhere.request.url = "https://shop.example.com/x"
    addon.error(elsewhere)
    assert failed.comment == ""
    assert addon.counts["provider_requests"] == 1
    assert addon.counts["refused"] == 0


def test_an_unanswered_flow_is_left_alone(addon: Diagnose) -> None:
    addon.response(tflow.tflow())
    assert addon.counts["provider_requests"] == 0


def test_a_websocket_is_no_refusal(addon: Diagnose) -> None:
    socket = tflow.twebsocketflow()
    socket.request.url = "https://api.mapbox.com/live"
    addon.response(socket)
    assert socket.comment == ""
    assert addon.counts["provider_requests"] == 1


def test_a_tunnel_is_no_request(addon: Diagnose) -> None:
    """CONNECT has hooks of its own, which the addon does not have; a refused one, as it stands
    in a file, is a proxy's word and not the provider's."""
    for hook in ("http_connect", "http_connected", "http_connect_error"):
        assert not hasattr(addon, hook)
    tunnel = made("https://api.mapbox.com:443/", Referer=OTHER)
    tunnel.request.method = "CONNECT"
    tunnel.request.authority = "api.mapbox.com:443"
    tunnel.request.path = ""
    addon.response(tunnel)
    assert tunnel.comment == ""


def test_a_transparent_proxy_sees_the_host_in_the_headers(addon: Diagnose) -> None:
    first, second = made(Referer=OTHER), made(Referer=OTHER)
    first.request.host = second.request.host = "203.0.113.7"
    first.request.headers["Host"] = "api.mapbox.com"
    second.request.authority, second.request.http_version = "api.mapbox.com", "HTTP/2.0"
    addon.response(first)
    addon.response(second)
    assert (first.marked, second.marked) == (MARKER, MARKER)


def test_flows_are_not_kept_alive(addon: Diagnose) -> None:
    refused = made(Referer=OTHER)
    addon.response(refused)
    gone = weakref.ref(refused)
    del refused
    gc.collect()
    assert gone() is None
    assert len(addon._flows) == 0
    assert addon.live.kept == 1


def test_a_session_of_20000_flows_does_not_grow(
    in_mitmproxy: Load, caplog: pytest.LogCaptureFixture
) -> None:
    """A tenth is refused, each from a page of its own; half of it bears on nothing. The newest
    refused flows are still on the screen, as in mitmweb."""
    caplog.set_level(logging.CRITICAL)
    addon = Diagnose()
    in_mitmproxy(addon).configure(addon, why403_keep=100, why403_allow=["shop.example.com"])
    kinds = [page(OTHER), made(Referer=OTHER), made(status=200, Referer=SHOP)]
    kinds += [made("https://cdn.example.com/a.js", 200, b"let x")] * 2
    kinds += [made("https://cdn.example.com/a.png", 200, b"x")] * 5
    for kind, mime in zip(kinds[3:], ["text/javascript"] * 2 + ["image/png"] * 5, strict=True):
        assert kind.response is not None
        kind.response.headers["Content-Type"] = mime
    screen: list[http.HTTPFlow] = []
    sizes = []
    for number in range(20_000):
        each = copy.copy(kinds[number % 10])
        each.request = each.request.copy()
        each.request.path += f"{'&' if '?' in each.request.path else '?'}n={number}"
        if number % 10 == 1:
            each.request.headers["Referer"] = f"https://{number}.example.com/"
        each.metadata, each.comment, each.marked = {}, "", ""
        each.request.timestamp_start = 1e9 + number
        addon.response(each)
        screen = [*screen[-199:], each]
        if number % 5000 == 4999:
            list(addon.live.revised())
            gc.collect()
            sizes.append(len(gc.get_objects()))
    assert max(sizes) < sizes[0] * 1.05
    assert addon.counts["refused"] == 2000
    assert addon.counts["kept"] <= 151
    assert len(addon._flows) <= 20


def test_what_bears_on_nothing_costs_microseconds(addon: Diagnose) -> None:
    image = made("https://shop.example.com/a.png", 200, b"x")
    assert image.response is not None
    image.response.headers["Content-Type"] = "image/png"
    for number in range(10):
        image.request.headers[f"X-{number}"] = image.response.headers[f"X-{number}"] = "v"
    best = min(_seconds(lambda: addon.response(image), 500) for _ in range(20))
    assert best < 1e-3  # microseconds on a quiet machine; reading a body takes longer


def _seconds(work: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


raw = st.binary(max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(raw, raw), max_size=4), st.lists(st.tuples(raw, raw), max_size=4), raw)
def test_any_bytes_in_a_flow_are_taken(
    addon: Diagnose,
    sent: list[tuple[bytes, bytes]],
    answered: list[tuple[bytes, bytes]],
    tail: bytes,
) -> None:
    # A Host header says which host is meant, and it would be another one.
    assume(all(name.lower() != b"host" for name, _ in sent))
    odd = made()
    assert odd.response is not None
    odd.request.headers = http.Headers([*sent, (b"Referer", tail)])
    odd.response.headers = http.Headers([*answered, (b"Content-Type", tail)])
    odd.request.data.path = b"/" + tail
    odd.response.data.reason = tail
    odd.response.raw_content = tail
    addon.response(odd)
    assert odd.marked == MARKER
    json.dumps(odd.metadata["why403"], ensure_ascii=False).encode()
    assert "\x1b" not in addon.explain(odd)
