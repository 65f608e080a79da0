"""Every payload in what is handed to others: the folder for the provider's support, the table of a
reproduction, a sanitized capture, and what mitmproxy shows of a flow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mitmproxy.test import tflow
from selectolax.lexbor import LexborHTMLParser

from diagnostics.capture.open import read_data
from diagnostics.cli import main
from diagnostics.journey.diagnose import diagnose
from diagnostics.journey.verdict import Cause
from diagnostics.report import flow as flow_report
from diagnostics.reproduce import table
from diagnostics.reproduce.compare import Result, Row
from diagnostics.reproduce.outcome import SCHEMA, Outcome, Proof, Run, Trial
from tests.hostile import judging, placing

KINDS = tuple(kind for kind in placing.corpus() if kind != "empty")
RECORDED = "helmet-gl3-chromium.devtools.har"


def refused_har(payload: str) -> bytes:
    """A capture that is still refused for a reason, with the payload wherever that leaves it so."""
    tree = placing.har(RECORDED)
    kept = {"name", "method", "_resourceType", "type", "pageref", "id", "startedDateTime"}

    def place(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: place(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [place(item, key) for item in value]
        return value + payload if isinstance(value, str) and key not in kept else value

    return placing.written(place(tree))


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_for_support(kind: str, tmp_path: Path) -> None:
    for number, payload in enumerate(placing.corpus()[kind][:1]):
        capture, folder = tmp_path / f"{number}.har", tmp_path / str(number)
        capture.write_bytes(refused_har(payload))
        result = CliRunner().invoke(main, ["support", str(capture), "-o", str(folder)])
        judging.assert_plain(result.stdout + result.stderr)
        assert "fault of why403" not in result.stderr
        if result.exit_code == 2:  # with this, nothing was refused
            assert not folder.exists()
            continue
        assert result.exit_code == 0
        for file in folder.iterdir():
            if file.suffix == ".md":
                judging.assert_markdown(file.read_text(), ["request.png"])
            elif file.suffix == ".html":
                judging.assert_html(file.read_text())
            elif file.suffix == ".svg":
                assert_picture(file.read_text())
            elif file.suffix == ".har":
                judging.assert_json(file.read_text())
            else:
                assert file.read_bytes().startswith(b"\x89PNG")


_PICTURE = frozenset(
    ["body", "svg", "g", "rect", "path", "circle", "text", "tspan", "title", "style"]
)


def assert_picture(svg: str) -> None:
    """A picture of text: nothing in it can act, load or lead anywhere."""
    judging.assert_plain(svg)
    tree = LexborHTMLParser(svg)
    assert tree.body is not None
    for node in tree.body.traverse(include_text=False):
        assert node.tag in _PICTURE, node.tag
        for name, value in node.attributes.items():
            assert not name.lower().startswith("on"), name
            assert name not in {"href", "xlink:href", "src"}, name
            assert name != "style" or value == "max-width:100%;height:auto", value
            assert not re.search(r"url\(|javascript:", value or ""), value


def outcome(text: str) -> Outcome:
    rows = tuple(Row(Cause.PAGE_NOT_ALLOWED, text, result, 2, 1, text) for result in Result)
    trials = tuple(
        Trial(Cause.PAGE_NOT_ALLOWED, text, text, text, proof, 1, 2, 3, text) for proof in Proof
    )
    return Outcome(SCHEMA, text, (text, text), (Run(text, rows, trials, (text,)),))


@pytest.mark.parametrize("kind", placing.corpus())
def test_the_table_of_a_reproduction(kind: str) -> None:
    for payload in placing.corpus()[kind]:
        made = outcome(payload)
        for width in (60, 100):
            judging.assert_plain(table.render(made, "text", width))
        judging.assert_plain(table.render(made, "text", 80, unicode=False))
        judging.assert_json(table.render(made, "json"))
        judging.assert_markdown(table.render(made, "markdown"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_mitmproxy_shows_of_a_flow(kind: str) -> None:
    from addons import contentview

    for payload in placing.corpus()[kind]:
        report = diagnose(read_data(refused_har(payload), "x"))
        for verdict in report.verdicts[:2]:
            flow = tflow.tflow(resp=True)
            flow.metadata[contentview.KEY] = flow_report.data(verdict)
            body = payload.encode("utf-8", "surrogatepass")
            judging.assert_plain(contentview.shown(flow, body))
            judging.assert_plain(flow_report.comment(verdict))
            judging.assert_plain(flow_report.log_line(verdict))
