"""Verdicts as a running capture gets them."""

from __future__ import annotations

import msgspec

from diagnostics.journey.verdict import Cause, Confidence, Fix, Verdict

BLOCKED, HOST = Cause.REFERRER_POLICY_BLOCKS, Cause.PAGE_NOT_ALLOWED


def verdict(index: int = 0, cause: Cause = BLOCKED, **more: object) -> Verdict:
    made = Verdict(
        file="live capture",
        index=index,
        method="GET",
        url="https://api.mapbox.com/v4/x/1/0/0.png",
        status=403,
        provider="mapbox",
        page="https://shop.example.com/map",
        referer=None,
        cause=cause,
        confidence=Confidence.CERTAIN,
        because="The page says no-referrer.",
        evidence=(),
        alternatives=(),
        journey=(),
        fixes=(Fix("x", "Send another policy.", "", "allowed"),),
    )
    return msgspec.structs.replace(made, **more)
