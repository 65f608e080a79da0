"""The picture of a failing request: well-formed, complete, and nothing in it is live."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.desk.failing import Failing
from diagnostics.desk.request_picture import WIDTH, draw

SVG = "{http://www.w3.org/2000/svg}"


def request(*fields: tuple[str, str], url: str = "https://api.mapbox.com/x") -> Failing:
    return Failing("GET", url, fields, 403, (), '{"message":"Forbidden"}', "a.har entry 3")


def said(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_referer_is_marked() -> None:
    drawing = draw(request(("Referer", "https://shop.example.com/")), "https://shop.example.com/")
    assert "https://shop.example.com/" in said(drawing.svg)
    assert drawing.svg.count('class="mark"') == 1
    assert "403 Forbidden" in said(drawing.svg)


@pytest.mark.parametrize("fields", [(), (("Referer", ""),), (("Accept", "*/*"),)])
def test_a_missing_referer_is_said(fields: tuple[tuple[str, str], ...]) -> None:
    drawing = draw(request(*fields), None)
    assert said(drawing.svg).count("(not sent)") == 1
    assert drawing.svg.count('class="mark"') == 1


def test_long_values_are_broken_and_many_fields_cut() -> None:
    fields = [(f"x-{n}", "v" * 700) for n in range(60)]
    drawing = draw(request(*fields, url="https://api.mapbox.com/" + "a" * 3000), None)
    assert "and 20 more" in said(drawing.svg)
    assert max(map(len, said(drawing.svg))) < 90
    assert drawing.width == WIDTH
    assert drawing.height < 12_000


_TEXT = st.text(max_size=60)


@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=4), _TEXT, _TEXT)
def test_any_text_gives_well_formed_xml_that_does_nothing(
    fields: list[tuple[str, str]], url: str, page: str
) -> None:
    hostile = [*fields, ("</text><script>", "<image href='https://evil.example/'/>&#60;")]
    tree = ElementTree.fromstring(draw(request(*hostile, url=url), page).svg)
    names = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert names <= {"svg", "title", "style", "rect", "path", "circle", "text"}
    for element in tree.iter():
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)
