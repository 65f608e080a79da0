"""What leaves the machine, where to, and what of it could be seen: over real loopback HTTP."""

from __future__ import annotations

import logging
import traceback

import pytest

from diagnostics.account import service as module
from diagnostics.account.service import FIELDS, Service, ServiceError, is_loopback, origin_of
from diagnostics.errors import InputError
from diagnostics.provider.emulated import Reply
from diagnostics.provider.token import encode
from tests.account.serving import serving

SECRET = encode("sk", {"u": "acme", "a": "ck0secret"}, "S1gnatureThatNobodyMaySee")
TARGET = f"/tokens/v2/acme?limit=1&access_token={SECRET}"


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://api.mapbox.com", "https://api.mapbox.com"),
        (" https://API.mapbox.com:443/ ", "https://api.mapbox.com"),
        ("https://api.mapbox.cn:8443", "https://api.mapbox.cn:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.9.9.9:8000", "http://127.9.9.9:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_where_a_token_may_go(given: str, origin: str) -> None:
    assert origin_of(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "", "api.mapbox.com", "http://api.mapbox.com", "http://localhost.example.com",
        "http://0.0.0.0:8000", "http://127.0.0.1.example.com", "ftp://api.mapbox.com",
        "file:///etc/passwd", "https://user:word@api.mapbox.com", "https://api.mapbox.com/path",
        "https://api.mapbox.com?x=1", "https://api.mapbox.com/#x", "https://", "http://[::2]",
    ],
)  # fmt: skip
def test_where_no_token_may_go(given: str) -> None:
    with pytest.raises(InputError):
        origin_of(given)


def test_names_of_this_machine() -> None:
    assert all(map(is_loopback, ["localhost", "a.localhost", "localhost.", "127.0.0.1", "[::1]"]))
    assert not any(map(is_loopback, ["example.com", "10.0.0.1", "notlocalhost", ""]))


def test_a_request_has_the_said_fields_and_no_others() -> None:
    with serving(lambda _: Reply(200, (("X-A", "b"),), b"[]")) as served:
        with Service(served.origin) as service:
            response = service.get("/v4/x?y=1", (("Referer", "https://example.com/"),))
        (request,) = served.requests
    assert (response.status, response.headers.get("x-a"), response.body) == (200, "b", b"[]")
    host = served.origin.removeprefix("http://")
    assert list(request.headers) == [
        ("Host", host), *FIELDS, ("Referer", "https://example.com/"),
    ]  # fmt: skip
    assert request.url == f"{served.origin}/v4/x?y=1"


def test_a_redirect_is_not_followed() -> None:
    with serving(lambda _: Reply(200)) as other:
        moved = Reply(302, (("Location", f"{other.origin}/stolen"),))
        with serving(lambda _: moved) as served, Service(served.origin) as service:
            assert service.get(TARGET).status == 302
        assert other.requests == []


def test_no_proxy_of_the_environment_sees_what_is_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(lambda _: Reply(200)) as proxy, serving(lambda _: Reply(200)) as served:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        with Service(served.origin) as service:
            service.get(TARGET)
        assert (len(proxy.requests), len(served.requests)) == (0, 1)


def test_nobody_reads_the_token_in_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, name)
    with serving(lambda _: Reply(200)) as served, Service(served.origin) as service:
        service.get(TARGET)
    assert "HTTP Request: GET" in caplog.text  # the log was indeed written
    assert "sk.…(acme/ck0se…)" in caplog.text
    assert SECRET.split(".")[1] not in caplog.text
    assert SECRET.split(".")[2] not in caplog.text
    assert logging.getLogger("httpx").filters == []


def failure(origin: str) -> str:
    """The whole error, as a traceback would show it."""
    with Service(origin) as service, pytest.raises(ServiceError) as raised:
        service.get(TARGET)
    assert "\n" not in str(raised.value)
    shown = "".join(traceback.format_exception(raised.value))
    assert SECRET.split(".")[1] not in shown
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "socks5://127.0.0.1:1"), ("HTTPS_PROXY", f"foo://{SECRET}@x"),
     ("SSL_CERT_FILE", "/nowhere.pem")],
)  # fmt: skip
def test_settings_of_the_environment_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ServiceError, match="cannot be asked: ") as raised:
        Service("https://api.mapbox.com")
    assert SECRET.split(".")[1] not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert name in str(raised.value)


def test_a_service_that_is_not_there() -> None:
    with serving(lambda _: Reply(200)) as served:
        origin = served.origin
    assert failure(origin).startswith(f"{origin} cannot be asked: ")


def test_a_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(module, "_SECONDS", 0.2)
    release = threading.Event()

    def wait(_: object) -> Reply:
        release.wait(20)
        return Reply(200)

    with serving(wait) as served:
        said = failure(served.origin)
        release.set()
    assert said.startswith(f"{served.origin} did not answer in")


def test_a_service_that_answers_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGEST_BODY", 1000)
    with serving(lambda _: Reply(200, (), b"x" * 1001)) as served:
        assert "answers more than" in failure(served.origin)


def test_a_service_that_speaks_no_http() -> None:
    with serving(lambda _: Reply(200, (("Bad Name\x01", "x"),))) as served:
        assert "cannot be asked" in failure(served.origin)
