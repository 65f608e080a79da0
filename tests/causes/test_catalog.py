"""The causes' texts: complete, well formed, and each snippet such as a person could paste."""

from __future__ import annotations

import json
import re
from importlib import resources
from xml.etree import ElementTree

import msgspec
import pytest
from selectolax.lexbor import LexborHTMLParser

from diagnostics.causes import catalog
from diagnostics.causes.catalog import CauseText
from diagnostics.journey.verdict import Cause, Stage

STAGES = {
    Stage.CLIENT: "non-browser-client mobile-sdk",
    Stage.PAGE: "local-page opaque-origin",
    Stage.POLICY: "referrer-policy-blocks referrer-policy-trims scheme-downgrade"
    " worker-drops-referer",
    Stage.WIRE: "client-strips-referer client-rewrites-referer stylesheet-referer",
    Stage.CACHE: "cached-403",
    Stage.EDGE: "token-missing token-invalid token-scope account-or-resource",
    Stage.RULE: "api-host-not-allowed page-not-allowed scheme-mismatch port-mismatch"
    " path-mismatch allowlist-wildcard allowlist-ip allowlist-invalid",
}
PLACEHOLDERS = {
    "ACCOUNT",
    "APP_TOKEN",
    "ENTRY",
    "HOST",
    "IMAGE_URL",
    "FRAME",
    "ORIGIN",
    "POLICY",
    "SANDBOX",
    "SCOPES",
    "PATH",
    "SCOPE",
    "SECRET_TOKEN",
    "STYLE",
    "TOKEN",
    "TOKEN_ID",
}
LANGUAGES = {"html", "js", "bash", "text", "nginx", "apache", "xml", "kotlin", "swift"}

every_cause = pytest.mark.parametrize("cause", Cause)


@pytest.fixture
def text(cause: Cause) -> CauseText:
    return catalog.text(cause)


def fences_of(text: CauseText) -> list[catalog.Fence]:
    return catalog.fences(text.source)


def test_the_folder_holds_one_file_a_cause_and_nothing_else_to_read() -> None:
    names = {
        entry.name
        for entry in resources.files("diagnostics.causes").iterdir()
        if entry.name != "__pycache__"
    }
    expected = {f"{cause}.md" for cause in Cause}
    assert names == expected | {"__init__.py", "catalog.py", "software.py", "software.yaml"}


def test_each_cause_has_the_stage_of_the_journey_that_can_name_it() -> None:
    expected = {name: stage for stage, names in STAGES.items() for name in names.split()}
    assert {text.code.value: text.stage for text in catalog.every()} == {
        **expected,
        "unexplained": None,
    }


def test_every_gives_the_causes_in_the_order_of_the_journey() -> None:
    assert [text.code for text in catalog.every()] == list(Cause)


@every_cause
def test_head_is_short_and_plain(text: CauseText) -> None:
    assert 20 <= len(text.title) <= 56
    assert not text.title.endswith(".")
    assert text.summary.endswith(".")
    assert len(text.summary) <= 140
    assert not re.search(r"[`*\n]", text.title + text.summary)


@every_cause
def test_links_are_https_and_distinct(text: CauseText) -> None:
    urls = [link.url for link in text.links]
    assert urls
    assert all(re.fullmatch(r"https://[a-z0-9.-]+/\S*", url) for url in urls)
    assert len(set(urls)) == len(urls)
    assert all(link.title for link in text.links)


@every_cause
def test_there_is_a_fix_to_paste(text: CauseText) -> None:
    in_fix = [fence for fence in catalog.fences(text.fix) if fence.key]
    assert in_fix
    assert {fence.key for fence in in_fix} == set(text.snippets)


@every_cause
def test_fences_are_named_once_filled_and_in_a_known_language(text: CauseText) -> None:
    fences = fences_of(text)
    assert all(fence.text.strip() for fence in fences)
    assert {fence.language for fence in fences} <= LANGUAGES
    keys = [fence.key for fence in fences]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key) for key in keys)


@every_cause
def test_placeholders_are_known(text: CauseText) -> None:
    assert set(re.findall(r"YOUR_([A-Z_]*[A-Z])", text.source)) <= PLACEHOLDERS


