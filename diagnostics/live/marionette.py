"""The few commands of Firefox's remote control that a recording needs.

Marionette is Firefox's own control port: every message is `length:json`; a command is
`[0, id, name, parameters]`, its answer `[1, id, error, result]`.
Source: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import json
import socket
from typing import Any

from diagnostics.live.proxy import LiveError


class Marionette:
    """A session with a running Firefox. Whatever asks it something raises LiveError where Firefox
    refuses, or does not answer as it should."""

    def __init__(self, port: int, timeout: float = 60) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        except OSError as error:
            raise LiveError(f"Firefox: its control port: {error}") from None
        self._stream = self._socket.makefile("rb")
        self._id = 0
        try:
            self._read()  # its greeting
            self._ask(
                "WebDriver:NewSession",
                {"pageLoadStrategy": "none", "unhandledPromptBehavior": "accept"},
            )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; the browser stays."""
        self._stream.close()
        self._socket.close()

    def quit(self) -> None:
        """End the browser in order, so that it writes its profile."""
        self._ask("Marionette:Quit", {"flags": ["eForceQuit"]})

    def go(self, url: str) -> None:
        """Open a URL in the tab, without waiting for it."""
        self._ask("Marionette:SetContext", {"value": "content"})
        self._ask("WebDriver:Navigate", {"url": url})

    def browser(self, script: str, *arguments: object) -> Any:
        """Run an asynchronous function body with the browser's own rights; the result of
        `return` comes back as JSON. The arguments are in `arguments`."""
        return self._run("chrome", script, arguments)

    def page(self, script: str, *arguments: object) -> Any:
        """Run an asynchronous function body in the page."""
        return self._run("content", script, arguments)

    def _run(self, context: str, script: str, arguments: tuple[object, ...]) -> Any:
        self._ask("Marionette:SetContext", {"value": context})
        body = (
            "const done = arguments[arguments.length - 1];"
            f"(async function () {{ {script} }}).apply(null, arguments)"
            ".then(value => done({value}), error => done({error: String(error)}));"
        )
        found = self._ask("WebDriver:ExecuteAsyncScript", {"script": body, "args": arguments})
        result = found["value"]
        if result is None:
            raise LiveError("Firefox left the page before the script ended")
        if "error" in result:
            raise LiveError(f"Firefox: {result['error']}")
        return result.get("value")

    def _ask(self, name: str, parameters: object) -> Any:
        self._id += 1
        message = json.dumps([0, self._id, name, parameters]).encode()
        try:
            self._socket.sendall(b"%d:%s" % (len(message), message))
        except OSError as error:
            raise LiveError(f"Firefox: {name}: {error}") from None
        answer = self._read()
        if answer[2]:
            raise LiveError(f"Firefox: {name}: {answer[2].get('message')}")
        return answer[3]

    def _read(self) -> Any:
        digits = b""
        try:
            while (byte := self._stream.read(1)) != b":":
                if not byte or len(digits) > 12:
                    raise LiveError("Firefox closed its control port")
                digits += byte
            return json.loads(self._stream.read(int(digits)))
        except (OSError, ValueError) as error:
            raise LiveError(f"Firefox: its control port: {error}") from None
