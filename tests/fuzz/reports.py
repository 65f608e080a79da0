"""Targets: whatever a capture holds, nothing of it becomes live or tells a secret."""

from __future__ import annotations

import functools
import json
import re
import zlib
from typing import Any

import jsonschema
import msgspec
from selectolax.lexbor import LexborHTMLParser

from diagnostics.capture.exchange import Capture, CaptureError
from diagnostics.capture.har import read_har
from diagnostics.cli.output import FORMATS, render
from diagnostics.errors import InputError
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.report import terminal
from diagnostics.report.schema import schema
from diagnostics.reproduce.derive import derive, to_yaml
from diagnostics.sanitize.sanitizer import Sanitizer
from diagnostics.sanitize.write_har import har_pieces
from tests.fuzz.target import TOKEN, as_text, is_one_line, look_at_everything, no_secret

_TOLD = Told(Allowed(("example.com", f"example.com/{TOKEN}"), "the list that was told"))
_NOT_SHOWN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_LIVE = "script, iframe, object, embed, form, base, link, meta[http-equiv=refresh], [srcdoc]"


def _read(data: bytes) -> Capture | None:
    try:
        return read_har(data, "x.har")
    except CaptureError:
        return None


def report(data: bytes) -> None:
    capture = _read(data)
    if capture is None:
        return
    made = diagnose([capture], _TOLD)
    for form in FORMATS:
        said = render(made, form, to_terminal=False)
        said.encode("utf-8")
        no_secret(said, as_text(data), f"the {form} report")
        if form == "json":
            jsonschema.validate(json.loads(said), _schema())
        else:
            found = _NOT_SHOWN.search(said)
            assert found is None, f"{found} in the {form} report"
        if form == "html":
            _is_inert(said)


@functools.cache
def _schema() -> Any:
    return schema()


def _is_inert(page: str) -> None:
    """Nothing in a page runs, loads or sends."""
    tree = LexborHTMLParser(page)
    for node in tree.css(_LIVE):
        assert (node.tag, dict(node.attributes)) == ("link", {"rel": "icon", "href": "data:,"}), (
            f"<{node.tag}> in a report"
        )
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            assert not name.startswith("on"), f"{name} in a report"
            if name in {"src", "href", "xlink:href", "action", "data", "srcset", "formaction"}:
                assert (value or "").startswith(("https://", "#", "data:image", "data:,")), value
    assert len(tree.css("style")) == 1


def shown(data: bytes) -> None:
    text = as_text(data)
    said = terminal.plain(text)
    assert said.isprintable()
    assert terminal.columns(said) <= terminal.LIMIT
    assert terminal.plain(said) == said
    assert terminal.plain(text, limit=None).isprintable()
    block = terminal.plain_block(text)
    assert len(block.split("\n")) <= 61
    assert all(line.isprintable() for line in block.split("\n"))
    assert terminal.ascii_only(said).isascii()
    for line in terminal.wrapped(said, 30):
        assert terminal.columns(line) <= 31


_PLANT = "q7XvW9zK2mP4sT8bN1hY"
#: Between slashes it is part of no host name, which stays as it is.
_PLANTED = f"/{_PLANT}/"


def sanitized(data: bytes) -> None:
    """A secret is planted in one of the HAR's texts: which, the data's checksum says."""
    data = _planted(data)
    capture = _read(data)
    if capture is None:
        return
    sanitizer = Sanitizer(capture)
    written = "".join(har_pieces(capture, sanitizer.pages, sanitizer.exchanges()))
    assert _PLANT not in written, "a planted secret survived"
    no_secret(written, as_text(data), "the sanitized capture")
    again = _read(written.encode("utf-8"))
    assert again is not None, "what was sanitized is no HAR"
    look_at_everything(again)
    assert [one.index for one in again.exchanges] == [one.index for one in capture.exchanges]
    assert [one.status for one in again.exchanges] == [one.status for one in capture.exchanges]


def _planted(data: bytes) -> bytes:
    try:
        whole = json.loads(data)
    except (ValueError, RecursionError):
        return data
    places = list(_texts(whole))
    if not places:
        return data
    parent, key = places[zlib.crc32(data) % len(places)]
    text = parent[key]
    at = zlib.adler32(data) % (len(text) + 1)
    parent[key] = text[:at] + _PLANTED + text[at:]
    return json.dumps(whole).encode()


def _texts(value: Any) -> Any:
    if not isinstance(value, dict | list):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, str):
            yield value, key
        elif isinstance(item, dict | list):
            yield from _texts(item)


def derived(data: bytes) -> None:
    capture = _read(data)
    if capture is None:
        return
    try:
        made = derive([capture])
    except InputError as error:
        is_one_line(error)
        return
    written = to_yaml(made.ticket) + "\n".join(made.notes)
    no_secret(written, as_text(data), "the derived ticket")
    msgspec.json.encode(made)
