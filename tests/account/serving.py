"""The emulated provider behind real loopback HTTP, with a record of what arrived."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from diagnostics.capture.exchange import Headers
from diagnostics.provider import emulated, emulated_account
from diagnostics.provider.emulated import Grant, Reply, Request
from diagnostics.provider.emulated_account import Account, Held
from diagnostics.ticket import PUBLIC_SCOPES

Answering = Callable[[Request], Reply]

PUBLIC = PUBLIC_SCOPES

SECRET = Held("ck0secretreader", "sk", note="CI", scopes=("tokens:read",))


class Served:
    """A running server: its origin and the requests that it was sent."""

    def __init__(self, origin: str, requests: list[Request]) -> None:
        self.origin = origin
        self.requests = requests


@contextlib.contextmanager
def serving(answer: Answering) -> Iterator[Served]:
    """`answer` on a free port of this machine."""
    requests: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "")
            request = Request("GET", f"http://{host}{self.path}", Headers(self.headers.items()))
            requests.append(request)
            reply = answer(request)
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_address[1]}", requests)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def account_of(number: int, name: str = "acme", *more: Held) -> Account:
    """An account with `number` tokens: a default one, the secret `SECRET`, what is given in
    `more`, and public ones, each with a list of its own, except each tenth."""
    held = [Held("ck0default", default=True, scopes=PUBLIC), SECRET, *more]
    for place in range(number - len(held)):
        allowed = () if place % 10 == 9 else (f"site{place}.example.com",)
        held.append(
            Held(f"ck0site{place:03}", note=f"Site {place}", scopes=PUBLIC, allowed=allowed)
        )
    return Account(name, held)


def secret_of(account: Account) -> str:
    return SECRET.text(account.name)


def tokens_api(account: Account) -> Answering:
    return lambda request: emulated_account.answer(request, account)


def provider(grants: Mapping[str, Grant]) -> Answering:
    return lambda request: emulated.answer(request, grants)
