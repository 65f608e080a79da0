"""Targets: allowed URLs, the files that list them, and tokens."""

from __future__ import annotations

import tempfile
import urllib.parse
from pathlib import Path

from diagnostics.browser import url as urls
from diagnostics.cli import allow_file
from diagnostics.errors import InputError
from diagnostics.journey.told import read_tokens
from diagnostics.provider import mapbox
from diagnostics.provider.allowed_urls import Decision, EntryResult, decide
from diagnostics.provider.token import KINDS, decode, encode, redact
from diagnostics.report.redaction import redact_text
from tests.fuzz.target import SECRET_PARTS, SIGNATURE, TOKEN, as_text, is_one_line

_RANK = {Decision.REFUSED: 0, Decision.UNDOCUMENTED: 1, Decision.ALLOWED: 2}
_OPEN = {EntryResult.MATCH, EntryResult.UNDOCUMENTED}
_MOST = 40


def allowed_urls(data: bytes) -> None:
    """The first line is the Referer, every other one an entry."""
    referer, *entries = as_text(data).split("\n")[:_MOST]
    if not entries:
        return
    admission = decide(mapbox, referer, entries)
    rank = _RANK[admission.decision]
    assert [reason.entry for reason in admission.reasons] == entries
    assert decide(mapbox, referer, entries[::-1]).decision is admission.decision
    for count in range(1, len(entries)):
        assert _RANK[decide(mapbox, referer, entries[:count]).decision] <= rank
    assert decide(mapbox, None, entries).decision is Decision.REFUSED
    page = urls.parse(referer)
    for reason in admission.reasons:
        if reason.result in _OPEN:
            read = mapbox.read_entry(reason.entry)
            assert isinstance(read, mapbox.Entry)
            assert page is not None
            assert page.scheme in {"http", "https"}
            assert page.host.rstrip(".").endswith(read.host.rstrip("."))
            assert reason.result is EntryResult.UNDOCUMENTED or not read.doubts
        _holds_without_case(referer, reason.entry, reason.result)
    if page is not None and page.scheme in {"http", "https"}:
        _admits_itself(page)


def _holds_without_case(referer: str, entry: str, result: EntryResult) -> None:
    """Letter case of an entry's host alters nothing but what is documented."""
    scheme, mark, rest = entry.rpartition("://")
    if not entry.isascii() or any(sign in rest for sign in "/?#"):
        return
    lower = mapbox.match(referer, f"{scheme}{mark}{rest.lower()}").result
    assert lower is result or {lower, result} == _OPEN


def _admits_itself(page: urls.Url) -> None:
    """The host of a page, where it can be an entry at all, admits the page."""
    entry = f"{page.scheme}://{page.host}:{page.port}"
    read = mapbox.read_entry(entry)
    if isinstance(read, mapbox.Entry):
        result = mapbox.match(page.href, entry).result
        assert result is (EntryResult.UNDOCUMENTED if read.doubts else EntryResult.MATCH)


def lint(data: bytes) -> None:
    """Each line is an entry."""
    entries = as_text(data).split("\n")[:_MOST]
    problems = mapbox.lint(entries)
    errors = {problem.entry for problem in problems if problem.severity == "error"}
    unreadable = {one for one in entries if isinstance(mapbox.read_entry(one), mapbox.Unreadable)}
    assert errors == unreadable
    for problem in problems:
        if problem.suggestion is not None:
            assert isinstance(mapbox.read_entry(problem.suggestion), mapbox.Entry)
    for entry in entries:
        meant = mapbox.suggest(entry)
        if meant is not None:
            assert isinstance(mapbox.read_entry(meant), mapbox.Entry)


def allow_list(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(prefix="why403") as file:
        Path(file.name).write_bytes(data)
        try:
            entries = allow_file.read(file.name)
        except InputError as error:
            is_one_line(error)
            return
    for entry in entries:
        assert entry.strip() or data.lstrip(b"\xef\xbb\xbf \t\r\n\v\f").startswith(b"[")
        entry.encode()


def token_list(data: bytes) -> None:
    try:
        allowed = read_tokens(data)
    except ValueError as error:
        is_one_line(error)
        return
    for name, one in allowed.items():
        assert one.known
        (name + one.told_by + "".join(one.entries or ())).encode()


def token(data: bytes) -> None:
    """A token, or an account and an id, a line each."""
    text = as_text(data)
    read = decode(text)
    assert read.shown.isprintable()
    assert len(read.shown) < 70
    signature = text.strip().rpartition(".")[2]
    if read.kind and len(signature) > 40:
        assert signature not in read.shown
    account, _, token_id = text.partition("\n")
    for kind in KINDS:
        made = encode(kind, {"u": account, "a": token_id})
        again = decode(made)
        assert (again.kind, again.account, again.id) == (kind, account, token_id)
        assert again.malformed is None


#: How a token can stand in a text.
FORMS = (
    TOKEN,
    urllib.parse.quote(TOKEN).replace(".", "%2E"),
    TOKEN.replace(".", "%252e"),
    TOKEN.replace(".", "\\u002e"),
    TOKEN.replace(".", "&#46;"),
)


def redaction(data: bytes) -> None:
    """A token is planted at the first zero byte, else at the end."""
    text = as_text(data)
    for part in SECRET_PARTS:
        text = text.replace(part, "")
    before, _, after = text.partition("\0")
    for form in FORMS:
        for cleaned in (redact(before + form + after), redact_text(before + form + after)):
            for part in SECRET_PARTS:
                assert part not in cleaned, f"{form!r} between {before!r} and {after!r}"
    once = redact_text(f"{before}?access_token={SIGNATURE}&{after}")
    assert SIGNATURE not in once
    assert redact_text(once) == once, "a second look finds more"
