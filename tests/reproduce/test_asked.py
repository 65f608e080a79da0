"""Which requests of a capture are made again, and who in the page asked for each."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from diagnostics.browser.referrer import Context, Means, Situation
from diagnostics.capture.exchange import Outcome
from diagnostics.journey.verdict import Cause
from diagnostics.reproduce import asked as asking
from diagnostics.reproduce.asked import Asked
from tests.recording import API, CHROME, FORBIDDEN, PAGE, STYLE, TILE, TOKEN, Recording, script

LIST = "harbour.example"
CURL = "curl/8.14.1"


def refused_one(**more: Any) -> Asked:
    """The one refused request of a page whose policy the capture shows."""
    recording = Recording().page(script(STYLE), Referrer_Policy="no-referrer").refused(**more)
    (one,) = recording.asked(LIST)
    return one


def as_if(one: Asked, cause: Cause | None, **situation: Any) -> Asked:
    """The same request with another cause and another reading."""
    verdict = None
    if cause is not None:
        assert one.verdict is not None
        verdict = msgspec.structs.replace(one.verdict, cause=cause)
    read_as = Situation(page=PAGE, to=STYLE, **situation) if situation else None
    return msgspec.structs.replace(one, verdict=verdict, situation=read_as)


@pytest.mark.parametrize(
    ("url", "method", "counts"),
    [
        (STYLE, "GET", True),
        (STYLE, "OPTIONS", False),
        (f"{API}/unheard/of", "GET", True),
        (f"{API}/favicon.ico", "GET", False),
        (f"{API}/mapbox-gl-js/v3.9.0/mapbox-gl.js", "GET", False),
        (f"https://events.mapbox.com/events/v2?access_token={TOKEN}", "POST", True),
        ("https://elsewhere.example/x", "GET", False),
    ],
)
def test_which_requests_bear_on_a_case(url: str, method: str, counts: bool) -> None:
    seen = Recording().page(script(STYLE)).add(url, method=method).seen(LIST)
    assert [one.exchange.url for one in seen.asked] == ([url] if counts else [])
    assert sum(seen.sent.values()) == counts


def test_of_many_that_are_alike_a_few_are_looked_at_and_all_are_counted() -> None:
    recording = Recording().page(script(TILE))
    for x in range(20):
        recording.refused(TILE.replace("/4/", f"/{x}/"), PAGE)
    recording.refused(TILE, "https://harbour.example/")
    seen = recording.seen(LIST)
    assert len(seen.asked) == 16 + 1  # another Referer is another kind
    assert seen.sent == {(True, "chromium"): 21}
    assert [(c, len(places)) for c, places in seen.refused.items()] == [((True, "chromium"), 21)]


def test_what_each_token_was_admitted_from() -> None:
    seen = Recording().granted(STYLE, "https://harbour.example/").refused(STYLE, PAGE).seen(LIST)
    assert seen.admitted == {TOKEN: ("https://harbour.example",)}
    assert [one.cause is None for one in seen.asked] == [True, False]


def test_a_client_is_a_browser_by_its_name_or_by_what_only_browsers_send() -> None:
    def key(agent: str, **sent: str) -> tuple[bool, str]:
        (one,) = Recording(agent).add(STYLE, 403, FORBIDDEN, sent=sent, kind="").asked(LIST)
        assert one.by_browser is asking.client_key(one.request)[0]
        return asking.client_key(one.request)

    plain = {"Sec-Fetch-Dest": ""}
    assert key(CHROME, **plain) == (True, "chromium")
    assert key(CURL, **plain) == (False, "curl")
    assert key(CURL, **plain, **{"Sec-Fetch-Mode": "cors"})[0]


def test_a_few_of_each_kind_and_no_address_twice() -> None:
    one = refused_one()

    def at(url: str, status: int = 403) -> Asked:
        exchange = msgspec.structs.replace(one.exchange, url=url, status=status)
        case = msgspec.structs.replace(one.case, exchange=exchange)
        return msgspec.structs.replace(one, case=case)

    alike = [at(f"{STYLE}&n={n}") for n in (1, 1, 2, 3, 4)]
    kept = asking.few([*alike, at(STYLE, 401)])
    assert [o.exchange.url[len(STYLE) :] for o in kept] == ["&n=1", "&n=2", "&n=3", ""]
    other = msgspec.structs.replace(one, situation=None)
    assert asking.few([one, other]) == [one, other]
    kinds = [at(f"{STYLE}&n={n}", 400 + n) for n in range(95)]
    assert asking.few(kinds) == kinds[:90]


@pytest.mark.parametrize(
    ("outcome", "by_worker", "cause", "stored", "was_sent"),
    [
        (Outcome.ANSWERED, False, Cause.PAGE_NOT_ALLOWED, False, True),
        (Outcome.CACHED, False, Cause.PAGE_NOT_ALLOWED, True, True),
        (Outcome.ANSWERED, True, Cause.PAGE_NOT_ALLOWED, False, True),
        (Outcome.ANSWERED, False, Cause.CACHED_403, False, True),
        (Outcome.ANSWERED, True, Cause.CACHED_403, True, True),
        (Outcome.BLOCKED, False, Cause.PAGE_NOT_ALLOWED, False, False),
    ],
)
def test_where_an_answer_came_from(
    outcome: Outcome, by_worker: bool, cause: Cause, stored: bool, was_sent: bool
) -> None:
    one = as_if(refused_one(), cause)
    exchange = msgspec.structs.replace(one.exchange, outcome=outcome, via_service_worker=by_worker)
    one = msgspec.structs.replace(one, case=msgspec.structs.replace(one.case, exchange=exchange))
    assert (one.stored, one.was_sent) == (stored, was_sent)


@pytest.mark.parametrize(
    ("read_as", "cause", "context"),
    [
        (None, Cause.PAGE_NOT_ALLOWED, Context.DOCUMENT),
        (Context.SRCDOC, Cause.PAGE_NOT_ALLOWED, Context.SRCDOC),
        (Context.DOCUMENT, Cause.WORKER_DROPS_REFERER, Context.BLOB_WORKER_XHR),
        (Context.BLOB_WORKER_FETCH, Cause.WORKER_DROPS_REFERER, Context.BLOB_WORKER_FETCH),
        (Context.DOCUMENT, Cause.OPAQUE_ORIGIN, Context.SANDBOXED),
        (Context.DATA_WORKER, Cause.OPAQUE_ORIGIN, Context.DATA_WORKER),
        (Context.DOCUMENT, Cause.STYLESHEET_REFERER, Context.STYLESHEET),
        (Context.SANDBOXED, Cause.PAGE_NOT_ALLOWED, Context.SANDBOXED),
    ],
)
def test_what_in_the_page_asked(read_as: Context | None, cause: Cause, context: Context) -> None:
    one = refused_one()
    given = as_if(one, cause) if read_as is None else as_if(one, cause, context=read_as)
    assert asking.context(given) is context


def test_in_a_sandboxed_page_the_page_itself_asked() -> None:
    policy = {"Content_Security_Policy": "sandbox allow-scripts"}
    (one,) = Recording().page(script(STYLE), **policy).refused().asked(LIST)
    assert one.situation is not None
    assert one.situation.context is Context.SANDBOXED
    assert asking.context(one) is Context.DOCUMENT


def test_a_worker_is_known_by_the_reading() -> None:
    source = "https://harbour.example/w.js"
    one = as_if(refused_one(), None, context=Context.NETWORK_WORKER, source=source)
    assert asking.worker_source(one) == source
    assert asking.context(one) is Context.NETWORK_WORKER
    assert asking.worker_source(refused_one()) == ""


@pytest.mark.parametrize(
    ("source", "body", "page", "asked_on", "kind", "is_worker"),
    [
        ("https://harbour.example/w.js", "", "page_1", "", "fetch", True),
        ("https://harbour.example/w.js", "", "", "", "fetch", False),
        ("https://harbour.example/w.js", "", "page_1", "page_1", "fetch", False),
        ("https://harbour.example/w.js", "", "page_1", "", "image", False),
        ("https://cdn.example/w.js", "", "page_1", "", "fetch", False),
        ("https://harbour.example/w.js", "<script src=/w.js></script>", "page_1", "", "fetch",
         False),
    ],
)  # fmt: skip
def test_a_worker_is_known_by_what_chromes_export_leaves_out(
    source: str, body: str, page: str, asked_on: str, kind: str, is_worker: bool
) -> None:
    sent = {"Sec-Fetch-Dest": "worker"}
    stack = {"type": "script", "stack": {"callFrames": [{"url": source}]}}
    recording = (
        Recording()
        .add(PAGE, body=f"<!DOCTYPE html>{body}", kind="document", mime="text/html", pageref=page)
        .add(source, kind="script", sent=sent, mime="text/javascript")
        .refused(kind=kind, _initiator=stack, pageref=asked_on)
    )
    (one,) = recording.asked("other.example")
    one = msgspec.structs.replace(one, situation=None)
    assert asking.worker_source(one) == (source if is_worker else "")


@pytest.mark.parametrize(
    ("kind", "means", "is_element"),
    [
        ("fetch", Means.FETCH, False),
        ("fetch", Means.ELEMENT, True),
        ("image", Means.FETCH, True),
        ("font", Means.FETCH, False),
    ],
)
def test_an_element_is_known_by_the_reading_or_by_what_it_loads(
    kind: str, means: Means, is_element: bool
) -> None:
    one = as_if(refused_one(kind=kind), Cause.PAGE_NOT_ALLOWED, means=means)
    assert asking.is_element(one) is is_element


@pytest.mark.parametrize(
    ("policy", "cause", "is_unread"),
    [
        ("no-referrer", Cause.REFERRER_POLICY_BLOCKS, False),
        ("origin", Cause.REFERRER_POLICY_BLOCKS, True),
        ("origin", Cause.CLIENT_STRIPS_REFERER, False),
    ],
)
def test_a_policy_that_the_capture_does_not_show(
    policy: str, cause: Cause, is_unread: bool
) -> None:
    (one,) = Recording().page(script(STYLE), Referrer_Policy=policy).refused().asked(LIST)
    assert asking.policy_is_unread(as_if(one, cause)) is is_unread
