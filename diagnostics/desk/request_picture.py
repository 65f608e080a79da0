"""A picture of one refused request with its Referer header, as a browser's network panel shows it.

The provider's support asks for a screenshot of a failing request; a capture holds all that is on
one. Drawn as SVG, without scripts, styles from elsewhere or links; every value is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

import msgspec

from diagnostics.desk.failing import Failing
from diagnostics.report.terminal import cut, plain, wrapped

WIDTH = 920
_NAME_X, _VALUE_X, _RIGHT = 32, 250, 24
_LINE, _GAP = 20, 6
_LETTER = 7.95  # the widest of the common monospaced fonts at 13 pixels (DejaVu Sans Mono)
_NAME_COLUMNS = int((_VALUE_X - _NAME_X - 10) / _LETTER)
_VALUE_COLUMNS = int((WIDTH - _VALUE_X - _RIGHT - 12) / _LETTER)
_LONGEST_VALUE = _VALUE_COLUMNS * 6
_MOST_FIELDS = 40
_NOT_SENT = "(not sent)"


class Drawing(msgspec.Struct, frozen=True):
    """An SVG document and its size in pixels."""

    svg: str
    width: int
    height: int


class _Row(msgspec.Struct, frozen=True):
    """A heading (`name` alone), or a field; `kind` is heading, field, status or referer."""

    kind: str
    name: str
    value: str = ""


def draw(request: Failing, page: str | None) -> Drawing:
    """The picture of a request; `page` is the address of the page that made it, if known."""
    parts: list[str] = []
    y = 64
    for row in _rows(request, page):
        height, shapes = _drawn(row, y)
        parts += shapes
        y += height
    caption = f"Drawn by why403 from {plain(request.place, 90)}; secrets are left out."
    parts.append(_text(_NAME_X, y + 26, caption, "note"))
    height = y + 44
    referer = request.referer or "none"
    title = f"Request answered {request.status}; Referer: {plain(referer, 200)}"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t"'
        f' width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' style="max-width:100%;height:auto">\n'
        f'<title id="t">{_escaped(title)}</title>\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>\n'
        f'<path class="bar" d="M1 44V9a8 8 0 0 1 8-8h{WIDTH - 18}a8 8 0 0 1 8 8v35z"/>\n'
        + _text(_NAME_X, 29, "Network", "tab")
        + _text(_NAME_X + 90, 29, "Headers", "tab on")
        + f'<path class="line" d="M{_NAME_X + 84} 43h74"/>\n'
        + "".join(parts)
        + "</svg>\n"
    )
    return Drawing(svg, WIDTH, height)


_STYLE = (
    "text{font:13px 'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}"
    ".panel{fill:#fff;stroke:#b7bec7}.bar{fill:#eef1f4}.line{stroke:#0b57d0;stroke-width:3}"
    ".tab,.head,.note{font-family:system-ui,'DejaVu Sans',sans-serif}"
    ".tab{fill:#57606a}.tab.on{fill:#0b57d0}.head{font-weight:600}"
    ".name{fill:#57606a}.note{fill:#57606a;font-size:12px}"
    ".mark{fill:#fff4d6;stroke:#b7791f}.bad{fill:#b42318;font-weight:600}.dot{fill:#d92d20}"
)


def _rows(request: Failing, page: str | None) -> Iterator[_Row]:
    yield _Row("heading", "General")
    yield _Row("field", "Request URL", request.url)
    yield _Row("field", "Request Method", request.method)
    yield _Row("status", "Status Code", f"{request.status} {_PHRASES.get(request.status, '')}")
    if page:
        yield _Row("field", "Page", page)
    yield _Row("heading", "Request Headers")
    fields = list(request.headers)
    shown = fields[:_MOST_FIELDS]
    if request.referer is None:
        yield _Row("referer", "Referer", _NOT_SENT)
    for name, value in shown:
        if name.lower() == "referer" and not value:
            continue
        yield _Row("referer" if name.lower() == "referer" else "field", name, value)
    if len(fields) > len(shown):
        yield _Row("field", "…", f"and {len(fields) - len(shown)} more")
    if request.body:
        yield _Row("heading", "Response")
        yield _Row("field", "Body", request.body)


_PHRASES = {401: "Unauthorized", 403: "Forbidden"}


def _drawn(row: _Row, y: int) -> tuple[int, list[str]]:
    """A row's height, and its shapes from there on."""
    if row.kind == "heading":
        return 36, [_text(_NAME_X - 12, y + 24, row.name, "head")]
    value = cut(plain(row.value, None), _LONGEST_VALUE)
    lines = wrapped(value, _VALUE_COLUMNS) or [""]
    height = len(lines) * _LINE + _GAP
    shapes = []
    if row.kind == "referer":
        shapes.append(
            f'<rect class="mark" x="{_NAME_X - 12}" y="{y + 1}" rx="4"'
            f' width="{WIDTH - _NAME_X - _RIGHT + 24}" height="{height}"/>\n'
        )
    if row.kind == "status":
        shapes.append(f'<circle class="dot" cx="{_VALUE_X + 5}" cy="{y + 13}" r="5"/>\n')
    name = cut(plain(row.name), _NAME_COLUMNS)
    bad = row.kind == "status" or (row.kind == "referer" and row.value == _NOT_SENT)
    shapes.append(_text(_NAME_X, y + 18, f"{name}:" if row.value else name, "name"))
    indent = 18 if row.kind == "status" else 0
    shapes += [
        _text(_VALUE_X + indent, y + 18 + n * _LINE, line, "bad" if bad else "value")
        for n, line in enumerate(lines)
    ]
    return height, shapes


def _text(x: int, y: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{_escaped(text)}</text>\n'


def _escaped(text: str) -> str:
    return html.escape(plain(text, None))
