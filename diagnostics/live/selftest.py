"""Does this browser, its settings or an extension remove or rewrite the Referer?

The self-test's page makes every kind of request; here stands which kinds there are, what the
browser's engine should send with each, and what the differences mean. Pure: values in, values
out. Expectations come from the model that is checked against measured browsers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from diagnostics.browser import engine as engine_data
from diagnostics.browser import url as urls
from diagnostics.browser.client import Client, recognise
from diagnostics.browser.engine import Engine
from diagnostics.browser.referrer import Context, Hop, Means, Prediction, Situation, predict

_FILE = Path(__file__).parent / "pages" / "selftest.yaml"
_LISTED = 4


class Kind(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One kind of request; the fields are explained in `pages/selftest.yaml`."""

    says: str
    to: Literal["provider", "same-site", "same-origin"] = "provider"
    document: Literal["page", "frame", "stylesheet", "worker-frame"] = "page"
    context: Context = Context.DOCUMENT
    means: Means = Means.FETCH
    request_policy: str = ""
    names_referrer: bool = False
    redirected: bool = False
    navigation: bool = False
    secure: bool = False

    @property
    def crosses_site(self) -> bool:
        return self.to == "provider"


class _Effect(msgspec.Struct, frozen=True):
    pattern: str
    by: dict[str, str]


class _Texts(msgspec.Struct, frozen=True):
    requests: dict[str, Kind]
    effects: dict[str, _Effect]
    clean: str
    limits: tuple[str, ...]


class Addresses(msgspec.Struct, frozen=True):
    """Where a run takes place: the URL of the page, of its frame, its worker's script and its
    foreign stylesheet, of the redirect; and `targets`, by kind, where the requests go."""

    page: str
    frame: str
    worker: str
    worker_frame: str
    stylesheet: str
    hop: str
    targets: Mapping[str, str]


class Row(msgspec.Struct, frozen=True):
    """One kind of request, held against the model. `state` is `same`, `removed`, `target`,
    `trimmed`, `other`, `added`, `missing` (the request did not arrive) or `unjudged` (nobody
    measured what this engine does there)."""

    kind: str
    says: str
    to: str
    expected: str | None
    arrived: str | None
    state: str
    why: str


class Result(msgspec.Struct, frozen=True):
    """What the self-test found. `outcome` is `clean`, `strips`, `rewrites`, `partial` (some
    requests only, or some other change) or `incomplete` (too little arrived to say)."""

    outcome: str
    says: str
    browser: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def self_test(self) -> str:
        """What verdicts may build on: `strips`, `rewrites` or nothing."""
        return self.outcome if self.outcome in {"strips", "rewrites"} else ""


@functools.lru_cache(maxsize=1)
def _texts() -> _Texts:
    return msgspec.yaml.decode(_FILE.read_bytes(), type=_Texts)


def kinds() -> Mapping[str, Kind]:
    """Every kind of request by its name."""
    return _texts().requests


def expected(name: str, addresses: Addresses, engine: Engine) -> Prediction:
    """What `engine` should send with a kind of request."""
    kind = kinds()[name]
    sender = {
        "page": addresses.page,
        "frame": addresses.frame,
        "worker-frame": addresses.worker_frame,
        "stylesheet": addresses.stylesheet,
    }[kind.document]
    situation = Situation(
        page=sender,
        to=addresses.targets[name],
        context=kind.context,
        means=kind.means,
        request_policy=kind.request_policy,
        source=addresses.worker if kind.context is Context.NETWORK_WORKER else "",
        names_referrer=kind.names_referrer,
        via=(Hop(addresses.hop),) if kind.redirected else (),
    )
    return predict(situation, engine)


def examine(
    arrived: Mapping[str, str | None],
    user_agent: str | None,
    addresses: Addresses,
    *,
    secure: bool,
) -> Result:
    """The result of a run. `arrived` has the Referer of each kind that came (None: no such
    header); `secure` is whether the page could have a service worker."""
    client = recognise(user_agent)
    rows = tuple(
        _row(name, kind, arrived, client, addresses)
        for name, kind in kinds().items()
        if secure or not kind.secure
    )
    notes = list(_texts().limits)
    if not client.is_measured:
        notes.append(
            f"{client.title} was not measured: only what all known engines agree on is judged."
        )
    missing = [row for row in rows if row.state == "missing"]
    if missing:
        notes.append(f"Did not arrive: {_listed(missing)}.")
    judged = [row for row in rows if row.state not in {"missing", "unjudged"}]
    outcome, says = _judged(judged, enough=2 * len(judged) >= len(rows) - _unjudged(rows))
    return Result(outcome, says, client.title, rows, tuple(notes))


def _unjudged(rows: Iterable[Row]) -> int:
    return sum(1 for row in rows if row.state == "unjudged")


