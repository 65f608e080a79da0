"""May this page fetch this URL as that? Content Security Policies, parsed and asked.

Source: Content Security Policy Level 3; the sections are named where they are followed. Source
expressions, and where browsers leave the text, are in `csp_source`. Callers leave out policies
of `Content-Security-Policy-Report-Only`: they never stop a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser import csp_source
from diagnostics.browser.csp_source import Kind, Miss, Source
from diagnostics.browser.url import Url
from diagnostics.browser.url import parse as parse_url

HEADER = "header"
META = "meta"

#: ASCII whitespace of the Infra Standard; `str.split()` would split on more.
_WHITESPACE = "\t\n\f\r "
_TO_SPACES = str.maketrans(_WHITESPACE, " " * len(_WHITESPACE))

#: CSP3, 6.8.3, which directives answer for a kind of request, the nearest first. The four that
#: are not in that list: `script-src`, `style-src` and `child-src` for askers who do not know
#: more, `prefetch-src` of earlier drafts. `form-action` and `base-uri` fall back on nothing.
FALLBACKS: dict[str, tuple[str, ...]] = {
    "connect-src": ("connect-src", "default-src"),
    "img-src": ("img-src", "default-src"),
    "font-src": ("font-src", "default-src"),
    "media-src": ("media-src", "default-src"),
    "object-src": ("object-src", "default-src"),
    "manifest-src": ("manifest-src", "default-src"),
    "prefetch-src": ("prefetch-src", "default-src"),
    "script-src": ("script-src", "default-src"),
    "script-src-elem": ("script-src-elem", "script-src", "default-src"),
    "script-src-attr": ("script-src-attr", "script-src", "default-src"),
    "style-src": ("style-src", "default-src"),
    "style-src-elem": ("style-src-elem", "style-src", "default-src"),
    "style-src-attr": ("style-src-attr", "style-src", "default-src"),
    "worker-src": ("worker-src", "child-src", "script-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
    "child-src": ("child-src", "default-src"),
    "default-src": ("default-src",),
    "form-action": ("form-action",),
    "base-uri": ("base-uri",),
}

#: CSP3, 3.3: a `<meta>` policy has none of these.
_NOT_IN_META = frozenset({"frame-ancestors", "report-uri", "sandbox"})
_SCRIPTS = frozenset({"script-src", "script-src-elem"})
_NONCED = _SCRIPTS | {"style-src", "style-src-elem"}


class Policy(msgspec.Struct, frozen=True):
    """One policy: its directives in order as (lower-case name, sources as written), each name
    and source once, unknown ones kept; and where it came from, `header` or `meta`."""

    directives: tuple[tuple[str, tuple[str, ...]], ...]
    source: str = HEADER

    def get(self, name: str) -> tuple[str, ...] | None:
        """The values of a directive; None where the policy has none of this name."""
        for directive, values in self.directives:
            if directive == name:
                return values
        return None


class Answer(msgspec.Struct, frozen=True):
    """Whether the request may leave, and what decided.

    `directive` is the one really used (`default-src` where that answered for `connect-src`),
    None where no directive applies. `source` is the expression that admitted the URL as it
    stands in the policy, None where it was refused or nothing applies. `says` is a sentence for
    a person, without the URL's path and query. `certain` is False where the answer hangs on
    something that is not in the question: a script's nonce or hash, who inserted it, or a point
    on which browsers differ.
    """

    allowed: bool
    directive: str | None
    source: str | None
    says: str
    certain: bool = True


def parse(text: str, source: str = HEADER) -> Policy:
    """One serialized policy (CSP3, 2.2.1): split at semicolons, names without case, the first of
    equal names wins, a directive with a character outside ASCII is dropped. Never raises."""
    directives: dict[str, tuple[str, ...]] = {}
    for token in text.split(";"):
        if not token.isascii():
            continue
        words = [word for word in token.translate(_TO_SPACES).split(" ") if word]
        if not words:
            continue
        name = words[0].lower()
        if name in directives or (source == META and name in _NOT_IN_META):
            continue
        directives[name] = tuple(dict.fromkeys(words[1:]))
    return Policy(tuple(directives.items()), source)


def parse_headers(values: Iterable[str]) -> tuple[Policy, ...]:
    """The policies in the values of `Content-Security-Policy` headers (CSP3, 2.2.2): each value
    is a list split at commas; a part without a directive is no policy."""
    parts = (parse(part) for value in values for part in value.split(","))
    return tuple(policy for policy in parts if policy.directives)


def parse_meta(content: str) -> tuple[Policy, ...]:
    """The policy of one `<meta http-equiv=content-security-policy>`; empty where it has no
    directive. A comma separates nothing here (HTML, 4.2.5.3): Firefox keeps to that, Chromium
    splits all the same."""
    policy = parse(content, META)
    return (policy,) if policy.directives else ()


def allows(
    policies: Sequence[Policy],
    page_url: str,
    target_url: str,
    directive: str,
    redirected: bool = False,
) -> Answer:
    """May a page at `page_url` under `policies` fetch `target_url` as a `directive` request?

    `directive` is a key of `FALLBACKS`; any other name restricts no request. `page_url` is the
    URL of the response that brought the policies: for a page that inherited them (srcdoc,
    about:blank, a blob: document or worker) its creator's. `redirected` says that the URL came
    by a redirect. Every policy has to admit the URL (CSP3, 4.1.2); the answer tells of the first
    that does not, else of the first that says anything. Never raises.
    """
    name = directive.lower()
    chain = FALLBACKS.get(name, ())
    target = parse_url(target_url)
    if target is None:
        return Answer(False, None, None, "That is no URL, so there is nothing to fetch.")
    if name in {"frame-src", "child-src"} and target.href in {"about:blank", "about:srcdoc"}:
        return Answer(True, None, None, f"{target.href} is not fetched, so no policy is asked.")
    page = _self_url(page_url)
    upgraded = _upgraded(target) if upgrades_insecure_requests(policies) else target
    answers: list[Answer] = []
    for policy in policies:
        used = next((step for step in chain if policy.get(step) is not None), None)
        if used is not None:
            answer = _ask(policy, used, name, page, upgraded, redirected)
            if upgraded is not target:
                as_written = _ask(policy, used, name, page, target, redirected)
                answer = _with_upgrade_note(answer, as_written, name)
            if not answer.allowed and answer.certain:
                return answer
            answers.append(answer)
    if not answers:
        return Answer(True, None, None, _nothing_applies(policies, chain))
    # An uncertain refusal beats an admission, an uncertain admission a certain one: the whole
    # answer hangs on it.
    return min(answers, key=lambda answer: (answer.allowed, answer.certain))


def _nothing_applies(policies: Sequence[Policy], chain: tuple[str, ...]) -> str:
    if not policies:
        return "The page has no Content-Security-Policy."
    if not chain:
        return "No directive of this name limits requests."
    return f"The policy has no {' and no '.join(chain)}, so it does not limit this."


def _ask(
    policy: Policy, used: str, asked: str, page: Url | None, target: Url, redirected: bool
) -> Answer:
    """One directive's answer (CSP3, 6.7.1.1 for scripts, 6.7.2.7 for the rest)."""
    sources = [csp_source.parse(text) for text in policy.get(used) or ()]
    start = f"{used} of the {policy.source} policy"
    if used != asked:
        start = f"There is no {' or '.join(_before(used, asked))}, so {start} decides: it"
    url = csp_source.origin_shown(target)
    dynamic = next((s for s in sources if s.text.lower() == "'strict-dynamic'"), None)
    if dynamic is not None and asked == "worker-src":
        says = f"{start} admits workers of any address that a script starts, by {dynamic.text}."
        return Answer(True, used, dynamic.text, says)
    if dynamic is not None and asked in _SCRIPTS:
        says = (
            f"{start} has 'strict-dynamic', which leaves hosts out of account. A script that "
            "another script inserts runs; one in the markup needs the nonce or hash. Which of "
            "the two this is cannot be told from its URL."
        )
        return Answer(False, used, None, says, certain=False)
    misses: list[tuple[Miss, Source]] = []
    for source in sources:
        missed = csp_source.miss(source, target, page, redirected)
        if missed is None:
            says = f"{start} admits {url} by {csp_source.shown(source.text)}."
            if csp_source.is_disputed(source, target, page):
                says += " Chromium refuses this raised scheme with that port, Firefox does not."
                return Answer(True, used, source.text, says, certain=False)
            return Answer(True, used, source.text, says)
        misses.append((missed, source))
    says = f"{start} does not admit {url}: {csp_source.explain(misses, target, page)}."
    if asked in _NONCED and any(s.kind in {Kind.NONCE, Kind.HASH} for s in sources):
        says += " An element with the policy's nonce or hash may load it all the same."
        return Answer(False, used, None, says, certain=False)
    return Answer(False, used, None, says)


