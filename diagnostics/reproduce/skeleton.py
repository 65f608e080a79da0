"""A page that makes the same kinds of requests as a customer's, from the same places in it.

It stands in for markup that the capture lacks or that cannot run without scripts of the
customer's. Who asks (an element, a fetch, a worker, a frame, a style), with which policy of its
own, under which policies of the page: all of that is as in the capture, so that a browser comes
to the same Referer for the same reason. What the page looks like is not.
"""

from __future__ import annotations

import html as escaping
import json
from collections.abc import Iterable, Sequence

import msgspec

from diagnostics.browser.referrer import Context, Means

#: The skeleton's own script, named in a policy that would forbid it.
NONCE = "why403"
_LOADERS = {
    "script": '<script{} src="{}"></script>',
    "style": '<link rel="stylesheet"{} href="{}">',
}


class Part(msgspec.Struct, frozen=True):
    """One request of a skeleton. `source` is the URL of the stylesheet or of the worker's script
    that asks; `names_page` is whether the code passes the page as `referrer` to fetch."""

    url: str
    context: Context = Context.DOCUMENT
    means: Means = Means.FETCH
    dest: str = ""
    policy: str = ""
    source: str = ""
    names_page: bool = False
    method: str = "GET"
    body: str = ""

    @property
    def by_element(self) -> bool:
        return self.means is Means.ELEMENT and self.method == "GET"


class Frame(msgspec.Struct, frozen=True):
    """An iframe of a skeleton; `sandbox` None for no attribute."""

    url: str
    sandbox: str | None = None


class Head(msgspec.Struct, frozen=True):
    """What the markup's head said about policies: contents of `<meta name=referrer>` and of
    `<meta http-equiv=Content-Security-Policy>`."""

    referrer: Sequence[str] = ()
    csp: Sequence[str] = ()


def page(
    parts: Sequence[Part],
    frames: Sequence[Frame] = (),
    head: Head = Head(),  # noqa: B008 (immutable)
    service_worker: str = "",
    library: str = "",
) -> str:
    """The markup of a skeleton. `service_worker` is the URL of one to register first, `library`
    that of a map library to load, as a page does that is no page of the network."""
    lines = ["<!DOCTYPE html>", '<html><head><meta charset="utf-8"><title>Skeleton</title>']
    lines += [
        f'<meta http-equiv="Content-Security-Policy" content="{_attribute(admitted(content))}">'
        for content in head.csp
    ]
    lines += [f'<meta name="referrer" content="{_attribute(text)}">' for text in head.referrer]
    sheets = dict.fromkeys(p.source for p in parts if p.context is Context.STYLESHEET)
    lines += [f'<link rel="stylesheet" href="{_attribute(url)}">' for url in sheets if url]
    lines += [f'<script src="{_attribute(library)}"></script>'] if library else []
    lines += ["</head><body>"]
    for number, part in enumerate(parts):
        if part.context is Context.STYLESHEET:
            lines.append(f'<div class="why403-{_number(parts, part)}"></div>')
        elif part.context is Context.DOCUMENT:
            lines += _in_document(part, number)
    lines += _frames(parts, Context.SANDBOXED, ' sandbox="allow-scripts"')
    lines += _frames(parts, Context.SRCDOC, "")
    for frame in frames:
        sandbox = "" if frame.sandbox is None else f' sandbox="{_attribute(frame.sandbox)}"'
        lines.append(f'<iframe{sandbox} src="{_attribute(frame.url)}"></iframe>')
    script = _script(parts, service_worker)
    if script:
        lines += [f'<script nonce="{NONCE}">', script, "</script>"]
    return "\n".join([*lines, "</body></html>", ""])


def stylesheet(parts: Iterable[Part]) -> str:
    """The stylesheet that makes these requests of the skeletons that name it."""
    parts = list(parts)
    return "".join(
        f".why403-{_number(parts, part)} {{ width: 64px; height: 64px;"
        f" background: url({_string(part.url)}); }}\n"
        for part in parts
    )


def worker(parts: Iterable[Part]) -> str:
    """The script of a worker that makes these requests."""
    return "\n".join(map(_fetch, parts))


def keeping_worker(pieces: Iterable[str]) -> str:
    """A service worker that keeps the first answer to each URL that has one of `pieces` in it,
    refusals too, and passes everything else by."""
    return (
        'self.addEventListener("install", () => self.skipWaiting());\n'
        'self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));\n'
        f"const pieces = {_string(list(pieces))};\n"
        'self.addEventListener("fetch", (event) => {\n'
        "  if (!pieces.some((piece) => event.request.url.includes(piece))) return;\n"
        '  event.respondWith(caches.open("kept").then((cache) =>\n'
        "    cache.match(event.request).then((kept) => kept ||\n"
        "      fetch(event.request).then((answer) => {\n"
        "      cache.put(event.request, answer.clone());\n"
        "      return answer;\n"
        "    }))));\n"
        "});\n"
    )


def admitted(policy: str) -> str:
    """A Content-Security-Policy that also lets the skeleton's own script run; all else stays."""
    return ", ".join(_admitted(one) for one in policy.split(","))


