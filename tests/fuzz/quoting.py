"""Targets: what was quoted for a shell is read back as it was."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from diagnostics.browser.url import parse
from diagnostics.capture.curl import read_curl
from diagnostics.capture.exchange import CaptureError
from diagnostics.capture.shell import find_commands
from tests.fuzz.target import as_text

_CONTROLS = re.compile(r"[\0-\x1f\x7f-\x9f!]")


def chrome_bash(word: str) -> str:
    """DevTools' `escapeStringPosix` (front_end/panels/network/NetworkLogView.ts)."""
    if not re.search(r"[\0-\x1f\x7f-\x9f!]|'", word):
        return f"'{word}'"
    word = word.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return "$'" + _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", word) + "'"


def chrome_cmd(word: str) -> str:
    """DevTools' `escapeStringWin` of the same file, but for white space, which it makes blanks."""
    word = word.replace("\\", "\\\\").replace('"', '\\"')
    word = re.sub(r"[^a-zA-Z0-9\s_\-:=+~'/.',?;()*`]", r"^\g<0>", word)
    word = re.sub(r"%(?=[a-zA-Z0-9_])", "%^", word)
    return '^"' + word.replace("\n", "^\n\n") + '^"'


def escaped_throughout(word: str) -> str:
    """Bash, ANSI-C quoting: every character as its code."""
    return "$'" + "".join(f"\\U{ord(char):08x}" for char in word) + "'"


def in_double_marks(word: str) -> str:
    """Bash, double quotes: a backslash before what keeps its meaning there. No carets: with them
    it would be what the oldest browsers wrote for cmd."""
    return '"' + re.sub(r'[$`"\\]', r"\\\g<0>", word) + '"'


STYLES: dict[str, Callable[[str], str]] = {
    "shlex": shlex.quote,
    "chrome bash": chrome_bash,
    "escaped": escaped_throughout,
    "double": in_double_marks,
    "chrome cmd": chrome_cmd,
}
_STRANGE_BLANKS = re.compile(r"[^\S \n]")


def words(data: bytes) -> None:
    """A word is what stands between two zero bytes."""
    said = as_text(data).split("\0")
    for name, quote in STYLES.items():
        these = [_adapted(word, name) for word in said]
        # Readers are given one kind of line break; the first word tells cmd and bash apart.
        these = ["--url", "x y", *(word.replace("\r", "") for word in these)]
        text = "curl " + " ".join(quote(word) for word in these)
        read = [list(command.words) for command in find_commands(text)]
        assert read == [these], f"{name}: {text!r} was read as {read!r}"


def _adapted(word: str, style: str) -> str:
    """The word as far as the style can say it."""
    if style == "chrome cmd":
        return _STRANGE_BLANKS.sub("_", word)
    return word.replace("^", "_") if style == "double" else word


_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def request(data: bytes) -> None:
    """URL, method, header lines, an empty line, body; copied as a browser would, read again."""
    head, _, body = as_text(data).replace("\r", "").replace("\0", "").partition("\n\n")
    url, _, rest = head.partition("\n")
    method, _, lines = rest.partition("\n")
    parsed = parse(url)
    if parsed is None or parsed.scheme not in {"http", "https"}:
        return
    method = method if re.fullmatch("[A-Z]+", method) else "GET"
    fields = [(name, value.strip()) for name, _, value in _pairs(lines) if _NAME.fullmatch(name)]
    for name, quote in STYLES.items():
        if _adapted(as_text(data), name) != as_text(data):
            continue
        written = ["--url", quote(re.sub(r"[\[{}\]]", r"\\\g<0>", parsed.href))]
        written += ["-X", quote(method)]
        for field, value in fields:
            written += ["-H", quote(f"{field}: {value}" if value else f"{field};")]
        if body:
            written += ["--data-raw", quote(body)]
        try:
            capture = read_curl("curl " + " ".join(written), "x")
        except CaptureError as error:
            raise AssertionError(f"{name}: {written!r} was refused: {error}") from error
        (one,) = capture.exchanges
        assert (one.url, one.method) == (parsed.href, method), name
        assert (one.request_body or "") == body, name
        sent = [pair for pair in one.request_headers if pair in fields]
        assert sent == fields, f"{name}: {sent!r} of {fields!r}"


def _pairs(lines: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines.split("\n") if ":" in line]