def _before(used: str, asked: str) -> list[str]:
    chain = FALLBACKS[asked]
    return list(chain[: chain.index(used)])


def _self_url(page_url: str) -> Url | None:
    """The URL whose origin is the policies' self-origin; None where that is opaque."""
    page = parse_url(page_url)
    if page is not None and page.scheme == "blob":
        page = parse_url(page.origin)
    return None if page is None or page.is_local else page


def _upgraded(url: Url) -> Url:
    """Upgrade Insecure Requests, 4.1; Fetch does it before it asks the policies."""
    if url.scheme not in {"http", "ws"}:
        return url
    secure = "https" if url.scheme == "http" else "wss"
    return parse_url(secure + url.href[len(url.scheme) :]) or url


def _with_upgrade_note(answer: Answer, as_written: Answer, asked: str) -> Answer:
    says = answer.says + " upgrade-insecure-requests raised the request to a secure one before."
    if asked == "connect-src" and answer.allowed != as_written.allowed:
        # Measured: Chromium's fetch() asks the policy before it raises the URL.
        says += " Chromium's fetch() compares the URL as written, so its answer is the opposite."
        return msgspec.structs.replace(answer, says=says, certain=False)
    return msgspec.structs.replace(answer, says=says)


def sandbox_flags(policies: Iterable[Policy]) -> frozenset[str] | None:
    """The `allow-*` tokens that the policies' `sandbox` directives leave together, lower case;
    None where no policy has the directive (CSP3, 6.3.2; HTML, 7.1.5)."""
    flags: frozenset[str] | None = None
    for policy in policies:
        tokens = policy.get("sandbox")
        if tokens is not None:
            allowed = frozenset(token.lower() for token in tokens)
            flags = allowed if flags is None else flags & allowed
    return flags


def makes_origin_opaque(policies: Iterable[Policy]) -> Policy | None:
    """The first policy whose `sandbox` gives the page an opaque origin; None where none does."""
    for policy in policies:
        flags = sandbox_flags([policy])
        if flags is not None and "allow-same-origin" not in flags:
            return policy
    return None


def obsolete_referrer(policies: Iterable[Policy]) -> str | None:
    """The value of a `referrer` directive: an early draft's referrer policy that browsers dropped
    for the `Referrer-Policy` header. None where no policy has one."""
    for policy in policies:
        values = policy.get("referrer")
        if values is not None:
            return " ".join(values)
    return None


def upgrades_insecure_requests(policies: Iterable[Policy]) -> bool:
    """Whether the page's http: requests become https: (Upgrade Insecure Requests, 3.1)."""
    return any(policy.get("upgrade-insecure-requests") is not None for policy in policies)


def blocks_all_mixed_content(policies: Iterable[Policy]) -> bool:
    """Whether a policy has `block-all-mixed-content`, which browsers now do without it."""
    return any(policy.get("block-all-mixed-content") is not None for policy in policies)
