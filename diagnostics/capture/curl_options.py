"""What the words of a curl command mean: which requests it sends, with which headers.

The options and their arity are in `curl.yaml`. Source of every rule: curl's manual
(https://curl.se/docs/manpage.html).
"""

from __future__ import annotations

import functools
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from importlib import resources

import msgspec

from diagnostics.capture.fields import basic_authorization


class Browser(msgspec.Struct, frozen=True):
    """A browser that copies curl commands: what its User-Agent contains, the exporter's title."""

    contains: str
    title: str


class Knowledge(msgspec.Struct, frozen=True):
    """The content of `curl.yaml`."""

    takes_value: tuple[str, ...]
    flags: tuple[str, ...]
    browsers: tuple[Browser, ...]
    blind_spots: dict[str, str]


@functools.lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    data = resources.files(__package__).joinpath("curl.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=Knowledge)


@functools.lru_cache(maxsize=1)
def _options() -> tuple[dict[str, bool], dict[str, str]]:
    """Long names with whether they take a value, and short letters with their long names."""
    long: dict[str, bool] = {"next": False}
    short: dict[str, str] = {":": "next"}
    for takes, entries in ((True, knowledge().takes_value), (False, knowledge().flags)):
        for entry in entries:
            name, _, letter = entry.partition("/")
            long[name] = takes
            if letter:
                short[letter] = name
    return long, short


class CurlRequest(msgspec.Struct, frozen=True):
    """One request of a command. `headers` are those it names and those that curl adds of itself;
    `browser` is the exporter's title of the browser it was copied from, empty for none;
    `write_out` is the format of `-w`; `reads_files` tells that parts of it are in other files."""

    url: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: str | None = None
    http_version: str = ""
    browser: str = ""
    follows_redirects: bool = False
    referer_follows: bool = False
    write_out: str = ""
    reads_files: bool = False


def read_requests(words: Sequence[str]) -> list[CurlRequest]:
    """The requests that `curl WORDS` sends, one for each URL; none where no word is a URL."""
    requests: list[CurlRequest] = []
    settings = _Settings()
    for name, value in [*_named(words), ("next", "")]:
        if name == "next":
            requests += settings.requests()
            settings = _Settings()
        else:
            settings.take(name, value)
    return requests


def _named(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option by its long name and value; a URL is the option `url`, as in curl itself."""
    long, short = _options()
    at = 0
    while at < len(words):
        word = _plain_dashes(words[at])
        at += 1
        following = words[at] if at < len(words) else None
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            name = _long_name(name)
            if equals:
                yield name, value
            elif long.get(name, _looks_like_a_value(name, following)):
                yield name, following or ""
                at += 1
            elif name:
                yield name, ""
        elif word.startswith("-") and len(word) > 1:
            for position, letter in enumerate(word[1:], start=2):
                name = short.get(letter, letter)
                if not long.get(name, False):
                    yield name, ""
                    continue
                attached = word[position:]
                yield name, attached or following or ""
                at += not attached
                break
        elif word:
            yield "url", words[at - 1]


def _plain_dashes(word: str) -> str:
    """Word processors and ticket systems make `--data` and `-H` into `—data` and `–H`."""
    if word[:1] not in ("–", "—"):
        return word
    return ("-" if len(word) == 2 else "--") + word[1:]


@functools.lru_cache(maxsize=512)
def _long_name(name: str) -> str:
    """The option's full name; curl takes an unambiguous beginning of one for the whole, and
    `--expand-` before any."""
    name = name.removeprefix("expand-")
    names = _options()[0]
    if name in names or not name:
        return name
    longer = [known for known in names if known.startswith(name)]
    return longer[0] if len(longer) == 1 else name


def _looks_like_a_value(name: str, following: str | None) -> bool:
    """Whether what follows an unknown option is its value: neither an option nor a URL."""
    if not name or following is None or name.startswith("no-"):
        return False
    return not following.startswith(("-", "–", "—")) and not _is_url(following)


_SCHEME = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_HOST = re.compile(
    r"(?:(?:[\w-]{1,63}\.){1,30}[A-Za-z][\w-]{0,62}|localhost|\[[0-9A-Fa-f:.]{2,45}\]"
    r"|\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?(?:[/?#]\S*)?"
)
_GLOB = re.compile(r"\\([\[\]{}])")
_HTTP_VERSIONS = {
    "http0.9": "HTTP/0.9",
    "http1.0": "HTTP/1.0",
    "http1.1": "HTTP/1.1",
    "http2": "HTTP/2",
    "http2-prior-knowledge": "HTTP/2",
    "http3": "HTTP/3",
    "http3-only": "HTTP/3",
}


_FOLLOWING = frozenset({"location", "location-trusted", "follow"})
_AUTHORITY = re.compile(r"[a-z]+://(?:[^/?#@]*@)?([^/?#]*)", re.IGNORECASE)


def _is_url(word: str) -> bool:
    return bool(_SCHEME.match(word) or _HOST.fullmatch(word))


class _Settings:
    """What the options up to `--next` ask for."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.given: dict[str, str] = {}  # options of which the last one counts
        self.custom: list[tuple[str, str]] = []
        self.removed: set[str] = set()
        self.cookies: list[str] = []
        self.data: list[str] = []
        self.query: list[str] = []
        self.has_body = False
        self.reads_files = False
        self.http_version = ""

    def take(self, name: str, value: str) -> None:
        if name == "url":
            if _is_url(value):
                self.urls.append(value)
        elif name == "header":
            self._header(value)
        elif name == "cookie":
            if "=" in value:
                self.cookies.append(value)
            else:
                self.reads_files = True
        elif name in ("data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"):
            self._data(name, value)
        elif name in ("form", "form-string", "upload-file"):
            self.has_body = True
            self.given[name] = value
        elif name == "url-query":
            self.query.append(value.removeprefix("+"))
        elif name == "config":
            self.reads_files = True
        elif name in _HTTP_VERSIONS:
            self.http_version = _HTTP_VERSIONS[name]
        else:
            self.given[name] = value

    def _header(self, value: str) -> None:
        """`Name: value`; `Name:` takes curl's own away; `Name;` sends it empty; `@file`."""
        if value.startswith("@"):
            self.reads_files = True
            return
        name, colon, content = value.partition(":")
        content = content.strip()
        if colon and name.strip():
            if content:
                self.custom.append((name.strip(), content))
            else:
                self.removed.add(name.strip().lower())
        elif value.rstrip().endswith(";") and len(value.rstrip()) > 1:
            self.custom.append((value.rstrip()[:-1].strip(), ""))

    def _data(self, name: str, value: str) -> None:
        self.has_body = True
        if name == "data-urlencode":
            key, equals, content = value.partition("=")
            if "@" in key or (not equals and "@" in value):
                self.reads_files = True
                return
            content = content if equals else key
            value = urllib.parse.quote(content, safe="")
            if equals and key:
                value = f"{key}={value}"
        elif name != "data-raw" and value.startswith("@"):
            self.reads_files = True
            return
        if name == "json":
            self.given["json"] = ""
        self.data.append(value)

    def requests(self) -> list[CurlRequest]:
        body = ("" if "json" in self.given else "&").join(self.data) if self.data else None
        query = list(self.query)
        if "get" in self.given:
            query += [body] if body else []
            body = None
        return [
            CurlRequest(
                url=url,
                method=self._method(),
                headers=tuple(self._headers(url)),
                body=body,
                http_version=self.http_version,
                browser=self._browser(),
                follows_redirects=not _FOLLOWING.isdisjoint(self.given),
                referer_follows=self.given.get("referer", "").endswith(";auto"),
                write_out=self.given.get("write-out", ""),
                reads_files=self.reads_files,
            )
            for url in (self._address(url, query) for url in self.urls)
        ]

    def _address(self, url: str, query: list[str]) -> str:
        if "globoff" not in self.given:
            url = _GLOB.sub(r"\1", url)
        if not _SCHEME.match(url):
            url = f"{self.given.get('proto-default') or 'http'}://{url}"
        if not query:
            return url
        url, hash_, fragment = url.partition("#")
        mark = "&" if "?" in url else "?"
        return f"{url}{mark}{'&'.join(query)}{hash_}{fragment}"

    def _method(self) -> str:
        if self.given.get("request"):
            return self.given["request"]
        if "head" in self.given:
            return "HEAD"
        if "upload-file" in self.given:
            return "PUT"
        return "POST" if self.has_body and "get" not in self.given else "GET"

    def _browser(self) -> str:
        """Browsers write their User-Agent as a header; `-A` is a person's."""
        agent = next((value for name, value in self.custom if name.lower() == "user-agent"), "")
        if not agent.startswith("Mozilla/"):
            return ""
        for browser in knowledge().browsers:
            if browser.contains in agent:
                return browser.title
        return ""

    def _headers(self, url: str) -> Iterator[tuple[str, str]]:
        """curl's own fields first, as it sends them; of a browser's copy only what it lists, for
        what the copy leaves out is not known to have been sent."""
        own: list[tuple[str, str]] = []
        if not self._browser():
            authority = _AUTHORITY.match(url)
            own.append(("Host", authority[1] if authority else ""))
            own.append(("User-Agent", self.given.get("user-agent", "curl")))
            own.append(("Accept", "application/json" if "json" in self.given else "*/*"))
        elif "user-agent" in self.given:
            own.append(("User-Agent", self.given["user-agent"]))
        if "user" in self.given:
            own.append(("Authorization", basic_authorization(self.given["user"])))
        if "oauth2-bearer" in self.given:
            own.append(("Authorization", f"Bearer {self.given['oauth2-bearer']}"))
        if "range" in self.given:
            own.append(("Range", f"bytes={self.given['range']}"))
        own.append(("Referer", self.given.get("referer", "").removesuffix(";auto")))
        if self.data and "get" not in self.given and not self._browser():
            form = "application/x-www-form-urlencoded"
            own.append(("Content-Type", "application/json" if "json" in self.given else form))
        replaced = self.removed | {name.lower() for name, _ in self.custom}
        yield from ((name, value) for name, value in own if value and name.lower() not in replaced)
        if self.cookies:
            yield "Cookie", "; ".join(self.cookies)
        yield from self.custom
