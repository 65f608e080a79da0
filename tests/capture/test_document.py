"""Documents: which exchange is one, and which of its policies is in force."""

from __future__ import annotations

import pytest

from diagnostics.capture.document import Document, is_document, read_document
from diagnostics.capture.exchange import DecodedParts, Exchange, Headers

PAGE = "https://shop.example.com/map"


def exchange(
    body: str | None = None,
    status: int | None = 200,
    request: dict[str, str] | None = None,
    response: list[tuple[str, str]] | None = None,
    **fields: str,
) -> Exchange:
    parts = DecodedParts(
        Headers((request or {}).items()), Headers(response or ()), body=lambda: body
    )
    values = {"url": PAGE, "mime_type": "text/html; charset=utf-8", **fields}
    return Exchange("t.har", 0, "GET", status=status, parts=parts, **values)


@pytest.mark.parametrize(
    ("status", "fields", "request_headers", "expected"),
    [
        (200, {"resource_type": "document"}, {}, True),
        (200, {"resource_type": "Document"}, {}, True),
        (200, {"resource_type": "iframe"}, {}, True),
        (200, {"resource_type": "fetch"}, {}, False),
        (200, {"resource_type": "xhr"}, {"Sec-Fetch-Dest": "document"}, False),
        (403, {"resource_type": "document"}, {}, True),
        (304, {"resource_type": "document"}, {}, True),
        (301, {"resource_type": "document"}, {}, False),
        (302, {"resource_type": "document"}, {}, False),
        (307, {"resource_type": "document"}, {}, False),
        (308, {"resource_type": "document"}, {}, False),
        (None, {"resource_type": "document"}, {}, False),
        (201, {"resource_type": "document", "redirect_url": "/made"}, {}, True),
        # Without the browser's own word: the media type and what was asked for.
        (200, {}, {}, True),
        (200, {}, {"Sec-Fetch-Dest": "document"}, True),
        (200, {}, {"Sec-Fetch-Dest": "iframe"}, True),
        (200, {}, {"Sec-Fetch-Dest": "empty"}, False),
        (200, {}, {"Accept": "text/html,*/*"}, True),
        (200, {}, {"Accept": "*/*"}, False),
        (200, {"mime_type": "application/xhtml+xml"}, {}, True),
        (200, {"mime_type": "TEXT/HTML"}, {}, True),
        (200, {"mime_type": "application/json"}, {}, False),
        (200, {"mime_type": ""}, {}, False),
    ],
)
def test_what_a_document_is(
    status: int | None, fields: dict[str, str], request_headers: dict[str, str], expected: bool
) -> None:
    assert is_document(exchange(None, status, request_headers, **fields)) is expected


POLICY = "Referrer-Policy"


@pytest.mark.parametrize(
    ("headers", "body", "policy", "source", "unknown"),
    [
        ([], None, "", "", ()),
        ([], "<p>", "", "", ()),
        ([(POLICY, "no-referrer")], None, "no-referrer", "header", ()),
        ([(POLICY, "no-referrer"), (POLICY, "origin")], None, "origin", "header", ()),
        ([(POLICY, "origin, bogus")], None, "origin", "header", ("bogus",)),
        ([(POLICY, "bogus")], None, "", "", ("bogus",)),
        ([], '<meta name=referrer content="never">', "no-referrer", "meta", ()),
        ([], '<meta name="REFERRER" content="ORIGIN">', "origin", "meta", ()),
        ([], '<meta name=referrer content="bogus">', "", "", ("bogus",)),
        ([], '<meta name=referrer content="">', "", "", ()),
        # A known value replaces the header's, an unknown one does not.
        ([(POLICY, "no-referrer")], '<meta name=referrer content="origin">', "origin", "meta", ()),
        (
            [(POLICY, "no-referrer")],
            '<meta name=referrer content="bogus">',
            "no-referrer",
            "header",
            ("bogus",),
        ),
        ([(POLICY, "no-referrer")], "<meta name=referrer content>", "no-referrer", "header", ()),
        # The last known one of several counts.
        (
            [],
            "<meta name=referrer content=origin><meta name=referrer content=same-origin>",
            "same-origin",
            "meta",
            (),
        ),
        # Comments, templates and scripts hold no policy.
        ([], "<!-- <meta name=referrer content=no-referrer> -->", "", "", ()),
        ([], "<template><meta name=referrer content=no-referrer></template>", "", "", ()),
        ([], "<script>'<meta name=referrer content=no-referrer>'</script>", "", "", ()),
    ],
)
def test_the_referrer_policy_in_force(
    headers: list[tuple[str, str]],
    body: str | None,
    policy: str,
    source: str,
    unknown: tuple[str, ...],
) -> None:
    document = read_document(exchange(body, response=headers))
    assert (document.policy, document.policy_from) == (policy, source)
    assert document.unknown_policies == unknown
    assert bool(document.policy_says) == bool(policy)
    assert (document.markup is None) == (body is None)


def test_content_security_policies_of_header_and_markup() -> None:
    body = '<meta http-equiv=content-security-policy content="img-src *; sandbox">'
    document = read_document(
        exchange(body, response=[("Content-Security-Policy", "default-src 'self', connect-src *")])
    )
    assert len(document.policies) == 3
    assert not document.origin_is_opaque  # a sandbox in markup has no effect


@pytest.mark.parametrize(
    ("csp", "opaque"),
    [
        ("sandbox", True),
        ("sandbox allow-scripts", True),
        ("sandbox allow-scripts allow-same-origin", False),
        ("default-src *", False),
    ],
)
def test_a_sandboxed_document_has_an_opaque_origin(csp: str, opaque: bool) -> None:
    document = read_document(exchange(response=[("Content-Security-Policy", csp)]))
    assert document.origin_is_opaque is opaque
    assert document.origin == ("null" if opaque else "https://shop.example.com")


def test_a_sandboxed_frame_has_an_opaque_origin() -> None:
    assert read_document(exchange(), frame_sandboxed=True).origin == "null"


def test_a_document_that_was_not_seen() -> None:
    document = Document(PAGE)
    assert not document.seen
    assert document.where == "not in the capture"
    assert document.origin == "https://shop.example.com"
    assert Document("no url").origin == "null"
    assert read_document(exchange()).where == "t.har entry 0"
