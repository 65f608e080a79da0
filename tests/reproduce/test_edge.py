"""What the emulated provider is told, so that it answers as the real one did."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.capture.exchange import Headers
from diagnostics.journey.verdict import Cause
from diagnostics.live.world import World
from diagnostics.provider.emulated import Request
from diagnostics.reproduce import edge
from diagnostics.reproduce.asked import Asked
from diagnostics.ticket import PUBLIC_SCOPES, Answer, Client, Ticket, TokenSpec
from tests.recording import API, FORBIDDEN, STYLE, TILE, TOKEN, Recording, script, stand_ins

ORIGIN = "https://harbour.example/"
INVALID = '{"message":"Not Authorized - Invalid Token"}'
OTHER = TOKEN.replace("c2VjcmV0c2lnbmF0dXJl", "YW5vdGhlcnNpZ25hdHVyZQ")


def scope(name: str) -> str:
    return f'{{"message":"This API requires a token with {name} scope."}}'


def tile(x: int, tileset: str = "harbour.boats") -> str:
    return f"{API}/v4/{tileset}/3/{x}/2.vector.pbf?access_token={TOKEN}"


def page() -> Recording:
    return Recording().page(script(STYLE))


def token(recording: Recording, main: str = TOKEN) -> TokenSpec:
    asked = recording.asked()
    asked.sort(key=lambda one: one.case.token is not None and one.case.token.text != main)
    return edge.token(asked, stand_ins(asked), ("harbour.example",))


def answers(recording: Recording) -> tuple[list[Answer], bool]:
    """The answers of its own that a recording needs. They are played, and each request must come
    to what it came to there."""
    asked = recording.asked("harbour.example")
    instead = stand_ins(asked)
    spec = edge.token(asked, instead, ("harbour.example",))
    found, in_order = edge.answers(asked, instead, spec)
    ticket = Ticket("t", "s", Client(), token=spec, answers=tuple(found))
    if in_order:
        world = World(ticket)
        assert [played(world, one, spec) for one in asked] == [o.exchange.status for o in asked]
    return found, in_order


def played(world: World, one: Asked, spec: TokenSpec) -> int | None:
    referer = one.request.referer
    headers = Headers((("referer", referer),) if referer else ())
    url = one.exchange.url.replace(TOKEN, spec.text)
    reply = world.answer(Request(one.exchange.method, url, headers))
    return reply.status if reply is not None else None


def test_an_answer_that_the_model_would_not_give_is_in_the_ticket() -> None:
    foreign = STYLE.replace("/harbour/", "/agency/")
    derived = (
        Recording()
        .page(script(STYLE) + script(foreign))
        .granted(STYLE, "https://harbour.example/")
        .refused(foreign, "https://harbour.example/")
        .derive("harbour.example")
    )
    assert [(a.path, a.status) for a in derived.ticket.answers] == [
        ("/styles/v1/agency/ckharbourstyle", 403)
    ]
    assert derived.ticket.expect.refusals[0].cause is Cause.ACCOUNT_OR_RESOURCE


def test_a_token_has_the_scopes_of_a_new_one_but_those_that_it_was_refused_for() -> None:
    whole = token(page().refused(STYLE, ORIGIN))
    assert (whole.scopes, whole.revoked, whole.allowed) == (
        PUBLIC_SCOPES, False, ("harbour.example",),
    )  # fmt: skip
    assert (whole.kind, whole.account) == ("pk", "harbour")
    lacking = token(page().add(STYLE, 403, scope("styles:read"), sent={"Referer": ORIGIN}))
    assert set(PUBLIC_SCOPES) - set(lacking.scopes) == {"styles:read"}


@pytest.mark.parametrize(
    ("granted", "other", "revoked"),
    [(False, False, True), (True, False, False), (False, True, False)],
)
def test_a_token_is_revoked_where_it_was_called_invalid_and_never_granted(
    granted: bool, other: bool, revoked: bool
) -> None:
    recording = page().add(STYLE.replace(TOKEN, OTHER) if other else STYLE, 401, INVALID)
    if granted or other:
        recording.granted(TILE, ORIGIN)
    assert token(recording).revoked is revoked


def test_a_token_that_is_none_is_not_revoked_but_wrong() -> None:
    recording = page().add(STYLE.replace(TOKEN, "pk.ab!c"), 401, INVALID)
    assert not token(recording, "pk.ab!c").revoked
    assert token(page().add(STYLE, 401, INVALID)).revoked


def test_what_the_model_says_itself_needs_no_answer() -> None:
    recording = page().granted(STYLE, ORIGIN).refused(TILE, "https://other.example/")
    assert answers(recording) == ([], True)


def test_other_words_of_the_same_refusal_are_no_other_answer_but_another_reason_is() -> None:
    other = "https://other.example/"
    spaced = '{ "message" : "Forbidden" }'
    assert answers(page().add(STYLE, 403, spaced, sent={"Referer": other})) == ([], True)
    (answer,), _ = answers(
        page().add(STYLE, 403, '{"message":"suspended"}', sent={"Referer": other})
    )
    assert (answer.path, answer.status) == ("/styles/v1/harbour/ckharbourstyle", 403)
    assert answer.body == '{"message":"suspended"}'


def test_an_answer_covers_as_much_as_was_answered_so() -> None:
    """The whole tileset; a part of it; requests of one page; one request."""
    wide = page()
    for x in (1, 2):
        wide.add(tile(x), 404, "", sent={"Referer": ORIGIN})
    assert [a.path for a in answers(wide)[0]] == ["/v4/harbour.boats"]

    narrow = page().add(tile(1), 404, "", sent={"Referer": ORIGIN}).granted(tile(2), ORIGIN)
    (answer,), in_order = answers(narrow)
    assert (answer.path, answer.when, answer.times, in_order) == (
        "/v4/harbour.boats/3/1/2.vector.pbf", {}, None, True,
    )  # fmt: skip

    by_page = page().add(tile(1), 404, "", sent={"Referer": ORIGIN + "a"})
    by_page.granted(tile(1), ORIGIN + "b")
    (answer,), _ = answers(by_page)
    assert (answer.path, answer.when) == ("/v4/harbour.boats", {"Referer": ORIGIN + "a"})


@pytest.mark.parametrize(("first", "in_order"), [(404, True), (200, False)])
def test_the_same_request_with_two_answers_is_answered_in_turn(first: int, in_order: bool) -> None:
    recording = page()
    for status in (first, 404, 200):
        recording.add(STYLE, status, "", sent={"Referer": ORIGIN})
    (answer,), ordered = answers(recording)
    assert (answer.status, answer.times, ordered) == (404, 1 + in_order, in_order)


def test_bodies_that_tell_something_are_answered_too() -> None:
    said = f'{{"message":"{TOKEN} is suspended"}}'
    (answer,), _ = answers(page().add(STYLE, 403, said, sent={"Referer": ORIGIN}))
    assert answer.body == '{"message":"{{token}} is suspended"}'
    (answer,), _ = answers(page().add(STYLE, 404, FORBIDDEN, sent={"Referer": ORIGIN}))
    assert answer.body == FORBIDDEN
    (answer,), _ = answers(page().refused(STYLE, ORIGIN))
    assert answer.body is None  # the emulator's own words
    (answer,), _ = answers(page().add(STYLE, 404, "x" * 20_001, sent={"Referer": ORIGIN}))
    assert answer.body is None


def test_an_answer_without_a_list_that_would_give_it_is_json_or_what_the_model_has() -> None:
    other = "https://other.example/"
    (answer,), _ = answers(page().add(STYLE, 200, '{"version":8}', sent={"Referer": other}))
    assert (answer.status, answer.body) == (200, '{"version":8}')
    assert dict(answer.fields) == {"content-type": "application/json; charset=utf-8"}
    (answer,), _ = answers(page().add(TILE, 200, "bytes", sent={"Referer": other}, mime="x/y"))
    assert (answer.body, answer.headers) == (None, {})


def test_a_refusal_that_a_cdn_had_stored_shows_that() -> None:
    other = "https://other.example/"
    hit = {"X-Cache": "Hit from cloudfront", "Age": "7", "X-Other": "x"}
    (answer,), _ = answers(page().add(STYLE, 403, FORBIDDEN, sent={"Referer": other}, got=hit))
    assert dict(answer.fields) == {"x-cache": "Hit from cloudfront", "age": "7"}
    miss = {"X-Cache": "Miss from cloudfront"}
    assert answers(page().add(STYLE, 403, FORBIDDEN, sent={"Referer": other}, got=miss))[0] == []


@pytest.mark.parametrize("more", [{"_fromCache": "disk"}, {"response": {"status": 0}}])
def test_what_came_over_no_network_needs_no_answer(more: dict[str, object]) -> None:
    assert answers_of_one(page().refused(STYLE, ORIGIN, **more)) == []
    assert len(answers_of_one(page().refused(STYLE, ORIGIN))) == 1


def answers_of_one(recording: Recording) -> list[Answer]:
    asked = recording.asked("harbour.example")
    instead = stand_ins(asked)
    return edge.answers(asked, instead, edge.token(asked, instead, ("harbour.example",)))[0]


@pytest.mark.parametrize(
    ("control", "kept"),
    [
        ("max-age=60", "max-age=60"),
        ("max-age=0", "max-age=43200"),
        ("no-cache, max-age=60", "max-age=43200"),
        ("no-store", "max-age=43200"),
        ("", "max-age=43200"),
    ],
)
def test_what_a_cache_kept_was_answered_before_in_a_way_that_it_keeps(
    control: str, kept: str
) -> None:
    got = {"Cache-Control": control} if control else {}
    asked = page().add(STYLE, 200, "{}", got=got, _fromCache="disk").asked()
    one, two = edge.stored(asked, stand_ins(asked), (1, 2))
    assert (one.visit, two.visit, one.path) == (1, 2, "/styles/v1/harbour/ckharbourstyle")
    assert dict(one.fields) == {"cache-control": kept}
    assert one.status is None


def test_a_refusal_that_a_cache_kept_was_one_before() -> None:
    asked = page().refused(STYLE, ORIGIN, _fromCache="disk").refused(TILE, ORIGIN).asked()
    (answer,) = edge.stored(asked, stand_ins(asked), (1,))
    assert (answer.path, answer.status) == ("/styles/v1/harbour/ckharbourstyle", 403)


def test_what_a_cache_had_been_granted_was_before_the_list() -> None:
    spec = TokenSpec(allowed=("harbour.example",))
    granted = page().granted(STYLE, ORIGIN, _fromCache="disk").asked()
    refused = page().refused(STYLE, ORIGIN, _fromCache="disk").asked()
    assert edge.first_list(granted, spec) == msgspec.structs.replace(spec, first=())
    assert edge.first_list(refused, spec) == spec
    assert edge.first_list(granted, TokenSpec()) == TokenSpec()


def test_a_long_path_has_few_pieces() -> None:
    """Each piece is as long as its folders together, and is looked for in every address."""
    path = "/api" + "/a" * 8000
    pieces = edge._pieces(path)
    assert len(pieces) <= 20
    assert pieces[-1] == path
    assert all(path.startswith(piece) for piece in pieces)
