"""The model against every measured cell of two real browsers."""

import json
from pathlib import Path

import pytest

from diagnostics.browser import engine as engine_data
from diagnostics.browser.referrer import (
    Context,
    Hop,
    Means,
    Situation,
    predict,
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
