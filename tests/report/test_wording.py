"""The sentences that all formats share."""

from __future__ import annotations

import msgspec
import pytest

from diagnostics.journey.verdict import Cause, Fix
from diagnostics.report import wording
from diagnostics.report.model import Report, Summary


def with_summary(report: Report, requests: int, refused: int, causes: dict[Cause, int]) -> Report:
    explained = refused - causes.get(Cause.UNEXPLAINED, 0)
    summary = Summary(requests, refused, explained, causes)
    return msgspec.structs.replace(report, summary=summary)


A, B, U = Cause.LOCAL_PAGE, Cause.TOKEN_SCOPE, Cause.UNEXPLAINED


@pytest.mark.parametrize(
    ("requests", "causes", "expected"),
    [
        (31, {A: 12}, "12 of 31 requests to Mapbox were refused; one cause explains all of them."),
        (31, {A: 1}, "1 of 31 requests to Mapbox was refused; one cause explains it."),
        (1, {A: 1}, "The one request to Mapbox was refused; one cause explains it."),
        (9, {A: 9}, "All 9 requests to Mapbox were refused; one cause explains all of them."),
        (
            9,
            {A: 3, B: 2},
            "5 of 9 requests to Mapbox were refused; two causes explain all of them.",
        ),
        (
            4000,
            {A: 1500, B: 2, U: 3},
            "1,505 of 4,000 requests to Mapbox were refused; two causes explain 1,502 of them,"
            " 3 are unexplained.",
        ),
        (
            14,
            {A: 1, U: 1},
            "2 of 14 requests to Mapbox were refused; one cause explains 1 of them,"
            " 1 is unexplained.",
        ),
        (3, {U: 2}, "2 of 3 requests to Mapbox were refused; the capture does not show why."),
    ],
)
def test_headline_of_refusals(
    reports: dict[str, Report], requests: int, causes: dict[Cause, int], expected: str
) -> None:
    report = with_summary(reports["helmet"], requests, sum(causes.values()), causes)
    assert wording.headline(report) == expected


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        (0, "This capture holds no request to a map provider."),
        (1, "The one request to the map provider was not refused."),
        (26, "None of 26 requests to the map provider was refused."),
    ],
)
def test_headline_without_refusals(
    reports: dict[str, Report], requests: int, expected: str
) -> None:
    assert wording.headline(with_summary(reports["clean"], requests, 0, {})) == expected


def test_capture_line_names_three_files_at_most(reports: dict[str, Report], large: Report) -> None:
    assert wording.capture_line(reports["helmet"]) == "fleet.har (Chrome DevTools, 84 exchanges)"
    assert wording.capture_line(large).startswith("0.har, 1.har, 2.har and 1 more (")


def test_best_fix_is_the_first_that_is_predicted_to_work() -> None:
    no, yes, also = (Fix(p, p, "", p) for p in ("refused", "allowed", "unknown"))
    assert wording.best_fix((no, yes, also)) is yes
    assert wording.best_fix((also, no)) is also
    assert wording.best_fix(()) is None


def test_titles_and_links_come_from_the_catalog(reports: dict[str, Report]) -> None:
    verdicts = reports["helmet"].verdicts
    titles, links = wording.titles(verdicts), wording.links(verdicts)
    assert set(titles) == set(links) == {"referrer-policy-blocks", "client-strips-referer"}
    assert all(title and title not in set(Cause) for title in titles.values())
    assert all(url.startswith("https://") for found in links.values() for _, url in found)


def test_natural_order() -> None:
    names = ["10.har", "2.har", "a10b", "a9b", "1.har"]
    assert sorted(names, key=wording.natural) == ["1.har", "2.har", "10.har", "a9b", "a10b"]
    sorted(["9" * 10_000, "²", "", "٣"], key=wording.natural)


def test_numbers() -> None:
    assert [wording.number(n) for n in (0, 1, 9, 10, 1200)] == ["no", "one", "nine", "10", "1,200"]
    assert wording.counted(1, "request") == "1 request"
    assert wording.counted(1200, "request") == "1,200 requests"
