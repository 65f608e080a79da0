"""Diagnosis of live traffic: in the end it says what a file of the same exchanges would give."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from diagnostics.capture.exchange import Exchange
from diagnostics.capture.open import read_capture
from diagnostics.journey import live
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.live import LiveDiagnosis
from diagnostics.journey.told import Told
from diagnostics.journey.verdict import Cause, Confidence, Verdict
from tests.journey.conftest import STYLE, TILE, TOKEN, Tape, listing

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
RECORDED = sorted(CAPTURES.glob("*.mitmproxy.*"))
SHOP = "https://shop.example.com/map"


def fed(exchanges: Iterable[Exchange], told: Told = Told(), name: str = "a.har") -> LiveDiagnosis:  # noqa: B008
    diagnosis = LiveDiagnosis(told, name=name)
    for exchange in exchanges:
        diagnosis.add(exchange)
    list(diagnosis.revised())
    return diagnosis


def causes(diagnosis: LiveDiagnosis) -> list[Cause]:
    return [verdict.cause for verdict in diagnosis.verdicts()]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_in_the_end_it_says_what_a_file_would(path: Path) -> None:
    """In whatever order the answers come: here as recorded, and with the pages last."""
    for capture in read_capture(str(path)):
        told = listing("shop.example.com")
        said = diagnose([capture], told)
        diagnosis = fed(capture.exchanges, told, capture.file)
        assert tuple(diagnosis.verdicts()) == said.verdicts
        report = diagnosis.report()
        assert (report.verdicts, report.summary) == (said.verdicts, said.summary)
        assert report.findings == said.findings
        late = sorted(capture.exchanges, key=lambda e: e.resource_type in {"document", "iframe"})
        late = [msgspec.structs.replace(e, index=n) for n, e in enumerate(late)]
        moved = msgspec.structs.replace(capture, exchanges=tuple(late))
        assert tuple(fed(late, told, capture.file).verdicts()) == diagnose([moved], told).verdicts


def test_a_refusal_is_judged_at_once() -> None:
    tape = Tape("mitmproxy").page(SHOP, policy="no-referrer").ask(referer=None)
    diagnosis = LiveDiagnosis(listing("shop.example.com"))
    first, second = tape.exchanges
    assert diagnosis.add(first) is None
    verdict = diagnosis.add(second)
    assert verdict is not None
    assert (verdict.cause, verdict.confidence) == ("referrer-policy-blocks", "certain")
    assert diagnosis.verdict(second.index) == verdict
    assert diagnosis.verdict(first.index) is None
    assert TOKEN not in repr(verdict)
    assert (diagnosis.requests, diagnosis.refused, diagnosis.kept) == (1, 1, 1)


def test_a_later_200_gives_contrast() -> None:
    tape = Tape("mitmproxy").page("https://www.example.com/map").ask()
    tape.page(SHOP).ask(status=200, body="{}")
    diagnosis = LiveDiagnosis()
    said = [diagnosis.add(exchange) for exchange in tape.exchanges]
    assert said[1] is not None
    assert said[1].cause is not Cause.PAGE_NOT_ALLOWED
    assert diagnosis.is_due
    (revised,) = diagnosis.revised()
    assert (revised.index, revised.cause) == (1, Cause.PAGE_NOT_ALLOWED)
    assert diagnosis.verdict(1) == revised
    assert not diagnosis.is_due
    assert list(diagnosis.revised()) == []


def test_a_page_that_ends_after_its_requests_is_counted() -> None:
    """A streamed page is complete only after the requests that its beginning caused."""
    tape = Tape("mitmproxy").page(SHOP, policy="no-referrer").ask(referer=None)
    page, request = tape.exchanges
    diagnosis = LiveDiagnosis(listing("shop.example.com"))
    early = diagnosis.add(msgspec.structs.replace(request, index=0))
    assert early is not None
    assert early.confidence is not Confidence.CERTAIN
    diagnosis.add(msgspec.structs.replace(page, index=1))
    (revised,) = diagnosis.revised()
    assert (revised.cause, revised.confidence) == ("referrer-policy-blocks", "certain")
    assert revised.page == SHOP


def test_telling_the_list_changes_verdicts() -> None:
    tape = Tape("mitmproxy").page("https://www.example.com/map").ask(times=3)
    diagnosis = fed(tape.exchanges)
    assert set(causes(diagnosis)) != {Cause.PAGE_NOT_ALLOWED}
    diagnosis.tell(listing("shop.example.com"))
    assert [verdict.cause for verdict in diagnosis.revised()] == [Cause.PAGE_NOT_ALLOWED] * 3
    assert diagnosis.told == listing("shop.example.com")
    diagnosis.tell(listing("shop.example.com"))
    assert list(diagnosis.revised()) == []


def test_the_self_test_makes_a_stripping_browser_certain() -> None:
    tape = Tape("mitmproxy").page(SHOP).ask(referer=None)
    diagnosis = fed(tape.exchanges, listing("shop.example.com"))
    (before,) = diagnosis.verdicts()
    assert (before.cause, before.confidence) == (Cause.CLIENT_STRIPS_REFERER, Confidence.LIKELY)
    diagnosis.self_test = "strips"
    (after,) = diagnosis.revised()
    assert (after.cause, after.confidence) == (Cause.CLIENT_STRIPS_REFERER, Confidence.CERTAIN)
    assert after.evidence[-1].where == "self-test"
    assert diagnosis.self_test == "strips"
    (reported,) = diagnosis.report().verdicts
    assert reported == after


def test_the_self_test_makes_a_rewriting_browser_certain() -> None:
    tape = Tape("mitmproxy").page(SHOP)
    tape.ask(referer="https://api.mapbox.com/", site=None, origin=None, kind="image")
    diagnosis = fed(tape.exchanges, listing("shop.example.com"))
    (before,) = diagnosis.verdicts()
    assert (before.cause, before.confidence) == (Cause.CLIENT_REWRITES_REFERER, Confidence.LIKELY)
    diagnosis.self_test = "rewrites"
    (after,) = diagnosis.revised()
    assert (after.cause, after.confidence) == (Cause.CLIENT_REWRITES_REFERER, Confidence.CERTAIN)


def test_a_revision_may_be_done_in_parts() -> None:
    tape = Tape("mitmproxy").page("https://www.example.com/map").ask(times=10)
    diagnosis = fed(tape.exchanges)
    diagnosis.tell(listing("shop.example.com"))
    assert [len(list(diagnosis.revised(4))) for _ in range(3)] == [4, 4, 2]
    assert not diagnosis.is_due
    diagnosis.tell(listing("www.example.com"))
    assert len(list(diagnosis.revised(4))) == 4
    diagnosis.tell(listing("shop.example.com"))  # while it is under way: all is judged once more
    while diagnosis.is_due:
        list(diagnosis.revised(4))
    assert set(causes(diagnosis)) == {Cause.PAGE_NOT_ALLOWED}


def test_what_tells_nothing_new_causes_no_revision() -> None:
    tape = Tape("mitmproxy").page(SHOP).ask().ask(status=200, body="{}", to=TILE)
    diagnosis = fed(tape.exchanges)
    for number in range(2, 50):
        again = tape.ask(status=200, to=TILE).exchanges[-1]
        diagnosis.add(msgspec.structs.replace(again, index=number + 100))
        assert not diagnosis.is_due
    diagnosis.add(tape.ask("https://cdn.example.com/app.js", kind="script").exchanges[-1])
    assert not diagnosis.is_due


def test_what_bears_on_nothing_is_not_kept() -> None:
    tape = Tape("mitmproxy").page(SHOP)
    diagnosis = fed(tape.ask("https://shop.example.com/a.png", kind="image", status=200).exchanges)
    assert diagnosis.report().capture.exchanges == 1
    assert diagnosis.requests == 0


def many(count: int, start: int = 0) -> Iterable[Exchange]:
    """A session: a page, its script, a few tiles, a third of them refused, again and again."""
    tape = Tape("mitmproxy").page(SHOP).ask("https://cdn.example.com/a.js", kind="script")
    tape.exchanges[-1] = msgspec.structs.replace(tape.exchanges[-1], mime_type="text/javascript")
    tape.ask(times=1, status=200, body="{}").ask(TILE).ask(f"{STYLE}/sprite", status=200, body="{}")
    kinds = tape.exchanges
    for number in range(start, start + count):
        kind = kinds[number % len(kinds)]
        url = kind.url.replace("/v4/acme.tiles/3", f"/v4/acme.tiles/{number}")
        yield msgspec.structs.replace(
            kind, index=number, url=url, started=kinds[0].started + number
        )  # type: ignore[operator]


def test_what_is_kept_is_bounded() -> None:
    diagnosis = LiveDiagnosis(listing("shop.example.com"), limit=100)
    sizes = []
    for exchange in many(12_000):
        diagnosis.add(exchange)
        if exchange.index % 3000 == 2999:
            list(diagnosis.revised())
            gc.collect()
            sizes.append(len(gc.get_objects()))
    assert max(sizes[1:]) < sizes[0] * 1.05
    report = diagnosis.report()
    assert report.summary.provider_requests <= 151
    assert diagnosis.kept <= 151
    assert diagnosis.refused == 2400
    assert diagnosis.forgotten > 11_000
    assert f"{diagnosis.forgotten:,} earlier exchanges were forgotten" in str(report.capture)
    kept = [verdict.index for verdict in diagnosis.verdicts()]
    assert kept == sorted(kept)
    assert kept[-1] == 11_998
    assert diagnosis.verdict(3) is None


def test_pages_do_not_push_requests_out() -> None:
    diagnosis = LiveDiagnosis(limit=20)
    tape = Tape("mitmproxy").page(SHOP).ask()
    for number in range(500):
        tape.page(f"https://news.example.com/{number}")
        tape.ask(f"https://news.example.com/{number}.js", kind="script", status=200)
    for exchange in tape.exchanges:
        diagnosis.add(exchange)
    assert diagnosis.kept == 1
    assert diagnosis.report().capture.exchanges <= 1 + 16 + 31


def test_bodies_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_BYTES", 10_000)
    diagnosis = LiveDiagnosis()
    tape = Tape("mitmproxy")
    for number in range(100):
        tape.page(f"https://shop.example.com/{number}", html="x" * 1000)
    for exchange in tape.exchanges:
        diagnosis.add(exchange)
    assert diagnosis.report().capture.exchanges <= 10


def test_a_body_that_nobody_reads_is_dropped() -> None:
    read = []

    def body() -> str:
        read.append(1)
        return "{}"

    tape = Tape("mitmproxy").page(SHOP).ask(status=200, body="{}")
    exchange = tape.exchanges[-1]
    parts = type(exchange.parts)(exchange.request_headers, exchange.response_headers, body)
    diagnosis = fed([tape.exchanges[0], msgspec.structs.replace(exchange, parts=parts)])
    diagnosis.report()
    assert not read


def test_revising_goes_on_where_something_was_forgotten() -> None:
    diagnosis = LiveDiagnosis(limit=10)
    told = list(many(60))
    for exchange in told[:25]:
        diagnosis.add(exchange)
    diagnosis.tell(listing("other.example.com"))
    revising = diagnosis.revised()
    next(revising)
    for exchange in told[25:]:
        diagnosis.add(exchange)
    list(revising)
    while diagnosis.is_due:
        list(diagnosis.revised())
    assert set(causes(diagnosis)) == {Cause.PAGE_NOT_ALLOWED}


def test_redaction_knows_a_token_that_looks_like_none() -> None:
    odd = "Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg"
    tape = Tape("mitmproxy").page(f"https://shop.example.com/{odd}/map").ask(token=odd)
    diagnosis = fed(tape.exchanges)
    verdict: Verdict
    (verdict,) = diagnosis.verdicts()
    assert odd not in repr(verdict)
    assert odd not in repr(diagnosis.report())
