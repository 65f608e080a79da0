"""The model against every measured cell of two real browsers, and against the specifications."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.browser import engine as engine_data
from diagnostics.browser import referrer_policy as rp
from diagnostics.browser.referrer import (
    Context,
    Hop,
    Means,
    Situation,
    predict,
    predict_referer,
)

TRUTH = json.loads((Path(__file__).parent / "browser_truth.json").read_text())
API = "https://api.mapbox.com/"
SHEET = "https://cdn.example.net/s.css"
WORKER = "https://shop.example.com/worker.js"

#: What each measured kind of request is, in the model's terms.
KINDS = {
    "main-fetch": {},
    "main-fetch-ref-href": {"names_referrer": True},
    "main-fetch-pol-sowco": {"request_policy": "strict-origin-when-cross-origin"},
    "main-fetch-pol-unsafe": {"request_policy": "unsafe-url"},
    "main-xhr": {"means": Means.XHR},
    "main-redirected": {"via": "https://redir.example.org/"},
    "img": {"means": Means.ELEMENT},
    "img-attr-origin": {"means": Means.ELEMENT, "request_policy": "origin"},
    "blobw-fetch": {"context": Context.BLOB_WORKER_FETCH},
    "blobw-fetch-ref": {"context": Context.BLOB_WORKER_FETCH, "names_referrer": True},
    "blobw-xhr": {"context": Context.BLOB_WORKER_XHR, "means": Means.XHR},
    "netw-fetch": {"context": Context.NETWORK_WORKER, "source": WORKER},
    "netw-fetch-ref": {
        "context": Context.NETWORK_WORKER,
        "source": WORKER,
        "names_referrer": True,
    },
    "netw-xhr": {"context": Context.NETWORK_WORKER, "source": WORKER, "means": Means.XHR},
    "dataw-fetch": {"context": Context.DATA_WORKER},
    "dataw-fetch-ref": {"context": Context.DATA_WORKER, "names_referrer": True},
    "dataw-xhr": {"context": Context.DATA_WORKER, "means": Means.XHR},
    "css-inline": {"means": Means.INLINE_STYLE},
    "css-external": {"context": Context.STYLESHEET, "page": SHEET},
    "srcdoc-fetch": {"context": Context.SRCDOC},
    "srcdoc-img": {"context": Context.SRCDOC, "means": Means.ELEMENT},
    "srcdoc-sbx-fetch": {"context": Context.SANDBOXED},
    "srcdoc-sbx-img": {"context": Context.SANDBOXED, "means": Means.ELEMENT},
    "frame-fetch": {"own_document": True},
    "frame-img": {"own_document": True, "means": Means.ELEMENT},
    "frame-sbx-fetch": {"own_document": True, "context": Context.SANDBOXED},
    "frame-sbx-img": {
        "own_document": True,
        "context": Context.SANDBOXED,
        "means": Means.ELEMENT,
    },
    "iframe-nav": {"means": Means.ELEMENT},
    "iframe-nav-norefattr": {"means": Means.ELEMENT, "request_policy": "no-referrer"},
    "sw-own-fetch": {"context": Context.SERVICE_WORKER},
    "sw-passthrough": {},
}
NOT_FROM_THE_PAGE = {Context.STYLESHEET, Context.DATA_WORKER}


def situation(engine: str, setup: str, kind: str) -> Situation:
    # Firefox loaded the http page over https (its HTTPS-First mode), as all its Referers show.
    scheme = "http" if setup.startswith("http-page") and engine == "chromium" else "https"
    page = f"{scheme}://shop.example.com/map?x=1"
    policy = {
        "default": "",
        "meta-no-referrer": "no-referrer",
        "csp-sandbox": "",
        "csp-sandbox-same-origin": "",
        "redirect-no-referrer": "",
        "worker-own-unsafe-url": "no-referrer",
        "http-page-default": "",
        "http-page-unsafe-url": "unsafe-url",
    }.get(setup, setup)
    values = {"page": page, "policy": policy, "to": API} | KINDS[kind]
    if values.pop("own_document", False):
        values |= {"policy": "", "page": f"{scheme}://shop.example.com/frame"}
    hop_policy = "no-referrer" if setup in {"redirect-no-referrer", "worker-own-unsafe-url"} else ""
    if "via" in values:
        values["via"] = (Hop(values["via"], hop_policy),)
    context = values.get("context", Context.DOCUMENT)
    if setup == "worker-own-unsafe-url" and context is Context.NETWORK_WORKER:
        values["own_policy"] = "unsafe-url"
    if "source" in values:
        values["source"] = f"{scheme}://shop.example.com/worker.js"
    # A worker, frame or style of a sandboxed page is sandboxed with it.
    if setup == "csp-sandbox" and context not in NOT_FROM_THE_PAGE:
        values["context"] = Context.SANDBOXED
    return Situation(**values)


CELLS = [
    pytest.param(engine, setup, kind, referer, id=f"{engine}-{setup}-{kind}")
    for engine, setups in TRUTH["truth"].items()
    for setup, kinds in setups.items()
    for kind, referer in kinds.items()
]


@pytest.mark.parametrize(("engine", "setup", "kind", "referer"), CELLS)
def test_every_measured_cell(engine, setup, kind, referer):
    prediction = predict(situation(engine, setup, kind), engine_data.engine(engine))
    assert prediction.referer == referer, prediction.says


# The specification's own behaviour, and what the measured cells do not hold.

PAGE = "https://shop.example.com/map?x=1"
ORIGIN = "https://shop.example.com/"


def spec(page: str = PAGE, to: str = API, **values: object) -> str | None:
    return predict(Situation(page=page, to=to, **values), engine_data.engine("spec")).referer


@pytest.mark.parametrize("name", ["chromium", "firefox"])
@pytest.mark.parametrize(
    ("page", "to", "measured", "by_the_specification"),
    [
        ("https://shop.example.com/map", "http://localhost:3000/x", None, ORIGIN),
        ("https://shop.example.com/map", "http://127.0.0.1:3000/x", None, ORIGIN),
        ("http://localhost:3000/p", "http://plain.example.org/x", "http://localhost:3000/", None),
        ("http://localhost:3000/p", "https://plain.example.org/x", "http://localhost:3000/",
         "http://localhost:3000/"),
    ],
)  # fmt: skip
def test_browsers_call_a_downgrade_what_leaves_https(
    name: str, page: str, to: str, measured: str | None, by_the_specification: str | None
) -> None:
    """Measured in Chromium 156 and Firefox ESR 153."""
    assert predict(Situation(page=page, to=to), engine_data.engine(name)).referer == measured
    assert spec(page, to) == by_the_specification


@pytest.mark.parametrize(
    ("values", "referer"),
    [
        ({}, ORIGIN),
        ({"policy": "unsafe-url"}, PAGE),
        ({"policy": "no-referrer"}, None),
        ({"to": "https://shop.example.com/api"}, PAGE),
        ({"page": "https://kim:secret@shop.example.com/map#part"}, ORIGIN),
        ({"page": PAGE + "#part", "policy": "unsafe-url"}, PAGE),
        ({"page": "https://shop.example.com:8443/x"}, "https://shop.example.com:8443/"),
        ({"page": "http://localhost:3000/x"}, "http://localhost:3000/"),
        ({"to": "http://api.mapbox.com/"}, None),
        ({"to": "http://localhost:8000/"}, ORIGIN),
        ({"page": "http://shop.example.com/x"}, "http://shop.example.com/"),
        # What asks decides before the page does.
        ({"policy": "no-referrer", "request_policy": "origin"}, ORIGIN),
        ({"policy": "unsafe-url", "request_policy": "no-referrer"}, None),
        # Pages that cannot be a referrer.
        *[({"page": page}, None) for page in (
            "file:///home/kim/map.html", "data:text/html,x", "about:blank", "capacitor://localhost/",
            "chrome-extension://abc/popup.html", "blob:https://shop.example.com/1",
        )],
        # Workers.
        ({"context": Context.BLOB_WORKER_XHR}, None),
        ({"context": Context.BLOB_WORKER_FETCH}, None),
        ({"context": Context.BLOB_WORKER_FETCH, "names_referrer": True}, ORIGIN),
        (
            {"context": Context.BLOB_WORKER_FETCH, "names_referrer": True, "policy": "unsafe-url"},
            PAGE,
        ),
        ({"context": Context.DATA_WORKER, "names_referrer": True}, None),
        ({"context": Context.NETWORK_WORKER, "source": WORKER, "policy": "no-referrer"}, ORIGIN),
        (
            {"context": Context.NETWORK_WORKER, "source": WORKER, "own_policy": "unsafe-url"},
            WORKER,
        ),
        ({"context": Context.SANDBOXED}, None),
        ({"context": Context.SANDBOXED, "policy": "unsafe-url", "means": Means.ELEMENT}, None),
        ({"context": Context.STYLESHEET, "page": SHEET}, "https://cdn.example.net/"),
        ({"context": Context.STYLESHEET, "page": SHEET, "policy": "no-referrer"},
         "https://cdn.example.net/"),
        ({"context": Context.STYLESHEET, "page": SHEET, "own_policy": "no-referrer"}, None),
        ({"context": Context.SERVICE_WORKER, "policy": "no-referrer"}, ORIGIN),
        ({"context": Context.SERVICE_WORKER, "own_policy": "no-referrer"}, None),
    ],
)  # fmt: skip
def test_the_specification_follows_its_text(values: dict, referer: str | None) -> None:
    assert spec(**values) == referer


@pytest.mark.parametrize(
    ("policy", "via", "referer"),
    [
        ("unsafe-url", [("https://redir.example.org/", "")], PAGE),
        # What a hop leaves, the next cannot bring back.
        ("unsafe-url", [("https://redir.example.org/", "origin")], ORIGIN),
        ("origin", [("https://redir.example.org/", "unsafe-url")], ORIGIN),
        ("unsafe-url", [("https://redir.example.org/", "no-referrer")], None),
        ("no-referrer", [("https://redir.example.org/", "unsafe-url")], None),
        ("same-origin", [("https://shop.example.com/go", "")], None),
        ("", [("https://shop.example.com/go", "")], ORIGIN),
        # A hop over http takes the Referer away under a strict policy, and it stays away.
        ("", [("http://redir.example.org/", "")], None),
        ("origin", [("http://redir.example.org/", "")], ORIGIN),
        ("", [("https://a.example/", "no-referrer"), ("https://b.example/", "unsafe-url")], None),
        ("", [("https://a.example/", ""), ("https://b.example/", "no-referrer")], None),
        (
            "unsafe-url",
            [("https://a.example/", "strict-origin"), ("https://b.example/", "unsafe-url")],
            ORIGIN,
        ),
    ],
)
def test_redirects(policy: str, via: list[tuple[str, str]], referer: str | None) -> None:
    assert spec(policy=policy, via=tuple(Hop(*hop) for hop in via)) == referer


def test_a_long_page_is_cut_to_its_origin() -> None:
    page = "https://shop.example.com/".ljust(5_000, "x")
    prediction = predict_referer(page, API, "unsafe-url", [], "document", "spec")
    assert prediction.referer == ORIGIN
    assert "longer than 4096" in prediction.says


@pytest.mark.parametrize(
    ("page", "policy", "decided_by"),
    [
        (PAGE, "no-referrer", "policy"),
        (PAGE, "origin", "policy"),
        ("file:///x", "", "page"),
    ],
)
def test_what_decided(page: str, policy: str, decided_by: str) -> None:
    prediction = predict(Situation(page, API, policy), engine_data.engine("spec"))
    assert prediction.decided_by == decided_by
    assert prediction.says.endswith(".")


@pytest.mark.parametrize(
    ("page", "to", "context", "engine", "says"),
    [
        ("no url", API, "document", "spec", "page “no url” is not a URL"),
        (PAGE, "no url", "document", "spec", "target “no url” is not a URL"),
        (PAGE, API, "window", "spec", "unknown context “window”"),
        (PAGE, API, "document", "gecko", "unknown engine “gecko”"),
    ],
)
def test_wrong_questions(page: str, to: str, context: str, engine: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        predict_referer(page, to, None, [], context, engine)


def test_unknown_tokens_are_mentioned() -> None:
    prediction = predict_referer(PAGE, API, "origin, orgin", [], "document", "spec")
    assert prediction.referer == ORIGIN
    assert "“orgin”" in prediction.says


WEB = st.sampled_from(
    ["https://shop.example.com/map?x=1#y", "http://shop.example.com/m", "http://localhost:3000/",
     "https://kim:secret@shop.example.com/m", "https://api.mapbox.com/styles/v1/a/b.html",
     "file:///x.html", "data:text/html,x", "https://www.shop.example.com/"]
)  # fmt: skip
POLICY = st.sampled_from(["", *rp.POLICIES])


@settings(deadline=None)
@given(
    st.builds(
        Situation,
        page=WEB,
        to=WEB.filter(lambda url: url.startswith("http")),
        policy=POLICY,
        context=st.sampled_from(Context),
        means=st.sampled_from(Means),
        request_policy=POLICY,
        own_policy=POLICY,
        source=st.sampled_from(["", WORKER]),
        names_referrer=st.booleans(),
        via=st.lists(st.builds(Hop, WEB, POLICY), max_size=3).map(tuple),
    ),
    st.sampled_from(["spec", "chromium", "firefox"]),
)
def test_every_prediction(situation: Situation, engine: str) -> None:
    prediction = predict(situation, engine_data.engine(engine))
    assert prediction.says.endswith(".")
    if prediction.referer is not None:
        assert prediction.referer.startswith(("http://", "https://"))
        assert "#" not in prediction.referer
        assert "secret" not in prediction.referer
        assert situation.request_policy != "no-referrer"
        assert all(hop.policy != "no-referrer" for hop in situation.via)
