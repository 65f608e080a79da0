"""Reads what curl printed: `-v` (`> ` sent, `< ` received, `* ` remarks), `-i`, and plain bodies.

Source: curl's manual, `--verbose` and `--include` (https://curl.se/docs/manpage.html).
"""

from __future__ import annotations

import json
import re

_LONGEST_BODY = 65536
_REQUEST_LINE = re.compile(r"([A-Za-z-]{1,32}) (\S+) (HTTP/[\d.]{1,3})\s*$")
_STATUS_LINE = re.compile(r"(HTTP/\d(?:\.\d)?) (\d{3})(?=\s|$)")
_REMARK = re.compile(r"\* |\*$|[{}] \[\d|== Info|=> Send|<= Recv")
_PROGRESS = re.compile(r"\s*(?:% Total\b|Dload\s|\d{1,3}\s+[\d.]+[kMGTP]?\s+\d{1,3}\s+\d)")
_TLS = re.compile(r"SSL|TLS|port 443\b|ALPN", re.IGNORECASE)
_PROMPT = re.compile(r".{0,160}[$#%>❯]\s?")
_WRITTEN = re.compile(r"(?:^|[}\]>\s])([1-5]\d\d)(?!\d)")
_STARTS = ("{", "[", "<")  # of bodies that are told from remarks and prompts


class Hop:
    """One request and its answer as curl printed them; what was not printed stays empty.

    `target` is the path of the request line. `secure` is False
    where curl's remarks above it speak of no TLS; without remarks TLS is assumed.
    """

    def __init__(self, secure: bool = True) -> None:
        self.method = ""
        self.target = ""
        self.request_version = ""
        self.request_headers: list[tuple[str, str]] = []
        self.status: int | None = None
        self.version = ""
        self.headers: list[tuple[str, str]] = []
        self.lines: list[str] = []  # what followed the headers
        self.secure = secure

    @property
    def body(self) -> str:
        """The body among the lines of the output, without the prompt behind it."""
        for first, line in enumerate(self.lines):
            if line.lstrip().startswith(_STARTS):
                return _without_prompt("\n".join(self.lines[first:]).strip())
        if self.status is None:
            return ""
        return "\n".join(line for line in self.lines if not _PROMPT.fullmatch(line)).strip()


def read_output(text: str, write_out: str = "") -> list[Hop]:
    """The exchanges in what was printed after a command, in order; none where it shows none.

    `write_out` is the command's `-w` format: where it asks for the status, a number at the end of
    the output is that.
    """
    reader = _Reader()
    for line in text.split("\n"):
        reader.take(line.rstrip("\r").rpartition("\r")[2])  # a progress meter is overwritten
    hops = [hop for hop in reader.hops if not _is_of_the_way(hop)]
    if "_code}" in write_out and hops and hops[-1].status is None:
        hops[-1].status = _written_status(hops[-1].lines)
        if not hops[-1].body.startswith(_STARTS):
            hops[-1].lines.clear()
    return [hop for hop in hops if hop.method or hop.status is not None or hop.body]


def _is_of_the_way(hop: Hop) -> bool:
    """A proxy's CONNECT, its answer, and interim answers belong to the way, not to the request."""
    if hop.method.upper() == "CONNECT":
        return True
    return not hop.method and hop.status == 200 and not hop.headers


class _Reader:
    def __init__(self) -> None:
        self.hops: list[Hop] = []
        self._room = _LONGEST_BODY
        self._remarks = self._tls = False
        self._sending = False
        self._in_headers = False  # of an answer printed by -i
        self._repeats = False  # -i prints again what -v has printed

    def take(self, line: str) -> None:
        if line.startswith("> ") or line == ">":
            self._sent(line[2:])
        elif line.startswith("< ") or line == "<":
            self._received(line[2:])
        elif _REMARK.match(line):
            self._remarks = True
            self._tls = self._tls or bool(_TLS.search(line, 0, 1000))
        elif self._in_headers:
            self._header_line(line)
        elif status := _STATUS_LINE.match(line):
            # A status line with marks in front of it was seen for this very answer.
            self._repeats = bool(
                self.hops and self.hops[-1].method and self.hops[-1].status == int(status[2])
            )
            if not self._repeats:
                self._answer(status)
            self._in_headers = True
        elif not _PROGRESS.match(line) and self._room > 0:
            if not self.hops:
                self._add()
            self.hops[-1].lines.append(line[: self._room])
            self._room -= len(line) + 1

    def _sent(self, line: str) -> None:
        request = _REQUEST_LINE.match(line)
        if request and not self._sending:
            hop = self._add()
            hop.method, hop.target, hop.request_version = request.groups()
            self._sending = True
        elif self._sending and (pair := _pair(line)):
            self.hops[-1].request_headers.append(pair)
        else:
            self._sending = False

    def _received(self, line: str) -> None:
        self._sending = False
        if status := _STATUS_LINE.match(line):
            self._answer(status)
        elif self.hops and (pair := _pair(line)):
            self.hops[-1].headers.append(pair)

    def _header_line(self, line: str) -> None:
        pair = _pair(line)
        if pair is None:
            self._in_headers = False
        elif not self._repeats:
            self.hops[-1].headers.append(pair)

    def _answer(self, status: re.Match[str]) -> None:
        hop = self.hops[-1] if self.hops else None
        if hop is None or (hop.status is not None and not 100 <= hop.status <= 199):
            hop = self._add()
        hop.version, hop.status, hop.headers, hop.lines = status[1], int(status[2]), [], []

    def _add(self) -> Hop:
        hop = Hop(self._tls or not self._remarks)
        self.hops.append(hop)
        self._room = _LONGEST_BODY
        return hop


def _pair(line: str) -> tuple[str, str] | None:
    name, colon, value = line.partition(":")
    name = name.strip()
    if not colon or not name or " " in name:
        return None
    return name, value.strip()


def _without_prompt(text: str) -> str:
    if text[:1] in ("{", "["):
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            return text
        return text[:end]
    return text


def _written_status(lines: list[str]) -> int | None:
    for line in reversed(lines):
        if found := _WRITTEN.search(line[-160:]):
            return int(found[1])
    return None
