"""What the self-test makes of what arrived: pure values, for each engine and each kind of tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.browser import engine as engines
from diagnostics.live import selftest
from diagnostics.live.selftest import Addresses, Kind, Result

TRUTH = json.loads(
    (Path(__file__).parent.parent / "browser" / "browser_truth.json").read_text(encoding="utf-8")
)
AGENTS = {
    "chromium": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18"
    " Safari/605.1.15",
}
HOSTS = {"provider": "provider.test", "same-site": "maps.page.test", "same-origin": "page.test"}
AT = Addresses(
    page="http://page.test/selftest",
    frame="http://page.test/frame",
    worker="http://page.test/worker.js",
    worker_frame="http://page.test/worker-frame",
    stylesheet="http://styles.test/s.css",
    hop="http://hop.test/h",
    targets={n: f"http://{HOSTS[k.to]}/probe/{n}" for n, k in selftest.kinds().items()},
)


def sent(engine: str) -> dict[str, str | None]:
    """What a browser that nothing interferes with sends."""
    model = engines.engine(engine)
    return {name: selftest.expected(name, AT, model).referer for name in selftest.kinds()}


Change = Callable[[str, Kind, str | None], str | None]


def run(engine: str, change: Change, agent: str = "") -> Result:
    arrived = {
        name: change(name, selftest.kinds()[name], value) for name, value in sent(engine).items()
    }
    return selftest.examine(arrived, AGENTS[agent or engine], AT, secure=True)


def test_every_measured_kind_of_request_is_made() -> None:
    assert TRUTH["requests"].keys() <= selftest.kinds().keys()


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_expectations_are_the_measured_ones(engine: str) -> None:
    """The page of the measurements was https in Firefox; host and path are renamed."""
    setup = "http-page-default" if engine == "chromium" else "default"
    for name, value in TRUTH["truth"][engine][setup].items():
        measured = value and value.replace("https:", "http:").replace("/map?x=1", "/selftest")
        measured = measured and measured.replace("shop.example.com", "page.test")
        measured = measured and measured.replace("cdn.example.net", "styles.test")
        assert sent(engine)[name] == measured, name


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_nothing_is_found_where_nothing_interferes(engine: str) -> None:
    result = run(engine, lambda name, kind, value: value)
    assert result.says == "Nothing removes or rewrites the Referer in this browser."
    assert (result.outcome, result.self_test) == ("clean", "")
    assert {row.state for row in result.rows} == {"same"}


TOOLS: dict[str, tuple[Change, str, str]] = {
    "all removed": (
        lambda name, kind, value: None,
        "strips",
        "Referer is removed from all requests: a browser setting",
    ),
    "removed across sites": (
        lambda name, kind, value: None if kind.crosses_site else value,
        "strips",
        "Referer is removed from all cross-site requests: ",
    ),
    "removed across origins": (
        lambda name, kind, value: value if kind.to == "same-origin" else None,
        "strips",
        "Referer is removed from all requests to another origin: ",
    ),
    "removed but for frames": (
        lambda name, kind, value: value if kind.navigation else None,
        "strips",
        "Referer is removed from all requests but the addresses of frames: ",
    ),
    "replaced across sites": (
        lambda name, kind, value: AT.targets[name] if value and kind.crosses_site else value,
        "rewrites",
        "Referer is replaced by the target's URL on all cross-site requests: a privacy extension"
        " or Brave does this.",
    ),
    "replaced by the target's origin": (
        lambda name, kind, value: f"http://{HOSTS[kind.to]}/" if value else None,
        "rewrites",
        "",
    ),
    "replaced by something else": (
        lambda name, kind, value: "https://www.example.com/" if value else None,
        "rewrites",
        "Referer is replaced by another value on all requests: ",
    ),
    "replaced by no URL": (
        lambda name, kind, value: "about" if value else None,
        "rewrites",
        "Referer is replaced by another value on all requests: ",
    ),
    "removed from images": (
        lambda name, kind, value: (
            None if kind.means in {"element", "inline-style"} and not kind.navigation else value
        ),
        "partial",
        "Referer is removed from all images: ",
    ),
    "removed from workers": (
        lambda name, kind, value: None if "worker" in kind.context else value,
        "partial",
        "Referer is removed from all requests of workers: ",
    ),
    "removed from one": (
        lambda name, kind, value: None if name == "main-xhr" else value,
        "partial",
        "Referer is removed from some requests (XMLHttpRequest in the page): ",
    ),
    "default policy changed": (
        lambda name, kind, value: value if kind.request_policy else None,
        "partial",
        "Referer is removed from all requests without a policy of their own: the browser's"
        " default policy was changed",
    ),
    "cut": (
        lambda name, kind, value: "http://page.test/" if value == AT.page else value,
        "partial",
        "Referer is cut to the origin on all requests, where the whole address should be sent: ",
    ),
    "added": (
        lambda name, kind, value: value or "http://page.test/",
        "partial",
        "Referer is added to all requests, where none should be sent: ",
    ),
}


@pytest.mark.parametrize("engine", ["chromium", "firefox"])
@pytest.mark.parametrize("tool", TOOLS)
def test_tools_are_named(engine: str, tool: str) -> None:
    change, outcome, says = TOOLS[tool]
    result = run(engine, change)
    assert result.outcome == outcome, result.says
    assert result.says.startswith(says)
    assert result.self_test == (outcome if outcome != "partial" else "")


def test_two_effects_are_two_sentences() -> None:
    def change(name: str, kind: Kind, value: str | None) -> str | None:
        return None if kind.to == "provider" else value and AT.targets[name]

    result = run("chromium", change)
    assert result.outcome == "strips"
    assert "removed from all cross-site requests" in result.says
    assert "replaced by the target's URL on some requests" in result.says


def test_a_browser_that_nobody_measured_is_judged_by_what_all_agree_on() -> None:
    for engine in ("chromium", "firefox", "spec"):
        result = run(engine, lambda name, kind, value: value, agent="safari")
        assert result.outcome == "clean", result.says
        assert any("was not measured" in note for note in result.notes)
    assert run("spec", TOOLS["all removed"][0], agent="safari").outcome == "strips"


def test_what_did_not_arrive_is_said() -> None:
    arrived = sent("chromium")
    del arrived["css-inline"]
    result = selftest.examine(arrived, AGENTS["chromium"], AT, secure=True)
    assert result.outcome == "clean"
    assert "Did not arrive: an image of the page's own style." in result.notes


def test_too_little_says_nothing() -> None:
    result = selftest.examine({"img": None}, AGENTS["chromium"], AT, secure=False)
    assert (result.outcome, result.self_test) == ("incomplete", "")
    assert result.says.startswith("Too few")


def test_service_workers_are_asked_only_where_a_page_can_have_one() -> None:
    insecure = selftest.examine(sent("chromium"), AGENTS["chromium"], AT, secure=False)
    assert not any(row.kind.startswith("sw-") for row in insecure.rows)


_VALUES = st.none() | st.text(max_size=30) | st.sampled_from([AT.page, *AT.targets.values()])


@given(st.dictionaries(st.sampled_from(list(selftest.kinds())), _VALUES), st.text(max_size=40))
def test_any_arrival_gives_a_result(arrived: Mapping[str, str | None], agent: str) -> None:
    result = selftest.examine(arrived, agent, AT, secure=True)
    assert result.says
    assert result.outcome in {"clean", "strips", "rewrites", "partial", "incomplete"}
