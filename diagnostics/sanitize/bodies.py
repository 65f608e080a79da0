"""Bodies without secrets: only those that a diagnosis reads, and of them only what it reads."""

from __future__ import annotations

import re

import msgspec

from diagnostics.browser import referrer_policy as rp
from diagnostics.browser import url as urls
from diagnostics.capture.document import is_document
from diagnostics.capture.exchange import Exchange
from diagnostics.capture.redacted import is_redacted
from diagnostics.journey.library import numbers, script_policies
from diagnostics.provider.profile import ErrorBody, Profile, profile_for, profiles
from diagnostics.sanitize.addresses import Addresses
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.markup import reduce
from diagnostics.sanitize.standins import StandIns

#: Stands for an answer in words that no provider uses: that it was another's is all that counts.
OTHER_WORDS = '{"removed":"an answer in other words than those of the provider"}'
_REFUSALS = frozenset({401, 403})
_SCOPE = re.compile(r"[a-z-]{2,30}:[a-z-]{2,30}")
_BANNER = 2000
_POLICY_WORD = "referrerPolicy"


class _Message(msgspec.Struct):
    message: str


class Bodies:
    """Cleans the bodies of one capture. `assumes_refusal`: what has no status was refused, as a
    pasted curl command was."""

    def __init__(
        self, standins: StandIns, addresses: Addresses, *, assumes_refusal: bool = False
    ) -> None:
        self._standins = standins
        self._tally = standins.tally
        self._addresses = addresses
        self._assumes_refusal = assumes_refusal

    def response(self, exchange: Exchange) -> str | None:
        """The response's body as far as it stays; None for nothing."""
        body = exchange.body
        if not body:
            return body
        clean = self._response(exchange, body)
        if clean is None:
            self._tally.removed["response bodies"] += 1
        elif clean != body:
            self._tally.replaced["documents, scripts and answers, reduced"] += 1
        return clean

    def _response(self, exchange: Exchange, body: str) -> str | None:
        document = is_document(exchange)
        profile = _profile(exchange)
        status = exchange.status
        if status is None and self._assumes_refusal:
            status = 403
        if profile is not None and status in _REFUSALS:
            known = _known(profile, status, body)
            if known is not None or not document:
                if known is None:
                    known = self._other(body)
                    if profile.error(status, known) is not None:
                        return OTHER_WORDS  # without the rest it would look like the provider's
                return known
        if is_redacted(body):
            return "[redacted]" if document else None
        if document:
            return reduce(body, exchange.url, self._addresses, self._standins)
        if "javascript" in exchange.mime_type or _is_library(exchange.url):
            return self._script(exchange.url, body)
        return None

    def _other(self, body: str) -> str:
        """A refusal in other words: a message keeps those that speak of the account."""
        if is_redacted(body):
            return "[redacted]"
        if not body.strip():
            return ""
        try:
            message = msgspec.json.decode(body, type=_Message).message
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return OTHER_WORDS
        return msgspec.json.encode(_Message(_known_words(message))).decode()

    def _script(self, url: str, body: str) -> str | None:
        says = []
        for profile in profiles():
            banner = re.search(profile.library.version_in_banner, body[:_BANNER], re.DOTALL)
            if banner is not None and numbers(banner[1]) and len(banner[1]) <= 12:
                says.append(f"/* {profile.library.name} v{banner[1]} */")
        if _POLICY_WORD in body:
            found = [p for p in script_policies([body]) if p in rp.POLICIES]
            says += [f'{_POLICY_WORD}: "{policy}";' for policy in found]
        return "\n".join(says) or None

    def request(self, exchange: Exchange) -> str | None:
        """The request's body as far as it stays: the library's version in its telemetry."""
        body = exchange.request_body
        if not body:
            return None
        clean = _telemetry(body) if "/events/v2" in exchange.url else None
        if clean != body:
            self._tally.removed["request bodies"] += 1
        return clean


def _profile(exchange: Exchange) -> Profile | None:
    url = urls.parse(exchange.url)
    return profile_for(url.host) if url is not None else None


def _known(profile: Profile, status: int, body: str) -> str | None:
    """A refusal in the provider's own words without anything else; None for other words."""
    text = body.strip()
    known = profile.error(status, text) if text else None
    if known is None:
        return None
    error, found = known
    scope = found.groupdict().get("scope") or ""
    if _is_whole(error, text, scope):
        return body
    if scope and not _SCOPE.fullmatch(scope):
        return _encoded(found[0].replace(scope, "hidden:scope"))
    if error.settles is None:  # the pattern is one for whole bodies
        return found[0].strip()
    return _encoded(found[0])


def _is_whole(error: ErrorBody, text: str, scope: str) -> bool:
    if scope and not _SCOPE.fullmatch(scope):
        return False
    return any(text == whole.replace("SCOPE", scope or "SCOPE") for whole in error.texts)


def _encoded(message: str) -> str:
    return msgspec.json.encode(_Message(message)).decode()


def _known_words(message: str) -> str:
    out: list[str] = []
    for word in message.split()[:200]:
        bare = re.sub(r"[^A-Za-z]", "", word)
        known = bare.lower() in kept().message_words and word.strip(".,:;!") == bare
        if known:
            out.append(word)
        elif not out or out[-1] != "…":
            out.append("…")
    return " ".join(out)


def _is_library(url: str) -> bool:
    return "mapbox-gl" in url and ".js" in url


def _telemetry(body: str) -> str | None:
    try:
        events = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("sdkIdentifier") == "mapbox-gl-js":
            version = ".".join(map(str, numbers(str(event.get("sdkVersion")))[:4]))
            if version and len(version) <= 12:
                said = {"sdkIdentifier": "mapbox-gl-js", "sdkVersion": version}
                return msgspec.json.encode([said]).decode()
            return None
    return None
