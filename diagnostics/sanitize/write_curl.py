"""Writes exchanges as curl commands for bash, with what curl's `--include` prints of an answer."""

from __future__ import annotations

import http
import shlex
from collections.abc import Iterable, Iterator

from diagnostics.capture.exchange import Exchange

_UNREADABLE = "curl 'http://['\n"  # a command whose address cannot be read, as what stood there
_VERSIONS = {"HTTP/2": "--http2", "HTTP/3": "--http3", "HTTP/1.1": "--http1.1"}


def curl_pieces(exchanges: Iterable[Exchange | None], *, typed: bool) -> Iterator[str]:
    """A paste of curl commands, one for each exchange. `typed`: by a person, where a browser's
    User-Agent is given as an option and not as a header, as browsers do."""
    for exchange in exchanges:
        if exchange is None:
            yield _UNREADABLE
        else:
            yield _command(exchange, typed) + _answer(exchange) + "\n"


def _command(exchange: Exchange, typed: bool) -> str:
    words = [f"curl {shlex.quote(exchange.url)}"]
    if exchange.method != "GET":
        words.append(f"-X {shlex.quote(exchange.method)}")
    agent = exchange.request_headers.get("user-agent") or ""
    by_option = typed and agent.startswith("Mozilla/")
    if by_option:
        words.append(f"-A {shlex.quote(agent)}")
    for name, value in exchange.request_headers:
        if by_option and name.lower() == "user-agent":
            continue
        line = f"{name}: {value}" if value else f"{name};"
        words.append(f"-H {shlex.quote(line)}")
    names = {name.lower() for name, _ in exchange.request_headers}
    # What curl would add of itself, and the request did not have.
    words += [f"-H {shlex.quote(name + ':')}" for name in ("User-Agent", "Accept")
              if name.lower() not in names]  # fmt: skip
    if exchange.request_body is not None:
        words.append(f"--data-raw {shlex.quote(exchange.request_body)}")
    if exchange.http_version in _VERSIONS:
        words.append(_VERSIONS[exchange.http_version])
    return " \\\n  ".join(words) + "\n"


def _answer(exchange: Exchange) -> str:
    if exchange.status is None:
        return f"\n{exchange.body}\n" if exchange.body else ""
    version = exchange.http_version or "HTTP/1.1"
    try:
        phrase = " " + http.HTTPStatus(exchange.status).phrase
    except ValueError:
        phrase = ""
    lines = [f"{version} {exchange.status}{phrase}"]
    lines += [f"{name}: {value}" for name, value in exchange.response_headers]
    return "\n".join([*lines, "", exchange.body or ""]) + "\n"