def _row(
    name: str,
    kind: Kind,
    arrived: Mapping[str, str | None],
    client: Client,
    addresses: Addresses,
) -> Row:
    prediction = expected(name, addresses, client.model)
    if name not in arrived:
        state = "missing"
    elif not client.is_measured and _engines_differ(name, addresses):
        state = "unjudged"
    else:
        state = _state(prediction.referer, arrived[name], addresses.targets[name])
    return Row(
        kind=name,
        says=kind.says,
        to={"provider": "cross-site"}.get(kind.to, kind.to),
        expected=prediction.referer,
        arrived=arrived.get(name),
        state=state,
        why=prediction.says,
    )


def _engines_differ(name: str, addresses: Addresses) -> bool:
    models = engine_data.engines().values()
    return len({expected(name, addresses, model).referer for model in models}) > 1


def _state(expected: str | None, arrived: str | None, target: str) -> str:
    if arrived == expected:
        return "same"
    if arrived is None:
        return "removed"
    if expected is None:
        return "added"
    wanted, came, aim = urls.parse(expected), urls.parse(arrived), urls.parse(target)
    assert wanted is not None
    assert aim is not None
    if came is None:
        return "other"
    if came.origin == wanted.origin and came.path == "/" and not came.query:
        return "trimmed"
    if came.href == aim.href or (came.origin == aim.origin != wanted.origin):
        return "target"
    return "other"


_IMAGES = frozenset({Means.ELEMENT, Means.INLINE_STYLE})
_WORKERS = frozenset(
    {Context.BLOB_WORKER_FETCH, Context.BLOB_WORKER_XHR, Context.NETWORK_WORKER}
    | {Context.DATA_WORKER, Context.SERVICE_WORKER}
)
#: Ways to say which requests are concerned, the simplest first.
_EXTENTS: tuple[tuple[str, Callable[[Kind], bool]], ...] = (
    ("all requests", lambda kind: True),
    ("all requests to another origin", lambda kind: kind.to != "same-origin"),
    ("all cross-site requests", lambda kind: kind.crosses_site),
    ("all requests but the addresses of frames", lambda kind: not kind.navigation),
    (
        "all cross-site requests but the addresses of frames",
        lambda kind: kind.crosses_site and not kind.navigation,
    ),
    ("all images", lambda kind: kind.means in _IMAGES and not kind.navigation),
    (
        "all cross-site images",
        lambda kind: kind.means in _IMAGES and not kind.navigation and kind.crosses_site,
    ),
    ("all requests of scripts", lambda kind: kind.means not in _IMAGES),
    (
        "all cross-site requests of scripts",
        lambda kind: kind.means not in _IMAGES and kind.crosses_site,
    ),
    ("all requests without a policy of their own", lambda kind: not kind.request_policy),
    (
        # Firefox ignores unsafe-url across sites and falls back to its default policy.
        "all requests without a policy of their own",
        lambda kind: kind.request_policy in {"", "unsafe-url"},
    ),
    ("all requests of workers", lambda kind: kind.context in _WORKERS),
)


def _judged(rows: Sequence[Row], *, enough: bool) -> tuple[str, str]:
    """The outcome and the sentence."""
    if not enough:
        return (
            "incomplete",
            "Too few of the test's requests arrived to say anything: reload the page, and allow"
            " its scripts.",
        )
    texts = _texts()
    found = {
        effect: [row for row in rows if row.state == effect]
        for effect in texts.effects
        if any(row.state == effect for row in rows)
    }
    if not found:
        return "clean", texts.clean
    sentences = []
    for effect, concerned in found.items():
        extent = _extent(effect, concerned, rows)
        text = texts.effects[effect]
        by = text.by.get(extent, text.by["otherwise"])
        sentences.append(f"{text.pattern.format(extent=extent)}: {by}.")
    # What a map asks its provider for: other sites, and not by a frame's address.
    asked = [row for row in rows if kinds()[row.kind].crosses_site and row.expected is not None]
    asked = [row for row in asked if not kinds()[row.kind].navigation]
    outcome = "partial"
    if asked and all(row.state == "removed" for row in asked):
        outcome = "strips"
    elif asked and all(row.state in {"target", "other"} for row in asked):
        outcome = "rewrites"
    return outcome, " ".join(sentences)


def _extent(effect: str, concerned: Sequence[Row], rows: Sequence[Row]) -> str:
    """Which requests an effect concerns, of those in which it could have shown."""
    known = kinds()
    could = [row for row in rows if _could_show(effect, row)]
    names = {row.kind for row in concerned}
    for phrase, holds in _EXTENTS:
        if {row.kind for row in could if holds(known[row.kind])} == names:
            return phrase
    return f"some requests ({_listed(concerned)})"


def _could_show(effect: str, row: Row) -> bool:
    if effect == "added":
        return row.expected is None
    if effect == "trimmed":
        wanted = urls.parse(row.expected or "")
        return wanted is not None and wanted.path != "/"
    return row.expected is not None


def _listed(rows: Sequence[Row]) -> str:
    shown = "; ".join(row.says for row in rows[:_LISTED])
    return shown + (f"; and {len(rows) - _LISTED} more" if len(rows) > _LISTED else "")
