"""Files that are no capture: what gives them away, and what is said."""

from __future__ import annotations

import re

import pytest

from diagnostics.capture.strangers import HEAD, binary_stranger, strangers, text_stranger


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"%PDF-1.7\n", "picture"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "picture"),
        (b"\x00\x00\x00\x18ftypmp42", "film"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "packet capture"),
        (b"\x00" * 257 + b"ustar", "packed"),
        (b"MZ\x90\x00", "program"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b'{"log": {}}', None),
        (b"PDF", None),
        (b"", None),
    ],
)
def test_by_the_first_bytes(head: bytes, says: str | None) -> None:
    found = binary_stranger(head)
    assert found is None if says is None else says in (found or "")


@pytest.mark.parametrize(
    ("head", "json", "says"),
    [
        (b'{"traceEvents": []}', True, "performance trace"),
        (b'{"info": {"_postman_id": "x"}}', True, "Postman"),
        (b'{"message":"Forbidden"}', True, "body of one answer"),
        (b"<!DOCTYPE HTML><title>Login</title>", False, "web page"),
        (b"<?xml version='1.0'?><charles-session>", False, "Charles"),
        # What a HAR holds as text does not make it a web page, nor a text that speaks of a key.
        (b'{"log": {"entries": ["<html>"]}}', True, None),
        (b'I saw "traceEvents" there', False, None),
        (b"hello", False, None),
        (b"\xff\xfe<html>", False, "web page"),
        (b" " * HEAD + b"<html>", False, None),
    ],
)
def test_by_a_word(head: bytes, json: bool, says: str | None) -> None:
    found = text_stranger(head, json)
    assert found is None if says is None else says in (found or "")


def test_the_table_can_be_met_and_says_what_to_do() -> None:
    table = strangers()
    for binary in table.binary:
        assert bytes.fromhex(binary.bytes)
    for text in table.text:
        assert text.contains == text.contains.lower()
    said = [kind.says for kind in table.binary] + [kind.says for kind in table.text]
    for says in [*said, *table.archives.values(), *table.other.values()]:
        assert says.startswith("is ")
        assert re.search(r"\b(Ask|Give|give|Unpack|Save|Download|choose|Copy|Record)\b", says), says
