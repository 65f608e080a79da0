"""The content view as mitmproxy asks for it, in the line of mitmproxy that is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mitmproxy import contentviews, http
from mitmproxy.test import tflow, tutils

from addons import contentview
from diagnostics.report import flow as report
from tests.report.conftest import helmet_report

VERDICT = helmet_report().verdicts[0]
NEW_LINE = hasattr(contentviews, "Contentview")
VIEWS: Any = contentviews  # whose types differ between the two lines


def refused(body: bytes = b'{"message":"Forbidden"}') -> http.HTTPFlow:
    flow = tflow.tflow(resp=tutils.tresp(status_code=403, content=body))
    assert flow.response is not None
    flow.response.headers["content-type"] = "application/json"
    flow.metadata[contentview.KEY] = report.data(VERDICT)
    return flow


def shown(flow: http.HTTPFlow, message: http.Message | None, view: str = "auto") -> str:
    """What mitmproxy shows for a message, by its own choice of a view."""
    if NEW_LINE:
        result = VIEWS.prettify_message(message, flow, view)
        return f"{result.view_name}\n{result.text}"
    name, lines, error = VIEWS.get_message_content_view(view, message, flow)
    assert error is None
    return f"{name}\n" + "\n".join("".join(text for _, text in line) for line in lines)


class Nothing:
    """An addon that does nothing, for mitmproxy's sake."""


@pytest.fixture(autouse=True)
def view(in_mitmproxy: Callable[[object], Any]) -> Iterator[None]:
    in_mitmproxy(Nothing())
    contentview.add()
    yield
    contentview.remove()


@pytest.mark.parametrize("body", [b'{"message":"Forbidden"}', b"", b"\xff\x00"])
def test_it_is_shown_in_place_of_the_body_of_a_refusal(body: bytes) -> None:
    flow = refused(body)
    said = shown(flow, flow.response)
    assert said.startswith("why403\n")
    assert "referrer-policy-blocks · certain" in said
    assert "  ✗ policy" in said


def test_the_body_is_still_to_be_had() -> None:
    flow = refused()
    assert "Forbidden" in shown(flow, flow.response)
    assert "referrer-policy" not in shown(flow, flow.response, "raw")


def test_it_keeps_out_of_everything_else() -> None:
    flow = refused()
    flow.request.content = b"x=1"
    assert "referrer-policy" not in shown(flow, flow.request)
    other = tflow.tflow(resp=tutils.tresp(content=b"{}"))
    assert "why403" not in shown(other, other.response)


def test_asked_for_by_name_it_says_that_there_is_nothing() -> None:
    other = tflow.tflow(resp=tutils.tresp(content=b"{}"))
    assert "no verdict on this flow" in shown(other, other.response, "why403")


@pytest.mark.parametrize("stranger", ["x", {}, {"cause": "<b>"}, None])
def test_metadata_from_a_strangers_file(stranger: object) -> None:
    flow = refused()
    flow.metadata[contentview.KEY] = stranger
    assert "no verdict on this flow" in shown(flow, flow.response)


def test_a_script_that_is_loaded_again_adds_it_again() -> None:
    contentview.add()
    contentview.add()
    flow = refused()
    assert shown(flow, flow.response).startswith("why403\n")


def test_it_can_be_ordered_among_the_others() -> None:
    flow = refused()
    views = [contentview.Journey(), *(VIEWS.registry.values() if NEW_LINE else VIEWS.views)]
    assert views[0].render_priority(b"", flow=flow, http_message=flow.response) > 2
    assert sorted([contentview.Journey(), contentview.Journey()])[0].name == "why403"
    assert max((0, each) for each in views if each.name in {"why403", "Raw", "raw"})


def test_without_a_flow_it_has_nothing_to_say() -> None:
    view = contentview.Journey()
    assert view.render_priority(b"") == -1
    name, lines = view(b"")
    assert (name, list(lines)) == (
        "why403",
        [[("text", "why403 has no verdict on this flow.")]],
    )
