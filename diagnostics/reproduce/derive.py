"""From a customer's capture to a ticket that plays the same case on this machine.

Pure: captures and what the user told in, a ticket out, which needs no other file and holds no
secret. Everything that was inferred, replaced or left out is said in a note.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml

from diagnostics import ticket as tickets
from diagnostics.browser import url as urls
from diagnostics.capture.exchange import Capture
from diagnostics.capture.request import referer_origin
from diagnostics.errors import InputError
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.told import Allowed, Told
from diagnostics.journey.traffic import CaptureTraffic
from diagnostics.journey.verdict import Cause
from diagnostics.provider import emulated
from diagnostics.provider.profile import profiles
from diagnostics.provider.token import Token
from diagnostics.reproduce import asked as asking
from diagnostics.reproduce import before, client_of, edge, expectation, inferred_list, pages
from diagnostics.reproduce.asked import Asked
from diagnostics.reproduce.standins import StandIns
from diagnostics.ticket import Client, Desk, Exporter, Ticket, TokenSpec


class Derived(msgspec.Struct, frozen=True):
    """A ticket that needs no other file; `notes` say in plain sentences what was inferred,
    replaced or left out and what cannot be shown; `skeleton`: a page was replaced by one that
    makes the same kinds of requests; `inferred_list`: nobody told the allowed URLs."""

    ticket: Ticket
    notes: tuple[str, ...]
    skeleton: bool
    inferred_list: bool


def derive(captures: Sequence[Capture], told: Told = Told()) -> Derived:  # noqa: B008 (immutable)
    """The ticket of these captures; `told` is what the user knows about the token. Raises
    InputError where they hold neither a page nor a request to the provider."""
    report = diagnose(captures, told, show_secrets=True)
    seen = asking.read(captures, told, report.verdicts)
    traffic, asked = seen.traffic, seen.asked
    documents = [d for part in traffic for d in part.issuers.documents]
    if not asked and not documents:
        raise InputError(
            f"{_files(captures)}: holds neither a page nor a request to a map provider, so there"
            " is nothing to reproduce"
        )
    notes: list[str] = []
    chosen = _of_one_client(seen, notes)
    main = _main_token(chosen)
    stand_ins = StandIns(main, (one.case.token for one in asked if one.case.token is not None))
    by_browser = bool(documents) if not chosen else chosen[0].by_browser
    allowed, inferred = _allowed(chosen, told, main, seen.admitted, notes)
    spec = edge.token(chosen, stand_ins, allowed)
    ticket, skeleton = (
        _browser_ticket(traffic, chosen, stand_ins, spec, told, notes)
        if by_browser
        else _program_ticket(chosen, stand_ins, spec, notes)
    )
    client = asking.client_key(chosen[0].request) if chosen else None
    of_client = seen.refused.get(client, set())
    verdicts = [v for v in report.verdicts if (v.file, v.index) in of_client]
    findings = [finding.finding for finding in report.findings]
    ticket = msgspec.structs.replace(
        ticket,
        name=_name(captures),
        title=_title(report.summary.by_cause),
        story=_story(captures, stand_ins),
        desk=_desk(told, main, inferred=inferred),
        expect=expectation.expect(verdicts, chosen, findings, stand_ins),
    )
    _say_what_is_fake(chosen, stand_ins, spec, notes)
    checked = tickets.parse(to_yaml(ticket), f"the ticket derived from {_files(captures)}")
    return Derived(
        msgspec.structs.replace(checked, name=ticket.name),
        tuple(dict.fromkeys(notes)),
        skeleton,
        inferred,
    )


def to_yaml(ticket: Ticket) -> str:
    """The ticket as YAML that `diagnostics.ticket.load` reads back to an equal ticket, from a
    file that is called by the ticket's name."""
    data = _plain(ticket)
    data.pop("name", None)
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as people do."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else "")


_Dumper.add_representer(str, _text)


