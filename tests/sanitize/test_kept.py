"""The list of what stays fits the code that reads it and the readers that it is for."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.provider.profile import profiles
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.fields import Fields
from diagnostics.sanitize.kept import Kept, kept
from diagnostics.sanitize.standins import StandIns, Tally

HEADERS = {**kept().request_headers, **kept().response_headers}


def test_names_are_written_as_they_are_looked_up() -> None:
    assert all(name == name.lower() for name in HEADERS)
    for words in (kept().no_secrets, kept().endings, kept().codings, kept().resource_types):
        assert all(word == word.lower() for word in words)
    assert all(word == word.lower() for words in kept().words.values() for word in words)


def test_each_header_is_treated_in_a_way_that_there_is_and_says_what_reads_it() -> None:
    standins = StandIns(Tally())
    fields = Fields(standins, Addresses(standins))
    for name, field in HEADERS.items():
        fields._value(field.how, name, "x", "https://a.example/")
        assert field.why
    with pytest.raises(ValueError, match="nothing"):
        fields._value("nothing", "x", "x", "")


def test_headers_that_keep_words_have_them() -> None:
    assert {n for n, field in HEADERS.items() if field.how == "words"} == set(kept().words)


def test_no_header_that_carries_a_secret_stays() -> None:
    assert not set(HEADERS) & {"cookie", "set-cookie", "authorization", "proxy-authorization",
                               "x-api-key", "etag", "if-none-match", "link"}  # fmt: skip


def test_private_endpoints_are_endpoints() -> None:
    known = {endpoint.name for profile in profiles() for endpoint in profile.endpoints}
    assert kept().private_endpoints <= known


def test_a_misspelt_part_is_refused() -> None:
    data = msgspec.to_builtins(kept()) | {"recuest_headers": {}}
    with pytest.raises(msgspec.ValidationError, match="recuest_headers"):
        msgspec.convert(data, Kept)
