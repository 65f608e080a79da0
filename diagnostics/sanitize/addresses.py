"""Addresses without secrets: where they lead stays, what they carry does not.

Scheme, host and the words of a path decide a diagnosis. User names, fragments and the values of a
query go; whatever of a path is no word gets a stand-in, the same wherever it stood, so that a
redirect still leads where it led.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable

from diagnostics.browser import url as urls
from diagnostics.browser.url import Url
from diagnostics.capture.redacted import is_redacted
from diagnostics.provider import token as tokens
from diagnostics.provider.profile import Profile, profile_for
from diagnostics.sanitize.harmless import is_phrase, is_word
from diagnostics.sanitize.kept import kept
from diagnostics.sanitize.provider_path import clean_path
from diagnostics.sanitize.standins import StandIns, Tally

_NOWHERE = frozenset({"about:blank", "about:srcdoc", "about:client", "null", ""})
_HIERARCHICAL = frozenset({"http", "https", "ws", "wss", "ftp"})
_SDK = re.compile(r"js-\d{1,3}(?:\.\d{1,3}){0,3}")
_LABEL = re.compile(r"(?=[a-z]*\d)[a-z0-9_]{24,}|[a-z0-9_]{36,}")
_SCHEME = re.compile(r"[a-z][a-z-]{0,23}")
_MEDIA = re.compile(r"data:([a-z]{1,12}/[a-z+]{1,20})?", re.IGNORECASE)
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,12})$")
_KEPT_IN_CACHE = 50_000


class Addresses:
    """Cleans the addresses of one capture. `keep` are allowed URLs that the user told: words of
    theirs in a path or query are no secret."""

    def __init__(self, standins: StandIns, keep: Iterable[str] = ()) -> None:
        self._standins = standins
        self._tally = standins.tally
        self._segments: set[str] = set()
        self._pairs: set[str] = set()
        self._labels: set[str] = set()
        self._done: dict[str, tuple[str, Tally]] = {}
        for entry in keep:
            self._keep(entry)

    def _keep(self, entry: str) -> None:
        rest = entry.strip().partition("://")[2] or entry.strip()
        rest, _, query = rest.partition("#")[0].partition("?")
        host, _, path = rest.partition("/")
        self._labels.update(re.split(r"[.:]", host.lower()))
        self._segments.update(urllib.parse.unquote(segment) for segment in path.split("/"))
        self._pairs.update(query.split("&"))

    def clean(self, text: str) -> str:
        """An address of any kind; what is none becomes a stand-in. Never raises."""
        if text in _NOWHERE:
            return text
        done = self._done.get(text)
        if done is None:
            tally, self._tally = self._tally, Tally()
            self._standins.tally = self._tally
            try:
                done = self._clean(text), self._tally
            finally:
                self._tally = self._standins.tally = tally
            if len(self._done) < _KEPT_IN_CACHE and len(text) < 4096:
                self._done[text] = done
        self._tally.add(done[1])
        return done[0]

    def header(self, text: str) -> str:
        """The value of a header that is an address; another tool's marker stays one."""
        return "[redacted]" if is_redacted(text) else self.clean(text.strip())

    def relative(self, base: str, reference: str) -> str:
        """A reference as an absolute address."""
        joined = urls.join(base, reference)
        return self.clean(joined if joined is not None else reference)

    def host(self, text: str) -> str:
        """A host with or without a port, as in the Host header."""
        url = urls.parse(f"https://{text}/")
        return self._authority(url) if url is not None else self._standins.hidden(text)

    def segments(self, host: str, path: str) -> str:
        """A path below a host, as in a source of a Content-Security-Policy, where a slash at the
        end stands for all that begins so."""
        profile = profile_for(host)
        if profile is None:
            return self._path(path)
        return clean_path(profile, path, self._standins, self.segment, folder=path.endswith("/"))

    def _clean(self, text: str) -> str:
        url = urls.parse(text)
        if url is None:
            return self._standins.hidden(text)
        if url.scheme in _HIERARCHICAL:
            return self._web(url, text)
        if url.scheme == "blob":
            return self._blob(text)
        if url.scheme == "data":
            media = _MEDIA.match(text)
            kind = media[1] if media and media[1] else ""
            return f"data:{kind},{self._standins.hidden(_after(text, ','))}"
        if url.scheme == "about":
            return "about:blank"
        return self._local(url)

    def _web(self, url: Url, text: str) -> str:
        if "@" in url.href.split("/", 3)[2]:
            self._tally.removed["user names and passwords in addresses"] += 1
        if url.fragment:
            self._tally.removed["fragments"] += 1
        profile = profile_for(url.host)
        path = self._provider(profile, url.path) if profile else self._path(url.path)
        query = self._query(url.query, profile)
        if path == "/" and not query and "/" not in text.partition("://")[2]:
            path = ""  # as some write an origin
        return f"{url.scheme}://{self._authority(url)}{path}{'?' + query if query else ''}"

    def _authority(self, url: Url) -> str:
        address = url.href.split("/", 3)[2].rpartition("@")[2]
        if urls.is_ip_address(url.host):
            return address
        host, colon, port = address.partition(":")
        labels = [self._label(label) for label in host.split(".")]
        return ".".join(labels) + colon + port

    def _label(self, label: str) -> str:
        if label in self._labels or not _LABEL.fullmatch(label):
            return label
        self._tally.replaced["parts of host names"] += 1
        return self._standins.hidden(label)

    def _blob(self, text: str) -> str:
        inner = urls.parse(text[5:])
        origin = "null"
        if inner is not None and inner.scheme in _HIERARCHICAL:
            origin = f"{inner.scheme}://{self._authority(inner)}"
        return f"blob:{origin}/{self._standins.hidden(text[5:].rpartition('/')[2])}"

    def _local(self, url: Url) -> str:
        """A page in a file, an app or an extension: the scheme and the file's name, if a word."""
        if not _SCHEME.fullmatch(url.scheme):
            return self._standins.hidden(url.href)
        if not url.href.startswith(f"{url.scheme}://"):
            return f"{url.scheme}:{self._standins.hidden(url.href)}"
        host = url.host if url.host in {"", "localhost"} else self._standins.hidden(url.host)
        *folders, name = url.path.split("/")
        hidden = [folder and self._standins.hidden(folder) for folder in folders]
        if any(folders):
            self._tally.replaced["names of folders"] += sum(map(bool, folders))
        return f"{url.scheme}://{host}{'/'.join([*hidden, self.segment(name)])}"

    def _provider(self, profile: Profile, path: str) -> str:
        return clean_path(profile, path, self._standins, self.segment)

    def _path(self, path: str) -> str:
        return "/".join(map(self.segment, path.split("/")))

    def segment(self, raw: str, *, phrase: bool = False) -> str:
        """One segment of a path: as it is where it is a word, else a stand-in with its ending."""
        text = urllib.parse.unquote(raw) if "%" in raw else raw
        if not text or text in self._segments:
            return raw
        if is_word(text) or (phrase and is_phrase(text)) or self._standins.stays(text):
            return raw
        self._tally.replaced["parts of paths"] += 1
        return self._hidden_name(text)

    def _hidden_name(self, text: str) -> str:
        if token := _token_in(text):
            return self._standins.token(token)
        library = [name for name in kept().library_names if name in text]
        ending = _ENDING.search(text)
        keeps_ending = ending is not None and ending[1].lower() in kept().endings
        body = text[: ending.start()] if ending is not None and keeps_ending else text
        hidden = self._standins.hidden(body)
        ending_text = f".{ending[1]}" if ending is not None and keeps_ending else ""
        return "-".join([*library[:1], hidden]) + ending_text

    def _query(self, query: str, profile: Profile | None) -> str:
        if not query:
            return ""
        return "&".join(self._pair(pair, profile) for pair in query.split("&"))

    def _pair(self, pair: str, profile: Profile | None) -> str:
        if not pair or pair in self._pairs:
            return pair
        raw_name, equals, raw = pair.partition("=")
        name, value = (urllib.parse.unquote_plus(part) for part in (raw_name, raw))
        shown = raw_name if is_word(name) else self._standins.hidden(name)
        if shown is not raw_name:
            self._tally.replaced["names in queries"] += 1
        return f"{shown}{equals}{self._value(name, value, raw, profile)}"

    def _value(self, name: str, value: str, raw: str, profile: Profile | None) -> str:
        if not value or value.lower() in kept().no_secrets:
            return raw
        if profile is not None and name == profile.token_parameter:
            return urllib.parse.quote(self._standins.token(value), safe="[]")
        if name == "sdk" and _SDK.fullmatch(value):
            return raw
        if is_redacted(value):
            return "[redacted]"
        if token := _token_in(value):
            return self._standins.token(token)
        self._tally.replaced["values in queries"] += 1
        return self._standins.hidden(value)


def _token_in(text: str) -> str | None:
    """The access token in a text, if it names an account."""
    found = tokens.PATTERN.search(text)
    if found is None or tokens.decode(found[0]).account is None:
        return None
    return found[0]


def _after(text: str, mark: str) -> str:
    return text.partition(mark)[2]
