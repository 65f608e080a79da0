"""The reply to a customer whose map is refused: cause, proof, fix to paste, in plain words."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib import resources

import msgspec

from diagnostics.desk.sheet import Block, Code, Heading, Items, Paragraph
from diagnostics.desk.sheet import items as listed
from diagnostics.journey.case import shown as address
from diagnostics.journey.verdict import Cause, Confidence, Fix
from diagnostics.report import wording
from diagnostics.report.group import Case, CauseGroup, by_cause
from diagnostics.report.model import Report
from diagnostics.report.wording import counted

_PROOFS = 5
_CASES = 2


class ReplyText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `replies.yaml` says about a cause."""

    title: str
    happened: str
    do: str
    ask: str
    about_list: bool = True


@functools.lru_cache(maxsize=1)
def texts() -> dict[Cause, ReplyText]:
    """The texts of all causes."""
    data = resources.files(__package__).joinpath("replies.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=dict[Cause, ReplyText])


_SURE = {
    Confidence.CERTAIN: "We are sure of this.",
    Confidence.LIKELY: "This is the most likely cause. We cannot be entirely sure from what we have"
    " seen.",
    Confidence.POSSIBLE: "This is our best guess; what we have seen does not prove it.",
}
_PREDICTED = {
    "allowed": "We tried this change on a model of the browser and of the map service: with it,"
    " requests like this one are answered.",
    "refused": "In our model this alone is not enough yet.",
    "unknown": "Whether this is enough cannot be told from what we have seen.",
}
_LIMITED = "Your token can be used only from the web addresses on its list of allowed URLs."
_PERHAPS = (
    "A token can be limited to a list of web addresses (its allowed URLs); we take it that yours"
    " is."
)
_HOW = (
    "To check that, the map service looks at the address that the browser sends with each request"
    " (in technical terms, the Referer). If that address is missing, or is not on the list, it"
    " answers “403 Forbidden” and the map stays blank."
)


def reply(report: Report, restricted: bool | None) -> list[Block]:
    """The reply. `restricted` is whether the token is known to have allowed URLs; the report is
    redacted already."""
    groups = by_cause(report.verdicts)
    blocks: list[Block] = [
        Heading("Why your map is not shown, and what to change", 1),
        Paragraph("Hello,"),
        Paragraph(_opening(report, groups)),
    ]
    if any(texts()[group.cause].about_list for group in groups):
        blocks.append(Paragraph(f"{_LIMITED if restricted else _PERHAPS} {_HOW}"))
    for number, group in enumerate(groups, 1):
        title = texts()[group.cause].title
        blocks.append(Heading(title if len(groups) == 1 else f"Cause {number}: {title}"))
        blocks += _cause(group)
    if groups[0].cause is Cause.UNEXPLAINED:
        return blocks
    blocks.append(Heading("If it still does not work"))
    blocks.append(
        Paragraph(
            "Changes to a token can take some minutes. Then open the page in a private window. If"
            " the map is still blank, please send us a new recording: open the browser's network"
            " panel before you load the page, load it, and save everything as a HAR file."
        )
    )
    return blocks


def _opening(report: Report, groups: tuple[CauseGroup, ...]) -> str:
    summary = report.summary
    name = wording.provider_name(report.verdicts[0].provider)
    if summary.refused < summary.provider_requests:
        count = f"{summary.refused:,} of the {summary.provider_requests:,} requests to {name}"
    else:
        count = f"{'the one request' if summary.refused == 1 else 'all requests'} to {name}"
    verb = "was" if summary.refused == 1 else "were"
    found = "We found the cause" if len(groups) == 1 else f"We found {len(groups)} causes"
    if groups[0].cause is Cause.UNEXPLAINED:
        found = "We could not find the cause yet"
    return (
        "thank you for the recording of your page. In it"
        f" {count} {verb} refused. {found}; below is what we saw and what to do."
    )


def _cause(group: CauseGroup) -> Iterator[Block]:
    text, first = texts()[group.cause], group.cases[0]
    is_open = group.cause is Cause.UNEXPLAINED
    confidence = "" if is_open else _SURE[first.first.confidence]
    yield Paragraph(f"{text.happened} {confidence}".strip(), "What happened.")
    proofs = {e.says: e.where for case in group.cases[:_CASES] for e in case.evidence}
    if proofs and not is_open:
        yield Paragraph(f"{first.first.because}", "How we know.")
        yield listed([f"{says} ({where})" for says, where in list(proofs.items())[:_PROOFS]])
    yield Paragraph(
        f"One of the {counted(group.count, 'request')}:" if group.count > 1 else "The request:"
    )
    yield _request(first)
    others = [texts()[other.cause] for other in first.first.alternatives]
    if is_open:
        yield Paragraph(f"{text.do} {'' if others else text.ask}".strip(), "What to do.")
    else:
        yield from _fixes(text, first)
    if others:
        says = "What it may be:" if is_open else "What we cannot rule out yet:"
        yield Paragraph("Please answer the question, if you can.", says)
        yield Items(tuple((f"{other.title}.", other.ask) for other in others))


_NONE = "(none: the address is missing)"


def _request(case: Case) -> Code:
    verdict, shown = case.first, case.requests[0]
    lines = [f"{shown.method} {shown.url}"]
    if verdict.page:
        lines.append(f"Page:    {address(verdict.page)}")
    lines.append(f"Referer: {address(verdict.referer) if verdict.referer else _NONE}")
    lines.append(f"Answer:  {verdict.status}")
    return Code("\n".join(lines))


def _fixes(text: ReplyText, case: Case) -> Iterator[Block]:
    best = wording.best_fix(case.first.fixes)
    if best is None:
        yield Paragraph(text.do, "What to do.")
        return
    yield Paragraph(f"{text.do} {best.says}", "What to do.")
    if best.snippet.strip():
        yield Code(best.snippet)
    yield Paragraph(_PREDICTED.get(best.predicted, ""))
    if best.cost:
        yield Paragraph(best.cost, "Good to know:")
    others = [fix for fix in case.first.fixes if fix is not best]
    if others:
        yield Paragraph("Other ways:")
        yield listed([_other(fix) for fix in others])


def _other(fix: Fix) -> str:
    works = " By our model this works too." if fix.predicted == "allowed" else ""
    return f"{fix.says}{works}" + (f" Good to know: {fix.cost}" if fix.cost else "")
