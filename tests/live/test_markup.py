"""Start tags are found where a browser finds them, and nowhere else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from diagnostics.live.markup import Edit, edited, start_tags

FOUND = [
    ("<!DOCTYPE html><html><meta a=1>", ["html", "meta"]),
    ("<!-- <meta> --><meta>", ["meta"]),
    ("<!--><meta>", ["meta"]),
    ("<!---><meta>", ["meta"]),
    ("<!-- --!><meta>", ["meta"]),
    ("<!-- -- > <meta>", []),
    ("<!-- <meta>", []),
    ("<?php <meta> ?><img>", ["img"]),
    ("</ <meta><img>", ["img"]),
    ("</><img>", ["img"]),
    ("<script>'<meta>'</script><meta>", ["script", "meta"]),
    ("<script></scripts><meta></script ><img>", ["script", "img"]),
    ("<SCRIPT></Script/><img>", ["script", "img"]),
    ("<script><!-- <script> </script> <meta> --></script><img>", ["script", "img"]),
    ("<script><!--></script><img>", ["script", "img"]),
    ("<script><!-- </script><img>", ["script", "img"]),
    ("<script>never closed <meta>", ["script"]),
    ("<style><meta></style><title><meta></title><textarea><meta></textarea>",
     ["style", "title", "textarea"]),
    ("<noscript><meta></noscript><img>", ["noscript", "img"]),
    ("<iframe><meta></iframe><img>", ["iframe", "img"]),
    ("<img><plaintext><img></plaintext><img>", ["img", "plaintext"]),
    ("a < b <3 <img", []),
    ("<img title='a>b' alt=\"c>d\"><p>", ["img", "p"]),
    ("<img title='never closed><p>", []),
    ("</p title='>'><img>", ["img"]),
    ("<x-map></x-map><a:b><img/>", ["x-map", "a:b", "img"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names"), FOUND)
def test_which_tags(text: str, names: list[str]) -> None:
    assert [tag.name for tag in start_tags(text)] == names


ATTRIBUTES = [
    ("<a>", []),
    ("<a b>", [("b", None)]),
    ("<a B=C>", [("b", "C")]),
    ("<a b='c d'e=\"f\">", [("b", "c d"), ("e", "f")]),
    ("<a\tb\n=\n'c'>", [("b", "c")]),
    ("<a b=c/d>", [("b", "c/d")]),
    ("<a/b/c=>", [("b", None), ("c", "")]),
    ("<a =b==c>", [("=b", "=c")]),
    ("<a b=1 b=2>", [("b", "1")]),
    ("<a 'b'=1>", [("'b'", "1")]),
    ("<a b = c >", [("b", "c")]),
]


@pytest.mark.parametrize(("text", "pairs"), ATTRIBUTES)
def test_which_attributes(text: str, pairs: list[tuple[str, str | None]]) -> None:
    [tag] = start_tags(text)
    assert [(a.name, a.value) for a in tag.attributes] == pairs
    assert text[tag.start : tag.end] == text
    for attribute in tag.attributes:
        assert text[attribute.start : attribute.end].lower().startswith(attribute.name)


def test_what_stands_in_a_template_is_inert() -> None:
    text = "<template><img><template><img></template><img></template></template><img>"
    inert = [tag.inert for tag in start_tags(text) if tag.name == "img"]
    assert inert == [True, True, True, False]


def test_edits_are_made_in_place() -> None:
    assert edited("abcdef", [Edit(4, 5, "X"), Edit(0, 0, "<"), Edit(1, 3, "")]) == "<adXf"


_PIECES = [
    *("<meta a=b>", "<img c='d>'>", "<p e>", "</p>", "<b/>", "<script>", "</script>", "<style>"),
    *("</style>", "<!--", "-->", "--!>", "<!", "<title>", "</title>", "<textarea>", "</textarea"),
    *(">", "<", "/", "'", '"', "=", " ", "x", "<x-y f=\"g\">", "&lt;img&gt;", "<iframe>", "<?"),
    *("</iframe>", "-", "<noscript>", "</noscript>", "<xmp>", "</xmp>", "\n", "é", "\x00"),
]  # fmt: skip
soup = st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)


@given(soup)
def test_a_parser_finds_the_same(text: str) -> None:
    """Every element with an attribute that a real HTML parser puts into its tree is found here
    (a tree has more: what it adds itself; and less: what it throws away)."""
    root = LexborHTMLParser(f"<body>{text}", scripting=True).root
    assert root is not None
    here = [(tag.name, a.name) for tag in start_tags(f"<body>{text}") for a in tag.attributes]
    for node in root.traverse():
        if node.is_element_node and node.tag in {"meta", "img", "x-y"}:
            for name in node.attributes:
                assert (node.tag, name.replace("\ufffd", "\x00")) in here


@pytest.mark.parametrize(
    "text", ["<" * 200_000, "<a " * 100_000, "<!--" * 100_000, "<script><!--" * 50_000,
             "<a b='" * 50_000, "<a" + " =" * 200_000, "<p " + "a=1 " * 100_000 + ">"],
)  # fmt: skip
def test_time_is_linear(text: str) -> None:
    began = time.monotonic()
    sum(1 for _ in start_tags(text))
    assert time.monotonic() - began < 5
