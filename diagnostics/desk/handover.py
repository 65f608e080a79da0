"""The texts of a support folder: the request to the provider's support, and what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from diagnostics.desk import sheet
from diagnostics.desk.failing import as_curl, as_http
from diagnostics.desk.reply import reply
from diagnostics.desk.sheet import Block, Code, Heading, Items, Paragraph, Picture, Table
from diagnostics.desk.support import Example, Handover
from diagnostics.journey.case import shown
from diagnostics.journey.verdict import State, Verdict
from diagnostics.provider.allowed_urls import Decision, decide
from diagnostics.provider.profile import profiles
from diagnostics.provider.token import KINDS
from diagnostics.report import html, wording
from diagnostics.report.group import short_url
from diagnostics.report.wording import counted
from diagnostics.sanitize.standins import is_made_up

#: Every text of the folder and what it is; the README lists these and the pictures and captures.
TEXTS = {
    "README.md": "this page: what the provider's support asks for",
    "request.svg": "a picture of the failing request with its Referer header",
    "what-was-tried.md": "each change that was tried on a model, and what it would do",
    "reply.md": "the reply to the customer: cause, proof, fix to paste",
    "report.html": "the whole diagnosis of the sanitized capture, to open in a browser",
}
_PREDICTED = {
    "allowed": "would be answered",
    "refused": "would still be refused",
    "unknown": "cannot be told",
}
_STATES = {State.OK: "holds", State.BROKEN: "does not hold", State.UNKNOWN: "not known"}
_EXAMPLES = 3


def texts(handover: Handover, others: Mapping[str, str], missing: str = "") -> dict[str, str]:
    """The folder's texts by name. `others` are the names of its other files and what they are;
    `missing` says what could not be put into it."""
    return {
        "README.md": sheet.markdown(list(_readme(handover, others, missing))),
        "request.svg": handover.picture.svg,
        "what-was-tried.md": sheet.markdown(list(_tried(handover))),
        "reply.md": sheet.markdown(reply(handover.report, handover.restricted)),
        "report.html": html.render(handover.shared),
    }


def _readme(handover: Handover, others: Mapping[str, str], missing: str) -> Iterator[Block]:
    report = handover.report
    provider = wording.provider_name(report.verdicts[0].provider)
    yield Heading(f"Refused requests to {provider}: information for support", 1)
    yield Paragraph(wording.headline(report))
    yield Heading("Account and token")
    yield from _tokens(handover)
    yield Heading("Browsers and versions")
    yield Table(
        ("Browser", "Failing requests", "User-Agent"),
        tuple((b.name, f"{b.requests:,}", b.user_agent or "none") for b in handover.browsers),
        frozenset({0, 2}),
    )
    yield Heading("The full failing request")
    yield from _request(handover.examples[0])
    picture = "request.png" if "request.png" in others else "request.svg"
    yield Picture(picture, "The failing request with its Referer header")
    yield Heading("Expected and actual behaviour")
    yield from _behaviour(handover)
    yield Heading("Allowed URLs of the token")
    yield from _allowed(handover)
    yield Heading("What we found")
    yield Paragraph(
        "Found on the sanitized capture, as in report.html: names such as account-1 and hidden-1"
        " stand for others."
    )
    for example in handover.examples[:_EXAMPLES]:
        yield from _found(example)
    yield Heading("What was tried")
    yield Paragraph(_summary(handover))
    yield Heading("Files")
    yield Table(
        ("File", "What it is"),
        tuple({**TEXTS, **others}.items()),
        frozenset({0}),
    )
    if missing:
        yield Paragraph(missing)
    if report.capture.blind_spots:
        yield Heading("What the capture cannot show")
        yield sheet.items(report.capture.blind_spots)


def _tokens(handover: Handover) -> Iterator[Block]:
    if not handover.tokens:
        yield Paragraph("The failing requests carry no token that names an account.")
        return
    yield Table(
        ("Account", "Token ID", "Kind", "Failing requests"),
        tuple(
            (t.account or "-", _shown_id(t.id), KINDS.get(t.kind, t.kind), f"{t.requests:,}")
            for t in handover.tokens
        ),
        frozenset({0, 1}),
    )
    says = "Account and id are written in the token itself. The token is left out everywhere here."
    if any(is_made_up(token.id) for token in handover.tokens):
        says += (
            " An id that has not the usual form was left out as well: the account page's list of"
            " tokens has it."
        )
    yield Paragraph(says)


def _shown_id(token_id: str) -> str:
    return "(left out)" if is_made_up(token_id) else token_id or "-"


def _request(example: Example) -> Iterator[Block]:
    request = example.failing
    yield Code(as_curl(request), "sh")
    if request.referer:
        yield Paragraph(f"Its Referer header is {request.referer}")
    else:
        yield Paragraph("It has no Referer header.")
    yield Paragraph("The answer:")
    yield Code(as_http(request), "http")
    yield Paragraph(f"From {request.place}.")


def _behaviour(handover: Handover) -> Iterator[Block]:
    report, first = handover.shared, handover.examples[0].shared
    page = f"The requests of {shown(first.page)}" if first.page else "The requests"
    entries = handover.allowed.entries
    covered = ""
    if entries and first.page:
        admission = decide(profiles()[0].rules, first.page, entries)
        if admission.decision is Decision.ALLOWED:
            covered = f" The allowed URL {admission.entry} covers that page."
    yield Paragraph(f"{page} are answered, and the map is shown.{covered}", "Expected:")
    yield Paragraph(
        f"{wording.headline(report)} This one was answered {first.status}. The Referer that arrived"
        f" with it: {handover.examples[0].failing.referer or 'none'}",
        "Actual:",
    )


def _allowed(handover: Handover) -> Iterator[Block]:
    allowed = handover.allowed
    if allowed.entries is None:
        yield Paragraph("They are not known to us.")
    elif not allowed.entries:
        yield Paragraph(f"It has none ({allowed.told_by}).")
    else:
        yield Code("\n".join(allowed.entries))


def _found(example: Example) -> Iterator[Block]:
    verdict = example.shared
    title = _title(verdict)
    yield Heading(title, 3)
    yield Paragraph(
        verdict.because, f"{counted(example.requests, 'request')}, {verdict.confidence}:"
    )
    yield Table(
        ("Stage", "State", "What was compared"),
        tuple(
            (s.stage.value, _STATES[s.state], s.says)
            for s in verdict.journey
            if s.state is not State.SKIPPED
        ),
    )
    if verdict.alternatives:
        yield Paragraph("It could also be:")
        titles = {c: wording.catalog_text(c).title for c in {a.cause for a in verdict.alternatives}}
        yield Items(
            tuple(
                (f"{titles[other.cause]}, {other.confidence}.", f"To settle it: {other.settle}")
                for other in verdict.alternatives
            )
        )


def _summary(handover: Handover) -> str:
    trials = handover.examples[0].trials
    works = sum(trial.predicted == "allowed" for trial in trials)
    refused = sum(trial.predicted == "refused" for trial in trials)
    left = len(trials) - works - refused
    unknown = f", and of {left:,} it cannot be told" if left else ""
    return (
        f"{counted(len(trials), 'change')} on a model of browser and provider: {works:,} would let"
        f" the request through, {refused:,} would not{unknown}. The list is in what-was-tried.md"
    )


def _tried(handover: Handover) -> Iterator[Block]:
    yield Heading("What was tried", 1)
    yield Paragraph(
        "Each change was run through a model of the browser and of the provider's documented rules,"
        " on the requests of the capture. None was made on the live page or the account, and"
        " nothing was sent to the provider."
    )
    for example in handover.examples:
        verdict, request = example.verdict, example.failing
        title = _title(verdict)
        yield Heading(title)
        yield Paragraph(f"For {counted(example.requests, 'request')} such as")
        yield Code(
            f"{request.method} {short_url(request.url)}\nReferer: {request.referer or '(none)'}"
        )
        yield Table(
            ("Change", "What it is", "Request", "Because"),
            tuple(
                (t.change, t.says, _PREDICTED.get(t.predicted, t.predicted), t.effect)
                for t in example.trials
            ),
            frozenset({0}),
        )
        costs = [(f"{fix.fix}:", fix.cost) for fix in verdict.fixes if fix.cost]
        if costs:
            yield Paragraph("What a change costs:")
            yield Items(tuple((lead, cost) for lead, cost in costs))


def _title(verdict: Verdict) -> str:
    return wording.titles([verdict]).get(verdict.cause.value, verdict.cause.value)
