"""Which changes are tried for which cause, the best first."""

from __future__ import annotations

import pytest

from diagnostics.journey.proposals import BY_CAUSE, proposals
from diagnostics.journey.verdict import Cause
from diagnostics.journey.whatif import parse_change
from tests.journey.conftest import (
    API,
    HOST,
    IMAGE,
    STYLE,
    TILE,
    Tape,
    case_of,
    listing,
    redirected,
)

SEND = "referrer-policy=strict-origin-when-cross-origin"
ASK = "request-policy=strict-origin-when-cross-origin"
BLOCKED = Tape().page(policy="no-referrer").ask(referer=None)
META = "<meta name=referrer content=no-referrer>"
SHEET = "https://cdn.example.net/a.css"


@pytest.mark.parametrize(
    ("cause", "tape", "changes"),
    [
        (Cause.REFERRER_POLICY_BLOCKS, BLOCKED, [SEND, SEND, ASK]),
        # The page's own meta element is one place, a header is another.
        (
            Cause.REFERRER_POLICY_BLOCKS,
            Tape().page(html=META).ask(referer=None),
            [SEND, ASK],
        ),
        (
            Cause.REFERRER_POLICY_BLOCKS,
            Tape().page(policy="no-referrer").ask(IMAGE, kind="image", referer=None),
            [SEND, SEND, ASK],
        ),
        (
            Cause.REFERRER_POLICY_BLOCKS,
            redirected(Tape().page(), "https://go.example.org/", "no-referrer", referer=None),
            [SEND, ASK],
        ),
        (
            Cause.REFERRER_POLICY_TRIMS,
            Tape().page().ask(),
            ["allow+=shop.example.com", "referrer-policy=no-referrer-when-downgrade"],
        ),
        (Cause.SCHEME_DOWNGRADE, Tape().page().ask(), ["to=https", "to=https"]),
        (Cause.WORKER_DROPS_REFERER, Tape().page().ask(TILE), ["gl-js=3.9.0", "gl-js=1.13.3"]),
        (
            Cause.LOCAL_PAGE,
            Tape().page("file:///map.html").ask(referer=None),
            ["page=http://localhost:8000/ allow+=localhost:8000", "unrestricted-token"],
        ),
        (
            Cause.OPAQUE_ORIGIN,
            Tape().page(csp="sandbox allow-scripts").ask(referer=None, origin="null"),
            ["csp-=sandbox"],
        ),
        (Cause.OPAQUE_ORIGIN, Tape().page().ask(origin="null"), ["sandbox+=allow-same-origin"]),
        (Cause.CLIENT_STRIPS_REFERER, Tape().page().ask(), ["client=clean", "tell-visitors"]),
        (Cause.CLIENT_REWRITES_REFERER, Tape().page().ask(), ["client=clean"]),
        (
            Cause.CLIENT_REWRITES_REFERER,
            Tape().page().ask(referer=f"{API}/"),
            ["client=clean", "allow+=api.mapbox.com"],
        ),
        (
            Cause.STYLESHEET_REFERER,
            Tape().page().ask(IMAGE, kind="image", referer=SHEET),
            ["page=https://shop.example.com/map?x=1", "allow+=cdn.example.net"],
        ),
        (Cause.STYLESHEET_REFERER, Tape(agent="x").ask(referer=None), []),
        (Cause.CACHED_403, Tape().page().ask(), ["cache=off"]),
        (Cause.TOKEN_MISSING, Tape().page().ask(token=None, status=401), ["set-token"]),
        (Cause.TOKEN_INVALID, Tape().page().ask(token="x", status=401), ["replace-token"]),
        (Cause.TOKEN_SCOPE, Tape().page().ask(), ["add-scope"]),
        (Cause.ACCOUNT_OR_RESOURCE, Tape().page().ask(), ["check-account"]),
        (Cause.NON_BROWSER_CLIENT, Tape(agent="curl/8").ask(referer=None), ["unrestricted-token"]),
        (Cause.MOBILE_SDK, Tape(agent="okhttp").ask(referer=None), ["unrestricted-token"]),
        (Cause.PAGE_NOT_ALLOWED, Tape().page().ask(), ["allow+=shop.example.com"]),
        (Cause.UNEXPLAINED, Tape().page().ask(), []),
    ],
)
def test_what_is_tried(cause: Cause, tape: Tape, changes: list[str]) -> None:
    found = proposals(case_of(tape, listing("other.example")), cause)
    assert [proposal[0] for proposal in found] == changes
    for text, says, _, cost in found:
        assert says.rstrip().endswith((".", "!"))
        assert cost is None or cost.endswith(".")
        if "=" in text:
            for part in text.split():
                parse_change(part)  # the model can try it


@pytest.mark.parametrize(
    ("tape", "says", "pasted"),
    [
        (BLOCKED, "with the page", "Referrer-Policy"),
        (Tape().page(html=META).ask(referer=None), "meta element", "<meta"),
        (
            Tape()
            .page(html=f'<img src="{API}{IMAGE}" referrerpolicy="no-referrer">')
            .ask(IMAGE, kind="image", referer=None, token=None),
            "request's own policy",
            "referrerpolicy",
        ),
        (
            redirected(Tape().page(), "https://go.example.org/a?b", "no-referrer", referer=None),
            "redirect at https://go.example.org/ ",
            "Referrer-Policy",
        ),
    ],
)
def test_the_policy_is_changed_where_it_stands(tape: Tape, says: str, pasted: str) -> None:
    first = proposals(case_of(tape, listing(HOST)), Cause.REFERRER_POLICY_BLOCKS)[0]
    assert says in first[1]
    assert pasted in first[2]


@pytest.mark.parametrize(
    ("version", "advice"),
    [("3.9.0", None), ("1.2.0", "this page has 1.2.0: upgrade first")],
)
def test_an_option_that_the_page_s_library_lacks(version: str, advice: str | None) -> None:
    script = f"{API}/mapbox-gl-js/v{version}/mapbox-gl.js"
    tape = Tape().page(policy="no-referrer")
    tape.ask(script, kind="script", status=200, body="", referer=None).ask(STYLE, referer=None)
    last = proposals(case_of(tape, listing(HOST)), Cause.REFERRER_POLICY_BLOCKS)[-1]
    assert last[0] == ASK
    assert "transformRequest" in last[1]
    assert (advice or "and later take") in last[1]


def test_every_cause_but_the_unexplained_has_proposals() -> None:
    assert set(BY_CAUSE) == set(Cause) - {Cause.UNEXPLAINED}
