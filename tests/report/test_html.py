"""The HTML file: whole outputs, and no string of a report comes alive in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.report import html
from diagnostics.report.model import Report

Titles = dict[str, str]
Links = dict[str, list[tuple[str, str]]]

ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "header", "p", "b", "h1", "h2", "h3",
    "nav", "ul", "ol", "li", "a", "span", "svg", "rect", "main", "article", "code", "figure",
    "desc", "path", "g", "circle", "text", "details", "summary", "section", "pre", "dl",
    "div", "dt", "dd", "table", "thead", "tr", "th", "tbody", "td", "br", "footer",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel",
    "aria-label", "aria-labelledby", "aria-hidden", "role", "viewbox", "preserveaspectratio",
    "width", "height", "rx", "x", "y", "r", "d", "transform", "text-anchor", "tabindex",
    "scope", "data-label",
}  # fmt: skip
VOID = {"meta", "br"}
SVG_LEAVES = {"rect", "path", "circle"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; fails on an element that is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SVG_LEAVES
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.styles.append(data)
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def assert_nothing_is_alive(page: str) -> Page:
    read = Page(page)
    for tag, attributes in read.tags:
        assert tag in ELEMENTS
        assert set(attributes) <= ATTRIBUTES
        href = attributes.get("href")
        if href is not None:
            assert tag == "a"
            assert re.fullmatch(r"#[a-z0-9-]+|https://www\.w3\.org/TR/referrer-policy/", href)
        if tag == "meta" and "http-equiv" in attributes:
            assert attributes["http-equiv"] == "Content-Security-Policy"
    assert [tag for tag, _ in read.tags].count("style") == 1
    assert len(read.styles) == 1
    assert "url(" not in read.styles[0]
    assert "@import" not in read.styles[0]
    return read


def test_whole_output(
    named_report: tuple[str, Report],
    titles: Titles,
    links: Links,
    golden: Callable[[str, str], None],
) -> None:
    name, report = named_report
    page = html.render(report, titles=titles, links=links)
    assert_nothing_is_alive(page)
    # The style is one file for all; the golden files look at what differs.
    page = re.sub(r"<style>.*?</style>", "<style></style>", page, flags=re.DOTALL)
    golden(f"{name}.html", re.sub(r"'sha256-[^']+'", "'sha256-…'", page))


def test_policy_allows_the_one_style_block_and_nothing_else(reports: dict[str, Report]) -> None:
    page = html.render(reports["helmet"])
    read = Page(page)
    (policy,) = (a["content"] for _, a in read.tags if a.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(read.styles[0].encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    # It must stand before anything that it is to keep from loading.
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_hostile_strings(
    payload: str, poison: Callable[[str], Report], titles: Titles, links: Links
) -> None:
    page = html.render(poison(payload), titles=titles, links=links)
    read = assert_nothing_is_alive(page)
    assert all(c == "\n" or c.isprintable() for c in page)
    page.encode()
    if "{{" in payload and payload.isprintable():
        assert payload in read.text


def test_hostile_titles_and_links_are_text_too(reports: dict[str, Report]) -> None:
    page = html.render(
        reports["helmet"],
        titles={"referrer-policy-blocks": "<script>1</script>"},
        links={
            "referrer-policy-blocks": [
                ("<b>", "javascript:alert(1)"),
                ("plain", "http://docs.example/"),
                ("good", "https://www.w3.org/TR/referrer-policy/"),
            ]
        },
    )
    read = assert_nothing_is_alive(page)
    outside = [
        a["href"] for _, a in read.tags if "href" in a and not str(a["href"]).startswith("#")
    ]
    assert outside == ["https://www.w3.org/TR/referrer-policy/"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=st.text(st.characters() | st.sampled_from("<>\"'&{}%#/="), max_size=120))
def test_no_string_comes_alive(said: str, poison: Callable[[str], Report]) -> None:
    assert_nothing_is_alive(html.render(poison(said), titles={}, links={}))


def test_urls_of_the_capture_are_never_links(named_report: tuple[str, Report]) -> None:
    _, report = named_report
    page = Page(html.render(report, links={}))
    hrefs = {a["href"] for _, a in page.tags if "href" in a}
    assert hrefs == {f"#{verdict.cause}" for verdict in report.verdicts}
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert hrefs <= {f"#{name}" for name in ids}


def test_pictures_can_be_read_aloud(reports: dict[str, Report]) -> None:
    page = html.render(reports["helmet"])
    read = Page(page)
    pictures = [a for tag, a in read.tags if tag == "svg" and a.get("role") == "img"]
    assert len(pictures) == 2
    ids = {a["id"] for _, a in read.tags if "id" in a}
    for found in pictures:
        assert set(str(found["aria-labelledby"]).split()) <= ids
    assert "The request's journey: broken at policy" in read.text
    # Every other picture is an ornament beside its own words.
    assert all(a.get("role") or a.get("aria-hidden") for t, a in read.tags if t == "svg")


def test_states_are_told_by_words_and_shapes(reports: dict[str, Report]) -> None:
    page = html.render(reports["unexplained"])
    for state in ("ok", "broken", "unknown"):
        assert f'class="stop {state}"' in page
        assert f'class="sign {state}"' in page
        assert re.search(rf'class="state"[^>]*>{state}<', page)


def test_request_tables_are_folded_and_end_with_a_count(large: Report) -> None:
    page = html.render(large)
    rows = page.count('data-label="Request"')
    causes = len(large.summary.by_cause)
    assert rows <= 200 * causes
    assert "more; the JSON report has all." in page
    assert len(page) < 3_000_000
    assert "<details open" not in page


def test_only_the_first_rows_cost_anything(reports: dict[str, Report]) -> None:
    base = reports["localhost"]
    verdicts = tuple(msgspec.structs.replace(base.verdicts[0], index=n) for n in range(900))
    page = html.render(msgspec.structs.replace(base, verdicts=verdicts))
    assert page.count('data-label="Request"') == 200
    assert "… and 700 more; the JSON report has all." in page


@pytest.mark.parametrize("name", ["clean", "absent"])
def test_reports_without_verdicts(name: str, reports: dict[str, Report]) -> None:
    read = assert_nothing_is_alive(html.render(reports[name]))
    assert ("Record it again" in read.text) == (name == "absent")
    assert read.text.index("Found") < read.text.index("The provider's checklist")