def _plain(value: Any) -> Any:
    """A value of a ticket as YAML knows them, without what is as by default."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        found = {}
        for field in fields:
            content = getattr(value, field.name)
            default = field.default
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            if content != default:
                found[field.name] = _plain(content)
        return found
    if isinstance(value, Mapping):
        return {str(name): _plain(content) for name, content in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(content) for content in value]
    return str(value) if isinstance(value, str) else value


def _of_one_client(seen: asking.Seen, notes: list[str]) -> list[Asked]:
    """The requests of one client, the one that was refused most: a ticket has one."""
    if not seen.sent:
        return []
    best = max(seen.sent, key=lambda c: (len(seen.refused.get(c, ())), seen.sent[c]))
    left = sum(seen.sent.values()) - seen.sent[best]
    if left:
        which = "a request" if left == 1 else f"{left} requests"
        notes.append(f"Left out: {which} of another client in the capture.")
    return [one for one in seen.asked if asking.client_key(one.request) == best]


def _main_token(asked: Sequence[Asked]) -> Token | None:
    """The token that the case is about: the one that was refused most, else used most."""
    counts: Counter[str] = Counter()
    by_text = {}
    for one in asked:
        if one.case.token is not None:
            by_text[one.case.token.text] = one.case.token
            counts[one.case.token.text] += 1 + (1000 if one.verdict is not None else 0)
    return by_text[counts.most_common(1)[0][0]] if counts else None


def _allowed(
    asked: Sequence[Asked],
    told: Told,
    main: Token | None,
    admitted: Mapping[str, tuple[str, ...]],
    notes: list[str],
) -> tuple[tuple[str, ...], bool]:
    """The token's allowed URLs, and whether they are inferred."""
    known: Allowed = told.about(main)
    if known.entries is not None:
        return known.entries, False
    own = [one for one in asked if one.case.token is not None and one.case.token == main]
    refused = dict.fromkeys(
        origin
        for one in own
        if one.exchange.status == 403 and not one.stored and not _says_why(one)
        for origin in [referer_origin(one.request.referer)]
        if origin is not None
    )
    silent = dict.fromkeys(
        page.origin
        for one in own
        if one.exchange.status == 403 and one.request.referer is None and one.document is not None
        for page in [urls.parse(one.document.url)]
        if page is not None and page.scheme in {"http", "https"}
    )
    without = bool(own) and own[0].case.answers.shows_no_restriction
    entries, says = inferred_list.infer(
        inferred_list.Contrast(
            admitted[main.text] if main is not None and main.text in admitted else (),
            tuple(refused),
            without,
            tuple(silent),
        ),
        (own[0].case.profile if own else profiles()[0]).rules,
    )
    notes.append(says)
    return entries, True


def _says_why(one: Asked) -> bool:
    return one.cause in {Cause.TOKEN_SCOPE, Cause.TOKEN_INVALID, Cause.TOKEN_MISSING}


def _browser_ticket(
    traffic: Sequence[CaptureTraffic],
    asked: Sequence[Asked],
    stand_ins: StandIns,
    spec: TokenSpec,
    told: Told,
    notes: list[str],
) -> tuple[Ticket, bool]:
    built = pages.build(traffic, asked, stand_ins, _unknown_page(spec, told))
    notes += built.notes
    if not built.visits:
        raise InputError("the capture names no page that a browser could open")
    local = any(visit.startswith("file:") for visit in built.visits)
    played = client_of.browser(traffic, asked, built.library, local=local)
    notes += played.notes
    if built.skeleton:
        notes.append(
            "The page is replaced by a skeleton that makes the same kinds of requests from the"
            " same places, under the same policies."
        )
    answers, in_order = edge.answers(asked, stand_ins, spec)
    if not in_order:
        notes.append("Refusals that came after answers to the same request come first here.")
    visits, kept_from, sites = list(built.visits), 1, dict(built.sites)
    kept = before.kept(asked)
    if kept:
        visits, kept_from, more, says = before.visits(built, kept, stand_ins)
        sites |= more
        answers += edge.stored(kept, stand_ins, range(1, kept_from))
        spec = edge.first_list(kept, spec)
        notes.append(says)
    ticket = Ticket(
        title="",
        story="",
        client=played.client,
        page=visits[-1],
        visits=tuple(visits) if len(visits) > 1 else (),
        captured_from=kept_from,
        sites=sites,
        token=spec,
        answers=tuple(answers),
        record=played.record,
    )
    _say_what_is_not_served(asked, notes)
    return ticket, built.skeleton


