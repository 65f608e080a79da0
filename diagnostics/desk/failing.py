"""A failing request in full, as it was sent and answered, without what is secret.

The provider's support asks for the full request: what a sanitized capture keeps of it, with the
token in its short form, and of the answer the ids by which the provider finds it in its own logs.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator

import msgspec

from diagnostics.capture.exchange import Exchange, Headers
from diagnostics.report.group import shown_token
from diagnostics.report.redaction import redact
from diagnostics.report.terminal import plain

#: Fields of the CDN's answers that name it and nobody else
#: (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html).
_TRACES = frozenset({"date", "x-amz-cf-id", "x-amz-cf-pop"})
_TRACE = re.compile(r"[\w=:, -]{1,80}")
_LONGEST_BODY = 2000
_LONGEST_VALUE = 4000

Fields = tuple[tuple[str, str], ...]


class Failing(msgspec.Struct, frozen=True):
    """One refused request. `place` is where in the capture it stands; `body` is what the answer
    said, None where the capture does not hold it."""

    method: str
    url: str
    headers: Fields
    status: int
    answer_headers: Fields
    body: str | None
    place: str

    @property
    def referer(self) -> str | None:
        return next((v for name, v in self.headers if name.lower() == "referer" and v), None)


def failing(exchange: Exchange, cleaned: Exchange, status: int, tokens: Collection[str]) -> Failing:
    """The request of an exchange that was answered with `status`. `cleaned` is the same exchange
    sanitized; `tokens` are those of the sanitized capture."""
    body = cleaned.body
    found = Failing(
        method=cleaned.method,
        url=_address(cleaned.url),
        headers=tuple(_sent(cleaned.request_headers)),
        status=status,
        answer_headers=tuple(_received(exchange.response_headers, cleaned.response_headers)),
        body=None if body is None else body[:_LONGEST_BODY],
        place=exchange.where,
    )
    return redact(found, tokens)


def _address(url: str) -> str:
    """An address with the token by its name."""
    path, mark, query = url.partition("#")[0].partition("?")
    fields = [
        f"access_token={shown_token(url)}" if field.startswith("access_token=") else field
        for field in query.split("&")
    ]
    return f"{path}{mark}{'&'.join(fields)}"


def _sent(headers: Headers) -> Iterator[tuple[str, str]]:
    """The request's fields; HTTP/2's own (`:path`) say nothing that the URL does not."""
    for name, value in headers:
        if not name.startswith(":"):
            shown = _address(value) if name.lower() == "referer" else value
            yield name, shown[:_LONGEST_VALUE]


def _received(original: Headers, cleaned: Headers) -> Iterator[tuple[str, str]]:
    yield from ((name, value[:_LONGEST_VALUE]) for name, value in cleaned)
    for name, value in original:
        if name.lower() in _TRACES and name not in cleaned and _TRACE.fullmatch(value):
            yield name, value


def as_curl(request: Failing) -> str:
    """The request as a curl command for a shell. It shows what was sent; with the token left out
    it cannot be run as it is."""
    lines = [f"curl -i {shlex.quote(plain(request.url, None))}"]
    if request.method.upper() != "GET":
        lines[0] += f" -X {shlex.quote(plain(request.method))}"
    lines += [
        f"-H {shlex.quote(plain(f'{name}: {value}', None))}"
        for name, value in request.headers
        if name.lower() not in {"host", "content-length", "accept-encoding"}
    ]
    return " \\\n  ".join(lines)


def as_http(request: Failing) -> str:
    """The answer as HTTP shows it."""
    return "\n".join(_answer(request))


def _answer(request: Failing) -> Iterator[str]:
    yield f"{request.status}"
    for name, value in request.answer_headers:
        yield plain(f"{name}: {value}", None)
    yield ""
    yield "(the capture does not hold the body)" if request.body is None else request.body
