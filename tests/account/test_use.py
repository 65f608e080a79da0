"""What traffic asks of each token."""

from __future__ import annotations

import pytest

from diagnostics.account.use import Use, uses
from diagnostics.journey.traffic import read_traffic
from diagnostics.provider.token import encode
from tests.journey.conftest import (
    GLYPHS,
    IMAGE,
    PAGE,
    RASTER,
    SESSION,
    STYLE,
    TILE,
    TOKEN,
    Tape,
)


def used(*tapes: Tape) -> list[Use]:
    traffic, _ = read_traffic([tape.capture for tape in tapes])
    return uses(traffic)


def test_a_map_needs_styles_and_fonts() -> None:
    tape = Tape().page().ask(STYLE, status=200).ask(TILE, status=200).ask(GLYPHS).ask(SESSION)
    (use,) = used(tape)
    assert use.needs == {"styles:read": "style", "fonts:read": "glyphs"}
    assert use.granted == {"styles:read"}
    assert use.unknown == set()
    assert (use.requests, use.refused) == (4, 2)
    assert list(use.pages) == [PAGE]
    assert use.in_production


@pytest.mark.parametrize(
    ("path", "scope"),
    [(RASTER, "styles:tiles"), (IMAGE, "styles:tiles"), ("/styles/v1/acme", "styles:list"),
     ("/datasets/v1/acme", "datasets:list"), ("/datasets/v1/acme/x", "datasets:read"),
     (TILE, None), ("/v4/acme.x.json", None), ("/geocoding/v5/mapbox.places/x.json", None)],
)  # fmt: skip
def test_documented_scopes(path: str, scope: str | None) -> None:
    (use,) = used(Tape().page().ask(path))
    assert list(use.needs) == ([scope] if scope else [])
    assert use.unknown == set()


@pytest.mark.parametrize(
    ("path", "method", "unknown"),
    [
        ("/3dtiles/v1/mapbox.x/1/2/3.glb", "GET", "3D data"),
        ("/rasterarrays/v1/x/1/2/3.mrt", "GET", "raster data"),
        ("/styles/v1/acme/ck0/wmts", "GET", "WMTS"),
        ("/nobody/knows/this", "GET", "requests of an unknown kind"),
        ("/styles/v1/acme/ck0", "PATCH", "style (PATCH)"),
    ],
)
def test_what_no_documentation_says_is_unknown(path: str, method: str, unknown: str) -> None:
    (use,) = used(Tape().page().ask(path, method=method))
    assert (use.needs, use.unknown) == ({}, {unknown})


@pytest.mark.parametrize(
    "page", ["http://localhost:3000/", "http://127.0.0.1/", "https://10.0.0.5/", "http://intranet/"]
)
def test_a_page_that_nobody_else_can_open(page: str) -> None:
    (use,) = used(Tape().page(page).ask())
    assert not use.in_production


def test_a_server_s_request_has_no_page() -> None:
    (use,) = used(Tape(agent="curl/8.5").ask(sent=[("User-Agent", "curl/8.5")]))
    assert not use.in_production


def test_each_token_once_over_all_captures() -> None:
    other = encode("pk", {"u": "acme", "a": "ck0other"})
    found = used(Tape().page().ask().ask(token=other), Tape().page().ask(TILE))
    assert [use.token.text for use in found] == [TOKEN, other]
    assert found[0].requests == 2


def test_what_is_no_token_is_left_out() -> None:
    assert used(Tape().page().ask(token=None).ask(token="undefined").ask(token="")) == []
