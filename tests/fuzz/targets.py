"""Every fuzz target: its name, the sentence that has to hold for any bytes, and what it needs."""

from __future__ import annotations

from tests.fuzz import (
    captures,
    documents,
    entries,
    policies,
    questions,
    quoting,
    reports,
    words,
)
from tests.fuzz.target import TOKEN, Target

TARGETS: tuple[Target, ...] = (
    Target(
        "har",
        "Any bytes give every entry that a JSON parser finds, read or skipped with a reason, or"
        " one line.",
        captures.har,
        "json",
        "**/*.har",
        words.HAR,
    ),
    Target(
        "mend",
        "A repair keeps the length, and reads whatever a JSON parser reads, into text that can be"
        " written.",
        captures.mended,
        tokens=(*words.HAR, *'[]{}",:\\'),
    ),
    Target(
        "upload",
        "Any bytes give captures or one line that names the file, within the limits on size.",
        captures.upload,
        tokens=(*words.HAR, *words.SHELL, "PK\x03\x04", "PK\x05\x06", "9:3:abc"),
        fixtures="handmade/*.*",
    ),
    Target(
        "packed",
        "A capture says the same plain, in gzip, in zlib and in a zip.",
        captures.packed,
        "json",
        "handmade/*.*",
        (*words.HAR, *words.SHELL),
    ),
    Target(
        "flows",
        "Any bytes give flows, skipped ones with a reason, or one line; mitmproxy's own errors"
        " never come through.",
        captures.flows,
        "flow",
        "*.flow",
    ),
    Target(
        "content",
        "A body is decoded within its limit or not at all, and what was encoded comes back.",
        captures.content,
        tokens=("gzip", "br", "zstd", "deflate", ", ", "\n"),
    ),
    Target(
        "curl",
        "Any text gives requests that have a URL, or one line.",
        captures.curl,
        fixtures="**/*.curl",
        tokens=words.SHELL,
    ),
    Target(
        "words",
        "Words that were quoted for bash or cmd, in each of the known ways, are read back as they"
        " were.",
        quoting.words,
        tokens=(*words.SHELL, "\0"),
    ),
    Target(
        "request",
        "A request that was copied as a curl command is read back with URL, method, headers and"
        " body.",
        quoting.request,
        tokens=(*words.URLS, *words.SHELL, "\n", "\n\n", "Referer: ", "POST"),
    ),
    Target(
        "referrer-header",
        "Of all the header's tokens the last known one counts, as in Referrer Policy 8.1.",
        policies.referrer_header,
        tokens=words.POLICIES,
    ),
    Target(
        "referrer-meta",
        "A <meta> or an attribute holds one token or none, as HTML says.",
        policies.referrer_meta,
        tokens=words.POLICIES,
    ),
    Target(
        "referer",
        "What a policy leaves of a URL is what the standard's table and the URL parser's own"
        " setters leave.",
        policies.referer,
        tokens=(*words.URLS, "\n"),
    ),
    Target(
        "csp",
        "A policy that is written anew reads the same; a further policy never admits, a further"
        " source never refuses.",
        policies.policy,
        tokens=(*words.CSP, *words.URLS),
    ),
    Target(
        "url",
        "A URL has the parts that the parser itself names, and its serialisation is the same URL.",
        policies.address,
        tokens=(*words.URLS, "\n"),
    ),
    Target(
        "allowed-urls",
        "A further entry never refuses, order and letter case of hosts decide nothing, a page's"
        " own origin admits it.",
        entries.allowed_urls,
        tokens=(*words.URLS, "\n"),
    ),
    Target(
        "lint",
        "An entry is an error exactly where it cannot match, and what is suggested for it can.",
        entries.lint,
        tokens=(*words.URLS, "\n"),
    ),
    Target(
        "allow-file",
        "Any file gives entries or one line.",
        entries.allow_list,
        tokens=("\n", "# ", '["', '", "', '"]', "\ufeff"),
    ),
    Target(
        "token-list",
        "Any bytes give what the account allows, or one line.",
        entries.token_list,
        "json",
        tokens=("id", "usage", "default", "scopes", "allowedUrls", "token", "note", TOKEN),
    ),
    Target(
        "token",
        "Any text is read without an error; what was encoded is read back; the shown form hides"
        " the signature.",
        entries.token,
        tokens=words.TOKENS,
    ),
    Target(
        "redaction",
        "A token in any encoding, between any texts, is in no redacted text, and a second look"
        " finds nothing.",
        entries.redaction,
        tokens=words.TOKENS,
        longest=4_000,
    ),
    Target(
        "html",
        "Any markup is read to values that can be written, and what stands in a comment says"
        " nothing.",
        documents.markup,
        tokens=words.MARKUP,
    ),
    Target(
        "tags",
        "Start tags stand one behind the other, each attribute within its tag.",
        documents.tags,
        tokens=words.MARKUP,
    ),
    Target(
        "rewrite",
        "Without a change every byte stays; after one the HTML parser finds nothing that was left"
        " unchanged.",
        documents.rewritten,
        tokens=words.MARKUP,
    ),
    Target(
        "ticket",
        "Any text is a ticket that is the same after it is written and read again, or one line.",
        questions.ticket,
        tokens=(*words.TICKET, *words.URLS),
    ),
    Target(
        "change",
        "A what-if change that was read says itself again, or says what to write.",
        questions.change,
        tokens=(
            "referrer-policy=",
            "allow+=",
            "allow-=",
            "gl-js=3.9.0",
            "csp-=sandbox",
            *words.URLS,
        ),
    ),
    Target(
        "jsonl",
        "Each line has one answer, in order; an error is one line.",
        questions.answers,
        tokens=(*words.QUESTIONS, *words.URLS, *words.POLICIES, "\n", '"}'),
    ),
    Target(
        "shown",
        "Whatever a text holds, what is shown of it has no control, no escape and a bounded width.",
        reports.shown,
        tokens=words.HOSTILE,
    ),
    Target(
        "report",
        "No report shows a token, moves a cursor, or holds anything that a browser would run or"
        " fetch.",
        reports.report,
        "json",
        "*.har",
        (*words.HAR, *words.HOSTILE),
    ),
    Target(
        "sanitize",
        "A secret that is planted in any text of a capture is not in the sanitized one, which has"
        " the same places.",
        reports.sanitized,
        "json",
        "*.har",
        (*words.HAR, *words.HOSTILE),
    ),
    Target(
        "derive",
        "A capture gives a ticket that can be read and holds no token, or one line.",
        reports.derived,
        "json",
        "*.har",
        (*words.HAR, *words.HOSTILE),
    ),
)

BY_NAME = {target.name: target for target in TARGETS}
