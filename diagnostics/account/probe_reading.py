"""What do the answers to a probe say about the token's list? Pure: answers in, conclusions out.

An entry is ruled out where it would have admitted a Referer that was refused; it may be on the
list where it is not ruled out and would have admitted one that was admitted. What several such
entries have in common the answers prove, between them they leave it open. Answers from a store, and
refusals that name another reason, say nothing about the list.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from diagnostics.account.probe import STRANGER, Ask, admits, candidates
from diagnostics.account.service import Response
from diagnostics.browser import url as urls
from diagnostics.journey.contrast import stored_by_cdn
from diagnostics.provider.profile import Profile


class State(enum.StrEnum):
    """What an answer says of its Referer: the list admits it, refuses it, or it does not tell."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    UNCLEAR = "unclear"


class Answer(msgspec.Struct, frozen=True):
    """What one request was answered. `stop`: there is no use in sending more."""

    ask: Ask
    status: int
    state: State
    says: str
    stop: bool = False


class Cover(msgspec.Struct, frozen=True):
    """A Referer that was admitted, and the entries any of which would explain it, widest first."""

    referer: str
    entries: tuple[str, ...]


class Learned(msgspec.Struct, frozen=True):
    """What the list admits. `restricted` is None where the answers do not say. `fewest` are the
    entries that explain everything admitted, each with those that do the same; `absent` pairs of a
    told entry and the refused Referer that it would have admitted; `open` and `doubts` are
    sentences."""

    restricted: bool | None
    says: str
    fewest: tuple[tuple[str, ...], ...] = ()
    covers: tuple[Cover, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    open: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def answer(ask: Ask, response: Response, profile: Profile) -> Answer:
    """One response as evidence about the list."""
    status = response.status
    body = response.body[:10_000].decode("utf-8", "replace")
    known = profile.error(status, body)
    stored = stored_by_cdn(response.headers)
    if status == 401:
        return Answer(ask, status, State.UNCLEAR, "the token is not valid", stop=True)
    if status == 429:
        return Answer(ask, status, State.UNCLEAR, "too many requests", stop=True)
    if known is not None and known[0].settles is not None:
        scope = known[1].groupdict().get("scope")
        says = f"it lacks the scope {scope.rstrip('.')}" if scope else "another reason"
        return Answer(ask, status, State.UNCLEAR, f"refused because {says}", stop=True)
    if status in {200, 204, 403} and stored:
        return Answer(ask, status, State.UNCLEAR, f"from a cache ({stored})")
    if status in {200, 204}:
        return Answer(ask, status, State.ADMITTED, "admitted")
    if status == 403:
        return Answer(ask, status, State.REFUSED, "refused")
    return Answer(ask, status, State.UNCLEAR, "says nothing about the list")


def read(answers: Sequence[Answer], profile: Profile, entries: Sequence[str] = ()) -> Learned:
    """What the answers together say about the list; `entries` are guesses to be judged too."""
    admitted = [a.ask.referer for a in answers if a.state is State.ADMITTED]
    refused = [a.ask.referer for a in answers if a.state is State.REFUSED]
    unclear = [a for a in answers if a.state is State.UNCLEAR]
    doubts = tuple(
        f"Request {a.ask.number} ({_named(a.ask.referer)}) was answered {a.status}: {a.says}."
        for a in unclear
    )
    if not admitted and not refused:
        return Learned(None, "The answers say nothing about the list.", doubts=doubts)
    if None in admitted or STRANGER in admitted:
        return _unrestricted(admitted, refused, doubts)
    absent = tuple(
        (entry, would)
        for entry in entries
        if (would := next((r for r in refused if r and admits(profile, entry, r)), None))
    )
    if not admitted:
        says = (
            "Every Referer was refused: the list admits none of them, or the refusals have another"
            " reason (the account, a token minutes old)."
        )
        return Learned(True if None in refused else None, says, absent=absent, doubts=doubts)
    return _restricted([r for r in admitted if r], refused, profile, entries, absent, doubts)


def _unrestricted(
    admitted: Sequence[str | None], refused: Sequence[str | None], doubts: tuple[str, ...]
) -> Learned:
    if refused:
        says = (
            f"The answers contradict each other: {_named(None if None in admitted else STRANGER)}"
            f" was admitted and {_named(refused[0])} refused. The list or the token changed minutes"
            " ago, or a cache answered. Probe again in some minutes."
        )
        return Learned(None, says, doubts=doubts)
    says = "The token has no allowed URLs: it works from any page, and without a Referer."
    if None not in admitted:
        says = "The token admits pages of any domain."
    return Learned(False, says, doubts=doubts)


def _restricted(
    admitted: Sequence[str],
    refused: Sequence[str | None],
    profile: Profile,
    entries: Sequence[str],
    absent: tuple[tuple[str, str], ...],
    doubts: tuple[str, ...],
) -> Learned:
    fitting: dict[str, frozenset[str]] = {}
    for entry in candidates(admitted, entries):
        covered = frozenset(r for r in admitted if admits(profile, entry, r))
        if covered and not any(admits(profile, entry, r) for r in refused):
            fitting[entry] = covered
    ordered = sorted(fitting, key=lambda entry: (-len(fitting[entry]), len(entry), entry))
    fewest = _fewest(ordered, fitting)
    covers = tuple(
        Cover(referer, tuple(entry for entry in ordered if referer in fitting[entry]))
        for referer in admitted
    )
    unexplained = [cover.referer for cover in covers if not cover.entries]
    open_ = []
    for entry in entries:
        unsure = [r for r in admitted if admits(profile, entry, r) is None]
        if unsure and entry not in fitting:
            open_.append(
                f"“{entry}” may be what admits {unsure[0]}: the documentation does not say."
            )
    open_ += [
        f"No documented reading of an entry explains why {referer} was admitted while others"
        " were refused: a cache, a list that was just changed, or an undocumented rule."
        for referer in unexplained
    ]
    open_ += [says for group in fewest if (says := _telling_apart(group, profile, admitted))]
    narrower = {entry for cover in covers for entry in cover.entries}.difference(*fewest)
    if narrower:
        open_.append("Several narrower entries together could admit the same.")
    open_.append("The list may hold further entries, for other hosts: only the account shows them.")
    says = "The token is restricted."
    if None not in refused:
        says = "The token seems restricted: it admits some pages and not others."
    return Learned(True, says, fewest, covers, absent, tuple(open_), doubts)


def _fewest(
    ordered: Sequence[str], fitting: Mapping[str, frozenset[str]]
) -> tuple[tuple[str, ...], ...]:
    """Entries that together admit all that any of them does, the widest first; with each those
    that admit just the same."""
    left = set().union(*fitting.values()) if fitting else set()
    chosen = []
    while left:
        best = max(ordered, key=lambda entry: len(fitting[entry] & left))
        chosen.append(tuple(e for e in ordered if fitting[e] == fitting[best]))
        left -= fitting[best]
    return tuple(chosen)


def _telling_apart(group: Sequence[str], profile: Profile, admitted: Sequence[str]) -> str | None:
    """A sentence with a Referer that tells the entries of a group apart."""
    if len(group) < 2:
        return None
    first, second = group[:2]
    for referer in _near(admitted):
        if admits(profile, first, referer) is not admits(profile, second, referer):
            return (
                f"“{first}” and “{second}” are not told apart; the Referer {referer} would do it"
                f" (--allow {referer})."
            )
    return f"“{first}” and “{second}” are not told apart."


def _near(referers: Sequence[str]) -> Iterator[str]:
    """Referers like these with the other scheme, a shorter path, a higher domain."""
    for referer in referers:
        url = urls.parse(referer)
        if url is None:
            continue
        authority = url.origin.partition("//")[2]
        hosts = [authority, authority.partition(".")[2]]
        for scheme in (url.scheme, "http" if url.scheme == "https" else "https"):
            for host in filter(None, hosts):
                for path in ("/", url.path, url.path.rpartition("/")[0] + "/other"):
                    yield f"{scheme}://{host}{path}"


def _named(referer: str | None) -> str:
    return "no Referer" if referer is None else referer
