"""One request with all that bears on it: what every stage of the journey is asked about."""

from __future__ import annotations

import re

import msgspec

from diagnostics.browser import url as urls
from diagnostics.browser.referrer import Prediction, Situation
from diagnostics.browser.url import Url
from diagnostics.capture.document import Document
from diagnostics.capture.exchange import Exchange
from diagnostics.capture.issuer import Issuer
from diagnostics.capture.request import Request
from diagnostics.journey.contrast import Answers, resource_of
from diagnostics.journey.library import LibraryVersion
from diagnostics.journey.told import Allowed
from diagnostics.journey.verdict import Cause, Confidence, Evidence, State
from diagnostics.provider.allowed_urls import Admission, Decision, decide
from diagnostics.provider.profile import Endpoint, Profile
from diagnostics.provider.token import Token


class Hypothesis(msgspec.Struct, frozen=True):
    """One way in which the page may have made the request, and the Referer that follows.

    `sender` is a phrase (“the page's own script”); `evidence` says why it is considered.
    """

    sender: str
    situation: Situation
    prediction: Prediction
    evidence: tuple[Evidence, ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """The hypotheses held against what arrived.

    `best` is the likeliest that agrees, or the likeliest of all where none does. `agreement` is
    `exact`, `origin` (another path of the same origin), `none`, or `unseen` where the capture
    does not show the Referer.
    """

    hypotheses: tuple[Hypothesis, ...]
    best: Hypothesis | None
    agreement: str


class Case(msgspec.Struct, frozen=True):
    """A request to a provider, who issued it, and what is known about its token.

    `page_sends` is whether other requests of the same page carried a Referer (None: no others).
    `page_is_sure`: no other document of the capture may have issued it.
    """

    exchange: Exchange
    url: Url
    request: Request
    issuer: Issuer
    profile: Profile
    endpoint: Endpoint | None
    token: Token | None
    allowed: Allowed
    answers: Answers
    reading: Reading
    library: LibraryVersion | None = None
    page_sends: bool | None = None
    page_is_sure: bool = True
    self_test: str = ""

    @property
    def document(self) -> Document | None:
        return self.issuer.document

    @property
    def referer(self) -> str | None:
        """The Referer as far as the capture shows it, else the predicted one."""
        if self.reading.agreement == "unseen" and self.reading.best is not None:
            return self.reading.best.prediction.referer
        return self.request.referer

    @property
    def what(self) -> str:
        return self.endpoint.name if self.endpoint else "request"

    @property
    def restricted(self) -> bool | None:
        """Whether the token has allowed URLs; None where neither told nor shown. What needs no
        token is under no token's list."""
        if self.endpoint is not None and not self.endpoint.token:
            return False
        if self.allowed.known:
            return not self.allowed.unrestricted
        if self.answers.shows_no_restriction:
            return False
        return True if self.answers.shows_restriction else None

    @property
    def needs_referer(self) -> bool:
        """Whether a missing or wrong Referer may be why: not for a token without restriction,
        and not where the list admits what arrived."""
        if self.restricted is False:
            return False
        admission = self.admission(self.referer)
        return admission is None or admission.decision is not Decision.ALLOWED

    @property
    def if_restricted(self) -> Confidence:
        """How sure a cause can be that holds only for a token with allowed URLs: certain for one
        that has them, told or shown by another answer for the same resource, at an endpoint that
        they are known to govern, from a page that is known."""
        sure = (
            self.restricted
            and (self.allowed.known or self.answers.admit(resource_of(self.url.path)))
            and (self.endpoint is None or self.endpoint.restricted)
            and self.token is not None
            and self.token.text
            and self.page_is_sure
        )
        return Confidence.CERTAIN if sure else Confidence.LIKELY

    def admission(self, referer: str | None) -> Admission | None:
        """What the list says to a Referer; None where the list is not known."""
        if self.allowed.entries is None:
            return None
        return decide(self.profile.rules, referer, self.allowed.entries)


class Claim(msgspec.Struct, frozen=True):
    """A stage's word that it found the cause. `settle` says what would tell it from others;
    `decisive` claims end the journey wherever they stand;
    a `hint` is too weak to be a verdict and only ever an alternative."""

    cause: Cause
    confidence: Confidence
    because: str
    evidence: tuple[Evidence, ...] = ()
    settle: str = ""
    decisive: bool = False
    hint: bool = False


class StageReport(msgspec.Struct, frozen=True):
    """What one stage found: its state, what was compared, and the causes that it can name,
    likeliest first. A `doubt` is what forbids to be certain of any cause."""

    state: State
    says: str
    claims: tuple[Claim, ...] = ()
    doubt: Evidence | None = None


_LONGEST = 200


def shown(address: str) -> str:
    """An address for a sentence: without user name, query and fragment, which may hold secrets."""
    url = urls.parse(address)
    if url is not None and url.scheme in {"http", "https"}:
        address = url.origin + url.path
    else:
        address = re.split(r"[?#]", address, maxsplit=1)[0]
    return address if len(address) <= _LONGEST else address[: _LONGEST - 1] + "…"


def header_evidence(exchange: Exchange, name: str, value: str | None) -> Evidence:
    """A request header as evidence."""
    shown = f"{name}: {value}" if value else f"no {name} header"
    return Evidence(f"The request has {shown}.", f"{exchange.where}, request headers")
