"""The requests that a probe sends, over real loopback HTTP against the emulated provider."""

from __future__ import annotations

import pytest

from diagnostics.account.probe import plan
from diagnostics.account.probe_reading import State, read
from diagnostics.account.probing import PAUSE, send
from diagnostics.account.service import FIELDS, Service, ServiceError
from diagnostics.provider.emulated import Grant, Reply, Request, refusal
from diagnostics.provider.profile import profiles
from diagnostics.provider.token import decode, encode
from tests.account.serving import PUBLIC, provider, serving

(MAPBOX,) = profiles()
TOKEN = encode("pk", {"u": "acme", "a": "ck0example"})
ASKS = plan(MAPBOX, "https://www.example.com/map").asks


def test_exactly_the_plan_is_sent_one_at_a_time() -> None:
    waits: list[float] = []
    grants = {TOKEN: Grant("acme", ("www.example.com",), PUBLIC)}
    with serving(provider(grants)) as served, Service(served.origin) as service:
        answers = list(send(service, ASKS, decode(TOKEN), MAPBOX, waits.append))
    assert waits == [PAUSE] * (len(ASKS) - 1)
    host = served.origin.removeprefix("http://")
    for ask, request in zip(ASKS, served.requests, strict=True):
        referer = [("Referer", ask.referer)] if ask.referer is not None else []
        assert list(request.headers) == [("Host", host), *FIELDS, *referer]
        assert request.url == f"{served.origin}{ask.path}?access_token={TOKEN}"
    assert [a.ask for a in answers] == list(ASKS)
    assert read(answers, MAPBOX).fewest == (("www.example.com",),)


@pytest.mark.parametrize(("status", "message"), [(401, "Invalid Token"), (429, "Too many")])
def test_it_stops_where_more_makes_no_sense(status: int, message: str) -> None:
    with serving(lambda _: refusal(status, message)) as served, Service(served.origin) as service:
        answers = list(send(service, ASKS, decode(TOKEN), MAPBOX, lambda _: None))
    assert len(answers) == len(served.requests) == 1
    assert answers[0].state is State.UNCLEAR


def test_a_service_that_goes_away() -> None:
    def answer(request: Request) -> Reply:
        if "/6/3/" in request.url:
            raise ConnectionAbortedError
        return Reply(200)

    with serving(answer) as served, Service(served.origin) as service:
        sending = send(service, ASKS, decode(TOKEN), MAPBOX, lambda _: None)
        answers = [next(sending), next(sending)]
        with pytest.raises(ServiceError) as raised:
            next(sending)
    assert [one.status for one in answers] == [200, 200]
    assert TOKEN.split(".")[1] not in str(raised.value)