@every_cause
def test_lines_are_short_and_prose_is_plain_markdown(text: CauseText) -> None:
    body = text.source.partition("\n---\n")[2]
    code = False
    for line in body.splitlines():
        if line.startswith("```"):
            code = not code
            continue
        if not code and not line.startswith("|"):
            assert len(line) <= 102, line
        assert line == line.rstrip()
        assert "\t" not in line
    # An odd number of backticks outside fences leaves a code span open.
    prose = re.sub(r"^```.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)
    assert prose.count("`") % 2 == 0


@every_cause
def test_named_causes_and_commands_exist(text: CauseText) -> None:
    from diagnostics.cli import COMMANDS

    assert set(re.findall(r"why403 ([a-z]+)", text.source)) <= set(COMMANDS)
    for name in re.findall(r"[Ss]ee(?: also)? `([a-z0-9-]+)`", text.source):
        assert name in set(Cause)


def js_balance(source: str) -> list[str]:
    """Brackets that do not close, with strings, comments and regular expressions taken out."""
    source = re.sub(
        r"//[^\n]*|/\^(?:\\.|[^/\n\\])*/", "", re.sub(r"(['`\"])(?:\\.|(?!\1).)*\1", "", source)
    )
    stack: list[str] = []
    closing = {")": "(", "]": "[", "}": "{"}
    for character in source:
        if character in "([{":
            stack.append(character)
        elif character in closing and (not stack or stack.pop() != closing[character]):
            return [character]
    return stack


SNIPPETS = [
    pytest.param(fence, id=f"{text.code}-{fence.key}")
    for text in catalog.every()
    for fence in fences_of(text)
]


@pytest.mark.parametrize("fence", SNIPPETS)
def test_snippets_are_plausible_in_their_language(fence: catalog.Fence) -> None:
    source = fence.text
    if fence.language in {"js", "kotlin", "swift"}:
        assert js_balance(source) == []
    elif fence.language == "html":
        tree = LexborHTMLParser(source)
        opened = re.findall(r"<([a-z]+)", source)
        assert opened
        for tag in opened:
            assert tree.css_first(tag) is not None, tag
            assert tag in {"link", "meta", "img"} or f"</{tag}>" in source
    elif fence.language == "nginx":
        assert all(line.rstrip().endswith((";", "{", "}")) for line in source.splitlines())
    elif fence.language == "apache":
        assert re.match(r"Header (always )?(set|unset) ", source)
    elif fence.language == "bash":
        assert source.count("'") % 2 == 0
        for body in re.findall(r"-d '([^']*)'", source):
            json.loads(body)
    elif fence.language == "xml":
        ElementTree.fromstring(f"<any>{source}</any>")


def test_snippet_is_the_text_of_its_fence() -> None:
    snippet = catalog.snippet(Cause.REFERRER_POLICY_BLOCKS, "html-meta")
    assert snippet == '<meta name="referrer" content="strict-origin-when-cross-origin">'


def test_snippet_fills_what_it_has_a_place_for() -> None:
    snippet = catalog.snippet(
        Cause.PAGE_NOT_ALLOWED, "tokens-api", account="acme", entry="example.com", host="unused"
    )
    assert "/tokens/v2/acme/YOUR_TOKEN_ID?access_token=YOUR_SECRET_TOKEN" in snippet
    assert '{"allowedUrls": ["example.com"]}' in snippet


def test_snippet_does_not_read_values_as_patterns() -> None:
    assert catalog.snippet(Cause.PATH_MISMATCH, "allow-path", entry=r"\1", path="YOUR_ENTRY") == (
        r"\1/YOUR_ENTRY"
    )


@pytest.mark.parametrize("path", ["map/a", "/map/a"])
def test_a_path_has_one_slash_before_it(path: str) -> None:
    snippet = catalog.snippet(Cause.PATH_MISMATCH, "allow-path", entry="example.com", path=path)
    assert snippet == "example.com/map/a"


def test_snippet_of_an_unknown_key() -> None:
    with pytest.raises(KeyError):
        catalog.snippet(Cause.TOKEN_SCOPE, "nothing")


@pytest.mark.parametrize(
    "key", ["html-meta", "gl-js", "maplibre", "leaflet", "openlayers", "nginx", "apache"]
)
def test_a_blocking_policy_can_be_repaired_in_every_place(key: str) -> None:
    snippet = catalog.snippet(Cause.REFERRER_POLICY_BLOCKS, key)
    assert "strict-origin-when-cross-origin" in snippet


def test_version_limits_of_the_libraries_are_told() -> None:
    source = catalog.text(Cause.REFERRER_POLICY_BLOCKS).fix
    for limit in ("GL JS 2.14.0", "Leaflet 1.8.0", "OpenLayers 10.8.0", "MapLibre GL JS 6.0"):
        assert limit in source.replace("\n", " ")


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause.API_HOST_NOT_ALLOWED, "share page"),
        (Cause.NON_BROWSER_CLIENT, "without URL restrictions"),
        (Cause.OPAQUE_ORIGIN, "sandbox"),
        (Cause.REFERRER_POLICY_TRIMS, "Every page of the host"),
    ],
)
def test_a_fix_that_weakens_something_says_so(cause: Cause, words: str) -> None:
    cost = catalog.text(cause).cost
    assert cost is not None
    assert words in cost.replace("\n", " ")


GOOD = (
    "---\ntitle: t\nstage: rule\nsummary: s.\nlinks: []\n---\n"
    "\n## Why\n\nw\n\n## How it shows\n\nh\n\n## Fix\n\nf\n\n## What does not help\n\nn\n"
)


def test_parse_reads_a_minimal_file() -> None:
    text = catalog.parse(Cause.UNEXPLAINED, GOOD)
    assert (text.why, text.how_it_shows, text.fix, text.what_does_not_help) == ("w", "h", "f", "n")
    assert text.cost is None
    assert catalog.parse(Cause.UNEXPLAINED, GOOD + "\n## Cost\n\nc\n").cost == "c"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("---\ntitle", "title"), "no front matter"),
        (("stage: rule", "stage: moon"), "front matter"),
        (("summary: s.\n", ""), "front matter"),
        (("links: []", "links: []\nmore: 1"), "front matter"),
        (("## Fix", "## Fixes"), "the sections are"),
        (("\n## Why", "text\n\n## Why"), "the sections are"),
        (("\nf\n", "\n"), "the section Fix is empty"),
        (("\nf\n", "\n```js\nf\n"), "a fence is not closed"),
    ],
)
def test_parse_says_what_is_wrong(change: tuple[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        catalog.parse(Cause.UNEXPLAINED, GOOD.replace(*change))


def test_texts_survive_a_round_trip_as_json() -> None:
    text = catalog.text(Cause.CACHED_403)
    assert msgspec.json.decode(msgspec.json.encode(text), type=CauseText) == text
