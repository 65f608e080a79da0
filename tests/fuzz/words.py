"""Words of each input's language, which the mutators put into inputs."""

from __future__ import annotations

from tests.fuzz.target import TOKEN

HAR = (
    *("log", "entries", "request", "response", "headers", "name", "value", "url", "status"),
    *("content", "text", "mimeType", "encoding", "base64", "creator", "pages", "pageref"),
    *("_initiator", "stack", "callFrames", "parent", "_file", "\\ud83d", "startedDateTime"),
    *("_fromCache", "_error", "redirectURL", "postData", "_resourceType", "1e999", "-1", "NaN"),
)
URLS = (
    *("https://", "http://", "://", "//", "api.mapbox.com", "shop.example.com", "www.", "@", ":"),
    *("[::1]", "127.0.0.1", "localhost", ":3000", ":443", ":80", "?a=b", "#x", "%2F", "%00", ".."),
    *("blob:https://a.example/1", "data:,x", "about:srcdoc", "file:///x", "xn--", "ß", "。", "*"),
    *("wss://", "javascript:", "\t", "\\", "co.uk", "vercel.app", "a.example.", "%", "/path"),
)
CSP = (
    *("default-src ", "connect-src ", "worker-src ", "img-src ", "sandbox ", "'self'", "'none'"),
    *("'strict-dynamic'", "'nonce-abc'", "'sha256-abc='", "*", "*.mapbox.com", "https:", "blob:"),
    *("upgrade-insecure-requests", "frame-src ", ";", ",", "\n", "allow-same-origin", "script-src"),
)
POLICIES = (
    *("no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin"),
    *("origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url", "never"),
    *("default", "always", "origin-when-crossorigin", ",", " ", "\t", "\n", "NO-REFERRER"),
)
MARKUP = (
    *("<meta name=referrer content=", "<meta http-equiv=content-security-policy content="),
    *('"never"', "'sandbox allow-scripts; img-src *'", "<iframe srcdoc='", "sandbox=", "<base "),
    *("<script>", "</script>", "<!--", "-->", "--!>", "<title>", "</title>", "<style>", "<b>"),
    *(
        "<svg>",
        "<math>",
        "<select>",
        "<table>",
        "<a ",
        "</p>",
        "<template>",
        "&quot;",
        "&#0;",
        "&lt;",
    ),
    *("<img src=https://api.mapbox.com/x.png referrerpolicy=origin>", "<noscript>", "<textarea>"),
    *("<head>", "</head>", "<body>", "<html>", "<plaintext>", "<![CDATA[", "<?", "</", "=", "/>"),
)
SHELL = (
    *("curl ", "curl.exe ", "'", '"', "$'", '^"', "\\\n", "^\n", "\\u0027", "\\x41", "\\101"),
    *(" -H ", " --data-raw ", " -X POST", " --next ", "https://api.mapbox.com/v4/x.json", "$TOKEN"),
    *("`", "$(", "|", "&", ";", ">", "#", "“", "”", "%^", "^^", "-v", "-i", "Referer: "),
    *("> GET / HTTP/1.1\n", "< HTTP/2 403\n", "* Connected", "HTTP/1.1 403 Forbidden\n\n", "--"),
)
TICKET = (
    *("title: ", "story: ", "client: ", "browser: ", "page: ", "sites:\n", "token:\n", "record: "),
    *("&a", "*a", "<<: ", "!!python/object ", "!!binary ", "{{token}}", "{{rest}}", "\n  ", "- "),
    *("? ", ": ", "|\n", ">\n", "2026-99-99", "[", "{", "~", "1e9", "0x", "!!timestamp "),
)
TOKENS = (
    *("pk.", "sk.", "tk.", "eyJ", ".", "=", "%2E", "\\u002e", "&#46;", "%252E", "%25", "%"),
    *("access_token=", "Bearer ", "Basic ", "//", "@", "?", "&", "\0", TOKEN, "token%3D", "\\"),
)
HOSTILE = (
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)"),
    *("\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "\u202e", "\u200b", "{{7*7}}", "{% raw %}", "\r\n"),
    *("|", "`", "```", "](javascript:x)", "<!--", "]]>", "&lt;", "\u0301" * 5, TOKEN),
    *("access_token=", "api.mapbox.com", "no-referrer", "403", "https://shop.example.com/"),
)
QUESTIONS = ('{"referer": ', '"allow": [', '"policy": ', '"page": ', '"to": ', '"via": [', "null")
