"""The contract's values: names, codes and order, which other people's scripts rely on."""

from __future__ import annotations

import msgspec

from diagnostics.causes import catalog
from diagnostics.journey.proposals import BY_CAUSE
from diagnostics.journey.verdict import (
    Alternative,
    Cause,
    Check,
    Confidence,
    Evidence,
    Finding,
    Fix,
    Stage,
    State,
    Station,
    Verdict,
)
from tests.journey.conftest import Tape, listing, verdict_of

STAGES = ["client", "page", "policy", "wire", "cache", "edge", "rule"]
CAUSES = [
    "non-browser-client",
    "mobile-sdk",
    "local-page",
    "opaque-origin",
    "referrer-policy-blocks",
    "referrer-policy-trims",
    "scheme-downgrade",
    "worker-drops-referer",
    "client-strips-referer",
    "client-rewrites-referer",
    "stylesheet-referer",
    "cached-403",
    "token-missing",
    "token-invalid",
    "token-scope",
    "account-or-resource",
    "api-host-not-allowed",
    "page-not-allowed",
    "scheme-mismatch",
    "port-mismatch",
    "path-mismatch",
    "allowlist-wildcard",
    "allowlist-ip",
    "allowlist-invalid",
    "unexplained",
]
FIELDS = {
    Verdict: "file index method url status provider page referer cause confidence because evidence"
    " alternatives journey fixes",
    Evidence: "says where",
    Alternative: "cause confidence settle",
    Station: "stage state says",
    Fix: "fix says snippet predicted cost",
    Check: "check status says verdicts",
    Finding: "finding severity says where",
}


def test_names_and_codes() -> None:
    assert [stage.value for stage in Stage] == STAGES
    assert [cause.value for cause in Cause] == CAUSES
    assert [c.value for c in Confidence] == ["certain", "likely", "possible"]
    assert [state.value for state in State] == ["ok", "broken", "unknown", "skipped"]
    for kind, fields in FIELDS.items():
        assert list(kind.__struct_fields__) == fields.split()


def test_every_cause_has_proposals_and_a_text_of_its_stage() -> None:
    assert set(BY_CAUSE) == set(Cause) - {Cause.UNEXPLAINED}
    for cause in BY_CAUSE:
        assert catalog.text(cause).stage is not None


def test_a_verdict_survives_its_json() -> None:
    verdict = verdict_of(Tape().page(policy="no-referrer").ask(referer=None), told=listing("x.y"))
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict
