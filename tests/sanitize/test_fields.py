from __future__ import annotations

import pytest

from diagnostics.browser.client import recognise
from diagnostics.capture.exchange import Headers
from diagnostics.causes import software
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.fields import MORE, Fields, accepted, agent, media_type
from diagnostics.sanitize.standins import StandIns, Tally


def fields() -> Fields:
    standins = StandIns(Tally())
    return Fields(standins, Addresses(standins))


AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",  # noqa: E501
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0.7204.63 Mobile/15E148 Safari/604.1",  # noqa: E501
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "curl/8.14.1", "PostmanRuntime/7.43.0", "okhttp/4.12.0", "python-requests/2.32.3",
]  # fmt: skip


@pytest.mark.parametrize("text", AGENTS)
def test_usual_agents_stay_as_they_are(text: str) -> None:
    assert agent(text) == text


@pytest.mark.parametrize(
    "text",
    ["Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/AP3A.241105.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36 AcmeApp/7 (kim)",  # noqa: E501
     "AcmeApp/3 MapboxGL/3.3.4 (a1b2c3) iOS/10.1.0 (x86_64)", "curl/8.14.1 4111 1111 1111 1111"],
)  # fmt: skip
def test_others_lose_what_is_theirs_and_stay_the_same_client(text: str) -> None:
    clean = agent(text)
    assert not {"Pixel", "kim", "AcmeApp", "a1b2c3", "4111"} & set(clean.replace("/", " ").split())
    assert recognise(clean).kind == recognise(text).kind
    assert agent(clean) == clean


def test_a_request_that_was_more_than_bare_does_not_look_bare() -> None:
    bare = Headers([("User-Agent", "curl/8.14.1"), ("Referer", "")])
    assert fields().request(bare) == bare
    more = fields().request(Headers([*bare, ("X-Key", "s3cret")]))
    assert list(more) == [*bare, (MORE, "")]
    assert fields().request(more) == more


def test_what_tells_the_software_stays_and_no_more() -> None:
    sent = Headers([("X-Powered-By", "PHP/8.2.7-s3cret"), ("Server", "nginx/1.2 s3cret"),
                    ("Set-Cookie", "csrftoken=s3cret; Path=/s3cret"), ("X-Other", "s3cret"),
                    ("Referrer-Policy", "same-origin")])  # fmt: skip
    clean = fields().response(sent, "https://a.example/", of_document=True)
    assert "s3cret" not in repr(clean)
    assert clean.get("set-cookie") == "csrftoken=removed"
    before = [found.id for found in software.recognise(sent, "same-origin")]
    assert [found.id for found in software.recognise(clean, "same-origin")] == before
    other = fields().response(sent, "https://a.example/", of_document=False)
    assert list(other) == [("Referrer-Policy", "same-origin")]


def test_values() -> None:
    assert accepted("text/html,application/x-s3cret;q=0.9,*/*;q=0.8;t=1") == "text/html,*/*;q=0.8"
    assert media_type("text/html; charset=UTF-8") == "text/html; charset=UTF-8"
    assert media_type("text/html; boundary=s3cret") == "text/html"
    assert media_type("s3cret") == "application/octet-stream"
