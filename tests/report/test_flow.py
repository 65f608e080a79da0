"""The verdict beside one request: comment, data and text."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.journey.verdict import Evidence, Verdict
from diagnostics.report import flow
from diagnostics.report.model import Report
from diagnostics.report.terminal import columns

HOSTILE = "\x1b]0;title\x07 ‮moc\x00 \n<script>\ud800 " + "A" * 5000


@pytest.fixture
def helmet(reports: dict[str, Report]) -> Verdict:
    return reports["helmet"].verdicts[0]


def hostile(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(
        verdict,
        url=HOSTILE,
        page=HOSTILE,
        referer=HOSTILE,
        because=HOSTILE,
        evidence=(Evidence(HOSTILE, HOSTILE),),
    )


def test_the_comment_is_one_line_with_cause_reason_and_fix(helmet: Verdict) -> None:
    assert flow.comment(helmet) == (
        "why403: referrer-policy-blocks (certain): https://maps.acme.example/fleet is served with"
        " Referrer-Policy: no-referrer, so Chrome sends no Referer, and a token with allowed URLs"
        " refuses that. Fix: Tell Helmet to send strict-origin-when-cross-origin."
    )


def test_a_fix_that_is_not_known_to_work_is_not_in_the_comment(helmet: Verdict) -> None:
    fixes = tuple(msgspec.structs.replace(fix, predicted="unknown") for fix in helmet.fixes)
    assert "Fix:" not in flow.comment(msgspec.structs.replace(helmet, fixes=fixes))


def test_comment_and_log_line_are_plain_and_short(helmet: Verdict) -> None:
    for line in (flow.comment(hostile(helmet)), flow.log_line(hostile(helmet))):
        assert line.isprintable()
        assert len(line) < 1000
        assert "‮" not in line


def test_the_log_line(helmet: Verdict) -> None:
    assert flow.log_line(helmet).startswith(
        "GET api.mapbox.com/styles/v1/acme/ck1style 403, Referer none: referrer-policy-blocks"
        " (certain): https://maps.acme.example/fleet is served with"
    )


LINE, NEXT = "why403: a (certain): x", "why403: b (likely): y"


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("", LINE, LINE),
        (LINE, NEXT, NEXT),
        (LINE, "", ""),
        ("", "", ""),
        ("look at this", LINE, f"look at this\n{LINE}"),
        (f"look at this\n{LINE}", NEXT, f"look at this\n{NEXT}"),
        (f"look at this\n{LINE}", "", "look at this"),
        (f"one\n{LINE}\n\ntwo", NEXT, f"one\n{NEXT}\n\ntwo"),
        (f"{LINE}\nmine\n{LINE}", NEXT, f"{NEXT}\nmine"),
        ("ask why403: a", LINE, f"ask why403: a\n{LINE}"),
    ],
)
def test_a_users_comment_stays(before: str, line: str, after: str) -> None:
    assert flow.with_comment(before, line) == after


@given(st.text(alphabet="ab\n:", max_size=20))
def test_a_users_comment_comes_back_as_it_was(mine: str) -> None:
    both = flow.with_comment(flow.with_comment(mine, LINE), NEXT)
    assert both.count("why403: ") == 1
    assert flow.with_comment(both, "") == mine


def test_data_is_nothing_but_json(named_report: tuple[str, Report]) -> None:
    for verdict in named_report[1].verdicts:
        made = flow.data(verdict)
        assert json.loads(json.dumps(made)) == made
        assert made["cause"] == verdict.cause
        assert type(made["cause"]) is str
        assert flow.read_data(made) == verdict


def test_data_can_be_encoded_whatever_it_holds(helmet: Verdict) -> None:
    json.dumps(flow.data(hostile(helmet)), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "value", [None, "x", 1, [], {}, {"cause": "nonsense"}, {"journey": [{"stage": 3}]}]
)
def test_what_is_no_verdict_is_none(value: object) -> None:
    assert flow.read_data(value) is None


def test_the_text(
    named_report: tuple[str, Report], titles: dict[str, str], golden: Callable[[str, str], None]
) -> None:
    name, report = named_report
    if report.verdicts:
        said = flow.text(report.verdicts[0], b'{"message":"Forbidden"}', titles)
        golden(f"{name}-flow.txt", said)


def test_the_text_has_every_station_in_order(helmet: Verdict) -> None:
    lines = flow.text(helmet).splitlines()
    places = [
        next(n for n, line in enumerate(lines) if line[4:].startswith(s.stage.value))
        for s in helmet.journey
    ]
    assert places == sorted(places)
    assert [lines[place][2] for place in places] == ["✓", "✓", "✗", "✓", "✓", "✓", "–"]


def test_the_text_shows_no_secret_of_the_answer(helmet: Verdict) -> None:
    token = "sk.eyJ1IjoiYWNtZSIsImEiOiJjazBleGEifQ.S1gnatureThatNobodyMaySee"
    said = flow.text(helmet, f'{{"message":"no {token}"}}'.encode())
    assert "S1gnature" not in said
    assert "sk.…(acme/ck0ex…)" in said
    assert "without a body" in flow.text(helmet, b"")


@given(st.binary(max_size=200))
def test_any_body_is_shown_in_plain_text(body: bytes) -> None:
    from tests.report.conftest import helmet_report

    verdict = hostile(helmet_report().verdicts[0])
    said = flow.text(verdict, body)
    for line in said.splitlines():
        assert line.isprintable()
    assert len(said) < 20_000


def test_lines_are_not_too_wide(helmet: Verdict) -> None:
    snippets = "\n".join(fix.snippet for fix in helmet.fixes)
    for line in flow.text(helmet, b"x").splitlines():
        assert columns(line) <= 100 or line.strip() in snippets