def _admitted(policy: str) -> str:
    directives = [d.strip() for d in policy.split(";") if d.strip()]
    names = {d.split(None, 1)[0].lower() for d in directives}
    found = []
    for directive in directives:
        name, _, sources = directive.partition(" ")
        lowered = name.lower()
        if lowered in {"require-trusted-types-for", "trusted-types"}:
            continue
        if lowered in {"script-src", "script-src-elem"}:
            directive = _with_nonce(name, sources)
        found.append(directive)
        if lowered == "default-src" and "script-src" not in names:
            found.append(_with_nonce("script-src", sources))
    return "; ".join(found)


def _with_nonce(name: str, sources: str) -> str:
    kept = [source for source in sources.split() if source.lower() != "'none'"]
    return " ".join([name, *kept, f"'nonce-{NONCE}'"])


def _in_document(part: Part, number: int) -> list[str]:
    """What a document's own markup asks for; its fetches are in its script."""
    if part.means is Means.INLINE_STYLE:
        return [
            f"<style>#why403-{number} {{ width: 64px; height: 64px;"
            f" background: url({_string(part.url)}) }}</style>",
            f'<div id="why403-{number}"></div>',
        ]
    return [_element(part)] if part.by_element else []


def _element(part: Part) -> str:
    policy = f' referrerpolicy="{_attribute(part.policy)}"' if part.policy else ""
    if part.dest in {"iframe", "frame", "document"}:
        return f'<iframe{policy} src="{_attribute(part.url)}"></iframe>'
    pattern = _LOADERS.get(part.dest, '<img alt=""{} src="{}">')
    return pattern.format(policy, _attribute(part.url))


def _frames(parts: Sequence[Part], context: Context, attribute: str) -> list[str]:
    """One frame made from markup for all requests of such a context."""
    inside = [part for part in parts if part.context is context]
    if not inside:
        return []
    content = "".join(_element(part) for part in inside if part.by_element)
    fetches = "\n".join(_fetch(part) for part in inside if not part.by_element)
    if fetches:
        content += f'<script nonce="{NONCE}">{fetches}</script>'
    return [f'<iframe{attribute} srcdoc="{_attribute(content)}"></iframe>']


def _script(parts: Sequence[Part], service_worker: str) -> str:
    lines = [
        _fetch(part)
        for part in parts
        if part.context in {Context.DOCUMENT, Context.SERVICE_WORKER}
        and not part.by_element
        and part.means is not Means.INLINE_STYLE
    ]
    blob = [part for part in parts if part.context is Context.BLOB_WORKER_FETCH]
    blob_xhr = [part for part in parts if part.context is Context.BLOB_WORKER_XHR]
    codes = ("\n".join(map(_fetch_naming_page, blob)), "\n".join(map(_xhr, blob_xhr)))
    lines += [_blob_worker(code) for code in codes if code]
    data = "\n".join(_fetch(p) for p in parts if p.context is Context.DATA_WORKER)
    if data:
        lines.append(f'new Worker("data:text/javascript," + encodeURIComponent({_string(data)}));')
    sources = dict.fromkeys(p.source for p in parts if p.context is Context.NETWORK_WORKER)
    lines += [f"new Worker({_string(source)});" for source in sources if source]
    if not service_worker or not lines:
        register = f"navigator.serviceWorker.register({_string(service_worker)});"
        return register if service_worker else "\n".join(lines)
    return "\n".join(
        [
            f"navigator.serviceWorker.register({_string(service_worker)})",
            "  .then(() => navigator.serviceWorker.ready).then(() => {",
            *lines,
            "});",
        ]
    )


def _blob_worker(code: str) -> str:
    """A worker made at run time, which knows its page by the name `page`."""
    return (
        "new Worker(URL.createObjectURL(new Blob("
        f'["const page = " + JSON.stringify(location.href) + ";", {_string(code)}],'
        ' { type: "text/javascript" })));'
    )


def _fetch(part: Part, extra: str = "") -> str:
    options = []
    if part.policy:
        options.append(f"referrerPolicy: {_string(part.policy)}")
    if part.method != "GET":
        options.append(f"method: {_string(part.method)}")
    if part.body and part.method not in {"GET", "HEAD"}:
        options.append(f"body: {_string(part.body)}")
    if extra:
        options.append(extra)
    given = f", {{ {', '.join(options)} }}" if options else ""
    return f"fetch({_string(part.url)}{given}).catch(() => {{}});"


def _fetch_naming_page(part: Part) -> str:
    return _fetch(part, "referrer: page" if part.names_page else "")


def _xhr(part: Part) -> str:
    return (
        "{ const ask = new XMLHttpRequest();"
        f" ask.open({_string(part.method)}, {_string(part.url)}); ask.send(); }}"
    )


def _number(parts: Sequence[Part], part: Part) -> int:
    """A part's number among those that its stylesheet asks for."""
    same = [p for p in parts if p.context is Context.STYLESHEET and p.source == part.source]
    return same.index(part)


def _string(value: object) -> str:
    """A JavaScript (and CSS) string that no HTML parser can take for markup."""
    text = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _attribute(text: str) -> str:
    return escaping.escape(text, quote=True)