def _unknown_page(spec: TokenSpec, told: Told) -> str:
    """The page that stands for one which the capture does not name: on the told list, so that a
    fix can be seen to work."""
    if told.everywhere.entries:
        for entry in spec.allowed:
            address = entry if "://" in entry else f"https://{entry}"
            url = urls.parse(address)
            if url is not None and url.scheme in {"http", "https"} and "*" not in entry:
                page = url.origin + "/"
                rules = profiles()[0].rules
                if rules.match(page, entry).result.value == "match":
                    return page
    return pages.UNKNOWN_PAGE


def _program_ticket(
    asked: Sequence[Asked],
    stand_ins: StandIns,
    spec: TokenSpec,
    notes: list[str],
) -> tuple[Ticket, bool]:
    answers, in_order = edge.answers(asked, stand_ins, spec)
    if not in_order:
        notes.append("Refusals that came after answers to the same request come first here.")
    record: tuple[Exporter, ...] = ("har", "flow")
    notes.append(f"The requests of {asked[0].client.title} are sent as they were, by no browser.")
    ticket = Ticket(
        title="",
        story="",
        client=Client(),
        requests=client_of.programs(asked, stand_ins),
        token=spec,
        answers=tuple(answers),
        record=record,
    )
    _say_what_is_not_served(asked, notes)
    return ticket, False


def _say_what_is_not_served(asked: Sequence[Asked], notes: list[str]) -> None:
    hosts = {one.case.url.host for one in asked if not emulated.is_provider(one.case.url.host)}
    if hosts:
        notes.append(f"The emulated provider does not answer for {', '.join(sorted(hosts))}.")


def _say_what_is_fake(
    asked: Sequence[Asked], stand_ins: StandIns, spec: TokenSpec, notes: list[str]
) -> None:
    main = stand_ins.main
    if main is not None and main.kind:
        notes.append(
            f"The token is a fake one of the same kind ({spec.kind}) and account ({spec.account})."
        )
    others = {one.case.token.text for one in asked if one.case.token is not None}
    if len(others) > 1:
        notes.append("Further tokens of the capture are fake ones that the ticket answers for.")
    if stand_ins.replaced:
        notes.append("Session ids and other secrets are replaced by a word.")
    if any(one.cause is Cause.UNEXPLAINED for one in asked):
        notes.append("The cause is not known; only the same traffic and answers can be shown.")


def _desk(told: Told, main: Token | None, *, inferred: bool) -> Desk:
    known = told.about(main)
    if inferred:
        return Desk(allow="unknown")
    return Desk(unrestricted=True) if known.unrestricted else Desk()


def _name(captures: Sequence[Capture]) -> str:
    stem = re.split(r"[/\\]", captures[0].file)[-1] if captures else ""
    words = re.sub(r"[^A-Za-z0-9]+", "-", stem.partition(".")[0]).strip("-").lower()
    return words[:60] or "derived"


def _files(captures: Sequence[Capture]) -> str:
    return ", ".join(dict.fromkeys(capture.file for capture in captures)) or "the capture"


def _title(by_cause: Mapping[Cause, int]) -> str:
    causes = ", ".join(str(cause) for cause in by_cause)
    return f"Derived from a capture: {causes or 'nothing was refused'}"


def _story(captures: Sequence[Capture], stand_ins: StandIns) -> str:
    exporters = ", ".join(dict.fromkeys(capture.exporter for capture in captures))
    return stand_ins.text(
        f"What a capture of {exporters} shows, to be played with a fake token against an emulated"
        " provider."
    )
