"""Does a page's Content-Security-Policy keep its map from working?

A request that the policy refused is not refused by the provider: it never left. Chrome's export
shows a blocked image, script or XMLHttpRequest as an entry without a status, and a blocked fetch
or worker not at all (measured in Chromium 156), so a policy that would block what the page's map
needs counts too where no such request was answered.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from diagnostics.browser import csp
from diagnostics.capture.document import Document
from diagnostics.journey.traffic import CaptureTraffic, Sighting
from diagnostics.journey.verdict import Finding
from diagnostics.report.wording import counted

_CODE = "csp-blocks-request"
_MAP_WORDS = ("mapboxgl", "mapbox-gl", "api.mapbox.com", "access_token")
_GL_WORDS = ("mapboxgl", "mapbox-gl")
#: Builds of the library that load their worker from a URL of the site.
_OWN_WORKER = ("mapbox-gl-csp", "workerUrl")
_IMAGE_WORDS = ("leaflet", "L.tileLayer", "/static/")
_STYLE = re.compile(r"mapbox://styles/([\w.-]{1,100}/[\w.-]{1,100})")
_USUAL_STYLE = "mapbox/streets-v12"
_HOST = "https://api.mapbox.com"
_DIRECTIVES = {"image": "img-src", "img": "img-src", "empty": "connect-src", "fetch": "connect-src",
               "xhr": "connect-src", "script": "script-src-elem", "style": "style-src-elem",
               "stylesheet": "style-src-elem", "iframe": "frame-src", "font": "font-src",
               "worker": "worker-src"}  # fmt: skip


def find(part: CaptureTraffic) -> Iterable[Finding]:
    """What the policies of one capture's pages block, as `csp-blocks-request`."""
    seen: dict[Document | None, list[Sighting]] = defaultdict(list)
    for sighting in part.sightings:
        seen[sighting.issuer.document].append(sighting)
    for document in part.issuers.documents:
        if document.policies:
            sightings = seen[document]
            yield from _blocked(document, sightings)
            if sightings or _mentions(document, _MAP_WORDS) or part.loads_library(document):
                yield from _absent(document, sightings, part)


def _blocked(document: Document, sightings: Sequence[Sighting]) -> Iterable[Finding]:
    """Entries without an answer that the policy refuses, by directive and for telemetry apart."""
    groups: dict[tuple[str, bool], list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        if sighting.exchange.status is None:
            groups[(_directive(sighting), is_telemetry(sighting))].append(sighting)
    for (directive, telemetry), group in groups.items():
        url = group[0].exchange.url
        answer = csp.allows(document.policies, document.url, url, directive)
        if not answer.allowed:
            yield Finding(
                _CODE,
                "info" if telemetry else _severity(answer),
                f"{counted(len(group), 'request')} to {group[0].url.host} never left the browser:"
                f" {answer.says}" + (" The map works without its telemetry." if telemetry else ""),
                document.where,
            )


def _directive(sighting: Sighting) -> str:
    exchange = sighting.exchange
    kind = sighting.request.dest or exchange.resource_type.lower()
    if kind:
        return _DIRECTIVES.get(kind, "connect-src")
    return "img-src" if exchange.mime_type.startswith("image/") else "connect-src"


def _absent(
    document: Document, sightings: Sequence[Sighting], part: CaptureTraffic
) -> Iterable[Finding]:
    """What a map needs, what the policy would block of it, and of what nothing was answered."""
    answered = {_directive(s) for s in sightings if s.exchange.status is not None}
    by_worker = any(
        s.endpoint is not None and s.endpoint.maker == "worker"
        for s in sightings
        if s.exchange.status is not None
    )
    if part.loads_library(document) or _mentions(document, _GL_WORDS):
        if "connect-src" not in answered:
            style = f"{_HOST}/styles/v1/{_style(document)}"
            why = "a map library fetches its style and tiles"
            yield from _would_block(document, style, "connect-src", why)
        if not by_worker and not _mentions(document, _OWN_WORKER):
            why = "GL JS starts its workers from blob: URLs"
            yield from _would_block(document, f"blob:{document.origin}/worker", "worker-src", why)
    elif _mentions(document, _IMAGE_WORDS) and "img-src" not in answered:
        image = f"{_HOST}/styles/v1/{_style(document)}/tiles/512/0/0/0"
        yield from _would_block(document, image, "img-src", "its tiles are images")


def _would_block(document: Document, url: str, directive: str, why: str) -> Iterable[Finding]:
    answer = csp.allows(document.policies, document.url, url, directive)
    if not answer.allowed:
        yield Finding(
            _CODE,
            _severity(answer),
            f"The page's Content-Security-Policy would block what a map needs ({why}), and no such"
            f" request was answered: {answer.says}",
            document.where,
        )


def _severity(answer: csp.Answer) -> str:
    """An answer that rests on nonces, hashes or a browser's own way is a warning only."""
    return "error" if answer.certain else "warning"


def _style(document: Document) -> str:
    """The style that the page's scripts name, else one that everybody may use."""
    texts = document.markup.inline_scripts if document.markup else ()
    return next((hit[1] for text in texts if (hit := _STYLE.search(text))), _USUAL_STYLE)


def _mentions(document: Document, words: Sequence[str]) -> bool:
    markup = document.markup
    if markup is None:
        return False
    texts = (*(script.url for script in markup.scripts), *markup.inline_scripts)
    return any(word in text for text in texts for word in words)


def is_telemetry(sighting: Sighting) -> bool:
    """Whether a request is one that the map works without."""
    return sighting.endpoint is not None and sighting.endpoint.name == "telemetry"
